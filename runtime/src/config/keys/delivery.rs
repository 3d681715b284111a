//! What happens to batches that do not arrive at once; files that are put aside. Keys of ours.

use super::super::describe::{Count, Field, Others, Section, Type, Word};
use super::exporters::{
    DEFAULT_HISTOGRAM_AGGREGATION, OTLP_GRPC_EXPORTER, OTLP_HTTP_EXPORTER, TEMPORALITY_PREFERENCE, with_metrics,
};
use super::own::MILLISECONDS;
use super::presets::{COLLECTOR_EXPORTER, DATADOG_EXPORTER, JAEGER_EXPORTER, OPEN_OBSERVE_EXPORTER, TEMPO_EXPORTER};

/// `distribution.otelier.retry`.
pub(super) const RETRY_FIELD: Field = Field {
    doc: "How batches are sent again that a receiver could not take.",
    ..Field::new("retry", Type::Section(&RETRY))
};

static RETRY: Section = Section {
    name: "OtelierRetry",
    doc: "How batches are sent again that a receiver could not take: after a pause drawn evenly from 0 to a bound that doubles each time.",
    fields: &[
        Field {
            doc: "The bound of the first pause.",
            default: Some("5000"),
            unit: Some("ms"),
            ..Field::new("initial_backoff", MILLISECONDS)
        },
        Field {
            doc: "The bound of every pause; at least `initial_backoff`.",
            default: Some("30000"),
            unit: Some("ms"),
            ..Field::new("max_backoff", MILLISECONDS)
        },
        Field {
            doc: "How long after its first attempt a batch is given up; 0: nothing is sent again. In a disk buffer its `max_age` counts.",
            default: Some("300000"),
            unit: Some("ms"),
            variables: &["OTELIER_RETRY_MAX_ELAPSED"],
            ..Field::new("max_elapsed", Type::Duration { bare: "ms", min: 0, max: 7 * DAY })
        },
        Field {
            doc: "How much waits in memory for one exporter.",
            default: Some("16777216"),
            unit: Some("By"),
            ..Field::new("max_pending_bytes", Type::Size { min: 1, max: TEBIBYTE })
        },
        Field {
            doc: "HTTP statuses after which a batch is sent again, besides 429, 502, 503 and 504.",
            ..Field::new("also_statuses", Type::List { of: &Type::Integer { min: 400, max: 599 }, min: 0 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// `distribution.otelier.circuit_breaker`.
pub(super) const CIRCUIT_BREAKER_FIELD: Field = Field {
    doc: "When a receiver that fails is left alone for a while.",
    ..Field::new("circuit_breaker", Type::Section(&CIRCUIT_BREAKER))
};

static CIRCUIT_BREAKER: Section = Section {
    name: "OtelierCircuitBreaker",
    doc: "When a receiver that fails is left alone for a while.",
    fields: &[
        Field {
            doc: "How many attempts in a row must fail; 0: it is never left alone.",
            default: Some("5"),
            ..Field::new("failures", Type::Integer { min: 0, max: u32::MAX as i64 })
        },
        Field {
            doc: "How long nothing is sent; doubled each time up to ten times as long.",
            default: Some("30000"),
            unit: Some("ms"),
            ..Field::new("open_for", MILLISECONDS)
        },
        Field {
            doc: "How many batches must arrive one after the other before everything is sent again.",
            default: Some("2"),
            ..Field::new("successes", Type::Integer { min: 1, max: u32::MAX as i64 })
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// `distribution.otelier.disk_buffer`.
pub(super) const DISK_BUFFER_FIELD: Field = Field {
    doc: "Where batches wait until they have arrived, over the end of the process. Without it they wait in memory.",
    ..Field::new("disk_buffer", Type::Section(&DISK_BUFFER))
};

static DISK_BUFFER: Section = Section {
    name: "OtelierDiskBuffer",
    doc: "A directory in which batches wait until they have arrived, over the end of the process.",
    fields: &[
        Field {
            doc: "The directory; made if it is missing, for its owner alone.",
            required: true,
            nullable: false,
            variables: &["OTELIER_DISK_BUFFER"],
            ..Field::new("directory", Type::Text)
        },
        Field {
            doc: "How much is kept for one exporter; what does not fit waits in memory, and is dropped and counted when there is no room either.",
            default: Some("536870912"),
            unit: Some("By"),
            ..Field::new("max_bytes", Type::Size { min: 1 << 20, max: TEBIBYTE })
        },
        Field {
            doc: "How long a batch waits at most; what is older is dropped and counted.",
            default: Some("86400000"),
            unit: Some("ms"),
            ..Field::new("max_age", Type::Duration { bare: "ms", min: 1_000_000, max: 365 * DAY })
        },
        Field {
            doc: "When the disk is made to keep what was written: `never`, which leaves it to the operating system; `always`, before a batch counts as taken; or so long after it was written.",
            default: Some("1000"),
            ..Field::new("sync", Type::Either(&[Type::Word(SYNC), MILLISECONDS]))
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// More is a slip.
const TEBIBYTE: i64 = 1 << 40;

/// A day in nanoseconds.
const DAY: u64 = 86_400_000_000_000;

const SYNC: &[Word] = &[
    Word { word: "never", doc: "When the operating system does" },
    Word { word: "always", doc: "Before a batch counts as taken" },
];

/// `otelier/failover`, an exporter of spans.
pub(crate) const FAILOVER_EXPORTER: Field = failover(&FAILOVER);

/// `otelier/failover`, an exporter of log records.
pub(crate) const FAILOVER_LOG_EXPORTER: Field = failover(&FAILOVER_OF_LOGS);

/// `otelier/failover`, an exporter of metrics.
pub(crate) const FAILOVER_METRIC_EXPORTER: Field = failover(&FAILOVER_OF_METRICS);

const fn failover(section: &'static Section) -> Field {
    Field {
        doc: "To the first of several receivers that works.",
        nullable: false,
        ..Field::new("otelier/failover", Type::Section(section))
    }
}

const fn members(of: &'static Type) -> Field {
    Field {
        doc: "The receivers, the one to prefer first.",
        required: true,
        nullable: false,
        ..Field::new("exporters", Type::List { of, min: 1 })
    }
}

const ONE_WORKS: &str = "Sends to the first of several receivers that works.";

static FAILOVER: Section = Section {
    name: "OtelierFailoverExporter",
    doc: ONE_WORKS,
    fields: &[members(&Type::Section(&MEMBER))],
    count: Count::Any,
    others: Others::Refused,
};

static FAILOVER_OF_LOGS: Section = Section {
    name: "OtelierFailoverLogExporter",
    doc: ONE_WORKS,
    fields: &[members(&Type::Section(&MEMBER_OF_EVERY_SIGNAL))],
    count: Count::Any,
    others: Others::Refused,
};

static FAILOVER_OF_METRICS: Section = Section {
    name: "OtelierFailoverMetricExporter",
    doc: ONE_WORKS,
    fields: &[
        members(&Type::Section(&MEMBER_OF_EVERY_SIGNAL)),
        // All of them get the same metrics.
        TEMPORALITY_PREFERENCE,
        DEFAULT_HISTOGRAM_AGGREGATION,
    ],
    count: Count::Any,
    others: Others::Refused,
};

const BY_HTTP: Field =
    Field { doc: "By OTLP over HTTP.", ..Field::new("otlp_http", Type::Section(&OTLP_HTTP_EXPORTER)) };

const BY_GRPC: Field =
    Field { doc: "By OTLP over gRPC.", ..Field::new("otlp_grpc", Type::Section(&OTLP_GRPC_EXPORTER)) };

static MEMBER: Section = Section {
    name: "OtelierFailoverSpanMember",
    doc: "A receiver of spans; one of these.",
    fields: &[
        BY_HTTP,
        BY_GRPC,
        COLLECTOR_EXPORTER,
        JAEGER_EXPORTER,
        TEMPO_EXPORTER,
        DATADOG_EXPORTER,
        OPEN_OBSERVE_EXPORTER,
    ],
    count: Count::One,
    others: Others::Components,
};

static MEMBER_OF_EVERY_SIGNAL: Section = Section {
    name: "OtelierFailoverMember",
    doc: "A receiver of every signal; one of these.",
    fields: &[BY_HTTP, BY_GRPC, COLLECTOR_EXPORTER, DATADOG_EXPORTER, OPEN_OBSERVE_EXPORTER],
    count: Count::One,
    others: Others::Components,
};

/// `otelier/otlp_file`, an exporter of spans and of log records.
pub(crate) const OTLP_FILE_EXPORTER: Field = otlp_file(&OTLP_FILE);

/// `otelier/otlp_file`, an exporter of metrics.
pub(crate) const OTLP_FILE_METRIC_EXPORTER: Field = otlp_file(&OTLP_FILE_OF_METRICS);

const fn otlp_file(section: &'static Section) -> Field {
    Field {
        doc: "Into a file, as OTLP, that is put aside when it is full.",
        nullable: false,
        ..Field::new("otelier/otlp_file", Type::Section(section))
    }
}

with_metrics! {
    OTLP_FILE "OtelierOtlpFileExporter", OTLP_FILE_OF_METRICS "OtelierOtlpFileMetricExporter",
    "Writes OTLP as lines of JSON, into a file that is put aside when it is full: `spans.jsonl` becomes `spans.1.jsonl`.",
    [
        Field {
            doc: "The file; its directory must be there.",
            required: true,
            nullable: false,
            ..Field::new("path", Type::Text)
        },
        Field {
            doc: "How large a file becomes.",
            default: Some("67108864"),
            unit: Some("By"),
            ..Field::new("max_bytes", Type::Size { min: 4096, max: TEBIBYTE })
        },
        Field {
            doc: "How many files there are at most, the one that is written to included.",
            default: Some("8"),
            ..Field::new("max_files", Type::Integer { min: 2, max: 1000 })
        },
        Field {
            doc: "After what time without a new line a file that was put aside is deleted. Without it no file is deleted for its age.",
            unit: Some("ms"),
            ..Field::new("max_age", Type::Duration { bare: "ms", min: 1_000_000_000, max: 3650 * DAY })
        },
    ]
}
