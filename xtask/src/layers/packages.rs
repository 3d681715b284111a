//! Which packages of the workspace may depend on which.

use super::{Report, read};
use std::path::Path;

/// What the packages that users get may depend on in the workspace, outside of their tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("spec", &[]),
    ("macros", &["otelier-spec"]),
    ("runtime", &["otelier-macros", "otelier-spec"]),
    ("registry", &["otelier", "otelier-spec"]),
    ("cli", &["otelier", "otelier-registry", "otelier-spec"]),
];

/// Folders whose packages depend on nothing at all, not even for their tests.
const ALONE: &[&str] = &["spec"];

/// Packages that are nobody's dependency, not even of tests.
const NEVER: &[&str] = &["otelier-benches", "otelier-ui-tests", "xtask"];

/// Packages that only tests may depend on.
const FOR_TESTS: &[&str] = &["otelier-tests"];

/// A dependency as a manifest has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The package's name, also where the manifest renames it.
    pub(super) package: String,
    /// Whether only tests, examples and benchmarks have it.
    pub(super) dev: bool,
}

/// Checks the manifests of all members.
pub(super) fn check(root: &Path, report: &mut Report) -> Result<(), String> {
    let manifest = root.join("Cargo.toml");
    let members = members(&read(&manifest)?);
    if members.is_empty() {
        return Err(format!("{}: no `members` found; expected `members = [\"…\"]`", manifest.display()));
    }
    for folder in members {
        let text = read(&root.join(&folder).join("Cargo.toml"))?;
        report.packages += 1;
        report.problems.extend(package(&folder, &dependencies(&text)));
    }
    Ok(())
}

/// What one package depends on against the rules.
pub(super) fn package(folder: &str, dependencies: &[Dependency]) -> Vec<String> {
    let allowed = ALLOWED.iter().find(|(name, _)| *name == folder).map(|(_, allowed)| *allowed);
    let refused = |Dependency { package, dev }: &Dependency| {
        let package = package.as_str();
        let ours = package == "otelier" || package == "xtask" || package.starts_with("otelier-");
        if ALONE.contains(&folder) {
            Some("it has no dependencies")
        } else if NEVER.contains(&package) {
            Some("nothing depends on that package")
        } else if FOR_TESTS.contains(&package) && !dev {
            Some("only tests may, under `[dev-dependencies]`")
        } else if ours && !dev && allowed.is_some_and(|allowed| !allowed.contains(&package)) {
            Some("dependencies point down")
        } else {
            None
        }
    };
    let problem = |dependency: &Dependency| {
        let why = refused(dependency)?;
        Some(format!("{folder}/Cargo.toml: `{folder}` may not depend on `{}`: {why}", dependency.package))
    };
    dependencies.iter().filter_map(problem).collect()
}

/// The `members` of the workspace's manifest.
fn members(manifest: &str) -> Vec<String> {
    let list = manifest.split_once("members").and_then(|(_, rest)| rest.split_once(']'));
    list.map_or_else(Vec::new, |(list, _)| list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// What a manifest depends on, in whichever of TOML's forms.
pub(super) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut section = Section::Other;
    // Open brackets of a value that goes on over several lines.
    let mut open = 0;
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if open == 0 && line.starts_with('[') {
            section = Section::of(line, &mut found);
            continue;
        }
        let starts = open == 0;
        open += brackets(line);
        match &section {
            Section::List { dev } if starts => {
                let key = line.split(['=', '.', ' ']).next().unwrap_or_default();
                let package = renamed(line).unwrap_or(key.trim_matches(['"', '\'']));
                found.push(Dependency { package: package.to_owned(), dev: *dev });
            }
            Section::One if starts && line.starts_with("package") => {
                if let (Some(last), Some(package)) = (found.last_mut(), line.split('"').nth(1)) {
                    package.clone_into(&mut last.package);
                }
            }
            _ => {}
        }
    }
    found
}

fn brackets(line: &str) -> i32 {
    let outside = line.split('"').step_by(2).flat_map(str::chars);
    outside
        .map(|c| match c {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        })
        .sum()
}

/// The name in `package = "…"` of an inline table.
fn renamed(line: &str) -> Option<&str> {
    let (_, table) = line.split_once('{')?;
    let entry = table.split(',').find(|entry| entry.trim_start().starts_with("package"))?;
    entry.split('"').nth(1)
}

/// What the lines of a manifest belong to.
enum Section {
    /// A table with a dependency in each entry.
    List {
        dev: bool,
    },
    /// The table of one dependency, which is the last one found.
    One,
    Other,
}

impl Section {
    /// Reads a header such as `[dependencies]`, `[dev-dependencies.serde]` or `[target.'cfg(unix)'.dependencies]`.
    fn of(header: &str, found: &mut Vec<Dependency>) -> Self {
        let header = header.trim_matches(['[', ']']);
        for (name, dev) in [("dev-dependencies", true), ("build-dependencies", false), ("dependencies", false)] {
            let own = header.strip_prefix(name);
            let targets = || Some(header.strip_prefix("target.")?.rsplit_once(&format!(".{name}"))?.1);
            match own.or_else(targets) {
                Some("") => return Self::List { dev },
                Some(rest) => {
                    let Some(package) = rest.strip_prefix('.') else { continue };
                    found.push(Dependency { package: package.trim_matches(['"', '\'']).to_owned(), dev });
                    return Self::One;
                }
                None => {}
            }
        }
        Self::Other
    }
}
