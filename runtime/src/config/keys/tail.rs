//! `distribution.otelier.tail_sampling`.

use super::super::describe::{Count, Field, Others, Section, Type, Word};
use super::own::MILLISECONDS;
use super::samplers::{
    EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_PATTERNS as PATTERNS,
    EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_VALUES as VALUES,
};
use super::words::{NUMBER, RATIO, SPAN_KIND};

/// A section, or a list of such.
macro_rules! one_or_more {
    ($section:expr) => {
        Type::Either(&[Type::Section($section), Type::List { of: &Type::Section($section), min: 1 }])
    };
}

pub(super) static TAIL_SAMPLING: Section = Section {
    name: "OtelierTailSampling",
    doc: "Which traces are kept when they are over: what the first rule says that matches one of its spans, and a share of the \
          others.",
    fields: &[
        Field {
            doc: "The rules, in order.",
            ..Field::new("rules", Type::List { of: &Type::Section(&TAIL_RULE), min: 0 })
        },
        Field {
            doc: "Traces with a span that failed or panicked are kept, unless a rule says otherwise.",
            default: Some("false"),
            ..Field::new("failed", Type::Bool)
        },
        Field {
            doc: "Traces with a span that took at least this long are kept, unless a rule says otherwise. Without it no trace \
                  is kept for its length.",
            unit: Some("ms"),
            ..Field::new("slower_than", MILLISECONDS)
        },
        Field { doc: "The share of all other traces that is kept.", default: Some("0"), ..Field::new("ratio", RATIO) },
        Field {
            doc: "How long a trace is held back at most: then what is known of it decides.",
            default: Some("30000"),
            unit: Some("ms"),
            ..Field::new("decide_after", MILLISECONDS)
        },
        Field {
            doc: "How long after the decision it is followed by spans that come late.",
            default: Some("30000"),
            unit: Some("ms"),
            ..Field::new("remember", MILLISECONDS)
        },
        Field {
            doc: "How much memory spans of traces may take that are not decided; beyond that the oldest are decided by what is known.",
            default: Some("32MiB"),
            unit: Some("By"),
            ..Field::new("max_bytes", Type::Size { min: 64 << 10, max: 1 << 40 })
        },
    ],
    count: Count::AtLeastOne,
    others: Others::Refused,
};

static TAIL_RULE: Section = Section {
    name: "OtelierTailSamplingRule",
    doc: "A rule matches a trace if one of its spans meets all conditions; without conditions every trace.",
    fields: &[
        Field {
            doc: "What the rule is called in `otelier.sampler.rule` and in numbers.",
            required: true,
            nullable: false,
            ..Field::new("name", Type::Text)
        },
        Field {
            doc: "What happens to the traces that it matches.",
            required: true,
            nullable: false,
            ..Field::new("keep", Type::Either(&[Type::Word(KEEP), Type::Section(&KEEP_SOME)]))
        },
        Field {
            doc: "Whether only spans match that failed or panicked.",
            default: Some("false"),
            ..Field::new("failed", Type::Bool)
        },
        Field { doc: "The span took at least this long.", unit: Some("ms"), ..Field::new("slower_than", MILLISECONDS) },
        texts("schemas", "The id of the span's schema fits one of these patterns, with `*` and `?`."),
        texts("span_names", "The span's name fits one of these patterns, with `*` and `?`."),
        Field {
            doc: "The span is of one of these kinds.",
            nullable: false,
            ..Field::new("span_kinds", Type::List { of: &Type::Word(SPAN_KIND), min: 1 })
        },
        Field { doc: "The annotation has at least this priority.", ..Field::new("priority", Type::Word(PRIORITIES)) },
        Field {
            doc: "An attribute has one of these values; of several attributes each.",
            nullable: false,
            ..Field::new("attribute_values", one_or_more!(&VALUES))
        },
        Field {
            doc: "An attribute fits one of these patterns; of several attributes each.",
            nullable: false,
            ..Field::new("attribute_patterns", one_or_more!(&PATTERNS))
        },
        Field {
            doc: "An attribute is a number within these bounds; of several attributes each.",
            nullable: false,
            ..Field::new("attribute_ranges", one_or_more!(&RANGE))
        },
        Field {
            doc: "Whether only spans match whose answer was that there were too many requests.",
            default: Some("false"),
            ..Field::new("rate_limited", Type::Bool)
        },
        Field {
            doc: "Whether only spans match that took longer than the annotation's `budget` or `slo` allows.",
            default: Some("false"),
            ..Field::new("budget_exceeded", Type::Bool)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

const fn texts(name: &'static str, doc: &'static str) -> Field {
    Field { doc, nullable: false, ..Field::new(name, Type::List { of: &Type::Text, min: 1 }) }
}

static KEEP_SOME: Section = Section {
    name: "OtelierTailSamplingKeep",
    doc: "A share or a number of traces.",
    fields: &[
        Field { doc: "This share of them.", nullable: false, ..Field::new("ratio", RATIO) },
        Field {
            doc: "So many a second; 0.5 is one in two seconds.",
            nullable: false,
            unit: Some("{trace}/s"),
            ..Field::new("traces_per_second", Type::Number { min: 0.0, max: 1e9, above_min: true, below_max: false })
        },
    ],
    count: Count::One,
    others: Others::Refused,
};

static RANGE: Section = Section {
    name: "OtelierAttributeRange",
    doc: "Bounds of an attribute that is a number; they belong to the range.",
    fields: &[
        Field { doc: "The attribute's name.", required: true, nullable: false, ..Field::new("key", Type::Text) },
        Field { doc: "The least. Without it there is no such bound.", ..Field::new("min", NUMBER) },
        Field { doc: "The most. Without it there is no such bound.", ..Field::new("max", NUMBER) },
    ],
    count: Count::Any,
    others: Others::Refused,
};

const KEEP: &[Word] = &[Word { word: "always", doc: "All are kept" }, Word { word: "never", doc: "None is kept" }];

const PRIORITIES: &[Word] = &[
    Word { word: "low", doc: "Any" },
    Word { word: "normal", doc: "What has not been given a low one" },
    Word { word: "high", doc: "What has been given a high one" },
];
