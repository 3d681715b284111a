//! `resource`.

use super::Findings;
use super::cursor::Cursor;
use crate::config::resource::attributes_of_list;
use crate::config::{Detector, Node, ResourceValue, Telemetry, Value};
use crate::error::ConfigError;

pub(super) fn read(root: &Cursor<'_>, telemetry: &mut Telemetry, findings: &mut Findings) {
    let settings = &mut telemetry.resource;
    // A file without a word of detection asks for none.
    settings.detectors.clear();
    let Some(resource) = root.get("resource") else { return };
    // Those of the list first: of two with one name the later counts, and `attributes` win.
    if let Some(list) = resource.get("attributes_list") {
        let mut problems = ConfigError::default();
        let text = list.text().unwrap_or_default();
        settings.attributes.extend(attributes_of_list(&list.name(), text, &mut problems));
        list.absorb(problems, findings);
    }
    for attribute in resource.items("attributes") {
        let (Some(name), Some(value)) = (attribute.get("name"), attribute.get("value")) else { continue };
        let kind = attribute.get("type").and_then(|kind| kind.text()).unwrap_or("string");
        match attribute_value(&value, kind) {
            Some(ResourceValue::String(value)) if name.text() == Some("service.name") => {
                telemetry.service_name = Some(value);
            }
            Some(value) => settings.attributes.push((name.text().unwrap_or_default().to_owned(), value)),
            None => value.refuse(&format!("it is not of the type `{kind}`"), findings),
        }
    }
    settings.schema_url = resource.get("schema_url").and_then(|url| url.text()).map(str::to_owned);
    let Some(detection) = resource.get("detection/development") else { return };
    for item in detection.items("detectors") {
        let Some((name, detector)) = item.only() else { continue };
        let mut problems = ConfigError::default();
        settings.detectors.extend(Detector::named(&detector.name(), name, &mut problems));
        detector.absorb(problems, findings);
    }
    if let Some(attributes) = detection.get("attributes") {
        settings.included = attributes.texts("included");
        settings.excluded = attributes.texts("excluded");
    }
}

fn attribute_value(value: &Cursor<'_>, kind: &str) -> Option<ResourceValue> {
    let items = || value.node().items().iter();
    Some(match kind {
        "string" => ResourceValue::String(text(value.node())?),
        "bool" => ResourceValue::Bool(value.bool()?),
        "int" => ResourceValue::Int(value.node().as_integer()?),
        "double" => ResourceValue::Double(value.number()?),
        "string_array" => ResourceValue::Strings(items().map(text).collect::<Option<_>>()?),
        "bool_array" => ResourceValue::Bools(items().map(Node::as_bool).collect::<Option<_>>()?),
        "int_array" => ResourceValue::Ints(items().map(Node::as_integer).collect::<Option<_>>()?),
        "double_array" => ResourceValue::Doubles(items().map(Node::as_number).collect::<Option<_>>()?),
        _ => return None,
    })
}

/// The text of a scalar: `${VERSION}` may have become a number on its way.
fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Number(value) => Some(format!("{value:?}")),
        _ => None,
    }
}
