//! Dependencies point down: a module of `runtime/src` uses only modules of its own layer or below, and the packages
//! depend on each other only as ARCHITECTURE.md says.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// Bottom first. The order of this list is the architecture.
const LAYERS: &[&[&str]] = &[
    &["clock", "error", "wire"],
    &["attribute"],
    &["schema"],
    &["record"],
    &["config"],
    &["export", "resource"],
    &["pipeline"],
    &["private"],
];

/// What the crate re-exports at its root, and the module it comes from.
const REEXPORTS: &[(&str, &str)] = &[
    ("ConfigError", "error"),
    ("Error", "error"),
    ("TimedOut", "pipeline"),
    ("ErrorClass", "record"),
    ("Telemetry", "config"),
    ("Guard", "pipeline"),
    ("Pipeline", "pipeline"),
    ("Stats", "pipeline"),
    ("init", "pipeline"),
];

/// Which packages of the workspace a package may depend on, outside of its tests.
const PACKAGES: &[(&str, &[&str])] = &[
    ("spec", &[]),
    ("macros", &["otelier-spec"]),
    ("runtime", &["otelier-macros", "otelier-spec"]),
    ("cli", &["otelier"]),
];

/// Every violation, as a sentence; an error if the sources cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    let source = root.join("runtime/src");
    modules(&source, &source, &mut problems).map_err(|error| format!("{}: {error}", source.display()))?;
    for (folder, allowed) in PACKAGES {
        let manifest = root.join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
        problems.extend(package(folder, &text, allowed));
    }
    Ok(problems)
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn modules(source: &Path, folder: &Path, problems: &mut Vec<String>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for path in entries.into_iter().map(|entry| entry.path()) {
        if path.is_dir() {
            modules(source, &path, problems)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(source).unwrap_or(&path);
            let name = relative.to_string_lossy().replace('\\', "/");
            problems.extend(file(&name, &fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// The violations of one file, whose name is relative to the source folder.
fn file(name: &str, text: &str) -> Vec<String> {
    let first = name.split('/').next().unwrap_or(name);
    let module = first.strip_suffix(".rs").unwrap_or(first);
    if module == "lib" {
        return Vec::new();
    }
    let Some(mine) = layer(module) else {
        return vec![format!("{name}: module `{module}` is in no layer; add it to `LAYERS` in xtask/src/layers.rs")];
    };
    let Ok(tokens) = text.parse::<TokenStream>() else { return vec![format!("{name}: is not Rust")] };
    let mut used = BTreeMap::new();
    paths(tokens, &mut used);
    used.into_keys()
        .filter_map(|word| {
            let other = REEXPORTS.iter().find(|(name, _)| *name == word).map_or(word.as_str(), |(_, module)| module);
            let theirs = layer(other).filter(|theirs| *theirs > mine)?;
            Some(format!(
                "{name}: `{module}` (layer {mine}) uses `{other}` (layer {theirs}); move the shared part down"
            ))
        })
        .collect()
}

/// Collects `x` of every `crate::x` and `crate::{x, …}`, test modules left out.
fn paths(tokens: TokenStream, used: &mut BTreeMap<String, ()>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_test(&tokens[at..]) {
            // `#[cfg(test)]` and the item it stands on, up to its braces or semicolon.
            let end = tokens[at..].iter().position(|token| match token {
                TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
                TokenTree::Punct(punct) => punct.as_char() == ';',
                _ => false,
            });
            at += end.unwrap_or(tokens.len()) + 1;
            continue;
        }
        if let [TokenTree::Ident(word), TokenTree::Punct(colon), TokenTree::Punct(_), next, ..] = &tokens[at..]
            && word == "crate"
            && colon.as_char() == ':'
        {
            match next {
                TokenTree::Ident(module) => {
                    used.insert(module.to_string(), ());
                }
                TokenTree::Group(group) => starts(group.stream(), used),
                _ => {}
            }
        }
        if let TokenTree::Group(group) = &tokens[at] {
            paths(group.stream(), used);
        }
        at += 1;
    }
}

/// Whether `#[cfg(test)]` stands here.
fn is_test(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(hash), TokenTree::Group(list), ..]
        if hash.as_char() == '#' && list.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// The first word of each path in `{a, b::c, …}`.
fn starts(tokens: TokenStream, used: &mut BTreeMap<String, ()>) {
    let mut first = true;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if first => {
                used.insert(word.to_string(), ());
                first = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => first = true,
            _ => {}
        }
    }
}

/// Packages of the workspace that a manifest's `[dependencies]` name without being allowed to.
fn package(folder: &str, manifest: &str, allowed: &[&str]) -> Vec<String> {
    let mut section = "";
    let mut problems = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        let ours = name == "otelier" || name.starts_with("otelier-");
        if ours && matches!(section, "[dependencies]" | "[build-dependencies]") && !allowed.contains(&name) {
            problems.push(format!("{folder}/Cargo.toml: `{folder}` may not depend on `{name}`"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_keeps_its_layers() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert_eq!(check(root), Ok(Vec::new()));
    }

    #[test]
    fn an_upward_path_is_found_wherever_it_stands() {
        let expected = "config/mod.rs: `config` (layer 4) uses `pipeline` (layer 6); move the shared part down";
        for text in [
            "use crate::pipeline::Guard;",
            "use crate::{error, pipeline::Guard};",
            "fn f() { let x = crate::pipeline::start(); }",
            "use crate::Guard;",
        ] {
            assert_eq!(file("config/mod.rs", text), [expected], "{text}");
        }
    }

    #[test]
    fn downward_paths_tests_and_texts_are_fine() {
        for text in [
            "use crate::config::Telemetry; use crate::{ConfigError, record};",
            "#[cfg(test)] mod tests { use crate::private::enter; }",
            "/// See [`crate::private`].\nconst TEXT: &str = \"crate::private\";",
        ] {
            assert_eq!(file("pipeline/mod.rs", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        assert!(file("oddity.rs", "")[0].contains("`oddity` is in no layer"));
    }

    #[test]
    fn a_wrong_dependency_is_found_and_tests_may_have_it() {
        let manifest =
            "[dependencies]\notelier = \"0.1\"\nquote.workspace = true\n[dev-dependencies]\notelier-benches = {}";
        let problems = package("macros", manifest, &["otelier-spec"]);
        assert_eq!(problems, ["macros/Cargo.toml: `macros` may not depend on `otelier`"]);
    }
}
