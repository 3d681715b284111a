//! Percent-encoding, as environment variables and headers have it.

/// The text with `%20` and its like replaced; `None` if a `%` stands alone or the result is not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (digits, after) = rest.split_first_chunk::<2>()?;
            let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
            bytes.push((high? * 16 + low?) as u8);
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The text with everything as `%20` and its like that could mean something in a URL or a header.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["", "a b", "äö=,;%", "\u{0}\u{1f600}+"] {
            assert_eq!(percent_decoded(&percent_encoded(text)).as_deref(), Some(text));
        }
        assert_eq!(percent_encoded("a b/ä~"), "a%20b%2F%C3%A4~");
    }

    #[test]
    fn broken_escapes_are_nothing() {
        assert_eq!(percent_decoded("a%20b%2f"), Some("a b/".to_owned()));
        for broken in ["%", "%2", "%zz", "%ff", "%+1", "%é"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }
}
