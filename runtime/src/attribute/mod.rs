//! What an attribute can hold: the types that fit an OpenTelemetry attribute, and the keys schemas are made of.

mod key;
mod value;

pub use key::{BooleanKey, DoubleKey, EnumKey, IntKey, Public, Sensitive, StringKey};
pub use value::{
    AnyAttribute, BooleanAttribute, DoubleAttribute, EnumAttribute, EnumValue, IntAttribute, Masked, Redacted, Slot,
    StringAttribute, hash, redact,
};

pub(crate) use value::Target;
