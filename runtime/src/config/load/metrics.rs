//! `meter_provider`.

use super::cursor::Cursor;
use super::{Findings, delivery, transport};
use crate::config::{
    Aggregation, AttributeKeys, CardinalityLimits, HistogramAggregation, InstrumentType, MetricExporter, MetricReader,
    Prometheus, PullReader, Telemetry, Temporality, Translation, View, ViewSelector,
};

pub(super) fn read(root: &Cursor<'_>, telemetry: &mut Telemetry, findings: &mut Findings) {
    let Some(provider) = root.get("meter_provider") else { return };
    if !cfg!(feature = "metrics") {
        return provider.refuse("`otelier` was built without the feature `metrics`", findings);
    }
    for item in provider.items("readers") {
        let Some((kind, settings)) = item.only() else { continue };
        match kind {
            "periodic" => telemetry.metrics.readers.extend(periodic(&settings, findings)),
            _ => telemetry.metrics.pull.extend(pull(&settings, findings)),
        }
    }
    telemetry.metrics.views.extend(provider.items("views").iter().map(|item| view(item, findings)));
    if let Some(filter) = provider.get("exemplar_filter").filter(|filter| filter.text() != Some("always_off")) {
        // A file of the specification says the default aloud, so it cannot be an error.
        filter.warn("metrics have no exemplars here", findings);
    }
    if let Some(configurator) = provider.get("meter_configurator/development") {
        configurator.refuse(
            "single meters cannot be switched on and off here; a view with `drop` can leave metrics out",
            findings,
        );
    }
}

fn periodic(settings: &Cursor<'_>, findings: &mut Findings) -> Option<MetricReader> {
    refuse_producers(settings, findings);
    if let Some(size) = settings.get("max_export_batch_size/development") {
        size.refuse("metrics of one interval are exported together here", findings);
    }
    let (name, exporter) = settings.get("exporter")?.only()?;
    let mut reader = MetricReader::new(metric_exporter(name, &exporter, findings)?);
    if let Some(interval) = settings.get("interval").and_then(|interval| interval.milliseconds()) {
        reader.interval = interval;
    }
    if let Some(timeout) = settings.get("timeout").and_then(|timeout| timeout.limit()) {
        reader.timeout = timeout;
    }
    match exporter.get("temporality_preference").and_then(|preference| preference.text()) {
        Some("delta") => reader.temporality = Temporality::Delta,
        Some("low_memory") => reader.temporality = Temporality::LowMemory,
        _ => {}
    }
    if exporter.get("default_histogram_aggregation").and_then(|aggregation| aggregation.text())
        == Some("base2_exponential_bucket_histogram")
    {
        reader.histogram_aggregation = HistogramAggregation::Base2Exponential;
    }
    if let Some(limits) = settings.get("cardinality_limits") {
        reader.cardinality_limits = cardinality_limits(&limits);
    }
    Some(reader)
}

fn metric_exporter(name: &str, cursor: &Cursor<'_>, findings: &mut Findings) -> Option<MetricExporter> {
    if let Some(otlp) = transport::receiver(name, cursor, findings) {
        return Some(MetricExporter::Otlp(otlp));
    }
    match name {
        "console" => Some(MetricExporter::Console),
        "otlp_file/development" => transport::file(cursor, findings).map(MetricExporter::OtlpFile),
        "otelier/otlp_file" => Some(MetricExporter::OtlpFile(delivery::rotated_file(cursor)?)),
        "otelier/failover" => Some(MetricExporter::Failover(delivery::failover(cursor, findings))),
        _ => {
            let known = ["otlp_http", "otlp_grpc", "otlp_file/development", "console", "otelier/failover"];
            cursor.unknown("exporter of metrics", known.into_iter(), findings);
            None
        }
    }
}

fn refuse_producers(settings: &Cursor<'_>, findings: &mut Findings) {
    for producer in settings.items("producers") {
        let producer = producer.only().map_or(producer, |(_, producer)| producer);
        producer.refuse("metrics of other libraries are not taken over here", findings);
    }
}

fn pull(settings: &Cursor<'_>, findings: &mut Findings) -> Option<PullReader> {
    refuse_producers(settings, findings);
    let (name, exporter) = settings.get("exporter")?.only()?;
    if name != "prometheus/development" {
        exporter.unknown("exporter that is asked for metrics", ["prometheus/development"].into_iter(), findings);
        return None;
    }
    if !cfg!(feature = "prometheus") {
        exporter.refuse(Prometheus::NOT_BUILT, findings);
        return None;
    }
    let mut reader = PullReader::prometheus(prometheus(&exporter));
    if let Some(limits) = settings.get("cardinality_limits") {
        reader.cardinality_limits = cardinality_limits(&limits);
    }
    Some(reader)
}

fn prometheus(settings: &Cursor<'_>) -> Prometheus {
    let mut prometheus = Prometheus::default();
    if let Some(host) = settings.get("host").and_then(|host| host.text()) {
        prometheus.host = host.to_owned();
    }
    // Its range has been checked.
    if let Some(port) = settings.get("port").and_then(|port| u16::try_from(port.node().as_integer()?).ok()) {
        prometheus.port = port;
    }
    let switch = |key: &str| settings.get(key).and_then(|switch| switch.bool()).unwrap_or(true);
    prometheus.scope_info = switch("scope_info_enabled");
    prometheus.target_info = switch("target_info_enabled/development");
    prometheus.resource_labels = settings.get("resource_constant_labels").map(|keys| attribute_keys(&keys));
    prometheus.translation = match settings.get("translation_strategy").and_then(|strategy| strategy.text()) {
        Some("underscore_escaping_without_suffixes/development") => Translation::UnderscoresWithoutSuffixes,
        Some("no_utf8_escaping_with_suffixes/development") => Translation::Utf8WithSuffixes,
        Some("no_translation/development") => Translation::Untranslated,
        _ => Translation::UnderscoresWithSuffixes,
    };
    prometheus
}

fn attribute_keys(settings: &Cursor<'_>) -> AttributeKeys {
    let included = settings.get("included").map(|_| settings.texts("included"));
    AttributeKeys { included, excluded: settings.texts("excluded") }
}

fn cardinality_limits(settings: &Cursor<'_>) -> CardinalityLimits {
    let limit = |key: &str| settings.get(key).and_then(|limit| limit.size());
    let usual = CardinalityLimits::default();
    CardinalityLimits {
        default: limit("default").unwrap_or(usual.default),
        counter: limit("counter"),
        gauge: limit("gauge"),
        histogram: limit("histogram"),
        observable_counter: limit("observable_counter"),
        observable_gauge: limit("observable_gauge"),
        observable_up_down_counter: limit("observable_up_down_counter"),
        up_down_counter: limit("up_down_counter"),
    }
}

fn view(item: &Cursor<'_>, findings: &mut Findings) -> View {
    let mut view = View::default();
    if let Some(selector) = item.get("selector") {
        view.selector = selected(&selector);
    }
    let Some(stream) = item.get("stream") else { return view };
    let text = |key: &str| stream.get(key).and_then(|text| text.text()).map(str::to_owned);
    view.stream.name = text("name");
    view.stream.description = text("description");
    view.stream.cardinality_limit = stream.get("aggregation_cardinality_limit").and_then(|limit| limit.size());
    if let Some(aggregation) = stream.get("aggregation") {
        view.stream.aggregation = aggregated(&aggregation, findings);
    }
    if let Some(keys) = stream.get("attribute_keys") {
        view.stream.attribute_keys = attribute_keys(&keys);
    }
    view
}

fn selected(selector: &Cursor<'_>) -> ViewSelector {
    let text = |key: &str| selector.get(key).and_then(|text| text.text()).map(str::to_owned);
    // The words have been checked.
    let instrument_type = text("instrument_type").and_then(|word| match word.as_str() {
        "counter" => Some(InstrumentType::Counter),
        "gauge" => Some(InstrumentType::Gauge),
        "histogram" => Some(InstrumentType::Histogram),
        "observable_counter" => Some(InstrumentType::ObservableCounter),
        "observable_gauge" => Some(InstrumentType::ObservableGauge),
        "observable_up_down_counter" => Some(InstrumentType::ObservableUpDownCounter),
        "up_down_counter" => Some(InstrumentType::UpDownCounter),
        _ => None,
    });
    ViewSelector {
        instrument_name: text("instrument_name"),
        instrument_type,
        unit: text("unit"),
        meter_name: text("meter_name"),
        meter_version: text("meter_version"),
        meter_schema_url: text("meter_schema_url"),
    }
}

fn aggregated(aggregation: &Cursor<'_>, findings: &mut Findings) -> Aggregation {
    let Some((name, settings)) = aggregation.only() else { return Aggregation::Default };
    let record_min_max = settings.get("record_min_max").and_then(|switch| switch.bool()).unwrap_or(true);
    match name {
        "default" => Aggregation::Default,
        "drop" => Aggregation::Drop,
        "sum" => Aggregation::Sum,
        "last_value" => Aggregation::LastValue,
        "explicit_bucket_histogram" => {
            let boundaries = settings.items("boundaries");
            let boundaries = match settings.get("boundaries") {
                Some(_) => boundaries.iter().filter_map(|boundary| boundary.number()).collect(),
                None => Aggregation::DEFAULT_BOUNDARIES.to_vec(),
            };
            Aggregation::ExplicitBuckets { boundaries, record_min_max }
        }
        "base2_exponential_bucket_histogram" => {
            let whole = |key: &str| settings.get(key).and_then(|number| number.node().as_integer());
            Aggregation::Base2Exponential {
                max_scale: whole("max_scale").and_then(|scale| i8::try_from(scale).ok()).unwrap_or(20),
                max_size: whole("max_size").and_then(|size| u32::try_from(size).ok()).unwrap_or(160),
                record_min_max,
            }
        }
        _ => {
            let known = ["default", "drop", "sum", "last_value", "explicit_bucket_histogram"];
            settings.unknown("aggregation", known.into_iter(), findings);
            Aggregation::Default
        }
    }
}
