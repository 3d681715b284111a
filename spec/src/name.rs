//! Rules for attribute names.

/// Last segments of names that stand for credentials.
const CREDENTIALS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "api_key",
    "apikey",
    "token",
    "authorization",
    "private_key",
    "credit_card",
];

/// Whether a name (or its last segment) looks like a credential: `app.password`, `crypto.api_key`, `user.auth_token`.
pub fn looks_like_a_credential(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    CREDENTIALS.iter().any(|word| last == *word || last.strip_suffix(word).is_some_and(|before| before.ends_with('_')))
}

/// Whether a name follows OpenTelemetry's rules: lower case segments between dots, at least two of them.
pub fn is_attribute_name(name: &str) -> bool {
    name.contains('.') && is_name(name)
}

/// Whether `name` is lower case segments between dots. An event or a group may have a single one: `exception`.
pub fn is_name(name: &str) -> bool {
    name.split('.').all(|segment| {
        segment.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
            && segment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_seen_in_the_last_segment() {
        for name in ["app.password", "crypto.api_key", "auth_token", "user.session_secret"] {
            assert!(looks_like_a_credential(name), "{name}");
        }
        for name in ["token.count", "app.tokens", "crypto.symbol", "passwordless"] {
            assert!(!looks_like_a_credential(name), "{name}");
        }
    }

    #[test]
    fn names_need_a_namespace_and_lower_case() {
        for name in ["app.order_id", "http.request.header.content-type", "a.b2"] {
            assert!(is_attribute_name(name), "{name}");
        }
        for name in ["app", "App.x", "app..x", "app.", ".x", "app.2x", "app.a b"] {
            assert!(!is_attribute_name(name), "{name}");
        }
    }
}
