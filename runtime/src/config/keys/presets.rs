//! Receivers of OTLP that have a name: what each wants beside its URL. Keys of ours.

use super::super::describe::{Count, Field, Others, Section, Type, Word};
use super::exporters::{COMPRESSION, TIMEOUT, TLS_OF_HTTP, with_metrics};

const fn preset(key: &'static str, doc: &'static str, section: &'static Section) -> Field {
    Field { doc, ..Field::new(key, Type::Section(section)) }
}

/// One that says nothing without an endpoint.
const fn needed(key: &'static str, doc: &'static str, section: &'static Section) -> Field {
    Field { nullable: false, ..preset(key, doc, section) }
}

/// `otelier/collector`, an exporter of spans and of log records.
pub(crate) const COLLECTOR_EXPORTER: Field = preset("otelier/collector", "To an OpenTelemetry Collector.", &COLLECTOR);

/// The same, of metrics.
pub(crate) const COLLECTOR_METRIC_EXPORTER: Field =
    preset("otelier/collector", "To an OpenTelemetry Collector.", &COLLECTOR_OF_METRICS);

/// `otelier/jaeger`, an exporter of spans.
pub(crate) const JAEGER_EXPORTER: Field = preset("otelier/jaeger", "To Jaeger, by OTLP.", &JAEGER);

/// `otelier/tempo`, an exporter of spans.
pub(crate) const TEMPO_EXPORTER: Field = preset("otelier/tempo", "To Grafana Tempo.", &TEMPO);

/// `otelier/datadog_agent`, an exporter of spans and of log records.
pub(crate) const DATADOG_EXPORTER: Field =
    preset("otelier/datadog_agent", "To a Datadog agent, by OTLP.", &DATADOG_AGENT);

/// The same, of metrics.
pub(crate) const DATADOG_METRIC_EXPORTER: Field =
    preset("otelier/datadog_agent", "To a Datadog agent, by OTLP.", &DATADOG_AGENT_OF_METRICS);

/// `otelier/openobserve`, an exporter of spans and of log records.
pub(crate) const OPEN_OBSERVE_EXPORTER: Field = needed("otelier/openobserve", "To OpenObserve.", &OPEN_OBSERVE);

/// The same, of metrics.
pub(crate) const OPEN_OBSERVE_METRIC_EXPORTER: Field =
    needed("otelier/openobserve", "To OpenObserve.", &OPEN_OBSERVE_OF_METRICS);

const ENDPOINT: Field = Field {
    doc: "A host, whose port is 4318, and 4317 over gRPC; or the URL of the receiver, without the path of a signal.",
    default: Some("localhost"),
    ..Field::new("endpoint", Type::Text)
};

const PROTOCOL: Field =
    Field { doc: "How OTLP is sent.", default: Some("http/protobuf"), ..Field::new("protocol", Type::Word(PROTOCOLS)) };

const PROTOCOLS: &[Word] = &[
    Word { word: "grpc", doc: "gRPC" },
    Word { word: "http/protobuf", doc: "Binary protobuf over HTTP" },
    Word { word: "http/json", doc: "JSON over HTTP" },
];

const USER: Field =
    Field { doc: "The user of basic authentication; goes with `password`.", ..Field::new("user", Type::Text) };

const PASSWORD: Field = Field {
    doc: "The password of basic authentication; goes with `user`.",
    secret: true,
    ..Field::new("password", Type::Text)
};

const TOKEN: Field = Field {
    doc: "A bearer token, in place of `user` and `password`.",
    secret: true,
    ..Field::new("token", Type::Text)
};

with_metrics! {
    COLLECTOR "OtelierCollectorExporter", COLLECTOR_OF_METRICS "OtelierCollectorMetricExporter",
    "OTLP to an OpenTelemetry Collector.",
    [ENDPOINT, PROTOCOL, USER, PASSWORD, TOKEN, TLS_OF_HTTP, COMPRESSION, TIMEOUT]
}

with_metrics! {
    DATADOG_AGENT "OtelierDatadogAgentExporter", DATADOG_AGENT_OF_METRICS "OtelierDatadogAgentMetricExporter",
    "OTLP to a Datadog agent whose receiver of OTLP is switched on.",
    [ENDPOINT, PROTOCOL, TLS_OF_HTTP, COMPRESSION, TIMEOUT]
}

with_metrics! {
    OPEN_OBSERVE "OtelierOpenObserveExporter", OPEN_OBSERVE_OF_METRICS "OtelierOpenObserveMetricExporter",
    "OTLP to OpenObserve.",
    [
        Field {
            doc: "The URL of the server, without a path. Its own port is 5080, and 5081 over gRPC.",
            required: true,
            nullable: false,
            ..Field::new("endpoint", Type::Text)
        },
        Field {
            doc: "The organization.",
            default: Some("default"),
            ..Field::new("organization", Type::Text)
        },
        Field {
            doc: "The stream.",
            default: Some("default"),
            ..Field::new("stream", Type::Text)
        },
        PROTOCOL,
        USER,
        PASSWORD,
        TOKEN,
        TLS_OF_HTTP,
        COMPRESSION,
        TIMEOUT
    ]
}

static JAEGER: Section = Section {
    name: "OtelierJaegerExporter",
    doc: "Spans to Jaeger, by OTLP.",
    fields: &[ENDPOINT, PROTOCOL, USER, PASSWORD, TOKEN, TLS_OF_HTTP, COMPRESSION, TIMEOUT],
    count: Count::Any,
    others: Others::Refused,
};

static TEMPO: Section = Section {
    name: "OtelierTempoExporter",
    doc: "Spans to Grafana Tempo, by OTLP.",
    fields: &[
        ENDPOINT,
        Field {
            doc: "The tenant, where there are several; sent as `X-Scope-OrgID`.",
            ..Field::new("tenant", Type::Text)
        },
        PROTOCOL,
        USER,
        PASSWORD,
        TOKEN,
        TLS_OF_HTTP,
        COMPRESSION,
        TIMEOUT,
    ],
    count: Count::Any,
    others: Others::Refused,
};
