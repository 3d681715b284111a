//! Units as types, so that rustc tells a duration from a number of bytes.
//!
//! A declaration's `unit "s"` gives the attribute's key one of these. Plain numbers are accepted in every unit, a
//! [`Duration`] where the unit is one of time; a type of your own says in which units it can be recorded:
//!
//! ```
//! use otelier::attribute::{IntIn, Slot, unit};
//!
//! struct FileSize(u64);
//!
//! impl IntIn<unit::Bytes> for FileSize {
//!     fn record(&self, slot: Slot<'_>) {
//!         IntIn::<unit::Bytes>::record(&self.0, slot);
//!     }
//! }
//! ```

use super::value::{DoubleAttribute, DoubleIn, IntAttribute, IntIn, Slot};
use std::time::Duration;

/// A unit that values can know.
pub trait Unit {}

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Unit for $name {}
    )* };
}

units! {
    /// `s`
    Seconds
    /// `ms`
    Milliseconds
    /// `us`
    Microseconds
    /// `ns`
    Nanoseconds
    /// `min`
    Minutes
    /// `h`
    Hours
    /// `d`
    Days
    /// `By`
    Bytes
    /// `%`
    Percent
}

/// The unit of an attribute that is declared without one, or with one that only numbers have: `{record}`.
#[derive(Clone, Copy, Debug)]
pub struct None;

macro_rules! durations {
    ($($unit:ident = $nanoseconds:expr;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl IntIn<$unit> for Duration {
            /// Rounded to the nearest whole number.
            fn record(&self, slot: Slot<'_>) {
                let nanoseconds: u128 = $nanoseconds;
                slot.int(i64::try_from((self.as_nanos() + nanoseconds / 2) / nanoseconds).unwrap_or(i64::MAX));
            }
        }

        #[diagnostic::do_not_recommend]
        impl DoubleIn<$unit> for Duration {
            fn record(&self, slot: Slot<'_>) {
                let nanoseconds: u64 = $nanoseconds;
                slot.double(self.as_secs_f64() * (1e9 / nanoseconds as f64));
            }
        }

        #[diagnostic::do_not_recommend]
        impl IntIn<$unit> for Option<Duration> {
            fn record(&self, slot: Slot<'_>) {
                if let Some(duration) = self {
                    IntIn::<$unit>::record(duration, slot);
                }
            }
        }

        #[diagnostic::do_not_recommend]
        impl DoubleIn<$unit> for Option<Duration> {
            fn record(&self, slot: Slot<'_>) {
                if let Some(duration) = self {
                    DoubleIn::<$unit>::record(duration, slot);
                }
            }
        }
    )* };
}

durations! {
    Seconds = 1_000_000_000;
    Milliseconds = 1_000_000;
    Microseconds = 1_000;
    Nanoseconds = 1;
    Minutes = 60_000_000_000;
    Hours = 3_600_000_000_000;
    Days = 86_400_000_000_000;
}

#[diagnostic::do_not_recommend]
impl<T: IntAttribute + ?Sized, Unit> IntIn<Unit> for T {
    #[inline]
    fn record(&self, slot: Slot<'_>) {
        IntAttribute::record(self, slot);
    }
}

#[diagnostic::do_not_recommend]
impl<T: DoubleAttribute + ?Sized, Unit> DoubleIn<Unit> for T {
    #[inline]
    fn record(&self, slot: Slot<'_>) {
        DoubleAttribute::record(self, slot);
    }
}
