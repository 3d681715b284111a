//! Metrics as lines for people, on standard error.

use super::MetricSink;
use super::Sinking;
use crate::export::{Accepted, Failure};
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData, ResourceMetrics,
};
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};

/// Prints metrics to standard error.
#[derive(Debug)]
pub(crate) struct Console;

impl MetricSink for Console {
    fn name(&self) -> String {
        "console metrics".to_owned()
    }

    fn export<'a>(&'a self, metrics: &'a [ResourceMetrics]) -> Sinking<'a> {
        let text = Lines(metrics).to_string();
        Box::pin(async move {
            // In one piece, so that no other line comes in between.
            io::stderr().lock().write_all(text.as_bytes()).map_err(|error| Failure::Failed(error.to_string()))?;
            Ok(Accepted::default())
        })
    }
}

/// A line for each metric, and below it one for each data point:
///
/// ```text
/// otelier.operation.duration [s], cumulative histogram of otelier
///   operation.name=load  3 values, sum 0.42, 0.1 to 0.2: 1 up to 0.1, 2 up to 0.25
/// ```
struct Lines<'a>(&'a [ResourceMetrics]);

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for scope in self.0.iter().flat_map(ResourceMetrics::scope_metrics) {
            for metric in scope.metrics() {
                let unit = Unit(metric.unit());
                write!(f, "{}{unit}, {} of {}", Text(metric.name()), kind(metric), Text(scope.scope().name()))?;
                f.write_str("\n")?;
                match metric.data() {
                    AggregatedMetrics::F64(data) => points(f, data)?,
                    AggregatedMetrics::U64(data) => points(f, data)?,
                    AggregatedMetrics::I64(data) => points(f, data)?,
                }
            }
        }
        Ok(())
    }
}

/// Text without control characters, which could steer the terminal.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }))
    }
}

struct Unit<'a>(&'a str);

impl Display for Unit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " [{}]", Text(self.0)) }
    }
}

fn kind(metric: &Metric) -> String {
    fn of<T>(data: &MetricData<T>) -> String {
        let counted = |temporality| if temporality == Temporality::Delta { "delta" } else { "cumulative" };
        match data {
            MetricData::Gauge(_) => "gauge".to_owned(),
            MetricData::Sum(sum) if sum.is_monotonic() => format!("{} sum", counted(sum.temporality())),
            MetricData::Sum(sum) => format!("{} sum that goes up and down", counted(sum.temporality())),
            MetricData::Histogram(histogram) => format!("{} histogram", counted(histogram.temporality())),
            MetricData::ExponentialHistogram(histogram) => {
                format!("{} exponential histogram", counted(histogram.temporality()))
            }
        }
    }
    match metric.data() {
        AggregatedMetrics::F64(data) => of(data),
        AggregatedMetrics::U64(data) => of(data),
        AggregatedMetrics::I64(data) => of(data),
    }
}

fn points<T: Copy + Display>(f: &mut fmt::Formatter<'_>, data: &MetricData<T>) -> fmt::Result {
    match data {
        MetricData::Gauge(gauge) => {
            gauge.data_points().try_for_each(|point| line(f, point.attributes(), &point.value().to_string()))
        }
        MetricData::Sum(sum) => {
            sum.data_points().try_for_each(|point| line(f, point.attributes(), &point.value().to_string()))
        }
        MetricData::Histogram(histogram) => {
            histogram.data_points().try_for_each(|point| line(f, point.attributes(), &buckets(point)))
        }
        MetricData::ExponentialHistogram(histogram) => {
            histogram.data_points().try_for_each(|point| line(f, point.attributes(), &exponential(point)))
        }
    }
}

fn line<'a>(f: &mut fmt::Formatter<'_>, attributes: impl Iterator<Item = &'a KeyValue>, value: &str) -> fmt::Result {
    let mut space = "  ";
    for attribute in attributes {
        let text = attribute.value.as_str();
        write!(f, "{space}{}={}", Text(attribute.key.as_str()), Text(&text))?;
        space = " ";
    }
    writeln!(f, "  {value}")
}

/// What all histograms say: `3 values, sum 0.42, 0.1 to 0.2`.
fn summary<T: Display>(count: u64, sum: &T, min: Option<T>, max: Option<T>) -> String {
    let values = if count == 1 { "value" } else { "values" };
    let mut text = format!("{count} {values}, sum {sum}");
    if let (Some(min), Some(max)) = (min, max) {
        let _ = write!(text, ", {min} to {max}");
    }
    text
}

/// Buckets without a value are left out.
fn buckets<T: Copy + Display>(point: &HistogramDataPoint<T>) -> String {
    let mut text = summary(point.count(), &point.sum(), point.min(), point.max());
    let bounds = point.bounds().map(Some).chain([None]);
    let mut separator = ": ";
    let mut last = None;
    for (bound, count) in bounds.zip(point.bucket_counts()) {
        if count > 0 {
            let _ = match (bound, last) {
                (Some(bound), _) => write!(text, "{separator}{count} up to {bound}"),
                (None, Some(last)) => write!(text, "{separator}{count} above {last}"),
                (None, None) => Ok(()),
            };
            separator = ", ";
        }
        last = bound;
    }
    text
}

fn exponential<T: Copy + Display>(point: &ExponentialHistogramDataPoint<T>) -> String {
    let mut text = summary(point.count() as u64, &point.sum(), point.min(), point.max());
    let used = |counts: &mut dyn Iterator<Item = u64>| counts.filter(|count| *count > 0).count();
    let positive = used(&mut point.positive_bucket().counts());
    let negative = used(&mut point.negative_bucket().counts());
    let _ = write!(text, ", {} buckets of scale {}", positive + negative, point.scale());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

    fn printed(record: impl FnOnce(&opentelemetry::metrics::Meter)) -> String {
        let memory = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(memory.clone()).build();
        record(&provider.meter("shop"));
        provider.force_flush().unwrap();
        Lines(&memory.get_finished_metrics().unwrap()).to_string()
    }

    #[test]
    fn every_data_point_is_a_line_below_its_metric() {
        let text = printed(|meter| {
            let counter = meter.u64_counter("orders").with_unit("{order}").build();
            counter.add(2, &[KeyValue::new("kind", "web\u{1b}[31m")]);
            let histogram = meter.f64_histogram("latency").with_unit("s").with_boundaries(vec![0.1, 1.0]).build();
            [0.05, 0.5, 0.5, 7.0].into_iter().for_each(|value| histogram.record(value, &[]));
            meter.i64_up_down_counter("open").build().add(-3, &[]);
            meter.f64_gauge("load").build().record(0.5, &[]);
        });
        assert_eq!(
            text,
            "orders [{order}], cumulative sum of shop\n  kind=web\u{fffd}[31m  2\n\
             latency [s], cumulative histogram of shop\n  4 values, sum 8.05, 0.05 to 7: 1 up to 0.1, 2 up to 1, 1 above 1\n\
             open, cumulative sum that goes up and down of shop\n  -3\n\
             load, gauge of shop\n  0.5\n"
        );
    }
}
