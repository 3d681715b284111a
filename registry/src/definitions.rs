//! The schemas of a program as a registry.
//!
//! A definition has its attributes in full and does not tell which groups they came from, so
//! [`Span::groups`](crate::model::Span::groups) stays empty; the groups themselves are kept. Members of enumerations get
//! ids made of their values.

use crate::model::{Attribute, Deprecated, Event, Group, Member, Registry, Span, ValueType};
use otelier::schema::{self, AttributeDef, EventDef, GroupDef, SchemaDef};
use std::collections::{BTreeMap, BTreeSet};

/// The registry that `spans`, `events` and `groups` are. What is declared twice in the same words is there once; groups
/// without an id are left out.
///
/// # Examples
///
/// ```
/// use otelier::schema::{ALL, EVENTS, GROUPS};
/// use otelier_registry::definitions;
///
/// let (spans, events, groups) = (ALL.iter().copied(), EVENTS.iter().copied(), GROUPS.iter().copied());
/// let registry = definitions::registry("app", "", "https://app.example/schemas/1.0.0", spans, events, groups);
/// assert!(registry.spans.iter().any(|span| span.id == "crypto.exchange_api"));
/// ```
pub fn registry<'a>(
    name: &str,
    description: &str,
    schema_url: &str,
    spans: impl IntoIterator<Item = &'a SchemaDef>,
    events: impl IntoIterator<Item = &'a EventDef>,
    groups: impl IntoIterator<Item = &'a GroupDef>,
) -> Registry {
    let groups = groups.into_iter().filter(|group| !group.id.is_empty());
    Registry {
        name: name.to_owned(),
        description: description.to_owned(),
        schema_url: schema_url.to_owned(),
        attributes: Vec::new(),
        groups: sorted(groups.map(group), |group| &group.id),
        spans: sorted(spans.into_iter().map(span), |span| &span.id),
        events: sorted(events.into_iter().map(event), |event| &event.id),
    }
}

/// In the order of the keys, without repetitions.
fn sorted<T: PartialEq>(items: impl Iterator<Item = T>, key: impl Fn(&T) -> &str) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    for item in items {
        if !all.iter().any(|known| key(known) == key(&item) && *known == item) {
            all.push(item);
        }
    }
    all.sort_by(|a, b| key(a).cmp(key(b)));
    all
}

fn span(def: &SchemaDef) -> Span {
    Span {
        id: def.id.to_owned(),
        kind: def.kind,
        name: def.name.to_owned(),
        name_note: String::new(),
        brief: def.doc.to_owned(),
        note: def.note.to_owned(),
        stability: def.stability,
        deprecated: deprecated(def.deprecated),
        undeclared: def.undeclared,
        constants: constants(def.constants),
        groups: Vec::new(),
        attributes: attributes(def.attributes),
    }
}

fn event(def: &EventDef) -> Event {
    Event {
        id: def.id.to_owned(),
        brief: def.doc.to_owned(),
        note: def.note.to_owned(),
        stability: def.stability,
        deprecated: deprecated(def.deprecated),
        undeclared: def.undeclared,
        constants: constants(def.constants),
        groups: Vec::new(),
        attributes: attributes(def.attributes),
    }
}

fn group(def: &GroupDef) -> Group {
    Group {
        id: def.id.to_owned(),
        brief: def.doc.to_owned(),
        note: def.note.to_owned(),
        stability: def.stability,
        deprecated: deprecated(def.deprecated),
        groups: Vec::new(),
        attributes: attributes(def.attributes),
    }
}

fn constants(constants: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<_> = constants.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.sort();
    all
}

fn attributes(defs: &[AttributeDef]) -> Vec<Attribute> {
    let all: BTreeMap<&str, Attribute> = defs.iter().map(|def| (def.name, attribute(def))).collect();
    all.into_values().collect()
}

fn attribute(def: &AttributeDef) -> Attribute {
    let members = members(def);
    Attribute {
        name: def.name.to_owned(),
        // The macros write only types that are read.
        value_type: def.value_type.parse::<ValueType>().unwrap_or_default(),
        open: def.open && !members.is_empty(),
        members,
        rust_enum: def.rust_enum.to_owned(),
        requirement: def.requirement,
        condition: def.condition.to_owned(),
        late: def.late,
        sensitivity: def.sensitivity,
        unit: def.unit.to_owned(),
        stability: def.stability,
        deprecated: deprecated(def.deprecated),
        brief: def.doc.to_owned(),
        note: def.note.to_owned(),
        examples: def.examples.iter().map(|example| (*example).to_owned()).collect(),
    }
}

fn members(def: &AttributeDef) -> Vec<Member> {
    let mut ids = BTreeSet::new();
    let docs = def.value_docs.iter().copied().chain(std::iter::repeat(""));
    let member = |(value, doc): (&&str, &str)| {
        let id = member_id(value);
        let numbered = (2..).map(|number| format!("{id}_{number}"));
        let free = std::iter::once(id.clone()).chain(numbered).find(|id| !ids.contains(id)).unwrap_or_default();
        ids.insert(free.clone());
        Member { id: free, value: (*value).to_owned(), brief: doc.to_owned(), stability: None, deprecated: None }
    };
    def.values.iter().zip(docs).map(member).collect()
}

/// `value` in snake case, as an id begins: with a letter.
fn member_id(value: &str) -> String {
    let mut id = String::new();
    let mut after_small = false;
    for c in value.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && after_small {
                id.push('_');
            }
            id.push(c.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('_') {
            id.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let id = id.trim_end_matches('_');
    match id.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => id.to_owned(),
        Some(_) => format!("value_{id}"),
        None => "value".to_owned(),
    }
}

fn deprecated(deprecated: Option<schema::Deprecated>) -> Option<Deprecated> {
    let owned = |deprecated: schema::Deprecated| Deprecated {
        renamed_to: deprecated.renamed_to.to_owned(),
        note: deprecated.note.to_owned(),
    };
    deprecated.map(owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read, yaml};
    use otelier::schema::{ALL, EVENTS, GROUPS};

    #[test]
    fn ids_of_members_are_made_of_their_values() {
        let cases = [
            ("funding rates", "funding_rates"),
            ("1m", "value_1m"),
            ("aB-C", "a_b_c"),
            ("--", "value"),
            ("GET", "get"),
        ];
        for (value, id) in cases {
            assert_eq!(member_id(value), id);
        }
        let def = AttributeDef { values: &["a-b", "a.b", "a_b"], open: true, ..AttributeDef::__NEW };
        let ids: Vec<String> = attribute(&def).members.into_iter().map(|member| member.id).collect();
        assert_eq!(ids, ["a_b", "a_b_2", "a_b_3"]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (spans, events, groups) = (ALL.iter().copied(), EVENTS.iter().copied(), GROUPS.iter().copied());
        // Twice everything is everything once.
        let registry = registry("app", "All.", "https://a.example/1.0.0", spans.clone().chain(spans), events, groups);
        assert_eq!((registry.spans.len(), registry.events.len()), (ALL.len(), EVENTS.len()));
        let files = yaml::definition(&registry).unwrap();
        let read = read::texts(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap();
        let attributes = read.attributes.clone();
        assert_eq!(read, Registry { attributes, ..registry });
    }
}
