//! Why a trace is kept, as a number that fits into a record.
//!
//! What there is to say of a decision is one of few things: the rules of the settings, their ratios, what a load leaves of a
//! ratio. Each such thing is entered once, and found again by its number, which costs a record nothing. Numbers stay good for the
//! life of the process, whatever becomes of the settings.

use super::{RANDOM_MASK, state_with_threshold};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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
    pub(crate) fn padded(&self) -> (&[u8; Self::MOST], u8) {
        (&self.bytes, self.length)
    }
}

/// The number of grounds; 0 says nothing.
pub(crate) type GroundsNumber = u16;

/// How many there may be. What is beyond says nothing.
const MOST: usize = 4096;
/// Twice as many places, so that few are tried.
static PLACES: [OnceLock<(Grounds, GroundsNumber)>; 2 * MOST] = [const { OnceLock::new() }; 2 * MOST];
static BY_NUMBER: [OnceLock<Grounds>; MOST] = [const { OnceLock::new() }; MOST];
/// What each tells in a `tracestate`, made when it is first asked for.
static STATES: [OnceLock<Option<ToldState>>; MOST] = [const { OnceLock::new() }; MOST];
/// How many there are.
static ENTERED: AtomicUsize = AtomicUsize::new(0);
/// How many have a threshold that a parent told. Whoever calls chooses those, and must not use up the numbers of others.
static TOLD: AtomicUsize = AtomicUsize::new(0);
const MOST_TOLD: usize = 256;
/// How many are of a ratio, which a server may change for ever.
static RATIOS: AtomicUsize = AtomicUsize::new(0);
const MOST_RATIOS: usize = 1024;
/// How many are both the head's and the tail's: for the same reason.
static BOTH: AtomicUsize = AtomicUsize::new(0);
const MOST_BOTH: usize = 2048;

/// One more, if there may be so many.
fn one_more(count: &AtomicUsize, most: usize) -> Option<usize> {
    count.fetch_update(Relaxed, Relaxed, |count| (count < most).then_some(count + 1)).ok()
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

    fn places(&self) -> impl Iterator<Item = &'static OnceLock<(Self, GroundsNumber)>> {
        let first = self.hash();
        (0..PLACES.len()).map(move |step| &PLACES[first.wrapping_add(step) % PLACES.len()])
    }

    fn find(&self) -> Option<GroundsNumber> {
        self.places().map_while(OnceLock::get).find(|(grounds, _)| grounds == self).map(|(_, number)| *number)
    }

    /// The number of these; 0 if there is no more room. Without a lock, and without memory but for a rule's name the first time.
    pub(crate) fn number(&self) -> GroundsNumber {
        self.find().unwrap_or_else(|| self.number_anew())
    }

    #[cold]
    #[inline(never)]
    fn number_anew(&self) -> GroundsNumber {
        let Some(before) = one_more(&ENTERED, MOST) else { return 0 };
        // Number 0 is that of nothing, so the first is 1.
        let number = before as GroundsNumber + 1;
        let _ = BY_NUMBER[before].set(self.clone());
        for place in self.places() {
            let (there, known) = place.get_or_init(|| (self.clone(), number));
            // Somebody else may have been first, with these or with others. Then this number is nobody's.
            if there == self {
                return *known;
            }
        }
        number
    }

    /// The number of a trace that is kept as its parent was, which told this threshold.
    pub(in crate::record) fn told(threshold: u64) -> GroundsNumber {
        Self::among(Kept::Parent, threshold, &TOLD, MOST_TOLD)
    }

    /// The number of a trace that is kept by this threshold. Where there are too many, it does not say which.
    pub(super) fn ratio(threshold: u64) -> GroundsNumber {
        Self::among(Kept::Ratio, threshold, &RATIOS, MOST_RATIOS)
    }

    #[inline]
    fn among(kept: Kept, threshold: u64, count: &AtomicUsize, most: usize) -> GroundsNumber {
        let grounds = Self::new(kept, Some(threshold));
        grounds.find().unwrap_or_else(|| match one_more(count, most) {
            Some(_) => grounds.number_anew(),
            None => Self::new(kept, None).number(),
        })
    }

    /// What a number says.
    pub(crate) fn of(number: GroundsNumber) -> Option<&'static Self> {
        BY_NUMBER.get(usize::from(number).checked_sub(1)?)?.get()
    }

    /// The `tracestate` that tells the threshold, of a trace that has no other.
    #[inline]
    pub(crate) fn told_by(number: GroundsNumber) -> Option<&'static ToldState> {
        let place = STATES.get(usize::from(number).checked_sub(1)?)?;
        match place.get() {
            Some(told) => told.as_ref(),
            None => Self::told_by_anew(number, place),
        }
    }

    #[cold]
    fn told_by_anew(number: GroundsNumber, place: &'static OnceLock<Option<ToldState>>) -> Option<&'static ToldState> {
        let threshold = Self::of(number)?.threshold;
        place.get_or_init(|| ToldState::of(&state_with_threshold("", threshold?)?)).as_ref()
    }

    /// The number of what is true if both are: a trace that was kept on `head` and then on these grounds.
    pub(crate) fn after(head: GroundsNumber, then: GroundsNumber) -> GroundsNumber {
        match (Self::of(head), Self::of(then)) {
            (None, _) => then,
            (Some(_), None) => head,
            (Some(first), Some(second)) => {
                let threshold = first.threshold.zip(second.threshold).map(|(first, second)| first.max(second));
                let both = Self { threshold, ..second.clone() };
                both.find().unwrap_or_else(|| match one_more(&BOTH, MOST_BOTH) {
                    Some(_) => both.number_anew(),
                    None => Self { threshold: None, ..both }.number(),
                })
            }
        }
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
        let told = AtomicUsize::new(0);
        let of = |threshold| Grounds::of(Grounds::among(Kept::Parent, threshold, &told, 2)).expect("it has a number");
        for threshold in [77, 78, 77] {
            assert_eq!(*of(threshold), Grounds::new(Kept::Parent, Some(threshold)));
        }
        assert_eq!(*of(79), Grounds::new(Kept::Parent, None), "it is one too many");
        assert_eq!(*of(77), Grounds::new(Kept::Parent, Some(77)), "what is known stays known");
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
}
