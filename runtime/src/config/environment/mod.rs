//! Environment variables as the tree that a file would have: `OTEL_BSP_SCHEDULE_DELAY=250` is
//! `tracer_provider.processors[].batch.schedule_delay: 250`. So variables and files have one meaning, and every setting
//! knows which variable said it.

mod older;
mod reader;
mod transport;

use super::{Entry, Node, Origin, Value, Variables};
use crate::ConfigError;
use crate::error::Problem;
use reader::Reader;

/// What the variables say.
#[derive(Debug)]
pub(crate) struct Environment {
    /// The settings, in the form of a file.
    pub(crate) tree: Node,
    /// Values that the specification wants passed over with a warning, and old names.
    pub(crate) warnings: Vec<Problem>,
    /// What cannot be passed over.
    pub(crate) errors: ConfigError,
}

/// Reads every variable but those that lead elsewhere.
pub(crate) fn environment(variables: &Variables) -> Environment {
    let mut reader = Reader::new(variables);
    let mut tree = mapping();
    put(&mut tree, "file_format", Node::new(Value::Text("1.1".to_owned()), Origin::Default));
    general(&mut reader, &mut tree);
    own(&mut reader, &mut tree);
    tracer_provider(&mut reader, &mut tree);
    meter_provider(&mut reader, &mut tree);
    // What log records do is told only to those who have some: the variables may be meant for other programs.
    let quiet = at(&tree, "distribution.otelier.exception_signal").is_none();
    reader.quietly(quiet, |reader| logger_provider(reader, &mut tree));
    let mut environment = reader.finish(tree);
    // The specification: then nothing else matters.
    if at(&environment.tree, "disabled").and_then(Node::as_bool) == Some(true) {
        environment.errors = ConfigError::default();
    }
    environment
}

fn general(reader: &mut Reader<'_>, tree: &mut Node) {
    let disabled = match reader.switch("OTEL_SDK_DISABLED") {
        None => older::enabled(reader),
        disabled => disabled,
    };
    put_some(tree, "disabled", disabled);
    put_some(tree, "log_level", reader.word("OTEL_LOG_LEVEL", &LOG_LEVELS));
    older::resource(reader, tree);
    put_some(tree, "resource.attributes_list", reader.resource_attributes());
    put(tree, "resource.detection/development", reader.detection());
    if let Some(name) = reader.text(&["OTEL_SERVICE_NAME"]) {
        let mut attribute = mapping();
        put(&mut attribute, "name", plain("service.name"));
        put(&mut attribute, "value", name);
        push(tree, "resource.attributes", attribute);
    }
    const LENGTH: [&str; 1] = ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    put_some(tree, "attribute_limits.attribute_value_length_limit", reader.integer(&LENGTH, 0));
    put_some(tree, "attribute_limits.attribute_count_limit", reader.integer(&["OTEL_ATTRIBUTE_COUNT_LIMIT"], 0));
    // Without the variable there are some; in a file without a word there are none.
    let propagators = reader.propagators().unwrap_or_else(|| plain("tracecontext,baggage"));
    put(tree, "propagator.composite_list", propagators);
    const OPT_IN: &str = "instrumentation/development.general.stability_opt_in_list";
    put_some(tree, OPT_IN, reader.text(&["OTEL_SEMCONV_STABILITY_OPT_IN"]));
    reader
        .refuse("OTEL_ENTITIES", "this version has no entities; write the attributes into `OTEL_RESOURCE_ATTRIBUTES`");
}

/// The names of log levels; the first of those with numbers is meant by the name alone.
const LOG_LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// What only this library has.
fn own(reader: &mut Reader<'_>, tree: &mut Node) {
    for (key, name) in [
        ("distribution.otelier.span_types", "OTELIER_SPAN_TYPES"),
        ("distribution.otelier.panic_messages", "OTELIER_PANIC_MESSAGES"),
        ("distribution.otelier.span_metrics", "OTELIER_SPAN_METRICS"),
        ("distribution.otelier.sdk_metrics", "OTELIER_SDK_METRICS"),
    ] {
        put_some(tree, key, reader.own_switch(name));
    }
    if at(tree, "distribution.otelier.span_metrics").is_none() {
        put_some(tree, "distribution.otelier.span_metrics", reader.switch("OTEL_PERFORMANCE_MONITORING"));
    }
    put_some(tree, "distribution.otelier.old_names", reader.old_names());
    put_some(tree, "distribution.otelier.exception_signal", reader.exception_signal());
    put_some(tree, "distribution.otelier.hooks", older::hooks(reader));
    const DAY: i64 = 86_400_000;
    put_some(tree, "distribution.otelier.shutdown_timeout", reader.milliseconds("OTELIER_SHUTDOWN_TIMEOUT", 1..=DAY));
    let elapsed = reader.milliseconds("OTELIER_RETRY_MAX_ELAPSED", 0..=7 * DAY);
    put_some(tree, "distribution.otelier.retry.max_elapsed", elapsed);
    let header = reader.text(&["OTELIER_CORRELATION_HEADER"]);
    put_some(tree, "distribution.otelier.correlation.header", header);
    put_some(tree, "distribution.otelier.disk_buffer.directory", reader.text(&["OTELIER_DISK_BUFFER"]));
}

fn tracer_provider(reader: &mut Reader<'_>, tree: &mut Node) {
    // There is one in any case: exporters may be added in code.
    put(tree, "tracer_provider", mapping());
    let limits = [
        ("attribute_value_length_limit", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ("attribute_count_limit", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        ("event_count_limit", "OTEL_SPAN_EVENT_COUNT_LIMIT"),
        ("link_count_limit", "OTEL_SPAN_LINK_COUNT_LIMIT"),
        ("event_attribute_count_limit", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
        ("link_attribute_count_limit", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
    ];
    for (key, name) in limits {
        put_some(tree, &format!("tracer_provider.limits.{key}"), reader.integer(&[name], 0));
    }
    let sampler = match reader.sampler() {
        None => older::sampler(reader),
        sampler => sampler,
    };
    put_some(tree, "tracer_provider.sampler", sampler);
    let mut batch = mapping();
    for (key, name, least) in [
        ("schedule_delay", "OTEL_BSP_SCHEDULE_DELAY", 0),
        ("export_timeout", "OTEL_BSP_EXPORT_TIMEOUT", 0),
        ("max_queue_size", "OTEL_BSP_MAX_QUEUE_SIZE", 1),
        ("max_export_batch_size", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1),
    ] {
        put_some(&mut batch, key, reader.integer(&[name], least));
    }
    for exporter in transport::span_exporters(reader) {
        let mut batch = batch.clone();
        put(&mut batch, "exporter", exporter);
        push(tree, "tracer_provider.processors", choice("batch", batch));
    }
}

fn meter_provider(reader: &mut Reader<'_>, tree: &mut Node) {
    // Nobody asks for what is the default and not built in.
    if !cfg!(feature = "metrics") && reader.get("OTEL_METRICS_EXPORTER").is_none() {
        return;
    }
    const FILTERS: [&str; 3] = ["always_on", "always_off", "trace_based"];
    put_some(tree, "meter_provider.exemplar_filter", reader.word("OTEL_METRICS_EXEMPLAR_FILTER", &FILTERS));
    let mut periodic = mapping();
    put_some(&mut periodic, "interval", reader.integer(&["OTEL_METRIC_EXPORT_INTERVAL"], 1));
    put_some(&mut periodic, "timeout", reader.integer(&["OTEL_METRIC_EXPORT_TIMEOUT"], 0));
    let (push_exporters, pull) = transport::metric_exporters(reader);
    for exporter in push_exporters {
        let mut periodic = periodic.clone();
        put(&mut periodic, "exporter", exporter);
        push(tree, "meter_provider.readers", choice("periodic", periodic));
    }
    for exporter in pull {
        let mut reader = mapping();
        put(&mut reader, "exporter", exporter);
        push(tree, "meter_provider.readers", choice("pull", reader));
    }
}

fn logger_provider(reader: &mut Reader<'_>, tree: &mut Node) {
    for (key, name) in [
        ("attribute_value_length_limit", "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ("attribute_count_limit", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"),
    ] {
        put_some(tree, &format!("logger_provider.limits.{key}"), reader.integer(&[name], 0));
    }
    let mut batch = mapping();
    for (key, name, least) in [
        ("schedule_delay", "OTEL_BLRP_SCHEDULE_DELAY", 0),
        ("export_timeout", "OTEL_BLRP_EXPORT_TIMEOUT", 0),
        ("max_queue_size", "OTEL_BLRP_MAX_QUEUE_SIZE", 1),
        ("max_export_batch_size", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 1),
    ] {
        put_some(&mut batch, key, reader.integer(&[name], least));
    }
    for exporter in transport::log_exporters(reader) {
        let mut batch = batch.clone();
        put(&mut batch, "exporter", exporter);
        push(tree, "logger_provider.processors", choice("batch", batch));
    }
}

/// An empty mapping that nobody wrote.
fn mapping() -> Node {
    Node::new(Value::Map(Vec::new()), Origin::Default)
}

/// A text that nobody wrote.
fn plain(text: &str) -> Node {
    Node::new(Value::Text(text.to_owned()), Origin::Default)
}

/// A mapping with one key.
fn choice(key: &str, node: Node) -> Node {
    let mut chosen = mapping();
    put(&mut chosen, key, node);
    chosen
}

fn put_some(tree: &mut Node, path: &str, node: Option<Node>) {
    if let Some(node) = node {
        put(tree, path, node);
    }
}

/// Puts a value at a path of keys, which are separated by dots.
fn put(tree: &mut Node, path: &str, node: Node) {
    *place(tree, path) = node;
}

/// Adds an item to the sequence at a path.
fn push(tree: &mut Node, path: &str, node: Node) {
    let list = place(tree, path);
    match &mut list.value {
        Value::List(items) => items.push(node),
        value => *value = Value::List(vec![node]),
    }
}

/// The node at a path; what is missing on the way there is made.
fn place<'a>(tree: &'a mut Node, path: &str) -> &'a mut Node {
    let mut node = tree;
    for key in path.split('.') {
        if !matches!(node.value, Value::Map(_)) {
            node.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut node.value else { unreachable!("it has just been made a mapping") };
        let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            let node = Node::new(Value::Null, Origin::Default);
            entries.push(Entry { key: key.to_owned(), origin: Origin::Default, node });
            entries.len() - 1
        });
        node = &mut entries[index].node;
    }
    node
}

/// The node at a path of keys.
fn at<'a>(tree: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').try_fold(tree, |node, key| node.get(key))
}

#[cfg(test)]
mod tests;
