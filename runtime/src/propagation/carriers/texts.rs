//! Maps and lists.

use super::{Carrier, CarrierMut, stale};
use crate::headers::{Headers, text};
use opentelemetry::propagation::{Extractor, Injector};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// A value of a header that is text or bytes; implemented for `str`, `String`, `[u8]`, `Vec<u8>` and what points to them.
pub trait ValueBytes {
    /// The value as bytes.
    fn bytes(&self) -> &[u8];
}

/// A value of a header that can be made of text; implemented for `String` and `Vec<u8>`.
pub trait ValueFromText: ValueBytes {
    /// The value of this text.
    fn of(text: String) -> Self;
}

macro_rules! values {
    ($($value:ty),*) => {$(
        impl ValueBytes for $value {
            fn bytes(&self) -> &[u8] {
                AsRef::<[u8]>::as_ref(self)
            }
        }
    )*};
}

values!(str, String, [u8], Vec<u8>);

impl<V: ValueBytes + ToOwned + ?Sized> ValueBytes for Cow<'_, V> {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
}

impl<V: ValueBytes + ?Sized> ValueBytes for &V {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
}

impl<const N: usize> ValueBytes for [u8; N] {
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl ValueFromText for String {
    fn of(text: String) -> Self {
        text
    }
}

impl ValueFromText for Vec<u8> {
    fn of(text: String) -> Self {
        text.into_bytes()
    }
}

fn pair<'a, K: AsRef<str>, V: ValueBytes>((name, value): (&'a K, &'a V)) -> (&'a str, &'a str) {
    (name.as_ref(), text(value.bytes()))
}

impl<K: AsRef<str>, V: ValueBytes> Carrier for [(K, V)] {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(&Headers::new(self.iter().map(|(name, value)| pair((name, value)))));
    }
}

impl<K: AsRef<str>, V: ValueBytes, const N: usize> Carrier for [(K, V); N] {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        self.as_slice().read(f);
    }
}

impl<K: AsRef<str>, V: ValueBytes> Carrier for Vec<(K, V)> {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        self.as_slice().read(f);
    }
}

impl<K: AsRef<str>, V: ValueBytes, S> Carrier for HashMap<K, V, S> {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(&Headers::new(self.iter().map(pair)));
    }
}

impl<K: AsRef<str>, V: ValueBytes> Carrier for BTreeMap<K, V> {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(&Headers::new(self.iter().map(pair)));
    }
}

/// Whether a name stays.
type IsKept<'a> = &'a mut dyn FnMut(&str) -> bool;

/// Names have no case, so what differs only in that is replaced.
struct Into<'a, M> {
    map: &'a mut M,
    insert: fn(&mut M, String, String),
    retain: fn(&mut M, IsKept<'_>),
}

impl<M> Injector for Into<'_, M> {
    fn set(&mut self, name: &str, value: String) {
        let is = |known: &str, name: &str| known.eq_ignore_ascii_case(name);
        (self.retain)(self.map, &mut |known| !is(known, name) && !stale(name).iter().any(|stale| is(known, stale)));
        (self.insert)(self.map, name.to_owned(), value);
    }
}

impl<K: AsRef<str> + From<String>, V: ValueFromText> CarrierMut for Vec<(K, V)> {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(&mut Into {
            map: self,
            insert: |list, name, value| list.push((name.into(), V::of(value))),
            retain: |list, is_kept| list.retain(|(name, _)| is_kept(name.as_ref())),
        });
    }
}

impl<K, V, S> CarrierMut for HashMap<K, V, S>
where
    K: AsRef<str> + From<String> + Eq + Hash,
    V: ValueFromText,
    S: BuildHasher,
{
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(&mut Into {
            map: self,
            insert: |map, name, value| _ = map.insert(name.into(), V::of(value)),
            retain: |map, is_kept| map.retain(|name, _| is_kept(name.as_ref())),
        });
    }
}

impl<K: AsRef<str> + From<String> + Ord, V: ValueFromText> CarrierMut for BTreeMap<K, V> {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(&mut Into {
            map: self,
            insert: |map, name, value| _ = map.insert(name.into(), V::of(value)),
            retain: |map, is_kept| map.retain(|name, _| is_kept(name.as_ref())),
        });
    }
}
