//! What the semantic conventions say of SDK metrics: `model/otel/metrics.yaml` of version 1.44.0, all of it in development.
//! Left out are the three of log processors: there is none here, because log records are made of spans that are exported.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    UpDownCounter,
    Histogram,
}

pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: &'static str,
    pub(super) description: &'static str,
    /// Those that it may have.
    pub(super) attributes: &'static [&'static str],
}

pub(super) const FACTS: [Fact; 14] = [
    Fact {
        name: "otel.sdk.span.live",
        kind: Kind::UpDownCounter,
        unit: "{span}",
        description: "The number of created spans with `recording=true` for which the end operation has not been called yet.",
        attributes: &["otel.span.sampling_result"],
    },
    Fact {
        name: "otel.sdk.span.started",
        kind: Kind::Counter,
        unit: "{span}",
        description: "The number of created spans.",
        attributes: &["otel.span.sampling_result", "otel.span.parent.origin"],
    },
    Fact {
        name: "otel.sdk.processor.span.queue.size",
        kind: Kind::UpDownCounter,
        unit: "{span}",
        description: "The number of spans in the queue of a given instance of an SDK span processor.",
        attributes: &["otel.component.type", "otel.component.name"],
    },
    Fact {
        name: "otel.sdk.processor.span.queue.capacity",
        kind: Kind::UpDownCounter,
        unit: "{span}",
        description: "The maximum number of spans the queue of a given instance of an SDK span processor can hold.",
        attributes: &["otel.component.type", "otel.component.name"],
    },
    Fact {
        name: "otel.sdk.processor.span.processed",
        kind: Kind::Counter,
        unit: "{span}",
        description: "The number of spans for which the processing has finished, either successful or failed.",
        attributes: &["otel.component.type", "otel.component.name", "error.type"],
    },
    Fact {
        name: "otel.sdk.exporter.span.inflight",
        kind: Kind::UpDownCounter,
        unit: "{span}",
        description: "The number of spans which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).",
        attributes: &["otel.component.type", "otel.component.name", "server.address", "server.port"],
    },
    Fact {
        name: "otel.sdk.exporter.span.exported",
        kind: Kind::Counter,
        unit: "{span}",
        description: "The number of spans for which the export has finished, either successful or failed.",
        attributes: &["otel.component.type", "otel.component.name", "server.address", "server.port", "error.type"],
    },
    Fact {
        name: "otel.sdk.log.created",
        kind: Kind::Counter,
        unit: "{log_record}",
        description: "The number of logs submitted to enabled SDK Loggers.",
        attributes: &[],
    },
    Fact {
        name: "otel.sdk.exporter.log.inflight",
        kind: Kind::UpDownCounter,
        unit: "{log_record}",
        description: "The number of log records which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).",
        attributes: &["otel.component.type", "otel.component.name", "server.address", "server.port"],
    },
    Fact {
        name: "otel.sdk.exporter.log.exported",
        kind: Kind::Counter,
        unit: "{log_record}",
        description: "The number of log records for which the export has finished, either successful or failed.",
        attributes: &["otel.component.type", "otel.component.name", "server.address", "server.port", "error.type"],
    },
    Fact {
        name: "otel.sdk.exporter.metric_data_point.inflight",
        kind: Kind::UpDownCounter,
        unit: "{data_point}",
        description: "The number of metric data points which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).",
        attributes: &["otel.component.type", "otel.component.name", "server.address", "server.port"],
    },
    Fact {
        name: "otel.sdk.exporter.metric_data_point.exported",
        kind: Kind::Counter,
        unit: "{data_point}",
        description: "The number of metric data points for which the export has finished, either successful or failed.",
        attributes: &["otel.component.type", "otel.component.name", "server.address", "server.port", "error.type"],
    },
    Fact {
        name: "otel.sdk.metric_reader.collection.duration",
        kind: Kind::Histogram,
        unit: "s",
        description: "The duration of the collect operation of the metric reader.",
        attributes: &["otel.component.type", "otel.component.name", "error.type"],
    },
    Fact {
        name: "otel.sdk.exporter.operation.duration",
        kind: Kind::Histogram,
        unit: "s",
        description: "The duration of exporting a batch of telemetry records.",
        attributes: &[
            "otel.component.type",
            "otel.component.name",
            "server.address",
            "server.port",
            "error.type",
            "http.response.status_code",
            "rpc.response.status_code",
        ],
    },
];
