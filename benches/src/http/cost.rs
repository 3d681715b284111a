//! Time and allocations of a request over the bare handler. Everything is in one process, and takes turns.

use crate::discard::Discard;
use crate::subject::{Subject, request, router};
use crate::{Arguments, alloc};
use otelier::config::{ParentBased, Sampler};
use otelier::http::ServerLayer;
use otelier::{Guard, Pipeline, Telemetry};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower_layer::{Identity, Layer};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
/// Long enough for everything that is in a queue.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than the spans of a turn.
const QUEUE: usize = 1 << 17;

/// What is on while a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Off,
    Sampled,
    Unsampled,
}

/// A layer that does nothing, either, but could be told to: axum copies it for every request.
#[derive(Clone)]
struct WithSettings {
    _settings: Arc<()>,
}

impl<S> Layer<S> for WithSettings {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        inner
    }
}

/// The bare handler, ours, and axum's own layering with layers that do nothing.
fn own() -> Vec<Subject> {
    vec![
        Subject::new("bare", router()),
        Subject::new("a layer that does nothing", router().layer(Identity::new())),
        Subject::new("the same with settings", router().layer(WithSettings { _settings: Arc::default() })),
        Subject::new("otelier, Router::layer", router().layer(ServerLayer::new())),
        Subject::new("otelier, around the router", ServerLayer::new().layer(router())),
    ]
}

/// Everything that there is to flush.
pub(crate) struct Pipelines {
    ours: Option<Guard>,
    #[cfg(feature = "peers")]
    peers: Option<crate::peers::Peers>,
}

impl Pipelines {
    fn flush(&self) {
        if let Some(ours) = &self.ours {
            ours.force_flush(PATIENCE).expect("nothing takes so long");
        }
        #[cfg(feature = "peers")]
        if let Some(peers) = &self.peers {
            peers.flush();
        }
    }
}

pub(crate) fn table(arguments: &Arguments) {
    let exported = Discard::default();
    let mut pipelines = Pipelines {
        ours: None,
        #[cfg(feature = "peers")]
        peers: None,
    };
    for (title, mode, traceparent) in [
        ("telemetry off", Mode::Off, None),
        ("sampled, the trace begins here", Mode::Sampled, None),
        ("sampled, with a traceparent", Mode::Sampled, Some(SAMPLED)),
        ("not sampled by the head sampler", Mode::Unsampled, None),
        ("not sampled by the parent", Mode::Unsampled, Some(NOT_SAMPLED)),
    ] {
        match (&pipelines.ours, mode) {
            (None, Mode::Sampled) => {
                let settings = Telemetry::default().with_max_queue_size(QUEUE);
                let pipeline = Pipeline::new(settings).with_span_exporter(exported.clone());
                pipelines.ours = Some(pipeline.start().expect("these settings can be used"));
            }
            (Some(ours), Mode::Unsampled) => {
                ours.set_sampler(Sampler::ParentBased(Box::new(ParentBased::new(Sampler::AlwaysOff))))
                    .expect("this one can be used");
            }
            _ => {}
        }
        #[allow(unused_mut)]
        let mut subjects = own();
        #[cfg(feature = "peers")]
        {
            let (peers, more) = crate::peers::subjects(mode, QUEUE);
            pipelines.peers = Some(peers);
            subjects.extend(more);
        }
        println!("\n{title}\n");
        let before = exported.count();
        compare(arguments, &mut subjects, traceparent, &pipelines);
        let (made, turns) = (exported.count() - before, (arguments.rounds + 2) as u64);
        // Two of the layers are ours; the first turn is for warming up, and the second for counting allocations.
        let expected = if mode == Mode::Sampled { 2 * turns * arguments.requests as u64 } else { 0 };
        assert_eq!(made, expected, "every request has one span");
    }
}

fn compare(arguments: &Arguments, subjects: &mut [Subject], traceparent: Option<&'static str>, pipelines: &Pipelines) {
    let requests = || (0..arguments.requests).map(|_| request(traceparent)).collect::<Vec<_>>();
    let turn = |subject: &mut Subject| {
        let requests = requests();
        let start = Instant::now();
        requests.into_iter().for_each(&mut subject.answer);
        let time = start.elapsed().as_secs_f64() * 1e9 / arguments.requests as f64;
        pipelines.flush();
        time
    };
    subjects.iter_mut().for_each(|subject| _ = turn(subject));
    let mut times = vec![Vec::new(); subjects.len()];
    for round in 0..arguments.rounds {
        // Who comes first changes from round to round.
        for step in 0..subjects.len() {
            let at = (round + step) % subjects.len();
            times[at].push(turn(&mut subjects[at]));
        }
    }
    let allocations: Vec<f64> = subjects
        .iter_mut()
        .map(|subject| {
            let requests = requests();
            alloc::count(true);
            let before = alloc::mine().times;
            requests.into_iter().for_each(&mut subject.answer);
            let times = alloc::mine().times - before;
            alloc::count(false);
            pipelines.flush();
            times as f64 / arguments.requests as f64
        })
        .collect();
    println!("{:<42} {:>8} {:>10} {:>10} {:>8} {:>10}", "", "ns", "over bare", "at best", "allocs", "over bare");
    for (at, subject) in subjects.iter().enumerate() {
        let over = quantile(times[at].iter().zip(&times[0]).map(|(time, bare)| time - bare).collect(), 2);
        let time = quantile(times[at].clone(), 2);
        // On a machine that others use, too, the median is mostly theirs.
        let best = quantile(times[at].clone(), 20) - quantile(times[0].clone(), 20);
        let more = allocations[at] - allocations[0];
        println!("{:<42} {time:>8.0} {over:>10.0} {best:>10.0} {:>8.2} {more:>10.2}", subject.name, allocations[at]);
    }
}

/// The value below which one in `parts` lies.
fn quantile(mut all: Vec<f64>, parts: usize) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / parts).copied().unwrap_or(f64::NAN)
}
