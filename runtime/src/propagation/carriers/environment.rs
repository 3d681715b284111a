//! Environment variables, as OpenTelemetry's [specification] for them has it.
//!
//! [specification]: https://opentelemetry.io/docs/specs/otel/context/env-carriers/

use super::{Carrier, CarrierMut, stale};
use crate::headers::Headers;
use crate::relation::ParentContext;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector};
use std::ffi::OsString;
use std::fmt;
use std::process::Command;

/// The longest value that is read or written: the limit of W3C Baggage, the longest of all formats.
const LONGEST: usize = 8192;

/// The prefix of variables with baggage in Jaeger's format.
const BAGGAGE_OF_JAEGER: &str = "UBERCTX_";

/// Variables that whoever started this process has put a trace into.
///
/// | variable | format |
/// |-|-|
/// | `TRACEPARENT`, `TRACESTATE` | W3C Trace Context |
/// | `BAGGAGE` | W3C Baggage |
/// | `B3`, `X_B3_TRACEID`, `X_B3_SPANID`, `X_B3_SAMPLED`, `X_B3_FLAGS` | B3 |
/// | `UBER_TRACE_ID`, `UBERCTX_…` | Jaeger |
///
/// Names are those of the headers in upper case, with `_` for whatever is not a letter or a digit. Which of them count is
/// up to the propagators ([`with_propagators`](crate::Telemetry::with_propagators)); headers of propagators of your own
/// are found under the same rule. A value over 8,192 bytes, or that is not UTF-8, is not there. The names of Jaeger's
/// baggage come back in lower case with `-` for every `_`, because the variables do not say more.
///
/// The variables are those at the time of [`new`](Self::new); no others are copied.
///
/// Specification: OpenTelemetry, [environment variables as context propagation carriers][spec].
///
/// [spec]: https://opentelemetry.io/docs/specs/otel/context/env-carriers/
///
/// ```
/// use otelier::prelude::*;
/// use otelier::propagation::Environment;
///
/// // The span of whoever started the process is the parent, if it said so.
/// #[trace(parent = Environment::new())]
/// fn run() {}
/// # run();
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    /// Names as headers have them, and values.
    found: Vec<(String, String)>,
}

impl Environment {
    /// The process's own variables.
    pub fn new() -> Self {
        Self::of(std::env::vars_os())
    }

    /// These variables, for a process that is looked at from outside, and for tests.
    ///
    /// ```
    /// use otelier::propagation::Environment;
    /// use otelier::relation::ParentContext;
    ///
    /// let environment = Environment::of([("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
    /// assert!(environment.parent_context().is_some());
    /// ```
    pub fn of<K: Into<OsString>, V: Into<OsString>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let known = names();
        let mut found = Vec::new();
        for (name, value) in variables {
            let Ok(name) = name.into().into_string() else { continue };
            let header = match known.iter().find(|(variable, _)| *variable == name) {
                Some((_, header)) => header.clone(),
                None if name.starts_with(BAGGAGE_OF_JAEGER) => name.to_ascii_lowercase().replace('_', "-"),
                None => continue,
            };
            let Ok(value) = value.into().into_string() else { continue };
            if value.len() <= LONGEST {
                found.push((header, value));
            }
        }
        Self { found }
    }

    fn headers(&self) -> Headers<'_> {
        Headers::new(self.found.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// The variables of all headers of ours and of the process's propagator, with the headers.
fn names() -> Vec<(String, String)> {
    let mut names: Vec<_> = super::super::all_fields().map(str::to_owned).collect();
    opentelemetry::global::get_text_map_propagator(|propagator| names.extend(propagator.fields().map(str::to_owned)));
    names.into_iter().map(|header| (variable(&header), header)).collect()
}

/// The name of the variable for a header.
fn variable(header: &str) -> String {
    let mut name: String = header
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.found.iter().map(|(name, _)| name)).finish()
    }
}

impl Carrier for Environment {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(&self.headers());
    }
}

impl ParentContext for Environment {
    fn parent_context(&self) -> Option<Context> {
        self.headers().parent_context()
    }
}

/// Writes headers as variables: calls a function with each name and value, for an environment that is not a
/// [`Command`]'s. See [`Environment`] for the names.
///
/// A value over 8,192 bytes, or with a zero byte in it, is left out: no environment could hold it. A command can be given to
/// [`inject`](crate::propagation::inject) as it is; what it would inherit of the trace that this process was started in,
/// and that is not of the new one, it does not inherit then.
///
/// ```
/// use otelier::propagation::{EnvironmentInjector, inject_current};
///
/// let mut pod = Vec::new();
/// inject_current(&mut EnvironmentInjector(|name: &str, value: &str| pod.push(format!("{name}={value}"))));
///
/// let mut command = std::process::Command::new("cargo");
/// inject_current(&mut command);
/// ```
pub struct EnvironmentInjector<F>(
    /// What is called with a name and a value.
    pub F,
);

impl<F> fmt::Debug for EnvironmentInjector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentInjector").finish_non_exhaustive()
    }
}

impl<F: FnMut(&str, &str)> Injector for EnvironmentInjector<F> {
    fn set(&mut self, name: &str, value: String) {
        if value.len() <= LONGEST && !value.contains('\0') && !name.is_empty() {
            (self.0)(&variable(name), &value);
        }
    }
}

impl<F: FnMut(&str, &str)> CarrierMut for EnvironmentInjector<F> {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(self);
    }
}

impl CarrierMut for Command {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        struct Into<'a>(&'a mut Command);
        impl Injector for Into<'_> {
            fn set(&mut self, name: &str, value: String) {
                for name in stale(name) {
                    self.0.env_remove(variable(name));
                }
                EnvironmentInjector(|name: &str, value: &str| _ = self.0.env(name, value)).set(name, value);
            }
        }
        f(&mut Into(self));
    }
}
