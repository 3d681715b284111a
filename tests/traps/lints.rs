//! Lints find nothing in an annotated function that they do not find in the same function without its annotation.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lints of rustc that are silent unless asked for; clippy's are asked for in groups.
const RUSTC: &[&str] = &[
    "absolute_paths_not_starting_with_crate",
    "elided_lifetimes_in_paths",
    "explicit_outlives_requirements",
    "future_incompatible",
    "keyword_idents",
    "let_underscore_drop",
    "macro_use_extern_crate",
    "meta_variable_misuse",
    "missing_abi",
    "missing_copy_implementations",
    "missing_debug_implementations",
    "missing_docs",
    "non_ascii_idents",
    "nonstandard_style",
    "redundant_imports",
    "redundant_lifetimes",
    "rust_2018_idioms",
    "single_use_lifetimes",
    "tail_expr_drop_order",
    "trivial_casts",
    "trivial_numeric_casts",
    "unit_bindings",
    "unnameable_types",
    "unreachable_pub",
    "unsafe_code",
    "unsafe_op_in_unsafe_fn",
    "unused",
    "unused_crate_dependencies",
    "unused_extern_crates",
    "unused_import_braces",
    "unused_lifetimes",
    "unused_macro_rules",
    "unused_qualifications",
    "unused_results",
    "variant_size_differences",
];

const CLIPPY: &[&str] = &["all", "pedantic", "nursery", "restriction", "cargo"];

/// A lint, the file, the line and the text there.
type Found = (String, String, u64, String);

#[test]
fn annotations_make_no_lint_speak() {
    if !Command::new(cargo()).args(["clippy", "--version"]).output().is_ok_and(|output| output.status.success()) {
        println!("skipped: clippy is not installed (rustup component add clippy)");
        return;
    }
    let (plain, annotated) = (findings(""), findings("annotated"));
    assert!(plain.len() > 50, "clippy found {} things only: it did not run", plain.len());
    let new: Vec<_> = annotated.difference(&plain).map(|found| format!("{found:?}")).collect();
    assert!(new.is_empty(), "{} new findings:\n{}", new.len(), new.join("\n"));
}

fn cargo() -> PathBuf {
    std::env::var_os("CARGO").unwrap_or("cargo".into()).into()
}

/// What the lints find in both editions.
fn findings(features: &str) -> BTreeSet<Found> {
    let mut clippy = Command::new(cargo());
    clippy.args(["clippy", "--quiet", "--no-deps", "--package", "otelier-shapes", "--package", "otelier-shapes-2021"]);
    clippy.args(["--message-format", "json", "--features", features, "--"]);
    clippy.args(RUSTC.iter().map(|lint| format!("-W{lint}")));
    clippy.args(CLIPPY.iter().map(|group| format!("-Wclippy::{group}")));
    // Against the language's own style: it wants a `return` at the end of every function.
    clippy.args(["-Aclippy::implicit_return", "-Aclippy::blanket_clippy_restriction_lints"]);
    clippy.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes"));
    let output = clippy.output().expect("clippy runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeSet::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let Some(lint) = message["message"]["code"]["code"].as_str() else { continue };
        for span in message["message"]["spans"].as_array().into_iter().flatten() {
            let file = span["file_name"].as_str().unwrap_or_default();
            let text = span["text"][0]["text"].as_str().unwrap_or_default();
            let line = span["line_start"].as_u64().unwrap_or_default();
            found.insert((lint.to_owned(), file.to_owned(), line, text.trim().to_owned()));
        }
    }
    found
}
