//! What a thread keeps of the sampler that is installed.
//!
//! To find the sampler, to count its decisions, and to try its rules would be most of what a decision costs. So each thread
//! keeps the sampler until there is another, has [numbers of its own](super::counts), and remembers of the call sites it has
//! seen which rules can match there.

use super::consistent::with_threshold;
use super::counts::{Counted, Counts, Own};
use super::doubt::{Doubt, Found, Outlook};
use super::grounds::GroundsNumber;
use super::node::Outcome;
use super::rules::{Given, RuleNode, Who};
use super::{INSTALLED, Installed, RANDOM_MASK, reaches};
use crate::record::Callsite;
use crate::record::ambient::Ambient;
use crate::record::thread::Thread;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use std::cell::{Cell, OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

/// A thread's own, in its state.
///
/// A thread that makes no more spans keeps the sampler that it has asked last, until it ends.
#[derive(Default)]
pub(in crate::record) struct Mine {
    held: Cell<Option<Box<Held>>>,
    /// What a sampler of the program's own gives to the span that begins, by its trace.
    given: Cell<Option<Box<Gift>>>,
}

struct Gift {
    trace: (u64, u64),
    attributes: Vec<KeyValue>,
}

impl Mine {
    /// Keeps attributes for the span that begins a trace here, until it is begun.
    pub(super) fn give(&self, trace: (u64, u64), attributes: Vec<KeyValue>) {
        self.given.set(Some(Box::new(Gift { trace, attributes })));
    }

    /// What was kept for it.
    pub(in crate::record) fn take_given(&self, trace: (u64, u64)) -> Vec<KeyValue> {
        match self.given.take() {
            Some(gift) if gift.trace == trace => gift.attributes,
            // Of a span that was not begun after all.
            _ => Vec::new(),
        }
    }
}

pub(super) struct Held {
    pub(super) installed: Arc<Installed>,
    own: Own,
    sites: OnceCell<Box<Sites>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.installed.counts.release(&self.own);
    }
}

impl Held {
    pub(super) fn of(installed: Arc<Installed>) -> Self {
        Self { own: installed.counts.own(), installed, sites: OnceCell::new() }
    }

    pub(super) fn count(&self, counted: Counted) {
        self.installed.counts.add(&self.own, counted);
    }

    /// Counts that the queue has refused a trace that is counted as kept.
    pub(super) fn count_refused_by_queue(&self) {
        let counts = &self.installed.counts;
        counts.add_at(&self.own, counts.place_of_queue());
    }

    /// Which rules can match.
    #[inline]
    pub(super) fn masks(&self, who: &Who<'_>, parent: &SpanContext) -> Masks {
        if !self.installed.has_sites {
            return Masks::ALL;
        }
        let parent = usize::from(parent.is_valid()) + usize::from(parent.is_valid() && parent.is_remote());
        self.site(who).map_or(Masks::ALL, |site| site.masks[parent].get())
    }

    /// What is known of the span's call site; `None` if the span has a name or kind of its own.
    #[inline]
    fn site(&self, who: &Who<'_>) -> Option<&Site> {
        let callsite = who.callsite;
        // Only what every span of the call site has can be remembered.
        if !who.is_its_call_sites() {
            return None;
        }
        let site = &self.sites.get_or_init(Sites::boxed).0[Sites::place(callsite)];
        if !ptr::eq(site.callsite.get(), callsite) {
            self.learn(site, callsite);
        }
        Some(site)
    }

    /// Decides on a trace that begins at this call site, and counts that, if all such traces are decided on in the same way. A
    /// refusal that is to be explained is not decided on, nor what nobody has asked yet.
    #[inline]
    pub(super) fn decide_at_once(&self, callsite: &'static Callsite, trace_low: u64, explains: bool) -> AtOnce {
        let Some(site) = self.known_site(callsite) else { return AtOnce::Unknown };
        let known = site.root.get();
        match known.says {
            Says::Unknown => AtOnce::Unknown,
            Says::Attributes => AtOnce::Waits,
            _ => self.decide_by(known, 0, trace_low, explains),
        }
    }

    /// The same if attributes decide: those that are given, and those of the context.
    #[inline]
    pub(super) fn decide_by_attributes(
        &self,
        callsite: &'static Callsite,
        trace_low: u64,
        explains: bool,
        given: Given<'_>,
        context: Option<&Context>,
    ) -> AtOnce {
        let Some(site) = self.known_site(callsite) else { return AtOnce::Unknown };
        let more = site.more.borrow();
        let Some(More { doubt: Some((doubt, known)), .. }) = more.as_deref() else { return AtOnce::Unknown };
        let number = match doubt.ask(given, context.map_or(&[], Ambient::of)) {
            Found::Rule(number) => number,
            Found::None => (known.len() - 1) as u8,
            Found::Unknown => return AtOnce::Unknown,
        };
        match known[usize::from(number)] {
            Known { says: Says::Unknown, .. } => AtOnce::Unknown,
            known => self.decide_by(known, number, trace_low, explains),
        }
    }

    /// What is known of a call site, if somebody has asked for it.
    #[inline]
    fn known_site(&self, callsite: &'static Callsite) -> Option<&Site> {
        let site = &self.sites.get()?.0[Sites::place(callsite)];
        ptr::eq(site.callsite.get(), callsite).then_some(site)
    }

    #[inline]
    fn decide_by(&self, known: Known, number: u8, trace_low: u64, explains: bool) -> AtOnce {
        let sampled = reaches(trace_low, known.threshold);
        if !sampled && explains {
            return AtOnce::Unknown;
        }
        self.installed.counts.add_at(&self.own, known.place as usize + usize::from(sampled));
        match (sampled, known.says) {
            (false, _) => AtOnce::Refused,
            (true, says) => AtOnce::Kept(known.grounds, (says == Says::Threshold).then_some(number)),
        }
    }

    /// The state of a trace that such a decision keeps, by the number that it told. To be called while the thread is busy: to
    /// clone a state takes memory.
    pub(super) fn told(&self, callsite: &'static Callsite, number: u8) -> Option<TraceState> {
        let site = &self.sites.get()?.0[Sites::place(callsite)];
        site.more.borrow().as_ref()?.told.get(usize::from(number)).cloned()
    }

    #[cold]
    #[inline(never)]
    fn learn(&self, site: &Site, callsite: &'static Callsite) {
        let parent =
            |remote| SpanContext::new(TraceId::from(1), SpanId::from(1), TraceFlags::SAMPLED, remote, TraceState::NONE);
        for (masks, parent) in site.masks.iter().zip([SpanContext::NONE, parent(false), parent(true)]) {
            let mut found = Masks::NONE;
            let asked = super::Asked::new((1, 1), &parent, callsite.into());
            self.installed.node.each_rule(&mut |rule| found.enter(rule, &asked));
            masks.set(found);
        }
        let Installed { node, counts, .. } = &*self.installed;
        let asked = super::Asked::new((1, 1), &SpanContext::NONE, callsite.into());
        let outlook = match node.rules_of_roots() {
            Some(rules) => Outlook::of(rules, &asked),
            None => Some(Outlook { otherwise: node.outcome(&asked), doubt: None }),
        };
        let (otherwise, doubt) = outlook.map_or((None, None), |outlook| (outlook.otherwise, outlook.doubt));
        let told = |outcome: &Option<Outcome>| {
            let told = outcome.filter(|outcome| outcome.is_told && outcome.threshold <= RANDOM_MASK);
            told.and_then(|told| with_threshold(&TraceState::NONE, Some(told.threshold)))
        };
        let (root, more) = match doubt {
            None => {
                let more = told(&otherwise).map(|told| More { told: vec![told], doubt: None });
                (Known::of(otherwise, counts), more)
            }
            Some((doubt, mut outcomes)) => {
                outcomes.push(otherwise);
                let known = outcomes.iter().map(|outcome| Known::of(*outcome, counts)).collect();
                let told = outcomes.iter().map(|outcome| told(outcome).unwrap_or_default()).collect();
                let root = Known { says: Says::Attributes, ..Known::NOTHING };
                (root, Some(More { told, doubt: Some((doubt, known)) }))
            }
        };
        site.root.set(root);
        site.more.replace(more.map(Box::new));
        site.callsite.set(callsite);
    }
}

/// What becomes of every trace that begins at a call site.
#[derive(Clone, Copy)]
struct Known {
    threshold: u64,
    /// Where refusals are counted; what is kept is counted in the next place.
    place: u32,
    grounds: GroundsNumber,
    says: Says,
}

/// What the state says of a trace that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It is not one thing that becomes of all traces.
    Unknown,
    Nothing,
    Threshold,
    /// What becomes of a trace depends on attributes.
    Attributes,
}

impl Known {
    const NOTHING: Self = Self { threshold: 0, place: 0, grounds: 0, says: Says::Unknown };

    fn of(outcome: Option<Outcome>, counts: &Counts) -> Self {
        outcome.map_or(Self::NOTHING, |outcome| Self {
            threshold: outcome.threshold,
            place: counts.place(outcome.counted(false)) as u32,
            grounds: outcome.grounds,
            says: if outcome.is_told { Says::Threshold } else { Says::Nothing },
        })
    }
}

/// What is known of few call sites.
struct More {
    /// The states that tell the thresholds: of all that is known, in its order.
    told: Vec<TraceState>,
    /// What becomes of traces by their attributes: for each of the rules, and last where none of them matches.
    doubt: Option<(Doubt, Box<[Known]>)>,
}

/// A decision on a trace that begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::record) enum AtOnce {
    /// The sampler has to be asked.
    Unknown,
    /// Attributes decide, which have to be known first.
    Waits,
    Refused,
    /// On these grounds; and the number of the trace's state, if that [tells](Held::told) the threshold.
    Kept(GroundsNumber, Option<u8>),
}

/// Rules by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Masks {
    /// These match, whatever attributes the span has.
    matches: u64,
    /// These have to be tried. Those that are in neither do not match.
    may_match: u64,
}

impl Masks {
    /// Nothing is known.
    pub(super) const ALL: Self = Self { matches: 0, may_match: !0 };
    /// Rules that share a bit are tried each time.
    const NONE: Self = Self { matches: 0, may_match: 1 << RuleNode::LAST_BIT };

    fn enter(&mut self, rule: &RuleNode, asked: &super::Asked<'_>) {
        if rule.number >= RuleNode::LAST_BIT {
            return;
        }
        if rule.when.asks_attributes() {
            self.may_match |= rule.bit * u64::from(rule.when.is_possible_at(asked.who.callsite));
        } else {
            self.matches |= rule.bit * u64::from(rule.when.matches(asked));
        }
    }

    /// Whether it is known that a rule does not match.
    #[inline]
    pub(super) fn exclude(&self, rule: &RuleNode) -> bool {
        (self.matches | self.may_match) & rule.bit == 0
    }

    /// Whether it is known that a rule matches.
    #[inline]
    pub(super) fn include(&self, rule: &RuleNode) -> bool {
        self.matches & rule.bit != 0
    }
}

/// What is known of call sites; each has one place, which it may lose to another.
struct Sites([Site; Sites::COUNT]);

struct Site {
    callsite: Cell<*const Callsite>,
    /// Without a parent, with one in this process, with one in another.
    masks: [Cell<Masks>; 3],
    /// Of a trace that begins here.
    root: Cell<Known>,
    more: RefCell<Option<Box<More>>>,
}

impl Sites {
    const COUNT: usize = 64;

    fn boxed() -> Box<Self> {
        let empty = || Site {
            callsite: Cell::new(ptr::null()),
            masks: [const { Cell::new(Masks::ALL) }; 3],
            root: Cell::new(Known::NOTHING),
            more: RefCell::default(),
        };
        Box::new(Self(std::array::from_fn(|_| empty())))
    }

    fn place(callsite: &'static Callsite) -> usize {
        let mixed = (ptr::from_ref(callsite) as u64 >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (u64::BITS - Self::COUNT.trailing_zeros())) as usize
    }
}

/// Runs `f` on the sampler that this thread keeps, if that is the one that is installed. `f` calls nothing of the program's.
#[inline]
pub(super) fn with_current<R>(thread: &Thread, f: impl FnOnce(&Held) -> R) -> Option<R> {
    let held = thread.sampler.held.take()?;
    let result = INSTALLED.is_current(&held.installed).then(|| f(&held));
    if let Some(other) = thread.sampler.held.replace(Some(held)) {
        forget(thread, Some(other));
    }
    result
}

/// Runs `f` on the sampler that is installed, as this thread keeps it; `None` if there is none.
///
/// While `f` runs, the thread's place for it is empty: what `f` calls may ask the sampler itself, or install another.
#[inline]
pub(super) fn with<R>(thread: &Thread, f: impl FnOnce(&Held) -> R) -> Option<R> {
    let held = match thread.sampler.held.take() {
        Some(held) if INSTALLED.is_current(&held.installed) => held,
        old => anew(thread, old)?,
    };
    let result = f(&held);
    if let Some(other) = thread.sampler.held.replace(Some(held)) {
        forget(thread, Some(other));
    }
    Some(result)
}

#[cold]
#[inline(never)]
fn anew(thread: &Thread, old: Option<Box<Held>>) -> Option<Box<Held>> {
    forget(thread, old);
    // The allocator may be traced.
    thread.scratch.while_busy(|| INSTALLED.get().map(|installed| Box::new(Held::of(installed))))
}

/// A sampler of the program's own may end here, and panic.
#[cold]
fn forget(thread: &Thread, old: Option<Box<Held>>) {
    thread.scratch.while_busy(|| {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(old))) {
            // Its end may panic as well.
            std::mem::forget(payload);
        }
    });
}
