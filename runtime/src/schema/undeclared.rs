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
    pub const fn __undeclared_attribute(_what: &str, id: &str, attributes: &[AttributeDef], attribute: &str) {
        not_declared(id, attributes, attribute);
    }
}

impl Warn {
    #[doc(hidden)]
    #[track_caller]
    #[deprecated(note = "the schema does not declare this attribute; declare it, or write `undeclared = allow;` there")]
    pub const fn __undeclared_attribute(_what: &str, id: &str, attributes: &[AttributeDef], attribute: &str) {
        not_declared(id, attributes, attribute);
    }
}

impl Deny {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __undeclared_attribute(what: &str, id: &str, attributes: &[AttributeDef], attribute: &str) {
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
        let (name, is_template) = (attributes[i].name, starts_with(attributes[i].value_type, "template["));
        let instead = if super::message::equal(name.as_bytes(), attribute.as_bytes()) {
            "`; write it without quotes, so that its value is checked"
        } else if is_template
            && name.len() + 1 < attribute.len()
            && starts_with(attribute, name)
            && attribute.as_bytes()[name.len()] == b'.'
        {
            "` as one of a template; write `template[\"key\"] = value`, so that its value is checked"
        } else {
            i += 1;
            continue;
        };
        refuse(id, " declares attribute `", attribute, instead);
    }
}

#[track_caller]
const fn refuse(id: &str, says: &str, attribute: &str, instead: &str) -> ! {
    let message = Message::new().push("`").push(id).push("`").push(says).push(attribute).push(instead);
    panic!("{}", message.as_str())
}

const fn starts_with(text: &str, start: &str) -> bool {
    text.len() >= start.len() && super::message::equal(text.as_bytes().split_at(start.len()).0, start.as_bytes())
}
