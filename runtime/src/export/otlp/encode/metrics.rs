//! Metrics to OTLP protobuf: `ExportMetricsServiceRequest` of opentelemetry-proto 1.x.
//!
//! The field numbers stand beside each write; the tests compare the bytes with what `opentelemetry-proto` makes of the
//! same metrics.

use super::{Explained, Writer};
use crate::export::metrics::{Measured, Number, Span, nanos, temporality};
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Exemplar, ExponentialBucket, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    MetricData, ResourceMetrics, ScopeMetrics,
};

/// Integers of protobuf that are often negative: zigzag.
fn zigzag(value: i32) -> u64 {
    u64::from((value << 1 ^ value >> 31) as u32)
}

impl Writer {
    fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// Text that is left out where it is empty.
    fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(field, text.as_bytes());
        }
    }

    fn attributes<'a>(&mut self, field: u32, attributes: impl Iterator<Item = &'a KeyValue>) {
        for attribute in attributes {
            self.key_value(field, attribute.key.as_str(), |writer| writer.otel_value(&attribute.value));
        }
    }

    /// Start and end, which are fields 2 and 3 of every data point.
    fn times(&mut self, span: Span) {
        if let Some(start) = span.start {
            self.fixed64(2, nanos(start));
        }
        self.fixed64(3, nanos(span.end));
    }

    /// A value that is the field `double` as such, and 6 as an integer.
    fn number(&mut self, double: u32, value: Number) {
        match value {
            Number::Int(value) => self.fixed64(6, value as u64),
            Number::Double(value) => self.double(double, value),
        }
    }

    /// `ResourceMetrics`: resource = 1, scope_metrics = 2, schema_url = 3.
    fn resource_metrics(&mut self, metrics: &ResourceMetrics) {
        self.message(1, |writer| {
            for (key, value) in metrics.resource().iter() {
                writer.key_value(1, key.as_str(), |writer| writer.otel_value(value));
            }
        });
        metrics.scope_metrics().for_each(|metrics| self.message(2, |writer| writer.scope_metrics(metrics)));
        self.text(3, metrics.resource().schema_url().unwrap_or_default());
    }

    /// `ScopeMetrics`: scope = 1, metrics = 2, schema_url = 3.
    fn scope_metrics(&mut self, metrics: &ScopeMetrics) {
        self.message(1, |writer| writer.scope(Some(metrics.scope())));
        metrics.metrics().for_each(|metric| self.message(2, |writer| writer.metric(metric)));
        self.text(3, metrics.scope().schema_url().unwrap_or_default());
    }

    /// `Metric`: name = 1, description = 2, unit = 3.
    fn metric(&mut self, metric: &Metric) {
        self.text(1, metric.name());
        self.text(2, metric.description());
        self.text(3, metric.unit());
        match metric.data() {
            AggregatedMetrics::F64(data) => self.data(data),
            AggregatedMetrics::U64(data) => self.data(data),
            AggregatedMetrics::I64(data) => self.data(data),
        }
    }

    /// The `oneof` of `Metric`: gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10; in each: data_points = 1,
    /// aggregation_temporality = 2, is_monotonic = 3.
    fn data<T: Measured>(&mut self, data: &MetricData<T>) {
        match data {
            MetricData::Gauge(gauge) => self.message(5, |writer| {
                let span = Span { start: gauge.start_time(), end: gauge.time() };
                for point in gauge.data_points() {
                    writer.number_point(span, point.value(), point.attributes(), point.exemplars());
                }
            }),
            MetricData::Sum(sum) => self.message(7, |writer| {
                let span = Span { start: Some(sum.start_time()), end: sum.time() };
                for point in sum.data_points() {
                    writer.number_point(span, point.value(), point.attributes(), point.exemplars());
                }
                writer.int(2, temporality(sum.temporality()).into());
                if sum.is_monotonic() {
                    writer.int(3, 1);
                }
            }),
            MetricData::Histogram(histogram) => self.message(9, |writer| {
                let span = Span { start: Some(histogram.start_time()), end: histogram.time() };
                histogram
                    .data_points()
                    .for_each(|point| writer.message(1, |writer| writer.histogram_point(span, point)));
                writer.int(2, temporality(histogram.temporality()).into());
            }),
            MetricData::ExponentialHistogram(histogram) => self.message(10, |writer| {
                let span = Span { start: Some(histogram.start_time()), end: histogram.time() };
                histogram
                    .data_points()
                    .for_each(|point| writer.message(1, |writer| writer.exponential_point(span, point)));
                writer.int(2, temporality(histogram.temporality()).into());
            }),
        }
    }

    /// `NumberDataPoint`: double = 4, exemplars = 5, integer = 6, attributes = 7.
    fn number_point<'a, T: Measured + 'a>(
        &mut self,
        span: Span,
        value: T,
        attributes: impl Iterator<Item = &'a KeyValue>,
        exemplars: impl Iterator<Item = &'a Exemplar<T>>,
    ) {
        self.message(1, |writer| {
            writer.times(span);
            writer.number(4, value.number());
            exemplars.for_each(|exemplar| writer.exemplar(5, exemplar));
            writer.attributes(7, attributes);
        });
    }

    /// `HistogramDataPoint`: count = 4, sum = 5, bucket_counts = 6, explicit_bounds = 7, exemplars = 8, attributes = 9,
    /// min = 11, max = 12.
    fn histogram_point<T: Measured>(&mut self, span: Span, point: &HistogramDataPoint<T>) {
        self.times(span);
        self.fixed64(4, point.count());
        self.double(5, point.sum().double());
        self.message(6, |writer| point.bucket_counts().for_each(|count| writer.0.extend(count.to_le_bytes())));
        self.message(7, |writer| point.bounds().for_each(|bound| writer.0.extend(bound.to_le_bytes())));
        point.exemplars().for_each(|exemplar| self.exemplar(8, exemplar));
        self.attributes(9, point.attributes());
        point.min().into_iter().for_each(|min| self.double(11, min.double()));
        point.max().into_iter().for_each(|max| self.double(12, max.double()));
    }

    /// `ExponentialHistogramDataPoint`: attributes = 1, count = 4, sum = 5, scale = 6, zero_count = 7, positive = 8,
    /// negative = 9, exemplars = 11, min = 12, max = 13, zero_threshold = 14.
    fn exponential_point<T: Measured>(&mut self, span: Span, point: &ExponentialHistogramDataPoint<T>) {
        self.attributes(1, point.attributes());
        self.times(span);
        self.fixed64(4, point.count() as u64);
        self.double(5, point.sum().double());
        self.int(6, zigzag(point.scale().into()));
        self.fixed64(7, point.zero_count());
        self.message(8, |writer| writer.buckets(point.positive_bucket()));
        self.message(9, |writer| writer.buckets(point.negative_bucket()));
        point.exemplars().for_each(|exemplar| self.exemplar(11, exemplar));
        point.min().into_iter().for_each(|min| self.double(12, min.double()));
        point.max().into_iter().for_each(|max| self.double(13, max.double()));
        self.double(14, point.zero_threshold());
    }

    /// `Buckets`: offset = 1, bucket_counts = 2.
    fn buckets(&mut self, buckets: &ExponentialBucket) {
        self.int(1, zigzag(buckets.offset()));
        self.message(2, |writer| buckets.counts().for_each(|count| writer.varint(count)));
    }

    /// `Exemplar`: time = 2, double = 3, span_id = 4, trace_id = 5, integer = 6, filtered_attributes = 7.
    fn exemplar<T: Measured>(&mut self, field: u32, exemplar: &Exemplar<T>) {
        self.message(field, |writer| {
            writer.fixed64(2, nanos(exemplar.time()));
            writer.number(3, exemplar.value.number());
            // Ids of zeros stand for none.
            for (field, id) in [(4, &exemplar.span_id()[..]), (5, &exemplar.trace_id()[..])] {
                if id.iter().any(|byte| *byte != 0) {
                    writer.bytes(field, id);
                }
            }
            writer.attributes(7, exemplar.filtered_attributes());
        });
    }
}

/// The request that carries these metrics.
pub(crate) fn request(metrics: &[ResourceMetrics]) -> Vec<u8> {
    let mut writer = Writer(Vec::with_capacity(1024), Explained::default());
    metrics.iter().for_each(|metrics| writer.message(1, |writer| writer.resource_metrics(metrics)));
    writer.0
}

#[cfg(test)]
mod tests {
    use super::zigzag;

    #[test]
    fn zigzag_is_protobufs() {
        let found = [0, -1, 1, -2, i32::MAX, i32::MIN].map(zigzag);
        assert_eq!(found, [0, 1, 2, 3, u64::from(u32::MAX) - 1, u64::from(u32::MAX)]);
    }
}
