//! The semantic conventions of OpenTelemetry, imported: the source compiles.

use crate::{cargo, lock, printed, refused, toml, workspace, write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The model, if it is there: below `OTELIER_SEMCONV`, or beside the workspace.
fn model() -> Option<PathBuf> {
    let folder = match std::env::var_os("OTELIER_SEMCONV") {
        Some(folder) => PathBuf::from(folder),
        None => workspace().join("../shared/fixtures/semconv"),
    };
    let found = [folder.join("model"), folder.clone()].into_iter().find(|model| model.is_dir());
    if found.is_none() {
        eprintln!("skipped: there are no semantic conventions in {}; OTELIER_SEMCONV says where", folder.display());
    }
    found
}

#[test]
fn the_source_of_the_semantic_conventions_compiles() {
    let Some(model) = model() else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conventions");
    let source = printed(&["schema", "import", &model.display().to_string()], 0);
    assert!(source.contains("= \"exception\"") && source.contains("attribute_group!"));
    let otelier = format!("otelier = {{ path = {}, default-features = false }}", toml(&workspace().join("runtime")));
    let manifest = format!(
        "[package]\nname = \"conventions\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
         [dependencies]\n{otelier}\n"
    );
    let source = format!("//! The semantic conventions.\n#![deny(warnings)]\n#![allow(deprecated)]\n\n{source}");
    write(&folder, &[("Cargo.toml", &manifest), ("src/lib.rs", &source)]);
    lock(&folder);
    let checked = cargo(&folder).args(["check", "--quiet"]).stdin(Stdio::null()).output().expect("cargo runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_model_with_mistakes_tells_where_they_are() {
    let folder = crate::folder("mistakes");
    write(&folder, &[("a/model.yaml", "groups:\n  - id: a\n    type: spam\n")]);
    let error = refused(&["schema", "import", &folder.display().to_string()]);
    assert!(error.contains("model.yaml:3:11: `spam`"), "{error}");
}
