//! Spans: providers, processors, exporters, limits.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::delivery::{FAILOVER_EXPORTER, OTLP_FILE_EXPORTER};
use super::exporters::{CONSOLE_EXPORTER, EXPERIMENTAL_OTLP_FILE_EXPORTER, OTLP_GRPC_EXPORTER, OTLP_HTTP_EXPORTER};
use super::own::ZIPKIN_EXPORTER;
use super::presets::{COLLECTOR_EXPORTER, DATADOG_EXPORTER, JAEGER_EXPORTER, OPEN_OBSERVE_EXPORTER, TEMPO_EXPORTER};
use super::samplers::SAMPLER;
use super::words::{COUNT, POSITIVE};

/// Spans.
pub static TRACER_PROVIDER: Section = Section {
    name: "TracerProvider",
    doc: "Spans.",
    fields: &[
        Field {
            doc: "What happens to spans, in order.",
            required: true,
            nullable: false,
            ..Field::new("processors", Type::List { of: &Type::Section(&SPAN_PROCESSOR), min: 1 })
        },
        Field { doc: "How much a span holds.", nullable: false, ..Field::new("limits", Type::Section(&SPAN_LIMITS)) },
        Field {
            doc: "Which traces are sampled. Default: `parent_based` with `always_on` where there is no parent.",
            nullable: false,
            ..Field::new("sampler", Type::Section(&SAMPLER))
        },
        Field {
            doc: "Who makes the ids of traces and spans. Default: random ids.",
            nullable: false,
            ..Field::new("id_generator", Type::Section(&ID_GENERATOR))
        },
        Field {
            doc: "What holds for which tracer.",
            nullable: false,
            ..Field::new("tracer_configurator/development", Type::Section(&EXPERIMENTAL_TRACER_CONFIGURATOR))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What happens to spans; one of these.
pub static SPAN_PROCESSOR: Section = Section {
    name: "SpanProcessor",
    doc: "What happens to spans; one of these.",
    fields: &[
        Field {
            doc: "They are exported in batches.",
            nullable: false,
            ..Field::new("batch", Type::Section(&BATCH_SPAN_PROCESSOR))
        },
        Field {
            doc: "Each is exported at once.",
            nullable: false,
            ..Field::new("simple", Type::Section(&SIMPLE_SPAN_PROCESSOR))
        },
    ],
    count: Count::One,
    others: Others::Components,
};

/// Collects spans and exports them in batches.
pub static BATCH_SPAN_PROCESSOR: Section = Section {
    name: "BatchSpanProcessor",
    doc: "Collects spans and exports them in batches.",
    fields: &[
        Field {
            doc: "How long a batch that is not full waits before it is exported.",
            default: Some("5000"),
            unit: Some("ms"),
            ..Field::new("schedule_delay", COUNT)
        },
        Field {
            doc: "How long one export may take; 0 is no limit.",
            default: Some("30000"),
            unit: Some("ms"),
            ..Field::new("export_timeout", COUNT)
        },
        Field {
            doc: "How many may wait for export; what does not fit is dropped.",
            default: Some("2048"),
            ..Field::new("max_queue_size", POSITIVE)
        },
        Field {
            doc: "The most that one export carries; no more than `max_queue_size`.",
            default: Some("512"),
            ..Field::new("max_export_batch_size", POSITIVE)
        },
        Field {
            doc: "Where they go.",
            required: true,
            nullable: false,
            ..Field::new("exporter", Type::Section(&SPAN_EXPORTER))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Exports each span at once.
pub static SIMPLE_SPAN_PROCESSOR: Section = Section {
    name: "SimpleSpanProcessor",
    doc: "Exports each span at once.",
    fields: &[Field {
        doc: "Where they go.",
        required: true,
        nullable: false,
        ..Field::new("exporter", Type::Section(&SPAN_EXPORTER))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Where spans go; one of these.
pub static SPAN_EXPORTER: Section = Section {
    name: "SpanExporter",
    doc: "Where spans go; one of these.",
    fields: &[
        Field { doc: "By OTLP over HTTP.", ..Field::new("otlp_http", Type::Section(&OTLP_HTTP_EXPORTER)) },
        Field { doc: "By OTLP over gRPC.", ..Field::new("otlp_grpc", Type::Section(&OTLP_GRPC_EXPORTER)) },
        Field {
            doc: "Into a file, as OTLP.",
            ..Field::new("otlp_file/development", Type::Section(&EXPERIMENTAL_OTLP_FILE_EXPORTER))
        },
        Field { doc: "To the console.", ..Field::new("console", Type::Section(&CONSOLE_EXPORTER)) },
        OTLP_FILE_EXPORTER,
        FAILOVER_EXPORTER,
        COLLECTOR_EXPORTER,
        JAEGER_EXPORTER,
        TEMPO_EXPORTER,
        DATADOG_EXPORTER,
        OPEN_OBSERVE_EXPORTER,
        ZIPKIN_EXPORTER,
    ],
    count: Count::One,
    others: Others::Components,
};

/// How much a span holds.
pub static SPAN_LIMITS: Section = Section {
    name: "SpanLimits",
    doc: "How much a span holds.",
    fields: &[
        Field {
            doc: "The most characters of a text value; longer ones are cut. Without it nothing is cut.",
            ..Field::new("attribute_value_length_limit", COUNT)
        },
        Field {
            doc: "How deep lists and maps in a value may be nested, counted from 1; what is deeper becomes empty.",
            default: Some("64"),
            ..Field::new("attribute_value_depth_limit", POSITIVE)
        },
        Field {
            doc: "The most attributes; further ones are dropped.",
            default: Some("128"),
            ..Field::new("attribute_count_limit", COUNT)
        },
        Field { doc: "The most events.", default: Some("128"), ..Field::new("event_count_limit", COUNT) },
        Field { doc: "The most links.", default: Some("128"), ..Field::new("link_count_limit", COUNT) },
        Field {
            doc: "The most attributes of an event.",
            default: Some("128"),
            ..Field::new("event_attribute_count_limit", COUNT)
        },
        Field {
            doc: "The most attributes of a link.",
            default: Some("128"),
            ..Field::new("link_attribute_count_limit", COUNT)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Who makes the ids of traces and spans; one of these.
pub static ID_GENERATOR: Section = Section {
    name: "IdGenerator",
    doc: "Who makes the ids of traces and spans; one of these.",
    fields: &[Field { doc: "Random ids.", ..Field::new("random", Type::Section(&RANDOM_ID_GENERATOR)) }],
    count: Count::One,
    others: Others::Components,
};

/// Random ids.
pub static RANDOM_ID_GENERATOR: Section =
    Section { name: "RandomIdGenerator", doc: "Random ids.", fields: &[], count: Count::Any, others: Others::Refused };

/// What holds for which tracer.
pub static EXPERIMENTAL_TRACER_CONFIGURATOR: Section = Section {
    name: "ExperimentalTracerConfigurator",
    doc: "What holds for which tracer.",
    fields: &[
        Field {
            doc: "For tracers that no entry names.",
            nullable: false,
            ..Field::new("default_config", Type::Section(&EXPERIMENTAL_TRACER_CONFIG))
        },
        Field {
            doc: "For tracers by name; the first that fits counts.",
            nullable: false,
            ..Field::new("tracers", Type::List { of: &Type::Section(&EXPERIMENTAL_TRACER_MATCHER_AND_CONFIG), min: 1 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for tracers of a name.
pub static EXPERIMENTAL_TRACER_MATCHER_AND_CONFIG: Section = Section {
    name: "ExperimentalTracerMatcherAndConfig",
    doc: "What holds for tracers of a name.",
    fields: &[
        Field {
            doc: "The tracer's name; `*` and `?` stand for any text and any character.",
            required: true,
            nullable: false,
            ..Field::new("name", Type::Text)
        },
        Field {
            doc: "What holds for it.",
            required: true,
            nullable: false,
            ..Field::new("config", Type::Section(&EXPERIMENTAL_TRACER_CONFIG))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for a tracer.
pub static EXPERIMENTAL_TRACER_CONFIG: Section = Section {
    name: "ExperimentalTracerConfig",
    doc: "What holds for a tracer.",
    fields: &[Field {
        doc: "Whether it makes spans.",
        nullable: false,
        default: Some("true"),
        ..Field::new("enabled", Type::Bool)
    }],
    count: Count::Any,
    others: Others::Refused,
};
