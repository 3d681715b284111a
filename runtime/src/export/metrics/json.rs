//! Metrics to OTLP JSON: `ExportMetricsServiceRequest`, which is also `MetricsData`.
//!
//! The mapping is that of OTLP's specification, as for [spans](crate::export::otlp_json).

use super::{Measured, Number, Span, nanos, temporality};
use crate::export::json::Json;
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Exemplar, ExponentialBucket, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    MetricData, ResourceMetrics, ScopeMetrics,
};

/// The request that carries these metrics.
pub(crate) fn request(metrics: &[ResourceMetrics]) -> Vec<u8> {
    let mut json = Json::with_capacity(2048);
    json.object(|json| {
        json.key("resourceMetrics").list(|json| {
            metrics.iter().for_each(|metrics| json.object(|json| json.resource_metrics(metrics)));
        });
    });
    json.into_bytes()
}

impl Json {
    fn resource_metrics(&mut self, metrics: &ResourceMetrics) {
        self.resource(metrics.resource());
        self.key("scopeMetrics").list(|json| {
            metrics.scope_metrics().for_each(|metrics| json.object(|json| json.scope_metrics(metrics)));
        });
        self.text("schemaUrl", metrics.resource().schema_url().unwrap_or_default());
    }

    fn scope_metrics(&mut self, metrics: &ScopeMetrics) {
        self.scope(Some(metrics.scope()));
        self.key("metrics").list(|json| {
            metrics.metrics().for_each(|metric| json.object(|json| json.metric(metric)));
        });
        self.text("schemaUrl", metrics.scope().schema_url().unwrap_or_default());
    }

    fn metric(&mut self, metric: &Metric) {
        self.text("name", metric.name());
        self.text("description", metric.description());
        self.text("unit", metric.unit());
        match metric.data() {
            AggregatedMetrics::F64(data) => self.data(data),
            AggregatedMetrics::U64(data) => self.data(data),
            AggregatedMetrics::I64(data) => self.data(data),
        }
    }

    fn data<T: Measured>(&mut self, data: &MetricData<T>) {
        match data {
            MetricData::Gauge(gauge) => self.key("gauge").object(|json| {
                let span = Span { start: gauge.start_time(), end: gauge.time() };
                json.points(gauge.data_points(), |json, point| {
                    json.number_point(span, point.value(), point.attributes(), point.exemplars());
                });
            }),
            MetricData::Sum(sum) => self.key("sum").object(|json| {
                let span = Span { start: Some(sum.start_time()), end: sum.time() };
                json.points(sum.data_points(), |json, point| {
                    json.number_point(span, point.value(), point.attributes(), point.exemplars());
                });
                json.key("aggregationTemporality").number(temporality(sum.temporality()));
                json.key("isMonotonic").bool(sum.is_monotonic());
            }),
            MetricData::Histogram(histogram) => self.key("histogram").object(|json| {
                let span = Span { start: Some(histogram.start_time()), end: histogram.time() };
                json.points(histogram.data_points(), |json, point| json.histogram_point(span, point));
                json.key("aggregationTemporality").number(temporality(histogram.temporality()));
            }),
            MetricData::ExponentialHistogram(histogram) => self.key("exponentialHistogram").object(|json| {
                let span = Span { start: Some(histogram.start_time()), end: histogram.time() };
                json.points(histogram.data_points(), |json, point| json.exponential_point(span, point));
                json.key("aggregationTemporality").number(temporality(histogram.temporality()));
            }),
        }
    }

    fn points<P>(&mut self, points: impl Iterator<Item = P>, write: impl Fn(&mut Self, P)) {
        self.key("dataPoints").list(|json| points.for_each(|point| json.object(|json| write(json, point))));
    }

    /// Text that is left out where it is empty.
    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.key(key).string(text);
        }
    }

    fn times(&mut self, span: Span) {
        if let Some(start) = span.start {
            self.key("startTimeUnixNano").long(nanos(start));
        }
        self.key("timeUnixNano").long(nanos(span.end));
    }

    fn measured(&mut self, value: Number) {
        match value {
            Number::Int(value) => self.key("asInt").long(value),
            Number::Double(value) => self.key("asDouble").double(value),
        }
    }

    fn key_values<'a>(&mut self, key: &str, attributes: impl Iterator<Item = &'a KeyValue>) {
        self.key(key).list(|json| {
            attributes.for_each(|attribute| json.otel_key_value(attribute.key.as_str(), &attribute.value));
        });
    }

    fn longs(&mut self, key: &str, values: impl Iterator<Item = u64>) {
        self.key(key).list(|json| values.for_each(|value| json.long(value)));
    }

    fn number_point<'a, T: Measured + 'a>(
        &mut self,
        span: Span,
        value: T,
        attributes: impl Iterator<Item = &'a KeyValue>,
        exemplars: impl Iterator<Item = &'a Exemplar<T>>,
    ) {
        self.key_values("attributes", attributes);
        self.times(span);
        self.measured(value.number());
        self.exemplars(exemplars);
    }

    fn histogram_point<T: Measured>(&mut self, span: Span, point: &HistogramDataPoint<T>) {
        self.key_values("attributes", point.attributes());
        self.times(span);
        self.key("count").long(point.count());
        self.key("sum").double(point.sum().double());
        self.longs("bucketCounts", point.bucket_counts());
        self.key("explicitBounds").list(|json| point.bounds().for_each(|bound| json.double(bound)));
        self.exemplars(point.exemplars());
        self.extremes(point.min(), point.max());
    }

    fn exponential_point<T: Measured>(&mut self, span: Span, point: &ExponentialHistogramDataPoint<T>) {
        self.key_values("attributes", point.attributes());
        self.times(span);
        self.key("count").long(point.count() as u64);
        self.key("sum").double(point.sum().double());
        self.key("scale").number(point.scale());
        self.key("zeroCount").long(point.zero_count());
        self.key("positive").object(|json| json.buckets(point.positive_bucket()));
        self.key("negative").object(|json| json.buckets(point.negative_bucket()));
        self.exemplars(point.exemplars());
        self.extremes(point.min(), point.max());
        self.key("zeroThreshold").double(point.zero_threshold());
    }

    fn extremes<T: Measured>(&mut self, min: Option<T>, max: Option<T>) {
        for (key, value) in [("min", min), ("max", max)] {
            if let Some(value) = value {
                self.key(key).double(value.double());
            }
        }
    }

    fn buckets(&mut self, buckets: &ExponentialBucket) {
        self.key("offset").number(buckets.offset());
        self.longs("bucketCounts", buckets.counts());
    }

    fn exemplars<'a, T: Measured + 'a>(&mut self, exemplars: impl Iterator<Item = &'a Exemplar<T>>) {
        let mut exemplars = exemplars.peekable();
        if exemplars.peek().is_none() {
            return;
        }
        self.key("exemplars").list(|json| exemplars.for_each(|exemplar| json.object(|json| json.exemplar(exemplar))));
    }

    fn exemplar<T: Measured>(&mut self, exemplar: &Exemplar<T>) {
        self.key_values("filteredAttributes", exemplar.filtered_attributes());
        self.key("timeUnixNano").long(nanos(exemplar.time()));
        self.measured(exemplar.value.number());
        // Ids of zeros stand for none.
        for (key, id) in [("spanId", &exemplar.span_id()[..]), ("traceId", &exemplar.trace_id()[..])] {
            if id.iter().any(|byte| *byte != 0) {
                self.key(key).id(id);
            }
        }
    }
}
