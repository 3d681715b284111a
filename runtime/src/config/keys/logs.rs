//! Log records: providers, processors, exporters, limits.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::delivery::{FAILOVER_LOG_EXPORTER, OTLP_FILE_EXPORTER};
use super::exporters::{CONSOLE_EXPORTER, EXPERIMENTAL_OTLP_FILE_EXPORTER, OTLP_GRPC_EXPORTER, OTLP_HTTP_EXPORTER};
use super::presets::{COLLECTOR_EXPORTER, DATADOG_EXPORTER, OPEN_OBSERVE_EXPORTER};
use super::words::{COUNT, POSITIVE, SEVERITY_NUMBER};

/// Log records.
pub static LOGGER_PROVIDER: Section = Section {
    name: "LoggerProvider",
    doc: "Log records.",
    fields: &[
        Field {
            doc: "What happens to log records, in order.",
            required: true,
            nullable: false,
            ..Field::new("processors", Type::List { of: &Type::Section(&LOG_RECORD_PROCESSOR), min: 1 })
        },
        Field {
            doc: "How much a log record holds.",
            nullable: false,
            ..Field::new("limits", Type::Section(&LOG_RECORD_LIMITS))
        },
        Field {
            doc: "What holds for which logger.",
            nullable: false,
            ..Field::new("logger_configurator/development", Type::Section(&EXPERIMENTAL_LOGGER_CONFIGURATOR))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What happens to log records; one of these.
pub static LOG_RECORD_PROCESSOR: Section = Section {
    name: "LogRecordProcessor",
    doc: "What happens to log records; one of these.",
    fields: &[
        Field {
            doc: "They are exported in batches.",
            nullable: false,
            ..Field::new("batch", Type::Section(&BATCH_LOG_RECORD_PROCESSOR))
        },
        Field {
            doc: "Each is exported at once.",
            nullable: false,
            ..Field::new("simple", Type::Section(&SIMPLE_LOG_RECORD_PROCESSOR))
        },
        Field {
            doc: "Events become events of the active span.",
            ..Field::new(
                "event_to_span_event_bridge/development",
                Type::Section(&EXPERIMENTAL_EVENT_TO_SPAN_EVENT_BRIDGE_LOG_RECORD_PROCESSOR),
            )
        },
    ],
    count: Count::One,
    others: Others::Components,
};

/// Collects log records and exports them in batches.
pub static BATCH_LOG_RECORD_PROCESSOR: Section = Section {
    name: "BatchLogRecordProcessor",
    doc: "Collects log records and exports them in batches.",
    fields: &[
        Field {
            doc: "How long a batch that is not full waits before it is exported.",
            default: Some("1000"),
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
            ..Field::new("exporter", Type::Section(&LOG_RECORD_EXPORTER))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Exports each log record at once.
pub static SIMPLE_LOG_RECORD_PROCESSOR: Section = Section {
    name: "SimpleLogRecordProcessor",
    doc: "Exports each log record at once.",
    fields: &[Field {
        doc: "Where they go.",
        required: true,
        nullable: false,
        ..Field::new("exporter", Type::Section(&LOG_RECORD_EXPORTER))
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Log records that are events become events of the active span.
pub static EXPERIMENTAL_EVENT_TO_SPAN_EVENT_BRIDGE_LOG_RECORD_PROCESSOR: Section = Section {
    name: "ExperimentalEventToSpanEventBridgeLogRecordProcessor",
    doc: "Log records that are events become events of the active span.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Where log records go; one of these.
pub static LOG_RECORD_EXPORTER: Section = Section {
    name: "LogRecordExporter",
    doc: "Where log records go; one of these.",
    fields: &[
        Field { doc: "By OTLP over HTTP.", ..Field::new("otlp_http", Type::Section(&OTLP_HTTP_EXPORTER)) },
        Field { doc: "By OTLP over gRPC.", ..Field::new("otlp_grpc", Type::Section(&OTLP_GRPC_EXPORTER)) },
        Field {
            doc: "Into a file, as OTLP.",
            ..Field::new("otlp_file/development", Type::Section(&EXPERIMENTAL_OTLP_FILE_EXPORTER))
        },
        Field { doc: "To the console.", ..Field::new("console", Type::Section(&CONSOLE_EXPORTER)) },
        OTLP_FILE_EXPORTER,
        FAILOVER_LOG_EXPORTER,
        COLLECTOR_EXPORTER,
        DATADOG_EXPORTER,
        OPEN_OBSERVE_EXPORTER,
    ],
    count: Count::One,
    others: Others::Components,
};

/// How much a log record holds.
pub static LOG_RECORD_LIMITS: Section = Section {
    name: "LogRecordLimits",
    doc: "How much a log record holds.",
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
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for which logger.
pub static EXPERIMENTAL_LOGGER_CONFIGURATOR: Section = Section {
    name: "ExperimentalLoggerConfigurator",
    doc: "What holds for which logger.",
    fields: &[
        Field {
            doc: "For loggers that no entry names.",
            nullable: false,
            ..Field::new("default_config", Type::Section(&EXPERIMENTAL_LOGGER_CONFIG))
        },
        Field {
            doc: "For loggers by name; the first that fits counts.",
            nullable: false,
            ..Field::new("loggers", Type::List { of: &Type::Section(&EXPERIMENTAL_LOGGER_MATCHER_AND_CONFIG), min: 1 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for loggers of a name.
pub static EXPERIMENTAL_LOGGER_MATCHER_AND_CONFIG: Section = Section {
    name: "ExperimentalLoggerMatcherAndConfig",
    doc: "What holds for loggers of a name.",
    fields: &[
        Field {
            doc: "The logger's name; `*` and `?` stand for any text and any character.",
            required: true,
            nullable: false,
            ..Field::new("name", Type::Text)
        },
        Field {
            doc: "What holds for it.",
            required: true,
            nullable: false,
            ..Field::new("config", Type::Section(&EXPERIMENTAL_LOGGER_CONFIG))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for a logger.
pub static EXPERIMENTAL_LOGGER_CONFIG: Section = Section {
    name: "ExperimentalLoggerConfig",
    doc: "What holds for a logger.",
    fields: &[
        Field { doc: "Whether it makes log records.", default: Some("true"), ..Field::new("enabled", Type::Bool) },
        Field {
            doc: "The least severity; log records that have none pass.",
            ..Field::new("minimum_severity", Type::Word(SEVERITY_NUMBER))
        },
        Field {
            doc: "Whether log records of traces that are not sampled are left out.",
            ..Field::new("trace_based", Type::Bool)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};
