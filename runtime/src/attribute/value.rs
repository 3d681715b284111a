//! Rust types as attribute values.

use crate::wire::{self, Scratch};
use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;

/// The place in a span where one attribute value goes. A value writes itself at most once.
///
/// Made by the annotation macros; an implementation of [`StringAttribute`] and its siblings passes it on to one of the
/// methods. Dropping it records nothing, which is how `Option::None` is skipped.
#[must_use = "a slot that is not written to records nothing"]
pub struct Slot<'a> {
    target: &'a dyn Target,
    index: u16,
}

/// The slots of an annotation.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Slots<'a>(&'a dyn Target);

impl fmt::Debug for Slots<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slots")
    }
}

impl<'a> Slots<'a> {
    #[inline]
    pub(crate) fn new(target: &'a dyn Target) -> Self {
        Self(target)
    }

    /// The place for the value of the attribute with this index.
    #[inline]
    pub fn slot(self, index: u16) -> Slot<'a> {
        Slot::new(self.0, index)
    }

    /// The place for the value of a declared attribute.
    #[inline]
    pub fn declared(self) -> Slot<'a> {
        Slot::new(self.0, Slot::OF_KEY)
    }
}

/// Who takes values: an open span, or an item under construction. A `header` has a tag and an index, and no length yet.
pub(crate) trait Target {
    /// Takes a value of one word.
    fn word(&self, header: u64, value: u64);
    /// Takes a text.
    fn str(&self, header: u64, text: &str);
    /// Takes what `write` writes, which is one item with this index.
    fn item(&self, index: u16, write: &mut dyn FnMut(&Scratch));
}

impl Target for Scratch {
    #[inline(never)]
    fn word(&self, header: u64, value: u64) {
        Self::word(self, header, value);
    }

    #[inline(never)]
    fn str(&self, header: u64, text: &str) {
        Self::str(self, header, text);
    }

    fn item(&self, _index: u16, write: &mut dyn FnMut(&Scratch)) {
        write(self);
    }
}

impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("index", &self.index).finish()
    }
}

impl<'a> Slot<'a> {
    #[inline]
    pub(crate) fn new(target: &'a dyn Target, index: u16) -> Self {
        Self { target, index }
    }

    /// The place of a declared attribute, whose key knows its index, unless an index was given.
    #[inline]
    pub(crate) fn of_key(self, index: u16) -> Self {
        if self.index == Self::OF_KEY { Self { index, ..self } } else { self }
    }

    /// In place of an index: that of the key.
    pub(crate) const OF_KEY: u16 = u16::MAX;

    /// Records a string; of more than 1,024 characters (unless configured) only the start is kept.
    #[inline]
    pub fn str(self, value: &str) {
        self.target.str(wire::header(wire::STR, self.index, 0), value);
    }

    /// Records what `value` displays, without building a `String`; it is cut like [`str`](Self::str).
    pub fn display(self, value: &dyn fmt::Display) {
        self.target.item(self.index, &mut |scratch| scratch.display(wire::STR, self.index, value));
    }

    /// Records the `Debug` form of `value`; it is cut like [`str`](Self::str).
    pub fn debug(self, value: &dyn fmt::Debug) {
        self.display(&format_args!("{value:?}"));
    }

    /// Records a signed 64-bit integer.
    #[inline]
    pub fn int(self, value: i64) {
        self.target.word(wire::header(wire::INT, self.index, 0), value as u64);
    }

    /// Records a 64-bit float.
    #[inline]
    pub fn double(self, value: f64) {
        self.target.word(wire::header(wire::DOUBLE, self.index, 0), value.to_bits());
    }

    /// Records a boolean.
    #[inline]
    pub fn boolean(self, value: bool) {
        self.target.word(wire::header(wire::BOOL, self.index, 0), u64::from(value));
    }

    /// Records a list; every element writes itself to the slot it is given.
    fn list<T>(self, values: &[T], each: impl Fn(&T, Slot<'_>)) {
        self.target.item(self.index, &mut |scratch| {
            let list = scratch.begin(wire::LIST, self.index);
            for value in values {
                each(value, Slot::new(scratch, 0));
            }
            list.finish_words();
        });
    }
}

/// A value for an attribute of type `string`.
///
/// Implement it for a type of your own that is text at heart:
///
/// ```
/// use otelier::attribute::{Slot, StringAttribute};
///
/// struct Symbol(String);
///
/// impl StringAttribute for Symbol {
///     fn record(&self, slot: Slot<'_>) {
///         slot.str(&self.0);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an attribute of type `string`",
    label = "expected a string",
    note = "write `%value` to record it with `Display`, `?value` with `Debug`, or implement `StringAttribute` for it"
)]
pub trait StringAttribute {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value for an attribute of type `int`: any integer type. `u64`, `usize` and the 128-bit types are cut off at the
/// limits of `i64`, which is what OpenTelemetry can hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an attribute of type `int`",
    label = "expected an integer",
    note = "every integer type of Rust is accepted, also inside `Option`"
)]
pub trait IntAttribute {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value for an attribute of type `double`: `f64` or `f32`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an attribute of type `double`",
    label = "expected a float",
    note = "`f64` and `f32` are accepted, also inside `Option`; write `f64::from(value)` for an integer"
)]
pub trait DoubleAttribute {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value for an attribute of type `boolean`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an attribute of type `boolean`",
    label = "expected a `bool`"
)]
pub trait BooleanAttribute {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value for an attribute that no schema declares (`"app.retries" = 3`): a string, integer, float or boolean, a list
/// of one of these, or an `Option` of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a span attribute",
    label = "expected a string, an integer, a float, a boolean, or a list of these",
    note = "write `%value` to record it with `Display`, `?value` with `Debug`"
)]
pub trait AnyAttribute {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value for an attribute of type `int` with a unit: any integer, or a value that knows its unit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an attribute of type `int` in `{Unit}`",
    label = "expected an integer",
    note = "every integer type of Rust is accepted, and a `Duration` where the unit is one of time, also inside `Option`"
)]
pub trait IntIn<Unit> {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value for an attribute of type `double` with a unit: any float, or a value that knows its unit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an attribute of type `double` in `{Unit}`",
    label = "expected a float",
    note = "`f64` and `f32` are accepted, and a `Duration` where the unit is one of time, also inside `Option`; write \
            `f64::from(value)` for an integer"
)]
pub trait DoubleIn<Unit> {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value that may stand in an attribute of a sensitive class, because it does not show what it was made of.
///
/// Sealed by intention: [`redact`] and [`hash`] make such values.
#[diagnostic::on_unimplemented(
    message = "this attribute is sensitive and may not hold a plain `{Self}`",
    label = "this value would be exported in clear text",
    note = "write `redact(value)` or `hash(value)`"
)]
pub trait Masked {
    /// Writes the value to `slot`.
    fn record(&self, slot: Slot<'_>);
}

/// A value that may stand in a secret attribute, because nothing is left of what it was made of.
///
/// Sealed by intention: [`redact`] makes such values.
#[diagnostic::on_unimplemented(
    message = "this attribute is secret and may not hold a `{Self}`",
    label = "this value would tell something of the secret",
    note = "write `redact(value)`, which records only that there was a value"
)]
pub trait SecretValue {
    /// Writes the value to `slot`.
    fn record(&self, slot: Slot<'_>);
}

/// A value that may stand in an attribute that says something about a person, whose key would be `K` if it were public:
/// one that is given on purpose with [`disclose`], or a masked one.
#[diagnostic::on_unimplemented(
    message = "this attribute says something about a person and may not hold a plain `{Self}`",
    label = "this value would be exported in clear text",
    note = "write `hash(value)` or `redact(value)`, or `disclose(value)` to export it on purpose"
)]
pub trait PersonalValue<K> {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// A value for a public attribute whose key is `K`. What is wrong with one is said by the trait of the attribute's type.
#[doc(hidden)]
pub trait ValueOf<K> {
    /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
    fn record(&self, slot: Slot<'_>);
}

/// What a template is given without a key: nothing, so nothing implements this.
#[diagnostic::on_unimplemented(
    message = "this attribute is a template, and needs a key",
    label = "no key says which attribute this is",
    note = "write the key in brackets behind the attribute: `http.request.header[\"content-type\"] = value`"
)]
pub trait TemplateValue {}

/// The Rust side of an attribute whose values are a set of words. Derive it with
/// [`AttributeEnum`](macro@crate::AttributeEnum), or write it by hand:
///
/// ```
/// use otelier::attribute::EnumAttribute;
///
/// #[derive(Clone, Copy)]
/// enum Side { Buy, Sell }
///
/// impl EnumAttribute for Side {
///     const VALUES: &'static [&'static str] = &["buy", "sell"];
///     fn value(&self) -> &str {
///         Self::VALUES[*self as usize]
///     }
/// }
/// assert_eq!(Side::Sell.value(), "sell");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that an attribute can have",
    label = "expected an enum that implements `EnumAttribute`",
    note = "derive `AttributeEnum` for an enum of your own; the other types are `string`, `int`, `double`, `boolean` and `any`"
)]
pub trait EnumAttribute {
    /// Every value that is known, as it is exported.
    const VALUES: &'static [&'static str];
    /// What each of [`VALUES`](Self::VALUES) means, in their order; empty if nothing is said.
    const DOCS: &'static [&'static str] = &[];
    /// Whether there may be other values.
    const OPEN: bool = false;
    /// The exported form of this value; one of [`VALUES`](Self::VALUES), unless the set is [`OPEN`](Self::OPEN).
    fn value(&self) -> &str;
}

/// A value for an attribute whose values are the variants of `E`: a variant, a reference to one, or an `Option`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for an attribute of the closed set `{E}`",
    label = "expected a variant of `{E}`",
    note = "variants of `{E}` are accepted, also inside `Option`"
)]
pub trait EnumValue<E> {
    /// The variant, unless there is none to record.
    fn variant(&self) -> Option<&E>;
}

#[diagnostic::do_not_recommend]
impl<E> EnumValue<E> for E {
    #[inline]
    fn variant(&self) -> Option<&E> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E> EnumValue<E> for &E {
    #[inline]
    fn variant(&self) -> Option<&E> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E> EnumValue<E> for Option<E> {
    #[inline]
    fn variant(&self) -> Option<&E> {
        self.as_ref()
    }
}

macro_rules! values {
    ($($trait:ident: $($type:ty => |$value:ident, $slot:ident| $record:expr),* $(,)?;)*) => { $(
        $(#[diagnostic::do_not_recommend]
        impl $trait for $type {
            #[inline]
            fn record(&self, $slot: Slot<'_>) {
                let $value = self;
                $record
            }
        })*
        #[diagnostic::do_not_recommend]
        impl<T: $trait + ?Sized> $trait for &T {
            #[inline]
            fn record(&self, slot: Slot<'_>) {
                (**self).record(slot);
            }
        }
        #[diagnostic::do_not_recommend]
        impl<T: $trait> $trait for Option<T> {
            #[inline]
            fn record(&self, slot: Slot<'_>) {
                if let Some(value) = self {
                    value.record(slot);
                }
            }
        }
    )* };
}

/// `value` as the nearest `i64`.
macro_rules! nearest {
    ($value:expr, $type:ty) => {
        i64::try_from($value).unwrap_or(if $value > 0 { i64::MAX } else { i64::MIN })
    };
}

values! {
    StringAttribute:
        str => |value, slot| slot.str(value),
        String => |value, slot| slot.str(value),
        Cow<'_, str> => |value, slot| slot.str(value),
        Box<str> => |value, slot| slot.str(value),
        std::sync::Arc<str> => |value, slot| slot.str(value),
        fmt::Arguments<'_> => |value, slot| slot.display(value);
    IntAttribute:
        i8 => |value, slot| slot.int((*value).into()),
        i16 => |value, slot| slot.int((*value).into()),
        i32 => |value, slot| slot.int((*value).into()),
        i64 => |value, slot| slot.int(*value),
        i128 => |value, slot| slot.int(nearest!(*value, i128)),
        isize => |value, slot| slot.int(nearest!(*value, isize)),
        u8 => |value, slot| slot.int((*value).into()),
        u16 => |value, slot| slot.int((*value).into()),
        u32 => |value, slot| slot.int((*value).into()),
        u64 => |value, slot| slot.int(nearest!(*value, u64)),
        u128 => |value, slot| slot.int(nearest!(*value, u128)),
        usize => |value, slot| slot.int(nearest!(*value, usize));
    DoubleAttribute:
        f64 => |value, slot| slot.double(*value),
        f32 => |value, slot| slot.double((*value).into());
    BooleanAttribute:
        bool => |value, slot| slot.boolean(*value);
    AnyAttribute:
        str => |value, slot| slot.str(value),
        String => |value, slot| slot.str(value),
        Cow<'_, str> => |value, slot| slot.str(value),
        fmt::Arguments<'_> => |value, slot| slot.display(value),
        bool => |value, slot| slot.boolean(*value),
        f64 => |value, slot| slot.double(*value),
        f32 => |value, slot| slot.double((*value).into()),
        i8 => |value, slot| slot.int((*value).into()),
        i16 => |value, slot| slot.int((*value).into()),
        i32 => |value, slot| slot.int((*value).into()),
        i64 => |value, slot| slot.int(*value),
        isize => |value, slot| slot.int(nearest!(*value, isize)),
        u8 => |value, slot| slot.int((*value).into()),
        u16 => |value, slot| slot.int((*value).into()),
        u32 => |value, slot| slot.int((*value).into()),
        u64 => |value, slot| slot.int(nearest!(*value, u64)),
        i128 => |value, slot| slot.int(nearest!(*value, i128)),
        u128 => |value, slot| slot.int(nearest!(*value, u128)),
        usize => |value, slot| slot.int(nearest!(*value, usize)),
        Redacted => |_value, slot| slot.str(REDACTED),
        Hashed => |value, slot| slot.str(&value.0);
    Masked:
        Redacted => |_value, slot| slot.str(REDACTED),
        Hashed => |value, slot| slot.str(&value.0);
    SecretValue:
        Redacted => |_value, slot| slot.str(REDACTED);
}

/// A value of OpenTelemetry's API.
#[diagnostic::do_not_recommend]
impl AnyAttribute for opentelemetry::Value {
    fn record(&self, slot: Slot<'_>) {
        use opentelemetry::{Array, Value};
        match self {
            Value::Bool(value) => slot.boolean(*value),
            Value::I64(value) => slot.int(*value),
            Value::F64(value) => slot.double(*value),
            Value::String(text) => slot.str(text.as_str()),
            Value::Array(Array::Bool(values)) => slot.list(values, |value, slot| slot.boolean(*value)),
            Value::Array(Array::I64(values)) => slot.list(values, |value, slot| slot.int(*value)),
            Value::Array(Array::F64(values)) => slot.list(values, |value, slot| slot.double(*value)),
            Value::Array(Array::String(values)) => slot.list(values, |value, slot| slot.str(value.as_str())),
            // The enum may grow; what is new is at least readable.
            other => slot.str(&other.as_str()),
        }
    }
}

/// A type whose values may be the elements of a list that no schema declares.
pub trait Element: AnyAttribute {}

macro_rules! elements {
    ($($type:ty),*) => { $( impl Element for $type {} )* };
}

elements!(&str, String, Cow<'_, str>, bool, f64, f32, i8, i16, i32, i64, isize, u16, u32, u64, usize);

macro_rules! arrays {
    ($trait:ident: $element:ident) => {
        #[diagnostic::do_not_recommend]
        impl<T: $element> $trait for [T] {
            fn record(&self, slot: Slot<'_>) {
                slot.list(self, |value, slot| value.record(slot));
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: $element, const N: usize> $trait for [T; N] {
            fn record(&self, slot: Slot<'_>) {
                slot.list(self, |value, slot| value.record(slot));
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: $element> $trait for Vec<T> {
            fn record(&self, slot: Slot<'_>) {
                slot.list(self, |value, slot| value.record(slot));
            }
        }
    };
    (also $trait:ident: $element:ident) => {
        arrays!($trait: $element);

        #[diagnostic::do_not_recommend]
        impl<T: $trait + ?Sized> $trait for &T {
            fn record(&self, slot: Slot<'_>) {
                (**self).record(slot);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: $trait> $trait for Option<T> {
            fn record(&self, slot: Slot<'_>) {
                if let Some(value) = self {
                    value.record(slot);
                }
            }
        }
    };
}

arrays!(AnyAttribute: Element);

macro_rules! array_traits {
    ($($(#[$doc:meta])* $name:ident: $element:ident, $type:literal;)*) => { $(
        $(#[$doc])*
        #[diagnostic::on_unimplemented(
            message = $type,
            label = "expected a list",
            note = "slices, arrays and `Vec`s of the element's type are accepted, also inside `Option`"
        )]
        pub trait $name {
            /// Writes the value to `slot`, or drops `slot` if there is nothing to record.
            fn record(&self, slot: Slot<'_>);
        }

        arrays!(also $name: $element);
    )* };
}

array_traits! {
    /// A value for an attribute of type `string[]`.
    StringArrayAttribute: StringAttribute, "`{Self}` is not a value for an attribute of type `string[]`";
    /// A value for an attribute of type `int[]`.
    IntArrayAttribute: IntAttribute, "`{Self}` is not a value for an attribute of type `int[]`";
    /// A value for an attribute of type `double[]`.
    DoubleArrayAttribute: DoubleAttribute, "`{Self}` is not a value for an attribute of type `double[]`";
    /// A value for an attribute of type `boolean[]`.
    BooleanArrayAttribute: BooleanAttribute, "`{Self}` is not a value for an attribute of type `boolean[]`";
    /// A value for an attribute that holds an array of any type.
    AnyArrayAttribute: Element, "`{Self}` is not a value for an attribute of type `any[]`";
}

macro_rules! pointers {
    ($($pointer:ty),*) => { $(
        #[diagnostic::do_not_recommend]
        impl<T: AnyAttribute + ?Sized> AnyAttribute for $pointer {
            #[inline]
            fn record(&self, slot: Slot<'_>) {
                (**self).record(slot);
            }
        }
    )* };
}

pointers!(Box<T>, std::rc::Rc<T>, std::sync::Arc<T>);

const REDACTED: &str = "[redacted]";

/// Stands for a value of which nothing is shown; made by [`redact`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redacted(());

/// Stands for a value that can be told apart from others and not read; made by [`hash`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed(String);

/// A value about a person that is exported on purpose; made by [`disclose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disclosed<T>(T);

/// Replaces a value by `[redacted]`, so that a trace shows that it was there and nothing else.
pub fn redact<T: ?Sized>(_value: &T) -> Redacted {
    Redacted(())
}

/// Replaces a value by a 64-bit hash, so that equal values can be told apart from different ones.
///
/// The hash (SipHash-1-3 with a key drawn once per process) cannot be compared between processes or reversed by a table
/// made beforehand, but a reader who can run the process on guesses can confirm one.
pub fn hash<T: Hash + ?Sized>(value: &T) -> Hashed {
    use std::hash::{BuildHasher, RandomState};
    static KEY: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
    Hashed(format!("{:016x}", KEY.get_or_init(RandomState::new).hash_one(value)))
}

/// Says that a value about a person is exported as it is, on purpose.
pub fn disclose<T>(value: T) -> Disclosed<T> {
    Disclosed(value)
}

macro_rules! personal {
    ($($key:ident: $trait:ident,)*) => { $(
        #[diagnostic::do_not_recommend]
        impl PersonalValue<super::$key> for Redacted {
            fn record(&self, slot: Slot<'_>) {
                Masked::record(self, slot);
            }
        }

        #[diagnostic::do_not_recommend]
        impl PersonalValue<super::$key> for Hashed {
            fn record(&self, slot: Slot<'_>) {
                Masked::record(self, slot);
            }
        }

        impl<T: $trait + ?Sized> ValueOf<super::$key> for T {
            fn record(&self, slot: Slot<'_>) {
                $trait::record(self, slot);
            }
        }
    )* };
}

personal! {
    StringKey: StringAttribute,
    IntKey: IntAttribute,
    DoubleKey: DoubleAttribute,
    BooleanKey: BooleanAttribute,
    AnyKey: AnyAttribute,
    StringArrayKey: StringArrayAttribute,
    IntArrayKey: IntArrayAttribute,
    DoubleArrayKey: DoubleArrayAttribute,
    BooleanArrayKey: BooleanArrayAttribute,
    AnyArrayKey: AnyArrayAttribute,
}

#[diagnostic::do_not_recommend]
impl<E> PersonalValue<super::EnumKey<E>> for Redacted {
    fn record(&self, slot: Slot<'_>) {
        Masked::record(self, slot);
    }
}

#[diagnostic::do_not_recommend]
impl<E> PersonalValue<super::EnumKey<E>> for Hashed {
    fn record(&self, slot: Slot<'_>) {
        Masked::record(self, slot);
    }
}

impl<E: EnumAttribute, T: EnumValue<E> + ?Sized> ValueOf<super::EnumKey<E>> for T {
    fn record(&self, slot: Slot<'_>) {
        if let Some(value) = self.variant() {
            slot.str(value.value());
        }
    }
}

impl<K, T: ValueOf<K>> PersonalValue<K> for Disclosed<T> {
    fn record(&self, slot: Slot<'_>) {
        ValueOf::<K>::record(&self.0, slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Items, Payload};

    fn ints(record: impl FnOnce(Slot<'_>)) -> Vec<i64> {
        let scratch = Scratch::new();
        record(Slot::new(&scratch, 0));
        scratch.above(0, |words| {
            Items(words)
                .filter_map(|item| match item.payload {
                    Payload::Word(word) => Some(word as i64),
                    _ => None,
                })
                .collect()
        })
    }

    #[test]
    fn integers_beyond_the_range_stop_at_its_ends() {
        assert_eq!(ints(|slot| IntAttribute::record(&u64::MAX, slot)), [i64::MAX]);
        assert_eq!(ints(|slot| IntAttribute::record(&i128::MIN, slot)), [i64::MIN]);
        assert_eq!(ints(|slot| IntAttribute::record(&7usize, slot)), [7]);
    }

    #[test]
    fn none_records_nothing() {
        assert_eq!(ints(|slot| IntAttribute::record(&None::<i64>, slot)), Vec::<i64>::new());
        assert_eq!(ints(|slot| IntAttribute::record(&Some(&3u8), slot)), [3]);
    }

    #[test]
    fn a_hash_hides_the_value_and_keeps_equality() {
        assert_eq!(hash("secret"), hash("secret"));
        assert_ne!(hash("secret"), hash("other"));
        assert_eq!(redact("secret"), redact("other"));
    }
}
