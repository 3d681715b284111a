//! Keys of declared attributes: one type per OpenTelemetry value type, unit and sensitivity, so that rustc checks the value.

use super::unit;
use super::value::{
    AnyArrayAttribute, AnyAttribute, BooleanArrayAttribute, BooleanAttribute, DoubleArrayAttribute, DoubleAttribute,
    DoubleIn, EnumAttribute, EnumValue, IntArrayAttribute, IntAttribute, IntIn, Masked, PersonalValue, SecretValue,
    Slot, StringArrayAttribute, StringAttribute, TemplateValue,
};
use std::marker::PhantomData;

/// Sensitivity class of an attribute that may hold any value.
#[derive(Clone, Copy, Debug)]
pub struct Public;

/// Sensitivity class of an attribute that says something about a person: values are given on purpose with
/// [`disclose`](super::disclose), or masked.
#[derive(Clone, Copy, Debug)]
pub struct Personal;

/// Sensitivity class of an attribute that holds only masked values, see [`redact`](super::redact) and
/// [`hash`](super::hash).
#[derive(Clone, Copy, Debug)]
pub struct Sensitive;

/// Sensitivity class of an attribute that shows only that there was a value, see [`redact`](super::redact).
#[derive(Clone, Copy, Debug)]
pub struct Secret;

/// The values an attribute may have, where they can be checked while compiling.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Allowed {
    Any,
    Strings(&'static [&'static str]),
    Ints(&'static [&'static str]),
}

/// The attribute's place in its schema.
#[inline]
const fn index_of(bit: u128) -> u16 {
    bit.trailing_zeros() as u16
}

macro_rules! key {
    ($(#[$doc:meta])* $key:ident<$($parameter:ident = $default:ty),*>, $($plain:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $key<$($parameter = $default),*> {
            #[doc(hidden)]
            pub __name: &'static str,
            #[doc(hidden)]
            pub __bit: u128,
            #[doc(hidden)]
            pub __allowed: Allowed,
            class: PhantomData<fn() -> ($($parameter,)*)>,
        }

        key!(methods $key<$($parameter),*>, $($plain)*);
    };
    (methods $key:ident<$class:ident>, $plain:ident) => {
        key!(new $key<$class>);
        key!(record $key<Public>, [], $plain);
        key!(masked $key, [], []);
    };
    (methods $key:ident<$class:ident, $unit:ident>, $plain:ident, $measured:ident) => {
        key!(new $key<$class, $unit>);
        key!(record $key<Public, unit::None>, [], $plain);
        impl<$unit: unit::Unit> $key<Public, $unit> {
            #[doc(hidden)]
            #[inline]
            pub fn __record<V: $measured<$unit> + ?Sized>(&self, slot: Slot<'_>, value: &V) {
                value.record(slot.of_key(index_of(self.__bit)));
            }
        }
        key!(masked $key, [$unit], [$unit]);
    };
    (new $key:ident<$($parameter:ident),*>) => {
        impl<$($parameter),*> $key<$($parameter),*> {
            #[doc(hidden)]
            pub const fn __new(name: &'static str, bit: u128, allowed: Allowed) -> Self {
                Self { __name: name, __bit: bit, __allowed: allowed, class: PhantomData }
            }

            /// The attribute's name, as it is exported.
            pub const fn name(&self) -> &'static str {
                self.__name
            }
        }

        impl<$($parameter),*> Elements for $key<$($parameter),*> {
            type Element = Self;

            fn element(&self) -> &Self {
                self
            }
        }
    };
    (record $key:ident<$($argument:ty),*>, [$($parameter:ident)*], $trait:path) => {
        impl<$($parameter),*> $key<$($argument),*> {
            #[doc(hidden)]
            #[inline]
            pub fn __record<V: $trait + ?Sized>(&self, slot: Slot<'_>, value: &V) {
                value.record(slot.of_key(index_of(self.__bit)));
            }
        }
    };
    (masked $key:ident, [$($parameter:ident)*], [$($argument:ident)*]) => {
        impl<$($parameter),*> $key<Personal $(, $argument)*> {
            #[doc(hidden)]
            #[inline]
            pub fn __record<V: PersonalValue<$key<Public>> + ?Sized>(&self, slot: Slot<'_>, value: &V) {
                value.record(slot.of_key(index_of(self.__bit)));
            }
        }
        key!(record $key<Sensitive $(, $argument)*>, [$($parameter)*], Masked);
        key!(record $key<Secret $(, $argument)*>, [$($parameter)*], SecretValue);
    };
}

key!(
    /// Key of an attribute of type `string`.
    StringKey<Class = Public>, StringAttribute
);
key!(
    /// Key of an attribute of type `int`, in a unit or without one.
    IntKey<Class = Public, Unit = unit::None>, IntAttribute, IntIn
);
key!(
    /// Key of an attribute of type `double`, in a unit or without one.
    DoubleKey<Class = Public, Unit = unit::None>, DoubleAttribute, DoubleIn
);
key!(
    /// Key of an attribute of type `boolean`.
    BooleanKey<Class = Public>, BooleanAttribute
);
key!(
    /// Key of an attribute that may hold a value of any type.
    AnyKey<Class = Public>, AnyAttribute
);
key!(
    /// Key of an attribute of type `string[]`.
    StringArrayKey<Class = Public>, StringArrayAttribute
);
key!(
    /// Key of an attribute of type `int[]`.
    IntArrayKey<Class = Public>, IntArrayAttribute
);
key!(
    /// Key of an attribute of type `double[]`.
    DoubleArrayKey<Class = Public>, DoubleArrayAttribute
);
key!(
    /// Key of an attribute of type `boolean[]`.
    BooleanArrayKey<Class = Public>, BooleanArrayAttribute
);
key!(
    /// Key of an attribute that may hold an array of any type.
    AnyArrayKey<Class = Public>, AnyArrayAttribute
);

/// Key of an attribute whose values are the variants of the Rust enum `E`.
#[derive(Clone, Copy, Debug)]
pub struct EnumKey<E, Class = Public> {
    #[doc(hidden)]
    pub __name: &'static str,
    #[doc(hidden)]
    pub __bit: u128,
    #[doc(hidden)]
    pub __allowed: Allowed,
    class: PhantomData<fn() -> (E, Class)>,
}

key!(new EnumKey<E, Class>);
key!(record EnumKey<E, Sensitive>, [E], Masked);
key!(record EnumKey<E, Secret>, [E], SecretValue);

impl<E: EnumAttribute> EnumKey<E, Public> {
    #[doc(hidden)]
    #[inline]
    pub fn __record<V: EnumValue<E> + ?Sized>(&self, slot: Slot<'_>, value: &V) {
        if let Some(value) = value.variant() {
            slot.of_key(index_of(self.__bit)).str(value.value());
        }
    }
}

impl<E> EnumKey<E, Personal> {
    #[doc(hidden)]
    #[inline]
    pub fn __record<V: PersonalValue<EnumKey<E>> + ?Sized>(&self, slot: Slot<'_>, value: &V) {
        value.record(slot.of_key(index_of(self.__bit)));
    }
}

/// Key of a template such as `http.request.header.<key>`, whose attributes have keys of type `K`.
#[derive(Clone, Copy, Debug)]
pub struct TemplateKey<K> {
    #[doc(hidden)]
    pub __name: &'static str,
    #[doc(hidden)]
    pub __bit: u128,
    #[doc(hidden)]
    pub __allowed: Allowed,
    element: K,
}

impl<K> TemplateKey<K> {
    #[doc(hidden)]
    pub const fn __new(name: &'static str, bit: u128, element: K) -> Self {
        Self { __name: name, __bit: bit, __allowed: Allowed::Any, element }
    }

    /// The name that all of the template's attributes begin with.
    pub const fn name(&self) -> &'static str {
        self.__name
    }

    /// Accepts nothing: a template has no value of its own.
    #[doc(hidden)]
    pub fn __record<V: TemplateValue + ?Sized>(&self, _: Slot<'_>, _: &V) {}
}

/// What stands for several attributes and is none.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Namespace;

impl Namespace {
    /// Accepts nothing.
    #[doc(hidden)]
    pub fn __record<V: NamespaceValue + ?Sized>(&self, _: Slot<'_>, _: &V) {}
}

/// What a namespace is given: nothing, so nothing implements this.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this is a namespace, and no attribute",
    label = "no attribute says what this is",
    note = "write the attribute's whole name, with the segment that is missing behind the last one"
)]
pub trait NamespaceValue {}

/// A key that stands for many attributes.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this attribute is not a template",
    label = "has one value",
    note = "leave `[\"…\"]` out; only attributes that are declared with `<key>` have it"
)]
pub trait Template {}

impl<K> Template for TemplateKey<K> {}

/// The key that a template's elements have. A plain key is its own, so that one which is taken for a template is refused
/// once, by [`Template`].
#[doc(hidden)]
pub trait Elements {
    /// The key of each of them.
    type Element;
    /// The key of each of them.
    fn element(&self) -> &Self::Element;
}

impl<K> Elements for TemplateKey<K> {
    type Element = K;

    #[inline]
    fn element(&self) -> &K {
        &self.element
    }
}
