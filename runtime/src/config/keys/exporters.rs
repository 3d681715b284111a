//! Exporters and their connections.

use super::super::describe::{Count, Field, Others, Section, Type};
use super::words::{
    COUNT, EXPORTER_DEFAULT_HISTOGRAM_AGGREGATION, EXPORTER_TEMPORALITY_PREFERENCE, OTLP_HTTP_ENCODING, POSITIVE,
};

// What several exporters have in common.

static PAIR: Type = Type::Section(&NAME_STRING_VALUE_PAIR);

pub(super) const TLS_OF_HTTP: Field = Field {
    doc: "Certificates of the connection. Without it the system's root certificates count.",
    ..Field::new("tls", Type::Section(&HTTP_TLS))
};

const HEADERS: Field = Field {
    doc: "Headers of every request; they win over `headers_list`. An entry without a value is passed over.",
    nullable: false,
    ..Field::new("headers", Type::List { of: &PAIR, min: 1 })
};

const HEADERS_LIST: Field = Field {
    doc: "Headers of every request as `key1=value1,key2=value2`.",
    secret: true,
    ..Field::new("headers_list", Type::Text)
};

pub(super) const COMPRESSION: Field = Field {
    doc: "How requests are compressed: `gzip`, `zstd` or `none`.",
    default: Some("none"),
    ..Field::new("compression", Type::Text)
};

const MAX_REQUEST_SIZE: Field = Field {
    doc: "The largest request before compression; 0 is no limit.",
    default: Some("67108864"),
    unit: Some("By"),
    ..Field::new("max_request_size", COUNT)
};

const MAX_RESPONSE_SIZE: Field = Field {
    doc: "The largest answer that is read, after decompression.",
    default: Some("4194304"),
    unit: Some("By"),
    ..Field::new("max_response_size", POSITIVE)
};

pub(super) const TIMEOUT: Field = Field {
    doc: "How long one export may take; 0 is no limit.",
    default: Some("10000"),
    unit: Some("ms"),
    ..Field::new("timeout", COUNT)
};

const ENCODING: Field = Field {
    doc: "How messages are written.",
    default: Some("protobuf"),
    ..Field::new("encoding", Type::Word(OTLP_HTTP_ENCODING))
};

pub(super) const TEMPORALITY_PREFERENCE: Field = Field {
    doc: "Whether metrics count from the start of the program, or from the export before.",
    default: Some("cumulative"),
    ..Field::new("temporality_preference", Type::Word(EXPORTER_TEMPORALITY_PREFERENCE))
};

pub(super) const DEFAULT_HISTOGRAM_AGGREGATION: Field = Field {
    doc: "The buckets of histograms that no view is about.",
    default: Some("explicit_bucket_histogram"),
    ..Field::new("default_histogram_aggregation", Type::Word(EXPORTER_DEFAULT_HISTOGRAM_AGGREGATION))
};

const ENDPOINT: Field =
    Field { doc: "The URL to send to.", default: Some("http://localhost:4317"), ..Field::new("endpoint", Type::Text) };

const TLS_OF_GRPC: Field = Field {
    doc: "Certificates of the connection. Without it the system's root certificates count.",
    ..Field::new("tls", Type::Section(&GRPC_TLS))
};

const KEY_FILE: Field = Field {
    doc: "The PEM file of the client's private key; goes with `cert_file`.",
    ..Field::new("key_file", Type::Text)
};

const CERT_FILE: Field = Field {
    doc: "The PEM file of the client's certificate; goes with `key_file`.",
    ..Field::new("cert_file", Type::Text)
};

/// Sections of an exporter of ours: one for spans and log records, and one for metrics, which says how these are counted, too.
macro_rules! with_metrics {
    ($plain:ident $name:literal, $metric:ident $metric_name:literal, $doc:literal, [$($field:expr),* $(,)?]) => {
        static $plain: Section = Section {
            name: $name,
            doc: $doc,
            fields: &[$($field),*],
            count: Count::Any,
            others: Others::Refused,
        };

        static $metric: Section = Section {
            name: $metric_name,
            doc: $doc,
            fields: &[
                $($field,)*
                super::exporters::TEMPORALITY_PREFERENCE,
                super::exporters::DEFAULT_HISTOGRAM_AGGREGATION,
            ],
            count: Count::Any,
            others: Others::Refused,
        };
    };
}
pub(super) use with_metrics;

/// OTLP over HTTP.
pub static OTLP_HTTP_EXPORTER: Section = Section {
    name: "OtlpHttpExporter",
    doc: "OTLP over HTTP.",
    fields: &[
        Field {
            doc: "The URL to send to, with the path of the signal. Default: `http://localhost:4318/v1/` and `traces`, `metrics` or `logs`.",
            ..Field::new("endpoint", Type::Text)
        },
        TLS_OF_HTTP,
        HEADERS,
        HEADERS_LIST,
        COMPRESSION,
        MAX_REQUEST_SIZE,
        MAX_RESPONSE_SIZE,
        TIMEOUT,
        ENCODING,
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Metrics by OTLP over HTTP.
pub static OTLP_HTTP_METRIC_EXPORTER: Section = Section {
    name: "OtlpHttpMetricExporter",
    doc: "Metrics by OTLP over HTTP.",
    fields: &[
        Field {
            doc: "The URL to send to, with the path of the signal.",
            default: Some("http://localhost:4318/v1/metrics"),
            ..Field::new("endpoint", Type::Text)
        },
        TLS_OF_HTTP,
        HEADERS,
        HEADERS_LIST,
        COMPRESSION,
        MAX_REQUEST_SIZE,
        MAX_RESPONSE_SIZE,
        TIMEOUT,
        ENCODING,
        TEMPORALITY_PREFERENCE,
        DEFAULT_HISTOGRAM_AGGREGATION,
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// OTLP over gRPC.
pub static OTLP_GRPC_EXPORTER: Section = Section {
    name: "OtlpGrpcExporter",
    doc: "OTLP over gRPC.",
    fields: &[ENDPOINT, TLS_OF_GRPC, HEADERS, HEADERS_LIST, COMPRESSION, MAX_REQUEST_SIZE, MAX_RESPONSE_SIZE, TIMEOUT],
    count: Count::Any,
    others: Others::Refused,
};

/// Metrics by OTLP over gRPC.
pub static OTLP_GRPC_METRIC_EXPORTER: Section = Section {
    name: "OtlpGrpcMetricExporter",
    doc: "Metrics by OTLP over gRPC.",
    fields: &[
        ENDPOINT,
        TLS_OF_GRPC,
        HEADERS,
        HEADERS_LIST,
        COMPRESSION,
        MAX_REQUEST_SIZE,
        MAX_RESPONSE_SIZE,
        TIMEOUT,
        TEMPORALITY_PREFERENCE,
        DEFAULT_HISTOGRAM_AGGREGATION,
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Writes OTLP as lines of JSON.
pub static EXPERIMENTAL_OTLP_FILE_EXPORTER: Section = Section {
    name: "ExperimentalOtlpFileExporter",
    doc: "Writes OTLP as lines of JSON.",
    fields: &[Field {
        doc: "`stdout`, or a file as `file:///path/to/file.jsonl`.",
        default: Some("stdout"),
        ..Field::new("output_stream", Type::Text)
    }],
    count: Count::Any,
    others: Others::Refused,
};

/// Writes metrics of OTLP as lines of JSON.
pub static EXPERIMENTAL_OTLP_FILE_METRIC_EXPORTER: Section = Section {
    name: "ExperimentalOtlpFileMetricExporter",
    doc: "Writes metrics of OTLP as lines of JSON.",
    fields: &[
        Field {
            doc: "`stdout`, or a file as `file:///path/to/file.jsonl`.",
            default: Some("stdout"),
            ..Field::new("output_stream", Type::Text)
        },
        TEMPORALITY_PREFERENCE,
        DEFAULT_HISTOGRAM_AGGREGATION,
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Prints for people.
pub static CONSOLE_EXPORTER: Section = Section {
    name: "ConsoleExporter",
    doc: "Prints for people.",
    fields: &[],
    count: Count::Any,
    others: Others::Refused,
};

/// Prints metrics for people.
pub static CONSOLE_METRIC_EXPORTER: Section = Section {
    name: "ConsoleMetricExporter",
    doc: "Prints metrics for people.",
    fields: &[TEMPORALITY_PREFERENCE, DEFAULT_HISTOGRAM_AGGREGATION],
    count: Count::Any,
    others: Others::Refused,
};

/// Certificates of an HTTP connection.
pub static HTTP_TLS: Section = Section {
    name: "HttpTls",
    doc: "Certificates of an HTTP connection.",
    fields: &[
        Field { doc: "The PEM file of the root certificates to trust.", ..Field::new("ca_file", Type::Text) },
        KEY_FILE,
        CERT_FILE,
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// Certificates of a gRPC connection.
pub static GRPC_TLS: Section = Section {
    name: "GrpcTls",
    doc: "Certificates of a gRPC connection.",
    fields: &[
        Field { doc: "The PEM file of the root certificates to trust.", ..Field::new("ca_file", Type::Text) },
        KEY_FILE,
        CERT_FILE,
        Field {
            doc: "Whether an endpoint without a scheme is used without TLS.",
            default: Some("false"),
            ..Field::new("insecure", Type::Bool)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};

/// A name and a value.
pub static NAME_STRING_VALUE_PAIR: Section = Section {
    name: "NameStringValuePair",
    doc: "A name and a value.",
    fields: &[
        Field { doc: "The name.", required: true, nullable: false, ..Field::new("name", Type::Text) },
        Field {
            doc: "The value; `null` leaves the pair out.",
            required: true,
            secret: true,
            ..Field::new("value", Type::Text)
        },
    ],
    count: Count::Any,
    others: Others::Refused,
};
