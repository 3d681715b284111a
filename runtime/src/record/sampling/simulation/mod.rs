//! The controller on made-up loads: steps, bursts, loads that swing, noise, errors. What happens is drawn for the documentation.

mod plot;

use super::adaptive::AdaptiveNode;
use super::controller::{Controller, Factors, LoadLimits, Readings};
use super::node::{Asked, Node, Reason};
use super::rates::Rates;
use super::rates::tests::RATES;
use super::target::{hurried, unhurried};
use crate::record::Callsite;
use opentelemetry::trace::SpanContext;
use otelier_spec::Kind;
use plot::{Line, Panel, Plot};

/// The defaults, without a target.
pub(super) const LIMITS: LoadLimits =
    LoadLimits { cpu: 0.8, memory: 0.85, failures: 0.1, target: None, errors: 0.05, boost: 4.0 };
const TARGET: f64 = 50.0;

/// Numbers that look random and are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many come in a second if so many do on average, each when it likes.
    fn arrivals(&mut self, mean: u64) -> u64 {
        // Of 16 times as many one in 16.
        let word = |random: &mut Self| (0..4).fold(u64::MAX, |word, _| word & random.next());
        (0..mean * 16 / 64).map(|_| u64::from(word(self).count_ones())).sum()
    }
}

/// One look at a made-up load, at which so many traces of normal priority were offered.
#[derive(Clone, Copy, Default)]
struct Look {
    readings: Readings,
    offered: f64,
}

fn look(readings: Readings) -> Look {
    Look { readings: Readings { seconds: 1.0, ..readings }, offered: 0.0 }
}

fn offered(offered: f64) -> Look {
    Look { offered, ..look(Readings::default()) }
}

/// The factors during the second before each look, which those before it have led to, and at last those after the last one.
fn run(limits: &LoadLimits, looks: &[Look]) -> Vec<Factors> {
    let mut controller = Controller::new();
    let mut factors = vec![controller.factors()];
    for look in looks {
        controller = controller.step(limits, &look.readings, [0.0, look.offered, 0.0]);
        factors.push(controller.factors());
    }
    factors
}

/// How often the direction changes in which the values go.
fn turns(values: &[f64]) -> usize {
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| step.abs() > 1e-9).collect();
    steps.windows(2).filter(|pair| pair[0].signum() != pair[1].signum()).count()
}

fn target() -> LoadLimits {
    LoadLimits { target: Some(TARGET), ..LIMITS }
}

/// What is kept of what is offered, second by second.
fn kept(looks: &[Look], factors: &[Factors]) -> Vec<f64> {
    looks.iter().zip(factors).map(|(look, factors)| kept_within(look.offered, factors.target) * factors.load).collect()
}

/// What is kept of what is offered from one look to the next.
fn kept_within(all: f64, looked: f64) -> f64 {
    let (mut kept, mut offered, mut factor) = (0.0, 0.0, looked);
    let mut next = unhurried(TARGET, looked);
    while offered < all {
        let until = next.min(all);
        kept += (until - offered) * factor;
        (offered, next) = (until, 2.0 * next);
        factor = hurried(TARGET, looked, [0.0, offered, 0.0], offered / all).unwrap_or(factor);
    }
    kept
}

fn draw_target(file: &'static str, title: &'static str, looks: &[Look]) {
    let factors = run(&target(), looks);
    let offered: Vec<f64> = looks.iter().map(|look| look.offered).collect();
    let most = offered.iter().copied().fold(0.0, f64::max) * 1.1;
    let lines = vec![Line { name: "kept", values: kept(looks, &factors) }, Line { name: "offered", values: offered }];
    let factor = vec![Line { name: "factor", values: factors.iter().map(|factors| factors.target).collect() }];
    let panels = vec![
        Panel { label: "traces a second", most: most.round(), lines, guide: Some((TARGET, "traces_per_second: 50")) },
        Panel { label: "target factor", most: 1.0, lines: factor, guide: None },
    ];
    Plot { file, title, panels }.check();
}

/// So many looks at each of these rates.
fn rates(parts: &[(usize, f64)]) -> Vec<Look> {
    parts.iter().flat_map(|(looks, rate)| std::iter::repeat_n(offered(*rate), *looks)).collect()
}

#[test]
fn after_a_step_the_target_rate_is_kept_within_ten_looks_and_nothing_swings() {
    for (before, after) in [(40.0, 400.0), (400.0, 60.0), (60.0, 80.0), (5_000.0, 100.0), (0.0, 1e6), (70.0, 60.0)] {
        let looks = rates(&[(20, before), (40, after)]);
        let factors = run(&target(), &looks);
        let expected = after.min(TARGET);
        let after = &kept(&looks, &factors)[30..];
        assert!(after.iter().all(|kept| (kept / expected - 1.0).abs() < 0.05), "{before}: {after:?}");
        let factors: Vec<f64> = factors.iter().map(|factors| factors.target).collect();
        assert!(turns(&factors[20..]) == 0, "{before}: {factors:?}");
    }
    let looks = rates(&[(15, 40.0), (25, 400.0), (25, 40.0)]);
    draw_target("target-step.svg", "A step of what is offered, from 40 to 400 traces a second and back", &looks);
}

#[test]
fn a_burst_is_cut_within_its_first_second_and_forgotten_at_once() {
    let looks = rates(&[(20, 45.0), (3, 1000.0), (30, 45.0)]);
    let factors = run(&target(), &looks);
    let kept = kept(&looks, &factors);
    assert!((2.0 * TARGET..=3.0 * TARGET).contains(&kept[20]), "nobody waits for the first look: {kept:?}");
    assert!(kept[21..23].iter().all(|kept| (kept - TARGET).abs() < 1.0), "{kept:?}");
    assert!(kept[24..].iter().all(|kept| *kept == 45.0), "{kept:?}");
    draw_target("target-burst.svg", "A burst of three seconds", &looks);
}

#[test]
fn noise_of_what_is_offered_moves_the_factor_little_and_the_mean_not_at_all() {
    let mut random = Random(7);
    for mean in [80, 200, 1000, 20_000] {
        let looks: Vec<Look> = (0..400).map(|_| offered(random.arrivals(mean) as f64)).collect();
        let factors = run(&target(), &looks);
        let kept = &kept(&looks, &factors)[10..];
        let rate = kept.iter().sum::<f64>() / kept.len() as f64;
        assert!((rate / TARGET - 1.0).abs() < 0.02, "{mean}: {rate}");
        let expected = TARGET / mean as f64;
        // Five deviations of the smoothed rate.
        let most = 5.0 * (0.3_f64 / 1.7 / mean as f64).sqrt();
        let far = factors[10..].iter().map(|factors| (factors.target / expected - 1.0).abs()).fold(0.0, f64::max);
        assert!(far < most, "{mean}: {far} of {most}");
    }
    let looks: Vec<Look> = (0..60).map(|_| offered(random.arrivals(200) as f64)).collect();
    draw_target("target-noise.svg", "Traces that come when they like, 200 a second", &looks);
}

#[test]
fn a_node_keeps_the_target_rate_of_real_traces_of_several_kinds() {
    static PLAIN: Callsite = Callsite::new("site", Kind::Internal);
    static WORKFLOW: Callsite = super::rates::tests::of::<crate::schema::workflow::Workflow>();
    let rates = Rates { other: 0.5, ..RATES };
    let node = Node::Adaptive(Box::new(AdaptiveNode::new(rates, target(), false)));
    let mut random = Random(3);
    let (mut all, mut by_target) = (Vec::new(), 0);
    for _ in 0..if cfg!(miri) { 12 } else { 200 } {
        let mut kept = 0;
        for (callsite, count) in [(&PLAIN, 300), (&WORKFLOW, 60)] {
            for _ in 0..random.arrivals(count) {
                let asked = Asked::new((1, random.next()), &SpanContext::NONE, callsite.into());
                let answer = node.ask(&asked);
                kept += u64::from(answer.sampled);
                by_target += u64::from(!answer.sampled && answer.reason == Reason::Target);
            }
        }
        all.push(kept);
        let readings = Readings { seconds: 1.0, ..Readings::default() };
        node.each_adaptive(&mut |adaptive| adaptive.look(&readings));
    }
    if cfg!(miri) {
        return;
    }
    let rate = all[10..].iter().sum::<u64>() as f64 / (all.len() - 10) as f64;
    assert!((rate / TARGET - 1.0).abs() < 0.05, "{rate}");
    assert!(by_target > 10_000, "{by_target}");
}

#[test]
fn a_node_cuts_a_burst_of_real_traces_before_anybody_looks() {
    static SITES: [Callsite; 2] =
        [Callsite::new("site", Kind::Internal), super::rates::tests::of::<crate::schema::workflow::Workflow>()];
    let node = Node::Adaptive(Box::new(AdaptiveNode::new(Rates { other: 0.5, ..RATES }, target(), false)));
    let mut random = Random(5);
    let mut ask = |count: u64| -> u64 {
        let sites = SITES.iter().cycle().zip(0..count);
        sites
            .map(|(site, _)| {
                let asked = Asked::new((1, random.next()), &SpanContext::NONE, site.into());
                u64::from(node.ask(&asked).sampled)
            })
            .sum()
    };
    let look = || {
        let readings = Readings { seconds: 1.0, ..Readings::default() };
        node.each_adaptive(&mut |adaptive| adaptive.look(&readings));
    };
    let most = |seconds: f64| (seconds * TARGET) as u64;
    // A burst of any size, from a factor of 1 and from a lower one.
    for (before, burst) in [(60, 2_000), (60, 40_000), (400, 40_000)] {
        let burst = if cfg!(miri) { burst / 20 } else { burst };
        (0..12).for_each(|_| {
            ask(before);
            look();
        });
        let kept = ask(burst);
        assert!((most(1.0)..=most(3.8)).contains(&kept), "{before} {burst}: {kept}");
        look();
        let kept = ask(burst);
        assert!((most(0.5)..=most(1.6)).contains(&kept), "{before} {burst}: a look later it is {kept}");
        look();
    }
}

#[test]
#[cfg_attr(miri, ignore = "safe code that takes Miri minutes")]
fn a_day_of_loads_that_change_at_every_look_tells_few_different_probabilities() {
    static SITES: [Callsite; 2] =
        [Callsite::new("site", Kind::Internal), super::rates::tests::of::<crate::schema::workflow::Workflow>()];
    let node = Node::Adaptive(Box::new(AdaptiveNode::new(RATES, target(), false)));
    let mut random = Random(13);
    let mut told = std::collections::BTreeSet::new();
    for second in 0..24 * 3600_u64 {
        // From a night with hardly anything to a day with much, and errors now and then.
        let traces = 2 + second / 600 % 13 * (1 + random.next() % 6);
        for number in 0..traces {
            let site = &SITES[(number % 2) as usize];
            // The largest randomness, which every sampler keeps.
            told.insert(node.ask(&Asked::new((1, !0), &SpanContext::NONE, site.into())).grounds);
        }
        let (ended, failed) = (traces * 9, random.next() % traces);
        let queue = if second % 977 < 20 { random.share() } else { 0.1 };
        let readings = Readings { queue, ended, failed, seconds: 0.5 + random.share(), ..Readings::default() };
        node.each_adaptive(&mut |adaptive| adaptive.look(&readings));
    }
    assert!((50..=800).contains(&told.len()), "{}", told.len());
}

fn queue(share: f64) -> Look {
    look(Readings { queue: share, ..Readings::default() })
}

fn draw_load(
    file: &'static str,
    title: &'static str,
    (label, limit): (&'static str, f64),
    shares: Vec<f64>,
    to: Vec<f64>,
) {
    let line = |name, values| vec![Line { name, values }];
    let guide = Some((limit, "threshold"));
    let panels = vec![
        Panel { label, most: 1.0, lines: line(label, shares), guide },
        Panel { label: "load factor", most: 1.0, lines: line("factor", to), guide: None },
    ];
    Plot { file, title, panels }.check();
}

fn loads(factors: &[Factors]) -> Vec<f64> {
    factors.iter().map(|factors| factors.load).collect()
}

#[test]
fn a_step_of_the_load_is_answered_at_once_and_taken_back_slowly() {
    let shares: Vec<f64> = [(10, 0.1), (5, 0.7), (45, 0.1)].iter().flat_map(|(n, s)| vec![*s; *n]).collect();
    let looks: Vec<Look> = shares.iter().map(|share| queue(*share)).collect();
    let factors = loads(&run(&LIMITS, &looks));
    assert_eq!(factors[10..17], [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.03125]);
    assert_eq!((turns(&factors), factors[50]), (1, 1.0), "{factors:?}");
    draw_load("load-step.svg", "The queue is too full for five seconds", ("queue", 0.4), shares, factors);
}

#[test]
fn a_load_that_swings_around_its_threshold_moves_the_factor_in_one_direction_only() {
    let shares: Vec<f64> = (0..60).map(|look| if look % 4 < 2 { 0.43 } else { 0.33 }).collect();
    let looks: Vec<Look> = shares.iter().map(|share| queue(*share)).collect();
    let factors = loads(&run(&LIMITS, &looks));
    assert_eq!(turns(&factors), 0, "{factors:?}");
    draw_load("load-swing.svg", "The queue swings around its threshold", ("queue", 0.4), shares, factors);
}

#[test]
fn a_processor_that_is_busy_by_fits_and_starts_lowers_nothing() {
    let mut random = Random(11);
    let shares: Vec<f64> = (0..120).map(|_| 0.35 + 0.5 * random.share()).collect();
    let cpu = |share: &f64| look(Readings { cpu: Some(*share), ..Readings::default() });
    let factors = loads(&run(&LIMITS, &shares.iter().map(cpu).collect::<Vec<_>>()));
    assert!(factors.iter().all(|factor| *factor == 1.0), "{factors:?}");
    draw_load("load-noise.svg", "A processor between 35 % and 85 %", ("processor", 0.8), shares, factors);
}

#[test]
fn a_receiver_that_takes_a_third_settles_at_what_it_takes() {
    let mut controller = Controller::new();
    let (mut shares, mut factors) = (Vec::new(), vec![controller.factors()]);
    for number in 0..120 {
        let takes = if (20..80).contains(&number) { 1.0 / 3.0 } else { 1.0 };
        let load = controller.factors().load;
        let failures = (1.0 - takes / load).max(0.0);
        shares.push(failures);
        let readings = Readings { failures: Some(failures), seconds: 1.0, ..Readings::default() };
        controller = controller.step(&LIMITS, &readings, [0.0; 3]);
        factors.push(controller.factors());
    }
    let factors = loads(&factors);
    let mean = factors[30..80].iter().sum::<f64>() / 50.0;
    assert!((0.15..0.34).contains(&mean), "{mean}");
    assert_eq!(factors[120], 1.0);
    let title = "For a minute a receiver takes a third of the spans";
    draw_load("load-failures.svg", title, ("spans lost", 0.1), shares, factors);
}

#[test]
fn a_load_and_a_target_rate_lower_the_ratios_together() {
    let looks: Vec<Look> = (0..20).map(|_| Look { offered: 100.0, ..queue(0.5) }).collect();
    let factors = run(&target(), &looks);
    assert_eq!((factors[3].target, factors[3].load), (0.5, 0.125));
}

/// An error storm: a thousand traces a second of which a tenth is kept, and of them this share fails.
fn storm(limits: &LoadLimits, shares: &[f64], queue: f64) -> Vec<(Factors, f64)> {
    let mut controller = Controller::new();
    let mut seen = Vec::new();
    for share in shares {
        let Factors { load, target, boost } = controller.factors();
        let offered = 1000.0 * (0.1 * boost).min(1.0);
        let kept = offered * load * target;
        seen.push((controller.factors(), kept));
        let (ended, failed) = (kept as u64, (kept * share) as u64);
        let readings = Readings { ended, failed, queue, seconds: 1.0, ..Readings::default() };
        controller = controller.step(limits, &readings, [0.0, offered, 0.0]);
    }
    seen
}

#[test]
fn an_error_storm_raises_what_is_kept_but_not_above_the_target_rate_and_not_under_load() {
    let shares: Vec<f64> = [(15, 0.01), (20, 0.3), (45, 0.01)].iter().flat_map(|(n, s)| vec![*s; *n]).collect();
    let limits = LoadLimits { target: Some(250.0), ..LIMITS };
    let seen = storm(&limits, &shares, 0.0);
    let (boosts, kept): (Vec<f64>, Vec<f64>) = seen.iter().map(|(factors, kept)| (factors.boost, *kept)).unzip();
    assert!(boosts[..15].iter().all(|boost| *boost == 1.0) && boosts[20..35].iter().all(|boost| *boost == 4.0));
    assert_eq!((turns(&boosts), boosts[79]), (1, 1.0), "{boosts:?}");
    assert!(kept.iter().all(|kept| *kept <= 250.0 * 1.001), "{kept:?}");
    assert!((kept[30] - 250.0).abs() < 12.5 && (kept[79] - 100.0).abs() < 1.0, "{kept:?}");
    let under_load = storm(&limits, &[0.3; 30], 0.5);
    assert!(under_load[1..].iter().all(|(factors, _)| factors.boost == 1.0));
    let line = |name, values| vec![Line { name, values }];
    let panels = vec![
        Panel {
            label: "share that fails",
            most: 0.4,
            lines: line("local roots that fail", shares),
            guide: Some((0.05, "error_threshold")),
        },
        Panel { label: "boost", most: 4.0, lines: line("boost", boosts), guide: None },
        Panel {
            label: "kept a second",
            most: 300.0,
            lines: line("kept", kept),
            guide: Some((250.0, "traces_per_second: 250")),
        },
    ];
    let title = "For 20 seconds 30 % of the traces fail";
    Plot { file: "errors.svg", title, panels }.check();
}

#[test]
fn errors_around_their_threshold_do_not_make_the_boost_swing() {
    let shares: Vec<f64> = (0..200).map(|look| if look % 2 == 0 { 0.04 } else { 0.055 }).collect();
    let boosts: Vec<f64> = storm(&LIMITS, &shares, 0.0).iter().map(|(factors, _)| factors.boost).collect();
    assert_eq!(turns(&boosts), 0, "{boosts:?}");
}
