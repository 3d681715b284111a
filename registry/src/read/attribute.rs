//! Attributes: how they are defined, and how a reference changes them.

use super::node::{Data, Fields, Node};
use super::{Errors, Place};
use crate::model::{Attribute, Deprecated, Member, Requirement, Scalar, Sensitivity, Stability, ValueType};
use std::collections::{HashMap, HashSet};

/// The words of stability, with the one that `development` had before.
pub(super) const STABILITY: &[(&str, Stability)] = &[
    ("development", Stability::Development),
    ("alpha", Stability::Alpha),
    ("beta", Stability::Beta),
    ("release_candidate", Stability::ReleaseCandidate),
    ("stable", Stability::Stable),
    ("experimental", Stability::Development),
];

const SENSITIVITY: &[(&str, Sensitivity)] = &[
    ("public", Sensitivity::Public),
    ("personal", Sensitivity::Personal),
    ("sensitive", Sensitivity::Sensitive),
    ("secret", Sensitivity::Secret),
];

/// An attribute that a span, event or group has, and what it says of it.
pub(super) struct Reference {
    pub(super) place: Place,
    pub(super) name: String,
    changes: Changes,
}

/// What a definition says beside the type, or what a reference changes.
#[derive(Default)]
struct Changes {
    brief: Option<String>,
    note: Option<String>,
    examples: Option<Node>,
    requirement: Option<(Requirement, String)>,
    stability: Option<Stability>,
    deprecated: Option<Deprecated>,
    /// No longer deprecated.
    current: bool,
    late: Option<bool>,
    array: bool,
    closed: Option<bool>,
    values: Option<Node>,
    members: Option<Vec<Member>>,
    rust_enum: Option<String>,
    unit: Option<String>,
    sensitivity: Option<Sensitivity>,
    constant: bool,
}

/// The keys of a v1 definition.
pub(super) const DEFINITION_V1: &[&str] = &[
    "id",
    "type",
    "brief",
    "note",
    "examples",
    "tag",
    "requirement_level",
    "sampling_relevant",
    "stability",
    "deprecated",
    "annotations",
    "role",
];

/// The keys of a v2 definition.
pub(super) const DEFINITION_V2: &[&str] =
    &["key", "type", "brief", "note", "examples", "stability", "deprecated", "annotations"];

/// The keys of a reference, in both formats.
const REFERENCE: &[&str] = &[
    "ref",
    "brief",
    "note",
    "examples",
    "tag",
    "requirement_level",
    "sampling_relevant",
    "stability",
    "deprecated",
    "prefix",
    "annotations",
    "role",
];

/// The attribute that `node` defines; `id` is the key its name stands under.
pub(super) fn definition(node: &Node, id: &str, known: &[&str], errors: &mut Errors) -> Option<Attribute> {
    let fields = Fields::of(node, "an attribute", known, errors)?;
    let name = fields.required(id, "an attribute", errors);
    let kind = match fields.get("type") {
        Some(kind) => value_type(kind, errors),
        None => {
            errors.push(fields.place, "an attribute has no `type`; expected `type: …`");
            None
        }
    };
    if fields.get("brief").is_none() && fields.get("deprecated").is_none() {
        errors.push(fields.place, "an attribute has no `brief`; expected `brief: …`");
    }
    let changes = Changes::read(&fields, errors);
    let (value_type, members) = kind?;
    let mut attribute =
        Attribute { name: name?, value_type, open: !members.is_empty(), members, ..Attribute::default() };
    changes.apply(&mut attribute, &[], errors);
    let stability = attribute.stability;
    for member in &mut attribute.members {
        // It says nothing that the attribute does not say.
        member.stability = member.stability.filter(|own| *own != stability);
    }
    Some(attribute)
}

/// The reference that `node` is.
pub(super) fn reference(node: &Node, errors: &mut Errors) -> Option<Reference> {
    let fields = Fields::of(node, "a `ref`", REFERENCE, errors)?;
    let name = fields.required("ref", "a `ref`", errors);
    let changes = Changes::read(&fields, errors);
    Some(Reference { place: fields.place.clone(), name: name?, changes })
}

impl Reference {
    /// A reference that changes nothing.
    pub(super) fn plain(place: &Place, name: &str) -> Self {
        Self { place: place.clone(), name: name.to_owned(), changes: Changes::default() }
    }

    /// Whether the attribute is there for a constant only.
    pub(super) fn is_constant(&self) -> bool {
        self.changes.constant
    }

    /// Changes `attribute`, which is defined with `members`, as the reference says.
    pub(super) fn apply(&self, attribute: &mut Attribute, members: &[Member], errors: &mut Errors) {
        self.changes.apply(attribute, members, errors);
    }
}

impl Changes {
    fn read(fields: &Fields<'_>, errors: &mut Errors) -> Self {
        let mut changes = Self {
            brief: fields.text("brief", errors),
            note: fields.text("note", errors),
            examples: fields.get("examples").cloned(),
            requirement: fields.get("requirement_level").and_then(|node| requirement(node, errors)),
            stability: fields.word("stability", STABILITY, errors),
            deprecated: deprecated(fields, errors),
            ..Self::default()
        };
        if let Some(ours) = ours(fields, errors) {
            changes.ours(ours, errors);
        }
        changes
    }

    fn ours(&mut self, node: &Node, errors: &mut Errors) {
        const KNOWN: &[&str] =
            &["late", "array", "closed", "values", "members", "enum", "unit", "sensitivity", "deprecated", "constant"];
        let Some(fields) = Fields::of(node, "`otelier` of an attribute", KNOWN, errors) else { return };
        self.late = fields.boolean("late", errors);
        self.array = fields.boolean("array", errors).unwrap_or(false);
        self.closed = fields.boolean("closed", errors);
        self.values = fields.get("values").cloned();
        self.members = fields.get("members").map(|node| members(node, errors));
        self.rust_enum = fields.text("enum", errors);
        self.unit = fields.text("unit", errors);
        self.sensitivity = fields.word("sensitivity", SENSITIVITY, errors);
        self.current = fields.boolean("deprecated", errors) == Some(false);
        self.constant = fields.boolean("constant", errors).unwrap_or(false);
    }

    fn apply(&self, attribute: &mut Attribute, members: &[Member], errors: &mut Errors) {
        set(&mut attribute.brief, &self.brief);
        set(&mut attribute.note, &self.note);
        set(&mut attribute.stability, &self.stability);
        set(&mut attribute.late, &self.late);
        set(&mut attribute.rust_enum, &self.rust_enum);
        set(&mut attribute.unit, &self.unit);
        set(&mut attribute.sensitivity, &self.sensitivity);
        if let Some((level, condition)) = &self.requirement {
            (attribute.requirement, attribute.condition) = (*level, condition.clone());
        }
        if self.current {
            attribute.deprecated = None;
        }
        if self.deprecated.is_some() {
            attribute.deprecated.clone_from(&self.deprecated);
        }
        attribute.value_type.array |= self.array;
        if let Some(own) = &self.members {
            attribute.open = true;
            attribute.members.clone_from(own);
        }
        if let Some(values) = &self.values {
            attribute.open |= attribute.members.is_empty();
            attribute.members = some_members(values, members, errors);
        }
        if let Some(closed) = self.closed {
            attribute.open = !closed;
        }
        attribute.open &= !attribute.members.is_empty();
        if let Some(node) = &self.examples {
            attribute.examples = examples(node, attribute.value_type);
        }
    }
}

fn set<T: Clone>(value: &mut T, change: &Option<T>) {
    if let Some(change) = change {
        value.clone_from(change);
    }
}

/// The annotations that are ours.
pub(super) fn ours<'a>(fields: &Fields<'a>, errors: &mut Errors) -> Option<&'a Node> {
    Fields::free(fields.get("annotations")?, "`annotations`", errors)?.get("otelier")
}

/// The members whose values `node` lists.
fn some_members(node: &Node, members: &[Member], errors: &mut Errors) -> Vec<Member> {
    let Data::List(values) = &node.data else {
        errors.push(&node.place, format!("`values` is {}; expected a list", node.kind()));
        return Vec::new();
    };
    let members: HashMap<&str, &Member> = members.iter().rev().map(|member| (member.value.as_str(), member)).collect();
    let find = |value: &Node| {
        let text = value.scalar().unwrap_or_default();
        let found = members.get(text.as_str()).map(|member| Member::clone(member));
        if found.is_none() {
            errors.push(&value.place, format!("`{text}` is no value of a member; expected one that the attribute has"));
        }
        found
    };
    values.iter().filter_map(find).collect()
}

fn value_type(node: &Node, errors: &mut Errors) -> Option<(ValueType, Vec<Member>)> {
    if matches!(node.data, Data::Map(_)) {
        let fields = Fields::of(node, "an enumeration", &["members", "allow_custom_values"], errors)?;
        let Some(node) = fields.get("members") else {
            errors.push(fields.place, "an enumeration has no `members`; expected `members: […]`");
            return None;
        };
        let members = members(node, errors);
        let Data::List(items) = &node.data else { return None };
        if members.is_empty() && items.is_empty() {
            errors.push(&node.place, "an enumeration has no members; expected at least one");
        }
        let values = || items.iter().filter_map(|item| Fields::free(item, "", &mut Errors::default())?.get("value"));
        let scalar = match () {
            _ if values().all(|value| matches!(value.data, Data::Int(_))) => Scalar::Int,
            _ if values().all(|value| matches!(value.data, Data::Boolean(_))) => Scalar::Boolean,
            _ if values().all(|value| matches!(value.data, Data::Int(_) | Data::Double(_))) => Scalar::Double,
            _ => Scalar::String,
        };
        return Some((ValueType { scalar, ..ValueType::default() }, members));
    }
    let text = node.text("type", errors)?;
    match text.parse() {
        Ok(value_type) => Some((value_type, Vec::new())),
        Err(()) => {
            let message = format!(
                "`{text}` is no type; expected `string`, `int`, `double`, `boolean`, `any`, one of them with `[]`, \
                 `template[…]` of these, or `members: […]`"
            );
            errors.push(&node.place, message);
            None
        }
    }
}

fn members(node: &Node, errors: &mut Errors) -> Vec<Member> {
    let Data::List(items) = &node.data else {
        errors.push(&node.place, format!("`members` is {}; expected a list", node.kind()));
        return Vec::new();
    };
    let mut members: Vec<Member> = Vec::new();
    let mut seen = HashSet::new();
    for item in items {
        const KNOWN: &[&str] = &["id", "value", "brief", "note", "stability", "deprecated", "annotations"];
        let Some(fields) = Fields::of(item, "a member", KNOWN, errors) else { continue };
        let id = fields.required("id", "a member", errors);
        let value = fields.get("value");
        let text = value.and_then(Node::scalar);
        if text.is_none() {
            let place = value.map_or(fields.place, |value| &value.place);
            errors.push(place, "a member has no `value`; expected text, a number or a boolean");
        }
        let member = Member {
            id: id.unwrap_or_default(),
            value: text.unwrap_or_default(),
            brief: fields.text("brief", errors).unwrap_or_default(),
            stability: fields.word("stability", STABILITY, errors),
            deprecated: deprecated(&fields, errors),
        };
        match member.id.is_empty() || seen.insert(member.id.clone()) {
            true => members.push(member),
            false => errors.push(fields.place, format!("a second member is called `{}`; expected one", member.id)),
        }
    }
    members
}

fn requirement(node: &Node, errors: &mut Errors) -> Option<(Requirement, String)> {
    const WORDS: &[&str] = &["required", "conditionally_required", "recommended", "opt_in"];
    match &node.data {
        Data::Text(text) => {
            let level = Requirement::from_name(text);
            match level {
                Some(Requirement::ConditionallyRequired) => {
                    let message = "`conditionally_required` has no condition; expected `conditionally_required: …`";
                    errors.push(&node.place, message);
                }
                Some(_) => {}
                None => {
                    let words = super::node::one_of(WORDS);
                    errors.push(&node.place, format!("`{text}` is no `requirement_level`; expected {words}"));
                }
            }
            Some((level?, String::new()))
        }
        _ => {
            const CONDITIONAL: &[&str] = &["conditionally_required", "recommended", "opt_in"];
            let fields = Fields::of(node, "`requirement_level`", CONDITIONAL, errors)?;
            let [(key, value)] = fields.entries() else {
                errors.push(fields.place, "`requirement_level` has no single level; expected one with its condition");
                return None;
            };
            let condition = match value.data {
                Data::Null => String::new(),
                _ => value.text(&key.text, errors)?.to_owned(),
            };
            Requirement::from_name(&key.text).map(|level| (level, condition))
        }
    }
}

/// What `deprecated` says: a reason with its note, or the plain text that was there before.
pub(super) fn deprecated(fields: &Fields<'_>, errors: &mut Errors) -> Option<Deprecated> {
    let node = fields.get("deprecated")?;
    if let Data::Text(note) = &node.data {
        return Some(Deprecated { note: note.clone(), ..Deprecated::default() });
    }
    let fields = Fields::of(node, "`deprecated`", &["reason", "renamed_to", "note"], errors)?;
    const REASONS: &[(&str, bool)] =
        &[("renamed", true), ("obsoleted", false), ("uncategorized", false), ("unspecified", false)];
    if fields.get("reason").is_none() {
        errors.push(fields.place, "`deprecated` has no `reason`; expected `reason: …`");
    }
    let renamed = fields.word("reason", REASONS, errors)?;
    let note = fields.text("note", errors).unwrap_or_default();
    let renamed_to = match renamed {
        true => fields.required("renamed_to", "`deprecated`", errors)?,
        false => String::new(),
    };
    Some(Deprecated { renamed_to, note })
}

/// The examples in `node`, one by one. An array's example is a list; older files give the values of one.
fn examples(node: &Node, value_type: ValueType) -> Vec<String> {
    let plain = |node: &Node| node.scalar().unwrap_or_else(|| flow(node));
    match &node.data {
        Data::List(items) => match value_type.array && !items.iter().any(|item| matches!(item.data, Data::List(_))) {
            true if items.is_empty() => Vec::new(),
            true => vec![flow(node)],
            false => items.iter().map(plain).collect(),
        },
        _ if value_type.array => vec![format!("[{}]", flow(node))],
        _ => vec![plain(node)],
    }
}

/// `node` in YAML's short notation, in one line.
pub(super) fn flow(node: &Node) -> String {
    match &node.data {
        Data::Null => "null".to_owned(),
        Data::Boolean(value) => value.to_string(),
        Data::Int(text) | Data::Double(text) => text.clone(),
        Data::Text(text) => crate::yaml::quoted(text),
        Data::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Data::Map(entries) => {
            let entry = |(key, value): &(super::node::Key, Node)| {
                format!("{}: {}", crate::yaml::quoted(&key.text), flow(value))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}
