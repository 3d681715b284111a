//! Span names with placeholders: `{crypto.venue} {crypto.operation}`.

use crate::model::{Attribute, Span};

/// A piece of a name pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Text that every name has.
    Text(&'a str),
    /// The value of an attribute.
    Value(&'a str),
}

/// The pieces of a pattern; a brace without its partner is text.
pub(crate) fn parts(pattern: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest, mut from) = (Vec::new(), pattern, 0);
    while let Some(end) = rest[from..].find('}').map(|at| from + at) {
        match rest[from..end].rfind('{').map(|at| from + at) {
            Some(open) if open + 1 < end => {
                parts.extend((open > 0).then_some(Part::Text(&rest[..open])));
                parts.push(Part::Value(&rest[open + 1..end]));
                (rest, from) = (&rest[end + 1..], 0);
            }
            _ => from = end + 1,
        }
    }
    parts.extend((!rest.is_empty()).then_some(Part::Text(rest)));
    parts
}

/// The pattern of a span's names; `None` if they follow no pattern.
pub(crate) fn of(span: &Span) -> Option<&str> {
    match (span.name.is_empty(), span.name_note.is_empty()) {
        (false, _) => Some(&span.name),
        (true, true) => Some(&span.id),
        (true, false) => None,
    }
}

/// The one value an attribute has on every span of the type.
pub(crate) fn constant<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    span.constants.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// The declaration of an attribute.
pub(crate) fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a Attribute> {
    span.attributes.iter().find(|attribute| attribute.name == key)
}

/// Whether a text consists of these pieces, with any text in place of `None`.
pub(crate) fn fits<'a>(pieces: impl IntoIterator<Item = Option<&'a str>>, text: &str) -> bool {
    // Neighbouring texts are one: `["a", "b"]` must not find the `b` further behind.
    let mut fixed = vec![String::new()];
    for piece in pieces {
        match (piece, fixed.last_mut()) {
            (Some(piece), Some(last)) => last.push_str(piece),
            _ => fixed.push(String::new()),
        }
    }
    let (Some(first), Some(last)) = (fixed.first(), fixed.last()) else { return false };
    if fixed.len() == 1 {
        return text == first;
    }
    let Some(middle) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
        return false;
    };
    // The first place is the best for every piece between: it leaves the most to those behind.
    fixed[1..fixed.len() - 1]
        .iter()
        .try_fold(middle, |rest, piece| rest.find(piece.as_str()).map(|at| &rest[at + piece.len()..]))
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_taken_apart() {
        use Part::{Text, Value};
        assert_eq!(parts("{a.b} x {c.d}"), [Value("a.b"), Text(" x "), Value("c.d")]);
        assert_eq!(parts("plain"), [Text("plain")]);
        assert_eq!(parts("{{a.b}"), [Text("{"), Value("a.b")]);
        assert_eq!(parts("}{a"), [Text("}{a")]);
        assert_eq!(parts("{}{a.b}"), [Text("{}"), Value("a.b")]);
        assert_eq!(parts("{}"), [Text("{}")]);
        assert_eq!(parts("{} }{a.b}}"), [Text("{} }"), Value("a.b"), Text("}")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn a_text_fits_its_pieces() {
        let fitting: [(&[Option<&str>], &str); 6] = [
            (&[Some("a")], "a"),
            (&[None], ""),
            (&[Some("a"), None, Some("c")], "abc"),
            (&[None, Some(" "), None], "GET /x y"),
            (&[None, Some("b"), None, Some("b")], "abab"),
            (&[Some("ä"), None, Some("ö")], "äxö"),
        ];
        for (pieces, text) in fitting {
            assert!(fits(pieces.iter().copied(), text), "{pieces:?} {text}");
        }
        let others: [(&[Option<&str>], &str); 5] = [
            (&[Some("a")], "ab"),
            (&[Some("ab"), None, Some("bc")], "abc"),
            (&[None, Some("a"), Some("b"), None], "a-b"),
            (&[None, Some("b"), None, Some("b")], "ab"),
            (&[Some("a"), None], "b"),
        ];
        for (pieces, text) in others {
            assert!(!fits(pieces.iter().copied(), text), "{pieces:?} {text}");
        }
    }

    /// Every text of up to `longest` of these characters.
    fn texts(characters: &str, longest: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let end = texts.len();
            for at in from..end {
                texts.extend(characters.chars().map(|c| format!("{}{c}", texts[at])).collect::<Vec<_>>());
            }
            from = end;
        }
        texts
    }

    #[test]
    fn the_parts_of_a_pattern_are_the_pattern() {
        for pattern in texts("{}a", 7) {
            let joined: String = parts(&pattern)
                .into_iter()
                .map(|part| match part {
                    Part::Text(text) => text.to_owned(),
                    Part::Value(key) => format!("{{{key}}}"),
                })
                .collect();
            assert_eq!(joined, pattern);
        }
    }

    #[test]
    fn fitting_is_what_trying_everything_finds() {
        fn tried(pattern: &str, text: &str) -> bool {
            match pattern.chars().next() {
                None => text.is_empty(),
                Some('*') => (0..=text.len()).any(|at| tried(&pattern[1..], &text[at..])),
                Some(c) => text.strip_prefix(c).is_some_and(|rest| tried(&pattern[1..], rest)),
            }
        }
        for pattern in texts("ab*", 5) {
            let pieces: Vec<String> = pattern.chars().map(|c| c.to_string()).collect();
            let pieces = || pieces.iter().map(|piece| (piece != "*").then_some(piece.as_str()));
            for text in texts("ab", 6) {
                assert_eq!(fits(pieces(), &text), tried(&pattern, &text), "{pattern} {text}");
            }
        }
    }
}
