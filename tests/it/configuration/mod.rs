//! Files of our own against our loader; and the specification's own files and schema: `../shared/fixtures/otel-configuration`,
//! or the folder in `OTELIER_FIXTURES`. Without that folder the tests that need it say so and pass.

mod mutated;
mod own;
mod schema;

use otelier::config::{Document, Node, Settings, Value as Setting, Variables, check, json_schema, keys};
use otelier::{ConfigError, Pipeline};
use schema::{is_valid, resolve};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The folder with the specification's files.
fn folder() -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let beside = here.join("../../shared/fixtures");
    let fixtures = std::env::var_os("OTELIER_FIXTURES").map_or(beside, PathBuf::from);
    let folder = fixtures.join("otel-configuration");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: the specification's files are not in {}", folder.display());
    None
}

fn specification() -> Option<Value> {
    let text = std::fs::read_to_string(folder()?.join("opentelemetry_configuration.json")).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The specification's files, by name.
fn files() -> BTreeMap<String, String> {
    let Some(folder) = folder() else { return BTreeMap::new() };
    let mut files = BTreeMap::new();
    for kind in ["examples", "snippets"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
    files
}

/// The settings as JSON, for a validator.
fn json(node: &Node) -> Value {
    match &node.value {
        Setting::Bool(value) => json!(value),
        Setting::Integer(value) => json!(value),
        Setting::Number(value) => json!(value),
        Setting::Text(value) => json!(value),
        Setting::List(items) => items.iter().map(json).collect(),
        Setting::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), json(&entry.node))).collect(),
        _ => Value::Null,
    }
}

/// The settings as JSON, and what is wrong with them.
fn load(name: &str, text: &str) -> Result<(Value, ConfigError), ConfigError> {
    let document = Document::parse(name, text, &Variables::of([]))?;
    let mut problems = ConfigError::default();
    check(&document.root, &keys::CONFIGURATION, &mut problems);
    Ok((json(&document.root), problems))
}

#[test]
fn the_specifications_files_are_accepted_by_it_and_by_us() {
    let Some(schema) = specification() else { return };
    let files = files();
    assert_eq!(files.len(), 38, "3 examples and 35 snippets");
    let mut refused = Vec::new();
    for (name, text) in &files {
        let (json, problems) = load(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert!(is_valid(&schema, &schema, &json), "{name} is not valid by the specification's schema");
        refused.extend(problems.problems().iter().map(|problem| format!("{name}: {}", problem.sentence())));
    }
    // A component of somebody's own: nobody could honour it.
    assert_eq!(
        refused,
        [
            "IdGenerator_custom.yaml: `tracer_provider.id_generator.my_custom_id_generator` is a component that this program \
          does not know"
        ]
    );
}

/// What is said when the file is loaded and its exporters are made: what is refused, and what has no effect.
fn said(name: &str, text: &str) -> Vec<String> {
    let document = Document::parse(name, text, &Variables::of([])).unwrap_or_else(|error| panic!("{error}"));
    let settings = match Settings::from_document(document) {
        Ok(settings) => settings,
        Err(error) => return error.problems().iter().map(|problem| format!("error: {}", problem.sentence())).collect(),
    };
    let mut said: Vec<_> =
        settings.telemetry.warnings.iter().map(|warning| format!("warning: {}", warning.sentence())).collect();
    if let Err(error) = Pipeline::new(settings.telemetry).check() {
        said.extend(error.problems().iter().map(|problem| format!("error: {}", problem.sentence())));
    }
    said
}

#[test]
fn what_a_pipeline_cannot_do_with_the_specifications_files_is_said_for_each_key() {
    let mut found = String::new();
    for (name, text) in files() {
        for said in said(&name, &text) {
            found.push_str(&format!("{name}: {said}\n"));
        }
    }
    if found.is_empty() {
        return;
    }
    assert_eq!(found, include_str!("said.txt"));
}

#[test]
fn our_schema_is_json_and_accepts_the_specifications_files() {
    let ours: Value = serde_json::from_str(&json_schema(&keys::CONFIGURATION, "Test")).unwrap();
    for (name, text) in files() {
        let (json, problems) = load(&name, &text).unwrap();
        assert_eq!(is_valid(&ours, &ours, &json), problems.problems().is_empty(), "{name}");
    }
}

/// What a schema says of a value, with references resolved once and words of our own choice left out.
#[derive(Debug, Default, PartialEq)]
struct Shape {
    types: Vec<String>,
    words: Vec<String>,
    numbers: BTreeMap<String, String>,
    definition: Option<String>,
    items: Option<Box<Shape>>,
}

fn shape(root: &Value, schema: &Value) -> Shape {
    let mut shape = Shape::default();
    if let Some(choices) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        for choice in choices.as_array().unwrap() {
            let part = self::shape(root, choice);
            shape.types.extend(part.types);
            shape.definition = part.definition.or(shape.definition);
        }
    } else if let Some(reference) = schema.get("$ref") {
        let definition = resolve(root, reference);
        if definition.get("enum").is_some() {
            return self::shape(root, definition);
        }
        shape.types = types(definition);
        shape.definition = Some(reference.as_str().unwrap().to_owned());
    } else {
        shape.types = types(schema);
        let words = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        shape.words = words.filter_map(|word| word.as_str().map(str::to_owned)).collect();
        for name in ["minimum", "maximum", "exclusiveMinimum", "minItems"] {
            let Some(number) = schema.get(name).and_then(Value::as_f64) else { continue };
            match name {
                // Of whole numbers it is the same.
                "exclusiveMinimum" if shape.types.iter().any(|name| name == "integer") => {
                    shape.numbers.insert("minimum".to_owned(), (number + 1.0).to_string());
                }
                // No more than nothing.
                "minItems" if number == 0.0 => {}
                _ => _ = shape.numbers.insert(name.to_owned(), number.to_string()),
            }
        }
        shape.items = schema.get("items").map(|items| Box::new(self::shape(root, items)));
    }
    shape.types.sort();
    shape.types.dedup();
    shape
}

fn types(schema: &Value) -> Vec<String> {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
        Some(name) => vec![name.as_str().unwrap().to_owned()],
        None => Vec::new(),
    }
}

/// What is different on purpose.
fn is_stated(name: &str) -> bool {
    // Formats that are read; ports that there are; null in a list of words, which says nothing; our own keys.
    [
        "OpenTelemetryConfiguration.file_format",
        "ExperimentalPrometheusMetricExporter.port",
        "ExperimentalComposableRuleBasedSamplerRule.span_kinds",
        "ExperimentalComposableRuleBasedSamplerRule.parent",
        "ExperimentalComposableRuleBasedSamplerRule.otelier/attribute_patterns",
        "ExperimentalComposableRuleBasedSamplerRule.otelier/attribute_ranges",
        "ExperimentalComposableRuleBasedSamplerRule.otelier/attribute_values",
        "ExperimentalComposableRuleBasedSamplerRule.otelier/name",
        "ExperimentalComposableRuleBasedSamplerRule.otelier/priority",
        "ExperimentalComposableRuleBasedSamplerRule.otelier/schemas",
        "ExperimentalComposableRuleBasedSamplerRule.otelier/span_names",
        "ExperimentalComposableSampler.otelier/rate_limit",
        "ExperimentalResourceDetector.otelier/kubernetes",
        "Sampler.otelier/adaptive",
        "Sampler.otelier/rate_limit",
        "SpanExporter.otelier/collector",
        "SpanExporter.otelier/datadog_agent",
        "SpanExporter.otelier/jaeger",
        "SpanExporter.otelier/openobserve",
        "SpanExporter.otelier/tempo",
        "LogRecordExporter.otelier/collector",
        "LogRecordExporter.otelier/datadog_agent",
        "LogRecordExporter.otelier/openobserve",
        "PushMetricExporter.otelier/collector",
        "PushMetricExporter.otelier/datadog_agent",
        "PushMetricExporter.otelier/openobserve",
        "SpanExporter.otelier/failover",
        "SpanExporter.otelier/otlp_file",
        "SpanExporter.otelier/zipkin",
        "LogRecordExporter.otelier/failover",
        "LogRecordExporter.otelier/otlp_file",
        "PushMetricExporter.otelier/failover",
        "PushMetricExporter.otelier/otlp_file",
        "Distribution.otelier",
    ]
    .contains(&name)
}

#[test]
fn our_keys_are_those_of_the_specification() {
    let Some(theirs) = specification() else { return };
    let ours: Value = serde_json::from_str(&json_schema(&keys::CONFIGURATION, "Test")).unwrap();
    let mut differences = Vec::new();
    let mut compare = |name: &str, their: &Value, our: &Value| {
        let keys = |schema: &Value| -> Vec<String> {
            let properties = schema.get("properties").and_then(Value::as_object);
            let mut keys: Vec<String> = properties.into_iter().flat_map(|keys| keys.keys().cloned()).collect();
            keys.sort();
            keys.retain(|key| !(is_stated(&format!("{name}.{key}")) && key.contains("otelier")));
            keys
        };
        let required = |schema: &Value| {
            let mut keys: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            keys.sort_by_key(ToString::to_string);
            keys
        };
        if keys(their) != keys(our) || required(their) != required(our) {
            differences.push(format!("{name}: {:?} against {:?}", keys(their), keys(our)));
        }
        for bound in ["minProperties", "maxProperties"] {
            if their.get(bound) != our.get(bound) {
                differences.push(format!("{name}: {bound}"));
            }
        }
        for key in keys(their) {
            let shapes = (shape(&theirs, &their["properties"][&key]), shape(&ours, &our["properties"][&key]));
            if shapes.0 != shapes.1 && !is_stated(&format!("{name}.{key}")) {
                differences.push(format!("{name}.{key}: {:?} against {:?}", shapes.0, shapes.1));
            }
        }
    };
    compare("OpenTelemetryConfiguration", &theirs, &ours);
    let mut count = 0;
    for (name, their) in theirs["$defs"].as_object().unwrap() {
        count += 1;
        // Lists of words are written where they are used.
        if their.get("enum").is_none() {
            compare(name, their, &ours["$defs"][name]);
        }
    }
    assert_eq!(count, 113);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
