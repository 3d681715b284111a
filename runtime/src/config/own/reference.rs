//! Every key as a row of a Markdown table.

use super::checks::is_open;
use super::value::range;
use crate::config::describe::{Field, Section, Type};
use std::fmt::Write as _;

/// The table of a root.
pub(super) fn table(root: &'static Section) -> String {
    let mut table = "| key | variable | type | unit | default | range | what |\n|-|-|-|-|-|-|-|\n".to_owned();
    rows(root, "", &mut table);
    table
}

fn rows(section: &'static Section, above: &str, table: &mut String) {
    for field in section.fields {
        let key = if above.is_empty() { field.key.to_owned() } else { format!("{above}.{}", field.key) };
        match field.kind {
            // The specification's keys have a table of their own: `otelier config reference`.
            Type::Section(inner) if is_open(inner) => {}
            Type::Section(inner) if field.flatten => rows(inner, above, table),
            Type::Section(inner) => rows(inner, &key, table),
            _ => row(field, &key, table),
        }
        if let Some((inner, suffix)) = section_of_items(&field.kind) {
            rows(inner, &format!("{key}{suffix}"), table);
        }
    }
}

/// The section that each item of a list or a map is, and how its key goes on.
fn section_of_items(kind: &Type) -> Option<(&'static Section, &'static str)> {
    match kind {
        Type::List { of: Type::Section(section), .. } => Some((section, "[]")),
        Type::Map(Type::Section(section)) => Some((section, ".*")),
        _ => None,
    }
}

fn row(field: &Field, key: &str, table: &mut String) {
    let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let default = match field.default {
        Some(default) => format!("`{default}`"),
        None if field.required => "required".to_owned(),
        None => String::new(),
    };
    let mut what = field.doc.to_owned();
    if field.secret {
        what.push_str(" A secret: it is never shown.");
    }
    if !field.old_keys.is_empty() || !field.old_variables.is_empty() {
        let old: Vec<&str> = field.old_keys.iter().chain(field.old_variables).copied().collect();
        let _ = write!(what, " Old: {}.", names(&old));
    }
    let cells = [
        format!("`{key}`"),
        names(field.variables),
        type_name(&field.kind),
        field.unit.map(|unit| format!("`{unit}`")).unwrap_or_default(),
        default,
        range(&field.kind),
        what,
    ];
    for cell in cells {
        let cell = cell.replace('|', "\\|").replace('\n', " ");
        table.push_str("| ");
        table.push_str(cell.trim());
        table.push_str(if cell.is_empty() { "" } else { " " });
    }
    table.push_str("|\n");
}

/// The type in words.
fn type_name(kind: &Type) -> String {
    match kind {
        Type::Bool => "truth value".to_owned(),
        Type::Integer { .. } => "whole number".to_owned(),
        Type::Number { .. } => "number".to_owned(),
        Type::Text => "text".to_owned(),
        Type::Duration { .. } => "length of time".to_owned(),
        Type::Size { .. } => "size".to_owned(),
        Type::Word(_) => "word".to_owned(),
        Type::List { of, .. } => format!("list of {}", plural(of)),
        Type::Map(of) => format!("mapping to {}", plural(of)),
        Type::Section(_) => "mapping".to_owned(),
        Type::Either(types) => types.iter().map(type_name).collect::<Vec<_>>().join(" or "),
        Type::Any => "anything".to_owned(),
    }
}

fn plural(kind: &Type) -> String {
    match kind {
        Type::Duration { .. } => "lengths of time".to_owned(),
        Type::List { of, .. } => format!("lists of {}", plural(of)),
        Type::Any => "anything".to_owned(),
        kind => format!("{}s", type_name(kind)),
    }
}
