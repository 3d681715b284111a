//! Batches as lines of OTLP JSON, in a file or on standard output.

mod appended;
mod numbered;
mod rotating;
#[cfg(test)]
mod tests;

use super::{Accepted, Batch, Exporter, Exporting, Signal, otlp_json};
use crate::ConfigError;
use crate::config::{OtlpFile, OutputStream};
use appended::Appended;
use rotating::Rotating;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where lines go. Every line is one write to a file that is opened for appending, so that the exporters of several
/// signals, and other processes, may have one file together.
#[derive(Debug)]
struct Lines {
    /// `otlp_file` and the path.
    name: String,
    to: Arc<Mutex<Output>>,
    /// Whether a write is under way: one that hangs must not be joined by others.
    writing: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Output {
    Stdout,
    File { file: Appended, rotating: Option<Rotating> },
}

/// Writes one signal of the batches.
#[derive(Debug)]
struct FileExporter {
    signal: Signal,
    lines: Lines,
}

/// The exporter these settings ask for; a file that cannot be opened goes to `problems`, once.
pub(crate) fn exporter(signal: Signal, settings: &OtlpFile, problems: &mut ConfigError) -> Option<Arc<dyn Exporter>> {
    let lines = Lines::open(settings, problems)?;
    Some(Arc::new(FileExporter { signal, lines }))
}

impl Output {
    fn open(path: &Path, settings: &OtlpFile) -> io::Result<Self> {
        // Before the file itself, which is not made if it cannot be rotated.
        let rotating = settings.rotation.as_ref().map(|rotation| Rotating::open(path, rotation)).transpose()?;
        Ok(Self::File { file: Appended::open(path)?, rotating })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(line)?;
                stdout.flush()
            }
            Self::File { file, rotating: Some(rotating) } => rotating.write(file, line),
            Self::File { file, rotating: None } => {
                file.renew()?;
                file.append(line, false)
            }
        }
    }
}

impl Lines {
    fn open(settings: &OtlpFile, problems: &mut ConfigError) -> Option<Self> {
        let (name, to) = match &settings.output {
            OutputStream::Stdout => ("otlp_file stdout".to_owned(), Output::Stdout),
            OutputStream::File(path) => match Output::open(path, settings) {
                Ok(output) => (format!("otlp_file {}", path.display()), output),
                Err(error) => {
                    let key = match settings.rotation {
                        Some(_) => "`path` of `otelier/otlp_file`",
                        None => "`output_stream` of `otlp_file/development`",
                    };
                    let mut problem = ConfigError::default();
                    problem.push(format_args!(
                        "{key} is `{}`; expected a file that can be appended to: {error}",
                        path.display()
                    ));
                    problems.absorb(problem);
                    return None;
                }
            },
        };
        Some(Self { name, to: Arc::new(Mutex::new(to)), writing: Arc::default() })
    }

    async fn write(&self, mut line: Vec<u8>) -> Result<Accepted, String> {
        line.push(b'\n');
        if self.writing.swap(true, Ordering::AcqRel) {
            return Err(format!("{} still does not take an earlier batch", self.name));
        }
        let (to, writing) = (Arc::clone(&self.to), Arc::clone(&self.writing));
        // On a thread of its own, because a disk or a pipe that hangs must not hold up the other exporters.
        let written = tokio::task::spawn_blocking(move || {
            let written = to.lock().unwrap_or_else(PoisonError::into_inner).write(&line);
            writing.store(false, Ordering::Release);
            written
        });
        let written = written.await.map_err(io::Error::other).flatten();
        written.map(|()| Accepted::default()).map_err(|error| format!("{} was not written: {error}", self.name))
    }
}

impl Exporter for FileExporter {
    fn name(&self) -> String {
        self.lines.name.clone()
    }

    fn signal(&self) -> Signal {
        self.signal
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let line = otlp_json::request(self.signal, batch);
        Box::pin(self.lines.write(line))
    }
}

/// The exporter of metrics these settings ask for.
#[cfg(feature = "metrics")]
pub(crate) fn metric_sink(
    settings: &OtlpFile,
    problems: &mut ConfigError,
) -> Option<Arc<dyn super::metrics::MetricSink>> {
    Some(Arc::new(Lines::open(settings, problems)?))
}

#[cfg(feature = "metrics")]
impl super::metrics::MetricSink for Lines {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn export<'a>(
        &'a self,
        metrics: &'a [opentelemetry_sdk::metrics::data::ResourceMetrics],
    ) -> super::metrics::Sinking<'a> {
        Box::pin(
            async move { self.write(super::metrics::json::request(metrics)).await.map_err(super::Failure::Failed) },
        )
    }
}
