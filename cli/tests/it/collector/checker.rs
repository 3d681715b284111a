//! Whether a Collector would take a file: key by key, and what its own checks ask of several keys together.

use super::facts::{COMPONENTS, Is, SERVICE};
use saphyr::{LoadableYamlNode, YamlOwned};
use serde_json::{Map, Value};

/// Everything that is wrong, with its path.
pub fn mistakes(text: &str) -> Vec<String> {
    let documents = match YamlOwned::load_from_str(text) {
        Ok(documents) => documents,
        Err(error) => return vec![error.to_string()],
    };
    let [document] = &*documents else { return vec![format!("{} documents", documents.len())] };
    let mut found = Vec::new();
    let root = value(document);
    let Some(sections) = root.as_object() else { return vec!["no mapping".to_owned()] };
    for (section, components) in sections {
        if section == "service" {
            check(section, components, &SERVICE, &mut found);
            continue;
        }
        for (name, settings) in components.as_object().into_iter().flatten() {
            let path = format!("{section}::{name}");
            let kind = name.split('/').next().unwrap_or_default();
            match COMPONENTS.iter().find(|known| (known.0, known.1) == (section.as_str(), kind)) {
                Some((.., keys)) => check(&path, settings, keys, &mut found),
                None => found.push(format!("{path} is unknown")),
            }
            together(&path, kind, settings, &root, &mut found);
        }
    }
    references(&root, &mut found);
    found
}

/// The components that only the distribution contrib has.
pub fn of_contrib(text: &str) -> Vec<&'static str> {
    let root = YamlOwned::load_from_str(text).map(|all| value(&all[0])).unwrap_or_default();
    let is_there = |section: &str, kind: &str| {
        root[section].as_object().into_iter().flatten().any(|(name, _)| name.split('/').next() == Some(kind))
    };
    let contrib = COMPONENTS.iter().filter(|(.., contrib, _)| *contrib);
    contrib.filter(|(section, kind, ..)| is_there(section, kind)).map(|(_, kind, ..)| *kind).collect()
}

/// YAML as JSON; a key that is no text is none of ours.
pub fn value(yaml: &YamlOwned) -> Value {
    if let Some(entries) = yaml.as_mapping() {
        let entries = entries.iter().map(|(key, node)| (key.as_str().unwrap_or("?").to_owned(), value(node)));
        return Value::Object(entries.collect::<Map<_, _>>());
    }
    if let Some(items) = yaml.as_sequence() {
        return items.iter().map(value).collect();
    }
    let number = yaml.as_integer().map(Value::from).or_else(|| yaml.as_floating_point().map(Value::from));
    let bool = yaml.as_bool().map(Value::from);
    number.or(bool).or_else(|| yaml.as_str().map(Value::from)).unwrap_or_default()
}

fn check(path: &str, value: &Value, is: &Is, found: &mut Vec<String>) {
    // What the environment has is known when the Collector runs.
    let variable = value.as_str().is_some_and(|text| text.starts_with("${env:") && text.ends_with('}'));
    let is_right = match is {
        Is::Bool => value.is_boolean(),
        Is::Integer(least, most) => value.as_i64().is_some_and(|value| (*least..=*most).contains(&value)),
        Is::Number(least, most) => value.as_f64().is_some_and(|value| (*least..=*most).contains(&value)),
        Is::Text => variable || value.as_str().is_some_and(|text| !text.is_empty() && is_literal(text)),
        Is::Duration(least) => value.as_str().and_then(nanoseconds).is_some_and(|value| value >= *least),
        Is::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Is::Address => value.as_str().is_some_and(is_address),
        Is::Reference => value.as_str().is_some_and(|name| !name.is_empty()),
        Is::List(item) => {
            let items = value.as_array();
            for (index, value) in items.into_iter().flatten().enumerate() {
                check(&format!("{path}[{index}]"), value, item, found);
            }
            items.is_some_and(|items| !items.is_empty())
        }
        Is::Map(each) => {
            value
                .as_object()
                .into_iter()
                .flatten()
                .for_each(|(key, value)| check(&format!("{path}::{key}"), value, each, found));
            value.is_object()
        }
        Is::Keys(keys) => {
            for (key, value) in value.as_object().into_iter().flatten() {
                let path = format!("{path}::{key}");
                match keys.iter().find(|(known, _)| known == key) {
                    Some((_, is)) => check(&path, value, is, found),
                    None => found.push(format!("{path} is unknown")),
                }
            }
            value.is_object()
        }
    };
    if !is_right {
        found.push(format!("{path} is {value}"));
    }
}

/// Text in which nothing is put in.
fn is_literal(text: &str) -> bool {
    !text.replace("$$", "").contains('$')
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    if text.starts_with("unix:///") {
        return true;
    }
    let host_is_right = if host.starts_with('[') { host.ends_with(']') } else { !host.contains([':', '/']) };
    !host.is_empty() && host_is_right && port.parse::<u16>().is_ok()
}

/// A duration of Go with one unit.
fn nanoseconds(text: &str) -> Option<u128> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit =
        [("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000)].iter().find(|(name, _)| *name == unit)?.1;
    // Go counts nanoseconds in 64 bits.
    number.parse::<u128>().ok().map(|number| number * unit).filter(|nanos| *nanos <= i64::MAX as u128)
}

/// What components ask of several keys.
fn together(path: &str, kind: &str, settings: &Value, root: &Value, found: &mut Vec<String>) {
    let mut say = |what: &str| found.push(format!("{path}: {what}"));
    let time = |value: &Value| value.as_str().and_then(nanoseconds);
    let retry = &settings["retry_on_failure"];
    if let (Some(all), Some(longest)) = (time(&retry["max_elapsed_time"]), time(&retry["max_interval"]))
        && all > 0
        && (all < longest || Some(all) < time(&retry["initial_interval"]))
    {
        say("a pause is longer than all of them");
    }
    let queue = &settings["sending_queue"];
    let batch = &queue["batch"];
    if batch["max_size"].as_i64().is_some_and(|most| most > 0 && Some(most) < batch["min_size"].as_i64()) {
        say("a batch is smaller than it has to be");
    }
    if batch.is_object()
        && queue["sizer"] == batch["sizer"]
        && batch["min_size"].as_i64() > queue["queue_size"].as_i64()
    {
        say("the queue holds no batch");
    }
    if queue["storage"].as_str().is_some_and(|storage| !root["extensions"][storage].is_object()) {
        say("there is no such storage");
    }
    let is_right = match kind {
        "memory_limiter" => settings["limit_mib"].as_i64() > settings["spike_limit_mib"].as_i64(),
        "otlp_http" => ["endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint"]
            .iter()
            .any(|key| settings[key].is_string()),
        "otlp_grpc" | "zipkin" => settings["endpoint"].is_string(),
        "file" => settings["path"].is_string() && !(settings["append"] == true && settings["rotation"].is_object()),
        "failover" => settings["sending_queue"]["enabled"] == false,
        "tail_sampling" => policies(&settings["policies"]),
        "load_balancing" => {
            // Without a namespace it is that of the Collector, or `default`.
            let service = settings["resolver"]["k8s"]["service"].as_str();
            settings["resolver"].as_object().is_some_and(|kinds| kinds.len() == 1)
                && settings["protocol"]["otlp"].is_object()
                && service.is_none_or(|service| service.split('.').count() == 2)
        }
        _ => true,
    };
    if !is_right {
        say("its keys do not go together");
    }
}

/// Each has a name of its own, and settings of its type.
fn policies(all: &Value) -> bool {
    let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<_> = all.iter().map(|policy| &policy["name"]).collect();
    let is_distinct = names.iter().enumerate().all(|(index, name)| !names[..index].contains(name));
    let has_settings = all.iter().all(|policy| {
        let kind = policy["type"].as_str().unwrap_or_default();
        let others = policy.as_object().into_iter().flatten().filter(|(key, _)| *key != "name" && *key != "type");
        let keys: Vec<_> = others.map(|(key, _)| key.as_str()).collect();
        let subs = [&policy["and"]["and_sub_policy"], &policy["drop"]["drop_sub_policy"]];
        let inner = &policy["not"]["not_sub_policy"];
        (keys == [kind] || kind == "always_sample" && keys.is_empty())
            && subs.iter().all(|sub| sub.is_null() || policies(sub))
            && (inner.is_null() || policies(&Value::Array(vec![inner.clone()])))
    });
    !all.is_empty() && is_distinct && has_settings
}

/// Whatever is named is there, and whatever is there is used.
fn references(root: &Value, found: &mut Vec<String>) {
    let names = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let has = |section: &str, name: &String| root[section][name.as_str()].is_object();
    let service = &root["service"];
    let mut used: Vec<(&str, String)> =
        names(&service["extensions"]).into_iter().map(|name| ("extensions", name)).collect();
    let pipelines = service["pipelines"].as_object().cloned().unwrap_or_default();
    for (pipeline, settings) in &pipelines {
        let signal = pipeline.split('/').next().unwrap_or_default();
        if !["traces", "metrics", "logs"].contains(&signal) {
            found.push(format!("{pipeline} is no signal's"));
        }
        for list in ["receivers", "processors", "exporters"] {
            for name in names(&settings[list]) {
                let section = if list != "processors" && has("connectors", &name) { "connectors" } else { list };
                used.push((section, name));
            }
        }
        let processors = names(&settings["processors"]);
        let is_first = processors.first().is_none_or(|name| name == "memory_limiter");
        if !is_first || processors.len() > 1 && processors[1..].iter().any(|name| name == "memory_limiter") {
            found.push(format!("{pipeline}: `memory_limiter` is not the first"));
        }
        if names(&settings["receivers"]).is_empty() || names(&settings["exporters"]).is_empty() {
            found.push(format!("{pipeline} begins or ends nowhere"));
        }
    }
    if pipelines.is_empty() {
        found.push("no pipelines".to_owned());
    }
    for (connector, settings) in root["connectors"].as_object().into_iter().flatten() {
        let ends = |list: &str| -> Vec<&String> {
            let leads = pipelines.iter().filter(|(_, settings)| names(&settings[list]).contains(connector));
            leads.map(|(name, _)| name).collect()
        };
        let (from, to) = (ends("exporters"), ends("receivers"));
        let levels: Vec<String> =
            settings["priority_levels"].as_array().into_iter().flatten().flat_map(&names).collect();
        if from.is_empty() || to.len() != levels.len() || !levels.iter().all(|level| to.contains(&level)) {
            found.push(format!("{connector} leads from {from:?} to {to:?} and not to {levels:?}"));
        }
    }
    for (section, name) in &used {
        if !has(section, name) {
            found.push(format!("{section}::{name} is used and not there"));
        }
    }
    for section in ["extensions", "receivers", "processors", "exporters", "connectors"] {
        for (name, _) in root[section].as_object().into_iter().flatten() {
            if !used.iter().any(|(of, used)| *of == section && used == name) {
                found.push(format!("{section}::{name} is there and not used"));
            }
        }
    }
}
