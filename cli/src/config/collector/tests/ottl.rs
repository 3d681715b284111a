//! As much of OTTL as is written here, on one span, as the Collector evaluates it.

use super::span::{Attribute, Span};
use regex::Regex;
use std::cell::RefCell;
use std::collections::HashMap;
use std::str::FromStr;

/// Whether a span meets a condition.
pub(super) fn meets(condition: &str, span: &Span) -> bool {
    let mut reader = Reader { rest: condition, span };
    let met = reader.any();
    assert_eq!(reader.rest.trim(), "", "the rest of {condition}");
    met
}

/// Each is compiled once, as the Collector does.
fn compiled(expression: String) -> Regex {
    thread_local!(static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default());
    let make = |text: &String| Regex::new(text).unwrap_or_else(|error| panic!("{error}"));
    KNOWN.with_borrow_mut(|known| known.entry(expression).or_insert_with_key(make).clone())
}

struct Reader<'a> {
    rest: &'a str,
    span: &'a Span,
}

impl Reader<'_> {
    /// `a or b`. What is behind is read, whatever it says: it has to be right.
    fn any(&mut self) -> bool {
        let mut found = self.all();
        while self.take("or ") {
            found |= self.all();
        }
        found
    }

    fn all(&mut self) -> bool {
        let mut found = self.single();
        while self.take("and ") {
            found &= self.single();
        }
        found
    }

    fn single(&mut self) -> bool {
        if self.take("not ") {
            return !self.single();
        }
        if self.take("(") {
            let found = self.any();
            self.must(")");
            return found;
        }
        let left = self.sum();
        let signs = [">=", "<=", "==", "<"];
        let Some(sign) = signs.into_iter().find(|sign| self.take(sign)) else {
            return left == Attribute::Bool(true);
        };
        let right = self.sum();
        compare(&left, sign, &right)
    }

    fn sum(&mut self) -> Attribute {
        let left = self.value();
        if !self.take("- ") {
            return left;
        }
        match (left, self.value()) {
            (Attribute::Int(a), Attribute::Int(b)) => Attribute::Int(a - b),
            other => panic!("{other:?} have no difference"),
        }
    }

    fn value(&mut self) -> Attribute {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('"') {
            return Attribute::Text(self.text());
        }
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._+-".contains(c))).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "true" => Attribute::Bool(true),
            "false" => Attribute::Bool(false),
            "span.attributes" => {
                self.must("[");
                let key = self.text();
                self.must("]");
                self.span.attribute(&key)
            }
            "span.name" => Attribute::Text(self.span.name.clone()),
            "span.trace_id.string" => Attribute::Text(format!("{:032x}", self.span.trace)),
            "span.status.code" => Attribute::Int(if self.span.failed { 2 } else { 0 }),
            "STATUS_CODE_ERROR" => Attribute::Int(2),
            "span.kind" => Attribute::Int(self.span.kind as i64),
            "SPAN_KIND_INTERNAL" => Attribute::Int(1),
            "SPAN_KIND_SERVER" => Attribute::Int(2),
            "SPAN_KIND_CLIENT" => Attribute::Int(3),
            "SPAN_KIND_PRODUCER" => Attribute::Int(4),
            "SPAN_KIND_CONSUMER" => Attribute::Int(5),
            "span.start_time_unix_nano" => Attribute::Int(1_700_000_000_000_000_000),
            "span.end_time_unix_nano" => Attribute::Int(1_700_000_000_000_000_000 + self.span.nanos),
            "IsMatch" => {
                let [what, expression] = self.arguments();
                let Attribute::Text(expression) = expression else { panic!("an expression is text") };
                Attribute::Bool(what.like_text().is_some_and(|text| compiled(expression).is_match(&text)))
            }
            "IsRootSpan" => {
                let [] = self.arguments();
                Attribute::Bool(self.span.is_root)
            }
            "IsList" => Attribute::Bool(matches!(self.arguments(), [Attribute::List(_)])),
            "IsInt" => Attribute::Bool(matches!(self.arguments(), [Attribute::Int(_)])),
            "IsDouble" => Attribute::Bool(matches!(self.arguments(), [Attribute::Double(_)])),
            "Double" => match self.arguments() {
                [Attribute::Text(text)] => Attribute::Double(text.parse().unwrap()),
                other => panic!("{other:?} is no text"),
            },
            "Substring" => match self.arguments() {
                [Attribute::Text(text), Attribute::Int(from), Attribute::Int(count)] => {
                    let from = usize::try_from(from).unwrap();
                    Attribute::Text(text[from..from + usize::try_from(count).unwrap()].to_owned())
                }
                other => panic!("{other:?} have no part"),
            },
            // OTTL takes a number for one with a fraction by its point alone.
            number if number.contains('.') => Attribute::Double(f64::from_str(number).expect(number)),
            number => Attribute::Int(i64::from_str(number).expect(number)),
        }
    }

    fn arguments<const N: usize>(&mut self) -> [Attribute; N] {
        self.must("(");
        let mut first = true;
        let all = std::array::from_fn(|_| {
            if !std::mem::take(&mut first) {
                self.must(",");
            }
            self.value()
        });
        self.must(")");
        all
    }

    /// What Go reads between quotes.
    fn text(&mut self) -> String {
        self.must("\"");
        let mut out = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return out;
                }
                '\n' => panic!("Go takes no line break between quotes"),
                '\\' => out.push(match chars.next().expect("something is escaped").1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String = (0..4).map(|_| chars.next().expect("four digits").1).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                    }
                    c @ ('"' | '\\') => c,
                    c => panic!("Go knows no \\{c}"),
                }),
                c => out.push(c),
            }
        }
        panic!("text without an end")
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn must(&mut self, token: &str) {
        assert!(self.take(token), "{token} is not before {}", self.rest);
    }
}

/// Values of different types are never in an order, but for numbers.
#[allow(clippy::cast_precision_loss)]
fn compare(left: &Attribute, sign: &str, right: &Attribute) -> bool {
    use Attribute::{Bool, Double, Int, Text};
    let order = match (left, right) {
        (Int(a), Int(b)) => Some(a.cmp(b)),
        (Int(a), Double(b)) => (*a as f64).partial_cmp(b),
        (Double(a), Int(b)) => a.partial_cmp(&(*b as f64)),
        (Double(a), Double(b)) => a.partial_cmp(b),
        (Text(a), Text(b)) => Some(a.cmp(b)),
        (Bool(a), Bool(b)) => Some(a.cmp(b)),
        _ => None,
    };
    order.is_some_and(|order| match sign {
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        "<" => order.is_lt(),
        _ => order.is_eq(),
    })
}
