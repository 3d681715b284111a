//! The machine and its operating system.

use super::Found;
use super::container;
use super::surroundings::Surroundings;
use std::env::consts;

pub(super) fn detect(surroundings: &Surroundings, found: &mut Found<'_>) {
    let name = surroundings.file("/proc/sys/kernel/hostname");
    found.text("host.name", name.or_else(|| surroundings.variable(&["HOSTNAME", "COMPUTERNAME"])));
    // In a container it is that of the image or of nothing, and the same in all of its containers.
    if !container::is_inside(surroundings) {
        let paths = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
        let id = paths.iter().find_map(|path| surroundings.file(path).filter(|id| is_machine_id(id.trim())));
        found.text("host.id", id);
    }
    found.text("host.arch", Some(architecture(consts::ARCH)));
    found.text("os.type", Some(system(consts::OS)));
    let paths = ["/etc/os-release", "/usr/lib/os-release"];
    if let Some(release) = paths.iter().find_map(|path| surroundings.file(path)) {
        found.text("os.name", field(&release, "NAME"));
        found.text("os.version", field(&release, "VERSION_ID"));
        found.text("os.description", field(&release, "PRETTY_NAME"));
        found.text("os.build_id", field(&release, "BUILD_ID"));
    }
}

/// While a machine starts for the first time, the file says `uninitialized`.
fn is_machine_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The conventions' word for an architecture.
fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// The conventions' word for an operating system.
fn system(rust: &str) -> &str {
    match rust {
        "macos" | "ios" => "darwin",
        "android" => "linux",
        "dragonfly" => "dragonflybsd",
        "illumos" => "solaris",
        other => other,
    }
}

/// A field of `os-release`, whose lines are assignments of a shell's.
fn field(release: &str, name: &str) -> Option<String> {
    let mut lines = release.lines().map(str::trim);
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    let value = match value.chars().next() {
        // A quotation that does not end is no value.
        Some(quote @ ('"' | '\'')) => value[1..].strip_suffix(quote)?,
        _ => value,
    };
    let mut plain = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        plain.push(if character == '\\' { characters.next()? } else { character });
    }
    Some(plain)
}
