//! Values that must not be seen.

use super::value::{Masked, PersonalValue, SecretValue, Slot, redact};
use std::fmt;

/// A value that is neither printed nor recorded: a password, a key, a token.
///
/// It is no value for a plain attribute, so a slip does not compile; sensitive, secret and personal ones record
/// `[redacted]`. `Debug` and `Display` show the same, so it does not get out by a log line or a derived `Debug` either.
///
/// ```
/// use otelier::Secret;
///
/// #[derive(Debug)]
/// struct Login { user: &'static str, password: Secret<String> }
///
/// let login = Login { user: "ann", password: Secret::new("hunter2".to_owned()) };
/// assert_eq!(format!("{login:?}"), r#"Login { user: "ann", password: [redacted] }"#);
/// assert_eq!(login.password.expose(), "hunter2");
/// ```
///
/// ```compile_fail
/// #[otelier::trace(app.user = login)]
/// fn enter(login: &otelier::Secret<String>) {}
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for those who need it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[diagnostic::do_not_recommend]
impl<T> Masked for Secret<T> {
    fn record(&self, slot: Slot<'_>) {
        Masked::record(&redact(&self.0), slot);
    }
}

#[diagnostic::do_not_recommend]
impl<T> SecretValue for Secret<T> {
    fn record(&self, slot: Slot<'_>) {
        SecretValue::record(&redact(&self.0), slot);
    }
}

#[diagnostic::do_not_recommend]
impl<T, K> PersonalValue<K> for Secret<T> {
    fn record(&self, slot: Slot<'_>) {
        Masked::record(&redact(&self.0), slot);
    }
}
