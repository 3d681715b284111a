//! Our own keys of head sampling: a limit of traces, and conditions of rules that the specification does not have.

use super::super::describe::{Count, Field, Others, Section, Type, Word};
use super::samplers::{
    EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_PATTERNS as ATTRIBUTE_PATTERNS,
    EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_VALUES as ATTRIBUTE_VALUES,
};
use super::words::NUMBER;

/// `otelier/rate_limit`, a sampler.
pub(crate) const RATE_LIMIT_SAMPLER: Field = Field {
    doc: "Up to a number of traces per second, whatever the load.",
    nullable: false,
    ..Field::new("otelier/rate_limit", Type::Section(&RATE_LIMIT))
};

static RATE_LIMIT: Section = Section {
    name: "OtelierRateLimitSampler",
    doc: "Samples up to a number of traces per second, whatever the load.",
    fields: &[
        Field {
            doc: "The most traces of one second; 0.5 is one in two seconds.",
            required: true,
            nullable: false,
            unit: Some("{trace}/s"),
            ..Field::new("traces_per_second", Type::Number { min: 0.0, max: 1e9, above_min: true, below_max: false })
        },
        Field {
            doc: "What has the limit.",
            default: Some("process"),
            nullable: false,
            ..Field::new("per", Type::Word(PER))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

const PER: &[Word] = &[
    Word { word: "process", doc: "All traces together" },
    Word { word: "schema", doc: "Each schema of the first span here; spans without one have one together" },
];

/// `otelier/name`, of a rule.
pub(super) const NAME: Field = Field {
    doc: "What the rule is called where a decision explains itself. Without it its place, `rules[0]`.",
    nullable: false,
    ..Field::new("otelier/name", Type::Text)
};

/// `otelier/schemas`, a condition of a rule.
pub(super) const SCHEMAS: Field = Field {
    doc: "The id of the span's schema fits one of these patterns, in which `*` and `?` stand for what one likes.",
    nullable: false,
    ..Field::new("otelier/schemas", PATTERNS)
};

/// `otelier/span_names`, a condition of a rule.
pub(super) const SPAN_NAMES: Field = Field {
    doc: "The span's name fits one of these patterns, in which `*` and `?` stand for what one likes.",
    nullable: false,
    ..Field::new("otelier/span_names", PATTERNS)
};

const PATTERNS: Type = Type::List { of: &Type::Text, min: 1 };

/// `otelier/priority`, a condition of a rule.
pub(super) const PRIORITY: Field = Field {
    doc: "The priority of the annotation is at least this.",
    nullable: false,
    ..Field::new("otelier/priority", Type::Word(PRIORITIES))
};

pub(super) const PRIORITIES: &[Word] = &[
    Word { word: "low", doc: "Less than others" },
    Word { word: "normal", doc: "As much as others: without an annotation that says something else" },
    Word { word: "high", doc: "More than others" },
];

static VALUES: Type = Type::Section(&ATTRIBUTE_VALUES);
static VALUE_PATTERNS: Type = Type::Section(&ATTRIBUTE_PATTERNS);
static RANGE: Type = Type::Section(&ATTRIBUTE_RANGE);

/// `otelier/attribute_values`, conditions of a rule.
pub(super) const MORE_VALUES: Field = Field {
    doc: "Each of these attributes has one of its values.",
    nullable: false,
    ..Field::new("otelier/attribute_values", Type::List { of: &VALUES, min: 1 })
};

/// `otelier/attribute_patterns`, conditions of a rule.
pub(super) const MORE_PATTERNS: Field = Field {
    doc: "Each of these attributes fits one of its patterns.",
    nullable: false,
    ..Field::new("otelier/attribute_patterns", Type::List { of: &VALUE_PATTERNS, min: 1 })
};

/// `otelier/attribute_ranges`, conditions of a rule.
pub(super) const RANGES: Field = Field {
    doc: "Each of these attributes is a number within its bounds.",
    nullable: false,
    ..Field::new("otelier/attribute_ranges", Type::List { of: &RANGE, min: 1 })
};

/// The bounds of an attribute that is a number.
pub(super) static ATTRIBUTE_RANGE: Section = Section {
    name: "OtelierAttributeRange",
    doc: "The bounds of an attribute that is a number, `min`, `max` or both; of a list one item is enough.",
    fields: &[
        Field { doc: "The attribute's name.", required: true, nullable: false, ..Field::new("key", Type::Text) },
        Field {
            doc: "The least that fits. Without it there is no such bound.",
            nullable: false,
            ..Field::new("min", NUMBER)
        },
        Field {
            doc: "The most that fits. Without it there is no such bound.",
            nullable: false,
            ..Field::new("max", NUMBER)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};
