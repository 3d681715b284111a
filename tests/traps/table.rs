//! Every test that docs/traps.md names exists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The Rust files below a folder, by their path from the repository.
fn sources(folder: &Path, root: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        let path: PathBuf = entry.path();
        if path.is_dir() {
            sources(&path, root, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.insert(name, std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[test]
fn every_test_in_the_table_of_traps_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/traps.md")).expect("docs/traps.md is there");
    let mut files = BTreeMap::new();
    for folder in ["macros/src", "runtime/src", "runtime/tests", "tests", "ui-tests/tests"] {
        sources(&root.join(folder), &root, &mut files);
    }
    let mut missing = Vec::new();
    let mut count = 0;
    for row in page.lines().filter(|line| line.starts_with("| **")) {
        let Some(tests) = row.trim_end().trim_end_matches('|').rsplit('|').next() else { continue };
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            missing.push(format!("no test in: {row}"));
        }
        for test in named {
            count += 1;
            // A whole file, or a test in a file.
            let (file, function) = test.split_once("::").unwrap_or((test, ""));
            let Some(text) = files.get(file) else {
                missing.push(format!("no file for `{test}`"));
                continue;
            };
            let exists = ["(", "<"].iter().any(|end| text.contains(&format!("fn {function}{end}")));
            if !function.is_empty() && !exists {
                missing.push(format!("no test `{test}`"));
            }
        }
    }
    assert!(count > 40, "{count} tests only");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// What they wrote would depend on more than the tokens they get, and cargo would not build it anew.
#[test]
fn the_macros_read_nothing_but_their_tokens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = BTreeMap::new();
    sources(&root.join("macros/src"), &root, &mut files);
    assert!(files.len() > 8, "{:?}", files.keys());
    for (file, text) in files {
        for word in ["env::var", "SystemTime", "Instant", "std::fs", "File::open"] {
            assert!(!text.contains(word), "{file} uses `{word}`");
        }
    }
}
