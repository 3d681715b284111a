//! A command whose process has a span.

use super::carrier::Variables;
use super::child::TracedChild;
use super::span::ProcessSpan;
use crate::attribute::AnyAttribute;
use crate::schema::Kind;
use crate::span::SpanBuilder;
use opentelemetry::Context;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

/// A command whose process has a span and continues its trace; short for [`TracedCommand::new`].
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # if cfg!(unix) {
/// let listing = otelier::traced_command("ls").arg("-l").current_dir("/").output()?;
/// assert!(listing.status.success());
/// # }
/// # Ok(())
/// # }
/// ```
pub fn traced_command(program: impl AsRef<OsStr>) -> TracedCommand {
    TracedCommand::new(program)
}

/// [`Command`] with a span for each process that it starts, and the span's context in the environment of that process.
///
/// # The span
///
/// By OpenTelemetry's [conventions for CLI programs](https://opentelemetry.io/docs/specs/semconv/cli/cli-spans/), of kind
/// client, below the span that is active:
///
/// | on the span | |
/// |-|-|
/// | name, `process.executable.name` | the last part of the program's path; [`span_name`](Self::span_name) changes the name |
/// | `process.executable.path` | the program, if it was given as an absolute path |
/// | `process.pid` | the number of the process |
/// | `process.command_args` | only after [`record_args`](Self::record_args): arguments may hold secrets |
/// | `process.exit.code` | what it ended with; not there if a signal killed it |
/// | `error.type`, status "error" | the exit code, unless that is 0 (`3`); the signal that killed it (`SIGKILL`, or `signal_40` where the name depends on the system); why it could not be started (`not_found`, `permission_denied`, `_OTHER`) |
/// | an exception event | it could not be started |
/// | `otelier.process.detached` | nobody waited for it |
///
/// # The environment
///
/// The span's context replaces what the command inherits and what it was given: `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`, and
/// what else the process's propagators write; inherited variables of other formats that would name another parent are taken
/// away. See [`parent`](super::parent) for the other side.
///
/// While telemetry is off, and where the settings name no propagator, the environment stays as it is: the child continues
/// what this process was given.
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace]
/// fn compress(path: &str) -> std::io::Result<()> {
///     let status = otelier::traced_command("gzip").arg("--keep").arg(path).status()?;
///     // Whether a failure of the child is one of the caller, the caller says.
///     if status.success() { Ok(()) } else { Err(std::io::Error::other("gzip failed")) }
/// }
/// ```
pub struct TracedCommand {
    command: Command,
    span: SpanBuilder,
    records_args: bool,
    /// Which of stdin, stdout and stderr have been chosen; `None` if that cannot be known.
    chosen: Option<[bool; 3]>,
    /// The variables that were set or removed for an earlier process.
    touched: Vec<String>,
    /// Whether the child inherits no variables.
    cleared: bool,
}

/// Neither arguments nor variables, which may hold secrets.
impl fmt::Debug for TracedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedCommand").field("program", &self.command.get_program()).finish_non_exhaustive()
    }
}

impl From<Command> for TracedCommand {
    /// What is set already stays. Which of the streams were chosen, a command does not tell; for [`output`](Self::output)
    /// it is left to [`Command::output`], so that the span has no `process.pid`.
    fn from(command: Command) -> Self {
        Self { chosen: None, ..Self::of(command) }
    }
}

impl TracedCommand {
    /// A command for this program; see [`Command::new`].
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self::of(Command::new(program))
    }

    fn of(command: Command) -> Self {
        let program = Path::new(command.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        let mut span = SpanBuilder::from(name.clone()).kind(Kind::Client).attribute("process.executable.name", name);
        if program.is_absolute() {
            span = span.attribute("process.executable.path", program.to_string_lossy().into_owned());
        }
        Self { command, span, records_args: false, chosen: Some([false; 3]), touched: Vec::new(), cleared: false }
    }

    /// Gives the span another name. Default: the last part of the program's path.
    pub fn span_name(&mut self, name: impl Into<String>) -> &mut Self {
        self.span = self.span.clone().name(name);
        self
    }

    /// Adds an attribute to the span.
    pub fn attribute(&mut self, key: &'static str, value: impl AnyAttribute) -> &mut Self {
        self.span = self.span.clone().attribute(key, value);
        self
    }

    /// Records `process.command_args`, the program and all its arguments. Default: no, because arguments may hold secrets;
    /// ask for it where it is known that these do not.
    pub fn record_args(&mut self) -> &mut Self {
        self.records_args = true;
        self
    }

    /// Adds an argument; see [`Command::arg`].
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments; see [`Command::args`].
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of the child's environment; see [`Command::env`].
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// Sets variables of the child's environment; see [`Command::envs`].
    pub fn envs(&mut self, vars: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>) -> &mut Self {
        self.command.envs(vars);
        self
    }

    /// Takes a variable away; see [`Command::env_remove`].
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.command.env_remove(name);
        self
    }

    /// Takes all variables away; see [`Command::env_clear`]. The child gets the context nevertheless.
    pub fn env_clear(&mut self) -> &mut Self {
        self.command.env_clear();
        self.cleared = true;
        self
    }

    /// Sets the directory in which the child runs; see [`Command::current_dir`].
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets where the child reads from; see [`Command::stdin`].
    pub fn stdin(&mut self, from: impl Into<Stdio>) -> &mut Self {
        self.command.stdin(from);
        self.choose(0)
    }

    /// Sets where the child writes to; see [`Command::stdout`].
    pub fn stdout(&mut self, to: impl Into<Stdio>) -> &mut Self {
        self.command.stdout(to);
        self.choose(1)
    }

    /// Sets where the child writes its errors to; see [`Command::stderr`].
    pub fn stderr(&mut self, to: impl Into<Stdio>) -> &mut Self {
        self.command.stderr(to);
        self.choose(2)
    }

    fn choose(&mut self, stream: usize) -> &mut Self {
        if let Some(chosen) = &mut self.chosen {
            chosen[stream] = true;
        }
        self
    }

    /// The command itself, for what is not here, such as the extensions of the operating system.
    ///
    /// What is done to its streams is not seen here, so after this, as after a conversion from a [`Command`],
    /// [`output`](Self::output) records no `process.pid`.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use std::os::unix::process::CommandExt;
    ///
    /// otelier::traced_command("sh").as_std_mut().process_group(0);
    /// # }
    /// ```
    pub fn as_std_mut(&mut self) -> &mut Command {
        self.chosen = None;
        &mut self.command
    }

    /// Starts the process; see [`Command::spawn`]. The span ends when it is known what became of it, see [`TracedChild`].
    ///
    /// # Errors
    ///
    /// As [`Command::spawn`]; the span says so and ends.
    pub fn spawn(&mut self) -> io::Result<TracedChild> {
        let span = self.begin();
        match self.command.spawn() {
            Ok(child) => {
                span.started(child.id());
                Ok(TracedChild::new(child, span))
            }
            Err(error) => {
                span.failed(&error);
                Err(error)
            }
        }
    }

    /// Runs the process to its end; see [`Command::status`].
    ///
    /// # Errors
    ///
    /// As [`Command::status`]; the span says so. An exit code is none, though the status of the span is "error" then.
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait()
    }

    /// Runs the process to its end and returns what it wrote; see [`Command::output`]. Nothing of that is recorded.
    ///
    /// # Errors
    ///
    /// As [`Command::output`]; the span says so. An exit code is none, though the status of the span is "error" then.
    pub fn output(&mut self) -> io::Result<Output> {
        let Some(chosen) = self.chosen else {
            let span = self.begin();
            let output = self.command.output();
            match &output {
                Ok(output) => span.exited(output.status),
                Err(error) => span.failed(error),
            }
            return output;
        };
        // As `Command::output` does, but the number of the process is known.
        self.streams(chosen, || [Stdio::null(), Stdio::piped(), Stdio::piped()]);
        let child = self.spawn();
        self.streams(chosen, || [Stdio::inherit(), Stdio::inherit(), Stdio::inherit()]);
        child?.wait_with_output()
    }

    /// Sets the streams that nobody has chosen.
    fn streams(&mut self, [stdin, stdout, stderr]: [bool; 3], to: impl FnOnce() -> [Stdio; 3]) {
        let [input, output, errors] = to();
        if !stdin {
            self.command.stdin(input);
        }
        if !stdout {
            self.command.stdout(output);
        }
        if !stderr {
            self.command.stderr(errors);
        }
    }

    /// Starts the span, and gives the command, which holds its context, and the span: for a library that runs commands in
    /// its own way.
    ///
    /// ```
    /// use otelier::process::TracedCommand;
    ///
    /// async fn count(path: &str) -> std::io::Result<bool> {
    ///     let mut command = TracedCommand::new("wc");
    ///     command.arg("-l").arg(path);
    ///     let (command, span) = command.into_parts();
    /// #   /*
    ///     let mut child = tokio::process::Command::from(command).spawn().inspect_err(..)?;
    ///     span.started(child.id());
    ///     let status = child.wait().await?;
    /// #   */
    /// #   let mut command = command;
    /// #   let status = command.status()?;
    ///     span.exited(status);
    ///     Ok(status.success())
    /// }
    /// ```
    pub fn into_parts(mut self) -> (Command, ProcessSpan) {
        let span = self.begin();
        (self.command, span)
    }

    /// Starts the span, and gives its context to the command.
    fn begin(&mut self) -> ProcessSpan {
        let mut span = self.span.clone();
        if self.records_args {
            let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
            let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
            span = span.attribute("process.command_args", words);
        }
        let span = span.start();
        self.give(span.context());
        ProcessSpan::new(span)
    }

    /// Gives the command a context, and takes away the one that an earlier process had.
    fn give(&mut self, context: &Context) {
        for name in self.touched.drain(..) {
            match std::env::var_os(&name).filter(|_| !self.cleared) {
                Some(inherited) => self.command.env(name, inherited),
                None => self.command.env_remove(name),
            };
        }
        self.touched = Variables::of(context).write(&mut self.command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_child_inherits_again_what_the_first_was_given_unless_all_was_taken_away() {
        for clears in [false, true] {
            let mut command = traced_command("true");
            if clears {
                command.env_clear();
            }
            // What every process of Cargo's tests has.
            command.touched = vec!["CARGO_MANIFEST_DIR".to_owned()];
            command.give(&Context::new());
            let given = command.command.get_envs().find(|(name, _)| *name == "CARGO_MANIFEST_DIR");
            assert_eq!(given.is_some_and(|(_, value)| value.is_some()), !clears);
        }
    }
}
