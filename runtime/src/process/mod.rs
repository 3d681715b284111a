//! Child processes in the trace of their parent, and the trace that this process was started in.
//!
//! A context goes from process to process in environment variables: `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`, and what else
//! the process's [propagators](crate::propagation) write, in upper case and with `_` for every other character
//! ([OpenTelemetry: environment variables as carriers](https://opentelemetry.io/docs/specs/otel/context/env-carriers/)).
//!
//! | you have | write |
//! |-|-|
//! | a program to run | [`traced_command`], which is [`std::process::Command`] with a span |
//! | the same with Tokio or another library | [`TracedCommand::into_parts`], or [`inject`] where no span is wanted |
//! | any other way to start something: a container, a job, a remote shell | [`env()`] |
//! | a program that is started by another one | [`parent`] |
//!
//! ```
//! use otelier::prelude::*;
//!
//! // The parent's trace goes on here, if there is one.
//! #[trace(parent = otelier::process::parent())]
//! fn nightly() -> std::io::Result<bool> {
//!     // A span for the child, which is told of it.
//!     let status = otelier::traced_command("true").arg("--quiet").status()?;
//!     Ok(status.success())
//! }
//! # if cfg!(unix) {
//! # assert!(nightly().expect("there is such a program"));
//! # }
//! ```
//!
//! Other users of the machine may be able to read a process's environment, and all that is in the
//! [baggage](opentelemetry::baggage) goes there.

mod carrier;
mod child;
mod command;
mod span;

pub use child::TracedChild;
pub use command::{TracedCommand, traced_command};
pub use span::ProcessSpan;

use opentelemetry::Context;
use std::process::Command;

/// The context that this process was started in, from its environment: the parent's span, and its baggage.
///
/// It is empty if the environment names none, and if what it names is not valid. The formats are those of OpenTelemetry's
/// global propagator, so call it after [`init`](crate::init); where nobody has set a propagator, `TRACEPARENT` and
/// `TRACESTATE` are read.
///
/// It is a [`ParentContext`](crate::relation::ParentContext) that makes the first span of this process the parent's child.
/// Give it to that one only: spans below have that one as their parent.
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace(parent = otelier::process::parent())]
/// fn run() {}
///
/// run();
/// ```
///
/// For everything that begins in a `main`, whichever span it is:
///
/// ```
/// let parent = otelier::process::parent().attach();
/// ```
pub fn parent() -> Context {
    carrier::parent(std::env::vars_os())
}

/// The variables that hand the current context to another process, names and values: for commands of other libraries,
/// containers, job descriptions.
///
/// Where this process was itself started with variables that name a span, and the current context does not write them, they
/// come with an empty value, which names none: so the new process does not mistake the parent of this one for its own.
///
/// If no span is active, there are none (but for baggage): who inherits this process's environment continues what this
/// process was given.
///
/// ```
/// let span = otelier::Span::start("deploy");
/// let mut flags = Vec::new();
/// span.in_scope(|| {
///     for (name, value) in otelier::process::env() {
///         flags.push(format!("--env={name}={value}"));
///     }
/// });
/// // `docker run --env=TRACEPARENT=00-…-01 …`
/// ```
pub fn env() -> Vec<(String, String)> {
    let context = crate::current_context();
    carrier::Variables::of(&context).into_pairs(std::env::vars_os())
}

/// Gives a command the current context, in place of what it would inherit or was given before. It gets no span of its own.
///
/// If no span is active, the command is left as it is, so that the child continues what this process was given. If
/// the process writes no headers (`OTEL_PROPAGATORS=none`), too.
///
/// ```
/// use std::process::Command;
///
/// let mut command = Command::new("git");
/// otelier::process::inject(&mut command);
/// // With Tokio: `otelier::process::inject(command.as_std_mut())`.
/// ```
pub fn inject(command: &mut Command) {
    let _touched = carrier::Variables::of(&crate::current_context()).write(command);
}
