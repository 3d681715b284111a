//! Environment variables that hold a context.

use crate::propagation::{Environment, EnvironmentInjector, extract, inject};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// What names a span or holds baggage in the formats that OpenTelemetry knows: inherited, they would name somebody else's.
const KNOWN: [&str; 10] = [
    "B3",
    "BAGGAGE",
    "TRACEPARENT",
    "TRACESTATE",
    "UBER_TRACE_ID",
    "X_B3_FLAGS",
    "X_B3_PARENTSPANID",
    "X_B3_SAMPLED",
    "X_B3_SPANID",
    "X_B3_TRACEID",
];

/// Jaeger's baggage has names that depend on what is in it.
const JAEGER_BAGGAGE: &str = "UBERCTX_";

/// Whether a variable of this name is part of a context.
fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || name.starts_with(JAEGER_BAGGAGE)
}

/// The variables of one context.
#[derive(Debug, Default)]
pub(super) struct Variables {
    written: Vec<(String, String)>,
    /// Whether what is inherited names somebody else's span.
    replace: bool,
}

impl Variables {
    /// What the global propagator writes of a context.
    pub(super) fn of(context: &Context) -> Self {
        let mut variables = Self::default();
        let mut set = |name: &str, value: &str| match variables.written.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => variables.written.push((name.to_owned(), value.to_owned())),
        };
        inject(context, &mut EnvironmentInjector(&mut set));
        variables.replace = context.span().span_context().is_valid() && !variables.written.is_empty();
        variables
    }

    /// The variables among these that are not written, but part of a context.
    fn stale<'a>(&self, inherited: impl IntoIterator<Item = &'a OsStr>) -> BTreeSet<String> {
        let names = inherited.into_iter().filter_map(OsStr::to_str).filter(|name| self.replace && is_known(name));
        names.filter(|name| self.written.iter().all(|(written, _)| written != name)).map(str::to_owned).collect()
    }

    /// Gives them to a command, and says which variables that set or removed.
    pub(super) fn write(self, command: &mut Command) -> Vec<String> {
        let inherited = std::env::vars_os().map(|(name, _)| name);
        let names: Vec<OsString> = inherited.chain(command.get_envs().map(|(name, _)| name.to_owned())).collect();
        let mut touched = Vec::from_iter(self.stale(names.iter().map(OsString::as_os_str)));
        for name in &touched {
            command.env_remove(name);
        }
        for (name, value) in self.written {
            command.env(&name, value);
            touched.push(name);
        }
        touched
    }

    pub(super) fn into_pairs(self, inherited: impl Iterator<Item = (OsString, OsString)>) -> Vec<(String, String)> {
        let inherited: Vec<OsString> = inherited.map(|(name, _)| name).collect();
        let stale = self.stale(inherited.iter().map(OsString::as_os_str));
        let mut pairs = self.written;
        pairs.extend(stale.into_iter().map(|name| (name, String::new())));
        pairs
    }
}

/// The context that an environment holds.
pub(super) fn parent(environment: impl Iterator<Item = (OsString, OsString)>) -> Context {
    extract(&Environment::of(environment))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

    fn environment(of: &[(&str, &str)]) -> impl Iterator<Item = (OsString, OsString)> + use<> {
        of.iter().map(|(name, value)| (name.into(), value.into())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn the_environment_names_a_parent_with_any_flags() {
        let context = parent(environment(&[("PATH", "/bin"), ("TRACEPARENT", PARENT), ("TRACESTATE", "a=1")]));
        let span = context.span().span_context().clone();
        assert_eq!(span.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.span_id().to_string(), "b7ad6b7169203331");
        assert!(span.is_sampled() && span.is_remote());
        assert_eq!(span.trace_state().header(), "a=1");
    }

    #[test]
    fn what_is_not_valid_names_no_parent() {
        for value in ["", "-", "00-0-0-01", "\u{fffd}", &"0".repeat(200_000)] {
            assert!(!parent(environment(&[("TRACEPARENT", value)])).span().span_context().is_valid(), "{value:.60}");
        }
        // Names have a case where there is no Windows, and the specification has one.
        assert!(!parent(environment(&[("traceparent", PARENT)])).span().span_context().is_valid());
    }

    #[test]
    #[cfg(unix)]
    fn what_is_not_text_names_no_parent() {
        use std::os::unix::ffi::OsStringExt;
        let odd = || OsString::from_vec(vec![0xff, b'x']);
        let environment = [("TRACEPARENT".into(), odd()), (odd(), "x".into())];
        assert!(!parent(environment.into_iter()).span().span_context().is_valid());
    }

    #[test]
    fn stale_variables_are_replaced_only_by_a_span() {
        let inherited = ["PATH", "BAGGAGE", "TRACESTATE", "UBERCTX_USER", "B3"].map(OsStr::new);
        let mut variables = Variables::default();
        for (name, value) in [("TRACEPARENT", PARENT), ("TRACESTATE", "a=1")] {
            variables.written.push((name.to_owned(), value.to_owned()));
        }
        assert!(variables.stale(inherited).is_empty());
        variables.replace = true;
        assert_eq!(Vec::from_iter(variables.stale(inherited)), ["B3", "BAGGAGE", "UBERCTX_USER"]);
    }
}
