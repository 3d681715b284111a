//! A child process that runs.

use super::span::ProcessSpan;
use std::io;
use std::ops::{Deref, DerefMut};
use std::process::{Child, ExitStatus, Output};

/// A child process and its span; made by [`TracedCommand::spawn`](super::TracedCommand::spawn).
///
/// It is a [`Child`] (`stdin`, `stdout`, `stderr`, `id`, `kill`, …) whose span ends when it is known what became of the
/// process: by [`wait`](Self::wait), [`try_wait`](Self::try_wait) or [`wait_with_output`](Self::wait_with_output).
///
/// Dropped without any of these, the span ends with `otelier.process.detached`, which is no error. As with [`Child`], the
/// process runs on: a daemon is started so, and its trace goes on below a span that ended.
///
/// ```
/// use std::io::Write;
/// use std::process::Stdio;
///
/// # fn main() -> std::io::Result<()> {
/// # if cfg!(unix) {
/// let mut child = otelier::traced_command("wc").arg("-l").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// if let Some(mut stdin) = child.stdin.take() {
///     stdin.write_all(b"one\ntwo\n")?;
/// }
/// let output = child.wait_with_output()?;
/// assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "2");
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TracedChild {
    child: Child,
    /// `None` once it has ended.
    span: Option<ProcessSpan>,
}

impl TracedChild {
    pub(super) fn new(child: Child, span: ProcessSpan) -> Self {
        Self { child, span: Some(span) }
    }

    /// Waits until the process has ended, as [`Child::wait`] does, and ends the span.
    ///
    /// # Errors
    ///
    /// If the operating system refuses; the span says so.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait();
        end(self.span.take(), status.as_ref().copied());
        status
    }

    /// Looks whether the process has ended, as [`Child::try_wait`] does. If so, it ends the span.
    ///
    /// # Errors
    ///
    /// If the operating system refuses; the span goes on.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        if let Some(status) = status {
            end(self.span.take(), Ok(status));
        }
        Ok(status)
    }

    /// Waits until the process has ended, as [`Child::wait_with_output`] does, and ends the span.
    ///
    /// # Errors
    ///
    /// If the output cannot be read, or the operating system refuses; the span says so.
    pub fn wait_with_output(self) -> io::Result<Output> {
        let output = self.child.wait_with_output();
        end(self.span, output.as_ref().map(|output| output.status));
        output
    }

    /// Records an attribute on the span; of two values the later one counts. After the end of the span it goes nowhere.
    pub fn set_attribute(&self, key: &str, value: impl crate::attribute::AnyAttribute) {
        if let Some(span) = &self.span {
            span.set_attribute(key, value);
        }
    }

    /// The child and its span, to wait for it in another way.
    ///
    /// There is no span if that has ended.
    pub fn into_parts(self) -> (Child, Option<ProcessSpan>) {
        (self.child, self.span)
    }
}

fn end(span: Option<ProcessSpan>, status: Result<ExitStatus, &io::Error>) {
    match (span, status) {
        (Some(span), Ok(status)) => span.exited(status),
        (Some(span), Err(error)) => span.failed(error),
        (None, _) => {}
    }
}

impl Deref for TracedChild {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for TracedChild {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}
