//! Every key of OpenTelemetry's declarative configuration, and ours.
//!
//! The definitions have the names of the specification's JSON schema. A test compares both.

mod delivery;
mod exporters;
mod instrumentation;
mod logs;
mod metrics;
pub(crate) mod own;
mod presets;
mod propagator;
mod resource;
mod rules;
mod samplers;
mod spans;
mod tail;
mod views;
mod words;

use super::describe::{Count, Field, Others, Section, Type};
use instrumentation::EXPERIMENTAL_INSTRUMENTATION;
use logs::LOGGER_PROVIDER;
use metrics::METER_PROVIDER;
use propagator::PROPAGATOR;
use resource::RESOURCE;
use spans::TRACER_PROVIDER;
pub(crate) use words::ATTRIBUTE_VALUE;
use words::{COUNT, FILE_FORMAT, POSITIVE, SEVERITY_NUMBER};

/// OpenTelemetry's declarative configuration.
pub static CONFIGURATION: Section = Section {
    name: "OpenTelemetryConfiguration",
    doc: "OpenTelemetry's declarative configuration.",
    fields: &[
        Field {
            doc: "The version of the format, as text. Minor versions only add keys.",
            required: true,
            nullable: false,
            ..Field::new("file_format", Type::Word(FILE_FORMAT))
        },
        Field {
            doc: "Whether nothing is recorded or exported at all.",
            default: Some("false"),
            ..Field::new("disabled", Type::Bool)
        },
        Field {
            doc: "The least severity of what telemetry says about itself.",
            default: Some("info"),
            ..Field::new("log_level", Type::Word(SEVERITY_NUMBER))
        },
        Field {
            doc: "Limits of attributes of every signal, unless a provider has its own.",
            nullable: false,
            ..Field::new("attribute_limits", Type::Section(&ATTRIBUTE_LIMITS))
        },
        Field {
            doc: "Log records. Without it there are none.",
            nullable: false,
            ..Field::new("logger_provider", Type::Section(&LOGGER_PROVIDER))
        },
        Field {
            doc: "Metrics. Without it there are none.",
            nullable: false,
            ..Field::new("meter_provider", Type::Section(&METER_PROVIDER))
        },
        Field {
            doc: "The headers that carry a trace from process to process. Without it there are none.",
            nullable: false,
            ..Field::new("propagator", Type::Section(&PROPAGATOR))
        },
        Field {
            doc: "Spans. Without it there are none.",
            nullable: false,
            ..Field::new("tracer_provider", Type::Section(&TRACER_PROVIDER))
        },
        Field {
            doc: "What the process is, on everything it exports.",
            nullable: false,
            ..Field::new("resource", Type::Section(&RESOURCE))
        },
        Field {
            doc: "Settings of libraries that make telemetry.",
            nullable: false,
            ..Field::new("instrumentation/development", Type::Section(&EXPERIMENTAL_INSTRUMENTATION))
        },
        Field {
            doc: "Settings that only one distribution of OpenTelemetry knows, under its name.",
            nullable: false,
            ..Field::new("distribution", Type::Section(&DISTRIBUTION))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Limits of the attributes of every signal.
pub static ATTRIBUTE_LIMITS: Section = Section {
    name: "AttributeLimits",
    doc: "Limits of the attributes of every signal.",
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

/// Settings that only one distribution knows, under its name.
pub static DISTRIBUTION: Section = Section {
    name: "Distribution",
    doc: "Settings that only one distribution knows, under its name.",
    fields: &[own::DISTRIBUTION],
    count: Count::AtLeastOne,
    others: Others::Free(&Type::Map(&Type::Any)),
};
