//! `otelier schema export`: a registry in OpenTelemetry's format.

use super::{files, source, text};
use crate::{Outcome, say};
use clap::{Arg, ArgMatches, Command};
use otelier_registry::yaml;
use std::path::Path;

pub(crate) fn command() -> Command {
    let out = Arg::new("out").long("out").value_name("DIR").help("Writes the files into this folder, over older ones");
    let name = Arg::new("name").long("name").help("The registry's name");
    let url = Arg::new("schema-url")
        .long("schema-url")
        .value_name("URL")
        .help("The registry's address with its version: https://host/path/1.0.0");
    source::arguments(Command::new("export").about("Writes the schemas as a registry in OpenTelemetry's format"))
        .args([out, name, url])
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let mut registry = source::registry(matches)?;
    if let Some(name) = text(matches, "name") {
        name.clone_into(&mut registry.name);
    }
    if let Some(url) = text(matches, "schema-url") {
        url.clone_into(&mut registry.schema_url);
    }
    let files = yaml::definition(&registry)?;
    let Some(folder) = text(matches, "out").map(Path::new) else { return Ok(files::join(&files).into()) };
    let outcome = files::write_all(folder, &files)?;
    for kind in ["spans", "events"] {
        let entries = std::fs::read_dir(folder.join(kind)).into_iter().flatten().flatten();
        let mut others: Vec<String> = entries
            .map(|entry| format!("{kind}/{}", entry.file_name().to_string_lossy()))
            .filter(|name| name.ends_with(".yaml") && files.iter().all(|(known, _)| known != name))
            .collect();
        others.sort();
        for name in others {
            say(&format!(
                "warning: {} is not part of this registry; is it of an older one?",
                folder.join(name).display()
            ));
        }
    }
    Ok(outcome)
}
