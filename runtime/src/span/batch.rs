//! Spans over several messages.

use super::{Span, SpanBuilder};
use crate::relation::Links;
use crate::schema::Kind;

/// A span for the work on several messages at once: it links to the span of every one of them.
///
/// A span has one parent, and messages of a batch have many. So the batch is a child of what is active, or begins a trace,
/// and its links lead to the producers. The kind is consumer, and `messaging.batch.message_count` says how many messages
/// there were, also those that name no span. Links over the limit ([`Limits::links`](crate::config::Limits), 128 unless
/// configured) are counted in the span as dropped.
///
/// ```
/// use opentelemetry::trace::SpanContext;
///
/// struct Message {
///     context: SpanContext,
/// }
/// # let messages = [Message { context: SpanContext::NONE }];
/// let span = otelier::batch("handle", messages.iter().map(|message| &message.context)).start();
/// for message in &messages {
///     span.in_scope(|| { /* … */ });
/// }
/// ```
pub fn batch<L: Links>(span: impl Into<SpanBuilder>, messages: impl IntoIterator<Item = L>) -> SpanBuilder {
    let mut count = 0_u64;
    let mut span = span.into().kind(Kind::Consumer);
    for message in messages {
        count += 1;
        span = span.links(&message);
    }
    span.attribute("messaging.batch.message_count", count)
}

impl Span {
    /// The same as [`batch`](crate::batch), started.
    ///
    /// ```
    /// # let contexts: [opentelemetry::Context; 0] = [];
    /// let span = otelier::Span::batch("handle", &contexts);
    /// ```
    pub fn batch<L: Links>(name: impl Into<SpanBuilder>, messages: impl IntoIterator<Item = L>) -> Self {
        batch(name, messages).start()
    }
}
