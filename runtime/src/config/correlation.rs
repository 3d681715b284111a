//! How correlation contexts go from process to process.

use std::sync::atomic::{AtomicPtr, Ordering};

/// How a [`CorrelationContext`](crate::CorrelationContext) comes in and goes out; also known as
/// [`correlation::Settings`](crate::correlation::Settings).
///
/// What comes in from the open internet may be anything. An id that is not acceptable is never taken over, and with
/// [`accept`](Self::accept) of `false` none is: then every request has an id of its own here.
///
/// ```
/// use otelier::correlation::Settings;
///
/// let settings = Settings::default().with_header("X-Request-Id").with_baggage(["correlation.id", "job.id"]);
/// assert_eq!(settings.header.as_deref(), Some("x-request-id"));
/// let telemetry = otelier::Telemetry::default().with_correlation(settings);
/// assert!(telemetry.correlation.generate);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Correlation {
    /// The header that carries the id, in lower case; `None` for no header. Environment: `OTELIER_CORRELATION_HEADER`. YAML:
    /// `distribution.otelier.correlation.header`. Default: `x-correlation-id`.
    pub header: Option<String>,
    /// Whether what comes in is believed: the id of the header, and what the baggage says. YAML: `accept`. Default: true.
    pub accept: bool,
    /// Whether a new id is made where none comes in that is acceptable. YAML: `generate`. Default: true.
    pub generate: bool,
    /// Names of the attributes that go out in W3C baggage and are read from it: `correlation.id`, `user.id`,
    /// `operation.name`, `job.id`, or keys of your own. Baggage goes to every service that is called, also to those of
    /// others, and `user.id` is personal data: so it holds the id alone by default. YAML: `baggage`. Default:
    /// `correlation.id`.
    pub baggage: Vec<String>,
}

impl Correlation {
    /// The header where nobody chooses another.
    pub const HEADER: &'static str = "x-correlation-id";

    /// Sets the header that carries the id; upper case counts as lower case, and an empty name means no header. Checked when
    /// the pipeline starts. Default: `x-correlation-id`.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>) -> Self {
        self.header = Some(name.into().to_ascii_lowercase()).filter(|name| !name.is_empty());
        self
    }

    /// Sets whether what comes in is believed. Default: true.
    #[must_use]
    pub fn with_accept(mut self, accept: bool) -> Self {
        self.accept = accept;
        self
    }

    /// Sets whether a new id is made where none comes in. Default: true.
    #[must_use]
    pub fn with_generate(mut self, generate: bool) -> Self {
        self.generate = generate;
        self
    }

    /// Sets which attributes go out in baggage and are read from it; none for no baggage. Default: `correlation.id`.
    #[must_use]
    pub fn with_baggage<T: Into<String>>(mut self, attributes: impl IntoIterator<Item = T>) -> Self {
        self.baggage = attributes.into_iter().map(Into::into).collect();
        self
    }

    /// Those of the process: what the pipeline that started last was told, or else the defaults.
    ///
    /// ```
    /// assert_eq!(otelier::correlation::Settings::current().header.as_deref(), Some("x-correlation-id"));
    /// ```
    pub fn current() -> Self {
        Self::of_process().clone()
    }

    pub(super) fn check(&self, problems: &mut crate::ConfigError) {
        if let Some(name) = self.header.as_deref().filter(|name| !is_header_name(name)) {
            problems.push(format_args!(
                "the header of correlation ids is `{}`; expected 1 to {LONGEST} lower case letters, digits, `-`, `_` or `.`, \
                 and none of the headers that have another meaning, such as `x-correlation-id`",
                super::shown::short(name)
            ));
        }
        for key in self.baggage.iter().filter(|key| !is_key(key)) {
            problems.push(format_args!(
                "the baggage of correlation has `{}`; expected names of attributes such as `correlation.id`, of 1 to \
                 {LONGEST} letters, digits, `.`, `-` and `_`",
                super::shown::short(key)
            ));
        }
    }

    /// Those of the process.
    pub(crate) fn of_process() -> &'static Self {
        let current = CURRENT.load(Ordering::Acquire);
        if current.is_null() {
            return &DEFAULT;
        }
        // SAFETY: only `set_of_process` stores something, which is a leaked box.
        unsafe { &*current }
    }

    /// Makes them those of the process. No lock: the child of a fork may need them while the parent's threads hold whatever
    /// they like.
    pub(crate) fn set_of_process(&self) {
        if Self::of_process() != self {
            // Leaked, because others may be looking at the one before. They differ a few times in a process's life.
            CURRENT.store(Box::leak(Box::new(self.clone())), Ordering::Release);
        }
    }
}

static CURRENT: AtomicPtr<Correlation> = AtomicPtr::new(std::ptr::null_mut());
static DEFAULT: std::sync::LazyLock<Correlation> = std::sync::LazyLock::new(Correlation::default);

impl Default for Correlation {
    fn default() -> Self {
        Self {
            header: Some(Self::HEADER.to_owned()),
            accept: true,
            generate: true,
            baggage: vec![CORRELATION_ID.to_owned()],
        }
    }
}

/// The attribute of the id.
pub(crate) const CORRELATION_ID: &str = "correlation.id";

/// The longest name of a header or a key, in bytes.
pub(crate) const LONGEST: usize = 64;

/// Headers that must not be written over or shown in spans as if they were ids.
const TAKEN: &[&str] = &[
    "authorization",
    "b3",
    "baggage",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "uber-trace-id",
    "upgrade",
    "x-b3-flags",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
];

/// Whether a header may have this name.
fn is_header_name(name: &str) -> bool {
    let is_fit = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_fit) && !TAKEN.contains(&name)
}

/// Whether it can be the name of an attribute and of an entry of baggage.
pub(crate) fn is_key(key: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=LONGEST).contains(&key.len()) && key.bytes().all(is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(settings: &Correlation) -> Vec<String> {
        let mut problems = crate::ConfigError::default();
        settings.check(&mut problems);
        problems.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_that_cannot_be_headers_or_mean_something_else_are_refused() {
        for name in
            ["x correlation", "x:y", "é", "authorization", "Cookie", "traceparent", "B3", "a\r\nb", &"x".repeat(65)]
        {
            let found = problems(&Correlation::default().with_header(name));
            assert!(found.len() == 1 && found[0].contains("expected"), "{name}: {found:?}");
        }
        for name in ["X-Request-ID", "x_request_id", "request.id", ""] {
            assert_eq!(problems(&Correlation::default().with_header(name)), [""; 0], "{name}");
        }
    }

    #[test]
    fn baggage_has_names_of_attributes() {
        assert_eq!(problems(&Correlation::default().with_baggage(["user.id", "app.tenant"])), [""; 0]);
        let found = problems(&Correlation::default().with_baggage(["user id", "", "a=b"]));
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
