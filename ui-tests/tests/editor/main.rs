//! What an editor with rust-analyzer shows in annotations: completion, hover and go to definition, also in unfinished
//! code. The places are marked in `fixtures/editor`.
#![cfg(unix)]

mod checks;
mod client;
mod fixture;

use checks::{CHECKS, Check, Expected};
use client::Client;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A rust-analyzer that runs; rustup has a proxy of that name also where the component is missing.
fn rust_analyzer() -> Option<PathBuf> {
    let found = Command::new("rustup").args(["which", "rust-analyzer"]).output().ok();
    let found = found.and_then(|output| String::from_utf8(output.stdout).ok());
    let candidates = [PathBuf::from("rust-analyzer"), PathBuf::from(found.unwrap_or_default().trim())];
    let runs =
        |program: &PathBuf| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    candidates.into_iter().find(runs)
}

#[test]
fn annotations_are_completed_explained_and_followed() {
    let Some(program) = rust_analyzer() else {
        println!("skipped: rust-analyzer is not installed");
        return;
    };
    let failures = run(&program).unwrap_or_else(|error| panic!("{error}"));
    assert!(failures.is_empty(), "{} of {} checks fail:\n{}", failures.len(), CHECKS.len(), failures.join("\n"));
}

/// Asks everything, and returns what was answered differently than expected.
fn run(program: &Path) -> Result<Vec<String>, String> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("editor");
    let workspace = scratch.join("workspace");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests stand in no workspace")?;
    fixture::write(&workspace, repository).map_err(|error| format!("{}: {error}", workspace.display()))?;
    let documents = fixture::documents(&workspace).map_err(|error| error.to_string())?;
    let mut failures = Vec::new();
    for check in CHECKS {
        let places = documents.iter().flat_map(|document| &document.places);
        let count = places.filter(|(name, _)| name == check.at).count();
        if count != 1 {
            failures.push(format!("{}: marked {count} times in the fixture", check.at));
        }
    }

    let mut client = Client::start(program, &workspace, &scratch)?;
    for document in &documents {
        client.show(&document.file, &document.text)?;
        for (place, position) in &document.places {
            if place == "probe" {
                client.wait_for_expansion(&document.file, *position)?;
                continue;
            }
            let mut checks = CHECKS.iter().filter(|check| check.at == place).peekable();
            if checks.peek().is_none() {
                failures.push(format!("{place}: marked in the fixture, but nothing is asked there"));
            }
            for Check { expected, .. } in checks {
                let found = match expected {
                    Expected::Completes { .. } => expected.completion(&client.completion(&document.file, *position)?),
                    Expected::Shows(_) => expected.hover(&client.hover(&document.file, *position)?),
                    Expected::Leads { .. } => {
                        expected.definition(&client.definition(&document.file, *position)?, &workspace, repository)?
                    }
                };
                let (file, line, column) = (document.file.display(), position.line + 1, position.column + 1);
                let at = format!("{place} ({file}:{line}:{column})");
                failures.extend(found.map(|found| format!("{at}:\n  expected {expected}\n  found {found}")));
            }
        }
    }
    Ok(failures)
}
