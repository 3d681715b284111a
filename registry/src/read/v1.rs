//! The first format: a list of `groups`, each with its type.

use super::attribute::{self, DEFINITION_V1, Reference, STABILITY};
use super::node::{Data, Fields, Node};
use super::resolve::{Facts, Found, Set, What};
use super::{Errors, v2};

/// The keys of a group, whatever its type.
const GROUP: &[&str] = &[
    "id",
    "type",
    "brief",
    "note",
    "prefix",
    "extends",
    "stability",
    "deprecated",
    "attributes",
    "span_kind",
    "events",
    "metric_name",
    "instrument",
    "unit",
    "name",
    "display_name",
    "body",
    "annotations",
    "entity_associations",
    "requirement_level",
    "tag",
];

const TYPES: &[(&str, What)] = &[
    ("attribute_group", What::Internal),
    ("span", What::Span),
    ("event", What::Event),
    ("metric", What::Other),
    ("entity", What::Other),
    // The name that entities had before, and groups that are no longer written.
    ("resource", What::Other),
    ("metric_group", What::Other),
    ("scope", What::Other),
];

/// Takes what a file of the first format defines.
pub(super) fn file(node: &Node, found: &mut Found, errors: &mut Errors) {
    let Some(fields) = Fields::of(node, "a file", &["file_format", "groups", "imports"], errors) else { return };
    if fields.get("groups").is_none() && fields.get("imports").is_none() {
        errors.push(fields.place, "this file has no `groups`; expected `groups: […]` or `file_format: definition/2`");
    }
    for node in fields.list("groups", errors) {
        group(node, found, errors);
    }
}

fn group(node: &Node, found: &mut Found, errors: &mut Errors) {
    let Some(fields) = Fields::of(node, "a group", GROUP, errors) else { return };
    let key = fields.required("id", "a group", errors);
    if fields.get("type").is_none() {
        errors.push(fields.place, "a group has no `type`; expected `type: span` or another one");
    }
    let what = fields.word("type", TYPES, errors).unwrap_or(What::Other);
    let mut references = Vec::new();
    for node in fields.list("attributes", errors) {
        references.extend(attribute(node, found, errors));
    }
    let mut facts = Facts {
        brief: fields.text("brief", errors),
        note: fields.text("note", errors),
        stability: fields.word("stability", STABILITY, errors),
        deprecated: attribute::deprecated(&fields, errors),
        ..Facts::default()
    };
    let base =
        fields.get("extends").and_then(|node| Some((node.place.clone(), node.text("extends", errors)?.to_owned())));
    let Some(key) = key else { return };
    let mut id = key.clone();
    match what {
        What::Span => {
            facts.kind = fields.word("span_kind", v2::KINDS, errors);
            if facts.kind.is_none() && fields.get("span_kind").is_none() && base.is_none() {
                errors.push(fields.place, "a span has no `span_kind`; expected `span_kind: internal` or another one");
            }
            if let Some(node) = attribute::ours(&fields, errors) {
                v2::span_facts(&mut facts, node, errors);
            }
            id = key.strip_prefix("span.").unwrap_or(&key).to_owned();
        }
        What::Event => {
            if let Some(node) = attribute::ours(&fields, errors) {
                facts.ours(node, "an event", v2::EVENT_OURS, errors);
            }
            id = match fields.text("name", errors) {
                Some(name) => name,
                None => key.strip_prefix("event.").unwrap_or(&key).to_owned(),
            };
        }
        What::Internal | What::Public | What::Other => {}
    }
    let set = Set { place: fields.place.clone(), what, id, facts, base, groups: Vec::new(), references };
    found.add(key, set, errors);
}

/// A definition or a reference; a definition is a reference too.
fn attribute(node: &Node, found: &mut Found, errors: &mut Errors) -> Option<Reference> {
    let is_reference = matches!(&node.data, Data::Map(entries) if entries.iter().any(|(key, _)| key.text == "ref"));
    if is_reference {
        return attribute::reference(node, errors);
    }
    let attribute = attribute::definition(node, "id", DEFINITION_V1, errors)?;
    let reference = Reference::plain(&node.place, &attribute.name);
    found.define(&node.place, attribute, errors);
    Some(reference)
}
