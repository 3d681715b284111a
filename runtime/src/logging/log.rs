//! The ids in the records of `log`.

use super::ids::Ids;
use log::kv::{self, Key, Source, Value, VisitSource};
use log::{LevelFilter, Metadata, Record, SetLoggerError};
use std::fmt;

/// A logger around another one: records have the ids as key-values `trace_id`, `span_id` and `correlation_id`.
///
/// `env_logger` with its feature `kv` and others print key-values; for loggers that do not there is
/// [`with_text`](Self::with_text). A key-value that the record has already is left as it is.
///
/// ```
/// use log::{Metadata, Record};
///
/// /// Yours: `env_logger`, `simple_logger`, …
/// struct Console;
///
/// impl log::Log for Console {
///     fn enabled(&self, _: &Metadata<'_>) -> bool { true }
///     fn log(&self, record: &Record<'_>) { println!("{}", record.args()) }
///     fn flush(&self) {}
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// otelier::logging::set_logger(otelier::logging::Log::new(Console).with_text(true), log::LevelFilter::Info)?;
/// let context = otelier::CorrelationContext::with_id("order-42")?;
/// context.in_scope(|| log::info!("paid")); // paid correlation_id=order-42
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Log<L> {
    inner: L,
    in_text: bool,
}

impl<L: log::Log> Log<L> {
    /// Around this logger.
    pub fn new(inner: L) -> Self {
        Self { inner, in_text: false }
    }

    /// Sets whether the ids stand behind the message, too, for a logger that does not print key-values. Default: false.
    #[must_use]
    pub fn with_text(mut self, in_text: bool) -> Self {
        self.in_text = in_text;
        self
    }

    /// The logger inside.
    pub fn into_inner(self) -> L {
        self.inner
    }
}

impl<L: log::Log> log::Log for Log<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        // Not even looked for where nothing is written.
        if !self.inner.enabled(record.metadata()) {
            return;
        }
        let ids = Ids::current(record.target());
        if ids.is_empty() {
            return self.inner.log(record);
        }
        let span = ids.span.as_ref().map(|span| (span.trace_id(), span.span_id()));
        let shown = [
            ("trace_id", span.as_ref().map(|(trace, _)| trace as &dyn fmt::Display)),
            ("span_id", span.as_ref().map(|(_, span)| span as &dyn fmt::Display)),
            ("correlation_id", ids.correlation.as_ref().map(|id| id as &dyn fmt::Display)),
        ];
        let pairs = WithIds { inner: record.key_values(), ids: &shown };
        let mut told = record.to_builder();
        told.key_values(&pairs);
        if self.in_text {
            self.inner.log(&told.args(format_args!("{} {ids}", record.args())).build());
        } else {
            self.inner.log(&told.build());
        }
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

/// Makes a logger the process's, and sets the most verbose level that reaches it. `Err` if there is one already; then nothing
/// changes.
///
/// # Errors
///
/// If another logger is installed.
pub fn set_logger(logger: impl log::Log + 'static, level: LevelFilter) -> Result<(), SetLoggerError> {
    log::set_boxed_logger(Box::new(logger))?;
    log::set_max_level(level);
    Ok(())
}

/// The key-values of a record, and the ids.
struct WithIds<'a> {
    inner: &'a dyn Source,
    ids: &'a [(&'static str, Option<&'a dyn fmt::Display>)],
}

impl Source for WithIds<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        self.inner.visit(visitor)?;
        for (key, value) in self.ids {
            if let (Some(value), None) = (value, self.inner.get(Key::from_str(key))) {
                visitor.visit_pair(Key::from_str(key), Value::from_dyn_display(*value))?;
            }
        }
        Ok(())
    }
}
