//! `otelier schema call-sites`: where a package makes spans.

use super::{package, program, text};
use crate::Outcome;
use clap::{ArgMatches, Command};
use std::path::Path;

pub(crate) fn command() -> Command {
    let about = "Lists the places of a package that make spans: file, line, name, schema and attributes";
    let command = Command::new("call-sites").about(about).after_help(super::EXIT_CODES);
    package::arguments(command).mut_arg("package", |package| package.required(true).help("The package"))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let package = package::find(matches, text(matches, "package").unwrap_or_default())?;
    let said = package::ask(&package)?;
    let mut sites: Vec<Site<'_>> =
        said.call_sites().lines().filter_map(|line| site(line, &package.workspace)).collect();
    sites.sort();
    let place = |(file, line, ..): &Site<'_>| format!("{file}:{line}");
    let width = |text: &dyn Fn(&Site<'_>) -> usize| sites.iter().map(text).max().unwrap_or_default();
    let widths = (width(&|site| place(site).len()), width(&|site| site.2.len()), width(&|site| site.3.len()));
    let line = |site: &Site<'_>| {
        let (places, names, schemas) = widths;
        let text = format!("{:places$}  {:names$}  {:schemas$}  {}", place(site), site.2, site.3, site.4);
        format!("{}\n", text.trim_end())
    };
    Ok(sites.iter().map(line).collect::<String>().into())
}

/// File, line, name, schema and attributes.
type Site<'a> = (&'a str, u32, &'a str, &'a str, &'a str);

fn site<'a>(line: &'a str, workspace: &Path) -> Option<Site<'a>> {
    let mut fields = line.split(program::SEPARATOR);
    let [file, line, name, schema, keys] = [(); 5].map(|()| fields.next());
    let file = file?;
    let file = Path::new(file).strip_prefix(workspace).ok().and_then(Path::to_str).unwrap_or(file);
    Some((file, line?.parse().ok()?, name?, schema.filter(|schema| !schema.is_empty()).unwrap_or("-"), keys?))
}
