//! What it costs to decide where a trace begins: ten rules beside the sampler that is one comparison.

use crate::child::{Child, How, Tail};
use crate::stretch::{SAMPLES, Stretch, measure};
use crate::tail::start;
use otelier::Guard;
use otelier::config::{Composable, Rule, Sampler};
use otelier::prelude::*;
use otelier::schema::Kind;
use std::hint::black_box;
use std::sync::Barrier;

/// Traces of a stretch and a thread.
const TRACES: usize = 1000;

/// A local root as a server has it.
#[trace(name = "GET /orders/:id", kind = server, "url.path" = path, "http.request.method" = method)]
#[inline(never)]
fn request(path: &str, method: &str) -> usize {
    black_box(path.len())
}

fn requests() {
    for _ in 0..TRACES {
        black_box(request(black_box("/orders/7"), black_box("GET")));
    }
}

/// How a decision is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    /// By one comparison.
    Word,
    /// By one comparison, told in `tracestate`, as rules tell what they keep.
    Told,
    /// By the first of ten rules.
    First,
    /// By the last of ten rules, of which three look at attributes.
    Last,
    /// By the last of ten rules, none of which looks at attributes.
    LastWithoutAttributes,
}

impl Decided {
    pub(crate) const ALL: [Self; 5] = [Self::Word, Self::Told, Self::First, Self::Last, Self::LastWithoutAttributes];

    /// Those with ten rules.
    pub(crate) const RULES: [Self; 3] = [Self::First, Self::Last, Self::LastWithoutAttributes];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Word => "one comparison",
            Self::Told => "one comparison, told in `tracestate`",
            Self::First => "ten rules, the first matches",
            Self::Last => "ten rules, the last matches",
            Self::LastWithoutAttributes => "the same without attributes",
        }
    }

    /// Keeps everything, or nothing.
    fn sampler(self, keeps: bool) -> Sampler {
        let always = if keeps { Composable::AlwaysOn } else { Composable::AlwaysOff };
        let other = if keeps { Composable::AlwaysOff } else { Composable::AlwaysOn };
        let rule = || Rule::new(other.clone());
        let names = ["health*", "*/metrics", "internal.?oll", "GET /static/*", "PUT /orders/*"];
        let mut rules: Vec<Rule> = names.into_iter().map(|name| rule().span_name(name)).collect();
        rules.push(rule().span_kind(Kind::Producer).span_kind(Kind::Consumer));
        let attributes = [
            rule().attribute_is("url.path", ["/health", "/ready"]),
            rule().attribute_like("url.path", ["/admin/*", "*.css"]),
            rule().attribute_is("http.request.method", ["TRACE"]),
        ];
        let plain = ["a*", "*b", "c?d"].map(|name| rule().span_name(name));
        match self {
            Self::Word => return Sampler::parent_based(f64::from(u8::from(keeps))),
            Self::Told => return Sampler::Probability(f64::from(u8::from(keeps))),
            Self::First => {
                rules.insert(0, Rule::new(always).span_name("GET /orders/*"));
                rules.extend(attributes);
            }
            Self::Last => {
                rules.extend(attributes);
                rules.push(Rule::new(always));
            }
            Self::LastWithoutAttributes => {
                rules.extend(plain);
                rules.push(Rule::new(always));
            }
        }
        assert_eq!(rules.len(), 10);
        Sampler::Composite(Composable::RuleBased(rules))
    }
}

/// The name of a stretch.
pub(crate) fn name(decided: Decided, keeps: bool, threads: usize) -> String {
    let kept = if keeps { "kept" } else { "refused" };
    format!("{}, {kept}, {threads}", decided.words())
}

/// On two threads at once, each with as many.
fn on_two() {
    let both = Barrier::new(2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                both.wait();
                requests();
            });
        }
    });
}

fn stretches(telemetry: &Guard, how: How) -> Vec<Stretch<'_>> {
    let mut all = Vec::new();
    for keeps in [false, true] {
        for threads in [1, 2] {
            // What two threads do costs as many instructions as what one does.
            if threads == 2 && how == How::Count {
                continue;
            }
            for decided in Decided::ALL {
                let sampler = decided.sampler(keeps);
                let set = move || telemetry.set_sampler(sampler.clone()).expect("it can be used");
                let work = if threads == 1 { requests } else { on_two };
                // What is told is what one thread waits for each of its traces.
                all.push(Stretch::new(name(decided, keeps, threads), TRACES, work).prepared(set));
            }
        }
    }
    all
}

pub(crate) fn child(child: &Child) {
    let telemetry = start(Tail::Off, child.otlp.as_deref());
    measure(child.how, &telemetry, stretches(&telemetry, child.how));
    let stats = telemetry.shutdown().expect("everything is flushed already");
    // What keeps all keeps all, and what refuses them none; the first time of each is for warming up.
    let threads_and_times = match child.how {
        How::Count => 2,
        How::Time => 3 * (1 + SAMPLES),
    };
    let made = (Decided::ALL.len() * threads_and_times * TRACES) as u64;
    assert_eq!((stats.started, stats.dropped(), stats.open), (made, 0, 0), "{stats:?}");
}
