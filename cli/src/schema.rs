//! `otelier schema`: the declarations, as text.

use otelier::schema::{ALL, AttributeDef, SchemaDef};
use std::fmt::Write;

/// Every schema in a line: type, kind, what it stands for.
pub(crate) fn list() -> String {
    let widest = ALL.iter().map(|schema| schema.id.len()).max().unwrap_or_default();
    ALL.iter().map(|schema| format!("{:widest$}  {:8}  {}\n", schema.id, schema.kind.as_str(), schema.doc)).collect()
}

/// One schema with its attributes.
pub(crate) fn show(id: &str) -> Result<String, String> {
    match ALL.iter().find(|schema| schema.id == id) {
        Some(schema) => Ok(markdown(schema)),
        None => {
            let known: Vec<String> = ALL.iter().map(|schema| format!("`{}`", schema.id)).collect();
            Err(format!("there is no schema `{id}`; expected one of {}", known.join(", ")))
        }
    }
}

fn markdown(schema: &SchemaDef) -> String {
    let mut text = format!("# {}\n\n{}\n\n", schema.id, schema.doc);
    let name = if schema.name.is_empty() { schema.id } else { schema.name };
    let undeclared =
        if schema.undeclared == otelier::schema::Level::Allow { "allowed under string keys" } else { "refused" };
    // Writing to a `String` does not fail.
    let _ = write!(
        text,
        "Kind: {}. Name: `{name}`. Undeclared attributes: {undeclared}.\n\n\
         | attribute | type | requirement | unit | meaning |\n|-|-|-|-|-|\n",
        schema.kind.as_str()
    );
    for (key, value) in schema.constants {
        let _ = writeln!(text, "| `{key}` | constant | always | | `{value}` |");
    }
    for attribute in schema.attributes {
        let _ = writeln!(text, "{}", row(attribute));
    }
    text
}

fn row(attribute: &AttributeDef) -> String {
    let values: Vec<String> = attribute.values.iter().map(|value| format!("`{value}`")).collect();
    let values = if values.is_empty() { String::new() } else { format!(" One of {}.", values.join(", ")) };
    let sensitive = if attribute.sensitivity == otelier::schema::Sensitivity::Public {
        ""
    } else {
        " Sensitive: masked values only."
    };
    let deprecated =
        attribute.deprecated.map(|deprecated| format!(" Deprecated: {}.", deprecated.note)).unwrap_or_default();
    format!(
        "| `{}` | {} | {} | {} | {}{values}{sensitive}{deprecated} |",
        attribute.name,
        attribute.value_type,
        attribute.requirement.as_str(),
        attribute.unit,
        attribute.doc
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_listed_and_shown_with_all_its_attributes() {
        for schema in ALL {
            assert!(list().contains(schema.id));
            let shown = show(schema.id).unwrap();
            for attribute in schema.attributes {
                assert!(shown.contains(&format!("| `{}` | {} ", attribute.name, attribute.value_type)), "{shown}");
                assert!(!attribute.doc.is_empty(), "{} of {} has no documentation", attribute.name, schema.id);
            }
        }
    }

    #[test]
    fn closed_sets_units_and_constants_are_shown() {
        let shown = show("crypto.exchange_api").unwrap();
        assert!(shown.contains("Kind: client. Name: `{crypto.market} {url.template}`."));
        assert!(shown.contains("| `crypto.operation_type` | constant | always | | `api_call` |"));
        assert!(shown.contains("One of `binance`, `coinbase`, `kraken`."));
        assert!(shown.contains("| `crypto.data_size_bytes` | int | recommended | By |"));
    }

    #[test]
    fn an_unknown_schema_names_the_known_ones() {
        let error = show("crypto.exchange").unwrap_err();
        assert!(error.starts_with("there is no schema `crypto.exchange`; expected one of `business.operation`"));
    }
}
