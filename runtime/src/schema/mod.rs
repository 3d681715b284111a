//! Span schemas: declared once with [`span_schema!`](crate::span_schema), checked by rustc at every annotation.
//!
//! The ready ones are in the modules below; [`ALL`] lists them.

mod message;
mod packs;
#[cfg(feature = "registry")]
pub mod registry;
pub mod undeclared;

use crate::attribute::{FieldDef, Mask};
use message::Message;
pub use otelier_spec::{Kind, Level, Requirement, Sensitivity, Stability};
pub use packs::{
    ALL, EVENTS, GROUPS, business, cicd, common, crypto, database, etl, http, job, lakehouse, messaging, performance,
    startup, storage, test, workflow,
};

/// A span schema. Implemented by [`span_schema!`](crate::span_schema) and `#[derive(SpanSchema)]` only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a span schema",
    label = "expected a schema",
    note = "declare one with `span_schema!`, or take one of `otelier::schema`; attribute groups are for `include`, event schemas for \
            `event!`"
)]
pub trait Schema {
    /// The tree of attribute keys: `KEYS.crypto.symbol` is the key of `crypto.symbol`.
    type Keys: 'static;
    /// What becomes of attributes that are not declared: a type of [`undeclared`].
    type Undeclared;
    /// The keys; annotations reach attributes through them, so that a misspelt name is an unknown field.
    const KEYS: &'static Self::Keys;
    /// Everything the declaration says.
    const DEF: &'static SchemaDef;
    /// The bits of the required attributes.
    const REQUIRED: u128;
}

/// The schema of an event. Implemented by [`event_schema!`](crate::event_schema) only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event schema",
    label = "expected the schema of an event",
    note = "declare one with `event_schema!`, or give the event's name as a string"
)]
pub trait EventSchema {
    /// The tree of attribute keys, as in [`Schema::Keys`].
    type Keys: 'static;
    /// What becomes of attributes that are not declared: a type of [`undeclared`].
    type Undeclared;
    /// The keys.
    const KEYS: &'static Self::Keys;
    /// Everything the declaration says.
    const DEF: &'static EventDef;
    /// The bits of the required attributes.
    const REQUIRED: u128;
}

/// Attributes that schemas share. Implemented by [`attribute_group!`](crate::attribute_group) only.
pub trait AttributeGroup {
    /// Everything the declaration says.
    const DEF: &'static GroupDef;
}

/// The Rust enum of a declaration's attribute with this number; those who take the attribute over name it so.
#[doc(hidden)]
pub trait TypeOf<const NUMBER: usize> {
    /// The enum. What is no `EnumAttribute` is refused where the declaration uses it, so without a bound here, once.
    type Type;
}

macro_rules! definitions {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $none:expr,)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// Keeps literals out of other crates, so that fields can be added.
            #[doc(hidden)]
            pub __more: (),
        }

        impl $name {
            /// A definition that says nothing; declarations fill it in.
            #[doc(hidden)]
            pub const __NEW: Self = Self { $($field: $none,)* __more: () };
        }
    )* };
}

definitions! {
    /// What a span schema declares.
    SchemaDef {
        /// The span type, such as `crypto.exchange_api`.
        id: &'static str = "",
        /// What the span stands for.
        doc: &'static str = "",
        /// More about it.
        note: &'static str = "",
        /// The span kind every span of this schema has.
        kind: Kind = Kind::Internal,
        /// The span's name, with `{attribute}` in place of values; empty if spans are named after the schema's id.
        name: &'static str = "",
        /// What becomes of attributes that annotations add under string keys.
        undeclared: Level = Level::Deny,
        /// How settled it is.
        stability: Stability = Stability::Development,
        /// What to use instead.
        deprecated: Option<Deprecated> = None,
        /// The declared attributes.
        attributes: &'static [AttributeDef] = &[],
        /// Attributes that every span of this schema has with one value.
        constants: &'static [(&'static str, &'static str)] = &[],
    }

    /// What an event schema declares.
    EventDef {
        /// The event's name, such as `app.retry_scheduled`.
        id: &'static str = "",
        /// What the event says.
        doc: &'static str = "",
        /// More about it.
        note: &'static str = "",
        /// What becomes of attributes that are added under string keys.
        undeclared: Level = Level::Deny,
        /// How settled it is.
        stability: Stability = Stability::Development,
        /// What to use instead.
        deprecated: Option<Deprecated> = None,
        /// The declared attributes.
        attributes: &'static [AttributeDef] = &[],
        /// Attributes that every event of this schema has with one value.
        constants: &'static [(&'static str, &'static str)] = &[],
    }

    /// What an attribute group declares.
    GroupDef {
        /// The group's id, or empty.
        id: &'static str = "",
        /// What its attributes say together.
        doc: &'static str = "",
        /// More about it.
        note: &'static str = "",
        /// How settled it is.
        stability: Stability = Stability::Development,
        /// What to use instead.
        deprecated: Option<Deprecated> = None,
        /// The declared attributes, with those of the groups it includes.
        attributes: &'static [AttributeDef] = &[],
    }

    /// One attribute of a schema.
    AttributeDef {
        /// The attribute's name; a template's without its `<key>`.
        name: &'static str = "",
        /// Its type in OpenTelemetry's notation: `string`, `int[]`, `template[string]`, `any`.
        value_type: &'static str = "string",
        /// How much it is needed.
        requirement: Requirement = Requirement::Recommended,
        /// When it is needed, if the requirement depends on something.
        condition: &'static str = "",
        /// Whether it is known only while the operation runs.
        late: bool = false,
        /// Who may see its values.
        sensitivity: Sensitivity = Sensitivity::Public,
        /// The unit of the value in UCUM notation, or empty.
        unit: &'static str = "",
        /// The set of values; empty if there is none.
        values: &'static [&'static str] = &[],
        /// What the values mean, one by one, or nothing.
        value_docs: &'static [&'static str] = &[],
        /// Whether values beside those of the set are allowed.
        open: bool = false,
        /// The name of the Rust enum that stands for the set, or empty.
        rust_enum: &'static str = "",
        /// How settled it is.
        stability: Stability = Stability::Development,
        /// What to use instead.
        deprecated: Option<Deprecated> = None,
        /// What the attribute means.
        doc: &'static str = "",
        /// More about it.
        note: &'static str = "",
        /// Values it may have.
        examples: &'static [&'static str] = &[],
    }
}

/// Why something should not be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deprecated {
    /// The new name, or empty.
    pub renamed_to: &'static str,
    /// What to do instead, or empty.
    pub note: &'static str,
}

/// Refuses, at compile time, an annotation that lacks required attributes. `given` holds the bits of those it has.
#[track_caller]
pub(crate) const fn check_required<S: Schema>(given: u128) {
    if given & S::REQUIRED != S::REQUIRED {
        missing("span", S::DEF.id, S::DEF.attributes, given)
    }
}

/// Refuses, at compile time, an event that lacks required attributes.
#[doc(hidden)]
#[track_caller]
pub const fn check_event<E: EventSchema>(given: u128) {
    if given & E::REQUIRED != E::REQUIRED {
        missing("event", E::DEF.id, E::DEF.attributes, given)
    }
}

#[track_caller]
const fn missing(what: &str, id: &str, attributes: &[AttributeDef], given: u128) -> ! {
    let mut list = Message::new();
    let mut count = 0;
    let is_span = what.len() == "span".len();
    let (mut late, mut records, mut late_count) = (Message::new(), Message::new(), 0);
    let mut i = 0;
    while i < attributes.len() {
        let attribute = &attributes[i];
        if matches!(attribute.requirement, Requirement::Required) && given & (1 << i) == 0 {
            if count > 0 {
                list = list.push(", ");
            }
            let value_type = if attribute.values.is_empty() { attribute.value_type } else { "enum" };
            list = list.push("`").push(attribute.name).push("` (").push(value_type).push(")");
            // Whoever calls an event knows all of it.
            if attribute.late && is_span {
                late = late.push(if late_count > 0 { ", " } else { "" }).push(attribute.name);
                records = records.push(if late_count > 0 { " and `record!(" } else { "`record!(" });
                records = records.push(attribute.name).push(" = value);`");
                late_count += 1;
            }
            count += 1;
        }
        i += 1;
    }
    let mut message = Message::new()
        .push(what)
        .push(" `")
        .push(id)
        .push(if count == 1 { "` is missing its required attribute " } else { "` is missing its required attributes " })
        .push(list.as_str());
    if late_count > 0 {
        message = message.push(if late_count == count {
            "; known late: write `late("
        } else {
            "; of these are known late: write `late("
        });
        message = message.push(late.as_str()).push(")`, and ").push(records.as_str()).push(" in the body");
    }
    panic!("{}", message.as_str())
}

/// Refuses, at compile time, a string literal that is not one of the attribute's values.
#[doc(hidden)]
#[track_caller]
pub const fn check_string(attribute: &str, allowed: crate::attribute::Allowed, value: &str) {
    if let crate::attribute::Allowed::Strings(allowed) = allowed {
        check_value(attribute, allowed, value, true);
    }
}

/// Refuses, at compile time, an integer literal that is not one of the attribute's values.
#[doc(hidden)]
#[track_caller]
pub const fn check_int(attribute: &str, allowed: crate::attribute::Allowed, value: &str) {
    if let crate::attribute::Allowed::Ints(allowed) = allowed {
        check_value(attribute, allowed, value, false);
    }
}

#[track_caller]
const fn check_value(attribute: &str, allowed: &[&str], value: &str, is_text: bool) {
    if message::contains(allowed, value) {
        return;
    }
    let mut message =
        Message::new().push("`").push(value).push("` is not a value of attribute `").push(attribute).push("`");
    // A number is not misspelt.
    message = match message::nearest(allowed, value) {
        Some(near) if is_text => message.push("; did you mean `").push(near).push("`?"),
        _ => message.push("; expected ").push_list(allowed),
    };
    panic!("{}", message.as_str())
}

/// Refuses, at compile time, a span kind other than the schema's.
#[doc(hidden)]
#[track_caller]
pub const fn check_kind(def: &SchemaDef, kind: Kind) {
    if def.kind as u8 != kind as u8 {
        let message = Message::new()
            .push("span `")
            .push(def.id)
            .push("` is declared with kind `")
            .push(def.kind.as_str())
            .push("`, not `")
            .push(kind.as_str())
            .push("`; leave `kind` out");
        panic!("{}", message.as_str())
    }
}

/// Refuses, while compiling, attributes of a struct that a closed schema does not declare, or that would show what the
/// schema does not want to be seen.
#[track_caller]
///
/// `below` is the name that they stand below in place of their prefix; empty if they have their own names.
pub(crate) const fn check_fields(
    what: &str,
    id: &str,
    undeclared: Level,
    attributes: &[AttributeDef],
    below: &str,
    fields: &[FieldDef],
) {
    let mut i = 0;
    while i < fields.len() {
        let field = &fields[i];
        i += 1;
        let name = if below.is_empty() || field.local.is_empty() {
            Message::new().push(field.name)
        } else {
            Message::new().push(below).push(".").push(field.local)
        };
        if !field.parts.is_empty() {
            // Nested fields stand below the field's name; flattened ones, which have no name, have their own.
            let below = if field.name.is_empty() { "" } else { name.as_str() };
            check_fields(what, id, undeclared, attributes, below, field.parts);
            continue;
        }
        let name = name.as_str();
        let mut known = false;
        let mut j = 0;
        while j < attributes.len() {
            let attribute = &attributes[j];
            j += 1;
            if !message::equal(attribute.name.as_bytes(), name.as_bytes()) {
                continue;
            }
            known = true;
            let fits = match attribute.sensitivity {
                Sensitivity::Public => true,
                Sensitivity::Personal | Sensitivity::Sensitive => !matches!(field.mask, Mask::Clear),
                Sensitivity::Secret => matches!(field.mask, Mask::Redact),
            };
            if !fits {
                let message = Message::new()
                    .push(what)
                    .push(" `")
                    .push(id)
                    .push("` declares the ")
                    .push(attribute.sensitivity.as_str())
                    .push(" attribute `")
                    .push(name)
                    .push("`, and the field behind `..` is not masked so; write `#[attribute(")
                    .push(if matches!(attribute.sensitivity, Sensitivity::Secret) { "redact" } else { "hash" })
                    .push(")]` above it");
                panic!("{}", message.as_str())
            }
        }
        if !known && matches!(undeclared, Level::Deny) {
            let message = Message::new()
                .push(what)
                .push(" `")
                .push(id)
                .push("` is closed and does not declare attribute `")
                .push(name)
                .push("`, which the value behind `..` has; declare it, or write `open;` in the schema");
            panic!("{}", message.as_str())
        }
    }
}
