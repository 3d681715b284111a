//! Span schemas: declared once with [`span_schema!`](crate::span_schema), checked by rustc at every annotation.
//!
//! The ready ones are in the modules below; [`ALL`] lists them.

/// Declares an enum whose variants are the values of an attribute.
macro_rules! value_enum {
    ($(#[$doc:meta])* pub $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl crate::attribute::EnumAttribute for $name {
            const VALUES: &'static [&'static str] = &[$($value),*];

            fn value(&self) -> &'static str {
                match self {
                    $(Self::$variant => $value,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(crate::attribute::EnumAttribute::value(self))
            }
        }
    };
}

pub mod crypto;
pub mod http;
mod message;
pub mod storage;
pub mod workflow;

use message::Message;
pub use otelier_spec::Kind;

/// A span schema. Implemented by [`span_schema!`](crate::span_schema) only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a span schema",
    label = "expected a schema",
    note = "declare one with `span_schema!`, or take one of `otelier::schema`"
)]
pub trait Schema {
    /// The tree of attribute keys: `KEYS.crypto.symbol` is the key of `crypto.symbol`.
    type Keys: 'static;
    /// The keys; annotations reach attributes through them, so that a misspelt name is an unknown field.
    const KEYS: &'static Self::Keys;
    /// Everything the declaration says.
    const DEF: &'static SchemaDef;
    /// The bits of the required attributes.
    const REQUIRED: u128;
}

/// What a schema declares.
#[derive(Debug)]
#[non_exhaustive]
pub struct SchemaDef {
    /// The span's type, such as `crypto.exchange_api`.
    pub id: &'static str,
    /// What the span stands for.
    pub doc: &'static str,
    /// The span kind every span of this schema has.
    pub kind: Kind,
    /// The span's name, with `{attribute}` in place of values; empty if spans are named after the schema's id.
    pub name: &'static str,
    /// Whether annotations may add attributes that are not declared here, under string keys.
    pub open: bool,
    /// The declared attributes.
    pub attributes: &'static [AttributeDef],
    /// Attributes that every span of this schema has with one value.
    pub constants: &'static [(&'static str, &'static str)],
}

/// One attribute of a schema.
#[derive(Debug)]
#[non_exhaustive]
pub struct AttributeDef {
    /// The attribute's name.
    pub name: &'static str,
    /// Its type: `string`, `int`, `double`, `boolean` or `enum`.
    pub value_type: &'static str,
    /// How much it is needed.
    pub requirement: Requirement,
    /// Whether only masked values are accepted.
    pub sensitive: bool,
    /// The unit of the value in UCUM notation, or empty.
    pub unit: &'static str,
    /// The closed set of values; empty if any value is allowed.
    pub values: &'static [&'static str],
    /// What to write instead, if the attribute is deprecated.
    pub deprecated: Option<&'static str>,
    /// What the attribute means.
    pub doc: &'static str,
}

/// OpenTelemetry's requirement levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// Every span has it; an annotation without it does not compile.
    Required,
    /// Spans should have it.
    Recommended,
    /// Spans have it when somebody asks for it.
    OptIn,
}

impl Requirement {
    /// The specification's word for the level.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Recommended => "recommended",
            Self::OptIn => "opt_in",
        }
    }
}

/// Every schema that comes with this crate.
pub const ALL: &[&SchemaDef] = &[
    workflow::Workflow::DEF,
    workflow::Stage::DEF,
    crypto::ExchangeApi::DEF,
    crypto::Ingestion::DEF,
    crypto::Processing::DEF,
    storage::Operation::DEF,
];

impl SchemaDef {
    #[doc(hidden)]
    #[allow(clippy::too_many_arguments)]
    pub const fn __new(
        id: &'static str,
        doc: &'static str,
        kind: Kind,
        name: &'static str,
        open: bool,
        attributes: &'static [AttributeDef],
        constants: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { id, doc, kind, name, open, attributes, constants }
    }
}

impl AttributeDef {
    #[doc(hidden)]
    #[allow(clippy::too_many_arguments)]
    pub const fn __new(
        name: &'static str,
        value_type: &'static str,
        requirement: Requirement,
        sensitive: bool,
        unit: &'static str,
        values: &'static [&'static str],
        deprecated: Option<&'static str>,
        doc: &'static str,
    ) -> Self {
        Self { name, value_type, requirement, sensitive, unit, values, deprecated, doc }
    }
}

/// Refuses, at compile time, an annotation that lacks required attributes. `given` holds the bits of those it has.
#[doc(hidden)]
#[track_caller]
pub const fn check_required<S: Schema>(given: u128) -> Option<&'static SchemaDef> {
    if given & S::REQUIRED != S::REQUIRED {
        missing(S::DEF, given)
    }
    Some(S::DEF)
}

#[track_caller]
const fn missing(def: &SchemaDef, given: u128) -> ! {
    let mut list = Message::new();
    let mut count = 0;
    let mut i = 0;
    while i < def.attributes.len() {
        let attribute = &def.attributes[i];
        if matches!(attribute.requirement, Requirement::Required) && given & (1 << i) == 0 {
            if count > 0 {
                list = list.push(", ");
            }
            list = list.push("`").push(attribute.name).push("` (").push(attribute.value_type).push(")");
            count += 1;
        }
        i += 1;
    }
    let message = Message::new()
        .push("span `")
        .push(def.id)
        .push(if count == 1 { "` is missing its required attribute " } else { "` is missing its required attributes " })
        .push(list.as_str());
    panic!("{}", message.as_str())
}

/// Refuses, at compile time, a literal that is not one of the attribute's values.
#[doc(hidden)]
#[track_caller]
pub const fn check_value(attribute: &str, allowed: &[&str], value: &str) {
    if allowed.is_empty() || message::contains(allowed, value) {
        return;
    }
    let mut message =
        Message::new().push("`").push(value).push("` is not a value of attribute `").push(attribute).push("`");
    message = match message::nearest(allowed, value) {
        Some(near) => message.push("; did you mean `").push(near).push("`?"),
        None => message.push("; expected ").push_list(allowed),
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

/// Refuses, at compile time, an undeclared attribute on a closed schema.
#[doc(hidden)]
#[track_caller]
pub const fn check_open(def: &SchemaDef, attribute: &str) {
    if !def.open {
        let message = Message::new()
            .push("span `")
            .push(def.id)
            .push("` is closed and does not declare attribute `")
            .push(attribute)
            .push("`; declare it, or write `open;` in the schema");
        panic!("{}", message.as_str())
    }
}
