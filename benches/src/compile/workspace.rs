//! The throw-away workspace: its crates depend on otelier by path, and on everything else in this repository's versions.

use super::source::{Package, SCHEMA};
use crate::clock;
use crate::report::repository;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What is done to a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Check,
    Build,
}

impl Step {
    pub(crate) const ALL: [Self; 2] = [Self::Check, Self::Build];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Build => "build",
        }
    }
}

pub(crate) struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// Writes the crates of `packages`, and compiles what they depend on.
    pub(crate) fn prepare(packages: &[Package]) -> Result<Self, String> {
        let workspace = Self { folder: folder()? };
        let names: Vec<String> = packages.iter().map(|package| format!("\"{}\"", package.name())).collect();
        let members = names.join(", ");
        workspace
            .write("Cargo.toml", &format!("[workspace]\nresolver = \"3\"\nmembers = [\"schema\", {members}]\n"))?;
        let lock = repository().join("Cargo.lock");
        let lock = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
        workspace.write("Cargo.lock", &lock)?;
        let otelier = format!("otelier = {{ path = {:?}, default-features = false }}\n", repository().join("runtime"));
        workspace.write("schema/Cargo.toml", &manifest("schema", &otelier))?;
        workspace.write("schema/src/lib.rs", SCHEMA)?;
        for package in packages {
            let dependencies = format!("{otelier}schema = {{ path = \"../schema\" }}\ntracing = \"0.1\"\n");
            workspace.write(&format!("{}/Cargo.toml", package.name()), &manifest(&package.name(), &dependencies))?;
            workspace.write_source(*package, 1)?;
        }
        for step in Step::ALL {
            workspace.cargo(&[step.word(), "--workspace"])?;
        }
        Ok(workspace)
    }

    /// Processor seconds that cargo and its children need for one crate with that many functions.
    pub(crate) fn seconds(&self, package: Package, functions: usize, step: Step) -> Result<f64, String> {
        self.write_source(package, functions)?;
        let name = package.name();
        let before = clock::children_seconds();
        let said = self.cargo(&[step.word(), "--package", &name])?;
        let seconds = clock::children_seconds() - before;
        if seconds.is_nan() {
            return Err("processor time of child processes is not known on this system".to_owned());
        }
        if !said.contains(&format!(" {name} ")) {
            return Err(format!("cargo found nothing to {} in `{name}`", step.word()));
        }
        Ok(seconds)
    }

    fn write_source(&self, package: Package, functions: usize) -> Result<(), String> {
        self.write(&format!("{}/src/lib.rs", package.name()), &package.source(functions))
    }

    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        let path = self.folder.join(path);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, text)
        };
        write().map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Runs cargo in the repository, whose configuration it reads so; returns what it told.
    fn cargo(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command.args(arguments).arg("--manifest-path").arg(self.folder.join("Cargo.toml"));
        command.current_dir(repository()).env("CARGO_TARGET_DIR", self.folder.join("target"));
        command.env("CARGO_INCREMENTAL", "0").env("CARGO_TERM_QUIET", "false").env("CARGO_TERM_COLOR", "never");
        // A wrapper may keep what was compiled before, or compile it elsewhere.
        command.env("RUSTC_WRAPPER", "").stdin(Stdio::null());
        let line = format!("cargo {}", arguments.join(" "));
        let output = command.output().map_err(|error| format!("`{line}` could not be started: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(said) } else { Err(format!("`{line}`: {}\n{said}", output.status)) }
    }
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\n{dependencies}"
    )
}

/// A folder in the target directory, which is two levels above this program.
fn folder() -> Result<PathBuf, String> {
    let program = crate::process::this().map_err(|error| error.to_string())?;
    let target = program.ancestors().nth(2);
    target.map(|target| target.join("compile-cost")).ok_or_else(|| format!("{} has no folder", program.display()))
}
