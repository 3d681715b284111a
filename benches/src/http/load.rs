//! A real server under load, with clients that go away and bodies that are slow: every request has its span, and the memory stays.

use crate::Arguments;
use crate::discard::Discard;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use http_body::Frame;
use otelier::http::ServerLayer;
use otelier::{Pipeline, Telemetry};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, Sleep, interval, sleep};

/// Requests that came to a handler.
static REQUESTS: AtomicU64 = AtomicU64::new(0);
/// How much the memory may grow after the first ten seconds; and how much is no growth, because allocators do that.
const GROWTH: f64 = 1.05;
const NOISE: u64 = 2 << 20;
const CLIENTS: u64 = 64;

/// A body in pieces, with a pause before each.
struct Slow {
    left: u32,
    pause: Pin<Box<Sleep>>,
}

const PAUSE: Duration = Duration::from_millis(5);

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.pause.as_mut().poll(task).is_pending() {
            return Poll::Pending;
        }
        self.left -= 1;
        self.pause = Box::pin(sleep(PAUSE));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece")))))
    }
}

fn app() -> Router {
    let count = || _ = REQUESTS.fetch_add(1, Relaxed);
    let order = move || async move {
        count();
        "one"
    };
    let wait = move || async move {
        count();
        sleep(Duration::from_millis(500)).await;
        "late"
    };
    let slow = move || async move {
        count();
        Body::new(Slow { left: 4, pause: Box::pin(sleep(PAUSE)) })
    };
    let endless = move || async move {
        count();
        Body::new(Slow { left: u32::MAX, pause: Box::pin(sleep(PAUSE)) })
    };
    Router::new()
        .route("/orders/{id}", get(order))
        .route("/wait", get(wait))
        .route("/slow", get(slow))
        .route("/endless", get(endless))
        .layer(ServerLayer::new())
}

/// Bytes of memory that the process has for itself: the pages of its program are read in when they are needed, and are no leak.
fn memory() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut pages = statm.split(' ').skip(1).map(|pages| pages.parse::<u64>().unwrap_or(0));
    let (resident, of_files) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
    resident.saturating_sub(of_files) * 4096
}

pub(crate) fn serve(arguments: &Arguments) -> ExitCode {
    let exported = Discard::default();
    let pipeline = Pipeline::new(Telemetry::default()).with_span_exporter(exported.clone());
    let guard = pipeline.start().expect("these settings can be used");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let address = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(
            async move { axum::serve(listener, app().into_make_service_with_connect_info::<SocketAddr>()).await },
        );
        address
    });
    let program = std::env::current_exe().expect("the program's own path");
    let mut child = Command::new(program)
        .args(["--client-of", &address.to_string(), "--rate", &arguments.rate.to_string()])
        .args(["--seconds", &arguments.seconds.to_string()])
        .spawn()
        .expect("the clients");
    let start = Instant::now();
    println!("{:>8} {:>12} {:>12} {:>12}", "seconds", "requests", "exported", "memory KiB");
    let (mut settled, mut next) = (None, 10);
    let clients = loop {
        if let Some(status) = child.try_wait().expect("the child's state") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(100));
        if start.elapsed().as_secs() >= next {
            settled = settled.or(Some(memory()));
            println!("{next:>8} {:>12} {:>12} {:>12}", REQUESTS.load(Relaxed), exported.count(), memory() / 1024);
            next += 10;
        }
    };
    let last = memory();
    // Those whose clients have just gone away.
    std::thread::sleep(Duration::from_secs(2));
    drop(runtime);
    let stats = guard.shutdown().expect("nothing takes so long");
    let requests = REQUESTS.load(Relaxed);
    println!("{requests} requests, {} spans begun, {} exported", stats.started, exported.count());
    let settled = settled.unwrap_or(last);
    println!("memory at the end / after ten seconds: {:.3}", last as f64 / settled as f64);
    let is_flat = last as f64 <= settled as f64 * GROWTH || last <= settled + NOISE;
    let is_good = clients.success() && exported.count() == requests && stats.started == requests && is_flat;
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The clients, in a process of their own so that the memory is the server's.
pub(crate) fn client(server: SocketAddr, arguments: &Arguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let every = Duration::from_nanos(1_000_000_000 * CLIENTS / arguments.rate.max(1));
    runtime.block_on(async {
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| tokio::spawn(one_client(server, until, every, number))).collect();
        for client in clients {
            // A client that is refused a connection ends early; the numbers show it.
            if let Ok(Err(error)) = client.await {
                eprintln!("a client ended: {error}");
            }
        }
    });
    ExitCode::SUCCESS
}

async fn one_client(server: SocketAddr, until: Instant, every: Duration, number: u64) -> std::io::Result<()> {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut connection = TcpStream::connect(server).await?;
    let mut answer = Vec::with_capacity(4096);
    let mut turn = number;
    while Instant::now() < until {
        ticks.tick().await;
        turn += 1;
        // Of a hundred requests one goes away before the answer, one in the middle of it, and two are slow.
        let (path, end) = match turn % 100 {
            0 => ("/wait", None),
            50 => ("/endless", Some("piece")),
            25 | 75 => ("/slow", Some("0\r\n\r\n")),
            _ => ("/orders/4711?symbol=BTCUSDT", Some("one")),
        };
        let request = format!("GET {path} HTTP/1.1\r\nhost: shop.example\r\nuser-agent: load/1.0\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        answer.clear();
        match end {
            // The request has come when the server has had time for it.
            None => sleep(Duration::from_millis(20)).await,
            Some(end) => {
                while !String::from_utf8_lossy(&answer).contains(end) {
                    if connection.read_buf(&mut answer).await? == 0 {
                        break;
                    }
                }
            }
        }
        if matches!(path, "/wait" | "/endless") {
            connection = TcpStream::connect(server).await?;
        }
    }
    Ok(())
}
