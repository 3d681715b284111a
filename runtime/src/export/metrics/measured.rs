//! What the encodings of OTLP share: the numbers and times of data points.

use opentelemetry_sdk::metrics::Temporality;
use std::time::{SystemTime, UNIX_EPOCH};

/// A value of a data point, as OTLP has it.
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

/// The types of values that instruments have.
pub(crate) trait Measured: Copy {
    fn number(self) -> Number;

    /// Histograms have no whole numbers; large ones lose their last digits.
    fn double(self) -> f64;
}

impl Measured for u64 {
    fn number(self) -> Number {
        // A counter that has left the range of OTLP's integers is still about right as a double.
        i64::try_from(self).map_or(Number::Double(self as f64), Number::Int)
    }

    fn double(self) -> f64 {
        self as f64
    }
}

impl Measured for i64 {
    fn number(self) -> Number {
        Number::Int(self)
    }

    fn double(self) -> f64 {
        self as f64
    }
}

impl Measured for f64 {
    fn number(self) -> Number {
        Number::Double(self)
    }

    fn double(self) -> f64 {
        self
    }
}

/// Nanoseconds since 1970; a time before that is 0, which OTLP takes as unknown.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// `AggregationTemporality`: delta = 1, cumulative = 2. A stream is never anything else.
pub(crate) fn temporality(temporality: Temporality) -> u32 {
    if temporality == Temporality::Delta { 1 } else { 2 }
}

/// When the values of a stream were counted from, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: Option<SystemTime>,
    pub(crate) end: SystemTime,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn values_out_of_range_are_written_as_what_comes_nearest() {
        assert!(matches!(u64::MAX.number(), Number::Double(value) if value == u64::MAX as f64));
        assert!(matches!((i64::MAX as u64).number(), Number::Int(i64::MAX)));
        assert_eq!(nanos(UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
