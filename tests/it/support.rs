//! What the tests share.

use otelier::config::{Otlp, Protocol, Retry};
use otelier::{Error, Guard, Telemetry, TimedOut};
use otelier_tests::{Behaviour, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One pipeline runs in a process at a time, so tests that start one take turns.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More than everything here takes, however busy the machine is; only what hangs takes as long.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Starts a pipeline as soon as the one before it has ended, which may be after the deadline of its shutdown.
pub(crate) fn start(settings: Telemetry) -> Guard {
    let begin = Instant::now();
    loop {
        match otelier::init(settings.clone()) {
            Err(Error::AlreadyRunning) if begin.elapsed() < LONG => std::thread::sleep(Duration::from_millis(2)),
            started => return started.expect("it starts"),
        }
    }
}

/// Runs what ends at the deadline of a shutdown. Only a moment is kept back of that time for the numbers, which a machine under
/// load may miss; so it has to be in time once.
pub(crate) fn at_the_deadline<T>(mut run: impl FnMut() -> Result<T, TimedOut>) -> T {
    for _ in 0..9 {
        if let Ok(ended) = run() {
            return ended;
        }
    }
    run().expect("in time")
}

pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];

pub(crate) fn receiver(protocol: Protocol, behaviour: Behaviour) -> Receiver {
    let started = if protocol == Protocol::Grpc { Receiver::grpc(behaviour) } else { Receiver::http(behaviour) };
    started.expect("loopback has a free port")
}

/// A receiver that accepts spans, and does this with log records.
pub(crate) fn receiver_with_logs(protocol: Protocol, logs: Behaviour) -> Receiver {
    let started = match protocol {
        Protocol::Grpc => Receiver::grpc_with_logs(Behaviour::Accept, logs),
        _ => Receiver::http_with_logs(Behaviour::Accept, logs),
    };
    started.expect("loopback has a free port")
}

/// Settings that send to `endpoint`, each batch once.
pub(crate) fn telemetry(protocol: Protocol, endpoint: &str) -> Telemetry {
    let otlp = Otlp::to(endpoint).with_protocol(protocol);
    Telemetry::default()
        .with_service_name("it")
        .with_otlp(otlp.with_timeout(LONG))
        .with_retry(Retry::never())
        .with_shutdown_timeout(LONG)
}

/// What an exchange says if it does not answer as it should.
#[derive(Debug)]
pub struct Refused(pub u16);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the exchange answered {}", self.0)
    }
}

impl std::error::Error for Refused {}

impl otelier::ErrorClass for Refused {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        self.0.to_string().into()
    }

    fn is_expected(&self) -> bool {
        self.0 == 404
    }
}
