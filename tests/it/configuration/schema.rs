//! As much of JSON schema as the specification's schema uses: an independent verdict on settings.
//!
//! A keyword that is not known here is a panic, so that nothing is passed over.

use serde_json::Value;

/// Whether `value` is valid against `schema`, whose references are in `root`.
pub(super) fn is_valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(keywords) = schema else {
        return schema.as_bool().expect("a schema is an object or a truth value");
    };
    keywords.iter().all(|(keyword, argument)| match keyword.as_str() {
        "$schema" | "title" | "description" | "$defs" | "deprecated" | "default" => true,
        "$ref" => is_valid(root, resolve(root, argument), value),
        "type" => match argument {
            Value::Array(types) => types.iter().any(|name| is(name.as_str().unwrap(), value)),
            name => is(name.as_str().unwrap(), value),
        },
        "enum" => argument.as_array().unwrap().contains(value) || (value.is_null() && nullable(schema)),
        "minimum" => value.as_f64().is_none_or(|value| value >= argument.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|value| value <= argument.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|value| value > argument.as_f64().unwrap()),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= argument.as_u64().unwrap()),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| is_valid(root, argument, item))),
        "minProperties" => value.as_object().is_none_or(|entries| entries.len() as u64 >= argument.as_u64().unwrap()),
        "maxProperties" => value.as_object().is_none_or(|entries| entries.len() as u64 <= argument.as_u64().unwrap()),
        "required" => value.as_object().is_none_or(|entries| {
            argument.as_array().unwrap().iter().all(|name| entries.contains_key(name.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|entries| {
            entries.iter().all(|(name, value)| argument.get(name).is_none_or(|schema| is_valid(root, schema, value)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|entries| {
            let known = keywords.get("properties");
            let mut others = entries.iter().filter(|(name, _)| known.is_none_or(|known| known.get(name).is_none()));
            others.all(|(_, value)| is_valid(root, argument, value))
        }),
        "oneOf" => argument.as_array().unwrap().iter().filter(|schema| is_valid(root, schema, value)).count() == 1,
        "anyOf" => argument.as_array().unwrap().iter().any(|schema| is_valid(root, schema, value)),
        other => panic!("the keyword `{other}` is not known here"),
    })
}

/// What `#/$defs/Name` is.
pub(super) fn resolve<'a>(root: &'a Value, reference: &Value) -> &'a Value {
    let name = reference.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
    &root["$defs"][name]
}

/// The specification's lists of words have no null where their type and their text do: that is taken as a slip of theirs.
fn nullable(schema: &Value) -> bool {
    schema["type"].as_array().is_some_and(|types| types.iter().any(|name| name == "null"))
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|value| value.fract() == 0.0),
        other => panic!("the type `{other}` is not known here"),
    }
}
