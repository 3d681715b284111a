//! What becomes of attributes that an annotation adds under string keys: one type per level, so that rustc can warn.

use super::{AttributeDef, Message};

/// They are accepted.
#[derive(Clone, Copy, Debug)]
pub struct Allow;

/// They are accepted, with a warning that `#![deny(deprecated)]` makes an error.
#[derive(Clone, Copy, Debug)]
pub struct Warn;

/// They do not compile.
#[derive(Clone, Copy, Debug)]
pub struct Deny;

impl Allow {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __check(_what: &str, id: &str, attributes: &[AttributeDef], attribute: &str) {
        not_declared(id, attributes, attribute);
    }
}

impl Warn {
    #[doc(hidden)]
    #[track_caller]
    #[deprecated(note = "the schema does not declare this attribute; declare it, or write `undeclared = allow;` there")]
    pub const fn __check(_what: &str, id: &str, attributes: &[AttributeDef], attribute: &str) {
        not_declared(id, attributes, attribute);
    }
}

impl Deny {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __check(what: &str, id: &str, attributes: &[AttributeDef], attribute: &str) {
        not_declared(id, attributes, attribute);
        let message = Message::new()
            .push(what)
            .push(" `")
            .push(id)
            .push("` is closed and does not declare attribute `")
            .push(attribute)
            .push("`; declare it, or write `open;` in the schema");
        panic!("{}", message.as_str())
    }
}

/// A string key must not get around the checks of a declared attribute.
#[track_caller]
const fn not_declared(id: &str, attributes: &[AttributeDef], attribute: &str) {
    let mut i = 0;
    while i < attributes.len() {
        if super::message::equal(attributes[i].name.as_bytes(), attribute.as_bytes()) {
            let message = Message::new()
                .push("`")
                .push(id)
                .push("` declares attribute `")
                .push(attribute)
                .push("`; write it without quotes, so that its value is checked");
            panic!("{}", message.as_str())
        }
        i += 1;
    }
}
