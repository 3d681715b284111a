//! Dependencies point down: a module of `runtime/src` uses only modules of its own layer or below, and the packages
//! depend on each other only as ARCHITECTURE.md says.

mod packages;
mod paths;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// Bottom first. The order of this list is the architecture.
const LAYERS: &[&[&str]] = &[
    &["clock", "diagnostics", "error", "headers", "relation", "wire"],
    &["attribute"],
    &["schema"],
    &["record"],
    &["bridge", "config", "propagation"],
    &["sampling", "span"],
    &["correlation"],
    &["http", "logging", "prefect", "process", "tracing"],
    &["export", "resource"],
    &["metrics"],
    &["health", "pipeline", "signals"],
    &["testing"],
    &["private"],
];

/// What was checked, and every violation as a sentence.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) files: usize,
    pub(crate) packages: usize,
    pub(crate) problems: Vec<String>,
}

/// Checks the repository below `root`.
///
/// # Errors
///
/// If the sources or a manifest cannot be read, with the place.
pub(crate) fn check(root: &Path) -> Result<Report, String> {
    let mut report = Report::default();
    let source = root.join("runtime/src");
    let text = read(&source.join("lib.rs"))?;
    let crate_root = Root::of(&text).ok_or_else(|| format!("{} is not Rust", source.join("lib.rs").display()))?;
    modules(&crate_root, &source, &source, &mut report).map_err(|error| format!("{}: {error}", source.display()))?;
    packages::check(root, &mut report)?;
    Ok(report)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Names at the root of the crate that are not modules with a file: where they lead to.
struct Root(BTreeMap<String, String>);

impl Root {
    /// Reads `lib.rs`; `None` if it is not Rust.
    fn of(lib: &str) -> Option<Self> {
        Some(Self(paths::reexports(lib.parse().ok()?)))
    }

    /// The module that stands behind a name at the root. A module's own name comes before a macro's or an item's.
    fn module<'a>(&'a self, name: &'a str) -> &'a str {
        let known = layer(name).is_some();
        self.0.get(name).filter(|_| !known).map_or(name, String::as_str)
    }
}

/// The number of a module's layer; what is declared in `lib.rs` itself is above all others.
fn layer(module: &str) -> Option<usize> {
    let top = (module == paths::LIB).then_some(LAYERS.len());
    LAYERS.iter().position(|layer| layer.contains(&module)).or(top)
}

fn modules(root: &Root, source: &Path, folder: &Path, report: &mut Report) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for path in entries.into_iter().map(|entry| entry.path()) {
        let relative = path.strip_prefix(source).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            modules(root, source, &path, report)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") && relative != "lib.rs" {
            report.files += 1;
            report.problems.extend(file(root, &relative, &fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// The violations of one file, whose name is relative to the source folder.
fn file(root: &Root, name: &str, text: &str) -> Vec<String> {
    let mut path: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
    match path.last() {
        // The parent declares it under `#[cfg(test)]`.
        Some(&"tests") => return Vec::new(),
        Some(&"mod") => _ = path.pop(),
        _ => {}
    }
    let module = path.first().copied().unwrap_or_default();
    let Some(mine) = layer(module) else {
        return vec![format!(
            "{name}: module `{module}` is in no layer; add it to `LAYERS` in xtask/src/layers/mod.rs"
        )];
    };
    let Ok(tokens) = text.parse::<TokenStream>() else { return vec![format!("{name}: is not Rust")] };
    let mut used: Vec<&str> = Vec::new();
    let names = paths::from_root(tokens, path.len());
    for other in names.iter().map(|name| root.module(name)) {
        if !used.contains(&other) {
            used.push(other);
        }
    }
    used.into_iter()
        .filter_map(|other| {
            let theirs = layer(other).filter(|theirs| *theirs > mine)?;
            Some(format!(
                "{name}: `{module}` (layer {mine}) uses `{other}` (layer {theirs}); move the shared part down"
            ))
        })
        .collect()
}
