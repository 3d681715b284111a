//! Types that the value of a key can have.

use super::reader::Reader;
use super::value;
use crate::Secret;
use crate::config::describe::Type;
use crate::config::{Node, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A type that a field of a struct with `#[derive(TelemetryConfig)]` can have.
///
/// | type | in a file | in a variable |
/// |-|-|-|
/// | `bool` | `true`, `false` | the same, in any case |
/// | integers, `NonZero` of them | a whole number, as far as an `i64` holds it | the same |
/// | `f32`, `f64` | a number | the same |
/// | integers with `unit = "By"` | a number of bytes, or `16MiB`, `64kB` | the same |
/// | `String`, `PathBuf`, `char` | a text | the same |
/// | `IpAddr` and its two kinds, `SocketAddr` | a text | the same |
/// | [`Duration`] | `250ms`, `1m 30s`; with a `unit` also a bare number | the same |
/// | `Option` | as the inner type; without a value `None` | the same |
/// | `Vec`, `VecDeque`, sets | a sequence | items between commas |
/// | `BTreeMap`, `HashMap` with text keys | a mapping | `key=value` between commas |
/// | [`Secret`] | as the inner type, which is never shown | the same |
/// | enums that derive `TelemetryConfig` | a word | the same |
/// | structs that derive `TelemetryConfig` | a mapping | each field has its own |
///
/// Other types that have `FromStr` are read with `#[config(parse)]`. The derive implements this trait; there is no need to
/// do it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a setting can have",
    label = "expected a number, a text, a `Duration`, a list, a map, or a type that derives `TelemetryConfig`",
    note = "write `#[config(flatten)]` above the field if `{Self}` has a place of its own in the file",
    note = "write `#[config(parse)]` above the field if `{Self}` implements `FromStr`"
)]
pub trait Setting: Sized {
    /// What a value must be.
    const KIND: Type;
    /// Whether the value must not be shown.
    const SECRET: bool = false;
    /// Whether a value is needed.
    const REQUIRED: bool = true;

    /// The value that `node` is. `None`: it is none, which was told to `at`, or nobody gave one and one is needed.
    #[doc(hidden)]
    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self>;
}

/// The node, or a problem that there is none.
fn given<'n>(node: Option<&'n Node>, kind: &Type, at: &mut Reader<'_>) -> Option<&'n Node> {
    if node.is_none() {
        at.miss(kind);
    }
    node
}

impl Setting for bool {
    const KIND: Type = Type::Bool;

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        value::truth(given(node, kind, at)?, kind, at)
    }
}

/// What an `i64` holds of a type's values.
const fn at_most(max: u128) -> i64 {
    if max > i64::MAX as u128 { i64::MAX } else { max as i64 }
}

const fn at_least(min: i128) -> i64 {
    if min < i64::MIN as i128 { i64::MIN } else { min as i64 }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Setting for $integer {
            const KIND: Type =
                Type::Integer { min: at_least(<$integer>::MIN as i128), max: at_most(<$integer>::MAX as u128) };

            fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
                value::integer(given(node, kind, at)?, kind, at)?.try_into().ok()
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

macro_rules! numbers_but_zero {
    ($($integer:ty)*) => {$(
        impl Setting for NonZero<$integer> {
            const KIND: Type = Type::Integer { min: 1, max: at_most(<$integer>::MAX as u128) };

            fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
                NonZero::new(value::integer(given(node, kind, at)?, kind, at)?.try_into().ok()?)
            }
        }
    )*};
}

numbers_but_zero! { u8 u16 u32 u64 u128 usize }

impl Setting for f64 {
    const KIND: Type = Type::Number { min: Self::MIN, max: Self::MAX, above_min: false, below_max: false };

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        value::number(given(node, kind, at)?, kind, at)
    }
}

impl Setting for f32 {
    const KIND: Type = Type::Number { min: f32::MIN as f64, max: f32::MAX as f64, above_min: false, below_max: false };

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        value::number(given(node, kind, at)?, kind, at).map(|number| number as Self)
    }
}

impl Setting for Duration {
    const KIND: Type = Type::Duration { bare: "", min: 0, max: u64::MAX };

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        value::length_of_time(given(node, kind, at)?, kind, at)
    }
}

impl Setting for String {
    const KIND: Type = Type::Text;

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        value::text(given(node, kind, at)?, kind, at).map(str::to_owned)
    }
}

impl Setting for PathBuf {
    const KIND: Type = Type::Text;

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        value::text(given(node, kind, at)?, kind, at).map(Self::from)
    }
}

macro_rules! texts {
    ($($text:ty: $expected:literal)*) => {$(
        impl Setting for $text {
            const KIND: Type = Type::Text;

            fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
                let node = given(node, kind, at)?;
                let parsed = node.as_text().and_then(|text| text.parse().ok());
                if parsed.is_none() {
                    at.refuse(node, $expected);
                }
                parsed
            }
        }
    )*};
}

texts! {
    char: "one character"
    IpAddr: "an IP address such as `127.0.0.1` or `::1`"
    Ipv4Addr: "an IP address such as `127.0.0.1`"
    Ipv6Addr: "an IP address such as `::1`"
    SocketAddr: "an IP address and a port such as `127.0.0.1:4318` or `[::1]:4318`"
}

impl<T: Setting> Setting for Option<T> {
    const KIND: Type = T::KIND;
    const SECRET: bool = T::SECRET;
    const REQUIRED: bool = false;

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        // A section that nobody writes in a file may be set by the variables of its fields.
        if node.is_none_or(Node::is_null) && !at.is_set_by_variables(kind) {
            return Some(None);
        }
        T::of(node, kind, at).map(Some)
    }
}

impl<T: Setting> Setting for Secret<T> {
    const KIND: Type = T::KIND;
    const SECRET: bool = true;
    const REQUIRED: bool = T::REQUIRED;

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        T::of(node, kind, &mut at.hidden()).map(Self::new)
    }
}

impl<T: Setting> Setting for Box<T> {
    const KIND: Type = T::KIND;
    const SECRET: bool = T::SECRET;
    const REQUIRED: bool = T::REQUIRED;

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        T::of(node, kind, at).map(Self::new)
    }
}

/// The items of a list; those that are none are told and left out, and then there is no list.
fn items<T: Setting>(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Vec<T>> {
    let node = given(node, kind, at)?;
    let separated = at.separated(node);
    let Value::List(items) = separated.as_ref().unwrap_or(&node.value) else {
        at.refuse(node, &value::expected(kind));
        return None;
    };
    let of = if let Type::List { of, .. } = kind { *of } else { &T::KIND };
    // All of them are read, so that each mistake is told.
    let read = items.iter().enumerate().map(|(number, item)| T::of(Some(item), of, &mut at.item(number)));
    read.collect::<Vec<_>>().into_iter().collect()
}

macro_rules! lists {
    ($($list:ident $(: $bound:ident $(+ $more:ident)*)?,)*) => {$(
        impl<T: Setting $(+ $bound $(+ $more)*)?> Setting for $list<T> {
            const KIND: Type = Type::List { of: &T::KIND, min: 0 };
            const SECRET: bool = T::SECRET;

            fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
                items(node, kind, at).map(|items| items.into_iter().collect())
            }
        }
    )*};
}

lists! { Vec, VecDeque, BTreeSet: Ord, HashSet: Hash + Eq, }

/// The entries of a mapping; as for lists.
fn entries<T: Setting>(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Vec<(String, T)>> {
    let node = given(node, kind, at)?;
    let separated = at.pairs(node)?;
    let Value::Map(entries) = separated.as_ref().unwrap_or(&node.value) else {
        at.refuse(node, &value::expected(kind));
        return None;
    };
    let of = if let Type::Map(of) = kind { *of } else { &T::KIND };
    let read = entries
        .iter()
        .map(|entry| T::of(Some(&entry.node), of, &mut at.entry(&entry.key)).map(|value| (entry.key.clone(), value)));
    read.collect::<Vec<_>>().into_iter().collect()
}

macro_rules! maps {
    ($($map:ident: $bound:ident $(+ $more:ident)*,)*) => {$(
        impl<K: From<String> + $bound $(+ $more)*, T: Setting> Setting for $map<K, T> {
            const KIND: Type = Type::Map(&T::KIND);
            const SECRET: bool = T::SECRET;

            fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
                let entries = entries::<T>(node, kind, at)?;
                Some(entries.into_iter().map(|(key, value)| (K::from(key), value)).collect())
            }
        }
    )*};
}

maps! { BTreeMap: Ord, HashMap: Hash + Eq, }

/// A value of another type that is read from a text: `#[config(parse)]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parsed<T>(pub T);

impl<T: FromStr<Err: Display>> Setting for Parsed<T> {
    const KIND: Type = Type::Text;

    fn of(node: Option<&Node>, kind: &Type, at: &mut Reader<'_>) -> Option<Self> {
        let node = given(node, kind, at)?;
        match value::text(node, kind, at)?.parse() {
            Ok(value) => Some(Self(value)),
            Err(error) => {
                at.refuse_because(node, &error);
                None
            }
        }
    }
}

/// Takes what was parsed out of `Parsed`, wherever it stands.
pub trait Unparsed {
    /// What the field's type is.
    type Out;
    /// Takes it out.
    fn out(self) -> Self::Out;
}

impl<T> Unparsed for Parsed<T> {
    type Out = T;

    fn out(self) -> T {
        self.0
    }
}

impl<T: Unparsed> Unparsed for Option<T> {
    type Out = Option<T::Out>;

    fn out(self) -> Self::Out {
        self.map(T::out)
    }
}

impl<T: Unparsed> Unparsed for Vec<T> {
    type Out = Vec<T::Out>;

    fn out(self) -> Self::Out {
        self.into_iter().map(T::out).collect()
    }
}

impl<T: Unparsed> Unparsed for Secret<T> {
    type Out = Secret<T::Out>;

    fn out(self) -> Self::Out {
        Secret::new(self.into_inner().out())
    }
}
