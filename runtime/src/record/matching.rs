//! Whether a text is like a pattern, and a value like what a rule wants: for rules where traces begin and where they are over.
//!
//! What rules say is prepared when they are built, because they are asked far more often: a pattern knows whether it is more
//! than a beginning, an end or a part of a text, and a text knows the number that is written so. To ask takes no memory.

use super::view::Value;
use opentelemetry::Array;
use std::io::Write;
use std::sync::Arc;

/// An attribute, and what its value has to be like.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) key: Box<str>,
    /// Shared with what is remembered of call sites.
    pub(crate) wanted: Arc<Wanted>,
}

impl Condition {
    pub(crate) fn new(key: &str, wanted: Wanted) -> Self {
        Self { key: key.into(), wanted: Arc::new(wanted) }
    }
}

/// What a value has to be like; of a list one value is enough.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// One of these, as text.
    OneOf(Box<[Text]>),
    /// As text like one of the first, unless there are none, and like none of the second.
    Like(Patterns, Patterns),
    /// A number from the first to the second. A text is no number, whatever it looks like.
    Within(f64, f64),
}

impl Wanted {
    pub(crate) fn one_of(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self::OneOf(texts.into_iter().map(|text| Text::new(text.as_ref())).collect())
    }

    pub(super) fn is(&self, value: Value<'_>) -> bool {
        match value {
            Value::Str(text) => self.is_text(text),
            Value::List(list) => list.values().any(|value| self.is(value)),
            other => self.is_other(other),
        }
    }

    /// The same for a value as OpenTelemetry has it.
    pub(super) fn is_owned(&self, value: &opentelemetry::Value) -> bool {
        use opentelemetry::Value as Owned;
        match value {
            Owned::String(text) => self.is_text(text.as_str()),
            Owned::I64(number) => self.is_other(Value::Int(*number)),
            Owned::F64(number) => self.is_other(Value::Double(*number)),
            Owned::Bool(value) => self.is_other(Value::Bool(*value)),
            Owned::Array(Array::Bool(values)) => values.iter().any(|value| self.is_other(Value::Bool(*value))),
            Owned::Array(Array::I64(values)) => values.iter().any(|value| self.is_other(Value::Int(*value))),
            Owned::Array(Array::F64(values)) => values.iter().any(|value| self.is_other(Value::Double(*value))),
            Owned::Array(Array::String(values)) => values.iter().any(|value| self.is_text(value.as_str())),
            other => self.is_text(&other.as_str()),
        }
    }

    /// What it says to all of these that have the key; `None` if none has.
    pub(super) fn of(&self, key: &str, all: &[opentelemetry::KeyValue]) -> Option<bool> {
        let those = all.iter().filter(|given| given.key.as_str() == key);
        those.map(|given| self.is_owned(&given.value)).reduce(|found, next| found || next)
    }

    pub(super) fn is_text(&self, text: &str) -> bool {
        match self {
            Self::OneOf(texts) => texts.iter().any(|own| *own.text == *text),
            Self::Like(included, excluded) => (included.is_empty() || included.have(text)) && !excluded.have(text),
            Self::Within(..) => false,
        }
    }

    /// Which lengths in bytes a text has that can be like that: a bit for each, the last one for all that are longer. Found out
    /// once, it spares most texts a closer look.
    pub(super) fn lengths(&self) -> u64 {
        match self {
            Self::OneOf(texts) => texts.iter().fold(0, |all, text| all | length_bit(text.text.len())),
            Self::Like(included, _) if included.is_empty() => u64::MAX,
            Self::Like(included, _) => included.0.iter().fold(0, |all, pattern| all | pattern.lengths()),
            Self::Within(..) => 0,
        }
    }

    /// A value that is neither a text nor a list.
    fn is_other(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::OneOf(texts), Value::Int(number)) => texts.iter().any(|text| text.int == Some(number)),
            (Self::OneOf(texts), Value::Double(number)) => texts.iter().any(|text| text.is_double(number)),
            // What is not a number lies nowhere.
            (Self::Within(min, max), Value::Int(number)) => (*min..=*max).contains(&(number as f64)),
            (Self::Within(min, max), Value::Double(number)) => (*min..=*max).contains(&number),
            (Self::Within(..), _) => false,
            _ => with_text(value, |text| self.is_text(text)),
        }
    }
}

/// The bit of a length among [`Wanted::lengths`].
#[inline]
pub(super) fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

/// A text, and the numbers that are written so, which need not be written to be compared.
#[derive(Debug)]
pub(crate) struct Text {
    text: Box<str>,
    int: Option<i64>,
    double: Option<f64>,
}

impl Text {
    fn new(text: &str) -> Self {
        Self {
            int: text.parse().ok().filter(|number: &i64| number.to_string() == text),
            double: text.parse().ok().filter(|number: &f64| number.to_string() == text),
            text: text.into(),
        }
    }

    /// Numbers are written the same if they are the same to the bit, or both are not a number.
    fn is_double(&self, number: f64) -> bool {
        self.double.is_some_and(|own| own.to_bits() == number.to_bits() || own.is_nan() && number.is_nan())
    }
}

/// Gives `f` a value that is neither a text nor a list as text.
fn with_text(value: Value<'_>, f: impl FnOnce(&str) -> bool) -> bool {
    // The longest number that there is has fewer than 400 digits.
    let mut room = [0_u8; 512];
    let mut rest = &mut room[..];
    let written = match value {
        Value::Bool(value) => return f(if value { "true" } else { "false" }),
        Value::Int(number) => write!(rest, "{number}"),
        Value::Double(number) => write!(rest, "{number}"),
        Value::Str(_) | Value::List(_) => return false,
    };
    let left = rest.len();
    let text = &room[..room.len() - left];
    written.is_ok() && std::str::from_utf8(text).is_ok_and(f)
}

/// Patterns, of which one is enough.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Box<[Pattern]>);

impl<T: AsRef<str>> FromIterator<T> for Patterns {
    fn from_iter<I: IntoIterator<Item = T>>(patterns: I) -> Self {
        Self(patterns.into_iter().map(|pattern| Pattern::new(pattern.as_ref())).collect())
    }
}

impl Patterns {
    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is like the text.
    #[inline]
    pub(super) fn have(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_like(text))
    }
}

/// A pattern, in which `?` stands for any character and `*` for any number of them.
#[derive(Debug)]
struct Pattern {
    /// What is left of it without the wildcards that the shape tells.
    text: Box<str>,
    shape: Shape,
}

/// Where the pattern's text has to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Nothing is wanted: `*`.
    Anything,
    Whole,
    /// `a*`
    Start,
    /// `*a`
    End,
    /// `*a*`
    Inside,
    /// `a*b`: so much of it at the start, the rest at the end.
    Ends(usize),
    /// The text is the whole pattern.
    Glob,
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let is_plain = |text: &str| !text.is_empty() && !text.contains(['*', '?']);
        let (head, tail) = (pattern.trim_start_matches('*'), pattern.trim_end_matches('*'));
        let middle = head.trim_end_matches('*');
        let shape = |text: &str, shape| Self { text: text.into(), shape };
        if middle.is_empty() && !pattern.is_empty() {
            return shape("", Shape::Anything);
        }
        if is_plain(middle) {
            let place = match (head.len() < pattern.len(), tail.len() < pattern.len()) {
                (false, false) => Shape::Whole,
                (false, true) => Shape::Start,
                (true, false) => Shape::End,
                (true, true) => Shape::Inside,
            };
            return shape(middle, place);
        }
        match pattern.split_once('*').map(|(start, rest)| (start, rest.trim_start_matches('*'))) {
            None if pattern.is_empty() => shape("", Shape::Whole),
            Some((start, end)) if is_plain(start) && is_plain(end) => {
                shape(&format!("{start}{end}"), Shape::Ends(start.len()))
            }
            _ => shape(pattern, Shape::Glob),
        }
    }

    /// As [`Wanted::lengths`].
    fn lengths(&self) -> u64 {
        let least = match self.shape {
            Shape::Whole => return length_bit(self.text.len()),
            Shape::Glob => self.text.bytes().filter(|byte| *byte != b'*').count(),
            _ => self.text.len(),
        };
        !(length_bit(least) - 1)
    }

    #[inline]
    fn is_like(&self, text: &str) -> bool {
        let (own, text) = (self.text.as_bytes(), text.as_bytes());
        match self.shape {
            Shape::Anything => true,
            Shape::Whole => own == text,
            Shape::Start => starts(text, own),
            Shape::End => ends(text, own),
            Shape::Inside => has_inside(text, own),
            Shape::Ends(at) => {
                let (start, end) = own.split_at(at);
                text.len() >= own.len() && starts(text, start) && ends(text, end)
            }
            Shape::Glob => is_glob_like(own, text),
        }
    }
}

/// Texts with the same beginning are common, so what differs is most often seen at the other end, in one byte.
#[inline]
fn starts(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|found| found.last() == start.last() && found == start)
}

#[inline]
fn ends(text: &[u8], end: &[u8]) -> bool {
    let from = text.len().checked_sub(end.len());
    from.is_some_and(|from| text[from..].first() == end.first() && text[from..] == *end)
}

/// `part` is not empty. Bytes say the same as characters: no character's first byte is inside of another.
fn has_inside(mut text: &[u8], part: &[u8]) -> bool {
    let Some((&first, after)) = part.split_first() else { return true };
    while let Some(at) = text.iter().position(|byte| *byte == first) {
        text = &text[at + 1..];
        if text.len() < after.len() {
            return false;
        }
        if text[..after.len()] == *after {
            return true;
        }
    }
    false
}

/// Bytes of UTF-8, of which `*` and `?` are no parts of other characters.
fn is_glob_like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut wanted, mut found) = (0, 0);
    // Where to go on if the rest does not match: the last `*` takes one character more.
    let mut again: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(wanted), text.get(found)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                wanted += 1;
                again = Some((wanted, found));
                continue;
            }
            (Some(b'?'), Some(first)) => {
                (wanted, found) = (wanted + 1, found + width(*first));
                continue;
            }
            (Some(byte), Some(same)) if byte == same => {
                (wanted, found) = (wanted + 1, found + 1);
                continue;
            }
            _ => {}
        }
        let Some((after, taken)) = again else { return false };
        let Some(first) = text.get(taken) else { return false };
        (wanted, found) = (after, taken + width(*first));
        again = Some((wanted, found));
    }
}

/// How many bytes a character has that begins with this one.
#[inline]
fn width(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::Value as Owned;

    fn is_like(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).is_like(text)
    }

    /// The same, as one would write it without a thought for what it costs.
    fn is_plainly_like(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, text) => text.is_none(),
            (Some(('*', rest)), _) => (0..=text.len()).any(|taken| is_plainly_like(rest, &text[taken..])),
            (Some(_), None) => false,
            (Some((wanted, pattern)), Some((found, text))) => {
                (*wanted == '?' || wanted == found) && is_plainly_like(pattern, text)
            }
        }
    }

    #[test]
    fn patterns_match_as_the_declarative_file_says() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "/health", true),
            ("/health*", "/healthz", true),
            ("/health*", "/Health", false),
            ("4??", "404", true),
            ("4??", "40", false),
            ("4??", "4040", false),
            ("*/internal/*", "GET /internal/metrics", true),
            ("*/internal/*", "GET /internal", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*.rs", "main.rs.rs", true),
            ("?", "ü", true),
            ("über*", "übermut", true),
            ("a?b", "a?b", true),
            ("**a", "bba", true),
            ("aba*aba", "aba", false),
            ("aba*aba", "abaaba", true),
            ("*é", "ã", false),
            ("*?é", "ãé", true),
        ] {
            assert_eq!(is_like(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_is_prepared_as_the_simplest_thing_that_it_is() {
        for (pattern, shape, text) in [
            ("", Shape::Whole, ""),
            ("a", Shape::Whole, "a"),
            ("*", Shape::Anything, ""),
            ("***", Shape::Anything, ""),
            ("a**", Shape::Start, "a"),
            ("**a", Shape::End, "a"),
            ("*a*", Shape::Inside, "a"),
            ("ü*b", Shape::Ends(2), "üb"),
            ("a**b", Shape::Ends(1), "ab"),
            ("?", Shape::Glob, "?"),
            ("*?", Shape::Glob, "*?"),
            ("a?*", Shape::Glob, "a?*"),
            ("a*b*", Shape::Glob, "a*b*"),
            ("*a*b", Shape::Glob, "*a*b"),
        ] {
            let prepared = Pattern::new(pattern);
            assert_eq!((prepared.shape, &*prepared.text), (shape, text), "{pattern}");
        }
    }

    /// Numbers that look like chance and are the same each time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % limit
        }

        fn text(&mut self, letters: &[char], longest: usize) -> Vec<char> {
            (0..self.below(longest + 1)).map(|_| letters[self.below(letters.len())]).collect()
        }
    }

    #[test]
    fn prepared_patterns_say_the_same_as_plain_ones() {
        // Characters of one to four bytes; some share their first bytes, some their last.
        const LETTERS: [char; 8] = ['a', 'b', 'é', 'ã', '中', '丮', '😀', '\0'];
        const WILD: [char; 12] = ['*', '*', '*', '?', '?', 'a', 'a', 'b', 'é', 'ã', '中', '😀'];
        let mut numbers = Numbers(7);
        let (mut shapes, mut matches) = ([0_usize; 7], 0_usize);
        for round in 0..if cfg!(miri) { 300 } else { 60_000 } {
            // Few letters match more often.
            let few = 1 + numbers.below(LETTERS.len());
            let text = numbers.text(&LETTERS[..few], 7);
            let pattern = match round % 3 {
                0 => numbers.text(&WILD, 6),
                1 => numbers.text(&WILD[..9], 4),
                // Made of the text itself, so that it often matches.
                _ => {
                    let mut of_text: Vec<char> = text.clone();
                    for _ in 0..numbers.below(4) {
                        let from = numbers.below(of_text.len() + 1);
                        let to = from + numbers.below(of_text.len() + 1 - from);
                        of_text.splice(from..to, [['*', '?'][numbers.below(2)]]);
                    }
                    of_text
                }
            };
            let expected = is_plainly_like(&pattern, &text);
            let (pattern, text) = (pattern.iter().collect::<String>(), text.iter().collect::<String>());
            let prepared = Pattern::new(&pattern);
            assert_eq!(prepared.is_like(&text), expected, "{pattern:?} {text:?} {:?}", prepared.shape);
            assert_eq!(is_glob_like(pattern.as_bytes(), text.as_bytes()), expected, "{pattern:?} {text:?}");
            assert!(!expected || prepared.lengths() & length_bit(text.len()) != 0, "{pattern:?} {text:?}");
            matches += usize::from(expected);
            shapes[match prepared.shape {
                Shape::Anything => 0,
                Shape::Whole => 1,
                Shape::Start => 2,
                Shape::End => 3,
                Shape::Inside => 4,
                Shape::Ends(_) => 5,
                Shape::Glob => 6,
            }] += 1;
        }
        if !cfg!(miri) {
            assert!(shapes.iter().all(|count| *count > 500), "{shapes:?}");
            assert!((6_000..54_000).contains(&matches), "{matches}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "safe code that takes Miri minutes")]
    fn a_pattern_with_many_stars_takes_no_time_to_fail() {
        assert!(!is_like(&"*a".repeat(40), &"a".repeat(39)));
        assert!(!is_like(&format!("{}b", "*a".repeat(200)), &"a".repeat(5000)));
        assert!(!is_like(&format!("*{}b*", "a".repeat(200)), &"a".repeat(5000)));
    }

    #[test]
    fn what_a_text_is_compared_with_says_how_long_it_can_be() {
        let like = |pattern: &str| Wanted::Like([pattern].into_iter().collect(), Patterns::default());
        let long = "a".repeat(100);
        for (wanted, lengths) in [
            (Wanted::one_of(["a", "abc"]), 0b1010),
            (Wanted::one_of([""]), 1),
            (Wanted::one_of([&long]), 1 << 63),
            (Wanted::Within(0.0, 1.0), 0),
            (Wanted::Like(Patterns::default(), ["a"].into_iter().collect()), u64::MAX),
            (like("*"), u64::MAX),
            (like("ab"), 0b100),
            (like("ab*"), u64::MAX << 2),
            (like("ü*b"), u64::MAX << 3),
            (like("?a*?"), u64::MAX << 3),
            (like(&format!("{long}*")), 1 << 63),
        ] {
            assert_eq!(wanted.lengths(), lengths, "{wanted:?}");
        }
        assert!(like(&format!("{long}*")).is_text(&long) && Wanted::one_of([&long]).is_text(&long));
    }

    #[test]
    fn numbers_are_compared_as_they_are_written() {
        let ints = [0, 1, -1, 7, 10, 404, -0x8000, i64::MAX, i64::MIN];
        let doubles =
            [0.0, -0.0, 1.0, 0.5, 10.0, 1e300, -1e-300, 5e-324, f64::MAX, f64::MIN, f64::NAN, -f64::NAN, f64::INFINITY];
        let texts =
            ["0", "-0", "1", "-1", "10", "10.0", "0.5", ".5", "+1", "01", "1e3", "404", "inf", "NaN", "nan", ""];
        let of_numbers = ints.iter().map(ToString::to_string).chain(doubles.iter().map(ToString::to_string));
        for text in texts.into_iter().map(str::to_owned).chain(of_numbers) {
            let (equal, like) =
                (Wanted::one_of([&text]), Wanted::Like([&text].into_iter().collect(), Patterns::default()));
            for number in ints {
                let expected = number.to_string() == text;
                assert_eq!((equal.is(Value::Int(number)), like.is(Value::Int(number))), (expected, expected), "{text}");
                assert_eq!(equal.is_owned(&Owned::I64(number)), expected, "{text} {number}");
            }
            for number in doubles {
                let expected = number.to_string() == text;
                let found = (equal.is(Value::Double(number)), like.is(Value::Double(number)));
                assert_eq!(found, (expected, expected), "{text} {number}");
                assert_eq!(like.is_owned(&Owned::F64(number)), expected, "{text} {number}");
            }
        }
    }
}
