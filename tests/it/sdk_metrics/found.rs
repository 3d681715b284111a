//! Metrics that arrived, as values by name and attributes.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use std::collections::BTreeMap;

pub(super) type Labels = BTreeMap<String, String>;

/// The metrics of the pipeline itself in one export.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) metrics: Vec<Metric>,
    /// Of a histogram, how many values it has.
    values: Vec<(String, Labels, f64)>,
}

fn labels(attributes: &[KeyValue]) -> Labels {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}

impl Found {
    pub(super) fn of(request: &ExportMetricsServiceRequest) -> Self {
        let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        let ours = scopes.filter(|scope| scope.schema_url == "https://opentelemetry.io/schemas/1.44.0");
        let ours = ours.inspect(|scope| assert_eq!(scope.scope.as_ref().expect("a scope").name, "otelier"));
        let metrics: Vec<_> = ours.flat_map(|scope| scope.metrics.clone()).collect();
        let mut values = Vec::new();
        for metric in &metrics {
            let mut add = |attributes: &[KeyValue], value| {
                values.push((metric.name.clone(), labels(attributes), value));
            };
            match metric.data.as_ref().expect("data") {
                Data::Sum(sum) => sum.data_points.iter().for_each(|point| match point.value {
                    Some(number_data_point::Value::AsInt(value)) => add(&point.attributes, value as f64),
                    other => panic!("{other:?}"),
                }),
                Data::Gauge(gauge) => gauge.data_points.iter().for_each(|point| match point.value {
                    Some(number_data_point::Value::AsDouble(value)) => add(&point.attributes, value),
                    other => panic!("{other:?}"),
                }),
                Data::Histogram(histogram) => {
                    histogram.data_points.iter().for_each(|point| add(&point.attributes, point.count as f64));
                }
                other => panic!("{other:?}"),
            }
        }
        Self { metrics, values }
    }

    /// The attributes of every value of a metric.
    pub(super) fn all(&self, name: &str) -> Vec<(&Labels, f64)> {
        self.values.iter().filter(|value| value.0 == name).map(|(_, labels, value)| (labels, *value)).collect()
    }

    /// The one value that has exactly these attributes and, if `component` is not empty, those of this component.
    pub(super) fn value(&self, name: &str, component: &str, wanted: &[(&str, &str)]) -> Option<f64> {
        const OF_COMPONENTS: [&str; 4] =
            ["otel.component.name", "otel.component.type", "server.address", "server.port"];
        let is = |found: &&(&Labels, f64)| {
            let name = found.0.get("otel.component.name").map_or("", String::as_str);
            let others = found.0.iter().filter(|(key, _)| !OF_COMPONENTS.contains(&key.as_str()));
            let others: Vec<_> = others.map(|(key, value)| (key.as_str(), value.as_str())).collect();
            name == component && others == wanted
        };
        let all = self.all(name);
        let found: Vec<_> = all.iter().filter(is).collect();
        assert!(found.len() < 2, "{name} {component} {wanted:?}: {found:?}");
        found.first().map(|found| found.1)
    }
}
