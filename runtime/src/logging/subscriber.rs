//! The ids in the lines of `tracing-subscriber`.

use super::ids::Ids;
use std::fmt::{self, Write};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Format, Full, Json as JsonWords, JsonFields, Writer};
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, Layer};
use tracing_subscriber::registry::LookupSpan;

/// What [`layer`] gives.
pub type TextLayer<S> = Layer<S, DefaultFields, Text<Format<Full, SystemTime>>>;

/// What [`json_layer`] gives.
pub type JsonLayer<S> = Layer<S, JsonFields, Json<SystemTime>>;

/// A layer of `tracing-subscriber` that writes lines of text with the ids in front: its `fmt` layer with [`Text`].
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry().with(otelier::logging::layer().with_writer(std::io::stderr));
/// tracing::subscriber::with_default(subscriber, || {
///     let context = otelier::CorrelationContext::with_id("order-42").expect("it is valid");
///     // correlation_id=order-42 2026-01-01T00:00:00.000000Z  INFO shop: paid amount=7
///     context.in_scope(|| tracing::info!(amount = 7, "paid"));
/// });
/// ```
pub fn layer<S>() -> TextLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer().map_event_format(Text::new)
}

/// A layer of `tracing-subscriber` that writes lines of JSON with the ids as fields of the outermost object: its `json`
/// layer with [`Json`].
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry().with(otelier::logging::json_layer().with_writer(std::io::stderr));
/// tracing::subscriber::with_default(subscriber, || {
///     let context = otelier::CorrelationContext::with_id("order-42").expect("it is valid");
///     // {"correlation.id":"order-42","timestamp":"…","level":"INFO","fields":{"message":"paid"},"target":"shop"}
///     context.in_scope(|| tracing::info!("paid"));
/// });
/// ```
pub fn json_layer<S>() -> JsonLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer().json().map_event_format(Json::new)
}

/// A format around another one of text, such as `Format<Full>`, `Compact` or `Pretty`: the ids stand in front of each event,
/// as `trace_id=… span_id=… correlation_id=…`, dimmed where the writer has colours.
///
/// In front, because only so the format inside keeps its colours, and no line is copied.
///
/// ```
/// use otelier::logging::Text;
/// use tracing_subscriber::prelude::*;
///
/// let compact = tracing_subscriber::fmt::layer().compact().with_ansi(false).map_event_format(Text::new);
/// let _subscriber = tracing_subscriber::registry().with(compact);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Text<F> {
    inner: F,
}

impl<F> Text<F> {
    /// Around this format.
    pub fn new(inner: F) -> Self {
        Self { inner }
    }
}

impl<S, N, F> FormatEvent<S, N> for Text<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let ids = Ids::current(event.metadata().target());
        if !ids.is_empty() {
            match to.has_ansi_escapes() {
                true => write!(to, "\x1b[2m{ids}\x1b[0m ")?,
                false => write!(to, "{ids} ")?,
            }
        }
        self.inner.format_event(context, to, event)
    }
}

/// The JSON of `tracing-subscriber`, with the ids as fields of the outermost object: `trace_id`, `span_id` and `trace_flags`,
/// as OpenTelemetry names them in JSON lines, and `correlation.id`.
#[derive(Debug)]
pub struct Json<T = SystemTime> {
    inner: Format<JsonWords, T>,
    is_flat: bool,
}

impl<T> Json<T> {
    /// Around this format, for example with another clock: `Format::default().json().with_timer(..)`.
    pub fn new(inner: Format<JsonWords, T>) -> Self {
        Self { inner, is_flat: false }
    }

    /// The same with the fields of the event beside the ids, not in an object `fields`. An id that the event has a field of is
    /// then left to the event.
    ///
    /// ```
    /// let layer = otelier::logging::json_layer::<tracing_subscriber::Registry>();
    /// let _flat = layer.map_event_format(otelier::logging::Json::flat);
    /// ```
    #[must_use]
    pub fn flat(self) -> Self {
        Self { inner: self.inner.flatten_event(true), is_flat: true }
    }
}

impl<S, N, T> FormatEvent<S, N> for Json<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    Format<JsonWords, T>: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let ids = Ids::current(event.metadata().target());
        if ids.is_empty() {
            return self.inner.format_event(context, to, event);
        }
        let has = |name: &str| self.is_flat && event.metadata().fields().field(name).is_some();
        let mut opened = Opened { to, ids: &ids, has: &has, state: State::Before };
        self.inner.format_event(context, Writer::new(&mut opened), event)
    }
}

/// Puts the ids behind the brace that opens the line.
struct Opened<'a, 'w> {
    to: Writer<'w>,
    ids: &'a Ids,
    has: &'a dyn Fn(&str) -> bool,
    state: State,
}

#[derive(PartialEq)]
enum State {
    /// The brace is still to come.
    Before,
    /// The ids have been written, and perhaps a comma must follow.
    Comma,
    Inside,
}

impl Opened<'_, '_> {
    /// Writes the ids; whether there were any. None of them has to be escaped.
    fn ids(&mut self) -> Result<bool, fmt::Error> {
        let mut any = false;
        let mut field = |to: &mut Writer<'_>, name: &str, value: fmt::Arguments<'_>| {
            if (self.has)(name) {
                return Ok(());
            }
            let comma = if std::mem::replace(&mut any, true) { "," } else { "" };
            write!(to, "{comma}\"{name}\":\"{value}\"")
        };
        if let Some(span) = &self.ids.span {
            field(&mut self.to, "trace_id", format_args!("{}", span.trace_id()))?;
            field(&mut self.to, "span_id", format_args!("{}", span.span_id()))?;
            field(&mut self.to, "trace_flags", format_args!("{:02x}", span.trace_flags().to_u8()))?;
        }
        if let Some(correlation) = &self.ids.correlation {
            field(&mut self.to, "correlation.id", format_args!("{correlation}"))?;
        }
        Ok(any)
    }
}

impl Write for Opened<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        if self.state == State::Before
            && let Some(rest) = text.strip_prefix('{')
        {
            self.to.write_char('{')?;
            self.state = if self.ids()? { State::Comma } else { State::Inside };
            text = rest;
        }
        if self.state == State::Comma
            && let Some(first) = text.bytes().next()
        {
            self.state = State::Inside;
            if first != b'}' {
                self.to.write_char(',')?;
            }
        }
        self.to.write_str(text)
    }
}
