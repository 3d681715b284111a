//! Values of attributes, read back from the notation of facts, for counterparties that write them in another one.

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    List(Vec<Value>),
}

impl Value {
    /// Reads `int 5`, `string "a"`, `[bool true]` and so on.
    pub(super) fn of(notation: &str) -> Self {
        let (value, rest) = Self::read(notation);
        assert_eq!(rest, "", "{notation}");
        value
    }

    fn read(text: &str) -> (Self, &str) {
        if let Some(mut inside) = text.strip_prefix('[') {
            let mut values = Vec::new();
            while !inside.starts_with(']') {
                let (value, rest) = Self::read(inside);
                values.push(value);
                inside = rest.strip_prefix(", ").unwrap_or(rest);
            }
            return (Self::List(values), &inside[1..]);
        }
        if let Some(quoted) = text.strip_prefix("string \"") {
            let (text, rest) = unquoted(quoted);
            return (Self::Text(text), rest);
        }
        let end = text.find([',', ']']).unwrap_or(text.len());
        let (kind, word) = text[..end].split_once(' ').expect("a kind and a value");
        let value = match kind {
            "bool" => Self::Bool(word == "true"),
            "int" => Self::Int(word.parse().expect("a number")),
            "double" => Self::Double(f64::from_bits(u64::from_str_radix(&word[2..], 16).expect("bits"))),
            other => panic!("a value of the kind {other}"),
        };
        (value, &text[end..])
    }

    /// As one text, with lists as `[a, b]`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(values) => format!("[{}]", values.iter().map(Self::text).collect::<Vec<_>>().join(", ")),
        }
    }

    /// As JSON, which has no number for some doubles.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Double(value) => (*value).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(values) => values.iter().map(Self::json).collect(),
        }
    }
}

/// What stands before the next quote, without what `Debug` adds, and what follows it.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => text.push(match chars.next().expect("an escape").1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let digits: String =
                        chars.by_ref().map(|(_, c)| c).skip(1).take_while(|&digit| digit != '}').collect();
                    u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).expect("a character")
                }
                other => other,
            }),
            c => text.push(c),
        }
    }
    panic!("no end of the quotes: {quoted}")
}

#[test]
fn values_are_read_as_they_are_written() {
    let notation = |text: &str| format!("[string {text:?}, [int -5, double {:#x}], [], bool true]", 0.5_f64.to_bits());
    for text in ["", "a\"b\\\n\0\u{1b}ä]", ", [int 5"] {
        let inner = Value::List(vec![Value::Int(-5), Value::Double(0.5)]);
        let all = [Value::Text(text.to_owned()), inner, Value::List(Vec::new()), Value::Bool(true)];
        assert_eq!(Value::of(&notation(text)), Value::List(all.into()));
    }
}
