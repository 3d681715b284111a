//! Batches on their way to receivers: several at a time, each with its own attempts.

use super::Job;
use crate::export::delivery::{Caught, Delivery, Receiver, Stop};
use crate::export::{Batch, Signal, encode};
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) async fn work(signal: Signal, delivery: Arc<Delivery>, mut jobs: mpsc::UnboundedReceiver<Job>, stop: Stop) {
    tokio::spawn(widen(Arc::clone(&delivery), stop));
    while let Some(job) = jobs.recv().await {
        tokio::spawn(deliver(signal, Arc::clone(&delivery), job));
    }
}

pub(super) async fn widen(delivery: Arc<Delivery>, stop: Stop) {
    stop.begun().await;
    delivery.widen();
}

/// Sends one batch until it has arrived, or is to be given up.
pub(super) async fn deliver(signal: Signal, delivery: Arc<Delivery>, mut job: Job) {
    let result = {
        let Job { batch, share, turn, .. } = &mut job;
        let batch: &Batch = batch;
        // Encoded for each attempt anew: that is cheap, and what waits needs no second copy.
        let request = |receiver: &dyn Receiver| Some(encode(signal, receiver.format(), batch));
        let budget = delivery.retry.max_elapsed;
        let (request, share) = (&request, *share);
        Caught::new(&delivery.book, || Box::pin(delivery.deliver(share, request, turn, budget))).await.flatten()
    };
    job.book(result);
}
