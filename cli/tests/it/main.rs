//! The command line as a user runs it.

mod check;
mod collector;
mod command;
mod config;
mod doctor;
mod package;
mod round_trip;
mod sampling;
mod semconv;
mod shop;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, io};

/// Runs the command with the target directory of this build, so that dependencies are built once.
fn otelier(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    command.args(arguments).env("CARGO_TARGET_DIR", target()).output().expect("the binary runs")
}

/// What a command that ends with `code` prints.
#[track_caller]
fn printed(arguments: &[&str], code: i32) -> String {
    let output = otelier(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// What a command that ends with code 2 says.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = otelier(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An empty folder below the target directory.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{}: {error}", folder.display()),
        _ => fs::create_dir_all(&folder).expect("the folder can be made"),
    }
    folder
}

/// The folder of the workspace.
fn workspace() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).expect("the workspace is there")
}

/// Writes files below `folder` unless they are as they should be.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("the folder can be made");
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(&path, text).expect("the file can be written");
        }
    }
}

/// Cargo with the target directory of this build, so that dependencies are built once.
fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", target());
    cargo
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target directory").to_owned()
}

/// The path as it stands in TOML.
fn toml(path: &Path) -> String {
    format!("{:?}", path.to_str().expect("the path is text"))
}

/// Writes the `Cargo.lock` of the workspace into `folder`, so that versions are those that are there already.
fn lock(folder: &Path) {
    let lock = folder.join("Cargo.lock");
    if !lock.exists() {
        fs::copy(workspace().join("Cargo.lock"), lock).expect("the workspace has a lock file");
    }
}
