//! `otelier schema show`: one span or event as Markdown.

use super::{source, text};
use crate::Outcome;
use clap::{Arg, ArgMatches, Command};
use otelier_registry::markdown;
use otelier_registry::model::Registry;
use otelier_spec::suggest::did_you_mean;

pub(crate) fn command() -> Command {
    let id = Arg::new("ID").help("The type of the span or the name of the event").required(true);
    source::arguments(Command::new("show").about("Shows one span or event with its attributes, as Markdown").arg(id))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let registry = source::registry(matches)?;
    let id = text(matches, "ID").unwrap_or_default();
    let known = registry.spans.iter().map(|span| &span.id).chain(registry.events.iter().map(|event| &event.id));
    let names: Vec<&str> = known.map(String::as_str).collect();
    if !names.contains(&id) {
        let hint = match did_you_mean(id, names) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => "; `otelier schema list` shows those there are".to_owned(),
        };
        return Err(format!("there is no schema `{id}`{hint}"));
    }
    let spans = registry.spans.into_iter().filter(|span| span.id == id).collect();
    let events = registry.events.into_iter().filter(|event| event.id == id).collect();
    let one = Registry { name: id.to_owned(), spans, events, ..Registry::default() };
    Ok(markdown::reference(&one).into())
}
