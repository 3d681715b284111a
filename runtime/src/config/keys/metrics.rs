//! Metrics: providers, readers, exporters.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::delivery::{FAILOVER_METRIC_EXPORTER, OTLP_FILE_METRIC_EXPORTER};
use super::exporters::{
    CONSOLE_METRIC_EXPORTER, EXPERIMENTAL_OTLP_FILE_METRIC_EXPORTER, OTLP_GRPC_METRIC_EXPORTER,
    OTLP_HTTP_METRIC_EXPORTER,
};
use super::presets::{COLLECTOR_METRIC_EXPORTER, DATADOG_METRIC_EXPORTER, OPEN_OBSERVE_METRIC_EXPORTER};
use super::resource::INCLUDE_EXCLUDE;
use super::views::VIEW;
use super::words::{COUNT, EXEMPLAR_FILTER, EXPERIMENTAL_PROMETHEUS_TRANSLATION_STRATEGY, POSITIVE};

/// Metrics.
pub static METER_PROVIDER: Section = Section {
    name: "MeterProvider",
    doc: "Metrics.",
    fields: &[
        Field {
            doc: "Who collects metrics.",
            required: true,
            nullable: false,
            ..Field::new("readers", Type::List { of: &Type::Section(&METRIC_READER), min: 1 })
        },
        Field {
            doc: "How metrics differ from what instruments ask for.",
            nullable: false,
            ..Field::new("views", Type::List { of: &Type::Section(&VIEW), min: 1 })
        },
        Field {
            doc: "Which measurements may become exemplars.",
            default: Some("trace_based"),
            ..Field::new("exemplar_filter", Type::Word(EXEMPLAR_FILTER))
        },
        Field {
            doc: "What holds for which meter.",
            nullable: false,
            ..Field::new("meter_configurator/development", Type::Section(&EXPERIMENTAL_METER_CONFIGURATOR))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Who collects metrics; one of these.
pub static METRIC_READER: Section = Section {
    name: "MetricReader",
    doc: "Who collects metrics; one of these.",
    fields: &[
        Field {
            doc: "Exports them at an interval.",
            nullable: false,
            ..Field::new("periodic", Type::Section(&PERIODIC_METRIC_READER))
        },
        Field {
            doc: "Exports them when somebody asks.",
            nullable: false,
            ..Field::new("pull", Type::Section(&PULL_METRIC_READER))
        },
    ],
    count: Count::One,
    others: Others::Refused,
};

/// Exports metrics at an interval.
pub static PERIODIC_METRIC_READER: Section = Section {
    name: "PeriodicMetricReader",
    doc: "Exports metrics at an interval.",
    fields: &[
        Field {
            doc: "The time from one export to the next.",
            default: Some("60000"),
            unit: Some("ms"),
            ..Field::new("interval", COUNT)
        },
        Field {
            doc: "How long one export may take; 0 is no limit.",
            default: Some("30000"),
            unit: Some("ms"),
            ..Field::new("timeout", COUNT)
        },
        Field {
            doc: "The most data points of one export. Without it there is no limit.",
            ..Field::new("max_export_batch_size/development", POSITIVE)
        },
        Field {
            doc: "Where metrics go.",
            required: true,
            nullable: false,
            ..Field::new("exporter", Type::Section(&PUSH_METRIC_EXPORTER))
        },
        Field {
            doc: "Metrics from elsewhere.",
            nullable: false,
            ..Field::new("producers", Type::List { of: &Type::Section(&METRIC_PRODUCER), min: 1 })
        },
        Field {
            doc: "How many sets of attributes one metric may have.",
            nullable: false,
            ..Field::new("cardinality_limits", Type::Section(&CARDINALITY_LIMITS))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Exports metrics when somebody asks.
pub static PULL_METRIC_READER: Section = Section {
    name: "PullMetricReader",
    doc: "Exports metrics when somebody asks.",
    fields: &[
        Field {
            doc: "How they are asked for.",
            required: true,
            nullable: false,
            ..Field::new("exporter", Type::Section(&PULL_METRIC_EXPORTER))
        },
        Field {
            doc: "Metrics from elsewhere.",
            nullable: false,
            ..Field::new("producers", Type::List { of: &Type::Section(&METRIC_PRODUCER), min: 1 })
        },
        Field {
            doc: "How many sets of attributes one metric may have.",
            nullable: false,
            ..Field::new("cardinality_limits", Type::Section(&CARDINALITY_LIMITS))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Where metrics go; one of these.
pub static PUSH_METRIC_EXPORTER: Section = Section {
    name: "PushMetricExporter",
    doc: "Where metrics go; one of these.",
    fields: &[
        Field { doc: "By OTLP over HTTP.", ..Field::new("otlp_http", Type::Section(&OTLP_HTTP_METRIC_EXPORTER)) },
        Field { doc: "By OTLP over gRPC.", ..Field::new("otlp_grpc", Type::Section(&OTLP_GRPC_METRIC_EXPORTER)) },
        Field {
            doc: "Into a file, as OTLP.",
            ..Field::new("otlp_file/development", Type::Section(&EXPERIMENTAL_OTLP_FILE_METRIC_EXPORTER))
        },
        Field { doc: "To the console.", ..Field::new("console", Type::Section(&CONSOLE_METRIC_EXPORTER)) },
        OTLP_FILE_METRIC_EXPORTER,
        FAILOVER_METRIC_EXPORTER,
        COLLECTOR_METRIC_EXPORTER,
        DATADOG_METRIC_EXPORTER,
        OPEN_OBSERVE_METRIC_EXPORTER,
    ],
    count: Count::One,
    others: Others::Components,
};

/// How metrics are asked for; one of these.
pub static PULL_METRIC_EXPORTER: Section = Section {
    name: "PullMetricExporter",
    doc: "How metrics are asked for; one of these.",
    fields: &[Field {
        doc: "Prometheus asks.",
        ..Field::new("prometheus/development", Type::Section(&EXPERIMENTAL_PROMETHEUS_METRIC_EXPORTER))
    }],
    count: Count::One,
    others: Others::Components,
};

/// Serves metrics to Prometheus.
pub static EXPERIMENTAL_PROMETHEUS_METRIC_EXPORTER: Section = Section {
    name: "ExperimentalPrometheusMetricExporter",
    doc: "Serves metrics to Prometheus.",
    fields: &[
        Field { doc: "The address to listen at.", default: Some("localhost"), ..Field::new("host", Type::Text) },
        Field {
            doc: "The port to listen at.",
            default: Some("9464"),
            ..Field::new("port", Type::Integer { min: 0, max: 65535 })
        },
        Field {
            doc: "Whether metrics name the scope that made them.",
            default: Some("true"),
            ..Field::new("scope_info_enabled", Type::Bool)
        },
        Field {
            doc: "Whether there is a metric with the resource.",
            default: Some("true"),
            ..Field::new("target_info_enabled/development", Type::Bool)
        },
        Field {
            doc: "Which attributes of the resource every metric has.",
            nullable: false,
            ..Field::new("resource_constant_labels", Type::Section(&INCLUDE_EXCLUDE))
        },
        Field {
            doc: "How names become names of Prometheus.",
            default: Some("underscore_escaping_with_suffixes"),
            ..Field::new("translation_strategy", Type::Word(EXPERIMENTAL_PROMETHEUS_TRANSLATION_STRATEGY))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Metrics from elsewhere; one of these.
pub static METRIC_PRODUCER: Section = Section {
    name: "MetricProducer",
    doc: "Metrics from elsewhere; one of these.",
    fields: &[Field {
        doc: "From OpenCensus. Deprecated.",
        ..Field::new("opencensus", Type::Section(&OPEN_CENSUS_METRIC_PRODUCER))
    }],
    count: Count::One,
    others: Others::Components,
};

/// Metrics from OpenCensus. Deprecated.
pub static OPEN_CENSUS_METRIC_PRODUCER: Section = Section {
    name: "OpenCensusMetricProducer",
    doc: "Metrics from OpenCensus. Deprecated.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// How many sets of attributes one metric may have.
pub static CARDINALITY_LIMITS: Section = Section {
    name: "CardinalityLimits",
    doc: "How many sets of attributes one metric may have.",
    fields: &[
        Field {
            doc: "The limit of all instruments that have no own.",
            default: Some("2000"),
            ..Field::new("default", POSITIVE)
        },
        Field { doc: "The limit of instruments of the kind `counter`.", ..Field::new("counter", POSITIVE) },
        Field { doc: "The limit of instruments of the kind `gauge`.", ..Field::new("gauge", POSITIVE) },
        Field { doc: "The limit of instruments of the kind `histogram`.", ..Field::new("histogram", POSITIVE) },
        Field {
            doc: "The limit of instruments of the kind `observable_counter`.",
            ..Field::new("observable_counter", POSITIVE)
        },
        Field {
            doc: "The limit of instruments of the kind `observable_gauge`.",
            ..Field::new("observable_gauge", POSITIVE)
        },
        Field {
            doc: "The limit of instruments of the kind `observable_up_down_counter`.",
            ..Field::new("observable_up_down_counter", POSITIVE)
        },
        Field {
            doc: "The limit of instruments of the kind `up_down_counter`.",
            ..Field::new("up_down_counter", POSITIVE)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for which meter.
pub static EXPERIMENTAL_METER_CONFIGURATOR: Section = Section {
    name: "ExperimentalMeterConfigurator",
    doc: "What holds for which meter.",
    fields: &[
        Field {
            doc: "For meters that no entry names.",
            nullable: false,
            ..Field::new("default_config", Type::Section(&EXPERIMENTAL_METER_CONFIG))
        },
        Field {
            doc: "For meters by name; the first that fits counts.",
            nullable: false,
            ..Field::new("meters", Type::List { of: &Type::Section(&EXPERIMENTAL_METER_MATCHER_AND_CONFIG), min: 1 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for meters of a name.
pub static EXPERIMENTAL_METER_MATCHER_AND_CONFIG: Section = Section {
    name: "ExperimentalMeterMatcherAndConfig",
    doc: "What holds for meters of a name.",
    fields: &[
        Field {
            doc: "The meter's name; `*` and `?` stand for any text and any character.",
            required: true,
            nullable: false,
            ..Field::new("name", Type::Text)
        },
        Field {
            doc: "What holds for it.",
            required: true,
            nullable: false,
            ..Field::new("config", Type::Section(&EXPERIMENTAL_METER_CONFIG))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What holds for a meter.
pub static EXPERIMENTAL_METER_CONFIG: Section = Section {
    name: "ExperimentalMeterConfig",
    doc: "What holds for a meter.",
    fields: &[Field {
        doc: "Whether it measures.",
        nullable: false,
        default: Some("true"),
        ..Field::new("enabled", Type::Bool)
    }],
    count: Count::Any,
    others: Others::Refused,
};
