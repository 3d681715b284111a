//! Our own keys: components under `otelier/…`, and settings below `distribution.otelier`.
//!
//! A component of ours is a [`Field`] here that the table of its extension point names. A key comes with the code that
//! honours it; until then [`reason`] says why it is refused.

use super::super::describe::{Count, Field, Others, Section, Type, Word};
use super::delivery::{CIRCUIT_BREAKER_FIELD, DISK_BUFFER_FIELD, RETRY_FIELD};
use super::tail::TAIL_SAMPLING;
use super::words::{COUNT, RATIO};

/// `otelier/adaptive`, a sampler.
pub(crate) const ADAPTIVE_SAMPLER: Field = Field {
    doc: "A share by kind of operation, lowered while the machine or the queue has too much to do.",
    ..Field::new("otelier/adaptive", Type::Section(&ADAPTIVE))
};

static ADAPTIVE: Section = Section {
    name: "OtelierAdaptiveSampler",
    doc: "A share of the traces by kind of operation, lowered while the machine or the queue has too much to do.",
    fields: &[
        share("ratio", "0.1", "Of everything that has no share of its own here."),
        share("workflow_ratio", "1.0", "Of workflows, their stages and tasks."),
        share("exchange_api_ratio", "0.3", "Of requests to the API of an exchange."),
        share("storage_ratio", "0.2", "Of storage of files up to 1 MiB, or of a size not known yet."),
        share("large_file_ratio", "0.05", "Of storage of files of 1 GiB and more."),
        share("ingestion_ratio", "0.3", "Of ingestion of up to 1000 records."),
        share("high_volume_ratio", "0.05", "Of ingestion of 100000 records and more, or of a number not known yet."),
        percent("cpu_threshold", "80", "The share of the processor's time above which fewer traces are kept."),
        percent("memory_threshold", "85", "The share of the memory above which fewer traces are kept."),
        percent(
            "export_failure_threshold",
            "10",
            "The share of spans that are lost on their way above which fewer traces are kept.",
        ),
        Field {
            doc: "How many traces of those that begin here are kept in a second, in all. Without it as many as the shares keep.",
            nullable: false,
            unit: Some("{trace}/s"),
            ..Field::new("traces_per_second", Type::Number { min: 0.0, max: 1e9, above_min: true, below_max: false })
        },
        percent("error_threshold", "5", "The share of local roots that fail above which more traces are kept."),
        Field {
            doc: "How many times as many traces are kept at most where too many fail; 1 is off.",
            default: Some("4.0"),
            ..Field::new("error_boost", Type::Number { min: 1.0, max: 1000.0, above_min: false, below_max: false })
        },
        share(
            "exchange_budget_floor",
            "0.1",
            "What `exchange_api_ratio` is multiplied with where the rate limit of the exchange is used up; 1 is off.",
        ),
        Field {
            doc: "Whether `tracestate` tells the threshold of a trace that is kept. Every span of such a trace is then \
                  OpenTelemetry's current span.",
            default: Some("false"),
            ..Field::new("consistent", Type::Bool)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

const fn share(name: &'static str, default: &'static str, doc: &'static str) -> Field {
    Field { doc, default: Some(default), ..Field::new(name, RATIO) }
}

/// 100 is never exceeded, and 0 always.
const fn percent(name: &'static str, default: &'static str, doc: &'static str) -> Field {
    let number = Type::Number { min: 0.0, max: 100.0, above_min: true, below_max: false };
    Field { doc, default: Some(default), unit: Some("%"), ..Field::new(name, number) }
}

/// `otelier/zipkin`, an exporter of spans. The specification's files have none: it has deprecated Zipkin exporters.
pub(crate) const ZIPKIN_EXPORTER: Field =
    Field { doc: "To Zipkin, as its own JSON.", ..Field::new("otelier/zipkin", Type::Section(&ZIPKIN)) };

static ZIPKIN: Section = Section {
    name: "OtelierZipkinExporter",
    doc: "Zipkin's JSON over HTTP. OpenTelemetry has deprecated Zipkin exporters; OTLP loses nothing.",
    fields: &[
        Field {
            doc: "The URL to send to.",
            default: Some("http://localhost:9411/api/v2/spans"),
            variables: &["OTEL_EXPORTER_ZIPKIN_ENDPOINT"],
            ..Field::new("endpoint", Type::Text)
        },
        Field {
            doc: "How long one export may take; 0 is no limit.",
            default: Some("10000"),
            unit: Some("ms"),
            variables: &["OTEL_EXPORTER_ZIPKIN_TIMEOUT"],
            ..Field::new("timeout", COUNT)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// `distribution.otelier`.
pub(crate) const DISTRIBUTION: Field = Field {
    doc: "Settings that only otelier knows.",
    nullable: false,
    ..Field::new("otelier", Type::Section(&OTELIER))
};

/// What stands below `distribution.otelier`.
pub static OTELIER: Section = Section {
    name: "Otelier",
    doc: "Settings that only otelier knows.",
    fields: &[
        Field {
            doc: "Which traces are kept when they are over. Without it all that were recorded.",
            ..Field::new("tail_sampling", Type::Section(&TAIL_SAMPLING))
        },
        Field {
            doc: "Systems whose old names of attributes are exported beside the new ones. Without it none.",
            ..Field::new("old_names", Type::List { of: &Type::Word(OLD_NAMES), min: 0 })
        },
        Field {
            doc: "Whether every span of a schema is exported with its type, as `otelier.span_type`.",
            default: Some("false"),
            variables: &["OTELIER_SPAN_TYPES"],
            ..Field::new("span_types", Type::Bool)
        },
        Field {
            doc: "Whether the message of a panic is recorded on the innermost span it ends.",
            default: Some("true"),
            variables: &["OTELIER_PANIC_MESSAGES"],
            ..Field::new("panic_messages", Type::Bool)
        },
        Field {
            doc: "Whether calls are counted and timed where their annotations ask for `metrics`.",
            default: Some("true"),
            variables: &["OTELIER_SPAN_METRICS"],
            ..Field::new("span_metrics", Type::Bool)
        },
        Field {
            doc: "Whether the pipeline measures itself, as `otel.sdk.…` metrics.",
            default: Some("false"),
            variables: &["OTELIER_SDK_METRICS"],
            ..Field::new("sdk_metrics", Type::Bool)
        },
        Field {
            doc: "Which signal carries the exceptions of errors.",
            default: Some("span_events"),
            ..Field::new("exception_signal", Type::Word(EXCEPTION_SIGNALS))
        },
        Field {
            doc: "How correlation ids come in and go out.",
            ..Field::new("correlation", Type::Section(&CORRELATION))
        },
        Field {
            doc: "How far telemetry is wired into OpenTelemetry's global state.",
            default: Some("global"),
            ..Field::new("hooks", Type::Word(HOOKS))
        },
        Field {
            doc: "How long shutting down may take.",
            default: Some("5000"),
            unit: Some("ms"),
            ..Field::new("shutdown_timeout", MILLISECONDS)
        },
        RETRY_FIELD,
        CIRCUIT_BREAKER_FIELD,
        DISK_BUFFER_FIELD,
    ],
    count: Count::Any,
    others: Others::Refused,
};

static CORRELATION: Section = Section {
    name: "OtelierCorrelation",
    doc: "How correlation ids, and whose work it is, come in and go out.",
    fields: &[
        Field {
            doc: "The header that carries the id; an empty text for none.",
            default: Some("x-correlation-id"),
            variables: &["OTELIER_CORRELATION_HEADER"],
            ..Field::new("header", Type::Text)
        },
        Field { doc: "Whether what comes in is believed.", default: Some("true"), ..Field::new("accept", Type::Bool) },
        Field {
            doc: "Whether a new id is made where none comes in that is acceptable.",
            default: Some("true"),
            ..Field::new("generate", Type::Bool)
        },
        Field {
            doc: "Attributes that go out in baggage and are read from it, such as `user.id`. Without it `correlation.id`.",
            ..Field::new("baggage", Type::List { of: &Type::Text, min: 0 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// A day is far beyond any of these; more is a slip.
pub(super) const MILLISECONDS: Type = Type::Duration { bare: "ms", min: 1_000_000, max: 86_400_000_000_000 };

const OLD_NAMES: &[Word] = &[
    Word { word: "build_tracer", doc: "A tracer of builds, tests and start-up" },
    Word { word: "lakehouse", doc: "A crypto lakehouse" },
    Word { word: "retail", doc: "A retail pipeline" },
];

const EXCEPTION_SIGNALS: &[Word] = &[
    Word { word: "span_events", doc: "Events of spans" },
    Word { word: "logs", doc: "Log records" },
    Word { word: "logs/dup", doc: "Both, while dashboards are moved" },
];

const HOOKS: &[Word] = &[
    Word { word: "global", doc: "The pipeline is OpenTelemetry's global provider" },
    Word { word: "manual", doc: "The program installs the hooks itself" },
    Word { word: "none", doc: "Nothing is installed" },
];

/// `otelier/kubernetes`, a detector of the resource.
pub(crate) const KUBERNETES_DETECTOR: Field = Field {
    doc: "What pod, node and container this is.",
    ..Field::new("otelier/kubernetes", Type::Section(&KUBERNETES))
};

static KUBERNETES: Section = Section {
    name: "OtelierKubernetesResourceDetector",
    doc: "Finds `k8s.*`.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Keys below `distribution.otelier` that are known, and refused: nothing in this version would honour them.
const LATER: &[(&str, &str)] = &[("slos", "service level objectives"), ("alerts", "alerts")];

/// Names of ours that stand in the wrong place: the section, the key, and what to do.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("Otelier", "failover", "it is an exporter, `otelier/failover`"),
    ("OtelierFailoverSpanMember", "otelier/failover", "one within another is one list; write its exporters here"),
    ("OtelierFailoverMember", "otelier/failover", "one within another is one list; write its exporters here"),
];

/// Why a key of ours is refused; the sentence goes on after "is refused: ".
pub(crate) fn reason(section: &Section, key: &str) -> Option<String> {
    if ["LogRecordExporter", "PushMetricExporter", "OtelierFailoverMember"].contains(&section.name)
        && ["otelier/jaeger", "otelier/tempo", "otelier/zipkin"].contains(&key)
    {
        return Some("it takes spans alone".to_owned());
    }
    if let Some((.., reason)) = ELSEWHERE.iter().find(|(name, other, _)| section.name == *name && *other == key) {
        return Some((*reason).to_owned());
    }
    let (_, what) = LATER.iter().find(|(name, _)| std::ptr::eq(section, &OTELIER) && *name == key)?;
    Some(format!("this version has no {what}, so it would have no effect"))
}
