//! Resources and who finds them.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::own;
use super::words::{ATTRIBUTE_TYPE, ATTRIBUTE_VALUE};

/// What the process is.
pub static RESOURCE: Section = Section {
    name: "Resource",
    doc: "What the process is.",
    fields: &[
        Field {
            doc: "Attributes; they win over `attributes_list`.",
            nullable: false,
            ..Field::new("attributes", Type::List { of: &Type::Section(&ATTRIBUTE_NAME_VALUE), min: 1 })
        },
        Field {
            doc: "What the program finds out about where it runs. Without it nothing is looked for.",
            nullable: false,
            ..Field::new("detection/development", Type::Section(&EXPERIMENTAL_RESOURCE_DETECTION))
        },
        Field { doc: "The URL of the schema that the attributes follow.", ..Field::new("schema_url", Type::Text) },
        Field {
            doc: "Attributes as `OTEL_RESOURCE_ATTRIBUTES` has them: `key1=value1,key2=value2`.",
            ..Field::new("attributes_list", Type::Text)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// An attribute.
pub static ATTRIBUTE_NAME_VALUE: Section = Section {
    name: "AttributeNameValue",
    doc: "An attribute.",
    fields: &[
        Field { doc: "The attribute's name.", required: true, nullable: false, ..Field::new("name", Type::Text) },
        Field {
            doc: "Its value, of the type that `type` says; `null` leaves the attribute out.",
            required: true,
            ..Field::new("value", ATTRIBUTE_VALUE)
        },
        Field {
            doc: "The type of the value.",
            default: Some("string"),
            ..Field::new("type", Type::Word(ATTRIBUTE_TYPE))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// What the program finds out about where it runs.
pub static EXPERIMENTAL_RESOURCE_DETECTION: Section = Section {
    name: "ExperimentalResourceDetection",
    doc: "What the program finds out about where it runs.",
    fields: &[
        Field {
            doc: "Which of the attributes that are found count.",
            nullable: false,
            ..Field::new("attributes", Type::Section(&INCLUDE_EXCLUDE))
        },
        Field {
            doc: "Who looks. Without it nobody does.",
            nullable: false,
            ..Field::new("detectors", Type::List { of: &Type::Section(&EXPERIMENTAL_RESOURCE_DETECTOR), min: 1 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// A resource detector; one of these.
pub static EXPERIMENTAL_RESOURCE_DETECTOR: Section = Section {
    name: "ExperimentalResourceDetector",
    doc: "A resource detector; one of these.",
    fields: &[
        Field {
            doc: "The container: `container.*`.",
            ..Field::new("container", Type::Section(&EXPERIMENTAL_CONTAINER_RESOURCE_DETECTOR))
        },
        Field {
            doc: "The machine: `host.*` and `os.*`.",
            ..Field::new("host", Type::Section(&EXPERIMENTAL_HOST_RESOURCE_DETECTOR))
        },
        Field {
            doc: "The process: `process.*`.",
            ..Field::new("process", Type::Section(&EXPERIMENTAL_PROCESS_RESOURCE_DETECTOR))
        },
        Field {
            doc: "`service.name` by `OTEL_SERVICE_NAME`, and `service.instance.id`.",
            ..Field::new("service", Type::Section(&EXPERIMENTAL_SERVICE_RESOURCE_DETECTOR))
        },
        own::KUBERNETES_DETECTOR,
    ],
    count: Count::One,
    others: Others::Components,
};

/// Finds `container.*`.
pub static EXPERIMENTAL_CONTAINER_RESOURCE_DETECTOR: Section = Section {
    name: "ExperimentalContainerResourceDetector",
    doc: "Finds `container.*`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Finds `host.*` and `os.*`.
pub static EXPERIMENTAL_HOST_RESOURCE_DETECTOR: Section = Section {
    name: "ExperimentalHostResourceDetector",
    doc: "Finds `host.*` and `os.*`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Finds `process.*`.
pub static EXPERIMENTAL_PROCESS_RESOURCE_DETECTOR: Section = Section {
    name: "ExperimentalProcessResourceDetector",
    doc: "Finds `process.*`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Finds `service.name` and `service.instance.id`.
pub static EXPERIMENTAL_SERVICE_RESOURCE_DETECTOR: Section = Section {
    name: "ExperimentalServiceResourceDetector",
    doc: "Finds `service.name` and `service.instance.id`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Patterns of names, with `*` and `?`.
pub static INCLUDE_EXCLUDE: Section = Section {
    name: "IncludeExclude",
    doc: "Patterns of names, with `*` and `?`.",
    fields: &[
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
