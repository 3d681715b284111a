//! The evening of a small shop: one function for every shape of code that can have a span.
//!
//! [`evening`] calls them all, in the order in which they stand here. `src/bin/shapes.rs` prints the tree, and
//! `tests/shapes.rs` compares it with a file.

use async_trait::async_trait;
use futures_core::Stream;
use otelier::opentelemetry::trace::SpanContext;
use otelier::prelude::*;
use otelier::schema::Kind;
use otelier::{Attempts, InSpan, Span, current_span, in_span, retry_async};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

/// What goes wrong in the shop.
///
/// `error.type` is the name of the variant in `snake_case` where nothing else is said. The rest is recorded as
/// `failure.kind` and so on, and the program can ask for it: [`deliver`] tries again what is retryable.
#[derive(Debug, ErrorClass)]
pub enum ShopError {
    /// There are not enough pieces. That is a part of normal operation, so the span's status stays unset.
    #[error_class(kind = conflict, recovery = fallback, expected)]
    OutOfStock {
        /// How many are missing.
        missing: u32,
    },
    /// The carrier does not answer.
    #[error_class(kind = unavailable, severity = medium, recovery = retry, retryable)]
    CarrierBusy,
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfStock { missing } => write!(f, "{missing} pieces are missing"),
            Self::CarrierBusy => f.write_str("the carrier is busy"),
        }
    }
}

impl std::error::Error for ShopError {}

/// Where the goods are.
#[derive(Debug)]
pub struct Warehouse {
    town: &'static str,
    pieces: u32,
}

/// One annotation for the whole block: each method has a span, named `Warehouse::reserve` and so on, with what the block
/// says of all of them. A method's own annotation adds to that.
#[trace(app.town = self.town)]
impl Warehouse {
    /// Too small for a span.
    #[trace(skip)]
    pub fn new(town: &'static str, pieces: u32) -> Self {
        Self { town, pieces }
    }

    /// How many pieces there are. `ret(..)` records the value that is returned.
    #[trace(ret(app.stock))]
    pub fn count(&self) -> u32 {
        self.pieces
    }

    /// Puts pieces aside. What stands between the bars names what is inside of `Ok`, or of `Err`.
    ///
    /// # Errors
    ///
    /// [`ShopError::OutOfStock`] if there are not enough.
    #[trace(
        app.wanted = wanted,
        ret(|left| app.stock = *left, event("reserved")),
        err(|error| app.reason = %error)
    )]
    pub fn reserve(&mut self, wanted: u32) -> Result<u32, ShopError> {
        let left = self.pieces.checked_sub(wanted);
        self.pieces = left.ok_or_else(|| ShopError::OutOfStock { missing: wanted - self.pieces })?;
        Ok(self.pieces)
    }
}

/// Somebody who brings parcels.
#[async_trait]
pub trait Carrier {
    /// Asks for a label.
    async fn label(&self, order: u64) -> String;
}

/// A carrier.
#[derive(Debug)]
pub struct Courier;

/// Methods of `async_trait` are annotated like others; our attribute may stand above that one or below it.
#[trace(kind = client)]
#[async_trait]
impl Carrier for Courier {
    #[trace(app.order.id = order)]
    async fn label(&self, order: u64) -> String {
        tokio::task::yield_now().await;
        format!("P-{order}")
    }
}

/// A function that returns a future without being `async`. Its span covers the future, not the call.
#[trace(app.zip = zip, ret(app.price))]
pub fn quote(zip: &str) -> impl Future<Output = f64> + Send {
    let is_near = zip.starts_with('0');
    async move { if is_near { 4.5 } else { 9.0 } }
}

/// The span begins with the first page that is asked for, and ends after the last one.
#[trace(iterator)]
pub fn pages(last: u32) -> impl Iterator<Item = u32> {
    (1..=last).map(|page| page * 10)
}

/// The span covers the stream until its end; each item is made in it.
#[trace(stream)]
pub fn parcels(count: u32) -> impl Stream<Item = u32> + Unpin {
    Parcels { left: count }
}

struct Parcels {
    left: u32,
}

impl Stream for Parcels {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        let parcel = self.left;
        self.left = parcel.saturating_sub(1);
        Poll::Ready((parcel > 0).then_some(parcel))
    }
}

/// Adds a stream up; the `while let` over a stream without another crate.
async fn weigh(stream: impl Stream<Item = u32>) -> u32 {
    let (mut stream, mut sum) = (pin!(stream), 0);
    while let Some(item) = std::future::poll_fn(|task| stream.as_mut().poll_next(task)).await {
        sum += item;
    }
    sum
}

/// Spans inside of a function: a block with `trace_block!`, which is checked as annotations are, a closure with `in_span!`,
/// a future with `in_span`.
#[trace]
pub async fn pack() -> u32 {
    let boxes = trace_block!(name = "choose box", app.sizes = 3, { 2 });
    let sealed = in_span!("seal", |span| {
        span.set_attribute("app.boxes", boxes);
        boxes
    });
    // Not annotated code reaches the span that is active where it is called: here that of `weigh`.
    async { current_span().set_attribute("app.grams", 750) }.in_span("weigh").await;
    sealed
}

/// A task has no parent of its own accord; `otelier::spawn` gives it the span that is active now.
#[trace]
pub async fn print_labels(orders: [u64; 2]) {
    for task in orders.map(|order| otelier::spawn(print_label(order))) {
        // A task that panicked has its own span, which says so.
        drop(task.await);
    }
}

#[trace(app.order.id = order)]
async fn print_label(order: u64) {
    tokio::task::yield_now().await;
}

/// Every attempt is a span that links to the one before; the failed one says when the next follows.
///
/// # Errors
///
/// That of the last attempt.
#[trace]
pub async fn deliver() -> Result<u32, ShopError> {
    retry_async(
        Attempts::new(Span::builder("hand over").kind(Kind::Client)).by_class().max(3),
        [Duration::from_millis(1), Duration::from_millis(2)],
        tokio::time::sleep,
        ShopError::is_retryable,
        |attempt| async move { if attempt < 2 { Err(ShopError::CarrierBusy) } else { Ok(attempt) } },
    )
    .await
}

/// A message of a queue names the span that sent it.
#[derive(Debug)]
pub struct Message {
    /// The number of the order.
    pub order: u64,
    /// The span that sent the message.
    pub sent_by: SpanContext,
}

/// Sends a message; who receives it can link to this span.
#[trace(kind = producer, app.order.id = order)]
pub fn send(order: u64) -> Message {
    Message { order, sent_by: current_span().span_context() }
}

/// A span has one parent, but a batch has many producers: it links to all of them.
pub fn handle(messages: &[Message]) -> u64 {
    let batch = otelier::batch("handle orders", messages.iter().map(|message| &message.sent_by));
    in_span!(batch, |span| {
        for message in messages {
            span.child("handle order").set_attribute("app.order.id", message.order);
        }
        messages.iter().map(|message| message.order).sum::<u64>()
    })
}

/// The parent is in the headers of a request: the span continues the trace of another program.
#[trace(parent = headers, kind = server)]
pub fn accept(headers: &HashMap<String, String>) {}

/// Begins a trace of its own, also if something is active; a link leads back to it.
#[trace(root, link = asked_by)]
pub fn audit(asked_by: &SpanContext) {}

/// Called every second by somebody who wants to know whether we live: no trace of it is kept. The hint holds where a trace
/// begins; below a parent, that one has decided.
#[trace(root, sample = never)]
pub fn health() -> bool {
    true
}

/// The span of a function that panics says what the panic said.
#[trace]
pub fn divide(cents: u32, customers: u32) -> u32 {
    cents / customers
}

/// Dropped before it is ready. That is no error: the span has `otelier.cancelled`.
#[trace]
pub async fn wait_for_customers() {
    std::future::pending().await
}

/// The evening: calls everything above once.
#[trace]
pub async fn evening() {
    let mut warehouse = Warehouse::new("Jena", 3);
    if warehouse.count() > 0 {
        let _ = warehouse.reserve(2);
        let _ = warehouse.reserve(2);
    }
    Courier.label(7).await;
    quote("07743").await;
    pages(3).for_each(drop);
    weigh(parcels(4)).await;
    pack().await;
    print_labels([7, 8]).await;
    let _ = deliver().await;
    handle(&[send(7), send(8)]);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    accept(&HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]));
    audit(&current_span().span_context());
    health();
    let _ = catch_unwind(AssertUnwindSafe(|| divide(100, 0)));
    let _ = tokio::time::timeout(Duration::from_millis(1), wait_for_customers()).await;
}
