//! Which versions of OpenTelemetry's crates a `Cargo.lock` has, and who asks for which.

use super::report::Check;
use otelier::config::{Protocol, Telemetry};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const NAME: &str = "versions";

/// The largest lock file that is read.
const MAX_FILE: u64 = 64 << 20;

#[derive(Debug, Deserialize)]
struct Lock {
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    /// `name`, `name version` or `name version (source)`, as much as makes it clear.
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The lock file of the argument, or that of the folder or one above.
pub(super) fn checks(given: Option<&str>, telemetry: Option<&Telemetry>) -> Result<Vec<Check>, String> {
    let path = match given {
        Some(path) => PathBuf::from(path),
        None => match found() {
            Some(path) => path,
            None => {
                return Ok(vec![Check::skipped(
                    NAME,
                    "there is no `Cargo.lock` here or above; name one with `--lock`",
                )]);
            }
        },
    };
    let shown = path.display().to_string();
    let read = read(&path).map_err(|error| format!("{shown}: {error}"));
    match read {
        Ok(lock) => Ok(lock.checks(&shown, telemetry)),
        // One that was named must be there; one that was only found may be another tool's.
        Err(error) if given.is_some() => Err(error),
        Err(error) => Ok(vec![Check::skipped(NAME, error)]),
    }
}

/// As seen from the current folder: `Cargo.lock`, `../Cargo.lock`.
fn found() -> Option<PathBuf> {
    let depth = std::env::current_dir().ok()?.ancestors().count();
    (0..depth).map(|above| Path::new(&"../".repeat(above)).join("Cargo.lock")).find(|path| path.is_file())
}

fn read(path: &Path) -> Result<Lock, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_FILE {
        return Err(format!("this is longer than {MAX_FILE} bytes"));
    }
    parse(&std::fs::read_to_string(path).map_err(|error| error.to_string())?)
}

fn parse(text: &str) -> Result<Lock, String> {
    toml::from_str(text).map_err(|error| format!("this is no lock file of Cargo: {}", error.message()))
}

/// Whether the crate is OpenTelemetry's, or one that ties others to a version of it.
fn is_family(name: &str) -> bool {
    name.starts_with("opentelemetry") || matches!(name, "tracing-opentelemetry" | "fastrace-opentelemetry" | "otelier")
}

impl Lock {
    /// The version of `name` that the package uses.
    fn used<'a>(&'a self, package: &'a Package, name: &str) -> Option<&'a str> {
        package.dependencies.iter().find_map(|dependency| {
            let mut words = dependency.split(' ');
            (words.next() == Some(name))
                .then(|| words.next().or_else(|| self.versions(name).into_iter().next()))
                .flatten()
        })
    }

    fn versions(&self, name: &str) -> BTreeSet<&str> {
        self.packages.iter().filter(|package| package.name == name).map(|package| &*package.version).collect()
    }

    /// Who uses this version.
    fn users(&self, name: &str, version: &str) -> Vec<String> {
        let users = self.packages.iter().filter(|package| self.used(package, name) == Some(version));
        users.map(|package| format!("{} {}", package.name, package.version)).collect()
    }

    fn checks(&self, path: &str, telemetry: Option<&Telemetry>) -> Vec<Check> {
        let family: BTreeSet<&str> =
            self.packages.iter().map(|package| &*package.name).filter(|name| is_family(name)).collect();
        if family.is_empty() {
            return vec![Check::skipped(NAME, format!("{path} has no crate of OpenTelemetry"))];
        }
        let mut checks: Vec<Check> = family.iter().filter_map(|name| self.mixed(name)).collect();
        if checks.is_empty() {
            let list: Vec<String> = family
                .iter()
                .flat_map(|name| self.versions(name).into_iter().map(move |version| format!("{name} {version}")))
                .collect();
            let mut check = Check::ok(NAME, format!("{path}: one version of each crate"));
            for line in self.ties() {
                check = check.line(line);
            }
            checks.push(check.with("crates", list));
        }
        checks.extend(telemetry.map(|telemetry| self.features(telemetry)));
        checks
    }

    /// Which version the crates need that bring other code to OpenTelemetry.
    fn ties(&self) -> Vec<String> {
        let tied = self
            .packages
            .iter()
            .filter(|package| package.name == "otelier" || package.name.ends_with("-opentelemetry"));
        tied.filter_map(|package| {
            let used = self.used(package, "opentelemetry")?;
            Some(format!("{} {} uses opentelemetry {used}", package.name, package.version))
        })
        .collect()
    }

    /// What there is to say of a crate that is there in several versions.
    fn mixed(&self, name: &str) -> Option<Check> {
        let versions = self.versions(name);
        if versions.len() < 2 {
            return None;
        }
        let list: Vec<&str> = versions.iter().copied().collect();
        let found = format!("{name} is there in {} versions", list.len());
        let is_shared = matches!(name, "opentelemetry" | "opentelemetry_sdk" | "otelier");
        let mut check = match is_shared {
            true => {
                let why = "Each version has globals and a context of its own: spans of one are not parents in the other, and what is installed for one is not seen by the other.";
                Check::fail(NAME, found, why)
            }
            false => Check::warn(NAME, found, "Types of one are not those of the other, and both are compiled."),
        };
        let mut users = BTreeMap::new();
        for version in &list {
            let by = self.users(name, version);
            check = check
                .line(format!("{name} {version}: {}", if by.is_empty() { "nobody".to_owned() } else { by.join(", ") }));
            users.insert((*version).to_owned(), serde_json::Value::from(by));
        }
        let users: serde_json::Map<_, _> = users.into_iter().collect();
        let ours = self.packages.iter().find(|package| package.name == "otelier");
        let wanted = ours.and_then(|package| self.used(package, name));
        let help = match wanted {
            Some(wanted) => format!(
                "Take versions of the others that use {name} {wanted}, as otelier does; `cargo tree -i {name}@{}` shows who pulls a version.",
                list[0]
            ),
            None => format!(
                "Take versions of all of them that use one {name}; `cargo tree -i {name}@{}` shows who pulls a version.",
                list[0]
            ),
        };
        Some(check.help(help).with("crate", name).with("versions", list.clone()).with("users", users))
    }

    /// Whether otelier was resolved with the features that the settings need; they are seen by what they depend on.
    fn features(&self, telemetry: &Telemetry) -> Check {
        const NAME: &str = "features";
        let Some(otelier) = self.packages.iter().find(|package| package.name == "otelier") else {
            return Check::skipped(NAME, "otelier is not in the lock file");
        };
        if otelier.source.is_none() {
            return Check::skipped(NAME, "otelier is a path here, whose features a lock file does not tell");
        }
        let Some(otlp) = telemetry.otlp.as_ref().filter(|_| !telemetry.disabled) else {
            return Check::ok(NAME, "the configuration needs no feature of otelier");
        };
        let (feature, mark, setting) = match otlp.protocol {
            Protocol::Grpc => ("otlp-grpc", "tonic", "OTLP by `grpc`"),
            _ => ("otlp-http", "hyper-util", "OTLP by `http/protobuf`"),
        };
        let has = otelier.dependencies.iter().any(|dependency| dependency.split(' ').next() == Some(mark));
        let check = match has {
            true => Check::ok(NAME, format!("otelier {} has `{feature}`, for {setting}", otelier.version)),
            false => Check::fail(
                NAME,
                format!("the configuration asks for {setting}; otelier {} lacks `{feature}`", otelier.version),
                "The program refuses to start telemetry with these settings.",
            )
            .help(format!("Add it: `otelier = {{ version = \"{}\", features = [\"{feature}\"] }}`.", otelier.version)),
        };
        check.with("feature", feature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::Otlp;

    const MIXED: &str = r#"
version = 4

[[package]]
name = "app"
version = "1.0.0"
dependencies = ["opentelemetry 0.33.0", "otelier", "tracing-opentelemetry"]

[[package]]
name = "opentelemetry"
version = "0.31.0"
source = "registry+https://example.invalid"

[[package]]
name = "opentelemetry"
version = "0.33.0"
source = "registry+https://example.invalid"

[[package]]
name = "otelier"
version = "0.1.0"
source = "registry+https://example.invalid"
dependencies = ["hyper-util", "opentelemetry 0.33.0 (registry+https://example.invalid)"]

[[package]]
name = "tracing-opentelemetry"
version = "0.32.0"
dependencies = ["opentelemetry 0.31.0"]
"#;

    #[test]
    fn two_versions_are_told_with_who_uses_which() {
        let lock = parse(MIXED).unwrap();
        let checks = lock.checks("Cargo.lock", None);
        assert_eq!((checks.len(), checks[0].status.as_str()), (1, "fail"));
        assert_eq!(
            checks[0].found,
            [
                "opentelemetry is there in 2 versions",
                "opentelemetry 0.31.0: tracing-opentelemetry 0.32.0",
                "opentelemetry 0.33.0: app 1.0.0, otelier 0.1.0",
            ]
        );
    }

    #[test]
    fn one_version_of_each_is_well() {
        let text = MIXED.replace("0.31.0", "0.33.0").replacen("name = \"opentelemetry\"", "name = \"other\"", 1);
        let checks = parse(&text).unwrap().checks("Cargo.lock", None);
        assert_eq!(checks[0].status.as_str(), "ok");
        assert!(checks[0].found.contains(&"tracing-opentelemetry 0.32.0 uses opentelemetry 0.33.0".to_owned()));
    }

    #[test]
    fn a_feature_that_the_settings_need_is_missed() {
        let lock = parse(MIXED).unwrap();
        let status = |otlp: Otlp| lock.features(&Telemetry::default().with_otlp(otlp)).status.as_str();
        assert_eq!(status(Otlp::default()), "ok");
        assert_eq!(status(Otlp::default().with_protocol(Protocol::Grpc)), "fail");
        assert_eq!(lock.features(&Telemetry::default()).status.as_str(), "ok");
    }

    #[test]
    fn other_files_are_refused_or_have_nothing_to_say() {
        assert!(parse("hello").unwrap_err().starts_with("this is no lock file of Cargo: "));
        assert!(parse("package = 1").is_err());
        let empty = parse("version = 4").unwrap().checks("Cargo.lock", None);
        assert_eq!(empty[0].status.as_str(), "skipped");
        assert!(read(Path::new("/nowhere/Cargo.lock")).is_err());
    }
}
