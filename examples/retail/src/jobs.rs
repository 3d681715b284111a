//! The background job: orders are packed after the customer has an answer, in the trace of the request.

use crate::api::Order;
use crate::error::ShopError;
use crate::store::{self, Store};
use otelier::Span;
use otelier::prelude::*;
use otelier::schema::Kind;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The queue's name on spans.
const QUEUE: &str = "packing";
/// How many orders may wait.
const WAITING: usize = 1000;

/// A piece of work as it lies in a queue: what is to be done, and the headers that say who wants it (the trace, its baggage).
/// A broker such as Redis or Kafka would hold the same.
#[derive(Debug)]
struct Message {
    order: i64,
    headers: Vec<(String, String)>,
    due: Instant,
}

/// Where work is left to be done.
#[derive(Clone, Debug)]
pub struct Queue(mpsc::Sender<Message>);

impl Queue {
    /// Leaves an order to be packed. Its span is the parent of the job's, whenever that comes.
    ///
    /// # Errors
    ///
    /// If too many wait.
    pub fn pack(&self, order: &Order) -> Result<(), ShopError> {
        let span = Span::builder(format!("send {QUEUE}"))
            .kind(Kind::Producer)
            .attribute("messaging.operation.name", "send")
            .attribute("messaging.operation.type", "send")
            .attribute("messaging.destination.name", QUEUE)
            .start();
        let headers = span.in_scope(otelier::propagation::headers);
        let sent = self.0.try_send(Message { order: order.id, headers, due: Instant::now() });
        let result = sent.map_err(|_| ShopError::QueueFull);
        if let Err(error) = &result {
            span.record_error_class(error);
        }
        result
    }
}

/// Starts the worker. It ends when the last [`Queue`] is gone, and all that was left there is done.
pub fn start(store: Store, pause: Duration) -> (Queue, JoinHandle<()>) {
    let (queue, mut waiting) = mpsc::channel::<Message>(WAITING);
    let worker = tokio::spawn(async move {
        while let Some(message) = waiting.recv().await {
            tokio::time::sleep(pause).await;
            // The span says what went wrong; the next order is packed all the same.
            let _ = pack_order(&store, &message).await;
        }
    });
    (Queue(queue), worker)
}

/// Packs one order, in the trace of the request that made it, and under its correlation id, which came along in the baggage.
#[trace_job(
    parent = &message.headers,
    correlation = otelier::propagation::extract(&message.headers),
    job.id = message.order.to_string(),
    job.queue = QUEUE,
    job.trigger = JobTrigger::Event,
    job.wait_time = message.due.elapsed()
)]
async fn pack_order(store: &Store, message: &Message) -> Result<(), ShopError> {
    let id = message.order;
    store.with(move |database| store::pack(database, id)).await
}
