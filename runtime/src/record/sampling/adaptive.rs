//! Ratios by kind of operation, lowered under load.

use super::consistent::{Ot, with_threshold};
use super::controller::{Controller, Factors, LoadLimits, Offered, Readings};
use super::grounds::GroundsNumber;
use super::node::{Answer, Asked, Node, Reason, state_of};
use super::rates::Rates;
use super::rules::Who;
use super::shares::{self, Share};
use super::target::{hurried, unhurried};
use super::{INSTALLED, LOAD, RANDOM_MASK, SETTING, consistent_threshold, threshold};
use crate::clock;
use crate::record::Priority;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A ratio by kind of operation, and what all of them are multiplied with.
#[derive(Debug)]
pub(crate) struct AdaptiveNode {
    rates: Rates,
    limits: LoadLimits,
    /// Whether the threshold is told to others.
    consistent: bool,
    /// The ratios as they were set, which are not rounded: threshold, and why a trace is kept that reaches it.
    exact: [(f64, u64, GroundsNumber); Rates::COUNT],
    /// Of the thread that looks at the load.
    controller: Mutex<Controller>,
    factors: Published,
    offered: Box<[Shard; SHARDS]>,
    /// Above this a counter of what is offered may be that of a burst.
    alarm: AtomicU64,
    /// The target factor that the last look has found, and when that was.
    looked: AtomicU64,
    looked_at: AtomicU64,
}

/// The factors that were found last, as bits. Who reads them in between may have one of them from the look before.
#[derive(Debug)]
struct Published {
    load: AtomicU64,
    target: AtomicU64,
    boost: AtomicU64,
}

/// Ratios that were asked for, by priority, in units of [`UNIT`]. On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard([AtomicU64; 3]);

/// Threads that ask at once rarely add to the same one.
const SHARDS: usize = 8;
/// A counter has room for what a hundred million traces a second are in minutes, and is emptied at each look.
const UNIT: f64 = (1_u64 << 30) as f64;

impl Published {
    fn new(factors: Factors) -> Self {
        let of = |factor: f64| AtomicU64::new(factor.to_bits());
        Self { load: of(factors.load), target: of(factors.target), boost: of(factors.boost) }
    }

    fn put(&self, factors: Factors) {
        self.load.store(factors.load.to_bits(), Relaxed);
        self.target.store(factors.target.to_bits(), Relaxed);
        self.boost.store(factors.boost.to_bits(), Relaxed);
    }

    fn get(&self) -> Factors {
        let of = |factor: &AtomicU64| f64::from_bits(factor.load(Relaxed));
        Factors { load: of(&self.load), target: of(&self.target), boost: of(&self.boost) }
    }
}

impl AdaptiveNode {
    pub(crate) fn new(rates: Rates, limits: LoadLimits, consistent: bool) -> Self {
        let controller = Controller::new();
        let exact = rates.all().map(|ratio| {
            let threshold = if consistent { consistent_threshold(ratio) } else { threshold(ratio) };
            (ratio, threshold, shares::number(threshold))
        });
        Self {
            rates,
            limits,
            consistent,
            exact,
            factors: Published::new(controller.factors()),
            controller: Mutex::new(controller),
            offered: Box::default(),
            // Who never looks, as in a simulation, does not see how much time has passed.
            alarm: AtomicU64::new(u64::MAX),
            looked: AtomicU64::new(0),
            looked_at: AtomicU64::new(0),
        }
    }

    /// Whether the values of the span's attributes matter.
    pub(super) fn asks_attributes(&self, who: &Who<'_>) -> bool {
        self.rates.asks_attributes(who)
    }

    pub(super) fn ask(&self, asked: &Asked<'_>) -> Answer {
        let factors = self.factors.get();
        if factors.load <= 0.0 {
            return Answer::plain(false, Reason::ExtremeLoad);
        }
        let priority = asked.who.callsite.priority;
        let (rate, budget) = self.rates.of(&asked.who);
        let raised = (rate * factors.boost).min(1.0);
        let offered = raised * budget;
        self.offer(asked.trace.1, priority, offered);
        // What matters less gives way twice as far, and what matters more not at all.
        let of = |factor: f64| match priority {
            Priority::Low => factor * factor,
            Priority::Normal => factor,
            Priority::High => 1.0,
        };
        let below_target = offered * of(factors.target);
        let ot = self.consistent.then(|| Ot::of(&state_of(asked.parent)));
        let randomness = ot.map_or(asked.trace.1 & RANDOM_MASK, |ot| ot.randomness(asked.trace.1));
        let (threshold, number) = self.share(below_target * of(factors.load));
        let sampled = randomness >= threshold;
        let told = (sampled && self.consistent).then_some(threshold);
        let state = ot.and_then(|_| with_threshold(&state_of(asked.parent), told));
        if sampled {
            return Answer { state, grounds: number(), ..Answer::plain(true, Reason::Ratio) };
        }
        let refuses = |ratio: f64| randomness < self.share(ratio).0;
        // The first that would have been enough to refuse it.
        let steps = [(Reason::Ratio, raised), (Reason::ExchangeBudget, offered), (Reason::Target, below_target)];
        let found = steps.into_iter().find(|(_, ratio)| refuses(*ratio));
        Answer { state, ..Answer::plain(false, found.map_or(Reason::Load, |(reason, _)| reason)) }
    }

    /// The threshold of a ratio, and how to find the number of what it stands for.
    fn share(&self, ratio: f64) -> (u64, impl FnOnce() -> GroundsNumber + use<>) {
        let exact = self.exact.iter().find(|(exact, ..)| *exact == ratio);
        let (threshold, known, share) = match exact {
            Some((_, threshold, number)) => (*threshold, Some(*number), None),
            None => {
                let share = Share::near(ratio);
                (share.threshold, None, Some(share))
            }
        };
        (threshold, move || known.or_else(|| share.map(|share| share.number())).unwrap_or_default())
    }

    fn offer(&self, trace_low: u64, priority: Priority, ratio: f64) {
        if self.limits.target.is_some() {
            let shard = &self.offered[trace_low as usize % SHARDS];
            let before = shard.0[priority as usize].fetch_add((ratio * UNIT) as u64, Relaxed);
            if before > self.alarm.load(Relaxed) {
                self.hurry(before);
            }
        }
    }

    /// Does not wait for the next look if there is a burst.
    #[cold]
    #[inline(never)]
    fn hurry(&self, reached: u64) {
        let Some(target) = self.limits.target else { return };
        let factor = self.factors.target.load(Relaxed);
        let looked = f64::from_bits(self.looked.load(Relaxed));
        let ticks = clock::now().saturating_sub(self.looked_at.load(Relaxed));
        let seconds = clock::seconds_in(ticks);
        let offered = std::array::from_fn(|priority| {
            self.offered.iter().map(|shard| shard.0[priority].load(Relaxed) as f64 / UNIT).sum()
        });
        let Some(hurried) = hurried(target, looked, offered, seconds) else {
            // This one counter is ahead of the others, or time has passed.
            return self.alarm.store(reached + reached / 8 + UNIT as u64, Relaxed);
        };
        self.alarm.store(reached.saturating_mul(2), Relaxed);
        if hurried < f64::from_bits(factor) {
            // Unless somebody has looked meanwhile, who knows better.
            let _ = self.factors.target.compare_exchange(factor, hurried.to_bits(), Relaxed, Relaxed);
        }
    }

    /// What was offered since this was called last.
    fn take_offered(&self) -> Offered {
        std::array::from_fn(|priority| {
            self.offered.iter().map(|shard| shard.0[priority].swap(0, Relaxed) as f64 / UNIT).sum()
        })
    }

    /// Goes on from what `next` makes of it.
    fn change(&self, next: impl FnOnce(Controller) -> Controller) {
        // Nobody but the thread that looks at the load and who starts a pipeline does this. In the child of a fork the lock may
        // be held for ever, and nobody looks.
        let Ok(mut controller) = self.controller.try_lock() else { return };
        *controller = next(*controller);
        self.factors.put(controller.factors());
    }

    fn controller(&self) -> Option<Controller> {
        self.controller.try_lock().ok().map(|controller| *controller)
    }

    pub(super) fn look(&self, readings: &Readings) {
        self.change(|controller| controller.step(&self.limits, readings, self.take_offered()));
        if let (Some(target), looked) = (self.limits.target, self.factors.target.load(Relaxed)) {
            self.looked.store(looked, Relaxed);
            self.looked_at.store(clock::now(), Relaxed);
            let each = unhurried(target, f64::from_bits(looked)) / SHARDS as f64;
            self.alarm.store((each * UNIT) as u64, Relaxed);
        }
    }
}

/// Whether the sampler that is installed wants to know the load.
pub(crate) fn follows_load() -> bool {
    SETTING.load(Relaxed) & LOAD != 0
}

fn each(f: &mut dyn FnMut(&AdaptiveNode)) {
    INSTALLED.with(|installed| installed.node.each_adaptive(f));
}

/// Tells the sampler that is installed.
pub(crate) fn note_load(readings: &Readings) {
    each(&mut |adaptive| adaptive.look(readings));
}

/// What ratios are multiplied with because of the load and of the target rate, the least if there are several such factors;
/// `None` if nothing follows the load.
pub(crate) fn sampling_factor() -> Option<f64> {
    folded(|factors| factors.load * factors.target, f64::min)
}

/// The same because of the load alone.
pub(crate) fn load_factor() -> Option<f64> {
    folded(|factors| factors.load, f64::min)
}

/// What ratios are multiplied with because of errors, the most if there are several.
pub(crate) fn error_boost() -> Option<f64> {
    folded(|factors| factors.boost, f64::max)
}

/// Whether the sampler that is installed wants to know how many traces failed.
pub(crate) fn follows_errors() -> bool {
    let mut follows = false;
    if follows_load() {
        each(&mut |adaptive| follows |= adaptive.limits.boost > 1.0);
    }
    follows
}

fn folded(of: impl Fn(Factors) -> f64, fold: fn(f64, f64) -> f64) -> Option<f64> {
    let mut all = None;
    if follows_load() {
        each(&mut |adaptive| {
            let factor = of(adaptive.factors.get());
            all = Some(all.map_or(factor, |before| fold(before, factor)));
        });
    }
    all
}

/// Begins with a factor of 1, for a new pipeline.
pub(crate) fn forget_load() {
    each(&mut |adaptive| adaptive.change(|_| Controller::new()));
}

/// Goes on where the sampler that is installed is: a change of settings does not end an overload. Whether this one follows the
/// load at all.
pub(super) fn take_over(node: &Node) -> bool {
    let mut before: Option<Controller> = None;
    each(&mut |adaptive| {
        let found = adaptive.controller();
        before = [before, found].into_iter().flatten().min_by(|a, b| a.factors().load.total_cmp(&b.factors().load));
    });
    let mut follows = false;
    node.each_adaptive(&mut |adaptive| {
        follows = true;
        before.into_iter().for_each(|before| adaptive.change(|_| before));
    });
    follows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sampling::budgets::note_budget;
    use crate::record::sampling::grounds::{Grounds, Kept};
    use crate::record::sampling::rates::tests::{RATES, of};
    use crate::record::sampling::simulation::LIMITS;
    use crate::record::{Callsite, Constant};
    use crate::schema::{crypto, workflow};
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use otelier_spec::Kind;

    fn node() -> Node {
        Node::Adaptive(Box::new(AdaptiveNode::new(RATES, LIMITS, false)))
    }

    fn look(node: &Node, queue: f64) {
        node.each_adaptive(&mut |adaptive| adaptive.look(&Readings { queue, ..Readings::default() }));
    }

    static WORKFLOW: Callsite = of::<workflow::Workflow>();
    static API: Callsite =
        Callsite { constants: &[("crypto.market", Constant::Str("adaptive_full"))], ..of::<crypto::ExchangeApi>() };
    static INGESTION: Callsite = of::<crypto::Ingestion>();
    static PLAIN: Callsite = Callsite::new("site", Kind::Internal);
    static LOW: Callsite = Callsite { priority: Priority::Low, ..of::<workflow::Workflow>() };
    static HIGH: Callsite = Callsite { priority: Priority::High, ..of::<workflow::Workflow>() };

    fn ask(node: &Node, callsite: &'static Callsite, low: u64, parent: &SpanContext) -> Answer {
        node.ask(&Asked::new((1, low), parent, callsite.into()))
    }

    /// How many of a hundred evenly spread trace ids are kept, and why others are not.
    fn kept(node: &Node, callsite: &'static Callsite) -> (usize, Vec<Reason>) {
        let count = 100;
        let answers =
            (0..count).map(|id| ask(node, callsite, ((1 << 56) / count) * id + (1 << 55) / count, &SpanContext::NONE));
        let (kept, refused): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.sampled);
        let mut reasons: Vec<_> = refused.into_iter().map(|answer| answer.reason).collect();
        reasons.dedup();
        (kept.len(), reasons)
    }

    #[test]
    fn the_factor_lowers_every_ratio_and_says_that_it_did() {
        let node = node();
        assert_eq!(kept(&node, &WORKFLOW), (100, vec![]));
        assert_eq!(kept(&node, &PLAIN), (10, vec![Reason::Ratio]));
        look(&node, 0.8);
        assert_eq!(kept(&node, &WORKFLOW), (50, vec![Reason::Load]));
        assert_eq!(kept(&node, &PLAIN), (5, vec![Reason::Ratio, Reason::Load]));
        (0..12).for_each(|_| look(&node, 1.0));
        assert_eq!(kept(&node, &WORKFLOW), (0, vec![Reason::ExtremeLoad]));
        (0..40).for_each(|_| look(&node, 0.0));
        assert_eq!(kept(&node, &WORKFLOW), (100, vec![]));
    }

    fn looked(limits: LoadLimits, consistent: bool) -> Node {
        Node::Adaptive(Box::new(AdaptiveNode::new(RATES, limits, consistent)))
    }

    #[test]
    fn low_priority_gives_way_twice_and_high_priority_only_to_an_extreme_load() {
        let node = node();
        look(&node, 0.8);
        look(&node, 0.8);
        assert_eq!([kept(&node, &LOW).0, kept(&node, &WORKFLOW).0, kept(&node, &HIGH).0], [6, 25, 100]);
        (0..12).for_each(|_| look(&node, 1.0));
        assert_eq!(kept(&node, &HIGH), (0, vec![Reason::ExtremeLoad]));
    }

    #[test]
    fn a_target_rate_counts_the_priorities_as_it_lowers_them() {
        let node = looked(LoadLimits { target: Some(130.0), ..LIMITS }, false);
        let mut found = 0;
        for _ in 0..3 {
            found = [&LOW, &WORKFLOW, &HIGH].map(|callsite| kept(&node, callsite).0).iter().sum();
            let readings = Readings { seconds: 1.0, ..Readings::default() };
            node.each_adaptive(&mut |adaptive| adaptive.look(&readings));
        }
        assert!((126..=134).contains(&found), "{found}");
        assert_eq!(kept(&node, &WORKFLOW).1, [Reason::Target]);
    }

    #[test]
    fn calls_of_an_exchange_whose_budget_is_used_up_are_refused_for_that() {
        let node = node();
        note_budget("adaptive_full", 0.0, None);
        assert_eq!(kept(&node, &API), (30, vec![Reason::Ratio]));
        note_budget("adaptive_full", 1.0, None);
        assert_eq!(kept(&node, &API), (3, vec![Reason::Ratio, Reason::ExchangeBudget]));
    }

    #[test]
    fn a_trace_that_is_kept_says_with_which_probability() {
        let node = node();
        let probability = |callsite| {
            let answer = ask(&node, callsite, u64::MAX, &SpanContext::NONE);
            let grounds = Grounds::of(answer.grounds).expect("it says so");
            assert_eq!((grounds.kept, answer.state), (Kept::Adaptive, None));
            grounds.probability().expect("it is known")
        };
        assert!((probability(&PLAIN) - 0.1).abs() < 1e-12, "as it was set, not rounded");
        look(&node, 0.8);
        assert!((probability(&PLAIN) / 0.05 - 1.0).abs() < 0.016);
        assert_eq!(probability(&WORKFLOW), 0.5);
        assert_eq!(ask(&node, &PLAIN, 0, &SpanContext::NONE).grounds, 0, "nothing is said of what is refused");
    }

    #[test]
    fn a_consistent_sampler_tells_the_threshold_that_it_decides_by() {
        use crate::record::sampling::RANDOM_MASK;
        let node = looked(LIMITS, true);
        look(&node, 0.8);
        for callsite in [&PLAIN, &WORKFLOW] {
            let state = |low| ask(&node, callsite, low, &SpanContext::NONE).state;
            let told = Ot::of(&state(u64::MAX).expect("it is told")).threshold.expect("it is a threshold");
            assert!(state(told).is_some() && state(told - 1).is_none());
            let grounds = Grounds::of(ask(&node, callsite, u64::MAX, &SpanContext::NONE).grounds);
            assert_eq!(grounds.and_then(|grounds| grounds.threshold), Some(told));
            assert!(told <= RANDOM_MASK);
        }
    }

    #[test]
    fn there_is_a_boost_only_where_it_helps_and_no_ratio_above_one() {
        let node = node();
        let storm = Readings { ended: 100, failed: 50, seconds: 1.0, ..Readings::default() };
        (0..3).for_each(|_| node.each_adaptive(&mut |adaptive| adaptive.look(&storm)));
        assert_eq!([kept(&node, &WORKFLOW).0, kept(&node, &PLAIN).0], [100, 40]);
    }

    #[test]
    fn a_parent_has_decided_except_where_a_branch_says_otherwise() {
        let parent = |flags| SpanContext::new(TraceId::from(7), SpanId::from(8), flags, true, TraceState::NONE);
        let (sampled, not_sampled) = (parent(TraceFlags::SAMPLED), parent(TraceFlags::NOT_SAMPLED));
        let alone = node();
        assert!(ask(&alone, &PLAIN, 0, &sampled).sampled);
        assert!(!ask(&alone, &WORKFLOW, u64::MAX, &not_sampled).sampled);
        let branch = Node::Parents(Box::new(super::super::Parents {
            root: Node::AlwaysOn,
            remote_sampled: node(),
            remote_not_sampled: Node::AlwaysOff,
            local_sampled: Node::AlwaysOn,
            local_not_sampled: Node::AlwaysOff,
        }));
        assert!(!ask(&branch, &PLAIN, 0, &sampled).sampled);
        assert!(ask(&branch, &WORKFLOW, 0, &sampled).sampled);
        let who = Who::from(&INGESTION);
        assert!(
            branch.asks_attributes_below(&sampled, &who) && !branch.asks_attributes_below(&SpanContext::NONE, &who)
        );
        assert!(!alone.asks_attributes_below(&sampled, &who) && alone.asks_attributes_below(&SpanContext::NONE, &who));
        assert!(!alone.asks_attributes_below(&SpanContext::NONE, &Who::from(&WORKFLOW)), "nothing depends on them");
    }
}
