//! Which spans code makes, seen by its tests.
//!
//! ```
//! use otelier::prelude::*;
//!
//! #[trace(app.order.id = order)]
//! fn checkout(order: u64) -> bool {
//!     reserve();
//!     pay().is_ok()
//! }
//!
//! #[trace(late(app.stock))]
//! fn reserve() {
//!     record!(app.stock = 3);
//!     event!("reserved");
//! }
//!
//! #[trace]
//! fn pay() -> Result<(), Refused> {
//!     Err(Refused)
//! }
//! # struct Refused;
//! # impl std::fmt::Display for Refused {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("card 4711 refused") }
//! # }
//! # impl ErrorClass for Refused {
//! #     fn error_type(&self) -> std::borrow::Cow<'static, str> { "refused".into() }
//! # }
//!
//! // In a test, beside any number of others:
//! let spans = otelier::testing::capture(|| checkout(7));
//! assert!(!spans.value);
//! spans.span("checkout").has("app.order.id", 7).child("reserve").is_ok();
//! spans.assert_tree(
//!     "
//!     checkout app.order.id=7
//!       reserve app.stock=3
//!         event reserved
//!       pay ✗ error.type=refused
//!     ",
//! );
//! ```
//!
//! [`capture`] runs a closure, [`capture_async`] a future, and [`Capture`] is a guard for everything else. Each sees the
//! spans of its own code only, however many tests run at a time in the process:
//!
//! * spans that begin where its code runs, also on other threads and in tasks that get the context handed on
//!   ([`spawn_thread`](crate::spawn_thread), [`with_current_context`](crate::with_current_context),
//!   [`in_current_context`](crate::in_current_context), or any other way that carries OpenTelemetry's context);
//! * traces that begin anew in it, and those that continue a remote parent there;
//! * spans below them wherever they are made, also by a server in the same process that got the trace by a header.
//!
//! Nothing has to be initialised. Where a pipeline runs, the spans go there as well; where none runs, spans outside of
//! captures are not recorded. A pipeline may be started and shut down at any time. Within a capture every trace is recorded
//! whatever the sampler says ([`CaptureBuilder::with_sampling`] changes that), and tail sampling forgets none of it.
//!
//! What cannot be seen: a span that has not ended when the capture does (wait for the tasks and threads that the code
//! starts, or use [`Capture::wait_for`]); a span on a thread or task to which nothing was handed on, except below a span of
//! the capture; spans inside of a context that suppresses telemetry; a span larger than 256 KiB. Where the capture's code
//! continues a trace that is not its own (a remote parent), a span is seen once the spans between it and the place where the
//! capture entered the trace have ended. A trace outside of captures on the same thread that tail sampling holds back when a
//! capture begins a trace inside of it is kept.

mod captured;
mod expect;
mod order;
mod text;
mod tree;

pub use captured::{Capture, CaptureBuilder, Captured, Sampling, capture, capture_async};
pub use tree::{CapturedEvent, CapturedLink, CapturedSpan, SpanTree};
