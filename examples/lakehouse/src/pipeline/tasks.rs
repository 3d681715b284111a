//! Bounded concurrency that keeps spans under the right parent.

use std::future::Future;
use std::sync::Arc;

use otelier::in_current_context;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Runs all futures on the runtime's threads, at most `limit` at once, and returns their results in the same order.
/// A future that panicked gives `None`. All of them are cancelled when the returned future is dropped.
///
/// Spans that the futures open become children of the span that is current here: a task starts without a current span,
/// so it is told.
pub async fn concurrently<F>(limit: usize, work: impl IntoIterator<Item = F>) -> Vec<Option<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(limit.max(1)));
    let mut tasks = JoinSet::new();
    for (position, future) in work.into_iter().enumerate() {
        let permits = Arc::clone(&permits);
        let task = async move {
            // Fails only if the semaphore is closed, which nobody does.
            let _permit = permits.acquire_owned().await;
            (position, future.await)
        };
        tasks.spawn(in_current_context(task));
    }
    let mut results: Vec<Option<F::Output>> = Vec::new();
    results.resize_with(tasks.len(), || None);
    while let Some(joined) = tasks.join_next().await {
        if let Ok((position, result)) = joined {
            results[position] = Some(result);
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn results_come_in_order_and_a_panic_costs_only_its_own() {
        let work = (0..6).map(|n| async move {
            tokio::time::sleep(std::time::Duration::from_millis(12 - 2 * n)).await;
            assert!(n != 3, "one task fails on purpose");
            n
        });
        assert_eq!(concurrently(6, work).await, [Some(0), Some(1), Some(2), None, Some(4), Some(5)]);
    }

    #[tokio::test]
    async fn no_more_than_the_limit_run_at_once() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = (0..12).map(|_| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
            }
        });
        assert_eq!(concurrently(3, work).await.len(), 12);
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }
}
