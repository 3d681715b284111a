//! The schemas of a package of the user: found with `cargo metadata`, and asked with a small program.

use super::{files, program, text};
use clap::{Arg, ArgMatches, Command};
use otelier_registry::model::Registry;
use otelier_registry::read;
use otelier_spec::suggest::{did_you_mean, list};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Adds the arguments that name a package.
pub(crate) fn arguments(command: Command) -> Command {
    let package = Arg::new("package")
        .long("package")
        .short('p')
        .value_name("NAME")
        .help("Takes the schemas that this package declares, and the ready-made ones it uses");
    let manifest = Arg::new("manifest-path")
        .long("manifest-path")
        .value_name("PATH")
        .help("The Cargo.toml of the package or its workspace")
        .requires("package");
    let features = Arg::new("features").long("features").help("Features of the package, by commas").requires("package");
    command.args([package, manifest, features])
}

/// What a program says of itself: files of a registry, and call sites.
pub(crate) struct Said(String);

impl Said {
    pub(crate) fn registry(&self) -> Result<Registry, String> {
        let files = files::split(&self.0).into_iter().filter(|(name, _)| *name != program::CALL_SITES);
        read::texts(files).map_err(|errors| errors.to_string())
    }

    /// The list of call sites, as the program wrote it.
    pub(crate) fn call_sites(&self) -> &str {
        let files = files::split(&self.0);
        files.into_iter().find(|(name, _)| *name == program::CALL_SITES).map_or("", |(_, text)| text)
    }
}

/// The schemas of the package `name`.
pub(crate) fn registry(matches: &ArgMatches, name: &str) -> Result<Registry, String> {
    ask(&find(matches, name)?)?.registry()
}

/// A package, as cargo sees it.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The folder of its manifest.
    pub(crate) folder: PathBuf,
    pub(crate) features: Vec<String>,
    /// The folder of its workspace, which has the `Cargo.lock`.
    pub(crate) workspace: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) otelier: Dependency,
}

/// Where a package takes otelier from.
pub(crate) enum Dependency {
    /// The folder that otelier is in.
    Path(PathBuf),
    /// A repository with the rest of its address, such as `branch=main`.
    Git { url: String, what: Option<String> },
    /// A version of the registry.
    Version(String),
}

/// The package that the arguments name.
pub(crate) fn find(matches: &ArgMatches, name: &str) -> Result<Package, String> {
    let mut arguments = vec!["--no-deps"];
    if let Some(path) = text(matches, "manifest-path") {
        arguments.extend(["--manifest-path", path]);
    }
    let members = metadata(&arguments)?;
    let packages = items(&members["packages"]);
    let found = packages.iter().find(|package| package["name"] == name);
    let package = found.ok_or_else(|| unknown(name, packages))?;
    let kinds = items(&package["targets"]).iter().flat_map(|target| items(&target["kind"]));
    if !kinds.into_iter().any(|kind| matches!(kind.as_str(), Some("lib" | "rlib"))) {
        let advice = "expected one: move the schemas into a `src/lib.rs` that the program uses";
        return Err(format!("the package `{name}` has no library; {advice}"));
    }
    let features: Vec<String> = text(matches, "features")
        .map(|features| features.split([',', ' ']).filter(|feature| !feature.is_empty()).map(str::to_owned).collect())
        .unwrap_or_default();
    let manifest = string(package, "manifest_path")?;
    let mut arguments = vec!["--manifest-path", manifest];
    let joined = features.join(",");
    if !features.is_empty() {
        arguments.extend(["--features", &joined]);
    }
    let resolved = metadata(&arguments)?;
    Ok(Package {
        name: name.to_owned(),
        version: string(package, "version")?.to_owned(),
        folder: folder(manifest)?,
        features,
        workspace: string(&resolved, "workspace_root")?.into(),
        target: string(&resolved, "target_directory")?.into(),
        otelier: otelier(&resolved, package)?,
    })
}

fn unknown(name: &str, packages: &[Value]) -> String {
    let mut names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    names.sort_unstable();
    match did_you_mean(name, names.iter().copied()) {
        Some(near) => format!("there is no package `{name}` in the workspace; did you mean `{near}`?"),
        None => format!("there is no package `{name}` in the workspace; expected {}", list(names)),
    }
}

/// Where `package` takes otelier from.
fn otelier(resolved: &Value, package: &Value) -> Result<Dependency, String> {
    let packages = items(&resolved["packages"]);
    let node = items(&resolved["resolve"]["nodes"]).iter().find(|node| node["id"] == package["id"]);
    let normal = |dependency: &&Value| items(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
    let dependencies = node.map(|node| items(&node["deps"])).unwrap_or_default();
    let by_id = |id: &Value| packages.iter().find(|package| package["id"] == *id);
    let found = dependencies.iter().filter(normal).filter_map(|dependency| by_id(&dependency["pkg"]));
    let Some(otelier) = found.into_iter().find(|package| package["name"] == "otelier") else {
        let name = package["name"].as_str().unwrap_or_default();
        return Err(format!("the package `{name}` does not depend on otelier; expected it in its [dependencies]"));
    };
    let Some(source) = otelier["source"].as_str() else {
        return folder(string(otelier, "manifest_path")?).map(Dependency::Path);
    };
    Ok(match source.strip_prefix("git+") {
        Some(address) => {
            let address = address.split('#').next().unwrap_or_default();
            let (url, what) = match address.split_once('?') {
                Some((url, what)) => (url, Some(what.to_owned())),
                None => (address, None),
            };
            Dependency::Git { url: url.to_owned(), what }
        }
        None => Dependency::Version(string(otelier, "version")?.to_owned()),
    })
}

/// Builds the program that links the package, runs it, and gives what it says.
pub(crate) fn ask(package: &Package) -> Result<Said, String> {
    let folder = package.target.join("otelier").join(format!("registry-of-{}", package.name));
    // Other commands may ask the same package, perhaps with other features. Locked until the file is closed.
    let _alone = program::lock_folder(&folder)?;
    program::write(package, &folder)?;
    let mut command = cargo();
    command.args(["run", "--quiet", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    command.arg("--target-dir").arg(&package.target);
    // Cargo's settings and the toolchain are those of the package.
    let output = command.current_dir(&package.folder).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        let name = &package.name;
        return Err(format!("the program that lists the schemas of `{name}` failed ({}); see above", output.status));
    }
    let said = String::from_utf8(output.stdout).map_err(|error| format!("the list of schemas is no text: {error}"))?;
    Ok(Said(said))
}

fn cargo() -> std::process::Command {
    std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

fn metadata(arguments: &[&str]) -> Result<Value, String> {
    let output = cargo().args(["metadata", "--format-version", "1"]).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.trim();
        return Err(format!("`cargo metadata` failed: {}", why.strip_prefix("error: ").unwrap_or(why)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata` is not understood: {error}"))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn string<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    value[key].as_str().ok_or_else(|| format!("`cargo metadata` says no `{key}`"))
}

/// The folder that the manifest is in.
fn folder(manifest: &str) -> Result<PathBuf, String> {
    let folder = Path::new(manifest).parent().map(Path::to_owned);
    folder.ok_or_else(|| format!("{manifest}: this is no manifest"))
}
