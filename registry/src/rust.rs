//! Writes registries as Rust source: `attribute_group!`, `span_schema!` and `event_schema!` declarations, and enums
//! that derive `AttributeEnum`.

use crate::groups::{Attributes, Groups};
use crate::model::{
    Attribute, Deprecated, Group, Level, Member, Registry, Requirement, Scalar, Sensitivity, Stability,
};
use otelier_spec::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// No line is longer, unless a single word is.
const WIDTH: usize = 120;

/// How many attributes a declaration may have: the runtime keeps one bit for each.
const MAX_ATTRIBUTES: usize = 128;

/// Names that the source needs for what they usually mean.
const RESERVED: &[&str] = &[
    "Box", "Clone", "Copy", "Debug", "Default", "Err", "None", "Ok", "Option", "Result", "Self", "Some", "String",
    "Vec",
];

/// How the source is to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the macros are: `otelier`, or `crate`.
    pub crate_path: String,
    /// What the module's documentation says. Without any the source may stand in the middle of a file.
    pub docs: String,
    /// Whether groups are declared and taken in; otherwise every span has its attributes in full.
    pub groups: bool,
}

/// A part of a registry that has a Rust module of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The module's path, such as `crate::schema::crypto`; names in it leave its last segment out.
    pub path: String,
    /// What the module's documentation says.
    pub docs: String,
    /// Ids of the groups, spans and events in it.
    pub ids: BTreeSet<String>,
    /// Names of the attributes whose enums are in it.
    pub attributes: BTreeSet<String>,
    /// Rust names that do not follow from the ids.
    pub names: BTreeMap<String, String>,
}

impl Module {
    /// The Rust name that something in the module is to have.
    fn wanted(&self, id: &str) -> String {
        let segment = self.path.rsplit("::").next().unwrap_or_default();
        let local = id.strip_prefix(segment).and_then(|rest| rest.strip_prefix('.')).unwrap_or(id);
        self.names.get(id).cloned().unwrap_or_else(|| pascal(local))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { crate_path: "otelier".to_owned(), docs: String::new(), groups: true }
    }
}

/// Writes `registry` as Rust source, the same for the same registry and as `rustfmt` leaves it.
///
/// Text attributes with known values become enums, named after [`Attribute::rust_enum`] or the attribute. How a span is
/// named stands in a comment where that is no pattern. Attributes that nothing has are left out.
///
/// # Errors
///
/// All that cannot be written, a line each: names that are not lower case segments between dots, and more than 128
/// attributes in one declaration.
///
/// # Examples
///
/// ```
/// use otelier_registry::{read, rust};
///
/// let model = "
/// file_format: definition/2
/// attributes:
///   - {key: crypto.market, type: string, stability: stable, brief: Where it is traded.}
/// spans:
///   - type: crypto.call
///     kind: client
///     name: {note: crypto.call}
///     brief: A call to an exchange.
///     stability: development
///     attributes: [{ref: crypto.market, requirement_level: required}]
/// ";
/// let registry = read::texts([("crypto.yaml", model)])?;
/// let expected = r#"otelier::span_schema! {
///     /// A call to an exchange.
///     pub CryptoCall = "crypto.call" {
///         kind = client;
///         /// Where it is traded.
///         crypto.market: string required stable;
///     }
/// }
/// "#;
/// assert_eq!(rust::source(&registry, &rust::Options::default())?, expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn source(registry: &Registry, options: &Options) -> Result<String, String> {
    let all = Module { docs: options.docs.clone(), ..Module::default() };
    modules(registry, options, &[all]).map(|mut sources| sources.pop().unwrap_or_default())
}

/// Writes `registry` as the source of several modules, in their order. What no module has is in the first one.
///
/// # Errors
///
/// As [`source`].
pub fn modules(registry: &Registry, options: &Options, modules: &[Module]) -> Result<Vec<String>, String> {
    let mut writer = Writer::new(registry, options, modules);
    writer.name_all();
    let sources = (0..modules.len()).map(|module| writer.module(module)).collect();
    if !writer.errors.is_empty() {
        return Err(writer.errors.into_iter().collect::<Vec<_>>().join("\n"));
    }
    Ok(sources)
}
/// What spans and events have in common.
struct Signal<'a> {
    keyword: &'a str,
    owner: String,
    ident: String,
    id: &'a str,
    brief: &'a str,
    note: &'a str,
    stability: Stability,
    deprecated: Option<&'a Deprecated>,
    undeclared: Level,
    constants: &'a [(String, String)],
    groups: &'a [String],
    attributes: &'a [Attribute],
    /// Lines that only one of them has.
    items: Vec<String>,
}

/// A Rust enum for the known values of attributes.
#[derive(Clone)]
struct Enum {
    module: usize,
    ident: String,
    /// What it was to be called.
    wanted: String,
    brief: String,
    open: bool,
    members: Vec<Member>,
}

struct Writer<'a> {
    registry: &'a Registry,
    options: &'a Options,
    modules: &'a [Module],
    /// The module that is being written.
    current: usize,
    groups: Groups<'a>,
    idents: BTreeMap<(&'static str, &'a str), (usize, String)>,
    /// Names that are taken, by module.
    taken: Vec<BTreeSet<String>>,
    enums: Vec<Enum>,
    errors: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    fn new(registry: &'a Registry, options: &'a Options, modules: &'a [Module]) -> Self {
        Self {
            registry,
            options,
            modules,
            current: 0,
            groups: Groups::of(registry),
            idents: BTreeMap::new(),
            taken: vec![RESERVED.iter().map(|&name| name.to_owned()).collect(); modules.len()],
            enums: Vec::new(),
            errors: BTreeSet::new(),
        }
    }

    /// Gives everything a name of its own: first enums whose names somebody chose, then spans, events and groups, and
    /// other enums last.
    fn name_all(&mut self) {
        let registry = self.registry;
        let attributes = || {
            (registry.groups.iter().flat_map(|group| &group.attributes))
                .chain(registry.spans.iter().flat_map(|span| &span.attributes))
                .chain(registry.events.iter().flat_map(|event| &event.attributes))
                .filter(|attribute| has_enum(attribute))
        };
        attributes()
            .filter(|attribute| !attribute.rust_enum.is_empty())
            .for_each(|attribute| self.name_enum(attribute));
        for span in &registry.spans {
            let ident = self.name(&span.id, "Span");
            self.idents.insert(("span", &span.id), ident);
        }
        for event in &registry.events {
            let ident = self.name(&event.id, "Event");
            self.idents.insert(("event", &event.id), ident);
        }
        if self.options.groups {
            for group in &registry.groups {
                let ident = self.name(&group.id, "Group");
                self.idents.insert(("group", &group.id), ident);
            }
        }
        attributes().filter(|attribute| attribute.rust_enum.is_empty()).for_each(|attribute| self.name_enum(attribute));
    }

    /// The module of a group, span or event, and the name it has there.
    fn name(&mut self, id: &str, suffix: &str) -> (usize, String) {
        let module = self.modules.iter().position(|module| module.ids.contains(id)).unwrap_or_default();
        let wanted = self.modules.get(module).map_or_else(|| pascal(id), |module| module.wanted(id));
        (module, self.unique(module, &wanted, suffix))
    }

    fn name_enum(&mut self, attribute: &Attribute) {
        if self.enum_of(attribute).is_some() {
            return;
        }
        let wanted = wanted(attribute);
        let name = &attribute.name;
        let module = self.modules.iter().position(|module| module.attributes.contains(name)).unwrap_or_default();
        let ident = self.unique(module, &wanted, "Value");
        let Attribute { open, members, .. } = attribute.clone();
        // What the attribute means in general, not what it means to the first that has it.
        let definition = self.registry.attributes.iter().find(|known| known.name == attribute.name);
        let brief = match definition.unwrap_or(attribute).brief.as_str() {
            "" => format!("Values of `{}`.", attribute.name),
            brief => brief.to_owned(),
        };
        self.enums.push(Enum { module, ident, wanted, brief, open, members });
    }

    fn enum_of(&self, attribute: &Attribute) -> Option<&Enum> {
        let wanted = wanted(attribute);
        self.enums
            .iter()
            .find(|known| known.wanted == wanted && known.open == attribute.open && known.members == attribute.members)
    }

    /// `name`, or with `suffix` or a number behind it if that is taken.
    fn unique(&mut self, module: usize, name: &str, suffix: &str) -> String {
        let Some(taken) = self.taken.get_mut(module) else { return name.to_owned() };
        let mut found = name.to_owned();
        if taken.contains(&found) {
            found.push_str(suffix);
        }
        let base = found.clone();
        let mut number = 2;
        while !taken.insert(found.clone()) {
            found = format!("{base}{number}");
            number += 1;
        }
        found
    }

    /// How something is named in the module that is being written.
    fn ident(&self, what: &'static str, id: &str) -> String {
        self.idents.get(&(what, id)).map(|(module, ident)| self.path(*module, ident)).unwrap_or_default()
    }

    fn path(&self, module: usize, ident: &str) -> String {
        match self.modules.get(module).filter(|_| module != self.current) {
            Some(module) => format!("{}::{ident}", module.path),
            None => ident.to_owned(),
        }
    }

    fn is_here(&self, what: &'static str, id: &str) -> bool {
        self.idents.get(&(what, id)).is_some_and(|(module, _)| *module == self.current)
    }

    /// Writes one module.
    fn module(&mut self, module: usize) -> String {
        let registry = self.registry;
        self.current = module;
        let mut parts = Vec::new();
        if self.options.groups {
            for group in &registry.groups {
                if self.is_here("group", &group.id) {
                    parts.push(self.group(group));
                }
            }
        }
        for span in registry.spans.iter().filter(|span| self.is_here("span", &span.id)).collect::<Vec<_>>() {
            let mut items = Vec::new();
            if span.kind != Kind::default() {
                items.push(format!("    kind = {};", span.kind.as_str()));
            }
            self.span_name(span, &mut items);
            parts.push(self.signal(&Signal {
                keyword: "span_schema",
                owner: format!("span `{}`", span.id),
                ident: self.ident("span", &span.id),
                id: &span.id,
                brief: &span.brief,
                note: &span.note,
                stability: span.stability,
                deprecated: span.deprecated.as_ref(),
                undeclared: span.undeclared,
                constants: &span.constants,
                groups: &span.groups,
                attributes: &span.attributes,
                items,
            }));
        }
        for event in registry.events.iter().filter(|event| self.is_here("event", &event.id)).collect::<Vec<_>>() {
            parts.push(self.signal(&Signal {
                keyword: "event_schema",
                owner: format!("event `{}`", event.id),
                ident: self.ident("event", &event.id),
                id: &event.id,
                brief: &event.brief,
                note: &event.note,
                stability: event.stability,
                deprecated: event.deprecated.as_ref(),
                undeclared: event.undeclared,
                constants: &event.constants,
                groups: &event.groups,
                attributes: &event.attributes,
                items: Vec::new(),
            }));
        }
        let enums = self.enums.iter().filter(|values| values.module == module);
        parts.extend(enums.map(|values| values.source(&self.options.crate_path)));
        if let Some(module) = self.modules.get(module).filter(|module| !module.docs.is_empty()) {
            let mut docs = String::new();
            for line in module.docs.lines() {
                comment("//!", line, 0, &mut docs);
            }
            parts.insert(0, docs);
        }
        parts.join("\n")
    }

    fn group(&mut self, group: &Group) -> String {
        let owner = format!("group `{}`", group.id);
        let mut out = format!("{}::attribute_group! {{\n", self.options.crate_path);
        comment("///", &group.brief, 4, &mut out);
        out.push_str(&format!("    pub {} = {} {{\n", self.ident("group", &group.id), literal(&group.id, 0, 0)));
        let mut body = Vec::new();
        common(&group.note, group.stability, None, &mut body);
        if let Some(deprecated) = &group.deprecated {
            // Groups have no word for it.
            let mut lines = String::new();
            comment("//", &format!("Deprecated: {}", said(deprecated)), 8, &mut lines);
            body.push(lines.trim_end().to_owned());
        }
        self.attributes(&owner, &group.groups, &group.attributes, true, &mut body);
        finish(body, &mut out);
        out
    }

    /// The name of a span, as a pattern if it is one that the macros take.
    fn span_name(&self, span: &crate::model::Span, items: &mut Vec<String>) {
        let known = |name: &str| {
            span.constants.iter().any(|(constant, _)| constant == name)
                || (span.attributes.iter()).any(|own| own.name == name && own.requirement == Requirement::Required)
        };
        let mut said = String::new();
        if !span.name.is_empty() {
            if placeholders(&span.name).is_some_and(|names| names.into_iter().all(known)) {
                items.push(format!("    name = {};", literal(&span.name, 15, 12)));
            } else {
                // The pattern names something that a span may lack.
                comment("//", &format!("Name: {}", span.name), 8, &mut said);
            }
        }
        if !span.name_note.is_empty() {
            comment("//", &format!("Name: {}", span.name_note), 8, &mut said);
        }
        items.extend(said.lines().map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned()));
    }

    fn signal(&mut self, signal: &Signal<'_>) -> String {
        let mut out = format!("{}::{}! {{\n", self.options.crate_path, signal.keyword);
        comment("///", signal.brief, 4, &mut out);
        out.push_str(&format!("    pub {} = {} {{\n", signal.ident, literal(signal.id, 0, 0)));
        let mut body: Vec<String> = signal.items.iter().map(|item| format!("    {item}")).collect();
        common(signal.note, signal.stability, signal.deprecated, &mut body);
        if signal.undeclared != Level::default() {
            body.push(format!("        undeclared = {};", signal.undeclared.as_str()));
        }
        for (name, value) in signal.constants {
            self.check_name(&signal.owner, name);
            let start = format!("        constant {name} = ");
            body.push(format!("{start}{};", literal(value, start.len(), 12)));
        }
        self.attributes(&signal.owner, signal.groups, signal.attributes, false, &mut body);
        finish(body, &mut out);
        out
    }

    /// Writes `attributes`, of which the groups bring some; with `own` they are beside those of the groups.
    fn attributes(
        &mut self,
        owner: &str,
        groups: &[String],
        attributes: &[Attribute],
        own: bool,
        body: &mut Vec<String>,
    ) {
        if attributes.len() > MAX_ATTRIBUTES {
            let count = attributes.len();
            self.errors.insert(format!("{owner} has {count} attributes; expected at most {MAX_ATTRIBUTES}"));
            return;
        }
        let mut wanted = Attributes::new();
        let mut included = Attributes::new();
        let by_name = |attributes: &[Attribute]| {
            let named = attributes.iter().map(|attribute| (attribute.name.clone(), attribute.clone()));
            named.collect::<BTreeMap<_, _>>()
        };
        let mine = by_name(attributes);
        for id in groups {
            let theirs = self.groups.attributes(owner, id, &mut self.errors);
            let fits = |(name, attribute): (&String, &Attribute)| {
                !included.contains_key(name)
                    && match mine.get(name) {
                        // A group cannot change what another brings.
                        Some(other) => other == attribute || (!own && refinement(attribute, other).is_some()),
                        None => own,
                    }
            };
            if self.options.groups && theirs.iter().all(fits) {
                body.push(format!("        include {};", self.ident("group", id)));
                included.extend(theirs.iter().map(|(name, attribute)| (name.clone(), attribute.clone())));
            } else if own {
                wanted.extend(theirs.iter().map(|(name, attribute)| (name.clone(), attribute.clone())));
            }
        }
        wanted.extend(mine);
        for (name, attribute) in &wanted {
            match included.get(name) {
                Some(base) if base == attribute => {}
                Some(base) => body.extend(refinement(base, attribute)),
                None => {
                    self.check_name(owner, name);
                    body.push(self.attribute(attribute));
                }
            }
        }
    }

    fn check_name(&mut self, owner: &str, name: &str) {
        if !is_name(name) {
            self.errors.insert(format!(
                "`{name}` of {owner} cannot be declared; expected lower case segments between dots, \
                 and at least one dot"
            ));
        }
    }

    fn attribute(&self, attribute: &Attribute) -> String {
        let mut out = String::new();
        let is_number = matches!(attribute.value_type.scalar, Scalar::Int | Scalar::Double);
        // What the declaration has no word for.
        if attribute.requirement == Requirement::OptIn && !attribute.condition.is_empty() {
            comment("//", &format!("When: {}", attribute.condition), 8, &mut out);
        }
        if !attribute.unit.is_empty() && !is_number {
            comment("//", &format!("Unit: {}", attribute.unit), 8, &mut out);
        }
        let in_literal = attribute.brief.contains('\n');
        if !in_literal {
            comment("///", &attribute.brief, 8, &mut out);
        }
        let key = if attribute.value_type.template { ".<key>" } else { "" };
        let mut line = Line::new(format!("        {}{key}: ", attribute.name));
        let value = match self.enum_of(attribute).filter(|_| has_enum(attribute)) {
            Some(values) => self.path(values.module, &values.ident),
            None => crate::model::ValueType { template: false, ..attribute.value_type }.to_string(),
        };
        line.text.push_str(&value);
        requirement(attribute.requirement, &attribute.condition, attribute.late, &mut line);
        if !has_enum(attribute) && !attribute.members.is_empty() {
            let int = attribute.value_type.scalar == Scalar::Int;
            let values = attribute.members.iter().map(|member| {
                let value = if int { member.value.clone() } else { item(&member.value) };
                let brief = Some(&member.brief).filter(|brief| !brief.is_empty() && **brief != member.value);
                (value, brief.map(|brief| item(brief)))
            });
            let open = attribute.open.then(|| ("..".to_owned(), None));
            if int || attribute.value_type.scalar == Scalar::String {
                line.word("in");
                line.list(values.chain(open));
            }
        }
        if !attribute.unit.is_empty() && is_number {
            line.said("unit", &attribute.unit);
        }
        if attribute.sensitivity != Sensitivity::default() {
            line.word(attribute.sensitivity.as_str());
        }
        if attribute.stability != Stability::default() {
            line.word(attribute.stability.as_str());
        }
        if let Some(deprecated) = &attribute.deprecated {
            match is_name(&deprecated.renamed_to) {
                true => {
                    line.word(&format!("renamed {}", deprecated.renamed_to));
                    if !says_nothing_more(deprecated) {
                        line.said("deprecated", &deprecated.note);
                    }
                }
                false => line.said("deprecated", &said(deprecated)),
            }
        }
        if !attribute.examples.is_empty() {
            line.word("examples");
            let examples = attribute.examples.iter().map(|example| match attribute.value_type.scalar {
                _ if attribute.value_type.array => item(example),
                Scalar::Int | Scalar::Any if is_int(example) => example.clone(),
                Scalar::Double if is_double(example) => example.clone(),
                Scalar::Boolean if matches!(example.as_str(), "true" | "false") => example.clone(),
                _ => item(example),
            });
            line.list(examples.map(|example| (example, None)));
        }
        if !attribute.note.is_empty() {
            line.said("note", &attribute.note);
        }
        if in_literal {
            line.literal(&attribute.brief);
        }
        out.push_str(&line.text);
        out.push(';');
        out
    }
}

/// How `attribute` differs from `base`, as a `refine` item; nothing if that cannot say it.
fn refinement(base: &Attribute, attribute: &Attribute) -> Option<String> {
    let changed = Attribute {
        requirement: attribute.requirement,
        condition: attribute.condition.clone(),
        brief: attribute.brief.clone(),
        late: attribute.late,
        ..base.clone()
    };
    let same_level = (base.requirement, &base.condition) == (attribute.requirement, &attribute.condition);
    let lost = (base.late && !attribute.late)
        || (attribute.requirement == Requirement::OptIn && !attribute.condition.is_empty())
        || (attribute.brief.is_empty() && !base.brief.is_empty());
    if changed != *attribute || lost || base.value_type.template {
        return None;
    }
    let mut line = Line::new(format!("        refine {}", attribute.name));
    if !same_level || base.late != attribute.late {
        let late = attribute.late && !base.late;
        match attribute.requirement {
            // A word for the default level, because another was inherited.
            Requirement::Recommended if attribute.condition.is_empty() && !same_level => line.word("recommended"),
            _ if same_level => {}
            _ => requirement(attribute.requirement, &attribute.condition, false, &mut line),
        }
        if late {
            line.word("late");
        }
    }
    if base.brief != attribute.brief {
        line.literal(&attribute.brief);
    }
    Some(format!("{};", line.text))
}

fn requirement(level: Requirement, condition: &str, late: bool, line: &mut Line) {
    match level {
        // `late` says so too.
        Requirement::Required if late => {}
        Requirement::Required => line.word("required"),
        Requirement::ConditionallyRequired => line.said("required_if", condition),
        Requirement::Recommended if condition.is_empty() => {}
        Requirement::Recommended => line.said("recommended_if", condition),
        Requirement::OptIn => line.word("opt_in"),
    }
    if late {
        line.word("late");
    }
}

/// Writes what all declarations have.
fn common(note: &str, stability: Stability, deprecated: Option<&Deprecated>, body: &mut Vec<String>) {
    if !note.is_empty() {
        body.push(format!("        note {};", literal(note, 13, 12)));
    }
    if stability != Stability::default() {
        body.push(format!("        stability = {};", stability.as_str()));
    }
    if let Some(deprecated) = deprecated {
        let is_renamed = is_name(&deprecated.renamed_to);
        if is_renamed {
            body.push(format!("        renamed = {};", deprecated.renamed_to));
        }
        if !is_renamed || !says_nothing_more(deprecated) {
            body.push(format!("        deprecated = {};", literal(&said(deprecated), 21, 12)));
        }
    }
}

fn finish(body: Vec<String>, out: &mut String) {
    for item in body {
        out.push_str(&item);
        out.push('\n');
    }
    out.push_str("    }\n}\n");
}

/// What to do instead of something deprecated, in words.
fn said(deprecated: &Deprecated) -> String {
    match (deprecated.renamed_to.as_str(), deprecated.note.as_str()) {
        ("", "") => "Deprecated.".to_owned(),
        (name, "") => format!("Replaced by `{name}`."),
        (_, note) => note.to_owned(),
    }
}

fn says_nothing_more(deprecated: &Deprecated) -> bool {
    deprecated.note.is_empty() || deprecated.note == format!("Replaced by `{}`.", deprecated.renamed_to)
}

/// Whether the attribute's values become an enum.
fn has_enum(attribute: &Attribute) -> bool {
    let value_type = attribute.value_type;
    // Of an open set nobody knows all variants; text is easier to give, unless somebody chose a name for the enum.
    !attribute.members.is_empty()
        && (!attribute.open || !attribute.rust_enum.is_empty())
        && value_type.scalar == Scalar::String
        && !value_type.array
        && !value_type.template
}

fn wanted(attribute: &Attribute) -> String {
    match attribute.rust_enum.as_str() {
        "" => pascal(&attribute.name),
        name => pascal(name),
    }
}

/// The attributes a pattern names; nothing if its braces do not match.
fn placeholders(pattern: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = pattern;
    while let Some(start) = rest.find(['{', '}']) {
        let (name, behind) = rest.get(start..)?.strip_prefix('{')?.split_once('}')?;
        names.push(name);
        rest = behind;
    }
    Some(names)
}

/// Whether `name` is an attribute name as declarations have them.
fn is_name(name: &str) -> bool {
    let is_segment = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && segment != "_"
            && segment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.contains('.') && name.split('.').all(is_segment)
}

/// Whether `text` is a Rust literal of an integer that is not negative.
fn is_int(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|value| value >= 0 && value.to_string() == text)
}

fn is_double(text: &str) -> bool {
    let Some((whole, fraction)) = text.split_once('.') else { return is_int(text) };
    is_int(whole) && !fraction.is_empty() && fraction.chars().all(|c| c.is_ascii_digit())
}

/// The name of a Rust type: `http.request.method` is `HttpRequestMethod`.
fn pascal(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        let rest = chars.as_str();
        // A word in capitals is one word: `GET` is `Get`.
        match word.len() > 1 && !word.chars().any(|c| c.is_ascii_lowercase()) {
            true => out.push_str(&rest.to_ascii_lowercase()),
            false => out.push_str(rest),
        }
    }
    match out.chars().next() {
        None => "Value".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("V{out}"),
        Some(_) if out == "Self" => "SelfValue".to_owned(),
        Some(_) => out,
    }
}

impl Enum {
    fn source(&self, crate_path: &str) -> String {
        let mut out = String::new();
        comment("///", &self.brief, 0, &mut out);
        let copy = if self.open { "" } else { "Copy, " };
        out.push_str(&format!(
            "#[derive(Clone, {copy}Debug, PartialEq, Eq, Hash, {crate_path}::AttributeEnum)]\npub enum {} {{\n",
            self.ident
        ));
        let mut idents = BTreeSet::new();
        let mut values = BTreeSet::new();
        for member in &self.members {
            // A value that has two names has the first.
            if !values.insert(&member.value) {
                continue;
            }
            let name = pascal(if member.id.is_empty() { &member.value } else { &member.id });
            let mut ident = name.clone();
            let mut number = 2;
            while !idents.insert(ident.clone()) {
                ident = format!("{name}{number}");
                number += 1;
            }
            let value = format!("`{}`.", member.value);
            comment("///", if member.brief.is_empty() { &value } else { &member.brief }, 4, &mut out);
            if let Some(deprecated) = &member.deprecated {
                out.push_str("    ///\n");
                comment("///", &format!("Deprecated: {}", said(deprecated)), 4, &mut out);
            }
            if snake(&ident).as_deref() != Some(&member.value) {
                out.push_str(&format!("    #[attribute(value = {})]\n", literal(&member.value, 0, usize::MAX)));
            }
            out.push_str(&format!("    {ident},\n"));
        }
        if self.open {
            let names = ["Other", "Custom", "Unlisted"].map(str::to_owned).into_iter();
            let numbered = (2..).map(|number| format!("Other{number}"));
            let ident = names.chain(numbered).find(|name| !idents.contains(name)).unwrap_or_default();
            out.push_str(&format!("    /// Any other value.\n    #[attribute(other)]\n    {ident}(String),\n"));
        }
        out.push_str("}\n");
        out
    }
}

/// `ident` in snake case, if everybody agrees on it: with digits or several capitals in a row they do not.
fn snake(ident: &str) -> Option<String> {
    let mut out = String::new();
    let mut capital = true;
    for c in ident.chars() {
        match c {
            'A'..='Z' if capital && !out.is_empty() => return None,
            'A'..='Z' => {
                if !out.is_empty() {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
                capital = true;
            }
            'a'..='z' => {
                out.push(c);
                capital = false;
            }
            _ => return None,
        }
    }
    Some(out)
}

/// A line of an item, broken where it is too long.
struct Line {
    text: String,
}

impl Line {
    /// How far the lines behind the first are indented.
    const MARGIN: usize = 12;

    fn new(text: String) -> Self {
        Self { text }
    }

    fn column(&self) -> usize {
        self.text.lines().next_back().map_or(0, |line| line.chars().count())
    }

    fn word(&mut self, word: &str) {
        if self.column() + 1 + word.chars().count() < WIDTH {
            self.text.push(' ');
        } else {
            self.text.push_str(&format!("\n{}", " ".repeat(Self::MARGIN)));
        }
        self.text.push_str(word);
    }

    /// A word with a text behind it.
    fn said(&mut self, word: &str, text: &str) {
        // The word does not stay behind alone.
        let one_line = literal(text, 0, usize::MAX).chars().count();
        if self.column() + 3 + word.len() + one_line >= WIDTH && self.column() > WIDTH / 2 {
            self.text.push_str(&format!("\n{}{word}", " ".repeat(Self::MARGIN)));
        } else {
            self.word(word);
        }
        self.literal(text);
    }

    fn literal(&mut self, text: &str) {
        let literal = literal(text, self.column() + 1, Self::MARGIN);
        self.text.push(' ');
        self.text.push_str(&literal);
    }

    /// Items between brackets, some with documentation behind them.
    fn list(&mut self, items: impl Iterator<Item = (String, Option<String>)>) {
        let mut items = items.peekable();
        let mut start = "[";
        while let Some((item, doc)) = items.next() {
            let end = if items.peek().is_some() { "," } else { "]" };
            match doc {
                Some(doc) => {
                    self.word(&format!("{start}{item}"));
                    self.word(&format!("{doc}{end}"));
                }
                None => self.word(&format!("{start}{item}{end}")),
            }
            start = "";
        }
    }
}

/// `text` as an item of a list, which has a line of its own if it is long.
fn item(text: &str) -> String {
    literal(text, Line::MARGIN + 1, Line::MARGIN + 4)
}

/// `text` as comment lines of their own, each with `mark`.
fn comment(mark: &str, text: &str, indent: usize, out: &mut String) {
    // Line ends end the comment, and characters that change the direction of text are refused by the compiler.
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let start = format!("{}{mark}", " ".repeat(indent));
    let mut line = start.clone();
    for word in text.split(|c: char| c == ' ' || c.is_control()).filter(|word| !word.is_empty()) {
        let word = word.replace(turns, "");
        if line.len() > start.len() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&format!("{line}\n"));
            line.clone_from(&start);
        }
        line.push_str(&format!(" {word}"));
    }
    // No text is no comment, apart from an empty line of a module's documentation.
    if line.len() > start.len() || mark == "//!" {
        out.push_str(&format!("{line}\n"));
    }
}

/// `text` as a Rust literal that begins in `column`; lines behind the first are indented by `margin`.
fn literal(text: &str, column: usize, margin: usize) -> String {
    let mut out = "\"".to_owned();
    let mut column = column + 1;
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let piece = match c {
            '"' => "\\\"".to_owned(),
            c => c.escape_debug().to_string().replace("\\'", "'"),
        };
        let width = piece.chars().count();
        // The line cannot end before spaces.
        let spaces = chars.clone().take_while(|next| *next == ' ').take(WIDTH).count();
        // The length up to where the line may end next.
        let ahead = match before {
            Some(' ' | '\n') | None => {
                let word = chars.clone().take_while(|next| *next != ' ' && *next != '\n').take(WIDTH);
                width + word.map(|next| 1 + usize::from(next == '"')).sum::<usize>() + 3
            }
            _ => 0,
        };
        // A broken line goes on with what is no space, because spaces there are left out.
        let breaks = match before {
            Some(' ') if c != ' ' => column + ahead > WIDTH,
            Some('\n') if c != ' ' && c != '\n' => true,
            Some(_) if c != ' ' => column + width + spaces + 3 > WIDTH,
            _ => false,
        };
        if breaks && margin < WIDTH {
            out.push_str(&format!("\\\n{}", " ".repeat(margin)));
            column = margin;
        }
        out.push_str(&piece);
        column += width;
        before = Some(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Span, ValueType};

    /// What a literal says, read as the compiler reads it.
    fn unquoted(literal: &str) -> String {
        let mut out = String::new();
        let mut chars = literal[1..literal.len() - 1].chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next().unwrap() {
                    '\n' => while chars.next_if(|c| matches!(c, ' ' | '\n' | '\t' | '\r')).is_some() {},
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    '0' => out.push('\0'),
                    'u' => {
                        let digits: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                        out.push(char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap());
                    }
                    c => out.push(c),
                },
                '"' => panic!("a quote in {literal}"),
                c => out.push(c),
            }
        }
        out
    }

    fn attribute(name: &str) -> Attribute {
        Attribute { name: name.to_owned(), ..Attribute::default() }
    }

    fn member(id: &str, value: &str) -> Member {
        Member { id: id.to_owned(), value: value.to_owned(), ..Member::default() }
    }

    fn span(id: &str, attributes: Vec<Attribute>) -> Registry {
        let span = Span { id: id.to_owned(), attributes, ..Span::default() };
        Registry { spans: vec![span], ..Registry::default() }
    }

    fn written(registry: &Registry) -> String {
        source(registry, &Options::default()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn literals_say_what_the_text_says_however_they_are_broken() {
        let long = "word ".repeat(60);
        let solid = "x\"".repeat(150);
        let lines = "first\n  indented\n\n\tlast \n \n".repeat(9);
        for text in
            ["", "a", "\"quoted\" \\ {brace} */ `tick` \0 \u{202e} é 🦀 'x'", &long, &solid, &lines, "  two  spaces  "]
        {
            for column in [0, 13, 40, 119, 200] {
                for margin in [0, 12, usize::MAX] {
                    let literal = literal(text, column, margin);
                    assert_eq!(unquoted(&literal), text, "{literal}");
                    let lines = || literal.lines().skip(1);
                    assert!(margin > WIDTH || lines().all(|line| line.chars().count() <= WIDTH), "{literal}");
                }
            }
        }
    }

    #[test]
    fn a_span_is_written_with_all_it_has() {
        let mut registry = span(
            "crypto.exchange_api",
            vec![
                Attribute {
                    requirement: Requirement::Required,
                    members: vec![member("binance", "binance"), member("one", "1m")],
                    rust_enum: "Market".to_owned(),
                    brief: "Where it is traded.".to_owned(),
                    stability: Stability::Stable,
                    ..attribute("crypto.market")
                },
                Attribute {
                    value_type: ValueType { scalar: Scalar::Int, ..ValueType::default() },
                    requirement: Requirement::Required,
                    late: true,
                    unit: "By".to_owned(),
                    examples: vec!["1".to_owned(), "-1".to_owned()],
                    ..attribute("crypto.size")
                },
                Attribute {
                    value_type: ValueType { scalar: Scalar::Int, ..ValueType::default() },
                    members: vec![member("ok", "200"), member("gone", "-1")],
                    open: true,
                    requirement: Requirement::ConditionallyRequired,
                    condition: "it \"answers\"".to_owned(),
                    ..attribute("crypto.status")
                },
                Attribute {
                    value_type: ValueType { array: true, template: true, ..ValueType::default() },
                    requirement: Requirement::OptIn,
                    condition: "asked for".to_owned(),
                    sensitivity: Sensitivity::Secret,
                    note: "Long.".to_owned(),
                    brief: "Two\nlines.".to_owned(),
                    ..attribute("http.request.header")
                },
                Attribute {
                    requirement: Requirement::Recommended,
                    condition: "when known".to_owned(),
                    deprecated: Some(Deprecated { renamed_to: "type.match".to_owned(), note: String::new() }),
                    ..attribute("type.self")
                },
            ],
        );
        registry.spans[0].kind = Kind::Client;
        registry.spans[0].name = "{crypto.market} call".to_owned();
        registry.spans[0].brief = "A request, with `*/` and \"quotes\".".to_owned();
        registry.spans[0].undeclared = Level::Allow;
        registry.spans[0].constants = vec![("crypto.venue".to_owned(), "spot".to_owned())];
        registry.spans[0].deprecated = Some(Deprecated { renamed_to: "b.c".to_owned(), note: "It moved.".to_owned() });
        assert_eq!(
            written(&registry),
            r#"otelier::span_schema! {
    /// A request, with `*/` and "quotes".
    pub CryptoExchangeApi = "crypto.exchange_api" {
        kind = client;
        name = "{crypto.market} call";
        renamed = b.c;
        deprecated = "It moved.";
        undeclared = allow;
        constant crypto.venue = "spot";
        /// Where it is traded.
        crypto.market: Market required stable;
        crypto.size: int late unit "By" examples [1, "-1"];
        crypto.status: int required_if "it \"answers\"" in [200, -1, ..];
        // When: asked for
        http.request.header.<key>: string[] opt_in secret note "Long." "Two\n\
            lines.";
        type.self: string recommended_if "when known" renamed type.match;
    }
}

/// Where it is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, otelier::AttributeEnum)]
pub enum Market {
    /// `binance`.
    Binance,
    /// `1m`.
    #[attribute(value = "1m")]
    One,
}
"#
        );
    }

    #[test]
    fn groups_are_taken_in_and_refined_or_left_out() {
        let required = |name: &str| Attribute { requirement: Requirement::Required, ..attribute(name) };
        let mut registry = span("a.b", vec![attribute("g.one"), required("g.two"), attribute("own.three")]);
        registry.spans[0].groups = vec!["g".to_owned()];
        registry.groups = vec![Group {
            id: "g".to_owned(),
            attributes: vec![attribute("g.one"), attribute("g.two")],
            ..Group::default()
        }];
        registry.events = vec![Event {
            id: "a.b".to_owned(),
            groups: vec!["g".to_owned()],
            attributes: vec![Attribute { stability: Stability::Stable, ..attribute("g.one") }, attribute("g.two")],
            ..Event::default()
        }];
        let expected = r#"otelier::attribute_group! {
    pub G = "g" {
        g.one: string;
        g.two: string;
    }
}

otelier::span_schema! {
    pub AB = "a.b" {
        include G;
        refine g.two required;
        own.three: string;
    }
}

otelier::event_schema! {
    pub ABEvent = "a.b" {
        g.one: string stable;
        g.two: string;
    }
}
"#;
        assert_eq!(written(&registry), expected);
        let options = Options { crate_path: "crate".to_owned(), docs: "Spans.\n\nMore.".to_owned(), groups: false };
        let inlined = source(&registry, &options).unwrap_or_default();
        assert!(inlined.starts_with("//! Spans.\n//!\n//! More.\n\ncrate::span_schema! {\n"), "{inlined}");
        assert!(inlined.contains("        g.two: string required;\n") && !inlined.contains("include"), "{inlined}");
    }

    #[test]
    fn enums_have_names_of_their_own_and_values_of_any_kind() {
        let members = ["other", "custom", "1m", "self", "Get", "GET", "", "fünf", "http2", "a-b", "a_b"];
        let members: Vec<Member> = members.iter().map(|value| member("", value)).collect();
        let open =
            Attribute { members: members.clone(), open: true, rust_enum: "AKind".to_owned(), ..attribute("a.kind") };
        let closed = Attribute { members: members[..1].to_vec(), ..attribute("a.kind") };
        let mut registry = span("a.kind", vec![open]);
        registry.spans.push(Span { id: "string".to_owned(), attributes: vec![closed], ..Span::default() });
        let source = written(&registry);
        for expected in [
            "pub AKindSpan = \"a.kind\"",
            "pub StringSpan = \"string\"",
            "a.kind: AKind;",
            "a.kind: AKindValue;",
            "#[derive(Clone, Debug, PartialEq, Eq, Hash, otelier::AttributeEnum)]\npub enum AKind {",
            "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, otelier::AttributeEnum)]\npub enum AKindValue {",
            "    Other,\n",
            "    #[attribute(value = \"1m\")]\n    V1m,\n",
            "    #[attribute(value = \"self\")]\n    SelfValue,\n",
            "    #[attribute(value = \"Get\")]\n    Get,\n",
            "    #[attribute(value = \"GET\")]\n    Get2,\n",
            "    #[attribute(value = \"\")]\n    Value,\n",
            "    #[attribute(value = \"http2\")]\n    Http2,\n",
            "    #[attribute(value = \"a-b\")]\n    AB,\n",
            "    #[attribute(value = \"a_b\")]\n    AB2,\n",
            "    /// Any other value.\n    #[attribute(other)]\n    Unlisted(String),\n",
        ] {
            assert!(source.contains(expected), "{expected} is not in\n{source}");
        }
    }

    #[test]
    fn names_that_cannot_be_written_and_too_many_attributes_are_refused() {
        let registry = span("a", vec![attribute("one"), attribute("a.Big"), attribute("a.2xx"), attribute("a.type")]);
        let message = |name: &str| {
            format!(
                "`{name}` of span `a` cannot be declared; expected lower case segments between dots, \
                 and at least one dot"
            )
        };
        let expected = [message("a.2xx"), message("a.Big"), message("one")].join("\n");
        assert_eq!(source(&registry, &Options::default()), Err(expected));
        let many = (0..129).map(|number| attribute(&format!("a.b{number}"))).collect();
        let expected = "span `a` has 129 attributes; expected at most 128".to_owned();
        assert_eq!(source(&span("a", many), &Options::default()), Err(expected));
    }

    #[test]
    fn a_pattern_that_names_what_may_be_absent_stays_in_a_comment() {
        let mut registry = span("a", vec![attribute("a.b")]);
        for name in ["{a.b} x", "{a.b", "}", "{missing}"] {
            registry.spans[0].name = name.to_owned();
            assert!(written(&registry).contains(&format!("        // Name: {name}\n")), "{name}");
        }
    }
}
