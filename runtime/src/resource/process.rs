//! The process and what it was made of.

use super::surroundings::Surroundings;
use super::{Found, LONGEST};
use crate::wire;
use std::path::Path;

/// Arguments of the command that are looked at.
pub(super) const MOST_ARGUMENTS: usize = 128;

const ARGUMENTS: &str = "process.command_args";
const LINE: &str = "process.command_line";

pub(super) fn detect(surroundings: &Surroundings, found: &mut Found<'_>) {
    let process = &surroundings.process;
    found.add("process.pid", i64::from(process.id));
    if let Some(parent) = process.parent {
        found.add("process.parent_pid", i64::from(parent));
    }
    let executable = process.executable.as_deref();
    found.text("process.executable.path", executable.map(path));
    found.text("process.executable.name", executable.and_then(Path::file_name).map(|name| path(name.as_ref())));
    let arguments = || process.arguments.iter().map(|argument| argument.to_string_lossy());
    found.text("process.command", arguments().next());
    // They may hold secrets, so somebody must have asked for them by name.
    if found.settings.asks_for(ARGUMENTS) {
        let cut = |argument: &str| wire::cut(argument, LONGEST).to_owned();
        found.add(ARGUMENTS, arguments().map(|argument| cut(&argument)).collect::<Vec<_>>());
    }
    if found.settings.asks_for(LINE) {
        found.text(LINE, Some(arguments().collect::<Vec<_>>().join(" ")));
    }
    found.text("process.owner", owner(surroundings));
    found.text("process.runtime.name", Some("rustc"));
    found.text("process.runtime.version", option_env!("OTELIER_RUSTC_VERSION"));
    found.text("process.runtime.description", option_env!("OTELIER_RUSTC_DESCRIPTION"));
}

/// Linux marks the path of a program that was replaced while it runs, as an update does.
fn path(path: &Path) -> String {
    let path = path.to_string_lossy();
    path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned()
}

/// The name of the user the process runs as.
fn owner(surroundings: &Surroundings) -> Option<String> {
    let Some(status) = surroundings.file("/proc/self/status") else {
        return surroundings.variable(&["USER", "LOGNAME", "USERNAME"]);
    };
    // `Uid:`, then the real one, the effective one, and two more.
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let id = ids.split_whitespace().nth(1)?;
    let users = surroundings.file("/etc/passwd")?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
}

/// The specification's name for a service that nobody named.
pub(super) fn unknown_service(surroundings: &Surroundings) -> String {
    let executable = surroundings.process.executable.as_deref();
    match executable.and_then(|executable| Path::new(&path(executable)).file_stem().map(|name| path(name.as_ref()))) {
        Some(name) => format!("unknown_service:{name}"),
        None => "unknown_service".to_owned(),
    }
}
