//! Prometheus rules for the spans of a registry.
//!
//! For each span type and service there are three recorded series, with the span type in the label `span_type`:
//! `service_name:traces_span_metrics_calls:rate5m` (spans per second), `…_errors:ratio_rate5m` (the share that failed)
//! and `…_duration_milliseconds:p95_rate5m`; and two alerts, `SpanErrorShareHigh` and `SpanDurationHigh`. Nothing fires
//! when there are no spans: whether that is wrong only the user knows.
//!
//! The rules read the same metrics as the [dashboards](crate::dashboard).

use crate::model::{Registry, Span};
use crate::promql::{self, CALLS, DURATION, FAILED, SPAN_TYPE};
use std::collections::BTreeMap;

/// The share of failed spans above which an alert fires.
const ERROR_SHARE: f64 = 0.05;

/// The 95th percentile of the duration above which an alert fires, in milliseconds.
const DURATION_P95: u32 = 1_000;

/// The spans per second below which no alert fires, about one a minute: of a few, one is a large share.
const LEAST_RATE: f64 = 0.02;

/// How long a limit must be exceeded before an alert fires.
const FOR: &str = "10m";

/// Recorded series.
const RATE: &str = "service_name:traces_span_metrics_calls:rate5m";
const ERRORS: &str = "service_name:traces_span_metrics_errors:ratio_rate5m";
const P95: &str = "service_name:traces_span_metrics_duration_milliseconds:p95_rate5m";

/// Recording and alerting rules, one group for each span type: a rules file of Prometheus.
pub fn rules(registry: &Registry) -> String {
    // Without a type there is nothing to tell series apart by.
    let typed = registry.spans.iter().filter(|span| !span.id.is_empty());
    let spans: BTreeMap<&str, &Span> = typed.map(|span| (span.id.as_str(), span)).collect();
    let mut text = format!(
        "# For the metrics of the OpenTelemetry Collector's span metrics connector. Alerts fire when, for {FOR} and at\n\
         # no less than {LEAST_RATE} spans per second, more than {ERROR_SHARE} of the spans fail, or 5 % take longer\n\
         # than {DURATION_P95} ms.\n"
    );
    if spans.is_empty() {
        text.push_str("groups: []\n");
        return text;
    }
    text.push_str("groups:\n");
    spans.into_values().for_each(|span| group(&mut text, span));
    text
}

fn group(text: &mut String, span: &Span) {
    let picked = promql::matchers(span);
    let id = promql::string(&span.id);
    if promql::name_matcher(span).is_none() {
        text.push_str(&format!("  # Programs have to export the attribute `{SPAN_TYPE}`.\n"));
    }
    text.push_str(&format!("  - name: {}\n    rules:\n", promql::yaml(&format!("spans {}", span.id))));
    record(text, RATE, span, &format!("sum by (service_name) (rate({CALLS}{{{picked}}}[5m]))"));
    // Without any error there is no series of errors, which is a share of zero.
    let rate = format!("{RATE}{{span_type={id}}}");
    let failed = format!("sum by (service_name) (rate({CALLS}{{{picked},{FAILED}}}[5m]))");
    let all = format!("sum by (service_name) ({rate})");
    record(text, ERRORS, span, &format!("({failed} or {all} * 0) / ({all} > 0)"));
    let buckets = format!("sum by (service_name, le) (rate({DURATION}{{{picked}}}[5m]))");
    record(text, P95, span, &format!("histogram_quantile(0.95, {buckets})"));
    let name = template(&span.id);
    let brief = template(span.brief.trim());
    let busy = format!("and {rate} >= {LEAST_RATE}");
    let failing = format!("{ERRORS}{{span_type={id}}} > {ERROR_SHARE} {busy}");
    let summary = format!("Spans {name} of {{{{ $labels.service_name }}}} fail: {{{{ $value | humanizePercentage }}}}");
    alert(text, "SpanErrorShareHigh", &failing, [&name, &summary, &brief]);
    let slow = format!("{P95}{{span_type={id}}} > {DURATION_P95} {busy}");
    let summary = format!(
        "Spans {name} of {{{{ $labels.service_name }}}} are slow: 5 % take longer than \
         {{{{ printf \"%.0f\" $value }}}} ms"
    );
    alert(text, "SpanDurationHigh", &slow, [&name, &summary, &brief]);
}

fn record(text: &mut String, name: &str, span: &Span, expr: &str) {
    let id = promql::yaml(&span.id);
    text.push_str(&format!("      - record: {name}\n        expr: |-\n          {expr}\n"));
    text.push_str(&format!("        labels:\n          span_type: {id}\n"));
}

/// An alert; labels and annotations are templates.
fn alert(text: &mut String, name: &str, expr: &str, [span, summary, brief]: [&str; 3]) {
    text.push_str(&format!("      - alert: {name}\n        expr: |-\n          {expr}\n        for: {FOR}\n"));
    text.push_str(&format!(
        "        labels:\n          severity: warning\n          span_type: {}\n",
        promql::yaml(span)
    ));
    text.push_str(&format!("        annotations:\n          summary: {}\n", promql::yaml(summary)));
    if !brief.is_empty() {
        text.push_str(&format!("          description: {}\n", promql::yaml(brief)));
    }
}

/// The text as Prometheus' templates print it.
fn template(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Part, attribute, constant, of, parts};
    use crate::promql::judge::{hostile, promtool};

    fn shop() -> Registry {
        let span = Span {
            id: "shop.sale".to_owned(),
            name: "sell {shop.article}".to_owned(),
            brief: "One sale.".to_owned(),
            ..Span::default()
        };
        Registry { spans: vec![span], ..Registry::default() }
    }

    #[test]
    fn a_span_type_is_a_group_of_rules() {
        let expected = r##"# For the metrics of the OpenTelemetry Collector's span metrics connector. Alerts fire when, for 10m and at
# no less than 0.02 spans per second, more than 0.05 of the spans fail, or 5 % take longer
# than 1000 ms.
groups:
  - name: "spans shop.sale"
    rules:
      - record: service_name:traces_span_metrics_calls:rate5m
        expr: |-
          sum by (service_name) (rate(traces_span_metrics_calls_total{@}[5m]))
        labels:
          span_type: "shop.sale"
      - record: service_name:traces_span_metrics_errors:ratio_rate5m
        expr: |-
          (sum by (service_name) (rate(traces_span_metrics_calls_total{@,status_code="STATUS_CODE_ERROR"}[5m])) or sum by (service_name) (service_name:traces_span_metrics_calls:rate5m{span_type="shop.sale"}) * 0) / (sum by (service_name) (service_name:traces_span_metrics_calls:rate5m{span_type="shop.sale"}) > 0)
        labels:
          span_type: "shop.sale"
      - record: service_name:traces_span_metrics_duration_milliseconds:p95_rate5m
        expr: |-
          histogram_quantile(0.95, sum by (service_name, le) (rate(traces_span_metrics_duration_milliseconds_bucket{@}[5m])))
        labels:
          span_type: "shop.sale"
      - alert: SpanErrorShareHigh
        expr: |-
          service_name:traces_span_metrics_errors:ratio_rate5m{span_type="shop.sale"} > 0.05 and service_name:traces_span_metrics_calls:rate5m{span_type="shop.sale"} >= 0.02
        for: 10m
        labels:
          severity: warning
          span_type: "shop.sale"
        annotations:
          summary: "Spans shop.sale of {{ $labels.service_name }} fail: {{ $value | humanizePercentage }}"
          description: "One sale."
      - alert: SpanDurationHigh
        expr: |-
          service_name:traces_span_metrics_duration_milliseconds:p95_rate5m{span_type="shop.sale"} > 1000 and service_name:traces_span_metrics_calls:rate5m{span_type="shop.sale"} >= 0.02
        for: 10m
        labels:
          severity: warning
          span_type: "shop.sale"
        annotations:
          summary: "Spans shop.sale of {{ $labels.service_name }} are slow: 5 % take longer than {{ printf \"%.0f\" $value }} ms"
          description: "One sale."
"##;
        let expected = expected.replace('@', r#"span_kind="SPAN_KIND_INTERNAL",span_name=~"sell .*""#);
        assert_eq!(rules(&shop()), expected);
    }

    #[test]
    fn promtool_takes_the_rules() {
        for (topic, registry, count) in
            [("rules", shop(), 5), ("rules-hostile", hostile(), 30), ("rules-none", Registry::default(), 0)]
        {
            let rules = rules(&registry);
            assert!(rules.lines().all(|line| line.trim_end() == line), "{rules}");
            match promtool(topic, &["check", "rules"], &[("rules.yml", &rules)]) {
                None => {}
                Some(Ok(said)) => assert!(said.contains(&format!("SUCCESS: {count} rules found")), "{said}"),
                Some(Err(said)) => panic!("{said}\n{rules}"),
            }
        }
    }

    /// Every span type fails one span in two and takes more than 2 s, so that both its alerts fire, with its own brief.
    #[test]
    fn promtool_sees_alerts_fire_for_names_of_any_kind() {
        for (topic, registry) in [("alerts", shop()), ("alerts-hostile", hostile())] {
            for (number, span) in registry.spans.iter().filter(|span| !span.id.is_empty()).enumerate() {
                let (test, rules) = (fire(span), rules(&Registry { spans: vec![span.clone()], ..Registry::default() }));
                let files = [("rules.yml", rules.as_str()), ("test.yml", test.as_str())];
                if let Some(Err(said)) = promtool(&format!("{topic}-{number}"), &["test", "rules"], &files) {
                    panic!("{said}\n{rules}\n{test}");
                }
            }
        }
    }

    fn fire(span: &Span) -> String {
        let pattern = of(span).unwrap_or_default();
        let mut name = String::new();
        for part in parts(pattern) {
            name.push_str(match part {
                Part::Text(text) => text,
                Part::Value(key) => match attribute(span, key) {
                    Some(attribute) if !attribute.members.is_empty() => &attribute.members[0].value,
                    _ => constant(span, key).unwrap_or("anything"),
                },
            });
        }
        let labels = format!(
            "service_name=\"till\",span_kind=\"SPAN_KIND_INTERNAL\",span_name={},otelier_span_type={}",
            promql::string(&name),
            promql::string(&span.id)
        );
        let series = |metric: &str, labels: &str, step: u32| {
            let series = promql::yaml(&format!("{metric}{{{labels}}}"));
            format!("      - series: {series}\n        values: \"0+{step}x30\"\n")
        };
        let input = [
            series(CALLS, &format!("{labels},status_code=\"STATUS_CODE_UNSET\""), 60),
            series(CALLS, &format!("{labels},{FAILED}"), 60),
            series(DURATION, &format!("{labels},le=\"1000\""), 0),
            series(DURATION, &format!("{labels},le=\"3000\""), 120),
            series(DURATION, &format!("{labels},le=\"+Inf\""), 120),
        ];
        let brief = span.brief.trim();
        let alert = |name: &str, says: &str| {
            let summary = promql::yaml(&format!("Spans {} of till {says}", span.id));
            format!(
                "      - eval_time: 20m\n        alertname: {name}\n        exp_alerts:\n          - \
                 exp_labels:\n              severity: warning\n              service_name: till\n              span_type: {}\n            \
                 exp_annotations:\n              summary: {summary}\n              description: {}\n",
                promql::yaml(&span.id),
                promql::yaml(brief)
            )
        };
        format!(
            "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{}    \
             alert_rule_test:\n{}{}",
            input.concat(),
            alert("SpanErrorShareHigh", "fail: 50%"),
            alert("SpanDurationHigh", "are slow: 5 % take longer than 2900 ms")
        )
    }
}
