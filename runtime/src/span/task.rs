//! Tasks of Tokio that keep the context.

use crate::bridge::{in_current_context, with_current_context};
use std::future::Future;
use tokio::task::JoinHandle;

/// Like [`tokio::spawn`]; spans of the task are children of the span that is active now, also if that ends before.
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace]
/// async fn part(number: usize) -> usize {
///     number
/// }
///
/// #[trace]
/// async fn whole() -> usize {
///     let task = otelier::spawn(part(3));
///     task.await.unwrap_or_default()
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
/// # assert_eq!(runtime.block_on(whole()), 3);
/// ```
///
/// # Panics
///
/// Outside of a Tokio runtime.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(in_current_context(future))
}

/// Like [`tokio::task::spawn_blocking`]; spans of the closure are children of the span that is active now.
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace]
/// fn compress(data: Vec<u8>) -> usize {
///     data.len()
/// }
///
/// #[trace]
/// async fn store(data: Vec<u8>) -> usize {
///     otelier::spawn_blocking(|| compress(data)).await.unwrap_or_default()
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
/// # assert_eq!(runtime.block_on(store(vec![1, 2])), 2);
/// ```
///
/// # Panics
///
/// Outside of a Tokio runtime.
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn_blocking(with_current_context(f))
}

/// Like [`tokio::task::spawn_local`]; spans of the task are children of the span that is active now.
///
/// ```
/// use otelier::prelude::*;
/// use std::rc::Rc;
///
/// #[trace]
/// async fn part(number: Rc<usize>) -> usize {
///     *number
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
/// let local = tokio::task::LocalSet::new();
/// let found = local.block_on(&runtime, async { otelier::spawn_local(part(Rc::new(3))).await });
/// assert_eq!(found.ok(), Some(3));
/// ```
///
/// # Panics
///
/// Outside of a `LocalSet`.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    tokio::task::spawn_local(in_current_context(future))
}
