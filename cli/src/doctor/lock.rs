//! Which versions of OpenTelemetry's crates a `Cargo.lock` has, and who asks for which.

use super::report::Check;
use super::target::{otlp_of_logs, otlp_of_spans};
use otelier::config::{Compression, Endpoint, ExceptionSignal, Otlp, Protocol, Settings};
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
pub(super) fn checks(given: Option<&str>, settings: Option<&Settings>) -> Result<Vec<Check>, String> {
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
        Ok(lock) => Ok(lock.checks(&shown, settings)),
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

    fn checks(&self, path: &str, settings: Option<&Settings>) -> Vec<Check> {
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
        checks.extend(settings.map(|settings| self.features(settings)));
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
    fn features(&self, settings: &Settings) -> Check {
        const NAME: &str = "features";
        let Some(otelier) = self.packages.iter().find(|package| package.name == "otelier") else {
            return Check::skipped(NAME, "otelier is not in the lock file");
        };
        if otelier.source.is_none() {
            return Check::skipped(NAME, "otelier is a path here, whose features a lock file does not tell");
        }
        let needs = needs(settings);
        if needs.is_empty() {
            return Check::ok(NAME, "the configuration needs no feature of otelier");
        }
        let has = |need: &&Need| {
            otelier.dependencies.iter().any(|dependency| dependency.split(' ').next() == Some(need.dependency))
        };
        let (met, missing): (Vec<&Need>, Vec<&Need>) = needs.iter().partition(has);
        let version = &otelier.version;
        let check = match missing.first() {
            None => {
                let lines: Vec<String> = met
                    .iter()
                    .map(|need| format!("otelier {version} has `{}`, for {}", need.feature, need.setting))
                    .collect();
                Check::ok(NAME, lines.join("\n"))
            }
            Some(_) => {
                let lines: Vec<String> = missing
                    .iter()
                    .map(|need| {
                        let Need { feature, setting, .. } = need;
                        format!("the configuration asks for {setting}; otelier {version} lacks `{feature}`")
                    })
                    .collect();
                let names: Vec<String> = missing.iter().map(|need| format!("\"{}\"", need.feature)).collect();
                let help =
                    format!("Add: `otelier = {{ version = \"{version}\", features = [{}] }}`.", names.join(", "));
                let why = "The program refuses to start telemetry with these settings.";
                Check::fail(NAME, lines.join("\n"), why).help(help)
            }
        };
        let names = |needs: &[&Need]| needs.iter().map(|need| need.feature).collect::<Vec<_>>();
        check.with("features", names(&met)).with("missing", names(&missing))
    }
}

/// A feature that settings need, and a crate that otelier depends on only with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    feature: &'static str,
    dependency: &'static str,
    setting: &'static str,
}

fn needs(settings: &Settings) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    let mut need = |feature, dependency, setting| {
        needs.insert(Need { feature, dependency, setting });
    };
    if settings.file.is_some() {
        need("config-file", "saphyr-parser", "a file");
    }
    let telemetry = &settings.telemetry;
    if telemetry.disabled {
        return needs;
    }
    let logs = telemetry.log_exporters.iter().flatten().flat_map(otlp_of_logs);
    let logs = logs.filter(|_| telemetry.exception_signal != ExceptionSignal::SpanEvents);
    for otlp in telemetry.exporters.iter().flat_map(otlp_of_spans).chain(logs) {
        match otlp.protocol {
            Protocol::Grpc => need("otlp-grpc", "tonic", "OTLP by `grpc`"),
            // Both transports have it; gRPC alone brings `tonic`, too.
            Protocol::HttpJson => need("otlp-http", "hyper-util", "OTLP by `http/json`"),
            _ => need("otlp-http", "hyper-util", "OTLP by `http/protobuf`"),
        }
        if is_tls(otlp) {
            need("tls", "hyper-rustls", "`https`");
        }
        if otlp.compression == Compression::Gzip {
            need("gzip", "flate2", "compression by gzip");
        }
        if otlp.compression == Compression::Zstd {
            need("zstd", "zstd", "compression by zstd");
        }
    }
    needs
}

fn is_tls(otlp: &Otlp) -> bool {
    match &otlp.endpoint {
        Some(Endpoint::Base(url) | Endpoint::Exact(url)) if url.contains("://") => url.starts_with("https://"),
        Some(Endpoint::Host(_)) => false,
        Some(Endpoint::Base(url) | Endpoint::Exact(url)) if url.starts_with("unix:") => false,
        // gRPC without a scheme.
        Some(_) => !otlp.tls.insecure,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::Variables;

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
        let check = |variables| lock.features(&Settings::from_variables(&Variables::of([variables])).unwrap());
        let found = |variables| check(variables).found.join("\n");
        assert_eq!(found(("A", "")), "otelier 0.1.0 has `otlp-http`, for OTLP by `http/protobuf`");
        assert!(found(("OTEL_TRACES_EXPORTER", "none")).contains("needs no feature"));
        for (name, value, feature) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "otlp-grpc"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a", "tls"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "gzip"),
        ] {
            assert_eq!(check((name, value)).status.as_str(), "fail", "{name}");
            assert!(found((name, value)).ends_with(&format!("otelier 0.1.0 lacks `{feature}`")), "{name}");
        }
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
