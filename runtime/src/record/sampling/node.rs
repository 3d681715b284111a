//! Samplers as a tree, and what they answer.

use super::adaptive::AdaptiveNode;
use super::bucket::Bucket;
use super::consistent::{Ot, with_threshold};
use super::rules::{RuleNode, Who};
use super::{RANDOM_MASK, reaches};
use opentelemetry::trace::{SpanContext, TraceState};

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
    Adaptive(Box<AdaptiveNode>),
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
}

/// A trace that enters the process.
pub(super) struct Asked<'a> {
    pub(super) trace: (u64, u64),
    /// Not valid if there is none.
    pub(super) parent: &'a SpanContext,
    pub(super) who: Who<'a>,
}

/// Why a trace was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Off,
    Parent,
    Ratio,
    RateLimit,
    NoRule,
    Load,
    ExtremeLoad,
    Hint,
}

impl Reason {
    /// How many there are.
    pub(super) const ALL: usize = Self::Hint as usize + 1;
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
}

impl Answer {
    pub(super) fn plain(sampled: bool, reason: Reason) -> Self {
        Self { sampled, reason, rule: None, state: None }
    }

    /// The answer of a consistent sampler, whose threshold the trace's state tells if the trace is kept.
    fn consistent(asked: &Asked<'_>, ot: Ot, intent: Intent) -> Self {
        let reached = |threshold: &u64| ot.randomness(asked.trace.1) >= *threshold;
        let sampled = intent.threshold.as_ref().is_some_and(reached);
        let told = intent.threshold.filter(|_| sampled && intent.reliable);
        let state = with_threshold(state_of(asked.parent), told);
        Self { sampled, reason: intent.reason, rule: intent.rule, state }
    }
}

/// The state that a span below this parent has; what is not valid has none that counts.
fn state_of(parent: &SpanContext) -> &TraceState {
    if parent.is_valid() { parent.trace_state() } else { &TraceState::NONE }
}

/// From which randomness on a trace is to be kept.
struct Intent {
    /// `None`: it is not.
    threshold: Option<u64>,
    /// Whether the threshold says how many traces one that is kept stands for.
    reliable: bool,
    reason: Reason,
    rule: Option<usize>,
}

impl Intent {
    fn new(threshold: Option<u64>, reliable: bool, reason: Reason) -> Self {
        Self { threshold, reliable, reason, rule: None }
    }

    fn probability(threshold: u64) -> Self {
        Self::new((threshold <= RANDOM_MASK).then_some(threshold), true, Reason::Ratio)
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
            Self::Probability(_) | Self::Composite(_) | Self::RateLimit(_) | Self::Adaptive(_) => None,
        }
    }

    pub(super) fn asks_attributes(&self) -> bool {
        match self {
            Self::Composite(composed) => composed.any(&|rule| rule.when.asks_attributes()),
            Self::Parents(parents) => parents.each().into_iter().any(Self::asks_attributes),
            Self::Adaptive(_) => true,
            _ => false,
        }
    }

    /// Whether the values of the span's attributes matter below this parent.
    pub(super) fn asks_attributes_below(&self, parent: &SpanContext, who: &Who<'_>) -> bool {
        !self.follows(parent) && self.asks_attributes_within(parent, who)
    }

    fn asks_attributes_within(&self, parent: &SpanContext, who: &Who<'_>) -> bool {
        match self {
            Self::Parents(parents) => parents.of(parent).asks_attributes_within(parent, who),
            Self::Composite(Composed::ParentThreshold(_)) if parent.is_valid() => false,
            Self::Adaptive(_) => AdaptiveNode::asks_attributes(who),
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
            return Answer::plain(asked.parent.is_sampled(), Reason::Parent);
        }
        self.ask_within(asked)
    }

    fn ask_within(&self, asked: &Asked<'_>) -> Answer {
        match self {
            Self::AlwaysOn => Answer::plain(true, Reason::Off),
            Self::AlwaysOff => Answer::plain(false, Reason::Off),
            Self::Ratio(threshold) => Answer::plain(reaches(asked.trace.1, *threshold), Reason::Ratio),
            Self::Parents(parents) => parents.ask(asked),
            Self::RateLimit(bucket) => Answer::plain(bucket.take(), Reason::RateLimit),
            Self::Adaptive(adaptive) => adaptive.ask(asked),
            Self::Probability(threshold) => {
                Answer::consistent(asked, Ot::of(state_of(asked.parent)), Intent::probability(*threshold))
            }
            Self::Composite(composed) => {
                let ot = Ot::of(state_of(asked.parent));
                Answer::consistent(asked, ot, composed.intent(asked, ot))
            }
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
        let answer = node.ask_within(asked);
        // Whoever asks why wants to know that it was the parent.
        let reason = match (node, parent.is_valid()) {
            (Node::AlwaysOff, true) => Reason::Parent,
            _ => answer.reason,
        };
        Answer { reason, ..answer }
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

    fn any(&self, is: &dyn Fn(&RuleNode) -> bool) -> bool {
        match self {
            Self::Rules(rules) => rules.iter().any(|rule| is(rule) || rule.sampler.any(is)),
            Self::ParentThreshold(root) => root.any(is),
            _ => false,
        }
    }

    fn intent(&self, asked: &Asked<'_>, ot: Ot) -> Intent {
        match self {
            Self::AlwaysOn => Intent::new(Some(0), true, Reason::Off),
            Self::AlwaysOff => Intent::new(None, false, Reason::Off),
            Self::Probability(threshold) => Intent::probability(*threshold),
            // Nobody can tell how many traces one stands for that had the luck to come first.
            Self::RateLimit(bucket) => Intent::new(bucket.take().then_some(0), false, Reason::RateLimit),
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
            Self::Rules(rules) => match rules.iter().find(|rule| rule.when.matches(asked)) {
                Some(rule) => {
                    let intent = rule.sampler.intent(asked, ot);
                    Intent { rule: intent.rule.or(Some(rule.number)), ..intent }
                }
                None => Intent::new(None, false, Reason::NoRule),
            },
        }
    }
}
