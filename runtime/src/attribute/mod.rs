//! What an attribute can hold: the types that fit an OpenTelemetry attribute, and the keys schemas are made of.

mod fields;
mod key;
pub(crate) mod secret;
pub mod unit;
mod value;

pub use fields::{AttributeSink, FieldDef, Mask, SpanAttributes};
pub use key::{
    Allowed, AnyArrayKey, AnyKey, BooleanArrayKey, BooleanKey, DoubleArrayKey, DoubleKey, Elements, EnumKey,
    IntArrayKey, IntKey, Namespace, NamespaceValue, Personal, Public, Secret, Sensitive, StringArrayKey, StringKey,
    Template, TemplateKey,
};
pub use value::{
    AnyArrayAttribute, AnyAttribute, BooleanArrayAttribute, BooleanAttribute, Disclosed, DoubleArrayAttribute,
    DoubleAttribute, DoubleIn, Element, EnumAttribute, EnumValue, Hashed, IntArrayAttribute, IntAttribute, IntIn,
    Masked, PersonalValue, Redacted, SecretValue, Slot, Slots, StringArrayAttribute, StringAttribute, TemplateValue,
    ValueOf, disclose, hash, redact,
};

pub use otelier_spec::Sensitivity;

pub(crate) use fields::KeyedTarget;
#[doc(hidden)]
pub use fields::{Below, CutDisplay, CutText, HashedField, Plain, Text};
pub(crate) use value::Target;
