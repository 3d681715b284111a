//! Views and aggregations of metrics.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::resource::INCLUDE_EXCLUDE;
use super::words::{INSTRUMENT_TYPE, NUMBER, POSITIVE};

/// How some metrics differ from what their instruments ask for.
pub static VIEW: Section = Section {
    name: "View",
    doc: "How some metrics differ from what their instruments ask for.",
    fields: &[
        Field {
            doc: "Which instruments are meant.",
            required: true,
            nullable: false,
            ..Field::new("selector", Type::Section(&VIEW_SELECTOR))
        },
        Field {
            doc: "What becomes of their measurements.",
            required: true,
            nullable: false,
            ..Field::new("stream", Type::Section(&VIEW_STREAM))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Which instruments are meant; all conditions must fit.
pub static VIEW_SELECTOR: Section = Section {
    name: "ViewSelector",
    doc: "Which instruments are meant; all conditions must fit.",
    fields: &[
        Field {
            doc: "The instrument's name; `*` and `?` stand for any text and any character.",
            ..Field::new("instrument_name", Type::Text)
        },
        Field { doc: "The instrument's kind.", ..Field::new("instrument_type", Type::Word(INSTRUMENT_TYPE)) },
        Field { doc: "The instrument's unit.", ..Field::new("unit", Type::Text) },
        Field { doc: "The meter's name.", ..Field::new("meter_name", Type::Text) },
        Field { doc: "The meter's version.", ..Field::new("meter_version", Type::Text) },
        Field { doc: "The meter's schema URL.", ..Field::new("meter_schema_url", Type::Text) },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What becomes of measurements.
pub static VIEW_STREAM: Section = Section {
    name: "ViewStream",
    doc: "What becomes of measurements.",
    fields: &[
        Field { doc: "The metric's name, in place of the instrument's.", ..Field::new("name", Type::Text) },
        Field {
            doc: "The metric's description, in place of the instrument's.",
            ..Field::new("description", Type::Text)
        },
        Field {
            doc: "How measurements become a metric.",
            nullable: false,
            ..Field::new("aggregation", Type::Section(&AGGREGATION))
        },
        Field {
            doc: "How many sets of attributes the metric may have. Without it the reader's limit counts.",
            ..Field::new("aggregation_cardinality_limit", POSITIVE)
        },
        Field {
            doc: "Which attributes are kept.",
            nullable: false,
            ..Field::new("attribute_keys", Type::Section(&INCLUDE_EXCLUDE))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// How measurements become a metric; one of these.
pub static AGGREGATION: Section = Section {
    name: "Aggregation",
    doc: "How measurements become a metric; one of these.",
    fields: &[
        Field {
            doc: "What the instrument's kind asks for.",
            ..Field::new("default", Type::Section(&DEFAULT_AGGREGATION))
        },
        Field { doc: "Nothing is recorded.", ..Field::new("drop", Type::Section(&DROP_AGGREGATION)) },
        Field {
            doc: "A histogram with given boundaries.",
            ..Field::new("explicit_bucket_histogram", Type::Section(&EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION))
        },
        Field {
            doc: "A histogram whose buckets grow by powers of two.",
            ..Field::new(
                "base2_exponential_bucket_histogram",
                Type::Section(&BASE2_EXPONENTIAL_BUCKET_HISTOGRAM_AGGREGATION),
            )
        },
        Field { doc: "The last measurement.", ..Field::new("last_value", Type::Section(&LAST_VALUE_AGGREGATION)) },
        Field { doc: "The sum of the measurements.", ..Field::new("sum", Type::Section(&SUM_AGGREGATION)) },
    ],
    count: Count::One,
    others: Others::Refused,
};

/// What the instrument's kind asks for.
pub static DEFAULT_AGGREGATION: Section = Section {
    name: "DefaultAggregation",
    doc: "What the instrument's kind asks for.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Nothing is recorded.
pub static DROP_AGGREGATION: Section = Section {
    name: "DropAggregation",
    doc: "Nothing is recorded.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// A histogram with given boundaries.
pub static EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION: Section = Section {
    name: "ExplicitBucketHistogramAggregation",
    doc: "A histogram with given boundaries.",
    fields: &[
        Field {
            doc: "The upper bounds of the buckets.",
            nullable: false,
            default: Some("[0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000]"),
            ..Field::new("boundaries", Type::List { of: &NUMBER, min: 0 })
        },
        Field {
            doc: "Whether the least and the greatest measurement are kept.",
            default: Some("true"),
            ..Field::new("record_min_max", Type::Bool)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// A histogram whose buckets grow by powers of two.
pub static BASE2_EXPONENTIAL_BUCKET_HISTOGRAM_AGGREGATION: Section = Section {
    name: "Base2ExponentialBucketHistogramAggregation",
    doc: "A histogram whose buckets grow by powers of two.",
    fields: &[
        Field {
            doc: "The finest resolution.",
            default: Some("20"),
            ..Field::new("max_scale", Type::Integer { min: -10, max: 20 })
        },
        Field {
            doc: "The most buckets, of positive and of negative values each.",
            default: Some("160"),
            ..Field::new("max_size", Type::Integer { min: 2, max: i64::MAX })
        },
        Field {
            doc: "Whether the least and the greatest measurement are kept.",
            default: Some("true"),
            ..Field::new("record_min_max", Type::Bool)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// The last measurement.
pub static LAST_VALUE_AGGREGATION: Section = Section {
    name: "LastValueAggregation",
    doc: "The last measurement.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// The sum of the measurements.
pub static SUM_AGGREGATION: Section = Section {
    name: "SumAggregation",
    doc: "The sum of the measurements.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};
