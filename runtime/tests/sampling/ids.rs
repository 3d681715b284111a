//! Whether ratios are what they say, of 100,000 trace ids each, and whether what is kept is chosen without favour.

use crate::support::{Draw, turn};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use otelier::config::{Composable, Sampler};
use otelier::{Span, Telemetry};

const IDS: usize = 100_000;

/// Chi-square with one degree of freedom, and with fifteen, that chance passes once in a thousand times.
const ONE: f64 = 10.83;
const FIFTEEN: f64 = 37.7;

const RANDOM_BITS: u32 = 56;

/// A parent that says nothing of probability.
fn remote(trace: u128) -> Context {
    let flags = TraceFlags::SAMPLED;
    let span = SpanContext::new(TraceId::from(trace), SpanId::from(8), flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(span)
}

fn is_kept(trace: u128) -> bool {
    Span::builder("request").parent(&remote(trace)).start().span_context().is_sampled()
}

fn chi_square(found: &[usize], expected: f64) -> f64 {
    found.iter().map(|found| (*found as f64 - expected).powi(2) / expected).sum()
}

fn kept_of(sampler: &Sampler, seed: u64) -> Vec<u128> {
    let telemetry = otelier::Pipeline::new(Telemetry::default().with_sampler(sampler.clone()))
        .with_span_exporter(crate::support::Nothing)
        .start()
        .expect("it starts");
    let mut draw = Draw::new(seed);
    let ids = (0..IDS).map(|_| u128::from(draw.next()) << 64 | u128::from(draw.next()));
    let kept = ids.filter(|id| is_kept(*id)).collect();
    telemetry.shutdown().expect("in time");
    kept
}

#[test]
fn of_a_hundred_thousand_ids_as_many_are_kept_as_the_ratio_says_and_all_alike() {
    let _turn = turn();
    for (seed, one_in) in [(31, 2_u32), (32, 3), (33, 10), (34, 100), (35, 1000)] {
        let ratio = 1.0 / f64::from(one_in);
        let all = [
            Sampler::Probability(ratio),
            Sampler::TraceIdRatio(ratio),
            Sampler::Composite(Composable::Probability(ratio)),
        ];
        let kept: Vec<Vec<u128>> = all.iter().map(|sampler| kept_of(sampler, seed)).collect();
        let expected = IDS as f64 * ratio;
        for (sampler, kept) in all.iter().zip(&kept) {
            let chance = chi_square(&[kept.len()], expected) / (1.0 - ratio);
            assert!(chance < ONE, "{sampler}: {} kept, {chance}", kept.len());
            // Whatever else is in the id makes no difference.
            let mut sixteenths = [0; 16];
            kept.iter().for_each(|id| sixteenths[(id >> 124) as usize] += 1);
            let favour = chi_square(&sixteenths, kept.len() as f64 / 16.0);
            assert!(favour < FIFTEEN, "{sampler}: {sixteenths:?}, {favour}");
            let least = ((1.0 - ratio) * 2_f64.powi(RANDOM_BITS as i32)) as u128;
            let random = |id: &u128| id & ((1 << RANDOM_BITS) - 1);
            // The threshold is rounded to four digits that say something.
            let rounding = (least >> 12).max(1);
            assert!(kept.iter().all(|id| random(id) + rounding >= least), "{sampler} keeps what the ratio does not");
        }
        assert!(kept[0] == kept[2], "the composable sampler decides as the other does");
    }
}

#[test]
fn a_larger_ratio_keeps_all_that_a_smaller_one_keeps() {
    let _turn = turn();
    let ratios = [0.001, 0.01, 0.1, 1.0 / 3.0, 0.5];
    let kept: Vec<Vec<u128>> = ratios.iter().map(|ratio| kept_of(&Sampler::Probability(*ratio), 41)).collect();
    for pair in kept.windows(2) {
        let (fewer, more) = (&pair[0], pair[1].iter().collect::<std::collections::HashSet<_>>());
        assert!(fewer.len() < more.len() && fewer.iter().all(|id| more.contains(id)));
    }
}

#[test]
fn ids_that_are_made_here_are_random_enough_for_a_ratio() {
    let _turn = turn();
    let settings = Telemetry::default().with_sampler(Sampler::Probability(0.1));
    let telemetry =
        otelier::Pipeline::new(settings).with_span_exporter(crate::support::Nothing).start().expect("it starts");
    let kept = (0..IDS).filter(|_| Span::builder("request").root().start().span_context().is_sampled()).count();
    telemetry.shutdown().expect("in time");
    // Six times the deviation: these ids are others at each run.
    assert!(kept.abs_diff(IDS / 10) < 570, "{kept} of {IDS}");
}
