//! Samplers as a tree, and what they answer.

use super::adaptive::AdaptiveNode;
use super::bucket::{Bucket, SchemaBuckets};
use super::consistent::{Ot, explicit_randomness, with_threshold};
use super::counts::Counted;
use super::custom::CustomNode;
use super::grounds::{Grounds, GroundsNumber, Kept};
use super::mine::Masks;
use super::operations::Operations;
use super::rules::{RuleNode, Who};
use super::{RANDOM_MASK, reaches, refusals};
use crate::record::Callsite;
use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue};
use otelier_spec::Kind;
use std::borrow::Cow;
use std::sync::Arc;

/// A sampler. What it is to users is in `config::Sampler`.
#[derive(Debug)]
pub(crate) enum Node {
    AlwaysOn,
    AlwaysOff,
    /// From this threshold on.
    Ratio(u64),
    Parents(Box<Parents>),
    /// The same with a threshold that is told to others.
    Probability(u64),
    Composite(Composed),
    RateLimit(Bucket),
    RateLimitPerSchema(SchemaBuckets),
    Adaptive(Box<AdaptiveNode>),
    /// By the name of the span.
    #[cfg_attr(not(feature = "otlp-http"), allow(dead_code))]
    Operations(Arc<Operations>),
    /// Of the program's own.
    Custom(CustomNode),
}

/// Who decides on a span, by its parent.
#[derive(Debug)]
pub(crate) struct Parents {
    pub(crate) root: Node,
    pub(crate) remote_sampled: Node,
    pub(crate) remote_not_sampled: Node,
    pub(crate) local_sampled: Node,
    pub(crate) local_not_sampled: Node,
}

/// A sampler that does not decide, but says from which threshold on traces are kept.
#[derive(Debug)]
pub(crate) enum Composed {
    AlwaysOn,
    AlwaysOff,
    Probability(u64),
    ParentThreshold(Box<Composed>),
    Rules(Box<[RuleNode]>),
    RateLimit(Bucket),
    RateLimitPerSchema(SchemaBuckets),
}

/// A trace that enters the process.
pub(super) struct Asked<'a> {
    pub(super) trace: (u64, u64),
    /// Not valid if there is none.
    pub(super) parent: &'a SpanContext,
    pub(super) who: Who<'a>,
    /// What the span begins in, whose attributes it will have, if that is known.
    pub(super) context: Option<&'a Context>,
    /// Which rules can match.
    pub(super) masks: Masks,
    /// The moment of a simulation, in nanoseconds since some moment; `None`: now.
    pub(super) now: Option<u64>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(trace: (u64, u64), parent: &'a SpanContext, who: Who<'a>) -> Self {
        Self { trace, parent, who, context: None, masks: Masks::ALL, now: None }
    }

    fn schema(&self) -> Option<&'static str> {
        self.who.callsite.schema.map(|schema| schema.id)
    }

    /// Whether a rule matches.
    #[inline]
    fn meets(&self, rule: &RuleNode) -> bool {
        !self.masks.exclude(rule) && (self.masks.include(rule) || rule.when.matches(self))
    }

    /// The number of a trace that is kept as its parent was: 0 unless that told from which threshold on, and means it.
    pub(super) fn told(&self) -> GroundsNumber {
        told(self.trace.1, self.parent)
    }
}

/// As [`Asked::told`].
pub(super) fn told(trace_low: u64, parent: &SpanContext) -> GroundsNumber {
    let ot = Ot::of(parent.trace_state());
    let is_meant = |threshold: &u64| parent.is_sampled() && ot.randomness(trace_low) >= *threshold;
    ot.threshold.filter(is_meant).map_or(0, Grounds::told)
}

/// Why a trace was refused, or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Off,
    Parent,
    Ratio,
    RateLimit,
    NoRule,
    ExchangeBudget,
    Target,
    Load,
    ExtremeLoad,
    Hint,
    Custom,
    Panicked,
}

impl Reason {
    /// How many there are.
    pub(super) const ALL: usize = Self::Panicked as usize + 1;

    /// Why a trace was refused, in words.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "the sampler refuses everything",
            Self::Parent => "its parent is not sampled",
            Self::Ratio => "its random part is below the threshold of a ratio",
            Self::RateLimit => "as many traces as may be were kept in this second",
            Self::NoRule => "no rule matched",
            Self::ExchangeBudget => "the ratio is lowered because the exchange's rate limit is nearly used up",
            Self::Target => "the ratio is lowered to keep the traces a second that are wanted",
            Self::Load => "the ratio is lowered because of the load",
            Self::ExtremeLoad => "the load is extreme",
            Self::Hint => "`sample` of the annotation",
            Self::Custom => "a sampler of the program's own",
            Self::Panicked => "the sampler of the program's own panicked",
        }
    }
}

/// A decision.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) sampled: bool,
    /// Of a refusal.
    pub(super) reason: Reason,
    /// The number of the last rule that matched.
    pub(super) rule: Option<usize>,
    /// The trace's state from here on, if it changes.
    pub(super) state: Option<TraceState>,
    /// Of a trace that is kept: why.
    pub(super) grounds: GroundsNumber,
    /// Of a trace that is refused: the threshold that its randomness did not reach, if it is that.
    pub(super) threshold: Option<u64>,
    /// Of a trace that is kept: what its first span gets.
    pub(super) attributes: Vec<KeyValue>,
}

impl Answer {
    pub(super) fn plain(sampled: bool, reason: Reason) -> Self {
        Self { sampled, reason, rule: None, state: None, grounds: 0, threshold: None, attributes: Vec::new() }
    }

    /// What a limit of traces a second says.
    pub(super) fn rate_limit(is_room: bool) -> Self {
        let Intent { threshold, grounds, .. } = Intent::rate_limit(is_room);
        Self { grounds, ..Self::plain(threshold.is_some(), Reason::RateLimit) }
    }

    /// What a parent decided.
    pub(super) fn of_parent(asked: &Asked<'_>) -> Self {
        let sampled = asked.parent.is_sampled();
        let grounds = if sampled { asked.told() } else { 0 };
        Self { grounds, ..Self::plain(sampled, Reason::Parent) }
    }

    /// What a ratio says that nobody is told.
    pub(super) fn ratio(asked: &Asked<'_>, threshold: u64) -> Self {
        let plain = Self::plain(reaches(asked.trace.1, threshold), Reason::Ratio);
        match plain.sampled {
            true => Self { grounds: ratio_number(threshold), ..plain },
            false => Self { threshold: Some(threshold), ..plain },
        }
    }

    /// The answer of a consistent sampler, whose threshold the trace's state tells if the trace is kept.
    fn consistent(asked: &Asked<'_>, intent: impl FnOnce(Ot) -> Intent) -> Self {
        // Most traces come without a state.
        let has_state = *asked.parent.trace_state() != TraceState::NONE;
        let before = if has_state { state_of(asked.parent) } else { Cow::Borrowed(&TraceState::NONE) };
        let ot = if has_state { Ot::of(&before) } else { Ot::default() };
        let intent = intent(ot);
        let is_by_id = asked.parent.is_valid() && ot.randomness.is_none() && intent.reason == Reason::Ratio;
        if is_by_id && asked.parent.trace_flags() & RANDOM != RANDOM {
            refusals::note_presumed();
        }
        let reached = |threshold: &u64| ot.randomness(asked.trace.1) >= *threshold;
        let sampled = intent.threshold.as_ref().is_some_and(reached);
        let told = intent.threshold.filter(|_| sampled && intent.reliable);
        let changed = if has_state || told.is_some() { with_threshold(&before, told) } else { None };
        // What is made for a root comes from nowhere else.
        let is_made = has_state && !asked.parent.is_valid() && ot.randomness.is_some();
        let state = changed.or_else(|| is_made.then(|| before.into_owned()));
        let grounds = match (sampled, intent.reason) {
            (false, _) => 0,
            (true, Reason::Parent) => told.map_or(0, Grounds::told),
            (true, _) => intent.grounds,
        };
        let threshold = intent.threshold.filter(|_| !sampled);
        Self { state, rule: intent.rule, grounds, threshold, ..Self::plain(sampled, intent.reason) }
    }

    pub(super) fn counted(&self) -> Counted {
        Counted { kept: self.sampled, reason: self.reason, rule: self.rule }
    }
}

/// What a sampler says to every trace that begins at a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// From which randomness on it keeps them; above the largest if none.
    pub(super) threshold: u64,
    /// Whether the trace's state tells the threshold.
    pub(super) is_told: bool,
    pub(super) reason: Reason,
    pub(super) rule: Option<usize>,
    pub(super) grounds: GroundsNumber,
}

impl Outcome {
    /// No rule matched.
    pub(super) const NO_RULE: Self = Self::new(RANDOM_MASK + 1, Reason::NoRule);

    const fn new(threshold: u64, reason: Reason) -> Self {
        Self { threshold, is_told: false, reason, rule: None, grounds: 0 }
    }

    /// What a ratio says that nobody is told.
    pub(super) fn ratio(threshold: u64) -> Self {
        let grounds = if threshold > RANDOM_MASK { 0 } else { ratio_number(threshold) };
        Self { grounds, ..Self::new(threshold, Reason::Ratio) }
    }

    fn of(intent: Intent) -> Self {
        let Intent { threshold, reliable, reason, rule, grounds } = intent;
        Self { threshold: threshold.unwrap_or(RANDOM_MASK + 1), is_told: reliable, reason, rule, grounds }
    }

    pub(super) fn counted(&self, kept: bool) -> Counted {
        Counted { kept, reason: self.reason, rule: self.rule }
    }
}

/// The flag of a trace whose id is random (W3C trace context, level 2).
const RANDOM: TraceFlags = TraceFlags::new(2);

/// The number of a trace that is kept by this threshold; one that all reach needs no reason.
pub(super) fn ratio_number(threshold: u64) -> GroundsNumber {
    if threshold == 0 { 0 } else { Grounds::new(Kept::Ratio, Some(threshold)).number() }
}

/// The state that a span below this parent has; what is not valid has none that counts, but for the randomness that whoever
/// begins a trace may choose.
pub(super) fn state_of(parent: &SpanContext) -> Cow<'_, TraceState> {
    match parent.is_valid() {
        true => Cow::Borrowed(parent.trace_state()),
        false => explicit_randomness(parent.trace_state()).map_or(Cow::Borrowed(&TraceState::NONE), Cow::Owned),
    }
}

/// From which randomness on a trace is to be kept.
struct Intent {
    /// `None`: it is not.
    threshold: Option<u64>,
    /// Whether the threshold says how many traces one that is kept stands for.
    reliable: bool,
    reason: Reason,
    rule: Option<usize>,
    /// What there is to say if it is kept, and the parent is not the reason.
    grounds: GroundsNumber,
}

impl Intent {
    fn new(threshold: Option<u64>, reliable: bool, reason: Reason) -> Self {
        Self { threshold, reliable, reason, rule: None, grounds: 0 }
    }

    fn probability(threshold: u64) -> Self {
        let grounds = ratio_number(threshold);
        Self { grounds, ..Self::new((threshold <= RANDOM_MASK).then_some(threshold), true, Reason::Ratio) }
    }

    fn rate_limit(has_room: bool) -> Self {
        let grounds = if has_room { Grounds::new(Kept::RateLimit, None).number() } else { 0 };
        // Nobody can tell how many traces one stands for that had the luck to come first.
        Self { grounds, ..Self::new(has_room.then_some(0), false, Reason::RateLimit) }
    }
}

impl Node {
    /// The threshold, and whether the parent's decision wins, of a sampler that is no more than these.
    pub(super) fn simple(&self) -> Option<(u64, bool)> {
        match self {
            Self::AlwaysOn => Some((0, false)),
            Self::AlwaysOff => Some((RANDOM_MASK + 1, false)),
            Self::Ratio(threshold) => Some((*threshold, false)),
            Self::Parents(parents) => {
                let Parents { root, remote_sampled, remote_not_sampled, local_sampled, local_not_sampled } = &**parents;
                let follows = matches!((remote_sampled, local_sampled), (Self::AlwaysOn, Self::AlwaysOn))
                    && matches!((remote_not_sampled, local_not_sampled), (Self::AlwaysOff, Self::AlwaysOff));
                root.simple()
                    .filter(|(_, root_follows)| follows && !root_follows)
                    .map(|(threshold, _)| (threshold, true))
            }
            Self::Probability(_) | Self::Composite(_) | Self::Adaptive(_) | Self::Custom(_) => None,
            Self::RateLimit(_) | Self::RateLimitPerSchema(_) | Self::Operations(_) => None,
        }
    }

    pub(super) fn asks_attributes(&self) -> bool {
        match self {
            Self::Composite(composed) => composed.any(&mut |rule| rule.when.asks_attributes()),
            Self::Parents(parents) => parents.each().into_iter().any(Self::asks_attributes),
            Self::Adaptive(_) | Self::Custom(_) => true,
            _ => false,
        }
    }

    /// Shows `f` every rule.
    pub(super) fn each_rule(&self, f: &mut dyn FnMut(&RuleNode)) {
        match self {
            // Nothing is found, so all are seen.
            Self::Composite(composed) => {
                composed.any(&mut |rule| {
                    f(rule);
                    false
                });
            }
            Self::Parents(parents) => parents.each().into_iter().for_each(|node| node.each_rule(f)),
            _ => {}
        }
    }

    /// Enters the grounds that are known before anybody asks.
    pub(super) fn enter_grounds(&self) {
        match self {
            Self::Ratio(threshold) | Self::Probability(threshold) => _ = ratio_number(*threshold),
            Self::RateLimit(_) | Self::RateLimitPerSchema(_) => _ = Intent::rate_limit(true),
            Self::Operations(operations) => operations.enter_grounds(),
            Self::Custom(_) => _ = CustomNode::grounds(),
            Self::Composite(composed) => _ = composed.grounds(None),
            Self::Parents(parents) => parents.each().into_iter().for_each(Self::enter_grounds),
            Self::AlwaysOn | Self::AlwaysOff | Self::Adaptive(_) => {}
        }
    }

    /// Whether the values of the span's attributes matter below this parent.
    #[cfg(test)]
    pub(super) fn asks_attributes_below(&self, parent: &SpanContext, who: &Who<'_>) -> bool {
        self.asks_attributes_of(&Asked::new((0, 0), parent, *who))
    }

    /// Whether the values of the attributes matter of whoever asks; it may be known which rules can match.
    pub(super) fn asks_attributes_of(&self, asked: &Asked<'_>) -> bool {
        !self.follows(asked.parent) && self.asks_attributes_within(asked)
    }

    fn asks_attributes_within(&self, asked: &Asked<'_>) -> bool {
        let Asked { parent, who, .. } = asked;
        match self {
            // There are links to come, which only a sampler of the program's own looks at.
            Self::Composite(_) | Self::Adaptive(_) if who.callsite.linked && !who.callsite.given => false,
            Self::Parents(parents) => parents.of(parent).asks_attributes_within(asked),
            Self::Composite(Composed::ParentThreshold(_)) if parent.is_valid() => false,
            Self::Composite(composed) => {
                composed.any(&mut |rule| rule.when.asks_attributes() && !asked.masks.exclude(rule))
            }
            Self::Adaptive(adaptive) => adaptive.asks_attributes(who),
            other => other.asks_attributes(),
        }
    }

    /// Whether it does as the parent did, where nobody has said below which parents it decides.
    fn follows(&self, parent: &SpanContext) -> bool {
        matches!(self, Self::Adaptive(_)) && parent.is_valid()
    }

    /// Shows `f` every part that follows the load.
    pub(super) fn each_adaptive(&self, f: &mut dyn FnMut(&AdaptiveNode)) {
        match self {
            Self::Adaptive(adaptive) => f(adaptive),
            Self::Parents(parents) => parents.each().into_iter().for_each(|node| node.each_adaptive(f)),
            _ => {}
        }
    }

    /// How many rules there are, which are numbered.
    pub(super) fn rules(&self) -> usize {
        match self {
            Self::Composite(composed) => composed.rules(),
            Self::Parents(parents) => parents.each().into_iter().map(Self::rules).sum(),
            _ => 0,
        }
    }

    /// What it says to every trace that begins at a call site, if that is one thing. Asked is for one of them, of which no more
    /// is looked at than all of them have.
    pub(super) fn outcome(&self, asked: &Asked<'_>) -> Option<Outcome> {
        match self {
            Self::AlwaysOn => Some(Outcome::new(0, Reason::Off)),
            Self::AlwaysOff => Some(Outcome::new(RANDOM_MASK + 1, Reason::Off)),
            Self::Ratio(threshold) => Some(Outcome::ratio(*threshold)),
            Self::Operations(operations) => operations.outcome(asked),
            Self::Parents(parents) => parents.root.outcome(asked),
            Self::Probability(threshold) => Some(Outcome::of(Intent::probability(*threshold))),
            Self::Composite(composed) => {
                let is_known = composed.is_settled(asked);
                is_known.then(|| Outcome::of(composed.intent(asked, Ot::default())))
            }
            Self::RateLimit(_) | Self::RateLimitPerSchema(_) | Self::Adaptive(_) | Self::Custom(_) => None,
        }
    }

    /// The rules that decide on a trace that begins here, if it is rules.
    pub(super) fn rules_of_roots(&self) -> Option<&[RuleNode]> {
        match self {
            Self::Parents(parents) => parents.root.rules_of_roots(),
            Self::Composite(composed) => composed.rules_of_roots(),
            _ => None,
        }
    }

    /// Whether it says the same to all traces that begin here, wherever that is.
    pub(super) fn is_settled(&self) -> bool {
        static ANY: Callsite = Callsite::new("", Kind::Internal);
        self.rules() == 0 && self.outcome(&Asked::new((1, 1), &SpanContext::NONE, (&ANY).into())).is_some()
    }

    pub(super) fn ask(&self, asked: &Asked<'_>) -> Answer {
        // A trace in this process stays whole: what a parent that is not recorded decided holds, unless a sampler is there for
        // just that.
        if asked.parent.is_valid()
            && !asked.parent.is_remote()
            && !asked.parent.is_sampled()
            && !matches!(self, Self::Parents(_))
        {
            return Answer::plain(false, Reason::Parent);
        }
        if self.follows(asked.parent) {
            return Answer::of_parent(asked);
        }
        self.ask_within(asked)
    }

    fn ask_within(&self, asked: &Asked<'_>) -> Answer {
        match self {
            Self::AlwaysOn => Answer::plain(true, Reason::Off),
            Self::AlwaysOff => Answer::plain(false, Reason::Off),
            Self::Ratio(threshold) => Answer::ratio(asked, *threshold),
            Self::Parents(parents) => parents.ask(asked),
            Self::RateLimit(bucket) => Answer::rate_limit(bucket.take_in(asked.now)),
            Self::RateLimitPerSchema(buckets) => Answer::rate_limit(buckets.take_in(asked.schema(), asked.now)),
            Self::Adaptive(adaptive) => adaptive.ask(asked),
            Self::Operations(operations) => operations.ask(asked),
            Self::Custom(custom) => custom.ask(asked),
            Self::Probability(threshold) => Answer::consistent(asked, |_| Intent::probability(*threshold)),
            Self::Composite(composed) => Answer::consistent(asked, |ot| composed.intent(asked, ot)),
        }
    }
}

impl Parents {
    fn each(&self) -> [&Node; 5] {
        [&self.root, &self.remote_sampled, &self.remote_not_sampled, &self.local_sampled, &self.local_not_sampled]
    }

    /// Who decides below this parent.
    fn of(&self, parent: &SpanContext) -> &Node {
        match (parent.is_valid(), parent.is_remote(), parent.is_sampled()) {
            (false, _, _) => &self.root,
            (true, true, true) => &self.remote_sampled,
            (true, true, false) => &self.remote_not_sampled,
            (true, false, true) => &self.local_sampled,
            (true, false, false) => &self.local_not_sampled,
        }
    }

    fn ask(&self, asked: &Asked<'_>) -> Answer {
        let parent = asked.parent;
        let node = self.of(parent);
        match (node, parent.is_valid(), parent.is_sampled()) {
            // Whoever asks why wants to know that it was the parent.
            (Node::AlwaysOff, true, _) => Answer::plain(false, Reason::Parent),
            (Node::AlwaysOn, true, true) => Answer::of_parent(asked),
            _ => node.ask_within(asked),
        }
    }
}

impl RuleNode {
    /// What its sampler says to a trace that it matches.
    fn intent(&self, asked: &Asked<'_>, ot: Ot) -> Intent {
        let intent = self.sampler.intent(asked, ot);
        let grounds = if intent.rule.is_none() { self.grounds } else { intent.grounds };
        Intent { rule: intent.rule.or(Some(self.number)), grounds, ..intent }
    }

    /// What it says to every trace that it matches and that begins at this call site, if that is one thing.
    pub(super) fn outcome(&self, asked: &Asked<'_>) -> Option<Outcome> {
        self.sampler.is_settled(asked).then(|| Outcome::of(self.intent(asked, Ot::default())))
    }
}

impl Composed {
    fn rules(&self) -> usize {
        match self {
            Self::Rules(rules) => rules.iter().map(|rule| 1 + rule.sampler.rules()).sum(),
            Self::ParentThreshold(root) => root.rules(),
            _ => 0,
        }
    }

    fn any(&self, is: &mut dyn FnMut(&RuleNode) -> bool) -> bool {
        match self {
            Self::Rules(rules) => rules.iter().any(|rule| is(rule) || rule.sampler.any(is)),
            Self::ParentThreshold(root) => root.any(is),
            _ => false,
        }
    }

    /// The number of what there is to say of a trace that this keeps, and that has no parent; with the rule that led here. 0 if
    /// that is not one thing.
    pub(super) fn grounds(&self, rule: Option<&str>) -> GroundsNumber {
        let (kept, threshold) = match self {
            // Who keeps everything has nothing to say, but a rule does.
            Self::AlwaysOn if rule.is_none() => return 0,
            Self::AlwaysOn => (Kept::All, Some(0)),
            Self::Probability(0) if rule.is_none() => return 0,
            Self::Probability(threshold) => (Kept::Ratio, Some(*threshold)),
            Self::RateLimit(_) | Self::RateLimitPerSchema(_) => (Kept::RateLimit, None),
            Self::ParentThreshold(root) => return root.grounds(rule),
            Self::AlwaysOff | Self::Rules(_) => return 0,
        };
        Grounds { rule: rule.map(Into::into), ..Grounds::new(kept, threshold) }.number()
    }

    fn rules_of_roots(&self) -> Option<&[RuleNode]> {
        match self {
            Self::Rules(rules) => Some(rules),
            Self::ParentThreshold(root) => root.rules_of_roots(),
            _ => None,
        }
    }

    /// Whether it says the same to every trace that begins at this call site.
    fn is_settled(&self, asked: &Asked<'_>) -> bool {
        match self {
            Self::AlwaysOn | Self::AlwaysOff | Self::Probability(_) => true,
            Self::RateLimit(_) | Self::RateLimitPerSchema(_) => false,
            Self::ParentThreshold(root) => root.is_settled(asked),
            Self::Rules(rules) => {
                let callsite = asked.who.callsite;
                // Up to the first that matches.
                for rule in rules {
                    match rule.when.asks_attributes() {
                        true if rule.when.is_possible_at(callsite) => return false,
                        false if rule.when.matches(asked) => return rule.sampler.is_settled(asked),
                        _ => {}
                    }
                }
                true
            }
        }
    }

    fn intent(&self, asked: &Asked<'_>, ot: Ot) -> Intent {
        match self {
            Self::AlwaysOn => Intent::new(Some(0), true, Reason::Off),
            Self::AlwaysOff => Intent::new(None, false, Reason::Off),
            Self::Probability(threshold) => Intent::probability(*threshold),
            Self::RateLimit(bucket) => Intent::rate_limit(bucket.take_in(asked.now)),
            Self::RateLimitPerSchema(buckets) => Intent::rate_limit(buckets.take_in(asked.schema(), asked.now)),
            Self::ParentThreshold(root) if !asked.parent.is_valid() => root.intent(asked, ot),
            Self::ParentThreshold(_) => {
                let sampled = asked.parent.is_sampled();
                // A threshold that contradicts the decision is somebody's mistake, and the decision counts.
                let agrees = |threshold: &u64| (ot.randomness(asked.trace.1) >= *threshold) == sampled;
                match ot.threshold.filter(agrees) {
                    Some(threshold) => Intent::new(Some(threshold), true, Reason::Parent),
                    None => Intent::new(sampled.then_some(0), false, Reason::Parent),
                }
            }
            Self::Rules(rules) => match rules.iter().find(|rule| asked.meets(rule)) {
                Some(rule) => rule.intent(asked, ot),
                None => Intent::new(None, false, Reason::NoRule),
            },
        }
    }
}
