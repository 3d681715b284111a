//! Parts of bodies, for spans.

use super::json::{self, REDACTED, plain};
use crate::http::url;
use ::http::{HeaderMap, header};
use bytes::Buf;
use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Which bodies are recorded, and what of them.
///
/// Of a body nothing is recorded unless its `content-type` is one of those wanted, it is not compressed, its text is UTF-8, and
/// it is read. What is kept is a copy of its beginning; the body itself passes as it came, piece by piece.
///
/// | what | default |
/// |-|-|
/// | content types | `application/json`, `application/*+json`, `text/*` |
/// | longest beginning | 1,024 bytes, cut between two characters |
/// | JSON fields whose values are replaced | `password`, `passwd`, `secret`, `token`, `access_token`, `refresh_token`, `id_token`, `api_key`, `authorization`, `client_secret`, `private_key`, `cookie`, `session`, `pin`, `cvv`, `card_number`, `ssn` |
///
/// Names of fields are compared without case, `_`, `-` and blanks; of `user.password` and `user[password]` also the last part
/// counts. JSON that cannot be read is not recorded, because nobody knows where its secrets are. JSON is also what has `json` in
/// its type, such as `application/x-ndjson`, if you add it; text that begins with `{` or `[` and can be read as JSON; and what
/// stands behind `data:` in `text/event-stream`. In a form (`application/x-www-form-urlencoded`, if you add it) the same names
/// count. Other texts have no fields: give a function.
///
/// The limit for the length of attribute values (`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, 1,024 characters by default) holds, too.
///
/// ```
/// use otelier::http::{Capture, ServerLayer};
///
/// let capture = Capture::new()
///     .with_limit(512)
///     .with_redacted_fields(["iban"])
///     .with_redaction(|body| (!body.contains("BEGIN PRIVATE KEY")).then(|| body.to_owned()));
/// let layer = ServerLayer::new().with_response_capture(capture);
/// ```
#[derive(Clone)]
pub struct Capture {
    types: Vec<Cow<'static, str>>,
    limit: usize,
    fields: Vec<String>,
    redaction: Option<Redaction>,
}

type Redaction = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("types", &self.types).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Default for Capture {
    fn default() -> Self {
        Self::new()
    }
}

impl Capture {
    /// The defaults of the table above.
    pub fn new() -> Self {
        const FIELDS: [&str; 17] = [
            "password",
            "passwd",
            "secret",
            "token",
            "access_token",
            "refresh_token",
            "id_token",
            "api_key",
            "authorization",
            "client_secret",
            "private_key",
            "cookie",
            "session",
            "pin",
            "cvv",
            "card_number",
            "ssn",
        ];
        Self {
            types: ["application/json", "application/*+json", "text/*"].map(Cow::Borrowed).to_vec(),
            limit: 1024,
            fields: FIELDS.iter().map(|name| plain(name)).collect(),
            redaction: None,
        }
    }

    /// Records bodies of these content types, in place of the default ones. A `*` stands for any text, once in a type.
    #[must_use]
    pub fn with_content_types<T: Into<Cow<'static, str>>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Records at most this many bytes of a body's beginning. Each request that is recorded may hold as many.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Replaces the values of these fields by `REDACTED`, besides those of the default list.
    #[must_use]
    pub fn with_redacted_fields<T: AsRef<str>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        self.fields.extend(fields.into_iter().map(|name| plain(name.as_ref())));
        self
    }

    /// Passes what would be recorded through a function, after the fields are redacted. With `None` nothing is recorded; with a
    /// panic neither.
    #[must_use]
    pub fn with_redaction(mut self, redaction: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.redaction = Some(Arc::new(redaction));
        self
    }

    /// What collects a body with these headers, if it is wanted.
    pub(super) fn collect(self: &Arc<Self>, headers: &HeaderMap) -> Option<Box<Collected>> {
        let text = |name| headers.get(name).and_then(|value: &::http::HeaderValue| value.to_str().ok());
        if headers.contains_key(header::CONTENT_ENCODING) && text(header::CONTENT_ENCODING) != Some("identity") {
            return None;
        }
        let content_type = text(header::CONTENT_TYPE)?;
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !self.types.iter().any(|pattern| fits(pattern, essence)) {
            return None;
        }
        let essence = essence.to_ascii_lowercase();
        let form = match essence.as_str() {
            "application/x-www-form-urlencoded" => Form::Pairs,
            // Also what is a sequence of values: `application/x-ndjson`, `application/jsonl`, `application/json-seq`.
            json if json.contains("json") => Form::Json,
            "text/event-stream" => Form::Events,
            _ => Form::Text,
        };
        Some(Box::new(Collected { capture: Arc::clone(self), form, beginning: Vec::new(), is_cut: false }))
    }
}

/// Whether a content type fits a pattern with at most one `*`, whatever the case.
fn fits(pattern: &str, text: &str) -> bool {
    let (start, end) = match pattern.split_once('*') {
        None => return pattern.eq_ignore_ascii_case(text),
        Some(parts) => parts,
    };
    let (text, start, end) = (text.as_bytes(), start.as_bytes(), end.as_bytes());
    text.len() >= start.len() + end.len()
        && text[..start.len()].eq_ignore_ascii_case(start)
        && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Pairs,
    /// Lines, of which some have JSON behind `data:`.
    Events,
    Text,
}

/// The beginning of a body.
pub(super) struct Collected {
    capture: Arc<Capture>,
    form: Form,
    beginning: Vec<u8>,
    is_cut: bool,
}

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collected").field("bytes", &self.beginning.len()).finish_non_exhaustive()
    }
}

impl Collected {
    /// Takes a copy of a piece.
    pub(super) fn add(&mut self, piece: &impl Buf) {
        let room = self.capture.limit - self.beginning.len();
        if self.is_cut {
            return;
        }
        // What lies in several places is copied as far as its first.
        let first = piece.chunk();
        let taken = first.len().min(room);
        self.beginning.extend_from_slice(&first[..taken]);
        self.is_cut = taken < piece.remaining();
    }

    /// What is recorded of a body that was sent whole or not, and whether it is only a part of the body.
    pub(super) fn finish(mut self, is_whole: bool) -> Option<(String, bool)> {
        self.is_cut |= !is_whole;
        let text = match std::str::from_utf8(&self.beginning) {
            Ok(text) => text,
            // A character that the limit has cut; anything else is no text.
            Err(error) if error.error_len().is_none() && self.is_cut => {
                std::str::from_utf8(&self.beginning[..error.valid_up_to()]).ok()?
            }
            Err(_) => return None,
        };
        if text.is_empty() {
            return None;
        }
        let text = match self.form {
            Form::Json => json::redact(text, &self.capture.fields)?,
            Form::Pairs => self.pairs(text),
            Form::Events => self.events(text)?,
            // Many send JSON as text.
            Form::Text if text.trim_start().starts_with(['{', '[']) => {
                json::redact(text, &self.capture.fields).unwrap_or_else(|| text.to_owned())
            }
            Form::Text => text.to_owned(),
        };
        let text = match &self.capture.redaction {
            None => text,
            Some(redaction) => catch_unwind(AssertUnwindSafe(|| redaction(&text))).ok().flatten()?,
        };
        Some((text, self.is_cut))
    }

    fn events(&self, text: &str) -> Option<String> {
        let line = |line: &str| match line.split_once(':') {
            Some((name, data)) if data.trim_start().starts_with(['{', '[']) => {
                json::redact(data, &self.capture.fields).map(|data| format!("{name}:{data}"))
            }
            _ => Some(line.to_owned()),
        };
        text.split_inclusive('\n').map(line).collect()
    }

    fn pairs(&self, text: &str) -> String {
        let pair = |pair: &str| match pair.split_once('=') {
            // A name that is written with `%` is not compared, and so shows nothing.
            Some((name, _)) if name.contains('%') || json::is_secret(name, &self.capture.fields) => {
                format!("{name}={REDACTED}")
            }
            _ => pair.to_owned(),
        };
        let pairs = text.split('&').map(pair).collect::<Vec<_>>().join("&");
        url::query(&pairs).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    fn captured(capture: Capture, content_type: &'static str, pieces: &[&[u8]]) -> Option<(String, bool)> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let mut collected = Arc::new(capture).collect(&headers)?;
        pieces.iter().for_each(|piece| collected.add(piece));
        collected.finish(true)
    }

    #[test]
    fn only_bodies_of_the_wanted_types_are_kept() {
        for wanted in ["application/json", "Application/JSON; charset=utf-8", "text/plain", "application/problem+json"]
        {
            assert!(captured(Capture::new(), wanted, &[b"1"]).is_some(), "{wanted}");
        }
        for other in ["image/png", "application/octet-stream", "application/x-www-form-urlencoded", ""] {
            assert!(captured(Capture::new(), other, &[b"1"]).is_none(), "{other}");
        }
    }

    #[test]
    fn the_beginning_is_cut_between_two_characters() {
        let cut = captured(Capture::new().with_limit(4), "text/plain", &["äö".as_bytes(), "ü".as_bytes()]);
        assert_eq!(cut, Some(("äö".to_owned(), true)));
        let cut = captured(Capture::new().with_limit(3), "text/plain", &["äö".as_bytes()]);
        assert_eq!(cut, Some(("ä".to_owned(), true)));
        let whole = captured(Capture::new().with_limit(4), "text/plain", &["ä".as_bytes(), "ö".as_bytes()]);
        assert_eq!(whole, Some(("äö".to_owned(), false)));
        assert_eq!(captured(Capture::new(), "text/plain", &[b"\xff"]), None);
    }

    #[test]
    fn json_is_known_by_more_than_one_type() {
        let lines = &b"{\"a\":1,\"token\":\"5ecret\"}\n{\"pin\":[\"5ecret\"]}\n"[..];
        let redacted = "{\"a\":1,\"token\":\"REDACTED\"}\n{\"pin\":\"REDACTED\"}\n";
        for of in ["application/x-ndjson", "application/jsonl", "application/json-seq", "text/x-json", "text/plain"] {
            let text = captured(Capture::new().with_content_types([of]), of, &[lines]);
            assert_eq!(text.expect("it is text").0, redacted, "{of}");
        }
        let events = b"event: x\ndata: {\"token\": \"5ecret\"}\n\ndata:[{\"pin\":1}]\n: note\ndata: plain\n";
        let shown = captured(Capture::new(), "text/event-stream", &[events]).expect("it is text").0;
        assert_eq!(
            shown,
            "event: x\ndata: {\"token\":\"REDACTED\"}\n\ndata:[{\"pin\":\"REDACTED\"}]\n: note\ndata: plain\n"
        );
        assert_eq!(
            captured(Capture::new(), "text/event-stream", &[b"data: {\"token\": 5ecret"])
                .map(|(text, _)| text.contains("5ecret")),
            Some(false)
        );
        assert_eq!(
            captured(Capture::new(), "text/plain", &[b"[12:00] started"]).expect("it is text").0,
            "[12:00] started"
        );
    }

    #[test]
    fn a_body_that_was_not_sent_whole_is_cut_wherever_that_was() {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        let mut collected = Arc::new(Capture::new()).collect(&headers).unwrap();
        collected.add(&&b"a\xc3"[..]);
        assert_eq!(collected.finish(false), Some(("a".to_owned(), true)));
    }

    #[test]
    fn secrets_of_forms_and_texts_are_replaced() {
        let forms = Capture::new().with_content_types(["application/x-www-form-urlencoded"]);
        let text = captured(forms, "application/x-www-form-urlencoded", &[b"user[pin]=1&user.pin=2&spin=3"]);
        assert_eq!(text.unwrap().0, "user[pin]=REDACTED&user.pin=REDACTED&spin=3");
        let forms = Capture::new().with_content_types(["application/x-www-form-urlencoded"]);
        let text = captured(forms, "application/x-www-form-urlencoded", &[b"a=1&card-number=2&sig=3&%70in=4"]);
        assert_eq!(text.unwrap().0, "a=1&card-number=REDACTED&sig=REDACTED&%70in=REDACTED");
        let own = Capture::new().with_redaction(|text| Some(text.replace("4711", "…")));
        assert_eq!(captured(own, "text/plain", &[b"card 4711"]).unwrap().0, "card …");
        assert_eq!(captured(Capture::new().with_redaction(|_| None), "text/plain", &[b"x"]), None);
        assert_eq!(captured(Capture::new().with_redaction(|_| panic!("no")), "text/plain", &[b"x"]), None);
    }
}
