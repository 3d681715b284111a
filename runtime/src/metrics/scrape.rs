//! A reader that others ask: serves metrics over HTTP, on a thread of its own.

mod answer;
mod listen;

use super::control::Control;
use super::reader::{Ended, left_until};
use crate::Error;
use crate::config::Prometheus;
use crate::export::delivery::first_of;
use crate::export::{Book, Signal};
use crate::record;
use answer::Source;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::ManualReader;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long metrics may take to be collected, and how long a client may take to ask. Prometheus waits as long, usually.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may be open. Each is for one question, so only those who read slowly need as long.
const LONGEST: Duration = Duration::from_secs(30);
/// How many connections there are at a time; others wait until one of them ends.
const CONNECTIONS: usize = 64;
/// How long answers that are on their way may take once the pipeline ends.
const GRACE: Duration = Duration::from_millis(500);

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Serving {
    control: Arc<Control>,
    thread: Mutex<Option<JoinHandle<()>>>,
    book: Arc<Book>,
}

impl Serving {
    /// Listens, and starts to serve.
    pub(crate) fn start(
        settings: &Prometheus,
        collected: Vec<Arc<ManualReader>>,
        resource: &Resource,
    ) -> Result<Self, Error> {
        let (listeners, address) = listen::listen(&settings.host, settings.port).map_err(|(address, error)| {
            // Said by the address, so that nobody has to guess which of several it was.
            Error::Listen { address, error }
        })?;
        let name = format!("prometheus http://{address}/metrics");
        let book = Arc::new(Book::new(&name, Signal::Metrics, PATIENCE));
        let control = Arc::new(Control::default());
        let source = Source::new(settings.clone(), collected, resource.clone(), Arc::clone(&book));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
        let controlled = Arc::clone(&control);
        let thread = std::thread::Builder::new().name("otelier-prometheus".to_owned()).spawn(move || {
            record::never_here();
            let _ended = Ended(&controlled);
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            runtime.block_on(serve(listeners, &controlled, Arc::new(source)));
            // A callback that hangs has a thread of its own, which is not waited for.
            runtime.shutdown_background();
        });
        Ok(Self { control, thread: Mutex::new(Some(thread.map_err(Error::Thread)?)), book })
    }

    pub(crate) fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Listens no longer, and ends by the deadline.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.control.stop(deadline);
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

/// Serves until the pipeline ends; what is left on its way then has a little more time.
async fn serve(listeners: Vec<TcpListener>, control: &Arc<Control>, source: Arc<Source>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    for listener in listeners {
        let (control, source, room) = (Arc::clone(control), Arc::clone(&source), Arc::clone(&room));
        tokio::spawn(accept(listener, control, source, room));
    }
    let deadline = control.stopping().await;
    // Once all have given their places back, nobody is left.
    let _ = tokio::time::timeout(GRACE.min(left_until(deadline)), room.acquire_many(CONNECTIONS as u32)).await;
}

async fn accept(listener: TcpListener, control: Arc<Control>, source: Arc<Source>, room: Arc<Semaphore>) {
    // It has been set up for this, so it cannot fail.
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let next = async || loop {
        // Never closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { std::future::pending().await };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            // As when there are too many open files: the next one may be luckier, but not at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    while let Some((stream, place)) = first_of(pin!(next()), pin!(async { _ = control.stopping().await })).await {
        tokio::spawn(connection(stream, place, Arc::clone(&control), Arc::clone(&source)));
    }
}

async fn connection(stream: TcpStream, _place: OwnedSemaphorePermit, control: Arc<Control>, source: Arc<Source>) {
    let was_asked = AtomicBool::new(false);
    let service = service_fn(|request| {
        was_asked.store(true, Ordering::Relaxed);
        let source = Arc::clone(&source);
        async move { Ok::<_, std::convert::Infallible>(answer::answer(&request, &source).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false).max_buf_size(32 * 1024);
    let served = tokio::time::timeout(LONGEST, server.serve_connection(TokioIo::new(stream), service));
    // Who has not asked yet when the pipeline ends gets no answer any more; others get theirs within the grace.
    let unasked = async {
        control.stopping().await;
        if was_asked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    // A client that goes away, or asks for nonsense, is no business of ours.
    let _ = first_of(pin!(served), pin!(unasked)).await;
}
