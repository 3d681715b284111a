//! Ratios as thresholds of consistent probability sampling.

/// The threshold that consistent probability sampling uses for a ratio, as every sampler of this crate does: a trace is kept if
/// the last seven bytes of its id, as a number, are at least this.
///
/// 0 keeps every trace, and 2⁵⁶ or more none. A ratio below 0 is taken for 0, above 1 for 1. As `ot=th` has it, it is written in 14
/// hexadecimal digits, without the zeros at the end. It is for tools that have others decide as programs do; the specification is
/// [TraceState: probability sampling](https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/).
///
/// ```
/// use otelier::config::probability_threshold;
///
/// assert_eq!(probability_threshold(0.25), 0xc0_0000_0000_0000);
/// assert_eq!(probability_threshold(1.0), 0);
/// assert_eq!(probability_threshold(0.0), 1 << 56);
/// ```
pub fn probability_threshold(ratio: f64) -> u64 {
    crate::record::consistent_threshold(ratio)
}
