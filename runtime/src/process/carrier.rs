//! Environment variables that hold a context.

use crate::relation::ParentContext;
use opentelemetry::propagation::Injector;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
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

/// The name of the variable for a header: `traceparent` is `TRACEPARENT`, `x-b3-traceid` is `X_B3_TRACEID`.
fn variable(header: &str) -> String {
    let mut name = String::with_capacity(header.len() + 1);
    if header.starts_with(|first: char| first.is_ascii_digit()) {
        name.push('_');
    }
    name.extend(header.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' }));
    name
}

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

impl Injector for Variables {
    fn set(&mut self, header: &str, value: String) {
        let name = variable(header);
        // No variable can hold a zero, and a child that is not started for its sake would be too high a price.
        if value.contains('\0') {
            return;
        }
        match self.written.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.written.push((name, value)),
        }
    }
}

impl Variables {
    /// What the global propagator writes of a context.
    pub(super) fn of(context: &Context) -> Self {
        let mut variables = Self::default();
        global::get_text_map_propagator(|propagator| propagator.inject_context(context, &mut variables));
        // An empty `tracestate` says no more than none.
        variables.written.retain(|(_, value)| !value.is_empty());
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
    let fields = global::get_text_map_propagator(|propagator| {
        propagator.fields().map(|header| (variable(header), header.to_owned())).collect::<Vec<_>>()
    });
    let header = |name: &str| match fields.iter().find(|(variable, _)| variable == name) {
        Some((_, header)) => Some(header.clone()),
        None => is_known(name).then(|| name.to_ascii_lowercase().replace('_', "-")),
    };
    let headers: Vec<(String, String)> = environment
        .filter_map(|(name, value)| Some((header(name.to_str()?)?, value.into_string().ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    headers.parent_context().unwrap_or_else(|| {
        // Baggage may come without a span.
        let headers: std::collections::HashMap<_, _> = headers.into_iter().collect();
        global::get_text_map_propagator(|propagator| propagator.extract_with_context(&Context::new(), &headers))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

    fn environment(of: &[(&str, &str)]) -> impl Iterator<Item = (OsString, OsString)> + use<> {
        of.iter().map(|(name, value)| (name.into(), value.into())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn names_of_variables_are_upper_case_without_hyphens() {
        assert_eq!(variable("traceparent"), "TRACEPARENT");
        assert_eq!(variable("x-b3-traceid"), "X_B3_TRACEID");
        assert_eq!(variable("uberctx-key.é"), "UBERCTX_KEY__");
        assert_eq!(variable("1-x"), "_1_X");
        assert_eq!(variable(""), "");
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
        variables.set("traceparent", PARENT.to_owned());
        variables.set("tracestate", "a=1".to_owned());
        assert!(variables.stale(inherited).is_empty());
        variables.replace = true;
        assert_eq!(Vec::from_iter(variables.stale(inherited)), ["B3", "BAGGAGE", "UBERCTX_USER"]);
    }

    #[test]
    fn a_value_that_no_variable_can_hold_is_left_out() {
        let mut variables = Variables::default();
        variables.set("baggage", "a=\0".to_owned());
        variables.set("b3", "0".to_owned());
        variables.set("B3", "1".to_owned());
        assert_eq!(variables.written, [("B3".to_owned(), "1".to_owned())]);
    }
}
