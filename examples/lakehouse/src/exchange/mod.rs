//! The replay exchange: a real HTTP server on the loopback interface that answers like a spot exchange.

mod budget;
mod fault;
mod query;
mod route;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::source::Market;
use budget::{Budget, Verdict};
use fault::{Fault, Faults};

/// How long the replayed minute of the rate limit lasts. A real minute would make a run that has to wait take a minute.
pub const REPLAY_MINUTE: Duration = Duration::from_secs(1);

/// How the exchange behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Request weight allowed in one replayed minute.
    pub weight_limit: u32,
    /// Share of answers that go wrong, 0.0 to 1.0.
    pub fail_rate: f64,
    /// Seed that decides which answers go wrong.
    pub seed: u64,
    /// How long a slow answer takes.
    pub slow_answer: Duration,
}

/// A running exchange. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Exchange {
    address: SocketAddr,
    server: JoinHandle<()>,
}

struct State {
    market: Arc<Market>,
    settings: Settings,
    budget: Mutex<Budget>,
    faults: Faults,
}

impl Exchange {
    /// Starts to listen, and to answer on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// The system's error if the port cannot be opened, for example because it is taken.
    pub async fn start(market: Arc<Market>, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
        let address = listener.local_addr()?;
        let state = State {
            market,
            budget: Mutex::new(Budget::new(settings.weight_limit, REPLAY_MINUTE, Instant::now())),
            faults: Faults::new(settings.fail_rate, settings.seed),
            settings,
        };
        Ok(Self { address, server: tokio::spawn(accept(listener, Arc::new(state))) })
    }

    /// Where the exchange listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // The task owns the listener and the set of connections, so all of them end with it.
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&state)));
                }
                // Out of file handles, most likely: wait for connections to close instead of spinning.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(answer(&state, &request).await) }
    });
    // An error here means that the client went away, which the client reports itself.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(state: &State, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return json(StatusCode::METHOD_NOT_ALLOWED, error_body(-1000, "Only GET is served."), None);
    }
    let query = query::Query::parse(request.uri().query().unwrap_or_default());
    let path = request.uri().path();
    let Some(weight) = route::weight(path, &query) else {
        return json(StatusCode::NOT_FOUND, error_body(-1000, "Unknown path."), None);
    };
    let verdict = state.budget.lock().unwrap_or_else(PoisonError::into_inner).charge(Instant::now(), weight);
    let used = verdict.used();
    if let Some(refusal) = refusal(&verdict, state.settings.weight_limit) {
        return refusal;
    }
    let fault = state.faults.next(request.uri().path_and_query().map_or(path, |target| target.as_str()));
    if fault == Some(Fault::Unavailable) {
        let body = error_body(-1001, "Internal error; unable to process your request. Please try again.");
        return json(StatusCode::SERVICE_UNAVAILABLE, body, Some(used));
    }
    if fault == Some(Fault::Slow) {
        tokio::time::sleep(state.settings.slow_answer).await;
    }
    let (status, mut body) = match route::answer(&state.market, state.settings.weight_limit, path, &query) {
        Ok(body) => (StatusCode::OK, body),
        Err(refused) => (StatusCode::BAD_REQUEST, error_body(refused.code, &refused.message)),
    };
    if fault == Some(Fault::Truncated) {
        body.truncate(body.len() / 2);
    }
    json(status, body, Some(used))
}

fn refusal(verdict: &Verdict, limit: u32) -> Option<Response<Full<Bytes>>> {
    let (status, message, retry_after) = match *verdict {
        Verdict::Allowed { .. } => return None,
        Verdict::TooMany { retry_after, .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            format!("Too much request weight used; current limit is {limit} request weight per 1 MINUTE."),
            retry_after,
        ),
        Verdict::Banned { retry_after, .. } => (
            StatusCode::IM_A_TEAPOT,
            format!("Way too much request weight used; IP banned for {retry_after} s."),
            retry_after,
        ),
    };
    let mut response = json(status, error_body(-1003, &message), Some(verdict.used()));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after));
    Some(response)
}

fn error_body(code: i32, message: &str) -> String {
    format!(r#"{{"code":{code},"msg":"{message}"}}"#)
}

fn json(status: StatusCode, body: String, used: Option<u32>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    if let Some(used) = used {
        headers.insert("x-mbx-used-weight", HeaderValue::from(used));
        headers.insert("x-mbx-used-weight-1m", HeaderValue::from(used));
    }
    response
}
