//! What an attribute can hold: the types that fit an OpenTelemetry attribute, and the keys schemas are made of.

mod key;
pub mod unit;
mod value;

pub use key::{
    Allowed, AnyArrayKey, AnyKey, BooleanArrayKey, BooleanKey, DoubleArrayKey, DoubleKey, Elements, EnumKey,
    IntArrayKey, IntKey, Personal, Public, Secret, Sensitive, StringArrayKey, StringKey, Template, TemplateKey,
};
pub use value::{
    AnyArrayAttribute, AnyAttribute, BooleanArrayAttribute, BooleanAttribute, Disclosed, DoubleArrayAttribute,
    DoubleAttribute, DoubleIn, EnumAttribute, EnumValue, Hashed, IntArrayAttribute, IntAttribute, IntIn, Masked,
    PersonalValue, Redacted, SecretValue, Slot, StringArrayAttribute, StringAttribute, TemplateValue, ValueOf,
    disclose, hash, redact,
};

pub(crate) use value::Target;
