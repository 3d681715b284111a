//! JSON without the values of some fields, also where its end is cut off.

/// What stands in place of a value.
pub(super) const REDACTED: &str = "REDACTED";

/// A field's name as it is compared: without case, and without what separates words.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

/// Whether a field of this name, or of its last part as in `user.password` and `user[password]`, is one of these.
pub(super) fn is_secret(name: &str, fields: &[String]) -> bool {
    let last = name.trim_end_matches(['[', ']']).rsplit(['.', '[', ']', '/']).next().unwrap_or_default();
    fields.contains(&plain(name)) || (last.len() < name.len() && fields.contains(&plain(last)))
}

/// The text with the values of these fields replaced, whatever they are. `None` if it is no JSON, because nobody knows then what is
/// a field. The text may end anywhere.
pub(super) fn redact(text: &str, fields: &[String]) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '"' => string(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => &rest[..1],
            c if c.is_ascii_whitespace() => &rest[..1],
            _ => literal(rest)?,
        };
        result.push_str(token);
        rest = &rest[token.len()..];
        if first == '"' {
            let blank = rest.len() - rest.trim_ascii_start().len();
            let is_name = rest[blank..].starts_with(':');
            if is_name && is_secret(&unescaped(token), fields) {
                let value = &rest[blank + 1..];
                result.push_str(":\"REDACTED\"");
                rest = behind_value(value);
            }
        }
    }
    Some(result)
}

/// The string at the beginning, with its quotes, or all there is if it has no end.
fn string(text: &str) -> &str {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return &text[..=at],
            _ => {}
        }
    }
    text
}

/// The number or the word at the beginning.
fn literal(text: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let length = text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len());
    let (token, is_cut) = (&text[..length], length == text.len());
    let is_number = token.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && token.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    let is_word = ["true", "false", "null"].iter().any(|word| *word == token || (is_cut && word.starts_with(token)));
    (length > 0 && (is_number || is_word)).then_some(token)
}

/// What follows the value at the beginning.
fn behind_value(text: &str) -> &str {
    let mut rest = text.trim_ascii_start();
    let mut depth = 0_usize;
    loop {
        let Some(first) = rest.bytes().next() else { return rest };
        match first {
            b'"' => rest = &rest[string(rest).len()..],
            b'{' | b'[' => {
                depth += 1;
                rest = &rest[1..];
            }
            b'}' | b']' if depth == 0 => return rest,
            b'}' | b']' => {
                depth -= 1;
                rest = &rest[1..];
            }
            b',' if depth == 0 => return rest,
            _ => {
                let next = rest.char_indices().nth(1).map_or(rest.len(), |(at, _)| at);
                rest = &rest[next..];
                continue;
            }
        }
        if depth == 0 {
            return rest;
        }
    }
}

/// What a string says.
fn unescaped(token: &str) -> String {
    let inner = token.trim_start_matches('"');
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut result = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.strip_prefix('u').and_then(|rest| rest.get(..4));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(number) => {
                result.extend(char::from_u32(number));
                rest = &rest[5..];
            }
            None => {
                // Of the others none is part of a name that is compared; the character stands for itself.
                let next = rest.chars().next();
                result.extend(next);
                rest = &rest[next.map_or(0, char::len_utf8)..];
            }
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> Option<String> {
        redact(text, &[plain("password"), plain("api_key")])
    }

    #[test]
    fn values_of_every_kind_are_replaced_wherever_they_stand() {
        let text = r#"{"a":1, "password" : "x\"y", "b":[{"apiKey":{"c":[1,"}"]}},2], "PASS-WORD":17}"#;
        let expected = r#"{"a":1, "password":"REDACTED", "b":[{"apiKey":"REDACTED"},2], "PASS-WORD":"REDACTED"}"#;
        assert_eq!(redacted(text).as_deref(), Some(expected));
        assert_eq!(redacted(r#"{"\u0070assword":"x"}"#).as_deref(), Some(r#"{"\u0070assword":"REDACTED"}"#));
        for name in
            ["pass\\u0077ord", "\\u0050ASS\\u0057ORD", "user.password", "user[password]", "a/api_key", "password[]"]
        {
            let shown = redacted(&format!(r#"{{"{name}":"x","{name}":["x"]}}"#));
            assert_eq!(shown, Some(format!(r#"{{"{name}":"REDACTED","{name}":"REDACTED"}}"#)));
        }
        assert_eq!(redacted(r#"["password","x"]"#).as_deref(), Some(r#"["password","x"]"#));
    }

    #[test]
    fn text_that_ends_anywhere_shows_nothing_of_a_secret() {
        let text = r#"{"ä":true,"password":{"deep":["se\"cret"]},"n":-1.5e3,"api_key":"se"}"#;
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let shown = redacted(&text[..end]).unwrap_or_else(|| panic!("{}", &text[..end]));
            assert!(!shown.contains("se"), "{shown}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[{\"password\":".repeat(200_000);
        assert_eq!(redacted(&deep).as_deref(), Some("[{\"password\":\"REDACTED\""));
        let deep = format!("{}\"password\":\"5ecret\"", "{\"a\":[".repeat(200_000));
        assert!(!redacted(&deep).expect("it is JSON").contains("5ecret"));
    }

    #[test]
    fn what_is_no_json_is_not_shown() {
        for text in ["{password: 'x'}", "password=x", "<a/>", "{'password': 1}", "{\"a\":nul}", "ä"] {
            assert_eq!(redacted(text), None, "{text}");
        }
    }
}
