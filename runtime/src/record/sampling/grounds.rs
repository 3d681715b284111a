//! Why a trace is kept, as a number that fits into a record.
//!
//! What there is to say of a decision is one of few things: the rules of the settings, their ratios, what a load leaves of a
//! ratio. Each such thing is entered once, and found again by its number, which costs a record nothing. Numbers stay good for the
//! life of the process, whatever becomes of the settings. There is room for some thousands, so of ratios that change without end
//! only the first are told exactly.

use super::{RANDOM_MASK, state_with_threshold};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// What decided to keep a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kept {
    /// A sampler that keeps all.
    All,
    /// The parent's decision.
    Parent,
    /// The random part of the trace's id.
    Ratio,
    /// There was room below a limit of traces a second.
    RateLimit,
    /// A ratio that follows the load.
    Adaptive,
    /// `sample = …` of an annotation.
    Hint,
    /// A sampler of the program's own.
    Custom,
    /// A rule of tail sampling.
    Tail,
    /// None of the rules of tail sampling, but its ratio.
    TailRatio,
    /// There was no room to hold the trace back until it was over.
    TailOverflow,
    /// The trace went on for longer than it is held back.
    TailUnfinished,
}

impl Kept {
    /// As the attribute `otelier.sampler.reason` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "always_on",
            Self::Parent => "parent",
            Self::Ratio => "ratio",
            Self::RateLimit => "rate_limit",
            Self::Adaptive => "adaptive",
            Self::Hint => "hint",
            Self::Custom => "custom",
            Self::Tail => "tail.rule",
            Self::TailRatio => "tail.ratio",
            Self::TailOverflow => "tail.overflow",
            Self::TailUnfinished => "tail.unfinished",
        }
    }
}

/// The share of traces that reach a threshold.
pub(crate) fn probability_of(threshold: u64) -> f64 {
    (RANDOM_MASK + 1 - threshold) as f64 / (RANDOM_MASK + 1) as f64
}

/// What there is to say of a trace that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Grounds {
    pub(crate) kept: Kept,
    /// The name of the rule, if a rule did.
    pub(crate) rule: Option<Box<str>>,
    /// The threshold that the trace's randomness has reached, by which the probability is known; `None` where nobody can tell how
    /// many traces this one stands for.
    pub(crate) threshold: Option<u64>,
}

/// A `tracestate` that tells a threshold and nothing else. It is short, and stands on every span of a trace that tail sampling
/// keeps, so it is kept as what can be copied in one go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToldState {
    bytes: [u8; Self::MOST],
    length: u8,
}

impl ToldState {
    /// `ot=th:` and 14 digits, and room for what a processor copies at once.
    pub(crate) const MOST: usize = 24;

    fn of(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::MOST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() as u8 })
    }

    pub(crate) fn text(&self) -> &str {
        // It was a text, and ends where that did.
        std::str::from_utf8(&self.bytes[..self.length.into()]).unwrap_or_default()
    }

    /// The text, and zeros behind it; and how long the text is.
    #[inline]
    #[cfg_attr(not(feature = "_otlp"), allow(dead_code))]
    pub(crate) fn padded(&self) -> (&[u8; Self::MOST], u8) {
        (&self.bytes, self.length)
    }
}

/// The number of grounds; 0 says nothing.
pub(crate) type GroundsNumber = u16;

/// How many there may be.
const MOST: usize = 4096;
/// Of them those that say what has decided and nothing else, as all do for which there is no other room any more. There are as many
/// as there are [`Kept`], and more places, because threads that enter one at once take one each.
const PLAIN: usize = 64;
/// How many may have a threshold that a parent told. Whoever calls chooses those, and must not use up the numbers of others.
const MOST_TOLD: usize = 256;
/// How many may be both the head's and the tail's: for the same reason.
const MOST_BOTH: usize = 2048;
/// How many may have any other threshold that is not [round](rounded). Settings have a few; a program that computes a ratio every
/// now and then has no end of them.
const MOST_EXACT: usize = 512;
/// What is round has so many bits behind the first.
const BITS: u32 = 5;

/// All there are, in this process.
static TABLE: Table = Table::new();

/// The greatest threshold that is no greater, of those that have few digits: it stands for a share of the traces that is larger, by
/// 1/32 at most. Whatever reaches the one reaches the other.
fn rounded(threshold: u64) -> u64 {
    let kept = RANDOM_MASK + 1 - threshold.min(RANDOM_MASK + 1);
    let digits = (u64::BITS - kept.leading_zeros()).saturating_sub(BITS + 1);
    RANDOM_MASK + 1 - (kept.div_ceil(1 << digits) << digits)
}

struct Table {
    /// Twice as many places, so that few are tried.
    places: [OnceLock<(Grounds, GroundsNumber)>; 2 * MOST],
    by_number: [OnceLock<Grounds>; MOST],
    /// What each tells in a `tracestate`, made when it is first asked for.
    states: [OnceLock<Option<ToldState>>; MOST],
    /// How many there are that are plain, and others.
    plain: AtomicUsize,
    others: AtomicUsize,
    /// How many of the others parents have told, are both the head's and the tail's, have a threshold that is not round.
    told: AtomicUsize,
    both: AtomicUsize,
    exact: AtomicUsize,
    /// Whether something was rounded, or left out.
    has_rounded: AtomicBool,
    has_left_out: AtomicBool,
}

/// One more, if there may be so many; how many there were.
fn one_more(count: &AtomicUsize, most: usize) -> Option<usize> {
    count.fetch_update(Relaxed, Relaxed, |count| (count < most).then_some(count + 1)).ok()
}

impl Table {
    const fn new() -> Self {
        Self {
            places: [const { OnceLock::new() }; 2 * MOST],
            by_number: [const { OnceLock::new() }; MOST],
            states: [const { OnceLock::new() }; MOST],
            plain: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            both: AtomicUsize::new(0),
            exact: AtomicUsize::new(0),
            has_rounded: AtomicBool::new(false),
            has_left_out: AtomicBool::new(false),
        }
    }

    fn places(&self, grounds: &Grounds) -> impl Iterator<Item = &OnceLock<(Grounds, GroundsNumber)>> {
        let first = grounds.hash();
        (0..self.places.len()).map(move |step| &self.places[first.wrapping_add(step) % self.places.len()])
    }

    fn find(&self, grounds: &Grounds) -> Option<GroundsNumber> {
        let mut there = self.places(grounds).map_while(OnceLock::get);
        there.find(|(known, _)| known == grounds).map(|(_, number)| *number)
    }

    /// Without a lock, and without memory but for a rule's name the first time.
    fn number(&self, grounds: &Grounds) -> GroundsNumber {
        self.find(grounds).unwrap_or_else(|| self.number_anew(grounds))
    }

    #[cold]
    #[inline(never)]
    fn number_anew(&self, grounds: &Grounds) -> GroundsNumber {
        let number = |grounds: &Grounds| self.find(grounds).unwrap_or_else(|| self.enter(grounds));
        match grounds.threshold {
            // Those that parents have told are counted apart.
            Some(threshold)
                if grounds.kept != Kept::Parent
                    && rounded(threshold) != threshold
                    && one_more(&self.exact, MOST_EXACT).is_none() =>
            {
                self.has_rounded.store(true, Relaxed);
                number(&Grounds { threshold: Some(rounded(threshold)), ..grounds.clone() })
            }
            _ => self.enter(grounds),
        }
    }

    /// Gives it a number. If there is none left, it has that of what has decided.
    fn enter(&self, grounds: &Grounds) -> GroundsNumber {
        let plain = Grounds::new(grounds.kept, None);
        let place = match *grounds == plain {
            true => one_more(&self.plain, PLAIN),
            false => one_more(&self.others, MOST - PLAIN).map(|before| PLAIN + before),
        };
        let Some(place) = place else {
            self.has_left_out.store(true, Relaxed);
            return if *grounds == plain { 0 } else { self.find(&plain).unwrap_or_else(|| self.enter(&plain)) };
        };
        // Number 0 is that of nothing, so the first is 1.
        let number = place as GroundsNumber + 1;
        let _ = self.by_number[place].set(grounds.clone());
        for place in self.places(grounds) {
            let (there, known) = place.get_or_init(|| (grounds.clone(), number));
            // Somebody else may have been first, with these or with others. Then this number is nobody's.
            if there == grounds {
                return *known;
            }
        }
        number
    }

    fn told(&self, threshold: u64) -> GroundsNumber {
        let grounds = Grounds::new(Kept::Parent, Some(threshold));
        self.find(&grounds).unwrap_or_else(|| match one_more(&self.told, MOST_TOLD) {
            Some(_) => self.number_anew(&grounds),
            None => self.number(&Grounds::new(Kept::Parent, None)),
        })
    }

    fn of(&self, number: GroundsNumber) -> Option<&Grounds> {
        self.by_number.get(usize::from(number).checked_sub(1)?)?.get()
    }

    #[inline]
    fn told_by(&self, number: GroundsNumber) -> Option<&ToldState> {
        let place = self.states.get(usize::from(number).checked_sub(1)?)?;
        match place.get() {
            Some(told) => told.as_ref(),
            None => self.told_by_anew(number, place),
        }
    }

    #[cold]
    fn told_by_anew<'a>(&self, number: GroundsNumber, place: &'a OnceLock<Option<ToldState>>) -> Option<&'a ToldState> {
        let threshold = self.of(number)?.threshold;
        place.get_or_init(|| ToldState::of(&state_with_threshold("", threshold?)?)).as_ref()
    }

    fn after(&self, head: GroundsNumber, then: GroundsNumber) -> GroundsNumber {
        match (self.of(head), self.of(then)) {
            (None, _) => then,
            (Some(_), None) => head,
            (Some(first), Some(second)) => {
                let threshold = first.threshold.zip(second.threshold).map(|(first, second)| first.max(second));
                let both = Grounds { threshold, ..second.clone() };
                self.find(&both).unwrap_or_else(|| match one_more(&self.both, MOST_BOTH) {
                    Some(_) => self.number_anew(&both),
                    None => {
                        self.has_left_out.store(true, Relaxed);
                        self.number(&Grounds { threshold: None, ..both })
                    }
                })
            }
        }
    }
}

impl Grounds {
    pub(crate) fn new(kept: Kept, threshold: Option<u64>) -> Self {
        Self { kept, rule: None, threshold }
    }

    /// The share of such traces that are kept, if that is known.
    #[cfg(test)]
    pub(crate) fn probability(&self) -> Option<f64> {
        self.threshold.map(probability_of)
    }

    /// What is a thing of few bytes, and is looked for where a trace begins, need not be hashed well.
    fn hash(&self) -> usize {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut hash = (self.kept as u64 + 1).wrapping_mul(MIX) ^ self.threshold.map_or(0, |threshold| threshold + 1);
        for byte in self.rule.iter().flat_map(|rule| rule.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(MIX);
        }
        (hash.wrapping_mul(MIX) >> 32) as usize
    }

    /// The number of these. Where there are too many thresholds, it is that of one close by; where there are too many of all, it
    /// says only what has decided. Without a lock, and without memory but for a rule's name the first time.
    pub(crate) fn number(&self) -> GroundsNumber {
        TABLE.number(self)
    }

    /// The number of a trace that is kept as its parent was, which told this threshold.
    pub(in crate::record) fn told(threshold: u64) -> GroundsNumber {
        TABLE.told(threshold)
    }

    /// What a number says.
    pub(crate) fn of(number: GroundsNumber) -> Option<&'static Self> {
        TABLE.of(number)
    }

    /// The `tracestate` that tells the threshold, of a trace that has no other.
    #[inline]
    pub(crate) fn told_by(number: GroundsNumber) -> Option<&'static ToldState> {
        TABLE.told_by(number)
    }

    /// The number of what is true if both are: a trace that was kept on `head` and then on these grounds.
    pub(crate) fn after(head: GroundsNumber, then: GroundsNumber) -> GroundsNumber {
        TABLE.after(head, then)
    }

    /// Whether there were more thresholds than can be told exactly, and whether there was more to say than there is room for.
    pub(super) fn are_too_many() -> (bool, bool) {
        (TABLE.has_rounded.load(Relaxed), TABLE.has_left_out.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_grounds_have_the_same_number_and_others_another() {
        let half = Grounds::new(Kept::Ratio, Some(1 << 55));
        let rule = Grounds { rule: Some("slow".into()), ..Grounds::new(Kept::Tail, Some(0)) };
        assert_eq!(half.number(), half.clone().number());
        assert_ne!(half.number(), rule.number());
        assert_eq!(Grounds::of(half.number()), Some(&half));
        assert_eq!(Grounds::of(rule.number()), Some(&rule));
        assert_eq!(Grounds::of(0), None);
        assert_eq!(half.probability(), Some(0.5));
    }

    #[test]
    fn whoever_calls_does_not_use_up_the_numbers() {
        static TABLE: Table = Table::new();
        let of = |threshold| TABLE.of(TABLE.told(threshold)).expect("it has a number");
        let most = MOST_TOLD as u64;
        for threshold in (1..=most).chain([1]) {
            assert_eq!(*of(threshold), Grounds::new(Kept::Parent, Some(threshold)));
        }
        assert_eq!(*of(most + 1), Grounds::new(Kept::Parent, None), "it is one too many");
        assert_eq!(*of(1), Grounds::new(Kept::Parent, Some(1)), "what is known stays known");
        assert_eq!(TABLE.exact.load(Relaxed), 0);
    }

    #[test]
    fn what_passed_twice_has_the_smaller_share() {
        let number = |kept, threshold| Grounds::new(kept, threshold).number();
        let (half, quarter) = (number(Kept::Ratio, Some(1 << 55)), number(Kept::TailRatio, Some(3 << 54)));
        let both = Grounds::of(Grounds::after(half, quarter)).expect("they have a number");
        assert_eq!((both.kept, both.probability()), (Kept::TailRatio, Some(0.25)));
        let unknown = Grounds::after(number(Kept::RateLimit, None), quarter);
        assert_eq!(Grounds::of(unknown).map(Grounds::probability), Some(None));
        assert_eq!((Grounds::after(0, half), Grounds::after(half, 0)), (half, half));
    }

    #[test]
    fn a_rounded_threshold_is_reached_by_what_reaches_the_exact_one_and_is_close() {
        let mut threshold = 1;
        while threshold < RANDOM_MASK {
            for exact in [threshold, RANDOM_MASK + 1 - threshold] {
                let round = rounded(exact);
                assert!(round <= exact && rounded(round) == round, "{exact:x}");
                let (of_round, of_exact) = (probability_of(round), probability_of(exact));
                assert!((1.0..=1.0 + 1.0 / 32.0).contains(&(of_round / of_exact)), "{exact:x}");
            }
            threshold += threshold / 7 + 1;
        }
        assert_eq!([0, 1 << 55, RANDOM_MASK, RANDOM_MASK + 1].map(rounded), [0, 1 << 55, RANDOM_MASK, RANDOM_MASK + 1]);
        for ratio in [0.3, 0.01, 1e-6] {
            let share = super::super::shares::Share::near(ratio).threshold;
            assert_eq!(rounded(share), share, "adaptive shares are round");
        }
    }

    #[test]
    fn ratios_without_end_leave_room_for_everything_else() {
        static TABLE: Table = Table::new();
        let count: u64 = if cfg!(miri) { 700 } else { 100_000 };
        let each = (RANDOM_MASK + 1) / count;
        for step in 1..count {
            let exact = Grounds::new(Kept::Ratio, Some(step * each + 1));
            let told = TABLE.of(TABLE.number(&exact)).expect("it has a number");
            let (told, exact) = (told.probability().expect("it is told"), exact.probability().expect("it is known"));
            assert!((1.0..=1.0 + 1.0 / 32.0).contains(&(told / exact)), "{step}: {told} {exact}");
        }
        assert!(TABLE.has_rounded.load(Relaxed) && !TABLE.has_left_out.load(Relaxed));
        assert!(TABLE.others.load(Relaxed) < 1024, "{}", TABLE.others.load(Relaxed));
        let rule = Grounds { rule: Some("slow".into()), ..Grounds::new(Kept::Tail, Some(0)) };
        assert_eq!(TABLE.of(TABLE.number(&rule)), Some(&rule));
    }

    #[test]
    #[cfg_attr(miri, ignore = "safe code that takes Miri minutes")]
    fn where_there_is_no_room_it_is_said_what_has_decided_and_nothing_that_is_wrong() {
        static TABLE: Table = Table::new();
        let of_rule = |number: usize| Grounds {
            rule: Some(format!("rule {number}").into()),
            ..Grounds::new(Kept::Tail, Some(0))
        };
        let numbers: Vec<_> = (0..2 * MOST).map(|number| TABLE.number(&of_rule(number))).collect();
        assert_eq!(TABLE.of(numbers[0]), Some(&of_rule(0)));
        let plain = Grounds::new(Kept::Tail, None);
        assert!(TABLE.has_left_out.load(Relaxed) && TABLE.of(numbers[2 * MOST - 1]) == Some(&plain));
        assert_eq!(TABLE.number(&of_rule(0)), numbers[0], "what is known stays known");
        let ratio = TABLE.number(&Grounds::new(Kept::Ratio, Some(1 << 55)));
        assert_eq!(TABLE.of(ratio), Some(&Grounds::new(Kept::Ratio, None)));
        let both = TABLE.of(TABLE.after(ratio, numbers[0])).expect("it has a number");
        assert_eq!(both.threshold, None, "nobody is told that it stands for one alone");
    }
}
