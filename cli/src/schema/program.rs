//! The program that lists the schemas of a package: a crate that links the package and prints the registry.

use super::files;
use super::package::{Dependency, Package};
use std::fs::{self, File};
use std::path::Path;

/// What the program calls the list of call sites: a line each, with eight fields between unit separators: file, line, name,
/// schema, keys, kind, priority and the schema's pattern of names.
pub(crate) const CALL_SITES: &str = "call-sites";

/// What is between two fields of a call site.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// The ready-made schemas are told if a call site uses them; the package's own always.
const MAIN: &str = r##"//! Prints the schemas of a package and the places that use them.

use otelier::schema::registry::{call_sites, events, groups, spans};
use otelier::schema::{ALL, EVENTS, GROUPS};
use otelier_registry::{definitions, yaml};
use package as _;
use std::collections::BTreeSet;
use std::fmt::Debug;

fn pick<'a, T: Debug>(
    declared: impl Iterator<Item = &'a T>,
    ready: &[&'a T],
    id: fn(&T) -> &'static str,
    used: &BTreeSet<&str>,
) -> Vec<&'a T> {
    let text = |def: &T| format!("{def:?}");
    let ready: BTreeSet<String> = ready.iter().map(|def| text(def)).collect();
    let (ready, mut picked): (Vec<&T>, Vec<&T>) = declared.partition(|def| ready.contains(&text(def)));
    let own: BTreeSet<&str> = picked.iter().map(|def| id(def)).collect();
    picked.extend(ready.into_iter().filter(|def| used.contains(id(def)) && !own.contains(id(def))));
    picked
}

fn main() {
    let mut used = BTreeSet::new();
    for site in call_sites() {
        used.extend(site.keys.iter().copied().chain(site.schema.map(|schema| schema.id)));
    }
    let spans = pick(spans(), ALL, |def| def.id, &used);
    let events = pick(events(), EVENTS, |def| def.id, &used);
    let groups = pick(groups(), GROUPS, |def| def.id, &BTreeSet::new());
    match yaml::definition(&definitions::registry(NAME, "", URL, spans, events, groups)) {
        Ok(files) => files.iter().for_each(|(name, text)| print!("# file: {name}\n{text}")),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
    println!("# file: call-sites");
    let plain = |text: &str| text.replace(char::is_control, " ");
    for site in call_sites() {
        let (line, schema) = (site.line.to_string(), site.schema.map_or("", |schema| schema.id));
        let (kind, pattern) = (format!("{:?}", site.kind).to_lowercase(), site.schema.map_or("", |schema| schema.name));
        let keys = site.keys.join(", ");
        let fields = [site.file, &line, site.name, schema, &keys, &kind, site.priority, pattern];
        println!("{}", fields.map(plain).join("\u{1f}"));
    }
}
"##;

/// Writes the program for `package` into `folder`, with the versions of the package's `Cargo.lock`.
pub(crate) fn write(package: &Package, folder: &Path) -> Result<(), String> {
    let sources = folder.join("src");
    fs::create_dir_all(&sources).map_err(|error| files::failed(&sources, &error))?;
    let url = format!("https://{}.invalid/schemas/{}", package.name.replace('_', "-"), package.version);
    let constants = format!("const NAME: &str = {:?};\nconst URL: &str = {url:?};\n", package.name);
    let main = MAIN.replacen("\nfn pick", &format!("\n{constants}\nfn pick"), 1);
    update(&sources.join("main.rs"), main.as_bytes())?;
    update(&folder.join("Cargo.toml"), manifest(package)?.as_bytes())?;
    lock(package, folder)
}

/// Waits until nobody else works in the folder.
pub(crate) fn lock_folder(folder: &Path) -> Result<File, String> {
    let path = folder.join("lock");
    let opened = fs::create_dir_all(folder).and_then(|()| File::create(&path));
    opened.and_then(|file| file.lock().map(|()| file)).map_err(|error| files::failed(&path, &error))
}

/// Takes over the package's `Cargo.lock` whenever it is another one than last time; cargo adds to it what the program
/// needs beside the package.
fn lock(package: &Package, folder: &Path) -> Result<(), String> {
    let Ok(lock) = fs::read(package.workspace.join("Cargo.lock")) else { return Ok(()) };
    let last = folder.join("Cargo.lock.package");
    if fs::read(&last).is_ok_and(|last| last == lock) {
        return Ok(());
    }
    update(&folder.join("Cargo.lock"), &lock)?;
    update(&last, &lock)
}

/// Writes a file unless it is as it should be: cargo goes by the time of the last change.
fn update(path: &Path, content: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(|error| files::failed(path, &error))
}

fn manifest(package: &Package) -> Result<String, String> {
    let features: Vec<String> = package.features.iter().map(|feature| quoted(feature)).collect();
    let (runtime, registry) = match &package.otelier {
        Dependency::Path(folder) => {
            let registry = folder.with_file_name("registry");
            if !registry.join("Cargo.toml").is_file() {
                return Err(format!(
                    "{}: there is no otelier-registry; expected it beside otelier, which is taken from {}",
                    registry.display(),
                    folder.display()
                ));
            }
            (format!("path = {}", path(folder)?), format!("path = {}", path(&registry)?))
        }
        Dependency::Git { url, what } => {
            let what = what.as_deref().and_then(|what| what.split_once('='));
            let what = what.map(|(key, value)| format!(", {key} = {}", quoted(value))).unwrap_or_default();
            let source = format!("git = {}{what}", quoted(url));
            (source.clone(), source)
        }
        Dependency::Version(version) => {
            let version = format!("version = {}", quoted(&format!("={version}")));
            (version.clone(), version)
        }
    };
    Ok(format!(
        "# Made by `otelier schema`.\n\
         [package]\nname = {}\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\n\
         package = {{ package = {}, path = {}, features = [{}] }}\n\
         otelier = {{ {runtime}, default-features = false, features = [\"registry\"] }}\n\
         otelier-registry = {{ {registry}, features = [\"definitions\"] }}\n",
        quoted(&format!("registry-of-{}", package.name)),
        quoted(&package.name),
        path(&package.folder)?,
        features.join(", ")
    ))
}

fn path(path: &Path) -> Result<String, String> {
    let text = path.to_str().ok_or_else(|| format!("{}: expected a path of Unicode characters", path.display()))?;
    Ok(quoted(text))
}

/// `text` as TOML has it, which takes JSON's notation.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
