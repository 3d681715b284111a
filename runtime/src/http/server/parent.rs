//! Whose child the span of a request is.

use super::forwarded::text;
use crate::relation::ParentContext;
use ::http::HeaderMap;
use opentelemetry::propagation::Extractor;
use opentelemetry::{Context, global};

/// The context that a request's span begins in: the current one, with what the process's propagator reads from the headers.
pub(super) fn contexts(headers: &HeaderMap) -> Context {
    let current = Context::current();
    let read = global::get_text_map_propagator(|propagator| {
        let mut fields = propagator.fields().peekable();
        if fields.peek().is_none() {
            // Perhaps nobody has set one, which is another thing than that nothing is to be read.
            return headers.contains_key(ONLY_ONE[0]).then(|| headers.parent_context()).flatten();
        }
        // Most requests of strangers have none of these headers, and cost no look at each of them.
        let has_any = fields.any(|field| headers.contains_key(field));
        has_any.then(|| propagator.extract_with_context(&current, &Carrier::of(headers)))
    });
    read.unwrap_or(current)
}

/// Headers of which a message has one: each names a span, or a part of its name.
const ONLY_ONE: [&str; 5] = ["traceparent", "b3", "x-b3-traceid", "x-b3-spanid", "uber-trace-id"];
/// Lists, which may come in parts.
const LISTS: [&str; 2] = ["tracestate", "baggage"];
/// The longest list in several parts; of a longer one nothing is read. A list in one part is the propagator's to judge.
const LONGEST: usize = 16 * 1024;

/// The headers of a request as a propagator reads them.
struct Carrier<'a> {
    headers: &'a HeaderMap,
    /// Lists that come in several headers, put together.
    lists: [Option<String>; LISTS.len()],
}

impl<'a> Carrier<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let lists = LISTS.map(|name| {
            let parts = || headers.get_all(name).iter().filter_map(text);
            let length: usize = parts().map(|part| part.len() + 1).sum();
            (parts().nth(1).is_some()).then(|| match length <= LONGEST {
                true => parts().collect::<Vec<_>>().join(","),
                false => String::new(),
            })
        });
        Self { headers, lists }
    }
}

impl Extractor for Carrier<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let joined = LISTS.iter().position(|list| list.eq_ignore_ascii_case(name));
        if let Some(list) = joined.and_then(|at| self.lists[at].as_deref()) {
            return Some(list).filter(|list| !list.is_empty());
        }
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        // Of several parents nobody knows which one counts.
        let is_doubtful = ONLY_ONE.iter().any(|only| only.eq_ignore_ascii_case(name)) && values.next().is_some();
        if is_doubtful { None } else { text(first) }
    }

    fn keys(&self) -> Vec<&str> {
        self.headers.keys().map(|name| name.as_str()).collect()
    }
}
