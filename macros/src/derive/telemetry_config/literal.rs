//! Values and ranges that stand in `#[config(…)]`.

use super::super::input::{Choice, ungrouped};
use crate::ctxt::Ctxt;
use crate::tokens::{self, ends, group, is_ident, is_punct, split};
use otelier_spec::{duration, size};
use proc_macro2::{Delimiter, Literal, Span, TokenStream, TokenTree};
use quote::quote;
use std::cmp::Ordering;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fixed {
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Fixed>),
}

impl Fixed {
    /// Reads a literal, also one below zero, or a list of them.
    pub(super) fn read(tokens: &[TokenTree]) -> Option<Self> {
        match tokens {
            [word] if is_ident(word, "true") || is_ident(word, "false") => Some(Self::Bool(is_ident(word, "true"))),
            [TokenTree::Literal(literal)] => Self::of(literal, false),
            [minus, TokenTree::Literal(literal)] if is_punct(minus, '-') => Self::of(literal, true),
            [list] => {
                let items = split(group(Some(list), Delimiter::Bracket)?.stream(), ',');
                let items = items.into_iter().map(|item| Self::read(&ungrouped(item.into_iter().collect())));
                items.collect::<Option<_>>().map(Self::List)
            }
            _ => None,
        }
    }

    fn of(literal: &Literal, below_zero: bool) -> Option<Self> {
        if let Some(text) = tokens::string(literal).filter(|_| !below_zero) {
            return Some(Self::Text(text));
        }
        let sign = if below_zero { "-" } else { "" };
        let text = literal.to_string().replace('_', "");
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                return i64::from_str_radix(&format!("{sign}{digits}"), radix).ok().map(Self::Integer);
            }
        }
        // `80u8`, `0.5f64`: the type says it already.
        let number = text.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
        let suffix = text.find(['u', 'i', 'f']).unwrap_or(text.len());
        let number = if suffix < text.len() { &text[..suffix] } else { number };
        let is_float = text[suffix..].starts_with('f') || number.contains(['.', 'e', 'E']);
        let number = format!("{sign}{number}");
        match is_float {
            true => number.parse().ok().filter(|value: &f64| value.is_finite()).map(Self::Number),
            false => number.parse().ok().map(Self::Integer),
        }
    }

    /// As the runtime has it.
    pub(super) fn tokens(&self) -> TokenStream {
        let path = quote!(::otelier::__private::config::Fixed);
        match self {
            Self::Bool(value) => quote!(#path::Bool(#value)),
            Self::Integer(value) => quote!(#path::Integer(#value)),
            Self::Number(value) => quote!(#path::Number(#value)),
            Self::Text(text) => {
                let (time, bytes) = (some(self.nanoseconds()), some(size::parse(text)));
                quote!(#path::Text(#text, #time, #bytes))
            }
            Self::List(items) => {
                let items = items.iter().map(Self::tokens);
                quote!(#path::List(&[#(#items),*]))
            }
        }
    }

    /// As YAML in one line.
    pub(super) fn yaml(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => format!("{value:?}"),
            Self::Text(text) => text.clone(),
            Self::List(items) => {
                let items = items.iter().map(|item| match item {
                    Self::Text(text) => format!("{text:?}"),
                    item => item.yaml(),
                });
                format!("[{}]", items.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn nanoseconds(&self) -> Option<u64> {
        let Self::Text(text) = self else { return None };
        duration::parse_sum(text).and_then(|duration| duration.as_nanos().try_into().ok())
    }

    fn bytes(&self) -> Option<i64> {
        if let Self::Text(text) = self { size::parse(text) } else { None }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// Which of two is more, if they are of one kind.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Text(_), Self::Text(_)) => match (self.nanoseconds(), other.nanoseconds()) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => Some(self.bytes()?.cmp(&other.bytes()?)),
            },
            (a, b) => a.number()?.partial_cmp(&b.number()?),
        }
    }
}

fn some<T: quote::ToTokens>(value: Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// A range, with its ends as far as it has some.
#[derive(Debug)]
pub(super) struct Range {
    min: Option<Fixed>,
    max: Option<Fixed>,
    below_max: bool,
    /// As the user wrote it, for messages.
    pub(super) text: String,
    /// The first token and the last.
    pub(super) ends: (Span, Span),
}

impl Range {
    pub(super) fn read(choice: &Choice, ctxt: &mut Ctxt) -> Option<Self> {
        let value = choice.value.as_deref().unwrap_or_default();
        let ends = ends(value, choice.name.span());
        let read = || {
            let at = value.windows(2).position(|pair| pair.iter().all(|token| is_punct(token, '.')))?;
            let (min, max) = (&value[..at], &value[at + 2..]);
            let inclusive = max.first().is_some_and(|token| is_punct(token, '='));
            let max = if inclusive { &max[1..] } else { max };
            let edge = |tokens: &[TokenTree]| match tokens {
                [] => Some(None),
                tokens => Fixed::read(tokens).filter(|edge| edge.compare(edge).is_some()).map(Some),
            };
            let (min, max) = (edge(min)?, edge(max)?);
            let text = value.iter().map(ToString::to_string).collect();
            (min.is_some() || max.is_some()).then_some(Self { min, max, below_max: !inclusive, text, ends })
        };
        let Some(range) = read() else {
            let message = "`range` needs numbers, lengths of time or sizes with `..=` or `..` between them, such as \
                           `range = 1..=100` or `range = \"10ms\"..=\"1m\"`";
            ctxt.error(ends.0, ends.1, message);
            return None;
        };
        if let (Some(min), Some(max)) = (&range.min, &range.max) {
            let problem = match min.compare(max) {
                None => Some("has two ends that cannot be compared"),
                Some(Ordering::Greater) => Some("has no values; its ends are the wrong way round"),
                Some(Ordering::Equal) if range.below_max => Some("has no values; write `..=` to have its end in it"),
                _ => None,
            };
            if let Some(problem) = problem {
                ctxt.error(ends.0, ends.1, format_args!("range `{}` {problem}", range.text));
                return None;
            }
        }
        let below_max = range.below_max && range.max.is_some();
        Some(Self { below_max, ..range })
    }

    /// Whether the value is in the range; what cannot be compared is rustc's to find.
    pub(super) fn has(&self, value: &Fixed) -> bool {
        let above = self.min.as_ref().and_then(|min| value.compare(min)).is_none_or(Ordering::is_ge);
        let below = self.max.as_ref().and_then(|max| value.compare(max));
        above && below.is_none_or(|order| if self.below_max { order.is_lt() } else { order.is_le() })
    }

    pub(super) fn tokens(&self) -> TokenStream {
        let edge = |edge: &Option<Fixed>| match edge {
            Some(edge) => edge.tokens(),
            None => quote!(::otelier::__private::config::Fixed::Nothing),
        };
        let (min, max, below_max) = (edge(&self.min), edge(&self.max), self.below_max);
        quote!(::otelier::__private::config::Range { min: #min, max: #max, below_max: #below_max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tokens: TokenStream) -> Option<Fixed> {
        Fixed::read(&tokens.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn literals_of_every_notation_are_read() {
        for (tokens, wanted) in [
            (quote!(true), Fixed::Bool(true)),
            (quote!(1_000u32), Fixed::Integer(1000)),
            (quote!(-3), Fixed::Integer(-3)),
            (quote!(0xff), Fixed::Integer(255)),
            (quote!(0.5), Fixed::Number(0.5)),
            (quote!(5f64), Fixed::Number(5.0)),
            (quote!(-1e3), Fixed::Number(-1000.0)),
            (quote!("a"), Fixed::Text("a".to_owned())),
            (quote!([1, 2]), Fixed::List(vec![Fixed::Integer(1), Fixed::Integer(2)])),
            (quote!([]), Fixed::List(Vec::new())),
        ] {
            assert_eq!(read(tokens.clone()), Some(wanted), "{tokens}");
        }
    }

    #[test]
    fn what_is_no_literal_is_none() {
        for tokens in [quote!(MAX), quote!(1 + 1), quote!(f()), quote!(-"a"), quote!([1, x]), quote!('a'), quote!()] {
            assert_eq!(read(tokens.clone()), None, "{tokens}");
        }
    }
}
