//! A JSON schema from descriptions of keys.

use super::checks::is_open;
use crate::config::describe::{Count, Field, Others, Section, Type};
use crate::config::json_schema::{self};
use std::fmt::Write as _;

/// The schema of a file with this root.
pub(super) fn schema(root: &'static Section, title: &str) -> String {
    let mut json = String::from("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":");
    text(title, &mut json);
    json.push(',');
    object(root, true, &mut json);
    if let Some(section) = specification(root) {
        json.push_str(",\"$defs\":");
        json.push_str(&json_schema::definitions(section));
    }
    json.push_str("}\n");
    json
}

/// The members of an object's schema, without braces.
fn object(section: &'static Section, is_root: bool, json: &mut String) {
    let mut fields = Vec::new();
    flat(section, &mut fields);
    json.push_str("\"type\":\"object\",\"properties\":{");
    let mut number = 0;
    for field in &fields {
        for (key, is_old) in [(field.key, false)].into_iter().chain(field.old_keys.iter().map(|key| (*key, true))) {
            json.push_str(if number > 0 { "," } else { "" });
            text(key, json);
            json.push(':');
            property(field, is_old, json);
            number += 1;
        }
    }
    if let Some(section) = specification(section).filter(|_| is_root) {
        for (key, property) in json_schema::properties(section) {
            json.push_str(if number > 0 { "," } else { "" });
            text(&key, json);
            json.push(':');
            json.push_str(&property);
            number += 1;
        }
    }
    json.push('}');
    // What an old key or a variable may say is not missing in the file.
    let required = fields.iter().filter(|field| {
        field.required && field.variables.is_empty() && field.old_keys.is_empty() && field.old_variables.is_empty()
    });
    let required: Vec<_> = required.map(|field| field.key).collect();
    if !required.is_empty() && !is_root {
        json.push_str(",\"required\":[");
        for (number, key) in required.iter().enumerate() {
            json.push_str(if number > 0 { "," } else { "" });
            text(key, json);
        }
        json.push(']');
    }
    match section.count {
        Count::Any => {}
        Count::One => json.push_str(",\"minProperties\":1,\"maxProperties\":1"),
        Count::AtLeastOne => json.push_str(",\"minProperties\":1"),
    }
    match section.others {
        Others::Refused | Others::Components if !is_root => json.push_str(",\"additionalProperties\":false"),
        Others::Free(kind) if !is_root => {
            json.push_str(",\"additionalProperties\":");
            value(kind, json);
        }
        _ => json.push_str(",\"additionalProperties\":true"),
    }
}

/// The keys of OpenTelemetry's specification, if they are among those of the root.
fn specification(section: &'static Section) -> Option<&'static Section> {
    let inner = section.fields.iter().filter_map(|field| match field.kind {
        Type::Section(inner) if field.flatten => Some(inner),
        _ => None,
    });
    if is_open(section) { Some(section) } else { inner.into_iter().find_map(specification) }
}

/// The fields with those of flattened structs.
fn flat(section: &'static Section, fields: &mut Vec<&'static Field>) {
    for field in section.fields {
        match field.kind {
            Type::Section(inner) if is_open(inner) => {}
            Type::Section(inner) if field.flatten => flat(inner, fields),
            _ => fields.push(field),
        }
    }
}

fn property(field: &'static Field, is_old: bool, json: &mut String) {
    json.push_str("{\"description\":");
    text(field.doc, json);
    if let Some(default) = field.default.filter(|_| !field.secret) {
        json.push_str(",\"default\":");
        // Numbers, truth values and lists are the same in YAML and in JSON, as they are written here.
        match field.kind {
            Type::Bool | Type::Integer { .. } | Type::Number { .. } | Type::List { .. } | Type::Map(_) => {
                json.push_str(default);
            }
            _ if default.parse::<i64>().is_ok() => json.push_str(default),
            _ => text(default, json),
        }
    }
    if is_old {
        json.push_str(",\"deprecated\":true");
    }
    // An inner object's own members, or those of one of several types.
    json.push_str(if field.nullable { ",\"anyOf\":[{\"type\":\"null\"}," } else { ",\"allOf\":[" });
    value(&field.kind, json);
    json.push_str("]}");
}

fn value(kind: &Type, json: &mut String) {
    json.push('{');
    match kind {
        Type::Bool => json.push_str("\"type\":\"boolean\""),
        Type::Integer { min, max } => integer(*min, *max, json),
        Type::Number { min, max, above_min, below_max } => {
            json.push_str("\"type\":\"number\"");
            let (least, most) = ("exclusiveMinimum", "exclusiveMaximum");
            let least = if *above_min { least } else { "minimum" };
            let most = if *below_max { most } else { "maximum" };
            if *min > -f64::from(f32::MAX) {
                let _ = write!(json, ",\"{least}\":{min:?}");
            }
            if *max < f64::from(f32::MAX) {
                let _ = write!(json, ",\"{most}\":{max:?}");
            }
        }
        Type::Text => json.push_str("\"type\":\"string\""),
        Type::Duration { bare, .. } => {
            let pattern = r"^\\s*[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)(\\s+[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))*\\s*$";
            let text = format!("\"type\":\"string\",\"pattern\":\"{pattern}\"");
            match bare.is_empty() {
                true => json.push_str(&text),
                false => {
                    let _ = write!(json, "\"anyOf\":[{{\"type\":\"number\",\"minimum\":0}},{{{text}}}]");
                }
            }
        }
        Type::Size { min, max } => {
            json.push_str("\"anyOf\":[{");
            integer(*min, *max, json);
            json.push_str(r#"},{"type":"string","pattern":"^[0-9]+(\\.[0-9]+)?\\s*([kMGT]|[KMGT]i)?(By?)?$"}]"#);
        }
        Type::Word(words) => {
            json.push_str("\"enum\":[");
            for (number, word) in words.iter().enumerate() {
                json.push_str(if number > 0 { "," } else { "" });
                text(word.word, json);
            }
            json.push(']');
        }
        Type::List { of, min } => {
            let _ = write!(json, "\"type\":\"array\",\"minItems\":{min},\"items\":");
            value(of, json);
        }
        Type::Map(of) => {
            json.push_str("\"type\":\"object\",\"additionalProperties\":");
            value(of, json);
        }
        Type::Section(section) => object(section, false, json),
        Type::Either(types) => {
            json.push_str("\"anyOf\":[");
            for (number, kind) in types.iter().enumerate() {
                json.push_str(if number > 0 { "," } else { "" });
                value(kind, json);
            }
            json.push(']');
        }
        Type::Any => {}
    }
    json.push('}');
}

fn integer(min: i64, max: i64, json: &mut String) {
    json.push_str("\"type\":\"integer\"");
    if min != i64::MIN {
        let _ = write!(json, ",\"minimum\":{min}");
    }
    if max != i64::MAX {
        let _ = write!(json, ",\"maximum\":{max}");
    }
}

fn text(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(json, "\\u{:04x}", c as u32);
            }
            c => json.push(c),
        }
    }
    json.push('"');
}
