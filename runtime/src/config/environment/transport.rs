//! Exporters, and how each of them reaches its receiver.

use super::reader::{Reader, node, said};
use super::{Node, Value, choice, mapping, older, plain, put, put_some};
use otelier_spec::suggest;

/// The exporters of spans. Without a word: OTLP.
pub(super) fn span_exporters(reader: &mut Reader<'_>) -> Vec<Node> {
    const NAME: &str = "OTEL_TRACES_EXPORTER";
    let names = names(reader, NAME, &["otlp", "console", "none", "zipkin"]);
    let names = names.or_else(|| older::backend(reader)).unwrap_or_else(|| vec!["otlp".to_owned()]);
    let exporters = names.iter().filter_map(|name| match name.as_str() {
        "otlp" => Some(otlp(reader, "TRACES", "/v1/traces")),
        "console" => Some(choice("console", origin(reader, NAME))),
        "zipkin" => Some(zipkin(reader)),
        _ => None,
    });
    exporters.collect()
}

/// The exporters of log records.
pub(super) fn log_exporters(reader: &mut Reader<'_>) -> Vec<Node> {
    const NAME: &str = "OTEL_LOGS_EXPORTER";
    let names = names(reader, NAME, &["otlp", "console", "none"]).unwrap_or_else(|| vec!["otlp".to_owned()]);
    let exporters = names.iter().filter_map(|name| match name.as_str() {
        "otlp" => Some(otlp(reader, "LOGS", "/v1/logs")),
        "console" => Some(choice("console", origin(reader, NAME))),
        _ => None,
    });
    exporters.collect()
}

/// The exporters of metrics that push, and those that are asked.
pub(super) fn metric_exporters(reader: &mut Reader<'_>) -> (Vec<Node>, Vec<Node>) {
    const NAME: &str = "OTEL_METRICS_EXPORTER";
    let known = ["otlp", "console", "none", "prometheus"];
    let names = names(reader, NAME, &known).unwrap_or_else(|| vec!["otlp".to_owned()]);
    let (mut push, mut pull) = (Vec::new(), Vec::new());
    for name in &names {
        match name.as_str() {
            "otlp" => push.push(otlp_metrics(reader)),
            "console" => push.push(choice("console", origin(reader, NAME))),
            "prometheus" => pull.push(prometheus(reader)),
            _ => {}
        }
    }
    (push, pull)
}

/// The names in a list of exporters. `logging` is what `console` was called.
fn names(reader: &mut Reader<'_>, name: &str, known: &[&str]) -> Option<Vec<String>> {
    let words = reader.words(name, |reader, word| {
        if word == "logging" {
            reader.say(crate::Problem::new(format_args!("`{name}` is `logging`; this is called `console` now")));
        } else if !known.contains(&word) {
            // Not one of the specification's: whoever set it expects telemetry from an exporter that is not there.
            let known = suggest::list(known.iter().copied());
            reader.error(format_args!("`{name}` has `{}`; expected a list of {known}", said(word)));
            return false;
        }
        true
    })?;
    if words.is_empty() {
        // Only commas, or words that have been refused.
        return None;
    }
    let both = words.iter().any(|word| word == "console");
    let words: Vec<String> = words
        .into_iter()
        .filter(|word| !(both && word == "logging"))
        .map(|word| if word == "logging" { "console".to_owned() } else { word })
        .collect();
    if words.len() > 1 && words.iter().any(|word| word == "none") {
        let problem = crate::Problem::new(format_args!("`{name}` has `none` beside others; it says nothing there"));
        reader.say(problem);
    }
    Some(words)
}

/// Nothing, said by this variable.
fn origin(reader: &Reader<'_>, name: &str) -> Node {
    match reader.get(name) {
        Some(_) => node(name, Value::Null),
        None => Node::new(Value::Null, super::Origin::Default),
    }
}

fn zipkin(reader: &mut Reader<'_>) -> Node {
    let mut exporter = mapping();
    put_some(&mut exporter, "endpoint", reader.text(&["OTEL_EXPORTER_ZIPKIN_ENDPOINT"]));
    put_some(&mut exporter, "timeout", reader.integer(&["OTEL_EXPORTER_ZIPKIN_TIMEOUT"], 0));
    choice("otelier/zipkin", exporter)
}

fn prometheus(reader: &mut Reader<'_>) -> Node {
    let mut exporter = mapping();
    put_some(&mut exporter, "host", reader.text(&["OTEL_EXPORTER_PROMETHEUS_HOST"]));
    put_some(&mut exporter, "port", reader.integer(&["OTEL_EXPORTER_PROMETHEUS_PORT"], 0));
    choice("prometheus/development", exporter)
}

fn otlp_metrics(reader: &mut Reader<'_>) -> Node {
    const TEMPORALITY: [&str; 3] = ["cumulative", "delta", "lowmemory"];
    const AGGREGATION: [&str; 2] = ["explicit_bucket_histogram", "base2_exponential_bucket_histogram"];
    let mut exporter = otlp(reader, "METRICS", "/v1/metrics");
    let Value::Map(entries) = &mut exporter.value else { return exporter };
    for entry in entries {
        let temporality = reader.word("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", &TEMPORALITY);
        let temporality = temporality.map(|mut node| {
            if node.as_text() == Some("lowmemory") {
                node.value = Value::Text("low_memory".to_owned());
            }
            node
        });
        put_some(&mut entry.node, "temporality_preference", temporality);
        let aggregation = reader.word("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", &AGGREGATION);
        put_some(&mut entry.node, "default_histogram_aggregation", aggregation);
    }
    exporter
}

/// OTLP for one signal; what is said for it alone wins over what is said for all.
fn otlp(reader: &mut Reader<'_>, signal: &str, path: &str) -> Node {
    let own = |what: &str| format!("OTEL_EXPORTER_OTLP_{signal}_{what}");
    let all = |what: &str| format!("OTEL_EXPORTER_OTLP_{what}");
    let both = |what: &str| [own(what), all(what)];
    fn first<T>(names: &[String; 2], mut read: impl FnMut(&[&str]) -> Option<T>) -> Option<T> {
        names.iter().find_map(|name| read(&[name.as_str()]))
    }
    let protocols = ["grpc", "http/protobuf", "http/json"];
    let protocol = first(&both("PROTOCOL"), |names| reader.word(names[0], &protocols));
    let grpc = protocol.as_ref().and_then(Node::as_text) == Some("grpc");
    let json = protocol.as_ref().filter(|node| node.as_text() == Some("http/json"));
    let mut exporter = mapping();
    // What is said for one signal is used as it is; the base of all signals gets the signal's path.
    let endpoint = reader.text(&[&own("ENDPOINT")]);
    let base = || older::endpoint(reader).map(|node| if grpc { node } else { below(node, path) });
    let endpoint = endpoint.or_else(base);
    let is_plain = match endpoint.as_ref().and_then(Node::as_text) {
        Some(url) => url.starts_with("http://") || url.starts_with("unix:"),
        None => true,
    };
    put_some(&mut exporter, "endpoint", endpoint);
    put_some(&mut exporter, "headers_list", first(&both("HEADERS"), |names| reader.text(names)));
    put_some(&mut exporter, "timeout", first(&both("TIMEOUT"), |names| reader.integer(names, 0)));
    let compression = first(&both("COMPRESSION"), |names| reader.word(names[0], &["gzip", "zstd", "none"]));
    put_some(&mut exporter, "compression", compression);
    for (key, what) in
        [("tls.ca_file", "CERTIFICATE"), ("tls.key_file", "CLIENT_KEY"), ("tls.cert_file", "CLIENT_CERTIFICATE")]
    {
        // What is said for all signals is meant for those that go to `https`; somebody may think that spans do.
        let name = all(what);
        if is_plain && signal == "TRACES" && reader.get(&own(what)).is_none() && reader.get(&name).is_some() {
            let problem = format!("`{name}` has no effect on spans; expected an endpoint with `https` for them");
            reader.say(crate::Problem::new(problem));
        }
        let names = if is_plain { [own(what), own(what)] } else { both(what) };
        put_some(&mut exporter, key, first(&names, |names| reader.text(names)));
    }
    // Read in any case, so that a wrong value is told; it means something for gRPC alone.
    let insecure = first(&both("INSECURE"), |names| reader.switch(names[0]));
    if grpc {
        put_some(&mut exporter, "tls.insecure", insecure);
        return choice("otlp_grpc", exporter);
    }
    if let Some(protocol) = json {
        let mut encoding = plain("json");
        encoding.origin = protocol.origin.clone();
        put(&mut exporter, "encoding", encoding);
    }
    choice("otlp_http", exporter)
}

/// The URL with a path below it.
fn below(mut node: Node, path: &str) -> Node {
    // A socket has the paths of the signals itself.
    if let Value::Text(url) = &mut node.value
        && !url.starts_with("unix:")
    {
        // A query stays behind the path.
        let (base, rest) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
        *url = format!("{}{path}{rest}", base.trim_end_matches('/'));
    }
    node
}
