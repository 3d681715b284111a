//! A reader of JSON from the wire. What is hostile or broken ends the reading early.

/// Deeper nesting than an honest answer has.
const DEEPEST: usize = 16;

/// Reads JSON from the front.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

/// What is of interest among values; of others only that they were passed over.
pub(super) enum Value {
    Text(String),
    /// A number as it is written.
    Number(String),
    Other,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body, depth: 0 }
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.take()).flatten().map(drop)
    }

    /// Calls `f` with every key; it must read the value.
    pub(super) fn object(&mut self, mut f: impl FnMut(&str, &mut Self) -> Option<()>) -> Option<()> {
        self.items(b'{', b'}', |reader| {
            let key = reader.string()?;
            reader.expect(b':')?;
            f(&key, reader)
        })
    }

    /// Calls `f` for every item; it must read the item.
    #[cfg(feature = "otlp-http")]
    pub(super) fn list(&mut self, f: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.items(b'[', b']', f)
    }

    /// Whether nothing is left.
    #[cfg(feature = "otlp-http")]
    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none()
    }

    fn items(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(open)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        if self.peek()? != close {
            loop {
                item(self)?;
                if self.peek()? != b',' {
                    break;
                }
                self.take()?;
            }
        }
        self.depth -= 1;
        self.expect(close)
    }

    pub(super) fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            b'"' => self.string().map(Value::Text),
            b'{' => self.object(|_, reader| reader.value().map(drop)).map(|()| Value::Other),
            b'[' => self.items(b'[', b']', |reader| reader.value().map(drop)).map(|()| Value::Other),
            _ => {
                let end = self
                    .rest
                    .iter()
                    .position(|byte| !matches!(byte, b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E'));
                let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                (!word.is_empty()).then(|| Value::Number(String::from_utf8_lossy(word).into_owned()))
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            match self.take()? {
                b'"' => return Some(String::from_utf8_lossy(&text).into_owned()),
                b'\\' => {
                    let mut buffer = [0; 4];
                    let c = match self.take()? {
                        b'u' => self.escaped()?,
                        b'n' => '\n',
                        b't' => '\t',
                        b'r' => '\r',
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        other => char::from(other),
                    };
                    text.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
                byte => text.push(byte),
            }
        }
    }

    /// What follows `\u`: one unit of UTF-16, or two of which the first announces the second.
    fn escaped(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) || !self.rest.starts_with(b"\\u") {
            return Some(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.rest = &self.rest[2..];
        let pair = [first, self.unit()?];
        Some(char::decode_utf16(pair).next()?.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        let digits = digits.iter().map(|digit| char::from(*digit).to_digit(16));
        digits.into_iter().try_fold(0, |unit, digit| Some(unit << 4 | digit? as u16))
    }
}
