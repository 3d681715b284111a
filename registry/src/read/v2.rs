//! The second format, `definition/2`: a list for each kind of thing.

use super::attribute::{self, DEFINITION_V2, Reference, STABILITY};
use super::node::{Data, Fields, Node};
use super::resolve::{Facts, Found, Set, What};
use super::{Errors, Place};
use crate::model::Kind;

/// The words of span kinds.
pub(super) const KINDS: &[(&str, Kind)] = &[
    ("client", Kind::Client),
    ("server", Kind::Server),
    ("internal", Kind::Internal),
    ("producer", Kind::Producer),
    ("consumer", Kind::Consumer),
];

const FILE: &[&str] = &[
    "file_format",
    "attributes",
    "attribute_groups",
    "spans",
    "span_refinements",
    "events",
    "event_refinements",
    "metrics",
    "metric_refinements",
    "entities",
    "entity_refinements",
    "imports",
];

const GROUP: &[&str] = &["id", "visibility", "brief", "note", "stability", "deprecated", "attributes", "annotations"];

const SPAN: &[&str] = &[
    "type",
    "kind",
    "name",
    "brief",
    "note",
    "stability",
    "deprecated",
    "attributes",
    "annotations",
    "entity_associations",
    "requirement_level",
];

const SPAN_REFINEMENT: &[&str] = &[
    "id",
    "ref",
    "name",
    "brief",
    "note",
    "stability",
    "deprecated",
    "attributes",
    "annotations",
    "entity_associations",
    "requirement_level",
];

const EVENT: &[&str] = &[
    "name",
    "brief",
    "note",
    "stability",
    "deprecated",
    "attributes",
    "annotations",
    "entity_associations",
    "requirement_level",
];

const EVENT_REFINEMENT: &[&str] = &[
    "id",
    "ref",
    "brief",
    "note",
    "stability",
    "deprecated",
    "attributes",
    "annotations",
    "entity_associations",
    "requirement_level",
];

/// What stands in `annotations: { otelier: … }` of an event.
pub(super) const EVENT_OURS: &[&str] = &["undeclared", "constants", "groups"];

/// Takes what a file of the second format defines.
pub(super) fn file(node: &Node, found: &mut Found, errors: &mut Errors) {
    let Some(fields) = Fields::of(node, "a file", FILE, errors) else { return };
    for node in fields.list("attributes", errors) {
        if let Some(attribute) = attribute::definition(node, "key", DEFINITION_V2, errors) {
            found.define(&node.place, attribute, errors);
        }
    }
    for node in fields.list("attribute_groups", errors) {
        group(node, found, errors);
    }
    for node in fields.list("spans", errors) {
        span(node, found, errors);
    }
    for node in fields.list("events", errors) {
        event(node, found, errors);
    }
    for node in fields.list("span_refinements", errors) {
        refinement(node, What::Span, found, errors);
    }
    for node in fields.list("event_refinements", errors) {
        refinement(node, What::Event, found, errors);
    }
}

fn group(node: &Node, found: &mut Found, errors: &mut Errors) {
    let Some(fields) = Fields::of(node, "an attribute group", GROUP, errors) else { return };
    let id = fields.required("id", "an attribute group", errors);
    if fields.get("visibility").is_none() {
        errors.push(fields.place, "an attribute group has no `visibility`; expected `internal` or `public`");
    }
    const VISIBILITY: &[(&str, What)] = &[("internal", What::Internal), ("public", What::Public)];
    let what = fields.word("visibility", VISIBILITY, errors).unwrap_or(What::Internal);
    if what == What::Public {
        complete(&fields, "a public attribute group", errors);
    }
    let mut facts = facts(&fields, errors);
    if let Some(node) = attribute::ours(&fields, errors) {
        facts.ours(node, "a group", &["groups"], errors);
    }
    let (groups, references) = attributes(&fields, errors);
    let Some(id) = id else { return };
    let place = fields.place.clone();
    found.add(id.clone(), Set { place, what, id, facts, base: None, groups, references }, errors);
}

fn span(node: &Node, found: &mut Found, errors: &mut Errors) {
    let Some(fields) = Fields::of(node, "a span", SPAN, errors) else { return };
    let id = fields.required("type", "a span", errors);
    complete(&fields, "a span", errors);
    for key in ["kind", "name"] {
        if fields.get(key).is_none() {
            errors.push(fields.place, format!("a span has no `{key}`; expected `{key}: …`"));
        }
    }
    let mut facts = facts(&fields, errors);
    facts.kind = fields.word("kind", KINDS, errors);
    facts.name = fields.get("name").and_then(|node| name(node, errors));
    if let Some(node) = attribute::ours(&fields, errors) {
        span_facts(&mut facts, node, errors);
    }
    let (groups, references) = attributes(&fields, errors);
    let Some(id) = id else { return };
    // Spans that are named after their type say so, because the format has no word for it.
    if facts.name.as_ref().is_some_and(|(pattern, note)| pattern.is_empty() && *note == id) {
        facts.name = None;
    }
    let place = fields.place.clone();
    let set = Set { place, what: What::Span, id: id.clone(), facts, base: None, groups, references };
    found.add(format!("span.{id}"), set, errors);
}

fn event(node: &Node, found: &mut Found, errors: &mut Errors) {
    let Some(fields) = Fields::of(node, "an event", EVENT, errors) else { return };
    let id = fields.required("name", "an event", errors);
    complete(&fields, "an event", errors);
    let mut facts = facts(&fields, errors);
    if let Some(node) = attribute::ours(&fields, errors) {
        facts.ours(node, "an event", EVENT_OURS, errors);
    }
    let (groups, references) = attributes(&fields, errors);
    let Some(id) = id else { return };
    let place = fields.place.clone();
    let set = Set { place, what: What::Event, id: id.clone(), facts, base: None, groups, references };
    found.add(format!("event.{id}"), set, errors);
}

fn refinement(node: &Node, what: What, found: &mut Found, errors: &mut Errors) {
    let (prefix, said, known) = match what {
        What::Span => ("span", "a span refinement", SPAN_REFINEMENT),
        _ => ("event", "an event refinement", EVENT_REFINEMENT),
    };
    let Some(fields) = Fields::of(node, said, known, errors) else { return };
    let key = fields.required("id", said, errors);
    let base = fields.required("ref", said, errors);
    let mut facts = facts(&fields, errors);
    facts.name = fields.get("name").and_then(|node| name(node, errors));
    if let Some(node) = attribute::ours(&fields, errors) {
        match what {
            What::Span => span_facts(&mut facts, node, errors),
            _ => facts.ours(node, "an event", EVENT_OURS, errors),
        }
    }
    let (groups, references) = attributes(&fields, errors);
    let (Some(key), Some(base)) = (key, base) else { return };
    let place = fields.get("ref").map_or(fields.place, |node| &node.place).clone();
    let prefix = format!("{prefix}.");
    let id = key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
    let base = Some((place, format!("{prefix}{base}")));
    found.add(key, Set { place: fields.place.clone(), what, id, facts, base, groups, references }, errors);
}

/// What every definition has to have.
fn complete(fields: &Fields<'_>, what: &str, errors: &mut Errors) {
    for key in ["brief", "stability"] {
        if fields.get(key).is_none() {
            errors.push(fields.place, format!("{what} has no `{key}`; expected `{key}: …`"));
        }
    }
}

fn facts(fields: &Fields<'_>, errors: &mut Errors) -> Facts {
    Facts {
        brief: fields.text("brief", errors),
        note: fields.text("note", errors),
        stability: fields.word("stability", STABILITY, errors),
        deprecated: attribute::deprecated(fields, errors),
        ..Facts::default()
    }
}

/// How a span is named: a note, and templates since weaver 0.26.
fn name(node: &Node, errors: &mut Errors) -> Option<(String, String)> {
    let fields = Fields::of(node, "`name`", &["note", "templates"], errors)?;
    let note = fields.text("note", errors).unwrap_or_default();
    let first = fields.list("templates", errors).first();
    let pattern = first
        .and_then(|node| Fields::free(node, "a template", errors))
        .and_then(|fields| fields.required("pattern", "a template", errors));
    Some((pattern.unwrap_or_default(), note))
}

/// Takes what stands in `annotations: { otelier: … }` of a span.
pub(super) fn span_facts(facts: &mut Facts, node: &Node, errors: &mut Errors) {
    facts.ours(node, "a span", &["undeclared", "constants", "groups", "pattern"], errors);
    let pattern = Fields::free(node, "`otelier`", &mut Errors::default()).and_then(|ours| ours.text("pattern", errors));
    if let Some(pattern) = pattern {
        let note = facts.name.take().map(|(_, note)| note).unwrap_or_default();
        // A pattern without a note is written as the note too.
        let note = if note == pattern { String::new() } else { note };
        facts.name = Some((pattern, note));
    }
}

/// The groups and the attributes that `attributes` refers to.
fn attributes(fields: &Fields<'_>, errors: &mut Errors) -> (Vec<(Place, String)>, Vec<Reference>) {
    let (mut groups, mut references) = (Vec::new(), Vec::new());
    for node in fields.list("attributes", errors) {
        let is_group =
            matches!(&node.data, Data::Map(entries) if entries.iter().any(|(key, _)| key.text == "ref_group"));
        if is_group {
            let Some(fields) = Fields::of(node, "a `ref_group`", &["ref_group"], errors) else { continue };
            if let Some(id) = fields.text("ref_group", errors) {
                groups.push((fields.place.clone(), id));
            }
        } else {
            references.extend(attribute::reference(node, errors));
        }
    }
    (groups, references)
}
