//! Each violation, in small texts and in a small repository.

use super::packages::{Dependency, dependencies, package};
use super::{Root, check, file};
use std::fs;
use std::path::{Path, PathBuf};

const LIB: &str = "mod error; pub mod config; mod pipeline; mod record; pub mod private;
    pub use config::Telemetry;
    pub use opentelemetry;
    pub use otelier_macros::{trace, trace_block};
    pub use pipeline::{Guard, self_made::{Pipeline as Builder}};
    pub use private::{event, record};
    #[doc(hidden)] pub use private as __private;
    pub mod prelude { pub use crate::Telemetry; }";

fn violations(name: &str, text: &str) -> Vec<String> {
    file(&Root::of(LIB).unwrap(), name, text)
}

#[test]
fn the_repository_keeps_its_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let report = check(root).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    // Nothing is right because nothing was read.
    assert!(report.files > 20 && report.packages > 5, "{report:?}");
}

#[test]
fn an_upward_path_is_found_in_every_form() {
    let expected = "config/source.rs: `config` (layer 4) uses `pipeline` (layer 10); move the shared part down";
    for text in [
        "use crate::pipeline::Guard;",
        "use crate::{error, pipeline::Guard};",
        "use crate::{error::{Error, ConfigError}, pipeline};",
        "fn f() { let x = crate::pipeline::start(); }",
        "fn f() -> impl Fn(crate::pipeline::Guard) { g }",
        "use super::super::pipeline::Guard;",
        "use super::{super::pipeline::Guard, source};",
        "use self::super::super::pipeline::Guard;",
        "mod inner { use super::super::super::pipeline::Guard; }",
        "use otelier::pipeline::Guard;",
        "use ::otelier::pipeline::Guard;",
        "macro_rules! m { () => { $crate::pipeline::start() } }",
        "#[cfg(test)] mod tests { use crate::private; } use crate::pipeline::Guard;",
        "#[cfg(test)] use crate::private; use crate::pipeline::Guard;",
        "#[cfg(feature = \"otlp\")] use crate::pipeline::Guard;",
        // Names that `lib.rs` re-exports.
        "use crate::Guard;",
        "use crate::{ConfigError, Guard};",
        "use crate::Builder;",
        "use otelier::Guard;",
    ] {
        assert_eq!(violations("config/source.rs", text), [expected], "{text}");
    }
}

#[test]
fn how_deep_a_file_lies_decides_what_super_means() {
    let upward = |name| !violations(name, "use super::pipeline::Guard;").is_empty();
    assert!(upward("clock.rs"));
    assert!(upward("config/mod.rs"));
    assert!(!upward("config/source.rs"), "that is a module of its own");
    assert!(!upward("export/otlp/mod.rs"), "that is a sibling");
}

#[test]
fn a_name_that_is_renamed_or_declared_at_the_root_is_followed() {
    let uses = |text| violations("export/mod.rs", text).concat();
    assert!(uses("crate::__private::enter();").contains("uses `private` (layer 12)"));
    assert!(uses("use crate::prelude::*;").contains("uses `lib` (layer 13)"));
    assert_eq!(uses("use crate::record::Records;"), "", "the module, not the macro of that name");
}

#[test]
fn downward_paths_tests_and_texts_are_fine() {
    for text in [
        "use crate::config::Telemetry; use crate::{ConfigError, record};",
        "use super::guard::Guard; use super::super::config;",
        "#[cfg(test)] mod tests { use crate::private::enter; }",
        "#[cfg(all(test, feature = \"x\"))] fn f() { crate::private::enter(); }",
        "/// See [`crate::private`].\nconst TEXT: &str = \"crate::private\";",
        "// crate::private::enter()",
        "fn f(otelier: u32, this: Self) { self.private.f(); }",
    ] {
        assert_eq!(violations("pipeline/collector.rs", text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(violations("config/tests.rs", "use crate::private;"), Vec::<String>::new());
}

#[test]
fn one_violation_is_reported_once_for_a_file() {
    let text = "use crate::pipeline::{a, b}; use crate::Guard; fn f() { crate::pipeline::c(); }";
    assert_eq!(violations("clock.rs", text).len(), 1);
}

#[test]
fn a_module_without_a_layer_is_found() {
    for name in ["oddity.rs", "oddity/mod.rs", "oddity/part.rs"] {
        let problem = violations(name, "").concat();
        assert!(
            problem.starts_with(&format!("{name}: module `oddity` is in no layer; add it to `LAYERS`")),
            "{problem}"
        );
    }
}

#[test]
fn a_file_that_is_not_rust_is_named() {
    assert_eq!(violations("clock.rs", "fn f( {"), ["clock.rs: is not Rust"]);
}

fn dependency(package: &str, dev: bool) -> Dependency {
    Dependency { package: package.to_owned(), dev }
}

#[test]
fn dependencies_are_found_in_every_form() {
    let manifest = r#"
        [package]
        name = "otelier-macros"
        [features]
        default = ["otelier-features"]
        [dependencies] 
        quote.workspace = true
        otelier = { version = "0.1", features = [
            "otlp-http",
            "otlp-grpc",
        ] }
        # otelier-comment = "1"
        renamed = { package = "otelier-a", version = "1" }
        "otelier-quoted" = "1"
        [dependencies.otelier-table]
        path = "../x"
        [dependencies.alias]
        package = "otelier-b"
        [build-dependencies]
        otelier-build = "1"
        [target.'cfg(unix)'.dependencies]
        otelier-unix = "1"
        [target."cfg(windows)".dev-dependencies.otelier-windows]
        path = "../y"
        [dev-dependencies]
        otelier-dev = "1"
        [lints]
        workspace = true
    "#;
    let expected = [
        ("quote", false),
        ("otelier", false),
        ("otelier-a", false),
        ("otelier-quoted", false),
        ("otelier-table", false),
        ("otelier-b", false),
        ("otelier-build", false),
        ("otelier-unix", false),
        ("otelier-windows", true),
        ("otelier-dev", true),
    ];
    assert_eq!(dependencies(manifest), expected.map(|(package, dev)| dependency(package, dev)));
}

#[test]
fn the_macros_do_not_depend_on_the_runtime_but_their_tests_may() {
    let problems = package("macros", &[dependency("otelier", false), dependency("otelier-spec", false)]);
    assert_eq!(problems, ["macros/Cargo.toml: `macros` may not depend on `otelier`: dependencies point down"]);
    assert_eq!(package("macros", &[dependency("otelier", true)]), Vec::<String>::new());
}

#[test]
fn the_shared_words_have_no_dependencies_at_all() {
    for dev in [false, true] {
        let problems = package("spec", &[dependency("serde", dev)]);
        assert_eq!(problems, ["spec/Cargo.toml: `spec` may not depend on `serde`: it has no dependencies"]);
    }
}

#[test]
fn the_benchmarks_are_nobodys_dependency() {
    for folder in ["macros", "tests", "examples/quickstart"] {
        for dev in [false, true] {
            let problems = package(folder, &[dependency("otelier-benches", dev)]);
            assert!(problems.concat().contains("nothing depends on that package"), "{folder}: {problems:?}");
        }
    }
}

#[test]
fn the_receivers_are_for_tests_only() {
    assert_eq!(package("cli", &[dependency("otelier-tests", false)]).len(), 1);
    assert_eq!(package("cli", &[dependency("otelier-tests", true)]), Vec::<String>::new());
}

/// A repository of a few files, which is gone after the test.
struct Tree(PathBuf);

impl Tree {
    fn of(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("otelier-xtask-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(root)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_violation_of_a_repository_is_reported_at_once() {
    let tree = Tree::of(
        "all",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\n    \"spec\",\n    \"runtime\", \"benches\",\n]\n"),
            ("spec/Cargo.toml", "[dependencies]\nserde = \"1\"\n"),
            ("runtime/Cargo.toml", "[dependencies]\notelier-spec.workspace = true\n"),
            ("benches/Cargo.toml", "[dependencies]\notelier.workspace = true\n"),
            ("runtime/src/lib.rs", "mod clock; mod pipeline; pub use pipeline::Guard; mod stray;"),
            ("runtime/src/clock.rs", "use super::Guard;"),
            ("runtime/src/pipeline/mod.rs", "use crate::clock::now;"),
            ("runtime/src/pipeline/guard.rs", "use crate::private::enter;"),
            ("runtime/src/stray.rs", ""),
            ("runtime/src/notes.txt", "use crate::private;"),
        ],
    );
    let report = check(&tree.0).unwrap();
    assert_eq!(
        report.problems,
        [
            "clock.rs: `clock` (layer 0) uses `pipeline` (layer 10); move the shared part down",
            "pipeline/guard.rs: `pipeline` (layer 10) uses `private` (layer 12); move the shared part down",
            "stray.rs: module `stray` is in no layer; add it to `LAYERS` in xtask/src/layers/mod.rs",
            "spec/Cargo.toml: `spec` may not depend on `serde`: it has no dependencies",
        ]
    );
    assert_eq!((report.files, report.packages), (4, 3));
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_place() {
    let empty = Tree::of("empty", &[("Cargo.toml", "[workspace]")]);
    assert!(check(&empty.0).unwrap_err().contains("lib.rs"));
    let files = [("Cargo.toml", "[workspace]"), ("runtime/src/lib.rs", "")];
    let memberless = Tree::of("memberless", &files);
    assert!(check(&memberless.0).unwrap_err().contains("no `members` found"));
    let files = [("Cargo.toml", "members = [\"gone\"]"), ("runtime/src/lib.rs", "")];
    let gone = Tree::of("gone", &files);
    assert!(check(&gone.0).unwrap_err().contains("gone"));
}
