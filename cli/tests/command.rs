//! The binary as a user runs it.

use std::process::{Command, Output};

fn otelier(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otelier")).args(arguments).output().expect("the binary runs")
}

#[test]
fn schemas_are_listed_and_shown() {
    let list = otelier(&["schema", "list"]);
    assert!(list.status.success());
    let list = String::from_utf8_lossy(&list.stdout);
    assert!(list.lines().any(|line| line.starts_with("storage.operation ") && line.contains(" client ")), "{list}");
    let shown = otelier(&["schema", "show", "storage.operation"]);
    assert!(String::from_utf8_lossy(&shown.stdout).starts_with("# storage.operation\n"));
}

#[test]
fn mistakes_end_with_code_2_and_a_sentence() {
    for arguments in [&["schema", "show", "nothing"][..], &["schema", "shwo"], &["schmea"], &["schema", "show"]] {
        let output = otelier(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "), "{arguments:?}");
    }
}
