//! Which headers carry a trace from one process to the next.

use super::Telemetry;
use crate::ConfigError;
use otelier_spec::suggest;

/// A format of the headers that carry a trace, or its baggage, from one process to the next.
///
/// All of a list are written. Where a span's parent is read, the first of the list that finds a valid one counts, and what
/// several find of baggage is put together. See [`Propagators`](crate::propagation::Propagators).
///
/// ```
/// use otelier::config::Propagator;
///
/// let telemetry = otelier::Telemetry::default().with_propagators([Propagator::TraceContext, Propagator::B3Multi]);
/// assert_eq!(telemetry.propagators[1].as_str(), "b3multi");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Propagator {
    /// `traceparent` and `tracestate`, as in W3C Trace Context.
    TraceContext,
    /// `baggage`, as in W3C Baggage.
    Baggage,
    /// Zipkin's one header, `b3`.
    B3,
    /// Zipkin's several headers, `x-b3-traceid` and those beside it.
    B3Multi,
    /// Jaeger's `uber-trace-id`, and `uberctx-…` for baggage.
    Jaeger,
}

impl Propagator {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::TraceContext, Self::Baggage, Self::B3, Self::B3Multi, Self::Jaeger];

    /// The default of the specification: W3C Trace Context and W3C Baggage.
    pub const DEFAULT: [Self; 2] = [Self::TraceContext, Self::Baggage];

    /// The word for it in `OTEL_PROPAGATORS` and in the declarative file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
        }
    }

    /// The propagator with this name; `setting` is what names it, for the problem that an unknown name is.
    pub(crate) fn named(setting: &str, name: &str, problems: &mut ConfigError) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|propagator| propagator.as_str() == name);
        if found.is_none() {
            let known = Self::ALL.iter().map(|propagator| propagator.as_str());
            let why = match name {
                "xray" => {
                    "; the format of AWS X-Ray is not built in, because X-Ray reads `tracecontext` too".to_owned()
                }
                "ottrace" => "; the format of OpenTracing's basic tracers is not built in, because the specification \
                              deprecates it: `b3multi` or `tracecontext` are read by what replaced them"
                    .to_owned(),
                "none" => "; `none` stands alone in a list".to_owned(),
                _ => suggest::did_you_mean(name, known.clone())
                    .map(|known| format!("; did you mean `{known}`?"))
                    .unwrap_or_default(),
            };
            let known = suggest::list(known);
            problems.push(format_args!("`{setting}` is `{name}`; expected {known}{why}"));
        }
        found
    }

    /// The propagators of a list with commas, as in `OTEL_PROPAGATORS` and `propagator.composite_list`; none twice. `none`
    /// is the empty list.
    pub(crate) fn of_list(setting: &str, list: &str, problems: &mut ConfigError) -> Vec<Self> {
        let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names == ["none"] {
            return Vec::new();
        }
        let mut propagators = Vec::new();
        for name in names {
            if let Some(propagator) = Self::named(setting, name, problems)
                && !propagators.contains(&propagator)
            {
                propagators.push(propagator);
            }
        }
        propagators
    }
}

impl Telemetry {
    /// Chooses which headers carry traces and baggage to other processes and from them, in place of the default.
    ///
    /// With [`Hooks::Global`](super::Hooks) they become OpenTelemetry's global propagator when the pipeline starts; with
    /// other hooks, make one with [`Propagators`](crate::propagation::Propagators). An empty list carries nothing. One that
    /// is named twice counts once.
    ///
    /// | | |
    /// |-|-|
    /// | Default | W3C Trace Context and W3C Baggage |
    /// | Environment | `OTEL_PROPAGATORS`: `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, with commas between them, or `none` |
    /// | YAML | `propagator.composite`, `propagator.composite_list` |
    ///
    /// ```
    /// use otelier::config::Propagator;
    ///
    /// let telemetry = otelier::Telemetry::default().with_propagators([Propagator::B3, Propagator::Baggage]);
    /// assert_eq!(telemetry.propagators, [Propagator::B3, Propagator::Baggage]);
    /// ```
    #[must_use]
    pub fn with_propagators(mut self, propagators: impl IntoIterator<Item = Propagator>) -> Self {
        self.propagators = propagators.into_iter().collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> Result<Vec<Propagator>, String> {
        let mut problems = ConfigError::default();
        let propagators = Propagator::of_list("OTEL_PROPAGATORS", list, &mut problems);
        problems.into_result().map(|()| propagators).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_names_propagators_in_order_and_none_twice() {
        use Propagator::{B3, B3Multi, Baggage, Jaeger, TraceContext};
        assert_eq!(read("tracecontext,baggage"), Ok(vec![TraceContext, Baggage]));
        assert_eq!(read(" b3 , jaeger,b3,,b3multi"), Ok(vec![B3, Jaeger, B3Multi]));
        assert_eq!(read("none"), Ok(vec![]));
        for propagator in Propagator::ALL {
            assert_eq!(read(propagator.as_str()), Ok(vec![propagator]));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        let refused = read("xray,b4,ottrace,none").unwrap_err();
        let lines: Vec<&str> = refused.lines().collect();
        let expected = "expected `tracecontext`, `baggage`, `b3`, `b3multi` or `jaeger`";
        assert_eq!(
            lines[0],
            format!(
                "`OTEL_PROPAGATORS` is `xray`; {expected}; the format of AWS X-Ray is not built in, because X-Ray reads \
                 `tracecontext` too"
            )
        );
        assert_eq!(lines[1], format!("`OTEL_PROPAGATORS` is `b4`; {expected}; did you mean `b3`?"));
        assert!(
            lines[2].starts_with(&format!("`OTEL_PROPAGATORS` is `ottrace`; {expected}; the format of")),
            "{}",
            lines[2]
        );
        assert_eq!(lines[3], format!("`OTEL_PROPAGATORS` is `none`; {expected}; `none` stands alone in a list"));
    }
}
