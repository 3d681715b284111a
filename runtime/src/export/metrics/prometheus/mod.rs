//! Metrics in Prometheus' text format.
//!
//! What has a name that something else has already is left out, because Prometheus would refuse everything otherwise. Scopes
//! are gone through in one order, so that it is always the same that is left out.

mod labels;
mod names;

use super::{Measured, Number};
use crate::config::Prometheus;
use labels::{Labels, escape, quote};
use names::Kind;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

/// What is served.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) text: String,
    pub(crate) points: u64,
    /// What was left out, each with the reason.
    pub(crate) left_out: BTreeSet<String>,
}

/// Metrics of one name.
struct Family {
    kind: Kind,
    help: String,
    samples: String,
    /// Which labels there are already.
    seen: HashSet<String>,
}

struct Writer<'a> {
    settings: &'a Prometheus,
    utf8: bool,
    resource: Labels,
    families: BTreeMap<String, Family>,
    /// Names of samples, and the family that has them.
    taken: HashMap<String, String>,
    made: Exposition,
}

/// The text. `utf8` if whoever asks accepts names with any characters.
pub(crate) fn text(metrics: &[ResourceMetrics], resource: &Resource, settings: &Prometheus, utf8: bool) -> Exposition {
    let utf8 = utf8 && settings.translation.is_utf8();
    let resource_labels = |keep: &dyn Fn(&str) -> bool| {
        let attributes = resource.iter().map(|(key, value)| (key.as_str(), value));
        Labels::of(attributes.filter(|(key, _)| keep(key)), utf8)
    };
    let constant = settings.resource_labels.as_ref().map(|keys| resource_labels(&|key| keys.keeps(key)));
    let mut writer = Writer {
        settings,
        utf8,
        resource: constant.unwrap_or_default(),
        families: BTreeMap::new(),
        taken: HashMap::new(),
        made: Exposition::default(),
    };
    if settings.target_info {
        writer.target_info(&resource_labels(&|_| true));
    }
    let mut scopes: Vec<_> = metrics.iter().flat_map(ResourceMetrics::scope_metrics).collect();
    let order = |scope: &InstrumentationScope| {
        (scope.name().to_owned(), scope.version().map(str::to_owned), scope.schema_url().map(str::to_owned))
    };
    scopes.sort_by_cached_key(|scope| order(scope.scope()));
    for scope in scopes {
        let scope_labels = writer.scope_labels(scope.scope());
        scope.metrics().for_each(|metric| writer.metric(metric, &scope_labels));
    }
    writer.end()
}

impl Writer<'_> {
    fn target_info(&mut self, labels: &Labels) {
        if labels.is_empty() {
            return;
        }
        let samples = format!("target_info{{{}}} 1\n", labels.text());
        let help = "Target metadata".to_owned();
        self.taken.insert("target_info".to_owned(), "target_info".to_owned());
        let family = Family { kind: Kind::Gauge, help, samples, seen: HashSet::new() };
        self.families.insert("target_info".to_owned(), family);
    }

    fn scope_labels(&self, scope: &InstrumentationScope) -> Vec<(String, String)> {
        if !self.settings.scope_info {
            return Vec::new();
        }
        let mut labels: Vec<_> = scope
            .attributes()
            .map(|KeyValue { key, value, .. }| (format!("otel_scope_{key}"), value.as_str().into_owned()))
            .collect();
        // Behind the attributes, of which one might have such a name.
        labels.push(("otel_scope_name".to_owned(), scope.name().to_owned()));
        labels.push(("otel_scope_version".to_owned(), scope.version().unwrap_or_default().to_owned()));
        labels.push(("otel_scope_schema_url".to_owned(), scope.schema_url().unwrap_or_default().to_owned()));
        labels
    }

    fn metric(&mut self, metric: &Metric, scope: &[(String, String)]) {
        match metric.data() {
            AggregatedMetrics::F64(data) => self.data(metric, data, scope),
            AggregatedMetrics::U64(data) => self.data(metric, data, scope),
            AggregatedMetrics::I64(data) => self.data(metric, data, scope),
        }
    }

    fn data<T: Measured>(&mut self, metric: &Metric, data: &MetricData<T>, scope: &[(String, String)]) {
        let (kind, temporality) = match data {
            MetricData::Gauge(_) => (Kind::Gauge, Temporality::Cumulative),
            MetricData::Sum(sum) if sum.is_monotonic() => (Kind::Counter, sum.temporality()),
            MetricData::Sum(sum) => (Kind::Gauge, sum.temporality()),
            MetricData::Histogram(histogram) => (Kind::Histogram, histogram.temporality()),
            MetricData::ExponentialHistogram(histogram) => (Kind::Histogram, histogram.temporality()),
        };
        // Our readers are cumulative; another one would be read wrongly.
        if temporality == Temporality::Delta {
            return;
        }
        let name = names::metric(metric.name(), metric.unit(), kind, self.settings.translation, self.utf8);
        if !self.claim(&name, kind, metric) {
            return;
        }
        match data {
            MetricData::Gauge(gauge) => {
                gauge.data_points().for_each(|point| self.number(&name, point.attributes(), scope, point.value()));
            }
            MetricData::Sum(sum) => {
                sum.data_points().for_each(|point| self.number(&name, point.attributes(), scope, point.value()));
            }
            MetricData::Histogram(histogram) => {
                for point in histogram.data_points() {
                    let buckets = point.bounds().zip(point.bucket_counts());
                    let summary = Summary::of(point.count(), point.sum(), point.min());
                    self.histogram(&name, point.attributes(), scope, buckets, summary);
                }
            }
            MetricData::ExponentialHistogram(histogram) => {
                for point in histogram.data_points() {
                    let summary = Summary::of(point.count() as u64, point.sum(), point.min());
                    self.histogram(&name, point.attributes(), scope, std::iter::empty(), summary);
                }
            }
        }
    }

    /// Makes the family, unless something else has its name.
    fn claim(&mut self, name: &str, kind: Kind, metric: &Metric) -> bool {
        if let Some(family) = self.families.get(name) {
            if family.kind == kind && name != "target_info" {
                return true;
            }
            let (is, was) = (kind.as_str(), family.kind.as_str());
            self.leave_out(format!("`{}` would be the {is} `{name}`, which is a {was} already", metric.name()));
            return false;
        }
        let mut samples = vec![name.to_owned()];
        if kind == Kind::Histogram {
            samples.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
        }
        if let Some((sample, family)) = samples.iter().find_map(|sample| Some((sample, self.taken.get(sample)?))) {
            let reason = format!("`{}` would be `{sample}`, which is one of `{family}` already", metric.name());
            self.leave_out(reason);
            return false;
        }
        self.taken.extend(samples.into_iter().map(|sample| (sample, name.to_owned())));
        let help = metric.description().to_owned();
        self.families.insert(name.to_owned(), Family { kind, help, samples: String::new(), seen: HashSet::new() });
        true
    }

    fn leave_out(&mut self, reason: String) {
        self.made.left_out.insert(reason);
    }

    /// The labels of a point, if there is none with the same.
    fn labels<'a>(
        &mut self,
        name: &str,
        attributes: impl Iterator<Item = &'a KeyValue>,
        scope: &[(String, String)],
    ) -> Option<String> {
        let mut labels = Labels::of(attributes.map(|pair| (pair.key.as_str(), &pair.value)), self.utf8);
        labels.add(&self.resource);
        scope.iter().for_each(|(name, value)| labels.set(name, value));
        let family = self.families.get_mut(name)?;
        if family.kind == Kind::Histogram {
            labels.rename("le", "exported_le");
        }
        let text = labels.text();
        if family.seen.insert(text.clone()) {
            self.made.points += 1;
            return Some(text);
        }
        self.leave_out(format!("`{name}` has a second value for the same labels"));
        None
    }

    fn number<'a>(
        &mut self,
        name: &str,
        attributes: impl Iterator<Item = &'a KeyValue>,
        scope: &[(String, String)],
        value: impl Measured,
    ) {
        let Some(labels) = self.labels(name, attributes, scope) else { return };
        let value = match value.number() {
            Number::Int(value) => value.to_string(),
            Number::Double(value) => double(value),
        };
        self.sample(name, "", &labels, "", &value);
    }

    fn histogram<'a>(
        &mut self,
        name: &str,
        attributes: impl Iterator<Item = &'a KeyValue>,
        scope: &[(String, String)],
        buckets: impl Iterator<Item = (f64, u64)>,
        summary: Summary,
    ) {
        let Some(labels) = self.labels(name, attributes, scope) else { return };
        let mut up_to = 0u64;
        for (bound, count) in buckets {
            up_to = up_to.saturating_add(count);
            self.sample(name, "_bucket", &labels, &double(bound), &up_to.to_string());
        }
        let count = summary.count.to_string();
        self.sample(name, "_bucket", &labels, "+Inf", &count);
        if let Some(sum) = summary.sum {
            self.sample(name, "_sum", &labels, "", &double(sum));
        }
        self.sample(name, "_count", &labels, "", &count);
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &str, le: &str, value: &str) {
        let Some(family) = self.families.get_mut(name) else { return };
        let to = &mut family.samples;
        let name = format!("{name}{suffix}");
        let is_plain = names::is_plain(&name, true);
        if is_plain {
            to.push_str(&name);
        }
        if !is_plain || !labels.is_empty() || !le.is_empty() {
            to.push('{');
            let mut separator = "";
            if !is_plain {
                quote(to, &name);
                separator = ",";
            }
            if !labels.is_empty() {
                let _ = write!(to, "{separator}{labels}");
                separator = ",";
            }
            if !le.is_empty() {
                let _ = write!(to, "{separator}le=\"{le}\"");
            }
            to.push('}');
        }
        let _ = writeln!(to, " {value}");
    }

    fn end(self) -> Exposition {
        let mut made = self.made;
        for (name, family) in self.families.iter().filter(|(_, family)| !family.samples.is_empty()) {
            let mut shown = String::new();
            if names::is_plain(name, true) {
                shown.push_str(name)
            } else {
                quote(&mut shown, name)
            }
            if !family.help.is_empty() {
                let _ = write!(made.text, "# HELP {shown} ");
                escape(&mut made.text, &family.help, false);
                made.text.push('\n');
            }
            let _ = writeln!(made.text, "# TYPE {shown} {}", family.kind.as_str());
            made.text.push_str(&family.samples);
        }
        made
    }
}

/// What histograms of both kinds say.
struct Summary {
    count: u64,
    /// Not if there are values below 0, with which it would not be a counter.
    sum: Option<f64>,
}

impl Summary {
    fn of<T: Measured>(count: u64, sum: T, min: Option<T>) -> Self {
        let goes_down = min.is_some_and(|min| min.double() < 0.0);
        Self { count, sum: (!goes_down).then(|| sum.double()) }
    }
}

/// A number as Prometheus reads it.
fn double(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        value.to_string()
    } else {
        // With an exponent, where it would have hundreds of digits.
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn numbers_are_what_prometheus_reads() {
        for (value, expected) in [
            (0.0, "0"),
            (5.0, "5"),
            (-0.25, "-0.25"),
            (1e300, "1e300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(double(value), expected);
        }
    }
}
