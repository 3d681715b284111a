//! Ratios by kind of operation, lowered under load.

use super::controller::{Controller, LoadLimits, Readings};
use super::node::{Answer, Asked, Node, Reason};
use super::rules::Who;
use super::{INSTALLED, LOAD, SETTING, reaches, threshold};
use crate::record::Callsite;
use crate::record::view::{Value, constants};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Which share of the traces is kept while nothing is overloaded, by the kind of their first span here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) other: f64,
    pub(crate) workflow: f64,
    pub(crate) exchange_api: f64,
    pub(crate) storage: f64,
    /// Of few records.
    pub(crate) ingestion: f64,
    /// Of many.
    pub(crate) high_volume: f64,
}

/// What a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Workflow,
    ExchangeApi,
    Storage,
    Ingestion,
    Other,
}

/// How many records an ingestion handles.
const RECORDS: &str = "crypto.record_count";
/// Up to here they are few.
const FEW: f64 = 1_000.0;
/// From here on they are many.
const MANY: f64 = 100_000.0;

impl Operation {
    fn of(callsite: &'static Callsite) -> Self {
        match callsite.schema.map_or("", |schema| schema.id) {
            "crypto.exchange_api" => Self::ExchangeApi,
            "crypto.ingestion" => Self::Ingestion,
            id if id.starts_with("workflow.") => Self::Workflow,
            id if id.starts_with("storage.") => Self::Storage,
            _ => Self::by_type(callsite),
        }
    }

    /// Who declares schemas of his own says by this constant what they stand for.
    fn by_type(callsite: &'static Callsite) -> Self {
        let found = constants(callsite).find(|(key, _)| *key == "crypto.operation_type");
        match found {
            Some((_, Value::Str("workflow_execution"))) => Self::Workflow,
            Some((_, Value::Str("api_call"))) => Self::ExchangeApi,
            Some((_, Value::Str("storage"))) => Self::Storage,
            Some((_, Value::Str("data_ingestion"))) => Self::Ingestion,
            _ => Self::Other,
        }
    }
}

impl Rates {
    fn of(&self, who: &Who<'_>) -> f64 {
        match Operation::of(who.callsite) {
            Operation::Workflow => self.workflow,
            Operation::ExchangeApi => self.exchange_api,
            Operation::Storage => self.storage,
            Operation::Ingestion => self.of_ingestion(who.int(RECORDS)),
            Operation::Other => self.other,
        }
    }

    fn of_ingestion(&self, records: Option<i64>) -> f64 {
        let Some(records) = records else { return self.high_volume };
        let many = ((records as f64).clamp(FEW, MANY) / FEW).ln() / (MANY / FEW).ln();
        self.ingestion + (self.high_volume - self.ingestion) * many
    }
}

/// A ratio by kind of operation, and how far all of them are lowered.
#[derive(Debug)]
pub(crate) struct AdaptiveNode {
    rates: Rates,
    limits: LoadLimits,
    /// Of the thread that looks at the load.
    controller: Mutex<Controller>,
    /// The factor that it has found last, as bits.
    factor: AtomicU64,
}

impl AdaptiveNode {
    pub(crate) fn new(rates: Rates, limits: LoadLimits) -> Self {
        let controller = Controller::new();
        Self {
            rates,
            limits,
            factor: AtomicU64::new(controller.factor().to_bits()),
            controller: Mutex::new(controller),
        }
    }

    fn factor(&self) -> f64 {
        f64::from_bits(self.factor.load(Relaxed))
    }

    /// Whether the values of the span's attributes matter.
    pub(super) fn asks_attributes(who: &Who<'_>) -> bool {
        Operation::of(who.callsite) == Operation::Ingestion
    }

    pub(super) fn ask(&self, asked: &Asked<'_>) -> Answer {
        let factor = self.factor();
        if factor <= 0.0 {
            return Answer::plain(false, Reason::ExtremeLoad);
        }
        let rate = self.rates.of(&asked.who);
        let is_kept = |rate| reaches(asked.trace.1, threshold(rate));
        let sampled = is_kept(rate * factor);
        let reason = if factor < 1.0 && !sampled && is_kept(rate) { Reason::Load } else { Reason::Ratio };
        Answer::plain(sampled, reason)
    }

    /// Goes on from what `next` makes of it.
    fn change(&self, next: impl FnOnce(Controller) -> Controller) {
        // Nobody but the thread that looks at the load and who starts a pipeline does this. In the child of a fork the lock may
        // be held for ever, and nobody looks.
        let Ok(mut controller) = self.controller.try_lock() else { return };
        *controller = next(*controller);
        self.factor.store(controller.factor().to_bits(), Relaxed);
    }

    fn controller(&self) -> Option<Controller> {
        self.controller.try_lock().ok().map(|controller| *controller)
    }

    pub(super) fn look(&self, readings: &Readings) {
        self.change(|controller| controller.step(&self.limits, readings));
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

/// What ratios are multiplied with, the least if there are several such factors; `None` if nothing follows the load.
pub(crate) fn sampling_factor() -> Option<f64> {
    let mut least = None;
    if follows_load() {
        each(&mut |adaptive| least = Some(least.unwrap_or(1.0_f64).min(adaptive.factor())));
    }
    least
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
        before = [before, found].into_iter().flatten().min_by(|a, b| a.factor().total_cmp(&b.factor()));
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
    use crate::record::Constant;
    use crate::record::sampling::rules::Given;
    use crate::schema::{Schema, crypto, etl, storage, workflow};
    use opentelemetry::KeyValue;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use otelier_spec::Kind;

    const RATES: Rates =
        Rates { other: 0.1, workflow: 1.0, exchange_api: 0.3, storage: 0.2, ingestion: 0.3, high_volume: 0.05 };
    const LIMITS: LoadLimits = LoadLimits { cpu: 0.8, memory: 0.85 };

    fn node() -> Node {
        Node::Adaptive(Box::new(AdaptiveNode::new(RATES, LIMITS)))
    }

    fn look(node: &Node, queue: f64) {
        node.each_adaptive(&mut |adaptive| adaptive.look(&Readings { queue, ..Readings::default() }));
    }

    const fn of<S: Schema>() -> Callsite {
        Callsite { schema: Some(S::DEF), ..Callsite::new("site", S::DEF.kind) }
    }

    static WORKFLOW: Callsite = of::<workflow::Workflow>();
    static STAGE: Callsite = of::<workflow::Stage>();
    static API: Callsite = of::<crypto::ExchangeApi>();
    static INGESTION: Callsite = of::<crypto::Ingestion>();
    static STORAGE: Callsite = of::<storage::ObjectOperation>();
    static ETL: Callsite = of::<etl::Operation>();
    static PLAIN: Callsite = Callsite::new("site", Kind::Internal);
    static TYPED: Callsite = Callsite {
        constants: &[("crypto.operation_type", Constant::Str("workflow_execution"))],
        ..Callsite::new("site", Kind::Internal)
    };

    fn rate(callsite: &'static Callsite, given: &[KeyValue]) -> f64 {
        RATES.of(&Who { given: Given::KeyValues(given), ..callsite.into() })
    }

    #[test]
    fn every_kind_of_operation_has_its_ratio() {
        for (callsite, ratio) in [
            (&WORKFLOW, 1.0),
            (&STAGE, 1.0),
            (&TYPED, 1.0),
            (&API, 0.3),
            (&STORAGE, 0.2),
            (&INGESTION, 0.05),
            (&ETL, 0.1),
            (&PLAIN, 0.1),
        ] {
            assert_eq!(rate(callsite, &[]), ratio, "{callsite:?}");
        }
    }

    #[test]
    fn ingestion_has_less_of_more_records() {
        let of = |records: i64| rate(&INGESTION, &[KeyValue::new(RECORDS, records)]);
        assert_eq!([of(i64::MIN), of(0), of(1_000)], [0.3; 3]);
        assert!((of(10_000) - 0.175).abs() < 1e-9, "in the middle between the orders of magnitude");
        assert!([of(100_000), of(i64::MAX)].iter().all(|rate| (rate - 0.05).abs() < 1e-9));
        assert_eq!(rate(&INGESTION, &[KeyValue::new(RECORDS, "many")]), 0.05, "no number is no count");
    }

    fn ask(node: &Node, callsite: &'static Callsite, low: u64, parent: &SpanContext) -> Answer {
        node.ask(&Asked { trace: (1, low), parent, who: callsite.into() })
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
