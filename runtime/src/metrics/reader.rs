//! The thread of a reader: collects at an interval, and exports with deadlines.

use super::control::{self, Control, Wake};
use crate::clock;
use crate::config::MetricReader;
use crate::export::delivery::{RESERVE, Stop, first_of};
use crate::export::metrics::{MetricSink, data_points};
use crate::export::{Accepted, Book, Failure, Signal, error_type};
use crate::record;
use opentelemetry::Context;
use opentelemetry_sdk::metrics::ManualReader;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader as _;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A reader that runs.
#[derive(Debug)]
pub(crate) struct Reading {
    control: Arc<Control>,
    thread: Mutex<Option<JoinHandle<()>>>,
    book: Arc<Book>,
    sink: Arc<dyn MetricSink>,
    stop: watch::Sender<Option<Instant>>,
}

impl Reading {
    /// Starts the reader.
    pub(crate) fn start(
        settings: &MetricReader,
        collected: Vec<Arc<ManualReader>>,
        sink: Arc<dyn MetricSink>,
    ) -> io::Result<Self> {
        let control = Arc::new(Control::default());
        let book = Arc::new(Book::new(&sink.name(), Signal::Metrics, settings.timeout));
        let stop = watch::Sender::new(None);
        sink.begin(&book, &Stop::new(stop.subscribe()));
        let reader = Reader {
            interval: settings.interval,
            timeout: settings.timeout,
            collected,
            sink: Arc::clone(&sink),
            book: Arc::clone(&book),
            control: Arc::clone(&control),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("otelier-metrics".to_owned()).spawn(move || {
            reader.run(&runtime);
            // Looking a name up cannot be stopped; dropping the runtime would wait for it, past every deadline.
            runtime.shutdown_background();
        })?;
        Ok(Self { control, thread: Mutex::new(Some(thread)), book, sink, stop })
    }

    pub(crate) fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Asks for a flush: its number, to wait for.
    pub(crate) fn flush(&self) -> u64 {
        // In this order: whoever hears of the flush finds that it hurries.
        self.sink.hurry();
        self.control.flush()
    }

    /// Waits for a flush. `false` if the time was too short.
    pub(crate) fn wait_flushed(&self, flush: u64, deadline: Instant) -> bool {
        self.control.wait_flushed(flush, deadline)
    }

    /// Asks the reader to export what is left by the deadline, and to end.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.control.stop(deadline);
        self.stop.send_replace(Some(deadline));
    }

    /// Waits for the end. `false` if the time was too short.
    pub(crate) fn wait_ended(&self, deadline: Instant) -> bool {
        let in_time = self.control.wait_ended(deadline);
        if in_time && let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It has said its last word; if it panicked, there is nothing more to learn from it.
            let _ = thread.join();
        }
        in_time
    }
}

/// What the thread has.
struct Reader {
    interval: Duration,
    timeout: Duration,
    collected: Vec<Arc<ManualReader>>,
    sink: Arc<dyn MetricSink>,
    book: Arc<Book>,
    control: Arc<Control>,
}

/// Says that the reader is gone, however it went.
pub(super) struct Ended<'a>(pub(super) &'a Control);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Reader {
    fn run(self, runtime: &tokio::runtime::Runtime) {
        record::never_here();
        let _ended = Ended(&self.control);
        // Neither callbacks nor exporters make telemetry of their own, or exporting would give something to export.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut due = clock::instant_after(self.interval);
        loop {
            let wake = runtime.block_on(self.control.wait(due));
            self.collect_and_export(runtime, wake);
            self.control.flushed(wake.flush);
            if let Some(deadline) = wake.stop {
                let left = left_until(deadline).min(Duration::from_secs(1));
                let _polling = self.book.polling();
                let ended = catch_unwind(AssertUnwindSafe(|| self.sink.shutdown(left)));
                let panicked = || Err("the exporter panicked while it was shut down".to_owned());
                if let Err(error) = ended.unwrap_or_else(|_| panicked()) {
                    self.book.book(0, Err(Failure::Shutdown(error)));
                }
                return;
            }
            if Instant::now() >= due {
                due = control::next(due, self.interval);
            }
        }
    }

    fn collect_and_export(&self, runtime: &tokio::runtime::Runtime, wake: Wake) {
        let (_exporting, begin) = (self.book.exporting(), Instant::now());
        let all: Vec<_> = self.collected.iter().map(|reader| self.collect(reader)).collect();
        // After all of it, so that what is told does not become part of what is collected.
        self.book.collected(begin.elapsed(), all.iter().any(Option::is_none).then_some("collect"));
        let metrics = all.into_iter().flatten().filter(|metrics| metrics.scope_metrics().next().is_some());
        let metrics: Vec<_> = metrics.collect();
        let count = data_points(&metrics);
        if count == 0 {
            return;
        }
        self.book.hand(count);
        let begin = Instant::now();
        let exported = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.export(&metrics, wake))));
        let result = exported.unwrap_or_else(|panic| Err(Failure::of_panic(&*panic)));
        // One that sends to receivers knows more of it, and tells it itself.
        if result != Err(Failure::NotTried) && self.book.route().is_none() {
            self.book.attempted(begin.elapsed(), error_type(&result));
        }
        self.book.book(count, result);
    }

    fn collect(&self, reader: &ManualReader) -> Option<ResourceMetrics> {
        let _polling = self.book.polling();
        let mut metrics = ResourceMetrics::default();
        match reader.collect(&mut metrics) {
            Ok(()) => Some(metrics),
            Err(error) => {
                self.book.book(0, Err(Failure::Collect(error.to_string())));
                None
            }
        }
    }

    /// Exports within the timeout, and once the pipeline shuts down, within its deadline, too.
    async fn export(&self, metrics: &[ResourceMetrics], wake: Wake) -> Result<Accepted, Failure> {
        let left = wake.stop.map_or(Duration::MAX, left_until);
        if left.is_zero() {
            return Err(Failure::NotTried);
        }
        let mut begun = None;
        let mut tried = self.sink.tried();
        let export = poll_fn(|task| {
            let _polling = self.book.polling();
            let exported = begun.get_or_insert_with(|| self.sink.export(metrics)).as_mut().poll(task);
            // Who flushes does not wait for what comes after a pause. A ring of the bell comes here, too.
            while exported.is_pending()
                && let Some(flush) = self.control.awaited()
                && tried.as_mut().poll(task).is_ready()
            {
                tried = self.sink.tried();
                self.control.flushed(flush);
            }
            exported
        });
        let exporting = tokio::time::timeout(self.timeout.min(left), export);
        let stopping = async {
            let deadline = self.control.stopping().await;
            tokio::time::sleep(left_until(deadline)).await;
        };
        match first_of(pin!(exporting), pin!(stopping)).await {
            Some(Ok(result)) => result,
            Some(Err(_)) if self.timeout <= left => Err(Failure::Timeout(self.timeout)),
            Some(Err(_)) | None => Err(Failure::CutOff),
        }
    }
}

/// How much time there is for what must be over by then.
pub(super) fn left_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVE)
}
