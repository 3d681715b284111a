//! Propagators.

use super::super::describe::{Count, Field, Others, Section, Type};

/// The headers that carry a trace from process to process.
pub static PROPAGATOR: Section = Section {
    name: "Propagator",
    doc: "The headers that carry a trace from process to process.",
    fields: &[
        Field {
            doc: "Formats of headers, all of them.",
            nullable: false,
            ..Field::new("composite", Type::List { of: &Type::Section(&TEXT_MAP_PROPAGATOR), min: 1 })
        },
        Field {
            doc: "Further formats, as `OTEL_PROPAGATORS` has them: `tracecontext,baggage`.",
            ..Field::new("composite_list", Type::Text)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// A format of headers; one of these.
pub static TEXT_MAP_PROPAGATOR: Section = Section {
    name: "TextMapPropagator",
    doc: "A format of headers; one of these.",
    fields: &[
        Field {
            doc: "The W3C headers `traceparent` and `tracestate`.",
            ..Field::new("tracecontext", Type::Section(&TRACE_CONTEXT_PROPAGATOR))
        },
        Field { doc: "The W3C header `baggage`.", ..Field::new("baggage", Type::Section(&BAGGAGE_PROPAGATOR)) },
        Field { doc: "Zipkin's header `b3`.", ..Field::new("b3", Type::Section(&B3_PROPAGATOR)) },
        Field { doc: "Zipkin's headers `x-b3-…`.", ..Field::new("b3multi", Type::Section(&B3_MULTI_PROPAGATOR)) },
    ],
    count: Count::One,
    others: Others::Components,
};

/// The W3C headers `traceparent` and `tracestate`.
pub static TRACE_CONTEXT_PROPAGATOR: Section = Section {
    name: "TraceContextPropagator",
    doc: "The W3C headers `traceparent` and `tracestate`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// The W3C header `baggage`.
pub static BAGGAGE_PROPAGATOR: Section = Section {
    name: "BaggagePropagator",
    doc: "The W3C header `baggage`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Zipkin's header `b3`.
pub static B3_PROPAGATOR: Section = Section {
    name: "B3Propagator",
    doc: "Zipkin's header `b3`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Zipkin's headers `x-b3-…`.
pub static B3_MULTI_PROPAGATOR: Section = Section {
    name: "B3MultiPropagator",
    doc: "Zipkin's headers `x-b3-…`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};
