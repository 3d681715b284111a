//! Where a context is current: on a thread for a while, or in a future.

use super::{CorrelationContext, Workflow};
use crate::bridge::current_context;
use crate::record::capture::OnThread;
use crate::record::{AmbientGuard, Exact, enter_ambient, has_context};
use opentelemetry::Context;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::Poll;

/// What [`CorrelationContext::enter`] and [`Workflow::enter`] give: the context is current on this thread until this is
/// dropped.
#[must_use = "the context is current until this is dropped"]
pub struct Entered(#[expect(dead_code, reason = "its end counts")] AmbientGuard);

impl Entered {
    pub(super) fn new(context: Context) -> Self {
        Self(enter_ambient(context))
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

/// What a future runs in.
#[derive(Clone, Debug)]
pub(super) enum Holder {
    Correlation(CorrelationContext),
    Workflow(Workflow),
    /// After the first poll: everything that is current inside.
    Known(Context),
}

impl Holder {
    fn context(&self, outer: &Context) -> Context {
        match self {
            Self::Correlation(correlation) => correlation.context(outer),
            Self::Workflow(workflow) => workflow.context(outer),
            Self::Known(context) => context.clone(),
        }
    }
}

/// A future of [`CorrelationContext::in_future`] or [`Workflow::in_future`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct InContext<F> {
    holder: Holder,
    /// Dropped by [`Drop`], within the context.
    future: ManuallyDrop<F>,
}

impl<F> InContext<F> {
    pub(super) fn new(future: F, holder: Holder) -> Self {
        Self { holder, future: ManuallyDrop::new(future) }
    }
}

/// Runs `f` where this is current.
fn inside<T>(context: &Context, f: impl FnOnce() -> T) -> T {
    let _exact = Exact::enter();
    let _capture = OnThread::of(context);
    let _entered = enter_ambient(context.clone());
    f()
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is pinned as long as this is: nothing moves it, and `drop` drops it in place. The other field
        // is never pinned.
        let (holder, future) = unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.holder, Pin::new_unchecked(&mut *this.future))
        };
        if !matches!(holder, Holder::Known(_)) {
            *holder = Holder::Known(holder.context(&current_context()));
        }
        let Holder::Known(context) = holder else { unreachable!("it was just put there") };
        inside(context, || future.poll(task))
    }
}

impl<F> Drop for InContext<F> {
    fn drop(&mut self) {
        // SAFETY: nobody uses the future any more.
        let end = |future| unsafe { ManuallyDrop::drop(future) };
        // A thread may keep the future longer than there is a context.
        if !has_context() {
            return end(&mut self.future);
        }
        let context = match &self.holder {
            Holder::Known(context) => context.clone(),
            new => new.context(&current_context()),
        };
        inside(&context, || end(&mut self.future));
    }
}
