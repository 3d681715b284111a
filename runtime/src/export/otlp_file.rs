//! Batches as lines of OTLP JSON, in a file or on standard output.

use super::{Accepted, Batch, Exporter, Exporting, Signal, otlp_json};
use crate::ConfigError;
use crate::config::{OtlpFile, OutputStream};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where lines go. Every line is one write to a file that is opened for appending, so that the exporters of several
/// signals, and other processes, may have one file together.
#[derive(Debug)]
struct Lines {
    to: Arc<Writer>,
    /// Whether a write is under way: one that hangs must not be joined by others.
    writing: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Writer {
    Stdout,
    File { path: PathBuf, file: File },
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

fn open(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        // Opening one waits for a reader, maybe for ever.
        if path.metadata().is_ok_and(|found| found.file_type().is_fifo()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a named pipe"));
        }
    }
    File::options().create(true).append(true).open(path)
}

impl Writer {
    fn write(&self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(line)?;
                stdout.flush()
            }
            Self::File { file, .. } => (&mut &*file).write_all(line),
        }
    }
}

impl Lines {
    fn open(settings: &OtlpFile, problems: &mut ConfigError) -> Option<Self> {
        let to = match &settings.output {
            OutputStream::Stdout => Writer::Stdout,
            OutputStream::File(path) => match open(path) {
                Ok(file) => Writer::File { path: path.clone(), file },
                Err(error) => {
                    let mut problem = ConfigError::default();
                    problem.push(format_args!(
                        "`output_stream` of `otlp_file/development` is `{}`; expected a file that can be appended to: {error}",
                        path.display()
                    ));
                    problems.absorb(problem);
                    return None;
                }
            },
        };
        Some(Self { to: Arc::new(to), writing: Arc::default() })
    }

    fn name(&self) -> String {
        match &*self.to {
            Writer::Stdout => "otlp_file stdout".to_owned(),
            Writer::File { path, .. } => format!("otlp_file {}", path.display()),
        }
    }

    async fn write(&self, mut line: Vec<u8>) -> Result<Accepted, String> {
        line.push(b'\n');
        if self.writing.swap(true, Ordering::AcqRel) {
            return Err(format!("{} still does not take an earlier batch", self.name()));
        }
        let (to, writing) = (Arc::clone(&self.to), Arc::clone(&self.writing));
        // On a thread of its own, because a disk or a pipe that hangs must not hold up the other exporters.
        let written = tokio::task::spawn_blocking(move || {
            let written = to.write(&line);
            writing.store(false, Ordering::Release);
            written
        });
        let written = written.await.map_err(io::Error::other).flatten();
        written.map(|()| Accepted::default()).map_err(|error| format!("{} was not written: {error}", self.name()))
    }
}

impl Exporter for FileExporter {
    fn name(&self) -> String {
        self.lines.name()
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
        Self::name(self)
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
