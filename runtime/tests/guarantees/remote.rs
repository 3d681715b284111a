//! Samplers that ask a server, which is one on this machine that answers whatever a test wants.

use crate::support::{Recorder, attribute, lock, wait_until};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, Value};
use otelier::config::{JaegerRemote, ParentBased, Sampler};
use otelier::diagnostics::{self, Message};
use otelier::{Span, Telemetry};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the server does with a request.
#[derive(Clone, Debug)]
enum Answer {
    /// A status, more headers, and a body.
    Of(u16, &'static str, String),
    /// Bytes that are no HTTP, or not all of it; then the connection ends.
    Raw(&'static str),
    /// Nothing, until who asked goes away.
    Nothing,
}

fn json(body: impl Into<String>) -> Answer {
    Answer::Of(200, "content-type: application/json\r\n", body.into())
}

fn ratio(ratio: f64) -> Answer {
    json(format!(r#"{{"strategyType":"PROBABILISTIC","probabilisticSampling":{{"samplingRate":{ratio}}}}}"#))
}

#[derive(Debug)]
struct State {
    answer: Mutex<Answer>,
    /// The first lines of all requests.
    asked: Mutex<Vec<String>>,
    /// How many connections their other end has closed.
    left: AtomicUsize,
    connections: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

struct Server {
    state: Arc<State>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            answer: Mutex::new(answer),
            asked: Mutex::default(),
            left: AtomicUsize::new(0),
            connections: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let its = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            std::thread::scope(|scope| {
                for connection in listener.incoming().map_while(Result::ok) {
                    if its.is_over.load(SeqCst) {
                        break;
                    }
                    lock(&its.connections).push(connection.try_clone().expect("a connection"));
                    let its = &its;
                    scope.spawn(move || its.serve(connection));
                }
            });
        });
        Self { state, address, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks it very often.
    fn remote(&self) -> JaegerRemote {
        let initial = Sampler::AlwaysOff;
        JaegerRemote::to(self.url()).with_interval(Duration::from_millis(10)).with_initial_sampler(initial)
    }

    fn says(&self, answer: Answer) {
        *lock(&self.state.answer) = answer;
    }

    fn asked(&self) -> usize {
        lock(&self.state.asked).len()
    }

    /// Waits until an answer was taken that is given from now on: who asks again has read the one before.
    fn wait_for_an_answer(&self) {
        let before = self.asked();
        wait_until("two more requests", || self.asked() >= before + 2);
    }

    fn wait_until_left(&self) {
        wait_until("who asked goes away", || self.state.left.load(SeqCst) > 0);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.is_over.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        for connection in lock(&self.state.connections).drain(..) {
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl State {
    fn serve(&self, mut connection: TcpStream) {
        let mut lines = BufReader::new(connection.try_clone().expect("a connection")).lines().map_while(Result::ok);
        while let Some(first) = lines.next() {
            lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
            lock(&self.asked).push(first);
            let answer = lock(&self.answer).clone();
            let written = match answer {
                Answer::Of(status, headers, body) => {
                    let length = body.len();
                    let head = format!("HTTP/1.1 {status} Some\r\n{headers}content-length: {length}\r\n\r\n");
                    connection.write_all(format!("{head}{body}").as_bytes())
                }
                Answer::Raw(bytes) => {
                    let _ = connection.write_all(bytes.as_bytes());
                    let _ = connection.shutdown(std::net::Shutdown::Both);
                    return;
                }
                Answer::Nothing => Ok(()),
            };
            // Who has gone does not want it.
            let _ = written;
        }
        self.left.fetch_add(1, SeqCst);
    }
}

/// Collects messages while it lives, which has to end before the turn does: the next test may listen, too.
struct Said(Arc<Mutex<Vec<Message>>>);

impl Said {
    /// To be called while a recorder is there, which holds the turn.
    fn listen() -> Self {
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let heard = Arc::clone(&messages);
        diagnostics::set_sink(move |message| lock(&heard).push(message.clone()));
        Self(messages)
    }

    fn of(&self, event: &str) -> Vec<String> {
        lock(&self.0).iter().filter(|said| said.event == event).map(ToString::to_string).collect()
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        diagnostics::reset_sink();
    }
}

fn settings(sampler: Sampler) -> Telemetry {
    Telemetry::default().with_service_name("my shop").with_sampler(sampler)
}

fn recorder(sampler: Sampler) -> Recorder {
    Recorder::with(settings(sampler))
}

/// Whether a trace that begins under this name is kept.
fn keeps(name: &'static str) -> bool {
    let span = Span::start(name);
    let is_kept = span.is_recording();
    span.end();
    is_kept
}

fn operations(at_least: f64) -> Answer {
    json(format!(
        r#"{{"strategyType":"PROBABILISTIC","operationSampling":{{"defaultSamplingProbability":0,
        "defaultLowerBoundTracesPerSecond":{at_least},"perOperationStrategies":[
        {{"operation":"checkout *","probabilisticSampling":{{"samplingRate":1}}}},
        {{"operation":"scrape","probabilisticSampling":{{"samplingRate":0}}}}]}}}}"#
    ))
}

#[test]
fn decisions_follow_what_the_server_says() {
    let server = Server::start(Answer::Of(404, "", "nothing yet".to_owned()));
    let recorder = recorder(Sampler::AlwaysOff);
    let said = Said::listen();
    recorder.telemetry().set_sampler(Sampler::JaegerRemote(server.remote())).expect("it can be used");
    server.wait_for_an_answer();
    assert!(!keeps("before"), "the initial sampler decides");
    assert_eq!(lock(&server.state.asked)[0], "GET /sampling?service=my%20shop HTTP/1.1");

    server.says(ratio(1.0));
    wait_until("all is kept", || keeps("all"));
    assert_eq!(recorder.telemetry().sampling_counts(), None, "it is one comparison now");

    server.says(json(r#"{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":0.001}}"#));
    wait_until("there is a limit", || !keeps("limited"));
    let counts = recorder.telemetry().sampling_counts().expect("a limit counts");
    assert_eq!(counts.kept, 1, "the others were before it: {counts:?}");

    server.says(operations(0.0));
    wait_until("operations have ratios", || keeps("checkout *"));
    assert!((0..100).all(|_| keeps("checkout *") && !keeps("scrape") && !keeps("checkout 7")));

    server.says(operations(1e-3));
    wait_until("each operation is seen at least now and then", || keeps("scrape"));
    assert!(!keeps("scrape") && keeps("other") && !keeps("other") && keeps("checkout *"));
    let counts = recorder.telemetry().sampling_counts().expect("operations count");
    assert_eq!((counts.by_rate_limit, counts.by_ratio >= 2), (0, true), "{counts:?}");

    server.says(json(r#"{"rateLimitingSampling":{}}"#));
    wait_until("nothing is kept", || !keeps("checkout *"));
    // It is said after it is so.
    wait_until("all changes are said", || said.of("Sampling.Remote.Changed").len() >= 5);
    let url = server.url();
    let changed = |now: &str| {
        format!("otelier: info: Sampling.Remote.Changed: the sampling strategy for `my shop` from {url} is {now}")
    };
    let (limit, all) = ("at most 0.001 traces a second", "a ratio of 1");
    let ratios = "ratios for 2 operations and 0 for others";
    assert_eq!(
        said.of("Sampling.Remote.Changed"),
        [
            changed(all),
            changed(&format!("{limit}; before {all}")),
            changed(&format!("{ratios}; before {limit}")),
            changed(&format!("{ratios}, at least 0.001 traces a second of each; before {ratios}")),
            changed(&format!("at most 0 traces a second; before {ratios}, at least 0.001 traces a second of each")),
        ]
    );
    drop((said, recorder));
    server.wait_until_left();
}

#[test]
fn an_answer_that_cannot_be_used_changes_nothing_and_is_said_once() {
    let server = Server::start(ratio(1.0));
    let recorder = recorder(Sampler::AlwaysOff);
    let said = Said::listen();
    recorder.telemetry().set_sampler(Sampler::JaegerRemote(server.remote())).expect("it can be used");
    wait_until("all is kept", || keeps("all"));
    let elsewhere = Server::start(ratio(0.0));
    let location: &'static str = format!("location: {}\r\n", elsewhere.url()).leak();
    let number = |text: &str| json(format!(r#"{{"probabilisticSampling":{{"samplingRate":{text}}}}}"#));
    let cases = [
        (Answer::Of(500, "", "no".to_owned()), "/sampling?… answered 500"),
        (Answer::Of(302, location, String::new()), "/sampling?… answered 302"),
        (json("<html>"), "the answer is no object of JSON"),
        (json(r#"{"probabilisticSampling":{"samplingRate":1"#), "the answer is no JSON that can be read"),
        (number("2"), "the answer's `samplingRate` is `2`; expected a number from 0 to 1"),
        (number("-1e-9"), "the answer's `samplingRate` is `-1e-9`; expected a number from 0 to 1"),
        (json(r#"{"strategyType":"MAGIC"}"#), "the answer's `strategyType` is `MAGIC`"),
        (json(" ".repeat((1 << 20) + 1)), "answered with more than 1048576 bytes"),
        (Answer::Raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"), "no connection to http://"),
        (Answer::Raw("220 mail ready\r\n"), "no connection to http://"),
        (Answer::Raw(""), "no connection to http://"),
    ];
    for (number, (answer, expected)) in cases.into_iter().enumerate() {
        server.says(answer.clone());
        wait_until("it is said", || said.of("Sampling.Remote.Failed").len() > number);
        server.wait_for_an_answer();
        assert!(keeps("all"), "{answer:?}");
        let failed = said.of("Sampling.Remote.Failed");
        assert_eq!(failed.len(), number + 1, "it is said once: {failed:?}");
        let begin = "otelier: warn: Sampling.Remote.Failed: no sampling strategy for `my shop`, so what decided before goes on: ";
        assert!(failed[number].starts_with(begin) && failed[number].contains(expected), "{}", failed[number]);
        server.says(ratio(1.0));
        wait_until("it is well again", || said.of("Sampling.Remote.Recovered").len() > number);
    }
    assert_eq!(said.of("Sampling.Remote.Changed").len(), 1, "nothing else has changed");
    assert_eq!(elsewhere.asked(), 0, "redirects are not followed");
    drop((said, recorder));
}

#[test]
fn a_server_that_is_not_there_or_hangs_holds_nobody_up() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let hanging = Server::start(Answer::Nothing);
    let recorder = recorder(Sampler::AlwaysOff);
    let said = Said::listen();
    let nobody = JaegerRemote::to(format!("http://{closed}")).with_initial_sampler(Sampler::AlwaysOn);
    let both = Sampler::ParentBased(Box::new(ParentBased {
        remote_parent_sampled: Sampler::JaegerRemote(hanging.remote()),
        ..ParentBased::new(Sampler::JaegerRemote(nobody))
    }));
    recorder.telemetry().set_sampler(both).expect("it can be used");
    wait_until("it is asked", || hanging.asked() == 1);
    wait_until("it is said", || !said.of("Sampling.Remote.Failed").is_empty());
    assert!(keeps("root"));
    drop(said);
    let (spans, _) = recorder.finish();
    assert_eq!(spans.len(), 1);
    // The shutdown has ended the request.
    hanging.wait_until_left();
    assert_eq!(hanging.asked(), 1);
}

#[test]
fn other_settings_ask_another_server_and_keep_what_is_known_of_the_same() {
    let (one, other) = (Server::start(ratio(1.0)), Server::start(ratio(1.0)));
    let first = settings(Sampler::JaegerRemote(one.remote()));
    let recorder = Recorder::with(first.clone());
    wait_until("all is kept", || keeps("all"));
    let mut limits = first.limits.clone();
    limits.events = 7;
    one.says(Answer::Nothing);
    let before = one.state.left.load(SeqCst);
    recorder.telemetry().reload(&first.with_limits(limits.clone())).expect("it can be used");
    assert!(keeps("all"), "what the server has said stays in force");
    assert_eq!(one.state.left.load(SeqCst), before, "and it is not asked anew");

    let second = settings(Sampler::ParentBased(Box::new(ParentBased::new(Sampler::JaegerRemote(other.remote())))));
    recorder.telemetry().reload(&second.with_limits(limits)).expect("it can be used");
    one.wait_until_left();
    wait_until("all is kept by what the other one says", || keeps("all"));
    let below = |flags| {
        let caller = SpanContext::new(TraceId::from(7), SpanId::from(9), flags, true, TraceState::NONE);
        let span = Span::builder("below").parent(&Context::new().with_remote_span_context(caller)).start();
        let is_kept = span.is_recording();
        span.end();
        is_kept
    };
    assert!(!below(TraceFlags::default()) && below(TraceFlags::SAMPLED), "the parent decides");
    other.says(ratio(0.0));
    wait_until("nothing is kept", || !keeps("all"));
    assert!(below(TraceFlags::SAMPLED), "the parent decides");

    recorder.telemetry().set_sampler(Sampler::AlwaysOn).expect("it can be used");
    other.wait_until_left();
    assert!(keeps("all"));
    let refused = Sampler::JaegerRemote(JaegerRemote::to("http://jaeger:14250"));
    assert!(recorder.telemetry().set_sampler(refused).is_err());
    drop(recorder);
}

#[test]
fn what_is_kept_says_why() {
    let server = Server::start(ratio(0.5));
    let recorder = recorder(Sampler::JaegerRemote(server.remote()));
    wait_until("a half is kept", || keeps("half"));
    server.says(json(
        r#"{"operationSampling":{"defaultSamplingProbability":0,"defaultLowerBoundTracesPerSecond":0.001,
        "perOperationStrategies":[{"operation":"quarter","probabilisticSampling":{"samplingRate":0.25}}]}}"#,
    ));
    wait_until("operations have ratios", || recorder.telemetry().sampling_counts().is_some());
    assert!(keeps("rare") && !keeps("rare"), "the first one is kept");
    wait_until("a quarter is kept, whatever was kept before", || (0..2).all(|_| keeps("quarter")));
    let (spans, _) = recorder.finish();
    let why = |name: &str| {
        let of_span = |span| {
            let reason = attribute(span, "otelier.sampler.reason").map(ToString::to_string);
            (reason, attribute(span, "otelier.sampler.probability").cloned())
        };
        let mut all: Vec<_> = spans.iter().filter(|span| span.name == name).map(of_span).collect();
        all.dedup();
        all
    };
    let because = |reason: &str, probability| (Some(reason.to_owned()), probability);
    assert_eq!(why("half"), [because("ratio", Some(Value::F64(0.5)))]);
    assert_eq!(why("rare"), [because("rate_limit", None)]);
    assert!(why("quarter").contains(&because("ratio", Some(Value::F64(0.25)))), "{:?}", why("quarter"));
}
