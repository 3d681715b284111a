//! Names that other systems gave their variables; each counts where OpenTelemetry's own is not set.

use super::reader::{Reader, node, said};
use super::{Node, Origin, Value, choice, mapping, plain, push, put};

/// `OTEL_ENABLED`, as `disabled`.
pub(super) fn enabled(reader: &mut Reader<'_>) -> Option<Node> {
    let mut node = reader.switch("OTEL_ENABLED")?;
    node.value = Value::Bool(node.value != Value::Bool(true));
    Some(node)
}

/// `OTEL_BACKEND`, as exporters of spans.
pub(super) fn backend(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    const NAME: &str = "OTEL_BACKEND";
    let word = reader.word(NAME, &["console", "jaeger", "otlp", "none"])?;
    let exporter = match word.as_text()? {
        // Jaeger takes OTLP.
        "jaeger" => "otlp",
        other => other,
    };
    Some(vec![exporter.to_owned()])
}

/// The base URL of all signals.
pub(super) fn endpoint(reader: &mut Reader<'_>) -> Option<Node> {
    const NAME: &str = "OTEL_EXPORTER_ENDPOINT";
    let node = reader.text(&["OTEL_EXPORTER_OTLP_ENDPOINT", NAME])?;
    let url = node.as_text().unwrap_or_default();
    if let Some(host) = url.strip_suffix("/api/traces").and_then(|url| url.rsplit_once(':')).map(|(host, _)| host)
        && node.origin == Origin::Variable(NAME.to_owned())
    {
        let otlp = "its endpoint for OTLP, such as";
        let (url, host) = (said(url), said(host));
        reader.error(format_args!("`{NAME}` is `{url}`, where Jaeger takes Thrift; expected {otlp} `{host}:4318`"));
        return None;
    }
    Some(node)
}

/// `OTEL_SAMPLING_RATE`, as the share of the traces that begin here.
pub(super) fn sampler(reader: &mut Reader<'_>) -> Option<Node> {
    let ratio = reader.number("OTEL_SAMPLING_RATE", 0.0, 1.0, "a number from 0.0 to 1.0")?;
    let mut root = mapping();
    put(&mut root, "ratio", ratio);
    let mut parent_based = mapping();
    put(&mut parent_based, "root", choice("trace_id_ratio_based", root));
    Some(choice("parent_based", parent_based))
}

/// `OTEL_SERVICE_VERSION`, `DEPLOYMENT_ENV` and `ENVIRONMENT`, as attributes of the resource; what
/// `OTEL_RESOURCE_ATTRIBUTES` says wins.
pub(super) fn resource(reader: &mut Reader<'_>, tree: &mut Node) {
    let listed = reader.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let said =
        |key: &str| listed.split(',').any(|pair| pair.split_once('=').is_some_and(|(name, _)| name.trim() == key));
    for (key, names) in [
        ("service.version", &["OTEL_SERVICE_VERSION"][..]),
        ("deployment.environment.name", &["DEPLOYMENT_ENV", "ENVIRONMENT"]),
    ] {
        if let Some(value) = reader.text(names).filter(|_| !said(key)) {
            let mut attribute = mapping();
            put(&mut attribute, "name", plain(key));
            put(&mut attribute, "value", value);
            push(tree, "resource.attributes", attribute);
        }
    }
}

/// `OTEL_AUTO_INSTRUMENT=false`: libraries that use OpenTelemetry's API by themselves find nothing there.
pub(super) fn hooks(reader: &mut Reader<'_>) -> Option<Node> {
    const NAME: &str = "OTEL_AUTO_INSTRUMENT";
    let on = reader.switch(NAME)?.value == Value::Bool(true);
    Some(node(NAME, Value::Text(if on { "global" } else { "none" }.to_owned())))
}
