//! Grafana dashboards for the spans of a registry.
//!
//! They read the metrics that the OpenTelemetry Collector's span metrics connector makes, from a Prometheus. What the
//! connector has to be told for that is [`collector_dimensions`].
//!
//! Spans are picked by their kind and by a regular expression made of their name pattern. Where a name tells too little
//! (`{a.b}`, or no pattern at all), they are picked by the label `otelier_span_type`; programs have to export the
//! attribute `otelier.span_type` for that. A name that two patterns of one kind fit is counted for both.

use crate::model::{Attribute, Registry, Span};
use crate::promql::{self, CALLS, DURATION, FAILED, SPAN_TYPE};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The labels that every metric has; no attribute may take their place.
const RESERVED: &[&str] =
    &["service_name", "service_namespace", "span_name", "span_kind", "status_code", "collector_instance_id", "le"];

/// The variables, as every query has them.
const VARIABLES: &str = "service_namespace=~\"$namespace\",service_name=~\"$service\"";

/// The longest name of a file, and part of a dashboard's id, which has at most 40 characters.
const LONGEST_SLUG: usize = 30;

/// How wide a dashboard is.
const WIDTH: usize = 24;

/// The width and height of a panel.
const PANEL: (usize, usize) = (8, 8);

/// One dashboard for each namespace of span types (`crypto` for `crypto.order`): file name and JSON.
pub fn dashboards(registry: &Registry) -> Vec<(String, String)> {
    let mut namespaces: BTreeMap<&str, BTreeMap<&str, &Span>> = BTreeMap::new();
    for span in registry.spans.iter().filter(|span| !span.id.is_empty()) {
        let namespace = span.id.split_once('.').map_or(span.id.as_str(), |(namespace, _)| namespace);
        namespaces.entry(namespace).or_default().insert(&span.id, span);
    }
    let dimensions = dimensions(registry);
    let mut slugs = BTreeSet::new();
    let mut dashboards = Vec::new();
    for (namespace, spans) in namespaces {
        let slug = slug(namespace, &mut slugs);
        let json = dashboard(namespace, &slug, spans.into_values(), &dimensions);
        dashboards.push((format!("{slug}.json"), format!("{json:#}\n")));
    }
    dashboards
}

/// Settings of the Collector that add the labels the dashboards read: YAML, to be merged into its configuration.
///
/// An attribute becomes a label if it is public and has a closed set of values wherever it is declared, because each
/// value makes new time series.
pub fn collector_dimensions(registry: &Registry) -> String {
    let mut text = String::from(
        "# Settings of the OpenTelemetry Collector for the dashboards and rules of this registry. The connector\n\
         # stands as exporter in a pipeline of traces and as receiver in one of metrics; Collectors that do not know\n\
         # `span_metrics` yet call it `spanmetrics`.\n\
         connectors:\n  span_metrics:\n    namespace: traces.span.metrics\n    histogram:\n      unit: ms\n    \
         dimensions:\n      # Of the resource.\n      - name: service.namespace\n",
    );
    if registry.spans.iter().any(|span| promql::name_matcher(span).is_none()) {
        text.push_str("      # Spans whose names tell too little are known by it.\n");
        text.push_str(&format!("      - name: {SPAN_TYPE}\n"));
    }
    for attribute in dimensions(registry).values() {
        // The Collector takes `$name` for a variable of its environment.
        text.push_str(&format!("      - name: {}\n", promql::yaml(&attribute.replace('$', "$$"))));
    }
    text
}

/// Attributes that may be labels, by label.
fn dimensions(registry: &Registry) -> BTreeMap<String, &str> {
    let declared = || registry.spans.iter().flat_map(|span| &span.attributes);
    let unbounded: BTreeSet<&str> =
        declared().filter(|found| !promql::is_closed(found)).map(|found| found.name.as_str()).collect();
    let mut dimensions = BTreeMap::new();
    for attribute in declared().filter(|attribute| !unbounded.contains(attribute.name.as_str())) {
        let label = promql::label(&attribute.name);
        if !RESERVED.contains(&label.as_str()) && attribute.name != SPAN_TYPE {
            // Two attributes that become one label would be mixed up in it.
            let first = dimensions.entry(label).or_insert(attribute.name.as_str());
            *first = (*first).min(attribute.name.as_str());
        }
    }
    dimensions
}

/// A short text of letters, digits and hyphens that no other namespace has.
fn slug(namespace: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let slug: String = namespace.chars().map(plain).take(LONGEST_SLUG).collect();
    let slug = if slug.is_empty() { "spans".to_owned() } else { slug };
    let mut unique = slug.clone();
    for number in 2.. {
        if taken.insert(unique.clone()) {
            break;
        }
        unique = format!("{slug}-{number}");
    }
    unique
}

fn dashboard<'a>(
    namespace: &str,
    slug: &str,
    spans: impl Iterator<Item = &'a Span>,
    dimensions: &BTreeMap<String, &str>,
) -> Value {
    let mut grid = Grid::default();
    for span in spans {
        grid.row(span);
        rate(&mut grid, span);
        for attribute in &span.attributes {
            let label = promql::label(&attribute.name);
            if dimensions.get(&label).is_some_and(|name| *name == attribute.name) {
                dimension(&mut grid, span, attribute, &label);
            }
        }
    }
    json!({
        "uid": format!("otelier-{slug}"),
        "title": format!("Spans: {namespace}"),
        "tags": ["otelier"],
        "editable": true,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "refresh": "1m",
        "time": { "from": "now-6h", "to": "now" },
        "templating": { "list": [
            { "type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus" },
            variable("namespace", "Namespace", &format!("label_values({CALLS}, service_namespace)")),
            variable(
                "service",
                "Service",
                &format!("label_values({CALLS}{{service_namespace=~\"$namespace\"}}, service_name)"),
            ),
        ] },
        "panels": grid.panels,
    })
}

/// A variable that stands for every value at first, and for a label that is not there.
fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "type": "query",
        "name": name,
        "label": label,
        "datasource": datasource(),
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
    })
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// Where the next panel goes.
#[derive(Default)]
struct Grid {
    panels: Vec<Value>,
    x: usize,
    y: usize,
}

impl Grid {
    fn row(&mut self, span: &Span) {
        if self.x > 0 {
            self.y += PANEL.1;
        }
        let deprecated = if span.deprecated.is_some() { " (deprecated)" } else { "" };
        let row = json!({
            "id": self.panels.len() + 1,
            "type": "row",
            "title": format!("{}{deprecated}", span.id),
            "collapsed": false,
            "gridPos": { "x": 0, "y": self.y, "w": WIDTH, "h": 1 },
            "panels": [],
        });
        self.panels.push(row);
        (self.x, self.y) = (0, self.y + 1);
    }

    fn panel(&mut self, title: &str, description: &str, unit: &str, queries: &[(String, &str)]) {
        let (width, height) = PANEL;
        let target = |(position, (expr, legend)): (usize, &(String, &str))| {
            json!({
                "refId": format!("{}", (b'A' + position as u8) as char),
                "datasource": datasource(),
                "expr": expr,
                "legendFormat": legend,
                "range": true,
            })
        };
        let panel = json!({
            "id": self.panels.len() + 1,
            "type": "timeseries",
            "title": title,
            "description": description,
            "datasource": datasource(),
            "gridPos": { "x": self.x, "y": self.y, "w": width, "h": height },
            "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
            "options": {
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            },
            "targets": queries.iter().enumerate().map(target).collect::<Vec<_>>(),
        });
        self.panels.push(panel);
        self.x += width;
        if self.x + width > WIDTH {
            (self.x, self.y) = (0, self.y + height);
        }
    }
}

/// Rate, errors and duration of a span type.
fn rate(grid: &mut Grid, span: &Span) {
    let picked = format!("{},{VARIABLES}", promql::matchers(span));
    let all = format!("sum by (service_name) (rate({CALLS}{{{picked}}}[$__rate_interval]))");
    let failed = format!("sum by (service_name) (rate({CALLS}{{{picked},{FAILED}}}[$__rate_interval]))");
    let how = match promql::name_matcher(span) {
        Some(_) => String::new(),
        None => format!(" Programs have to export the attribute `{SPAN_TYPE}`."),
    };
    let description = format!("{}{how}", span.brief.trim());
    grid.panel("Rate", description.trim(), "reqps", &[(all.clone(), "{{service_name}}")]);
    // Without any error there is no series of errors, which is a share of zero.
    let share = format!("({failed} or {all} * 0) / {all}");
    grid.panel("Errors", "The share of spans that failed.", "percentunit", &[(share, "{{service_name}}")]);
    let quantile = |quantile: &str| {
        format!("histogram_quantile({quantile}, sum by (le) (rate({DURATION}{{{picked}}}[$__rate_interval])))")
    };
    let quantiles = [(quantile("0.5"), "p50"), (quantile("0.95"), "p95"), (quantile("0.99"), "p99")];
    grid.panel("Duration", "Of all services that are selected.", "ms", &quantiles);
}

/// The rate of a span type by the values of an attribute.
fn dimension(grid: &mut Grid, span: &Span, attribute: &Attribute, label: &str) {
    let picked = format!("{},{VARIABLES}", promql::matchers(span));
    let query = format!("sum by ({label}) (rate({CALLS}{{{picked}}}[$__rate_interval]))");
    let legend = format!("{{{{{label}}}}}");
    let title = format!("Rate by {}", attribute.name);
    grid.panel(&title, attribute.brief.trim(), "reqps", &[(query, &legend)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Member, Sensitivity};
    use crate::promql::judge::{hostile, promtool};

    fn attribute(name: &str, values: &[&str]) -> Attribute {
        let members = values.iter().map(|value| Member { value: (*value).to_owned(), ..Member::default() }).collect();
        Attribute { name: name.to_owned(), members, ..Attribute::default() }
    }

    fn shop() -> Registry {
        let sale = Span {
            id: "shop.sale".to_owned(),
            name: "sell {shop.article}".to_owned(),
            brief: "One sale.".to_owned(),
            attributes: vec![
                attribute("shop.article", &[]),
                attribute("shop.market", &["spot", "futures"]),
                Attribute { open: true, ..attribute("shop.means", &["cash"]) },
                Attribute { sensitivity: Sensitivity::Personal, ..attribute("shop.age", &["old", "young"]) },
                attribute("shop.size", &["small", "large"]),
                attribute("span.name", &["a"]),
            ],
            ..Span::default()
        };
        let visit = Span {
            id: "shop.visit".to_owned(),
            attributes: vec![Attribute { open: true, ..attribute("shop.size", &["small"]) }],
            ..Span::default()
        };
        let other = Span { id: "bank.loan".to_owned(), name_note: "As you like.".to_owned(), ..Span::default() };
        Registry { spans: vec![visit, sale, other], ..Registry::default() }
    }

    /// Every panel of every dashboard.
    fn panels(registry: &Registry) -> Vec<Value> {
        let parse = |(_, json): (String, String)| serde_json::from_str::<Value>(&json).unwrap();
        let dashboards = dashboards(registry).into_iter().map(parse);
        dashboards.flat_map(|dashboard| dashboard["panels"].as_array().unwrap().clone()).collect()
    }

    fn expressions(registry: &Registry) -> Vec<String> {
        let panels = panels(registry);
        let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
        targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_namespace_has_a_dashboard_with_a_row_for_each_span_type() {
        let names: Vec<String> = dashboards(&shop()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["bank.json", "shop.json"]);
        let titles: Vec<String> =
            panels(&shop()).iter().map(|panel| panel["title"].as_str().unwrap().to_owned()).collect();
        let expected = [
            "bank.loan",
            "Rate",
            "Errors",
            "Duration",
            "shop.sale",
            "Rate",
            "Errors",
            "Duration",
            "Rate by shop.market",
            "shop.visit",
            "Rate",
            "Errors",
            "Duration",
        ];
        assert_eq!(titles, expected);
    }

    #[test]
    fn queries_pick_the_spans_of_a_type() {
        let mut registry = shop();
        registry.spans.drain(2..);
        registry.spans.drain(..1);
        let picked = "span_kind=\"SPAN_KIND_INTERNAL\",span_name=~\"sell .*\",\
            service_namespace=~\"$namespace\",service_name=~\"$service\"";
        let all =
            format!("sum by (service_name) (rate(traces_span_metrics_calls_total{{{picked}}}[$__rate_interval]))");
        let failed = all.replace("}[", ",status_code=\"STATUS_CODE_ERROR\"}[");
        let buckets = format!("traces_span_metrics_duration_milliseconds_bucket{{{picked}}}[$__rate_interval]");
        let quantile = |share| format!("histogram_quantile({share}, sum by (le) (rate({buckets})))");
        let expected = [
            all.clone(),
            format!("({failed} or {all} * 0) / {all}"),
            quantile("0.5"),
            quantile("0.95"),
            quantile("0.99"),
            all.replace("service_name)", "shop_market)"),
            all.replace("service_name)", "shop_size)"),
        ];
        assert_eq!(expressions(&registry), expected);
    }

    #[test]
    fn the_collector_adds_what_is_bounded_and_public() {
        let expected = "\
# Settings of the OpenTelemetry Collector for the dashboards and rules of this registry. The connector
# stands as exporter in a pipeline of traces and as receiver in one of metrics; Collectors that do not know
# `span_metrics` yet call it `spanmetrics`.
connectors:
  span_metrics:
    namespace: traces.span.metrics
    histogram:
      unit: ms
    dimensions:
      # Of the resource.
      - name: service.namespace
      # Spans whose names tell too little are known by it.
      - name: otelier.span_type
      - name: \"shop.market\"
";
        assert_eq!(collector_dimensions(&shop()), expected);
    }

    #[test]
    fn panels_lie_side_by_side_and_have_ids_of_their_own() {
        for (_, json) in dashboards(&shop()).into_iter().chain(dashboards(&hostile())) {
            let dashboard: Value = serde_json::from_str(&json).unwrap();
            assert!(dashboard["uid"].as_str().unwrap().len() <= 40);
            let mut ids = BTreeSet::new();
            let mut cells = BTreeSet::new();
            for panel in dashboard["panels"].as_array().unwrap() {
                assert!(ids.insert(panel["id"].as_u64().unwrap()));
                let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
                assert!(x + w <= 24);
                for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                    assert!(cells.insert(cell), "{panel}");
                }
            }
        }
    }

    #[test]
    fn namespaces_never_share_a_file() {
        let span = |id: &str| Span { id: id.to_owned(), ..Span::default() };
        let spans = ["a/b", "a|b", "A-B.c", ".x", "", &"long".repeat(20)].map(span).to_vec();
        let names: Vec<String> =
            dashboards(&Registry { spans, ..Registry::default() }).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["spans.json", "a-b.json", "a-b-2.json", "a-b-3.json", "longlonglonglonglonglonglonglo.json"]
        );
    }

    #[test]
    fn promtool_takes_every_query() {
        for (topic, registry) in [("queries", shop()), ("queries-hostile", hostile())] {
            let expressions = expressions(&registry);
            let mut rules = "groups:\n  - name: queries\n    rules:\n".to_owned();
            for (number, expr) in expressions.iter().enumerate() {
                assert!(!expr.contains("$service $"), "{expr}");
                let expr = expr.replace("$__rate_interval", "5m");
                rules.push_str(&format!("      - record: query{number}\n        expr: {}\n", promql::yaml(&expr)));
            }
            match promtool(topic, &["check", "rules"], &[("rules.yml", &rules)]) {
                None => {}
                Some(Ok(said)) => assert!(said.contains(&format!("{} rules found", expressions.len())), "{said}"),
                Some(Err(said)) => panic!("{said}\n{rules}"),
            }
        }
    }

    /// Only the variables are variables: names that look like one are not replaced by Grafana.
    #[test]
    fn names_are_no_variables() {
        for expr in expressions(&hostile()) {
            let known = ["$__rate_interval", "$namespace", "$service\""];
            let rest = known.iter().fold(expr, |expr, known| expr.replace(known, ""));
            assert!(!rest.contains('$') && !rest.contains("[["), "{rest}");
        }
    }
}
