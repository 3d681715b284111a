//! `otelier schema list`: every span type in a line.

use super::source;
use crate::Outcome;
use clap::{ArgMatches, Command};

pub(crate) fn command() -> Command {
    source::arguments(Command::new("list").about("Lists the span types: kind and meaning of each in a line"))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let spans = source::registry(matches)?.spans;
    let widest = spans.iter().map(|span| span.id.len()).max().unwrap_or_default();
    let line = |id: &str, kind: &str, brief: &str| {
        let brief = brief.lines().next().unwrap_or_default();
        format!("{}\n", format!("{id:widest$}  {kind:8}  {brief}").trim_end())
    };
    Ok(spans.iter().map(|span| line(&span.id, span.kind.as_str(), &span.brief)).collect::<String>().into())
}
