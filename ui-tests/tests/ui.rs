//! Every mistake has a file named after it, with the text that a user sees.

use std::process::Command;

/// The version whose texts are compared; others word their own part differently.
const COMPARED: &str = "rustc 1.95.";

#[test]
fn mistakes_are_refused_with_their_text() {
    if is_compared() {
        trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
    }
}

/// Whether this is the version whose texts are compared.
fn is_compared() -> bool {
    let version = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version).into_owned();
    if !version.starts_with(COMPARED) {
        println!("skipped: texts are compared with {COMPARED}x only, this is {version}");
        return false;
    }
    true
}

/// What rustc sees only when it makes code: attributes that come with a value.
#[test]
fn mistakes_of_values_are_refused_when_they_are_built() {
    if !is_compared() {
        return;
    }
    let cases = trybuild::TestCases::new();
    // One that compiles makes trybuild build the others, too.
    cases.pass("tests/built_pass/*.rs");
    cases.compile_fail("tests/built/*.rs");
}

#[test]
fn what_users_write_compiles() {
    trybuild::TestCases::new().pass("tests/pass/*.rs");
}

#[test]
fn every_mistake_is_in_the_table_of_diagnostics() -> std::io::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("../docs/diagnostics.md"))?;
    let mut missing = Vec::new();
    for folder in std::fs::read_dir(root.join("tests/ui"))? {
        for file in std::fs::read_dir(folder?.path())? {
            let path = file?.path();
            let link = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if link.ends_with(".rs") && !table.contains(&format!("(../ui-tests/{link})")) {
                missing.push(link);
            }
        }
    }
    missing.sort();
    assert!(missing.is_empty(), "docs/diagnostics.md does not name {missing:#?}");
    for link in table.split("(../ui-tests/").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(root.join(link).exists(), "docs/diagnostics.md names {link}, which does not exist");
    }
    Ok(())
}
