//! Traces that go on from Prefect's flow runs, and into them.
//!
//! Prefect 3 makes a span for every run of a flow and of a task, if OpenTelemetry's SDK is set up in the process that runs
//! them, and keeps the `traceparent` of that span in the run's label [`LABEL`]. A run that has the label when it starts
//! begins its span below the span that it names.
//!
//! # A service starts a flow run inside its own trace
//!
//! [`labels`] are those of the span that is active. `POST /api/deployments/{id}/create_flow_run` and `POST /api/flow_runs/`
//! take them as `labels` of their body, with whatever HTTP client:
//!
//! ```
//! use otelier::prelude::*;
//!
//! #[trace]
//! fn start_report() -> String {
//!     let body = serde_json::json!({ "parameters": { "day": "2026-11-20" }, "labels": otelier::prefect::labels() });
//!     // client.post(format!("{api}/deployments/{id}/create_flow_run")).json(&body).send()…
//!     body.to_string()
//! }
//! # start_report();
//! ```
//!
//! What Prefect does not take along: `tracestate` and baggage, and the trace if the headers of the process are of another
//! format than `traceparent`. The label is made of the span alone, whatever the settings' propagators.
//!
//! # A task goes on in a Rust process
//!
//! Prefect sets no `TRACEPARENT`; the task must pass it. Its span is OpenTelemetry's current one:
//!
//! ```python
//! from opentelemetry import propagate
//! from prefect import task
//!
//! @task
//! def convert():
//!     carrier = {}
//!     propagate.inject(carrier)
//!     environment = {name.upper().replace("-", "_"): value for name, value in carrier.items()}
//!     subprocess.run(["convert", "--all"], env=os.environ | environment, check=True)
//! ```
//!
//! The process takes it from there with [`process::parent`](crate::process::parent). A program that has the labels of a run
//! instead, because it asked the API or got an event, has [`parent`].

use crate::headers::w3c;
use crate::relation::ParentContext;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use std::collections::{BTreeMap, HashMap};

/// The label of a run that holds the `traceparent` of its span, or of the span that it is to begin below.
pub const LABEL: &str = "__OTEL_TRACEPARENT";

/// The labels that make a new flow run a child of the span that is active: one, [`LABEL`], or none if no span is active.
///
/// A span that is not sampled is handed on as such, and the run's spans are not sampled either, if Prefect's process asks
/// the parent (OpenTelemetry's default).
///
/// ```
/// assert!(otelier::prefect::labels().is_empty());
/// ```
pub fn labels() -> BTreeMap<String, String> {
    labels_of(&crate::current_context())
}

/// The labels that make a new flow run a child of the span in a context.
///
/// ```
/// use otelier::prefect::{LABEL, labels_of};
/// use otelier::relation::ParentContext;
///
/// let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parent_context().expect("it is valid");
/// assert_eq!(labels_of(&context)[LABEL], "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
/// ```
pub fn labels_of(context: &Context) -> BTreeMap<String, String> {
    let mut headers = HashMap::new();
    if context.span().span_context().is_valid() {
        w3c::inject(context, &mut headers);
    }
    headers.remove("traceparent").map(|traceparent| (LABEL.to_owned(), traceparent)).into_iter().collect()
}

/// The span of a run, from its labels: a parent for what belongs to it. `None` if they name none, and if what they name is
/// not valid.
///
/// ```
/// use otelier::prelude::*;
/// use std::collections::HashMap;
///
/// #[trace(parent = otelier::prefect::parent(labels))]
/// fn after_run(labels: &HashMap<String, String>) {}
///
/// after_run(&HashMap::new());
///
/// // As the API answers them, where a label may be a number or a truth value, too.
/// let run = serde_json::json!({ "labels": { "__OTEL_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03" } });
/// let labels = run["labels"].as_object().into_iter().flatten();
/// let texts = labels.filter_map(|(name, value)| Some((name, value.as_str()?)));
/// assert!(otelier::prefect::parent(texts).is_some());
/// ```
pub fn parent<K: AsRef<str>, V: AsRef<str>>(labels: impl IntoIterator<Item = (K, V)>) -> Option<Context> {
    labels.into_iter().find(|(name, _)| name.as_ref() == LABEL).and_then(|(_, value)| value.as_ref().parent_context())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

    #[test]
    fn a_label_comes_back_as_the_span_it_was_made_of() {
        for flags in ["00", "01", "02", "03"] {
            let traceparent = format!("{}{flags}", &PARENT[..PARENT.len() - 2]);
            let span = parent([(LABEL, &traceparent)]).expect("it is valid");
            let again = parent(labels_of(&span)).expect("it is still valid");
            assert_eq!(again.span().span_context(), span.span().span_context());
        }
    }

    #[test]
    fn labels_that_name_no_span_are_no_parent() {
        let none: [(&str, &str); 0] = [];
        assert!(parent(none).is_none());
        for value in ["", "1", "00-0-0-01", &"-".repeat(100_000), "\0"] {
            assert!(parent([("team", "x"), (LABEL, value)]).is_none());
        }
        assert!(parent([("__otel_traceparent", PARENT), ("traceparent", PARENT)]).is_none());
        assert!(labels_of(&Context::new()).is_empty());
    }
}
