//! A stretch of work that is counted or timed, and how.

use crate::child::How;
use crate::clock::process_seconds;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Long enough for everything that is in a queue.
const PATIENCE: Duration = Duration::from_secs(60);

/// Timed stretches of each kind in one process.
pub(crate) const SAMPLES: usize = 20;

/// callgrind writes down what it has counted, and begins anew, where this is called.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn otelier_sampling_mark() {
    black_box(());
}

/// The function at which callgrind does so.
pub(crate) const MARK: &str = "otelier_sampling_mark";

/// The parts of a stretch in what callgrind writes: all before it, the work itself, and what the pipeline still had to do.
pub(crate) const PARTS: usize = 3;

/// Something to do.
pub(crate) struct Stretch<'a> {
    pub(crate) name: String,
    /// What the cost is divided by, such as spans.
    pub(crate) units: usize,
    /// Before each time; not measured.
    pub(crate) prepare: Box<dyn FnMut() + 'a>,
    pub(crate) work: Box<dyn FnMut() + 'a>,
}

impl<'a> Stretch<'a> {
    pub(crate) fn new(name: impl Into<String>, units: usize, work: impl FnMut() + 'a) -> Self {
        Self { name: name.into(), units, prepare: Box::new(|| {}), work: Box::new(work) }
    }

    pub(crate) fn prepared(self, prepare: impl FnMut() + 'a) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }
}

/// Does all of it, and prints what it cost.
pub(crate) fn measure(how: How, telemetry: &otelier::Guard, mut all: Vec<Stretch<'_>>) {
    let flush = || telemetry.force_flush(PATIENCE).expect("a minute is enough");
    for stretch in &mut all {
        (stretch.prepare)();
        (stretch.work)();
        flush();
    }
    match how {
        How::Count => {
            for stretch in &mut all {
                (stretch.prepare)();
                otelier_sampling_mark();
                (stretch.work)();
                otelier_sampling_mark();
                flush();
                otelier_sampling_mark();
                println!("stretch {} {}", stretch.units, stretch.name);
            }
        }
        How::Time => {
            for sample in 0..SAMPLES {
                // Who comes first changes from sample to sample.
                for step in 0..all.len() {
                    let number = (sample + step) % all.len();
                    let stretch = &mut all[number];
                    (stretch.prepare)();
                    let (start, processor) = (Instant::now(), process_seconds());
                    (stretch.work)();
                    let wall = start.elapsed().as_secs_f64();
                    flush();
                    let per_unit = |seconds: f64| seconds * 1e9 / stretch.units as f64;
                    println!("{number} {:.3} {:.3}", per_unit(wall), per_unit(process_seconds() - processor));
                }
            }
            all.iter().for_each(|stretch| println!("stretch {} {}", stretch.units, stretch.name));
        }
    }
}
