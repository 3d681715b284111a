//! Every mistake has a file named after it, with the text that a user sees.

use std::process::Command;

/// The version whose texts are compared; others word their own part differently.
const COMPARED: &str = "rustc 1.95.";

#[test]
fn mistakes_are_refused_with_their_text() {
    let version = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version).into_owned();
    if !version.starts_with(COMPARED) {
        println!("skipped: texts are compared with {COMPARED}x only, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}

#[test]
fn what_users_write_compiles() {
    trybuild::TestCases::new().pass("tests/pass/*.rs");
}
