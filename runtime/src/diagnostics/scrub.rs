//! URLs without credentials.

use std::borrow::Cow;

/// The text with `…` in place of the user and the password of every URL in it: errors of libraries and names of exporters
/// may repeat a URL as it was configured.
pub(crate) fn scrubbed(text: &str) -> Cow<'_, str> {
    if !text.contains("://") || !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + 3);
        clean.push_str(before);
        let ends = after.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).unwrap_or(after.len());
        let ends = after[..ends].find("://").unwrap_or(ends);
        // A password may hold a slash that is not percent-encoded. So the last `@` counts, also one of a path: rather a
        // host too few in a message than a password too many.
        rest = match after[..ends].rfind('@') {
            Some(at) => {
                clean.push('…');
                &after[at..]
            }
            None => after,
        };
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::scrubbed;

    #[test]
    fn users_and_passwords_of_urls_are_hidden() {
        for (text, clean) in [
            ("http://u:p@host:1/x", "http://…@host:1/x"),
            ("to http://u:p@a/x and https://v@b.", "to http://…@a/x and https://…@b."),
            ("http://u:p/w@host/x", "http://…@host/x"),
            ("http://host/x", "http://host/x"),
            ("mail me@home, see http://host/x", "mail me@home, see http://host/x"),
            ("`http://u:p@host`", "`http://…@host`"),
            ("://@", "://…@"),
        ] {
            assert_eq!(scrubbed(text), clean, "{text}");
        }
    }
}
