//! Samplers of spans.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::words::{COUNT, EXPERIMENTAL_SPAN_PARENT, RATIO, SPAN_KIND};
use super::{own, rules};

/// Which traces are sampled; one of these.
pub static SAMPLER: Section = Section {
    name: "Sampler",
    doc: "Which traces are sampled; one of these.",
    fields: &[
        Field { doc: "No trace.", ..Field::new("always_off", Type::Section(&ALWAYS_OFF_SAMPLER)) },
        Field { doc: "Every trace.", ..Field::new("always_on", Type::Section(&ALWAYS_ON_SAMPLER)) },
        Field {
            doc: "Records what is not sampled, too.",
            nullable: false,
            ..Field::new("always_record", Type::Section(&ALWAYS_RECORD_SAMPLER))
        },
        Field {
            doc: "By thresholds and rules.",
            nullable: false,
            ..Field::new("composite/development", Type::Section(&EXPERIMENTAL_COMPOSABLE_SAMPLER))
        },
        Field {
            doc: "As Jaeger's sampling service says.",
            ..Field::new("jaeger_remote/development", Type::Section(&EXPERIMENTAL_JAEGER_REMOTE_SAMPLER))
        },
        Field { doc: "As the parent.", ..Field::new("parent_based", Type::Section(&PARENT_BASED_SAMPLER)) },
        Field {
            doc: "A share of the traces, with the threshold in `tracestate`.",
            ..Field::new("probability/development", Type::Section(&EXPERIMENTAL_PROBABILITY_SAMPLER))
        },
        Field {
            doc: "A share of the traces, by the trace id.",
            ..Field::new("trace_id_ratio_based", Type::Section(&TRACE_ID_RATIO_BASED_SAMPLER))
        },
        own::ADAPTIVE_SAMPLER,
        rules::RATE_LIMIT_SAMPLER,
    ],
    count: Count::One,
    others: Others::Components,
};

/// Every trace is sampled.
pub static ALWAYS_ON_SAMPLER: Section = Section {
    name: "AlwaysOnSampler",
    doc: "Every trace is sampled.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// No trace is sampled.
pub static ALWAYS_OFF_SAMPLER: Section = Section {
    name: "AlwaysOffSampler",
    doc: "No trace is sampled.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Spans that are not sampled are recorded all the same, so that processors see them.
pub static ALWAYS_RECORD_SAMPLER: Section = Section {
    name: "AlwaysRecordSampler",
    doc: "Spans that are not sampled are recorded all the same, so that processors see them.",
    fields: &[Field {
        doc: "The sampler that decides what is exported.",
        required: true,
        nullable: false,
        ..Field::new("root", Type::Section(&SAMPLER))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Follows the parent.
pub static PARENT_BASED_SAMPLER: Section = Section {
    name: "ParentBasedSampler",
    doc: "Follows the parent.",
    fields: &[
        Field {
            doc: "Decides where there is no parent. Default: `always_on`.",
            nullable: false,
            ..Field::new("root", Type::Section(&SAMPLER))
        },
        Field {
            doc: "Decides below a sampled parent of another process. Default: `always_on`.",
            nullable: false,
            ..Field::new("remote_parent_sampled", Type::Section(&SAMPLER))
        },
        Field {
            doc: "Decides below a parent of another process that is not sampled. Default: `always_off`.",
            nullable: false,
            ..Field::new("remote_parent_not_sampled", Type::Section(&SAMPLER))
        },
        Field {
            doc: "Decides below a sampled parent of this process. Default: `always_on`.",
            nullable: false,
            ..Field::new("local_parent_sampled", Type::Section(&SAMPLER))
        },
        Field {
            doc: "Decides below a parent of this process that is not sampled. Default: `always_off`.",
            nullable: false,
            ..Field::new("local_parent_not_sampled", Type::Section(&SAMPLER))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// A share of the traces, by the trace id.
pub static TRACE_ID_RATIO_BASED_SAMPLER: Section = Section {
    name: "TraceIdRatioBasedSampler",
    doc: "A share of the traces, by the trace id.",
    fields: &[Field {
        doc: "The share: 0.25 keeps one trace in four.",
        default: Some("1.0"),
        ..Field::new("ratio", RATIO)
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// A share of the traces, with the threshold in `tracestate`.
pub static EXPERIMENTAL_PROBABILITY_SAMPLER: Section = Section {
    name: "ExperimentalProbabilitySampler",
    doc: "A share of the traces, with the threshold in `tracestate`.",
    fields: &[Field {
        doc: "The share: 0.25 keeps one trace in four.",
        default: Some("1.0"),
        ..Field::new("ratio", RATIO)
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Asks Jaeger's sampling service.
pub static EXPERIMENTAL_JAEGER_REMOTE_SAMPLER: Section = Section {
    name: "ExperimentalJaegerRemoteSampler",
    doc: "Asks Jaeger's sampling service.",
    fields: &[
        Field {
            doc: "The URL of the service by HTTP, such as `http://localhost:5778/sampling`.",
            required: true,
            nullable: false,
            ..Field::new("endpoint", Type::Text)
        },
        Field {
            doc: "How often it is asked, at least 10.",
            default: Some("60000"),
            unit: Some("ms"),
            ..Field::new("interval", COUNT)
        },
        Field {
            doc: "Decides until the first answer.",
            required: true,
            nullable: false,
            ..Field::new("initial_sampler", Type::Section(&SAMPLER))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// A sampler that works by thresholds; one of these.
pub static EXPERIMENTAL_COMPOSABLE_SAMPLER: Section = Section {
    name: "ExperimentalComposableSampler",
    doc: "A sampler that works by thresholds; one of these.",
    fields: &[
        Field {
            doc: "No trace.",
            ..Field::new("always_off", Type::Section(&EXPERIMENTAL_COMPOSABLE_ALWAYS_OFF_SAMPLER))
        },
        Field {
            doc: "Every trace.",
            ..Field::new("always_on", Type::Section(&EXPERIMENTAL_COMPOSABLE_ALWAYS_ON_SAMPLER))
        },
        Field {
            doc: "As the parent.",
            nullable: false,
            ..Field::new("parent_threshold", Type::Section(&EXPERIMENTAL_COMPOSABLE_PARENT_THRESHOLD_SAMPLER))
        },
        Field {
            doc: "A share of the traces.",
            ..Field::new("probability", Type::Section(&EXPERIMENTAL_COMPOSABLE_PROBABILITY_SAMPLER))
        },
        Field {
            doc: "By rules.",
            ..Field::new("rule_based", Type::Section(&EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER))
        },
        rules::RATE_LIMIT_SAMPLER,
    ],
    count: Count::One,
    others: Others::Components,
};

/// Every trace is sampled.
pub static EXPERIMENTAL_COMPOSABLE_ALWAYS_ON_SAMPLER: Section = Section {
    name: "ExperimentalComposableAlwaysOnSampler",
    doc: "Every trace is sampled.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// No trace is sampled.
pub static EXPERIMENTAL_COMPOSABLE_ALWAYS_OFF_SAMPLER: Section = Section {
    name: "ExperimentalComposableAlwaysOffSampler",
    doc: "No trace is sampled.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// The parent's decision and threshold.
pub static EXPERIMENTAL_COMPOSABLE_PARENT_THRESHOLD_SAMPLER: Section = Section {
    name: "ExperimentalComposableParentThresholdSampler",
    doc: "The parent's decision and threshold.",
    fields: &[Field {
        doc: "Decides where there is no parent.",
        required: true,
        nullable: false,
        ..Field::new("root", Type::Section(&EXPERIMENTAL_COMPOSABLE_SAMPLER))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// A share of the traces, with the threshold in `tracestate`.
pub static EXPERIMENTAL_COMPOSABLE_PROBABILITY_SAMPLER: Section = Section {
    name: "ExperimentalComposableProbabilitySampler",
    doc: "A share of the traces, with the threshold in `tracestate`.",
    fields: &[Field {
        doc: "The share: 0.25 keeps one trace in four.",
        default: Some("1.0"),
        ..Field::new("ratio", RATIO)
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// The first rule that fits decides.
pub static EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER: Section = Section {
    name: "ExperimentalComposableRuleBasedSampler",
    doc: "The first rule that fits decides.",
    fields: &[Field {
        doc: "The rules, in order; where none fits, nothing is sampled.",
        nullable: false,
        ..Field::new(
            "rules",
            Type::List { of: &Type::Section(&EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE), min: 1 },
        )
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// A rule fits if all of its conditions do; without conditions always.
pub static EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE: Section = Section {
    name: "ExperimentalComposableRuleBasedSamplerRule",
    doc: "A rule fits if all of its conditions do; without conditions always.",
    fields: &[
        Field {
            doc: "An attribute has one of these values.",
            nullable: false,
            ..Field::new(
                "attribute_values",
                Type::Section(&EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_VALUES),
            )
        },
        Field {
            doc: "An attribute fits one of these patterns.",
            nullable: false,
            ..Field::new(
                "attribute_patterns",
                Type::Section(&EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_PATTERNS),
            )
        },
        Field {
            doc: "The span is of one of these kinds.",
            nullable: false,
            ..Field::new("span_kinds", Type::List { of: &Type::Word(SPAN_KIND), min: 1 })
        },
        Field {
            doc: "The span's parent is one of these.",
            nullable: false,
            ..Field::new("parent", Type::List { of: &Type::Word(EXPERIMENTAL_SPAN_PARENT), min: 1 })
        },
        rules::NAME,
        rules::SCHEMAS,
        rules::SPAN_NAMES,
        rules::PRIORITY,
        rules::MORE_VALUES,
        rules::MORE_PATTERNS,
        rules::RANGES,
        Field {
            doc: "Decides where the rule fits.",
            required: true,
            nullable: false,
            ..Field::new("sampler", Type::Section(&EXPERIMENTAL_COMPOSABLE_SAMPLER))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Values of an attribute, as text; of a list one item is enough.
pub static EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_VALUES: Section = Section {
    name: "ExperimentalComposableRuleBasedSamplerRuleAttributeValues",
    doc: "Values of an attribute, as text; of a list one item is enough.",
    fields: &[
        Field { doc: "The attribute's name.", required: true, nullable: false, ..Field::new("key", Type::Text) },
        Field {
            doc: "The values.",
            required: true,
            nullable: false,
            ..Field::new("values", Type::List { of: &Type::Text, min: 1 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Patterns of an attribute's value; of a list one item is enough.
pub static EXPERIMENTAL_COMPOSABLE_RULE_BASED_SAMPLER_RULE_ATTRIBUTE_PATTERNS: Section = Section {
    name: "ExperimentalComposableRuleBasedSamplerRuleAttributePatterns",
    doc: "Patterns of an attribute's value; of a list one item is enough.",
    fields: &[
        Field { doc: "The attribute's name.", required: true, nullable: false, ..Field::new("key", Type::Text) },
        Field {
            doc: "Patterns of what counts, with `*` and `?`. Without it everything does.",
            nullable: false,
            ..Field::new("included", Type::List { of: &Type::Text, min: 1 })
        },
        Field {
            doc: "Patterns of what does not count; they win over `included`.",
            nullable: false,
            ..Field::new("excluded", Type::List { of: &Type::Text, min: 1 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};
