//! Keys of declared attributes: one type per OpenTelemetry value type, so that rustc checks the value.

use super::value::{
    BooleanAttribute, DoubleAttribute, EnumAttribute, EnumValue, IntAttribute, Masked, Slot, StringAttribute,
};
use std::marker::PhantomData;

/// Sensitivity class of an attribute that may hold any value.
#[derive(Clone, Copy, Debug)]
pub struct Public;

/// Sensitivity class of an attribute that holds only masked values, see [`redact`](super::redact) and
/// [`hash`](super::hash).
#[derive(Clone, Copy, Debug)]
pub struct Sensitive;

macro_rules! key {
    ($(#[$doc:meta])* $key:ident, $trait:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $key<Class = Public> {
            #[doc(hidden)]
            pub __name: &'static str,
            #[doc(hidden)]
            pub __bit: u128,
            #[doc(hidden)]
            pub __allowed: &'static [&'static str],
            class: PhantomData<fn() -> Class>,
        }

        impl<Class> $key<Class> {
            #[doc(hidden)]
            pub const fn __new(name: &'static str, bit: u128, allowed: &'static [&'static str]) -> Self {
                Self { __name: name, __bit: bit, __allowed: allowed, class: PhantomData }
            }

            /// The attribute's name, as it is exported.
            pub const fn name(&self) -> &'static str {
                self.__name
            }
        }

        impl $key<Public> {
            #[doc(hidden)]
            #[inline(always)]
            pub fn __record<V: $trait + ?Sized>(&self, slot: Slot<'_>, value: &V) {
                value.record(slot);
            }
        }

        impl $key<Sensitive> {
            #[doc(hidden)]
            #[inline(always)]
            pub fn __record<V: Masked + ?Sized>(&self, slot: Slot<'_>, value: &V) {
                value.record(slot);
            }
        }
    };
}

key!(
    /// Key of an attribute of type `string`.
    StringKey,
    StringAttribute
);
key!(
    /// Key of an attribute of type `int`.
    IntKey,
    IntAttribute
);
key!(
    /// Key of an attribute of type `double`.
    DoubleKey,
    DoubleAttribute
);
key!(
    /// Key of an attribute of type `boolean`.
    BooleanKey,
    BooleanAttribute
);

/// Key of an attribute whose values are the variants of the Rust enum `E`.
#[derive(Clone, Copy, Debug)]
pub struct EnumKey<E> {
    #[doc(hidden)]
    pub __name: &'static str,
    #[doc(hidden)]
    pub __bit: u128,
    #[doc(hidden)]
    pub __allowed: &'static [&'static str],
    values: PhantomData<fn() -> E>,
}

impl<E: EnumAttribute> EnumKey<E> {
    #[doc(hidden)]
    pub const fn __new(name: &'static str, bit: u128) -> Self {
        Self { __name: name, __bit: bit, __allowed: E::VALUES, values: PhantomData }
    }

    /// The attribute's name, as it is exported.
    pub const fn name(&self) -> &'static str {
        self.__name
    }

    #[doc(hidden)]
    #[inline(always)]
    pub fn __record<V: EnumValue<E> + ?Sized>(&self, slot: Slot<'_>, value: &V) {
        if let Some(value) = value.variant() {
            slot.str(value.value());
        }
    }
}
