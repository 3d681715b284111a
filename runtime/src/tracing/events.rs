//! Events of `tracing` as events of spans.

use super::callsites::shown;
use super::layer::Layer;
use super::values::{Exception, Told};
use crate::record::SharedSpan;
use crate::span::current_span;
use crate::wire::status;
use ::tracing::{Event, Level};
use opentelemetry::KeyValue;
use opentelemetry::trace::Status;

/// What is recorded of an event.
struct Recorded {
    name: String,
    attributes: Vec<KeyValue>,
    /// The description of the status that the span gets.
    failed: Option<String>,
}

/// Records an event on a span of `tracing` that was named as its parent.
pub(super) fn on_span(layer: &Layer, event: &Event<'_>, span: &SharedSpan) {
    if span.is_open()
        && let Some(Recorded { name, attributes, failed }) = read(layer, event)
    {
        span.event(&name, None, &attributes);
        failed.into_iter().for_each(|failed| span.status(status::ERROR, &failed));
    }
}

/// Records an event on the span that is active, whoever made it. Without one it is a line of a log, and not ours.
pub(super) fn on_current(layer: &Layer, event: &Event<'_>) {
    let span = current_span();
    if span.is_recording()
        && let Some(Recorded { name, attributes, failed }) = read(layer, event)
    {
        span.add_event(&name, attributes);
        failed.into_iter().for_each(|failed| span.set_status(Status::error(failed)));
    }
}

/// Reads an event, which runs code of the program; `None` if its target is left out.
fn read(layer: &Layer, event: &Event<'_>) -> Option<Recorded> {
    let metadata = event.metadata();
    let mut told = Told::default();
    event.record(&mut told);
    let Told { message, mut attributes, error, target, file, line } = told;
    if target.as_deref().is_some_and(|target| !layer.wants_target(target)) {
        return None;
    }
    attributes.push(KeyValue::new("level", metadata.level().as_str()));
    attributes.push(match target {
        Some(target) => KeyValue::new("target", target),
        None => KeyValue::new("target", metadata.target()),
    });
    if layer.shows_location() {
        let path = match file {
            Some(file) => Some(KeyValue::new("code.file.path", shown(&file).to_owned())),
            None => metadata.file().map(|file| KeyValue::new("code.file.path", shown(file))),
        };
        let line = line.or(metadata.line().map(i64::from)).map(|line| KeyValue::new("code.line.number", line));
        attributes.extend(path.into_iter().chain(line));
    }
    let failed = (layer.error_events_as_status && *metadata.level() == Level::ERROR
        || layer.errors_as_status && error.is_some())
    .then(|| error.as_ref().map(|error| &error.message).or(message.as_ref()).cloned().unwrap_or_default());
    let name = match error {
        Some(error) => exception(error, message, &mut attributes),
        // The name that `tracing` makes up has the file's path on the machine that built the program.
        None => message.unwrap_or_else(|| match metadata.name() {
            name if name.starts_with("event ") && metadata.file().is_some() => "event".to_owned(),
            name => name.to_owned(),
        }),
    };
    Some(Recorded { name, attributes, failed })
}

/// An event with an error is the specification's `exception`, and its message one of the attributes.
fn exception(error: Exception, message: Option<String>, attributes: &mut Vec<KeyValue>) -> String {
    attributes.extend(message.map(|message| KeyValue::new("message", message)));
    attributes.extend(error.attributes());
    "exception".to_owned()
}

/// The attributes of the thread that calls this. Its number is the one that Rust gives it, as in its panics.
pub(super) fn thread() -> [KeyValue; 2] {
    thread_local! {
        static NUMBER: i64 = {
            let shown = format!("{:?}", std::thread::current().id());
            shown.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or_default()
        };
    }
    let number = NUMBER.try_with(|number| *number).unwrap_or_default();
    let name = std::thread::current().name().unwrap_or("unnamed").to_owned();
    [KeyValue::new("thread.id", number), KeyValue::new("thread.name", name)]
}
