//! How values are shown in problems: short, and without passwords.

use super::{Node, Value};

/// What is shown of a text that may be long.
pub(crate) fn short(text: &str) -> String {
    const MOST: usize = 60;
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let shown: String = chars.by_ref().take(MOST).collect();
    if chars.next().is_some() { format!("{shown}…") } else { shown }
}

/// The text without what stands before `@` in a URL.
pub(crate) fn without_password(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let end = after.find(is_end).unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(user) => {
                // As wide as it was, so that marks below it stay right.
                out.extend(after[..user].chars().map(|_| '*'));
                &after[user..]
            }
            None => after,
        };
        // Some receivers take their keys as a query.
        let is_url = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '`' | ',' | '}' | ']');
        let url = rest.find(|c| !is_url(c)).unwrap_or(rest.len());
        if let Some(query) = rest[..url].find('?') {
            out.push_str(&rest[..=query]);
            out.extend(rest[query + 1..url].chars().map(|_| '*'));
            rest = &rest[url..];
        }
    }
    out.push_str(rest);
    out
}

/// What was found: a scalar in backticks, of anything else only what it is.
pub(crate) fn found(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Integer(value) => format!("`{value}`"),
        Value::Number(value) => format!("`{value}`"),
        Value::Text(text) => format!("`{}`", short(&without_password(text))),
        Value::List(items) if items.is_empty() => "an empty list".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
    }
}

/// What it is, without saying what is in it.
pub(crate) fn kind(node: &Node) -> &'static str {
    match &node.value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Integer(_) | Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_not_shown() {
        assert_eq!(without_password("a http://u:p@host/x@y b"), "a http://***@host/x@y b");
        assert_eq!(without_password("http://host/"), "http://host/");
        assert_eq!(without_password("://@"), "://@");
        assert_eq!(without_password("{a: http://host/x?key=1, b: ?}"), "{a: http://host/x?*****, b: ?}");
        assert_eq!(without_password("http://u:p@host?a=b://c d"), "http://***@host?******* d");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(short(&"x".repeat(60)).chars().count(), 60);
        assert_eq!(short(&"x".repeat(100)).chars().count(), 61);
        assert_eq!(short("a\nb"), "a b");
    }
}
