//! `otelier config reference`: all keys of files and all variables, as Markdown.

use otelier::config::describe::{Field, Section, Type};
use otelier_spec::variables::{self, Status};
use std::fmt::Write;

/// The tables: of the keys of files, and of variables.
pub(super) fn markdown(keys: &'static Section) -> String {
    let mut text = "# Configuration\n\n## Keys of files\n".to_owned();
    let mut sections = vec![keys];
    let mut next = 0;
    // A section is described once, however often it is used, and also if it holds itself.
    while let Some(section) = sections.get(next).copied() {
        describe(section, &mut text);
        for field in section.fields {
            inner(&field.kind, &mut sections);
        }
        next += 1;
    }
    variables(&mut text);
    text
}

/// Adds the sections in a type.
fn inner(kind: &Type, sections: &mut Vec<&'static Section>) {
    match kind {
        Type::Section(section) if !sections.iter().any(|known| known.name == section.name) => sections.push(section),
        Type::List { of, .. } | Type::Map(of) => inner(of, sections),
        Type::Either(kinds) => kinds.iter().for_each(|kind| inner(kind, sections)),
        _ => {}
    }
}

fn describe(section: &Section, text: &mut String) {
    // Writing to a `String` does not fail.
    let _ = write!(text, "\n### {}\n\n{}\n", section.name, section.doc.trim());
    if section.fields.is_empty() {
        return;
    }
    text.push_str("\n| Key | Value | Default | Variable | Meaning |\n|-|-|-|-|-|\n");
    for field in section.fields {
        let _ = writeln!(text, "{}", row(field));
    }
}

fn row(field: &Field) -> String {
    let code = |text: &str| format!("`{text}`");
    let mut value = words(&field.kind);
    if let Some(unit) = field.unit {
        let _ = write!(value, ", {unit}");
    }
    if field.required {
        value.push_str(", required");
    }
    if field.secret {
        value.push_str(", secret");
    }
    let default = field.default.map(code).unwrap_or_default();
    let names: Vec<String> = field.variables.iter().map(|name| code(name)).collect();
    let key = if field.flatten { "(the keys of it)".to_owned() } else { code(field.key) };
    let doc = field.doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    format!("| {key} | {} | {default} | {} | {doc} |", value.replace('|', "\\|"), names.join(", "))
}

/// A type in words.
fn words(kind: &Type) -> String {
    match kind {
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Integer { min, max } => range("whole number", *min as f64, *max as f64),
        Type::Number { min, max, .. } => range("number", *min, *max),
        Type::Text => "text".to_owned(),
        Type::Duration { bare, .. } => format!("duration, in {bare} if bare"),
        Type::Size { .. } => "size, such as `4MiB`, in bytes if bare".to_owned(),
        Type::Word(words) => otelier_spec::suggest::list(words.iter().map(|word| word.word)),
        Type::List { of, .. } => format!("list of {}", words(of)),
        Type::Map(of) => format!("map of {}", words(of)),
        Type::Section(section) => format!("[{}](#{})", section.name, section.name.to_lowercase()),
        Type::Either(kinds) => kinds.iter().map(words).collect::<Vec<_>>().join(" or "),
        Type::Any => "anything".to_owned(),
    }
}

fn range(what: &str, min: f64, max: f64) -> String {
    // Limits of the type itself say nothing.
    let (low, high) = (min > -9e15, max < 9e15);
    match (low, high) {
        (true, true) => format!("{what} from {min} to {max}"),
        (true, false) => format!("{what} from {min}"),
        (false, true) => format!("{what} up to {max}"),
        (false, false) => what.to_owned(),
    }
}

fn variables(text: &mut String) {
    text.push_str("\n## Environment variables\n\n| Variable | Signals | Value | Default | |\n|-|-|-|-|-|\n");
    for variable in variables::ALL {
        let note = match variable.status {
            Status::Current => String::new(),
            Status::Own => "otelier's own".to_owned(),
            Status::Old(instead) => format!("old name of `{instead}`"),
            Status::Other(Some(ours)) => format!("another system's name; counts where `{ours}` says nothing"),
            Status::Other(None) => "another system's name".to_owned(),
        };
        let default = variable.default.map(|default| format!("`{default}`")).unwrap_or_default();
        let (signal, kind) = (variable.signal.as_str(), variable.kind.as_str());
        // Writing to a `String` does not fail.
        let _ = writeln!(text, "| `{}` | {signal} | {kind} | {default} | {note} |", variable.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::describe::{Count, Others, Word};

    const fn section(name: &'static str, fields: &'static [Field]) -> Section {
        Section { name, doc: "What it is for.", fields, count: Count::Any, others: Others::Refused }
    }

    static SAMPLER: Section = section("Sampler", &[Field::new("root", Type::Section(&SAMPLER))]);
    static ROOT: Section = section(
        "Configuration",
        &[
            Field {
                doc: "How often | or not.",
                default: Some("1.0"),
                variables: &["OTEL_TRACES_SAMPLER_ARG"],
                ..Field::new("ratio", Type::Number { min: 0.0, max: 1.0, above_min: false, below_max: false })
            },
            Field::new("level", Type::Word(&[Word { word: "info", doc: "" }, Word { word: "warn", doc: "" }])),
            Field::new("sampler", Type::List { of: &Type::Section(&SAMPLER), min: 1 }),
        ],
    );

    #[test]
    fn sections_are_described_once_with_what_their_keys_take() {
        let text = markdown(&ROOT);
        for line in [
            "| `ratio` | number from 0 to 1 | `1.0` | `OTEL_TRACES_SAMPLER_ARG` | How often \\| or not. |",
            "| `level` | `info` or `warn` |  |  |  |",
            "| `sampler` | list of [Sampler](#sampler) |  |  |  |",
            "| `OTEL_BSP_SCHEDULE_DELAY` | traces | milliseconds | `5000` |  |",
            "| `OTEL_EXPERIMENTAL_CONFIG_FILE` | all | file |  | old name of `OTEL_CONFIG_FILE` |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("### Sampler\n").count(), 1);
    }
}
