//! JSON schemas from descriptions of keys.

use super::describe::{Count, Field, Others, Section, Type};
use super::{Value, scalar};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The JSON schema (draft 2020-12) of a file with these keys, for editors and other tools.
///
/// It accepts what [`check`](super::check()) accepts, as far as a schema can say it; a length of time is any text there.
///
/// ```
/// use otelier::config::{json_schema, keys};
///
/// let schema = json_schema(&keys::CONFIGURATION, "Settings of my program");
/// assert!(schema.contains("\"$schema\": \"https://json-schema.org/draft/2020-12/schema\""));
/// assert!(schema.contains("\"BatchSpanProcessor\": {"));
/// ```
pub fn json_schema(section: &'static Section, title: &str) -> String {
    let mut root = vec![
        ("$schema".to_owned(), Json::text("https://json-schema.org/draft/2020-12/schema")),
        ("title".to_owned(), Json::text(title)),
    ];
    let Json::Object(members) = object(section) else { return String::new() };
    root.extend(members);
    root.push(("$defs".to_owned(), Json::Object(defined(section))));
    written(&Json::Object(root)) + "\n"
}

/// The schema of each key of the section, which may refer to [`definitions`].
pub(crate) fn properties(section: &'static Section) -> Vec<(String, String)> {
    super::check::fields(section).iter().map(|field| (field.key.to_owned(), written(&property(field)))).collect()
}

/// The schemas of every section below this one, by their names.
pub(crate) fn definitions(section: &'static Section) -> String {
    written(&Json::Object(defined(section)))
}

fn defined(section: &'static Section) -> Vec<(String, Json)> {
    let mut sections = BTreeMap::new();
    super::check::fields(section).iter().for_each(|field| collect(&field.kind, &mut sections));
    sections.into_iter().map(|(name, section)| (name.to_owned(), object(section))).collect()
}

fn written(json: &Json) -> String {
    let mut out = String::new();
    json.write(&mut out, 0);
    out
}

/// Every section that a value of this type may have in it.
fn collect(kind: &Type, sections: &mut BTreeMap<&'static str, &'static Section>) {
    match kind {
        Type::Section(section) => {
            if sections.insert(section.name, section).is_some() {
                return;
            }
            super::check::fields(section).iter().for_each(|field| collect(&field.kind, sections));
            if let Others::Free(kind) = section.others {
                collect(kind, sections);
            }
        }
        Type::List { of, .. } | Type::Map(of) => collect(of, sections),
        Type::Either(kinds) => kinds.iter().for_each(|kind| collect(kind, sections)),
        _ => {}
    }
}

fn object(section: &'static Section) -> Json {
    let fields = super::check::fields(section);
    let mut members = vec![("type".to_owned(), Json::text("object"))];
    if !section.doc.is_empty() {
        members.insert(0, ("description".to_owned(), Json::text(section.doc)));
    }
    let properties: Vec<_> = fields.iter().map(|field| (field.key.to_owned(), property(field))).collect();
    if !properties.is_empty() {
        members.push(("properties".to_owned(), Json::Object(properties)));
    }
    let required: Vec<Json> = fields.iter().filter(|field| field.required).map(|field| Json::text(field.key)).collect();
    if !required.is_empty() {
        members.push(("required".to_owned(), Json::Array(required)));
    }
    if section.count != Count::Any {
        members.push(("minProperties".to_owned(), Json::Raw("1".to_owned())));
    }
    if section.count == Count::One {
        members.push(("maxProperties".to_owned(), Json::Raw("1".to_owned())));
    }
    let others = match section.others {
        Others::Refused | Others::Components => Json::Raw("false".to_owned()),
        Others::Free(kind) => schema(kind, false),
    };
    members.push(("additionalProperties".to_owned(), others));
    Json::Object(members)
}

fn property(field: &Field) -> Json {
    let Json::Object(mut members) = schema(&field.kind, field.nullable) else { return Json::Object(Vec::new()) };
    let mut doc = field.doc.to_owned();
    if let Some(unit) = field.unit {
        let _ = write!(doc, " Unit: {unit}.");
    }
    if let Some(old) = field.old_keys.first() {
        let _ = write!(doc, " Before: `{old}`.");
    }
    if !doc.is_empty() {
        members.insert(0, ("description".to_owned(), Json::text(doc.trim())));
    }
    if let Some(default) = field.default.filter(|_| !field.secret) {
        members.push(("default".to_owned(), json_of(default, &field.kind)));
    }
    Json::Object(members)
}

/// The schema of a value.
fn schema(kind: &Type, nullable: bool) -> Json {
    let typed = |name: &str| {
        let name = Json::text(name);
        let types = if nullable { Json::Array(vec![name, Json::text("null")]) } else { name };
        vec![("type".to_owned(), types)]
    };
    let mut members = match kind {
        Type::Any => Vec::new(),
        Type::Bool => typed("boolean"),
        Type::Text => typed("string"),
        Type::Integer { min, max } => {
            let mut members = typed("integer");
            if *min != i64::MIN {
                members.push(("minimum".to_owned(), Json::Raw(min.to_string())));
            }
            if *max != i64::MAX {
                members.push(("maximum".to_owned(), Json::Raw(max.to_string())));
            }
            members
        }
        Type::Number { min, max, above_min, below_max } => {
            let mut members = typed("number");
            let low = if *above_min { "exclusiveMinimum" } else { "minimum" };
            let high = if *below_max { "exclusiveMaximum" } else { "maximum" };
            for (name, value) in [(low, min), (high, max)] {
                if value.abs() < f64::MAX {
                    members.push((name.to_owned(), Json::Raw(value.to_string())));
                }
            }
            members
        }
        Type::Duration { .. } => {
            let mut types = vec![Json::text("string"), Json::text("number")];
            types.extend(nullable.then(|| Json::text("null")));
            vec![("type".to_owned(), Json::Array(types)), ("minimum".to_owned(), Json::Raw("0".to_owned()))]
        }
        Type::Size { .. } => {
            let mut types = vec![Json::text("string"), Json::text("integer")];
            types.extend(nullable.then(|| Json::text("null")));
            vec![("type".to_owned(), Json::Array(types)), ("minimum".to_owned(), Json::Raw("0".to_owned()))]
        }
        Type::Word(words) => {
            let mut members = typed("string");
            let mut choices: Vec<Json> = words.iter().map(|word| Json::text(word.word)).collect();
            choices.extend(nullable.then(|| Json::Raw("null".to_owned())));
            members.push(("enum".to_owned(), Json::Array(choices)));
            members
        }
        Type::List { of, min } => {
            let mut members = typed("array");
            if *min > 0 {
                members.push(("minItems".to_owned(), Json::Raw(min.to_string())));
            }
            members.push(("items".to_owned(), schema(of, false)));
            members
        }
        Type::Map(of) => {
            let mut members = typed("object");
            if !matches!(of, Type::Any) {
                members.push(("additionalProperties".to_owned(), schema(of, false)));
            }
            members
        }
        Type::Section(section) => {
            let reference = ("$ref".to_owned(), Json::Raw(Json::quoted(&format!("#/$defs/{}", section.name))));
            if nullable { one_of(vec![Json::Object(vec![reference])], true) } else { vec![reference] }
        }
        Type::Either(kinds) => one_of(kinds.iter().map(|kind| schema(kind, false)).collect(), nullable),
    };
    members.shrink_to_fit();
    Json::Object(members)
}

fn one_of(mut schemas: Vec<Json>, nullable: bool) -> Vec<(String, Json)> {
    schemas.extend(nullable.then(|| Json::Object(vec![("type".to_owned(), Json::text("null"))])));
    vec![("anyOf".to_owned(), Json::Array(schemas))]
}

/// A default, which is a scalar or a list of scalars as YAML has it.
fn json_of(default: &str, kind: &Type) -> Json {
    if let Some(items) = default.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let items = items.split(',').map(str::trim).filter(|item| !item.is_empty());
        return Json::Array(items.map(|item| json_of(item, &Type::Any)).collect());
    }
    match scalar::resolve(default.trim()) {
        _ if matches!(kind, Type::Text | Type::Word(_)) => Json::text(default),
        Value::Null => Json::Raw("null".to_owned()),
        Value::Bool(value) => Json::Raw(value.to_string()),
        Value::Integer(value) => Json::Raw(value.to_string()),
        Value::Number(value) if value.is_finite() => Json::Raw(value.to_string()),
        _ => Json::text(default.trim_matches('"')),
    }
}

/// As much of JSON as a schema needs.
enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    /// Text that is JSON already.
    Raw(String),
}

impl Json {
    fn text(text: &str) -> Self {
        Self::Raw(Self::quoted(text))
    }

    fn quoted(text: &str) -> String {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                c if c.is_control() => {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = |depth: usize| "  ".repeat(depth);
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::Array(items) => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    out.push_str(if number > 0 { ", " } else { "" });
                    item.write(out, depth);
                }
                out.push(']');
            }
            Self::Object(members) if members.is_empty() => out.push_str("{}"),
            Self::Object(members) => {
                out.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    let comma = if number > 0 { "," } else { "" };
                    let _ = write!(out, "{comma}\n{}{}: ", indent(depth + 1), Self::quoted(name));
                    value.write(out, depth + 1);
                }
                let _ = write!(out, "\n{}}}", indent(depth));
            }
        }
    }
}
