//! What the specification asks of several keys together.

mod delivery;
mod tail;

use super::check::Checker;
use super::describe::Section;
use super::describe::Type;
use super::shown::kind;
use super::values::fits;
use super::{Node, Value};

/// Checks what the section's keys must be to each other. That each by itself is wrong is said elsewhere.
pub(super) fn section(path: &str, node: &Node, section: &Section, checker: &mut Checker) {
    match section.name {
        "BatchSpanProcessor" | "BatchLogRecordProcessor" => batch(path, node, checker),
        "HttpTls" | "GrpcTls" => pair(path, node, ["key_file", "cert_file"], checker),
        "AttributeNameValue" => attribute(path, node, checker),
        "OtelierTailSampling" | "OtelierTailSamplingRule" | "OtelierAttributeRange" => {
            tail::section(path, node, section, checker);
        }
        _ => delivery::section(path, node, section, checker),
    }
}

/// A queue must hold a batch.
fn batch(path: &str, node: &Node, checker: &mut Checker) {
    let value = |key, default| match node.get(key) {
        Some(node) if !node.is_null() => node.as_integer().filter(|value| *value > 0).map(|value| (value, Some(node))),
        _ => Some((default, None)),
    };
    let (Some((queue, _)), Some((batch, at_batch))) =
        (value("max_queue_size", 2048), value("max_export_batch_size", 512))
    else {
        return;
    };
    // A batch that nobody gave a size is as large as the queue has room for.
    let Some(at) = at_batch else { return };
    if batch > queue {
        checker.report(at.origin.problem(format_args!(
            "`{path}.max_export_batch_size` is `{batch}` and `{path}.max_queue_size` is `{queue}`; expected a queue that \
             holds at least one batch"
        )));
    }
}

/// A certificate goes with its private key, a user with its password.
fn pair(path: &str, node: &Node, [first, second]: [&str; 2], checker: &mut Checker) {
    let given = |key| node.get(key).filter(|node| !node.is_null());
    for (one, other) in [(first, second), (second, first)] {
        if let (Some(node), None) = (given(one), given(other)) {
            checker.report(
                node.origin.problem(format_args!(
                    "`{path}.{one}` is given and `{path}.{other}` is not; expected both or none"
                )),
            );
        }
    }
}

/// A value is of the type that stands beside it.
fn attribute(path: &str, node: &Node, checker: &mut Checker) {
    let Some(value) = node.get("value").filter(|value| !value.is_null()) else { return };
    let word = match node.get("type") {
        Some(node) if !node.is_null() => match node.as_text() {
            Some(word) => word,
            None => return,
        },
        _ => "string",
    };
    let number = Type::Number { min: f64::MIN, max: f64::MAX, above_min: false, below_max: false };
    let integer = Type::Integer { min: i64::MIN, max: i64::MAX };
    let kind_of_item = match word.trim_end_matches("_array") {
        "string" => Type::Text,
        "bool" => Type::Bool,
        "int" => integer,
        "double" => number,
        _ => return,
    };
    let is_right = match &value.value {
        Value::List(items) => word.ends_with("_array") && items.iter().all(|item| fits(item, &kind_of_item)),
        _ => !word.ends_with("_array") && fits(value, &kind_of_item),
    };
    // What is no attribute's value at all has its problem already.
    if is_right || !fits(value, &super::keys::ATTRIBUTE_VALUE) {
        return;
    }
    let problem =
        value.origin.problem(format_args!("`{path}.value` is {}, and `{path}.type` is `{word}`", kind(value)));
    let right = match &value.value {
        Value::Bool(_) => "bool",
        Value::Integer(_) => "int",
        Value::Number(_) => "double",
        Value::List(items) => match items.first().map(|item| &item.value) {
            Some(Value::Bool(_)) => "bool_array",
            Some(Value::Integer(_)) if items.iter().all(|item| item.as_integer().is_some()) => "int_array",
            Some(Value::Integer(_) | Value::Number(_)) => "double_array",
            _ => "string_array",
        },
        _ => "string",
    };
    let quotes = matches!((word, &value.value), ("string", Value::Bool(_) | Value::Integer(_) | Value::Number(_)));
    checker.report(
        problem.help(format_args!("{}add `type: {right}`", if quotes { "write the value in quotes, or " } else { "" })),
    );
}

/// What would be right in place of this, for keys of which there is more to say.
pub(super) fn help(path: &str, node: &Node) -> Option<String> {
    let text = node.as_text()?;
    (path == "file_format" && text.starts_with("0."))
        .then(|| "files of versions before 1.0 have other keys; write the file anew for \"1.1\"".to_owned())
}
