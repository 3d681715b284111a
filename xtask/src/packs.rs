//! `cargo xtask packs`: the ready-made schemas from their tables.
//!
//! `registry/packs/*.yaml` become the modules of `otelier::schema`, and `registry/packs/sources.tsv` the old names that can
//! be exported beside the new ones.

use otelier_registry::read;
use otelier_registry::rust::{self, Module, Options};
use saphyr::{LoadableYamlNode, Yaml};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Rust names that do not follow from the ids.
const NAMES: &[(&str, &str)] = &[("workflow.run", "Workflow")];

/// The tables of old names: what the sources are called, and the variant of `OldNames`.
const SOURCES: &[(&str, &str)] = &[("L", "Lakehouse"), ("M", "Lakehouse"), ("B", "BuildTracer"), ("R", "Retail")];

/// Writes what is generated, or with `only_check` says what is not as it would be written.
pub(crate) fn run(root: &Path, only_check: bool) -> Result<Vec<String>, String> {
    let mut stale = Vec::new();
    for (path, text) in generate(root)? {
        let is_same = fs::read_to_string(&path).is_ok_and(|found| found == text);
        if is_same {
            continue;
        }
        if only_check {
            stale.push(format!("{} is not what `cargo xtask packs` writes", path.display()));
        } else {
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(stale)
}

/// The generated files.
fn generate(root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let folder = root.join("registry/packs");
    let registry = read::registry(&folder).map_err(|errors| errors.to_string())?;
    let packs = packs(&folder)?;
    let modules: Vec<Module> = packs.iter().map(|(_, module)| module.clone()).collect();
    let options = Options { crate_path: "crate".to_owned(), ..Options::default() };
    let sources = rust::modules(&registry, &options, &modules)?;
    let schemas = root.join("runtime/src/schema");
    let mut files = Vec::new();
    let mut lists = BTreeMap::<&str, Vec<String>>::new();
    for ((name, _), source) in packs.iter().zip(&sources) {
        for (keyword, ident) in declared(source) {
            lists.entry(keyword).or_default().push(format!("{name}::{ident}"));
        }
        let source = format!("// Made by `cargo xtask packs` of registry/packs/{name}.yaml.\n\n{source}");
        files.push((schemas.join("packs").join(format!("{name}.rs")), formatted(root, &source)?));
    }
    files.push((schemas.join("packs/mod.rs"), formatted(root, &module_list(&packs, &lists))?));
    files.push((root.join("runtime/src/record/old_names/table.rs"), formatted(root, &old_names(&folder)?)?));
    Ok(files)
}

/// The packs by name, with what is in each.
fn packs(folder: &Path) -> Result<Vec<(String, Module)>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut packs = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name == "manifest" {
            continue;
        }
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let documents = Yaml::load_from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let document = documents.first().ok_or_else(|| format!("{} is empty", path.display()))?;
        let all = |section: &str, key: &str| {
            let items = document.as_mapping_get(section).and_then(Yaml::as_vec);
            let names = items.into_iter().flatten().filter_map(|item| item.as_mapping_get(key)?.as_str());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let ids = [("attribute_groups", "id"), ("spans", "type"), ("events", "name")];
        let module = Module {
            path: format!("crate::schema::{name}"),
            docs: text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default().to_owned(),
            ids: ids.iter().flat_map(|(section, key)| all(section, key)).collect(),
            attributes: all("attributes", "key").into_iter().collect(),
            names: NAMES.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect(),
        };
        packs.push((name, module));
    }
    Ok(packs)
}

/// What a module declares: the macro and the name.
fn declared(source: &str) -> Vec<(&'static str, String)> {
    let mut keyword = None;
    let mut found = Vec::new();
    for line in source.lines() {
        for known in ["attribute_group", "event_schema", "span_schema"] {
            if line == format!("crate::{known}! {{") {
                keyword = Some(known);
            }
        }
        let name = line.strip_prefix("    pub ").and_then(|rest| rest.split_once(" = "));
        if let (Some(known), Some((name, _))) = (keyword, name) {
            found.push((known, name.to_owned()));
            keyword = None;
        }
    }
    found
}

/// `packs/mod.rs`: the modules, and lists of all that they declare.
fn module_list(packs: &[(String, Module)], lists: &BTreeMap<&str, Vec<String>>) -> String {
    let mut text = String::from("// Made by `cargo xtask packs` of registry/packs.\n\n//! The ready-made schemas.\n\n");
    for (name, _) in packs {
        let _ = writeln!(text, "pub mod {name};");
    }
    text.push_str("\nuse super::{AttributeGroup, EventDef, EventSchema, GroupDef, Schema, SchemaDef};\n");
    for (keyword, constant, definition, what) in [
        ("span_schema", "ALL", "SchemaDef", "span schema"),
        ("event_schema", "EVENTS", "EventDef", "event schema"),
        ("attribute_group", "GROUPS", "GroupDef", "attribute group"),
    ] {
        let _ = write!(
            text,
            "\n/// Every {what} that comes with this crate.\npub const {constant}: &[&{definition}] = &[\n"
        );
        for path in lists.get(keyword).into_iter().flatten() {
            let _ = writeln!(text, "    {path}::DEF,");
        }
        text.push_str("];\n");
    }
    text
}

/// The renamed attributes of `sources.tsv`, by their new names.
fn old_names(folder: &Path) -> Result<String, String> {
    let path = folder.join("sources.tsv");
    let table = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut rows = BTreeMap::new();
    for (number, line) in table.lines().enumerate().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [source, old, new, state, values, _] = columns.as_slice() else {
            return Err(format!("{}:{}: expected six columns, not {}", path.display(), number + 1, columns.len()));
        };
        // Names without a namespace are arguments of a tracer, and no attributes.
        if *state == "renamed" && old.contains('.') {
            let known = SOURCES.iter().find(|(short, _)| short == source);
            let (_, variant) =
                known.ok_or_else(|| format!("{}:{}: unknown source `{source}`", path.display(), number + 1))?;
            rows.insert((*new, *variant, *old), *values);
        }
    }
    let mut text = String::from(
        "// Made by `cargo xtask packs` of registry/packs/sources.tsv.\n\n//! Attributes that have another name now, by the new one.\n\n\
         use super::{OldNames, Rename};\n\npub(super) const RENAMES: &[Rename] = &[\n",
    );
    for ((new, variant, old), values) in rows {
        let pairs = values.split(',').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<String> = pairs.map(|(old, new)| format!("({old:?}, {new:?})")).collect();
        let _ = writeln!(
            text,
            "    Rename {{ of: OldNames::{variant}, new: {new:?}, old: {old:?}, values: &[{}] }},",
            pairs.join(", ")
        );
    }
    text.push_str("];\n");
    Ok(text)
}

/// The source as `rustfmt` writes it.
fn formatted(root: &Path, source: &str) -> Result<String, String> {
    use std::io::Write as _;
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--quiet", "--config-path"])
        .arg(root.join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`rustfmt` could not be started: {error}"))?;
    let failed = |error| format!("`rustfmt`: {error}");
    if let Some(mut stdin) = rustfmt.stdin.take() {
        let source = source.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(source.as_bytes()));
        let output = rustfmt.wait_with_output().map_err(failed)?;
        let _ = writer.join();
        if output.status.success() {
            return String::from_utf8(output.stdout).map_err(|error| error.to_string());
        }
    }
    Err("`rustfmt` refused what was made of the packs".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_committed_is_what_the_packs_give() {
        assert_eq!(super::run(&crate::root(), true), Ok(Vec::new()));
    }
}
