//! Writes registries as `definition/2` files of OpenTelemetry's format, which Weaver reads.
//!
//! An attribute is defined once, in `attributes.yaml`; what a span, event or group says otherwise of it stands at its
//! `ref`. What the format has no word for goes into annotations; [`read`](crate::read) has the list.

use crate::groups::{Attributes, Groups};
use crate::model::{
    Attribute, Deprecated, Group, Level, Member, Registry, Requirement, Scalar, Span, Stability, ValueType,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Lines are broken behind this column where the format allows it.
const WIDTH: usize = 110;

/// Writes `registry`: file names with `/` between folders, and what goes into them. The manifest comes first, then
/// `attributes.yaml`, `groups.yaml`, and for each first segment of a name `spans/<segment>.yaml` and
/// `events/<segment>.yaml`.
///
/// [`read::texts`](crate::read::texts) gives the same registry again, apart from `attributes`, which then holds every
/// attribute's definition. A constant's attribute is required, whatever the registry said.
///
/// # Errors
///
/// All that cannot be written, a line each: attributes of one name with two types, members that are not of their
/// attribute's type, groups that do not exist, and a registry without a schema URL.
///
/// # Examples
///
/// ```
/// use otelier_registry::model::{Attribute, Registry, Span};
/// use otelier_registry::{read, yaml};
///
/// let market = Attribute { name: "crypto.market".into(), brief: "Where it is traded.".into(), ..Attribute::default() };
/// let span = Span { id: "crypto.call".into(), attributes: vec![market], ..Span::default() };
/// let schema_url = "https://crypto.example/schemas/1.0.0".into();
/// let registry = Registry { spans: vec![span], schema_url, ..Registry::default() };
///
/// let files = yaml::definition(&registry)?;
/// assert_eq!(files[2].0, "spans/crypto.yaml");
/// let again = read::texts(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
/// assert_eq!(again.spans, registry.spans);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn definition(registry: &Registry) -> Result<Vec<(String, String)>, String> {
    let mut writer = Writer::new(registry);
    let mut files = vec![("manifest.yaml".to_owned(), writer.manifest())];
    writer.define();
    files.push(("attributes.yaml".to_owned(), file("attributes", writer.attributes())));
    if !registry.groups.is_empty() {
        let groups = registry.groups.iter().map(|group| writer.group(group)).collect();
        files.push(("groups.yaml".to_owned(), file("attribute_groups", groups)));
    }
    let mut spans: BTreeMap<String, Vec<Yaml>> = BTreeMap::new();
    for span in &registry.spans {
        let value = writer.signal(Signal::Span(span));
        spans.entry(segment(&span.id)).or_default().push(value);
    }
    files.extend(spans.into_iter().map(|(name, spans)| (format!("spans/{name}.yaml"), file("spans", spans))));
    let mut events: BTreeMap<String, Vec<Yaml>> = BTreeMap::new();
    for event in &registry.events {
        let value = writer.signal(Signal::Event(event));
        events.entry(segment(&event.id)).or_default().push(value);
    }
    files.extend(events.into_iter().map(|(name, events)| (format!("events/{name}.yaml"), file("events", events))));
    match writer.errors.is_empty() {
        true => Ok(files),
        false => Err(writer.errors.into_iter().collect::<Vec<_>>().join("\n")),
    }
}

/// The first segment of a name, as a file may be called.
fn segment(id: &str) -> String {
    let first = id.split('.').next().unwrap_or_default();
    let name: String = first
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c.to_ascii_lowercase() } else { '_' })
        .collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

fn file(key: &str, values: Vec<Yaml>) -> String {
    let mut text = "file_format: definition/2\n\n".to_owned();
    Yaml::Map(vec![(key.to_owned(), Yaml::List(values))]).write(0, &mut text);
    text
}

/// What a span and an event have in common.
#[derive(Clone, Copy)]
enum Signal<'a> {
    Span(&'a Span),
    Event(&'a crate::model::Event),
}

struct Writer<'a> {
    registry: &'a Registry,
    groups: Groups<'a>,
    definitions: BTreeMap<&'a str, Attribute>,
    /// Who was the first to have an attribute.
    owners: BTreeMap<&'a str, String>,
    errors: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            groups: Groups::of(registry),
            definitions: BTreeMap::new(),
            owners: BTreeMap::new(),
            errors: BTreeSet::new(),
        }
    }

    fn manifest(&mut self) -> String {
        let Registry { name, description, schema_url, .. } = self.registry;
        if schema_url.is_empty() {
            self.errors.insert("the registry has no schema URL; expected `https://host/path/<version>`".to_owned());
        }
        let mut fields = Vec::new();
        text("name", name, &mut fields);
        text("description", description, &mut fields);
        fields.push(("schema_url".to_owned(), Yaml::Text(schema_url.clone())));
        let mut text = String::new();
        Yaml::Map(fields).write(0, &mut text);
        text
    }

    /// Finds one definition for every attribute.
    fn define(&mut self) {
        let registry = self.registry;
        for attribute in &registry.attributes {
            self.owners.entry(&attribute.name).or_insert_with(|| "its definition".to_owned());
            self.definitions.entry(&attribute.name).or_insert_with(|| bare(attribute));
        }
        let defined: BTreeSet<&str> = self.definitions.keys().copied().collect();
        let uses = (registry.groups.iter().map(|group| (format!("group `{}`", group.id), &group.attributes)))
            .chain(registry.spans.iter().map(|span| (format!("span `{}`", span.id), &span.attributes)))
            .chain(registry.events.iter().map(|event| (format!("event `{}`", event.id), &event.attributes)));
        for (owner, attributes) in uses {
            for attribute in attributes {
                self.take(&owner, attribute, &defined);
            }
        }
        let constants = (registry.spans.iter().map(|span| (&span.id, &span.constants)))
            .chain(registry.events.iter().map(|event| (&event.id, &event.constants)));
        for (id, (name, value)) in constants.flat_map(|(id, all)| all.iter().map(move |constant| (id, constant))) {
            // Attributes that only constants give are defined nowhere else.
            self.definitions.entry(name).or_insert_with(|| Attribute {
                name: name.clone(),
                brief: format!("What kind of `{id}` it is."),
                examples: vec![value.clone()],
                ..Attribute::default()
            });
        }
    }

    /// Brings the definition in line with an attribute that `owner` has.
    fn take(&mut self, owner: &str, attribute: &'a Attribute, defined: &BTreeSet<&str>) {
        let name = attribute.name.as_str();
        let Some(definition) = self.definitions.get_mut(name) else {
            self.owners.insert(name, owner.to_owned());
            self.definitions.insert(name, bare(attribute));
            return;
        };
        if definition.value_type != attribute.value_type {
            let first = self.owners.get(name).map_or("its definition", String::as_str);
            self.errors.insert(format!(
                "`{name}` is `{}` in {first} and `{}` in {owner}; expected one type",
                definition.value_type, attribute.value_type
            ));
            return;
        }
        let was_plain = definition.members.is_empty();
        if definition.members != attribute.members {
            let mut known: HashSet<String> = definition.members.iter().map(|member| member.value.clone()).collect();
            let more = attribute.members.iter().filter(|member| known.insert(member.value.clone()));
            definition.members.extend(more.cloned());
        }
        // Where there were no members, other values are in use.
        definition.open |= was_plain && !definition.members.is_empty();
        if !defined.contains(name) {
            // Nobody defined it, so the definition says what holds everywhere.
            definition.open |= attribute.open;
            definition.stability = definition.stability.max(attribute.stability);
            definition.deprecated = definition.deprecated.take().filter(|_| attribute.deprecated.is_some());
            for (own, other) in [
                (&mut definition.brief, &attribute.brief),
                (&mut definition.rust_enum, &attribute.rust_enum),
                (&mut definition.unit, &attribute.unit),
            ] {
                if own.is_empty() {
                    own.clone_from(other);
                }
            }
            if definition.examples.is_empty() {
                definition.examples.clone_from(&attribute.examples);
            }
        }
    }

    fn attributes(&mut self) -> Vec<Yaml> {
        let definitions = std::mem::take(&mut self.definitions);
        let values = definitions.values().map(|attribute| self.attribute(attribute)).collect();
        self.definitions = definitions;
        values
    }

    fn attribute(&mut self, attribute: &Attribute) -> Yaml {
        let mut fields = vec![("key".to_owned(), Yaml::Text(attribute.name.clone()))];
        let mut ours = Vec::new();
        let value_type = attribute.value_type;
        let members: Vec<Yaml> = attribute.members.iter().map(|member| self.member(attribute, member)).collect();
        // The format has no enumerations of other types.
        let is_enum = !members.is_empty()
            && !value_type.array
            && !value_type.template
            && matches!(value_type.scalar, Scalar::String | Scalar::Int | Scalar::Boolean);
        let members = Yaml::List(members);
        if is_enum {
            fields.push(("type".to_owned(), Yaml::Map(vec![("members".to_owned(), members)])));
        } else {
            let any_array = value_type.array && value_type.scalar == Scalar::Any;
            let written = ValueType { array: value_type.array && !any_array, ..value_type };
            fields.push(("type".to_owned(), Yaml::Raw(written.to_string())));
            if any_array {
                ours.push(("array".to_owned(), word("true")));
            }
            if !attribute.members.is_empty() {
                ours.push(("members".to_owned(), members));
            }
        }
        fields.push(("stability".to_owned(), word(attribute.stability.as_str())));
        if let Some(deprecated) = &attribute.deprecated {
            fields.push(("deprecated".to_owned(), gone(deprecated)));
        }
        fields.push(("brief".to_owned(), Yaml::Text(attribute.brief.clone())));
        text("note", &attribute.note, &mut fields);
        if !attribute.examples.is_empty() {
            fields.push(("examples".to_owned(), examples(attribute)));
        }
        if !attribute.members.is_empty() && !attribute.open {
            ours.push(("closed".to_owned(), word("true")));
        }
        text("enum", &attribute.rust_enum, &mut ours);
        text("unit", &attribute.unit, &mut ours);
        if attribute.sensitivity != crate::model::Sensitivity::default() {
            ours.push(("sensitivity".to_owned(), word(attribute.sensitivity.as_str())));
        }
        annotations(ours, &mut fields);
        Yaml::Map(fields)
    }

    fn member(&mut self, attribute: &Attribute, member: &Member) -> Yaml {
        let value = match attribute.value_type.scalar {
            Scalar::Int if member.value.parse::<i64>().is_ok_and(|value| value.to_string() == member.value) => {
                Yaml::Raw(member.value.clone())
            }
            Scalar::Boolean if matches!(member.value.as_str(), "true" | "false") => Yaml::Raw(member.value.clone()),
            Scalar::Int | Scalar::Boolean => {
                let scalar = attribute.value_type.scalar.as_str();
                self.errors.insert(format!(
                    "`{}` is `{scalar}`, but `{}` is one of its values; expected a value of that type",
                    attribute.name, member.value
                ));
                Yaml::Quoted(member.value.clone())
            }
            Scalar::String | Scalar::Double | Scalar::Any => Yaml::Quoted(member.value.clone()),
        };
        let id = if member.id.is_empty() { &member.value } else { &member.id };
        let stability = member.stability.unwrap_or(attribute.stability);
        let mut fields = vec![
            ("id".to_owned(), Yaml::Text(id.clone())),
            ("value".to_owned(), value),
            ("stability".to_owned(), word(stability.as_str())),
        ];
        text("brief", &member.brief, &mut fields);
        if let Some(deprecated) = &member.deprecated {
            fields.push(("deprecated".to_owned(), gone(deprecated)));
        }
        Yaml::Map(fields)
    }

    fn group(&mut self, group: &Group) -> Yaml {
        let mut fields =
            vec![("id".to_owned(), Yaml::Text(group.id.clone())), ("visibility".to_owned(), word("public"))];
        common(&mut fields, &group.brief, &group.note, group.stability, group.deprecated.as_ref());
        let owner = format!("group `{}`", group.id);
        let (attributes, ours) = self.references(&owner, &group.groups, &group.attributes, &[], true);
        if !attributes.is_empty() {
            fields.push(("attributes".to_owned(), Yaml::List(attributes)));
        }
        annotations(ours, &mut fields);
        Yaml::Map(fields)
    }

    fn signal(&mut self, signal: Signal<'_>) -> Yaml {
        let mut fields = Vec::new();
        let mut ours = Vec::new();
        let (owner, undeclared, constants, groups, attributes) = match signal {
            Signal::Span(span) => {
                fields.push(("type".to_owned(), Yaml::Text(span.id.clone())));
                fields.push(("kind".to_owned(), word(span.kind.as_str())));
                let note = [&span.name_note, &span.name, &span.id].into_iter().find(|note| !note.is_empty());
                let note = Yaml::Text(note.cloned().unwrap_or_default());
                fields.push(("name".to_owned(), Yaml::Map(vec![("note".to_owned(), note)])));
                common(&mut fields, &span.brief, &span.note, span.stability, span.deprecated.as_ref());
                if !span.name.is_empty() {
                    ours.push(("pattern".to_owned(), Yaml::Quoted(span.name.clone())));
                }
                (format!("span `{}`", span.id), span.undeclared, &span.constants, &span.groups, &span.attributes)
            }
            Signal::Event(event) => {
                fields.push(("name".to_owned(), Yaml::Text(event.id.clone())));
                common(&mut fields, &event.brief, &event.note, event.stability, event.deprecated.as_ref());
                let owner = format!("event `{}`", event.id);
                (owner, event.undeclared, &event.constants, &event.groups, &event.attributes)
            }
        };
        fields.push(("requirement_level".to_owned(), word("recommended")));
        if undeclared != Level::default() {
            ours.push(("undeclared".to_owned(), word(undeclared.as_str())));
        }
        if !constants.is_empty() {
            let values = constants.iter().map(|(name, value)| (name.clone(), Yaml::Quoted(value.clone())));
            ours.push(("constants".to_owned(), Yaml::Map(values.collect())));
        }
        let (attributes, more) = self.references(&owner, groups, attributes, constants, false);
        ours.extend(more);
        if !attributes.is_empty() {
            fields.push(("attributes".to_owned(), Yaml::List(attributes)));
        }
        annotations(ours, &mut fields);
        Yaml::Map(fields)
    }

    /// The references of `owner`, and what has to be annotated. `own` attributes are beside those of `groups`;
    /// otherwise `attributes` has those too.
    fn references(
        &mut self,
        owner: &str,
        groups: &[String],
        attributes: &[Attribute],
        constants: &[(String, String)],
        own: bool,
    ) -> (Vec<Yaml>, Vec<(String, Yaml)>) {
        let (mut values, mut ours) = (Vec::new(), Vec::new());
        let mut taken = Attributes::new();
        let mut inlined = Attributes::new();
        for id in groups {
            let theirs = self.groups.attributes(owner, id, &mut self.errors);
            // Weaver refuses two groups with one attribute.
            if theirs.keys().any(|name| taken.contains_key(name)) {
                inlined.extend(theirs.iter().map(|(name, attribute)| (name.clone(), attribute.clone())));
            } else {
                values.push(Yaml::Map(vec![("ref_group".to_owned(), Yaml::Text(id.clone()))]));
                taken.extend(theirs.iter().map(|(name, attribute)| (name.clone(), attribute.clone())));
            }
        }
        if values.len() < groups.len() {
            let ids = groups.iter().map(|id| quoted(id)).collect();
            ours.push(("groups".to_owned(), Yaml::Flow(ids)));
        }
        let mut wanted: BTreeMap<&str, Attribute> = BTreeMap::new();
        if own {
            wanted.extend(inlined.iter().map(|(name, attribute)| (name.as_str(), attribute.clone())));
        }
        wanted.extend(attributes.iter().map(|attribute| (attribute.name.as_str(), attribute.clone())));
        for name in taken.keys().filter(|name| !own && !wanted.contains_key(name.as_str())) {
            self.errors
                .insert(format!("{owner} lacks `{name}`, which its groups have; expected it among its attributes"));
        }
        for (name, _) in constants {
            match wanted.get_mut(name.as_str()) {
                Some(attribute) => {
                    (attribute.requirement, attribute.condition) = (Requirement::Required, String::new())
                }
                None => {
                    let level = ("requirement_level".to_owned(), word("required"));
                    let mut fields = vec![("ref".to_owned(), Yaml::Text(name.clone())), level];
                    annotations(vec![("constant".to_owned(), word("true"))], &mut fields);
                    values.push(Yaml::Map(fields));
                }
            }
        }
        for (name, attribute) in &wanted {
            let base = taken.get(*name).or_else(|| self.definitions.get(name));
            let changes = base.map(|base| changes(base, attribute)).unwrap_or_default();
            if changes.is_empty() && taken.contains_key(*name) {
                continue;
            }
            let mut fields = vec![("ref".to_owned(), Yaml::Text(attribute.name.clone()))];
            fields.extend(changes);
            values.push(Yaml::Map(fields));
        }
        (values, ours)
    }
}

/// An attribute as it is defined: how much it is needed is said where it is used.
fn bare(attribute: &Attribute) -> Attribute {
    let (requirement, condition) = Default::default();
    Attribute { requirement, condition, late: false, ..attribute.clone() }
}

/// What `attribute` says otherwise than `base`.
fn changes(base: &Attribute, attribute: &Attribute) -> Vec<(String, Yaml)> {
    let (mut fields, mut ours) = (Vec::new(), Vec::new());
    if (base.requirement, &base.condition) != (attribute.requirement, &attribute.condition) {
        let name = attribute.requirement.as_str();
        let with_condition = match attribute.requirement {
            Requirement::Required => false,
            Requirement::ConditionallyRequired => true,
            Requirement::Recommended | Requirement::OptIn => !attribute.condition.is_empty(),
        };
        let level = match with_condition {
            true => Yaml::Map(vec![(name.to_owned(), Yaml::Text(attribute.condition.clone()))]),
            false => word(name),
        };
        fields.push(("requirement_level".to_owned(), level));
    }
    if base.stability != attribute.stability {
        fields.push(("stability".to_owned(), word(attribute.stability.as_str())));
    }
    if base.deprecated != attribute.deprecated {
        match &attribute.deprecated {
            Some(deprecated) => fields.push(("deprecated".to_owned(), gone(deprecated))),
            None => ours.push(("deprecated".to_owned(), word("false"))),
        }
    }
    for (key, base, own) in [("brief", &base.brief, &attribute.brief), ("note", &base.note, &attribute.note)] {
        if base != own {
            fields.push((key.to_owned(), Yaml::Text(own.clone())));
        }
    }
    if base.examples != attribute.examples {
        fields.push(("examples".to_owned(), examples(attribute)));
    }
    if base.late != attribute.late {
        ours.push(("late".to_owned(), word(if attribute.late { "true" } else { "false" })));
    }
    let values = |attribute: &Attribute| -> Vec<String> {
        attribute.members.iter().map(|member| member.value.clone()).collect()
    };
    if values(base) != values(attribute) {
        ours.push(("values".to_owned(), Yaml::Flow(values(attribute).iter().map(|value| quoted(value)).collect())));
    }
    // Members where the base has none are open unless it is said.
    let base_open = base.open || base.members.is_empty();
    if base_open != attribute.open && !attribute.members.is_empty() {
        ours.push(("closed".to_owned(), word(if attribute.open { "false" } else { "true" })));
    }
    for (key, base, own) in [("enum", &base.rust_enum, &attribute.rust_enum), ("unit", &base.unit, &attribute.unit)] {
        if base != own {
            ours.push((key.to_owned(), Yaml::Text(own.clone())));
        }
    }
    if base.sensitivity != attribute.sensitivity {
        ours.push(("sensitivity".to_owned(), word(attribute.sensitivity.as_str())));
    }
    annotations(ours, &mut fields);
    fields
}

fn common(
    fields: &mut Vec<(String, Yaml)>,
    brief: &str,
    note: &str,
    stability: Stability,
    deprecated: Option<&Deprecated>,
) {
    fields.push(("brief".to_owned(), Yaml::Text(brief.to_owned())));
    text("note", note, fields);
    fields.push(("stability".to_owned(), word(stability.as_str())));
    if let Some(deprecated) = deprecated {
        fields.push(("deprecated".to_owned(), gone(deprecated)));
    }
}

fn gone(deprecated: &Deprecated) -> Yaml {
    let mut fields = Vec::new();
    match deprecated.renamed_to.as_str() {
        "" => {
            fields.push(("reason".to_owned(), word("uncategorized")));
            fields.push(("note".to_owned(), Yaml::Text(deprecated.note.clone())));
        }
        name => {
            fields.push(("reason".to_owned(), word("renamed")));
            fields.push(("renamed_to".to_owned(), Yaml::Text(name.to_owned())));
            text("note", &deprecated.note, &mut fields);
        }
    }
    Yaml::Map(fields)
}

/// Examples in the notation of the attribute's type; an array's are lists.
fn examples(attribute: &Attribute) -> Yaml {
    let value_type = attribute.value_type;
    let one = |example: &String| match value_type.scalar {
        _ if value_type.array => match crate::read::flow_items(example) {
            Some(items) => format!("[{}]", items.join(", ")),
            None => format!("[{}]", quoted(example)),
        },
        Scalar::String => quoted(example),
        _ if crate::read::is_number_or_boolean(example) => example.clone(),
        // What is `any` may look like a list; Weaver takes no mixture of lists and texts.
        Scalar::Int | Scalar::Double | Scalar::Boolean | Scalar::Any => quoted(example),
    };
    let mut items: Vec<String> = attribute.examples.iter().map(one).collect();
    // Weaver takes a list of whole numbers for integers.
    let whole = |item: &String| item.parse::<i64>().is_ok();
    if value_type.scalar == Scalar::Double && !value_type.array && items.iter().all(whole) {
        items.iter_mut().for_each(|item| item.push_str(".0"));
    }
    Yaml::Flow(items)
}

fn text(key: &str, text: &str, fields: &mut Vec<(String, Yaml)>) {
    if !text.is_empty() {
        fields.push((key.to_owned(), Yaml::Text(text.to_owned())));
    }
}

fn annotations(ours: Vec<(String, Yaml)>, fields: &mut Vec<(String, Yaml)>) {
    if !ours.is_empty() {
        let ours = Yaml::Map(vec![("otelier".to_owned(), Yaml::Map(ours))]);
        fields.push(("annotations".to_owned(), ours));
    }
}

fn word(word: &str) -> Yaml {
    Yaml::Raw(word.to_owned())
}

/// A value that is to be written.
enum Yaml {
    /// Text in whatever notation suits it.
    Text(String),
    /// Text that is always in quotes.
    Quoted(String),
    /// Already in YAML's notation.
    Raw(String),
    /// A list in one line if there is room, of items in YAML's notation.
    Flow(Vec<String>),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Yaml {
    /// Writes lists and mappings, each of their lines `indent` deep.
    fn write(&self, indent: usize, out: &mut String) {
        match self {
            Self::Map(fields) => {
                for (key, value) in fields {
                    out.push_str(&" ".repeat(indent));
                    Self::field(key, value, indent, out);
                }
            }
            Self::List(items) => {
                for item in items {
                    let mut inner = String::new();
                    item.write(indent + 2, &mut inner);
                    out.push_str(&format!("{}- {}", " ".repeat(indent), inner.trim_start_matches(' ')));
                }
            }
            Self::Flow(items) => items.iter().for_each(|item| {
                out.push_str(&format!("{}- {item}\n", " ".repeat(indent)));
            }),
            Self::Text(text) | Self::Quoted(text) | Self::Raw(text) => {
                out.push_str(&format!("{}{}\n", " ".repeat(indent), quoted(text)));
            }
        }
    }

    fn field(key: &str, value: &Self, indent: usize, out: &mut String) {
        let key = if is_plain(key) && !key.contains(':') { key.to_owned() } else { quoted(key) };
        out.push_str(&key);
        out.push(':');
        match value {
            Self::Map(fields) if fields.is_empty() => out.push_str(" {}\n"),
            Self::List(items) if items.is_empty() => out.push_str(" []\n"),
            Self::Map(_) | Self::List(_) => {
                out.push('\n');
                value.write(indent + 2, out);
            }
            Self::Flow(items) => {
                let line = format!(" [{}]", items.join(", "));
                if indent + key.chars().count() + line.chars().count() < WIDTH {
                    out.push_str(&line);
                    out.push('\n');
                } else {
                    out.push('\n');
                    value.write(indent + 2, out);
                }
            }
            Self::Raw(text) => out.push_str(&format!(" {text}\n")),
            Self::Quoted(text) => out.push_str(&format!(" {}\n", quoted(text))),
            Self::Text(text) => {
                let room = WIDTH.saturating_sub(indent + key.chars().count() + 2);
                match block(text, indent + 2, room) {
                    Some(block) => out.push_str(&block),
                    None if is_plain(text) => out.push_str(&format!(" {text}\n")),
                    None => out.push_str(&format!(" {}\n", quoted(text))),
                }
            }
        }
    }
}

/// `text` as a block, if it has several lines or is too long for `room`, and the block means exactly it.
fn block(text: &str, indent: usize, room: usize) -> Option<String> {
    let odd = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'));
    let margin = " ".repeat(indent);
    if text.contains(odd) || text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']) {
        return None;
    }
    let mut out;
    if text.contains('\n') {
        // Lines of spaces only would be taken for empty ones.
        if text.split('\n').any(|line| !line.is_empty() && line.trim_matches(' ').is_empty()) {
            return None;
        }
        out = " |-\n".to_owned();
        for line in text.split('\n') {
            if !line.is_empty() {
                out.push_str(&margin);
                out.push_str(line);
            }
            out.push('\n');
        }
    } else {
        if text.chars().count() <= room || text.contains("  ") {
            return None;
        }
        out = " >-\n".to_owned();
        let mut column = 0;
        for word in text.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length <= WIDTH {
                out.push(' ');
                column += 1;
            } else {
                out.push_str(if column > 0 { "\n" } else { "" });
                out.push_str(&margin);
                column = indent;
            }
            out.push_str(word);
            column += length;
        }
        out.push('\n');
    }
    Some(out)
}

/// Whether `text` means itself without quotes, for every reader of YAML.
fn is_plain(text: &str) -> bool {
    const WORDS: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];
    let mut chars = text.chars().peekable();
    if !chars.peek().is_some_and(|c| c.is_ascii_alphabetic() || *c == '_') || text.ends_with([' ', ':']) {
        return false;
    }
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let fits = match c {
            ':' => chars.peek().is_some_and(|next| next.is_alphanumeric() || *next == '/'),
            '#' => before != ' ',
            ' ' => true,
            _ => c.is_ascii_graphic() || c.is_alphanumeric(),
        };
        if !fits {
            return false;
        }
        before = c;
    }
    !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// `text` as a scalar of YAML in double quotes, whatever is in it.
///
/// ```
/// assert_eq!(otelier_registry::yaml::quoted("a\n\"b\""), r#""a\n\"b\"""#);
/// ```
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // What YAML does not print, what ends a line for it, and what marks the order of bytes.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
