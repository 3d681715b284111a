//! Checks spans that a program really made against a registry.
//!
//! A span belongs to the schema its attribute `otelier.span_type` names. Without that attribute it belongs to the one
//! schema of its kind whose name pattern its name follows, with the values its attributes have; if there are several,
//! to the one whose constants it has. A span that belongs nowhere is counted and passed over.
//!
//! Values of attributes that are not public are never part of a finding; names of spans are.

use crate::diff::instead;
use crate::model::{
    Attribute, Deprecated, Kind, Level as Undeclared, Registry, Requirement, Scalar, Sensitivity, Span, ValueType,
};
use crate::pattern::{self, Part};
use otelier_spec::suggest::{did_you_mean, list};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

/// The attribute that says which schema a span was made by.
const SPAN_TYPE: &str = "otelier.span_type";

/// What stands in place of a masked value.
const MASK: &str = "[redacted]";

/// The longest text that is compared with known ones, in bytes.
const LONGEST_NAME: usize = 80;

/// A span, as it was exported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanSample {
    /// The span type, if it is known from elsewhere than the attribute `otelier.span_type`.
    pub span_type: Option<String>,
    /// The span's name.
    pub name: String,
    /// The span's kind.
    pub kind: Kind,
    /// Its attributes.
    pub attributes: Vec<(String, SampleValue)>,
    /// The names and attributes of its events.
    pub events: Vec<(String, Vec<(String, SampleValue)>)>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleValue {
    /// Text.
    String(String),
    /// An integer.
    Int(i64),
    /// A float.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// Several values.
    Array(Vec<SampleValue>),
    /// Something no attribute of a registry can be: bytes, a map, nothing.
    Other,
}

/// How bad a finding is, in the words of OpenTelemetry's live checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Information,
    /// Works, and should change.
    Improvement,
    /// Not what the registry says.
    Violation,
}

impl Level {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Improvement => "improvement",
            Self::Violation => "violation",
        }
    }
}

/// Something about a span that is not as its registry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// The span type, or the span's name if it has none.
    pub span: String,
    /// The part of the span: ``attribute `a.b` ``, `name`, `kind`.
    pub place: String,
    /// What is the matter.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.level.as_str(), self.span)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

/// What was seen of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many spans were checked.
    pub spans: u64,
    /// How many of them belong to no schema.
    pub unmatched: u64,
    /// One for each span type, in the order of their ids.
    pub schemas: Vec<SchemaSummary>,
    /// Events that no span had.
    pub unseen_events: Vec<String>,
}

/// What was seen of one span type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaSummary {
    /// The span type.
    pub id: String,
    /// How many spans belong to it.
    pub spans: u64,
    /// How many findings were violations.
    pub violations: u64,
    /// How many findings were improvements.
    pub improvements: u64,
    /// How many findings were information.
    pub information: u64,
    /// How many attributes it declares, beside constants.
    pub attributes: usize,
    /// The attributes that no span of it had.
    pub unseen_attributes: Vec<String>,
}

impl Summary {
    /// The span types that were not seen.
    pub fn unseen_spans(&self) -> impl Iterator<Item = &str> {
        self.schemas.iter().filter(|schema| schema.spans == 0).map(|schema| schema.id.as_str())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.schemas.iter().filter(|schema| schema.spans > 0);
        let attributes: usize = self.schemas.iter().map(|schema| schema.attributes).sum();
        let unseen: usize = self.schemas.iter().map(|schema| schema.unseen_attributes.len()).sum();
        writeln!(f, "{} spans, {} of them in no schema", self.spans, self.unmatched)?;
        writeln!(f, "seen: {} of {} span types", seen.clone().count(), self.schemas.len())?;
        writeln!(f, "seen: {} of {attributes} attributes", attributes - unseen)?;
        for schema in seen {
            writeln!(
                f,
                "{}: {} spans, {} violations, {} improvements, {} information",
                schema.id, schema.spans, schema.violations, schema.improvements, schema.information
            )?;
            if !schema.unseen_attributes.is_empty() {
                writeln!(f, "  never seen: {}", schema.unseen_attributes.join(", "))?;
            }
        }
        let spans: Vec<&str> = self.unseen_spans().collect();
        if !spans.is_empty() {
            writeln!(f, "spans never seen: {}", spans.join(", "))?;
        }
        if !self.unseen_events.is_empty() {
            writeln!(f, "events never seen: {}", self.unseen_events.join(", "))?;
        }
        Ok(())
    }
}

/// What a span or an event may carry.
struct Schema<'a> {
    attributes: HashMap<&'a str, &'a Attribute>,
    /// Templates, longest first: the nearest one decides.
    templates: Vec<&'a Attribute>,
    /// What must be there, beside constants.
    required: Vec<&'a Attribute>,
    constants: &'a [(String, String)],
    undeclared: Undeclared,
    deprecated: Option<&'a Deprecated>,
}

impl<'a> Schema<'a> {
    fn new(
        attributes: &'a [Attribute],
        constants: &'a [(String, String)],
        undeclared: Undeclared,
        deprecated: Option<&'a Deprecated>,
    ) -> Self {
        let is_template = |attribute: &&Attribute| attribute.value_type.template;
        let mut templates: Vec<&Attribute> = attributes.iter().filter(is_template).collect();
        templates.sort_by_key(|template| std::cmp::Reverse(template.name.len()));
        let plain = attributes.iter().filter(|attribute| !is_template(attribute));
        let is_required = |attribute: &&Attribute| {
            attribute.requirement == Requirement::Required && constants.iter().all(|(name, _)| *name != attribute.name)
        };
        let required = plain.clone().filter(is_required).collect();
        let attributes = plain.map(|attribute| (attribute.name.as_str(), attribute)).collect();
        Self { attributes, templates, required, constants, undeclared, deprecated }
    }

    fn declaration(&self, name: &str) -> Option<&'a Attribute> {
        let template = || {
            let has_key = |template: &&&Attribute| {
                let key = name.strip_prefix(template.name.as_str()).and_then(|rest| rest.strip_prefix('.'));
                key.is_some_and(|key| !key.is_empty())
            };
            self.templates.iter().find(has_key)
        };
        self.attributes.get(name).or_else(template).copied()
    }

    fn has_constants(&self, attributes: &[(String, SampleValue)]) -> bool {
        let fits = |(key, value): &(String, String)| {
            value_of(attributes, key).is_some_and(|found| scalar_text(found).as_deref() == Some(value))
        };
        self.constants.iter().all(fits)
    }
}

/// Counts of one span type.
#[derive(Default)]
struct Seen<'a> {
    spans: u64,
    levels: [u64; 3],
    attributes: BTreeSet<&'a str>,
}

/// Checks spans one after another, and remembers what it saw.
pub struct Checker<'a> {
    registry: &'a Registry,
    schemas: BTreeMap<&'a str, (&'a Span, Schema<'a>)>,
    events: BTreeMap<&'a str, Schema<'a>>,
    seen: BTreeMap<&'a str, Seen<'a>>,
    seen_events: BTreeSet<&'a str>,
    spans: u64,
    unmatched: u64,
}

impl<'a> Checker<'a> {
    /// A checker that has seen nothing yet.
    pub fn new(registry: &'a Registry) -> Self {
        let schemas = registry.spans.iter().map(|span| {
            let schema = Schema::new(&span.attributes, &span.constants, span.undeclared, span.deprecated.as_ref());
            (span.id.as_str(), (span, schema))
        });
        let events = registry.events.iter().map(|event| {
            let schema = Schema::new(&event.attributes, &event.constants, event.undeclared, event.deprecated.as_ref());
            (event.id.as_str(), schema)
        });
        Self {
            registry,
            schemas: schemas.collect(),
            events: events.collect(),
            seen: registry.spans.iter().map(|span| (span.id.as_str(), Seen::default())).collect(),
            seen_events: BTreeSet::new(),
            spans: 0,
            unmatched: 0,
        }
    }

    /// What is not as the registry says.
    pub fn span(&mut self, sample: &SpanSample) -> Vec<Finding> {
        self.spans += 1;
        let mut findings = Findings::default();
        match self.matching(sample) {
            Ok(span) => self.matched(sample, span, &mut findings),
            Err(why) => {
                self.unmatched += 1;
                findings.span.clone_from(&sample.name);
                findings.add(Level::Information, "", why);
            }
        }
        // Events are what they are wherever they happen.
        for (name, attributes) in &sample.events {
            self.event(name, attributes, &mut findings);
        }
        if let Some(seen) = self.seen.get_mut(findings.span_type.as_str()) {
            for finding in &findings.found {
                seen.levels[finding.level as usize] += 1;
            }
        }
        findings.found
    }

    /// What was seen so far.
    pub fn summary(&self) -> Summary {
        let schemas = self.seen.iter().map(|(id, seen)| {
            let declared = self.schemas.get(id).map(|(span, _)| span.attributes.as_slice()).unwrap_or_default();
            let unseen = declared.iter().filter(|attribute| !seen.attributes.contains(attribute.name.as_str()));
            let [information, improvements, violations] = seen.levels;
            SchemaSummary {
                id: (*id).to_owned(),
                spans: seen.spans,
                violations,
                improvements,
                information,
                attributes: declared.len(),
                unseen_attributes: unseen.map(|attribute| attribute.name.clone()).collect(),
            }
        });
        let unseen_events = self.events.keys().filter(|id| !self.seen_events.contains(*id));
        Summary {
            spans: self.spans,
            unmatched: self.unmatched,
            schemas: schemas.collect(),
            unseen_events: unseen_events.map(|id| (*id).to_owned()).collect(),
        }
    }

    /// The schema of a span, or why it has none.
    fn matching(&self, sample: &SpanSample) -> Result<&'a Span, String> {
        let told = value_of(&sample.attributes, SPAN_TYPE).and_then(|value| match value {
            SampleValue::String(text) => Some(text.as_str()),
            _ => None,
        });
        if let Some(id) = told.or(sample.span_type.as_deref()) {
            return match self.schemas.get(id) {
                Some((span, _)) => Ok(span),
                None => Err(format!("the registry has no span type `{id}`{}", hint(id, self.schemas.keys().copied()))),
            };
        }
        let by_name = |span: &&Span| span.kind == sample.kind && is_named_like(span, sample);
        let mut found: Vec<&Span> = self.registry.spans.iter().filter(by_name).collect();
        if found.len() > 1 {
            let by_constants: Vec<&Span> =
                found.iter().copied().filter(|span| self.has_constants(span, &sample.attributes)).collect();
            // Constants that no candidate has tell nothing.
            if !by_constants.is_empty() {
                found = by_constants;
            }
        }
        match found.as_slice() {
            [] => Err(format!("no {} span of the registry is named like this", sample.kind.as_str())),
            [span] => Ok(span),
            several => {
                Err(format!("may be {}; `{SPAN_TYPE}` would tell", list(several.iter().map(|span| span.id.as_str()))))
            }
        }
    }

    fn has_constants(&self, span: &Span, attributes: &[(String, SampleValue)]) -> bool {
        self.schemas.get(span.id.as_str()).is_some_and(|(_, schema)| schema.has_constants(attributes))
    }

    fn matched(&mut self, sample: &SpanSample, span: &'a Span, findings: &mut Findings) {
        findings.span.clone_from(&span.id);
        findings.span_type.clone_from(&span.id);
        let Some((_, schema)) = self.schemas.get(span.id.as_str()) else { return };
        if let Some(seen) = self.seen.get_mut(span.id.as_str()) {
            seen.spans += 1;
            let declared = sample.attributes.iter().filter_map(|(name, _)| schema.declaration(name));
            seen.attributes.extend(declared.map(|attribute| attribute.name.as_str()));
        }
        if sample.kind != span.kind {
            let (found, expected) = (sample.kind.as_str(), span.kind.as_str());
            findings.add(Level::Violation, "kind", format!("is {found}, expected {expected}"));
        }
        if let Some(name) = pattern::of(span)
            && !pattern::fits(pieces(span, name, sample).iter().map(|piece| piece.as_deref()), &sample.name)
        {
            let hidden = |part: &Part<'_>| match part {
                Part::Text(_) => false,
                Part::Value(key) => {
                    let known = |found: &Attribute| found.sensitivity == Sensitivity::Public;
                    pattern::constant(span, key).is_none() && !schema.declaration(key).is_some_and(known)
                }
            };
            let found = if pattern::parts(name).iter().any(hidden) { "it".to_owned() } else { quoted(&sample.name) };
            findings.add(Level::Violation, "name", format!("{found} is not built from `{name}`"));
        }
        schema.check("", &sample.attributes, findings);
    }

    fn event(&mut self, name: &str, attributes: &[(String, SampleValue)], findings: &mut Findings) {
        let place = format!("event `{name}`");
        match self.events.get_key_value(name) {
            Some((id, schema)) => {
                self.seen_events.insert(id);
                schema.check(&place, attributes, findings);
            }
            // Errors are recorded as OpenTelemetry says, not as a registry does.
            None if name == "exception" => {}
            None => {
                let hint = hint(name, self.events.keys().copied());
                findings.add(Level::Information, &place, format!("is not in the registry{hint}"));
            }
        }
    }
}

#[derive(Default)]
struct Findings {
    span: String,
    /// The span type if the span has one.
    span_type: String,
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, level: Level, place: &str, message: impl Into<String>) {
        let (span, place) = (self.span.clone(), place.to_owned());
        self.found.push(Finding { level, span, place, message: message.into() });
    }
}

impl Schema<'_> {
    /// Checks the attributes of a span, or of the event at `within`.
    fn check(&self, within: &str, attributes: &[(String, SampleValue)], findings: &mut Findings) {
        let separator = if within.is_empty() { "" } else { ", " };
        let place = |name: &str| format!("{within}{separator}attribute `{name}`");
        if let Some(deprecated) = self.deprecated {
            findings.add(Level::Improvement, within, format!("is deprecated{}", instead(deprecated)));
        }
        for (name, value) in self.constants {
            match value_of(attributes, name) {
                None => findings.add(Level::Violation, &place(name), format!("is missing, expected `{value}`")),
                Some(found) if scalar_text(found).as_deref() == Some(value) => {}
                Some(found) => {
                    let message = format!("is {}, expected `{value}`", shown(found));
                    findings.add(Level::Violation, &place(name), message);
                }
            }
        }
        self.missing(&place, attributes, findings);
        for (name, value) in attributes {
            if self.constants.iter().any(|(constant, _)| constant == name) {
                continue;
            }
            match self.declaration(name) {
                Some(attribute) => check_value(&place(name), attribute, value, findings),
                None => self.undeclared(&place(name), name, findings),
            }
        }
    }

    fn missing(&self, place: &dyn Fn(&str) -> String, attributes: &[(String, SampleValue)], findings: &mut Findings) {
        for attribute in &self.required {
            if value_of(attributes, &attribute.name).is_some() {
                continue;
            }
            match attribute.late {
                false => findings.add(Level::Violation, &place(&attribute.name), "is missing and required"),
                // An operation that fails may end before it is known.
                true => findings.add(Level::Improvement, &place(&attribute.name), "was not recorded later"),
            }
        }
    }

    fn undeclared(&self, place: &str, name: &str, findings: &mut Findings) {
        let level = match self.undeclared {
            Undeclared::Allow => return,
            Undeclared::Warn => Level::Improvement,
            Undeclared::Deny => Level::Violation,
        };
        // What the runtime adds by itself, nobody has to declare.
        if name != "error.type" && !name.starts_with("otelier.") {
            let declared = self.attributes.keys().copied();
            findings.add(level, place, format!("is not declared{}", hint(name, declared)));
        }
    }
}

fn check_value(place: &str, attribute: &Attribute, value: &SampleValue, findings: &mut Findings) {
    if let Some(deprecated) = &attribute.deprecated {
        findings.add(Level::Improvement, place, format!("is deprecated{}", instead(deprecated)));
    }
    let masked = |value: &SampleValue| match value {
        SampleValue::String(text) => text == MASK || (attribute.sensitivity != Sensitivity::Secret && is_hash(text)),
        _ => false,
    };
    match attribute.sensitivity {
        Sensitivity::Sensitive | Sensitivity::Secret => {
            let hidden = match value {
                SampleValue::Array(values) => values.iter().all(masked),
                value => masked(value),
            };
            if !hidden {
                let word = attribute.sensitivity.as_str();
                findings.add(Level::Violation, place, format!("holds a {word} value in clear text"));
            }
            if hidden && matches!(value, SampleValue::String(text) if text.bytes().all(|byte| byte.is_ascii_digit())) {
                findings.add(Level::Information, place, "has 16 digits: a hash, or a number in clear text");
            }
            // Whatever else the value is, it must not be told.
            return;
        }
        Sensitivity::Personal if masked(value) => return,
        // Somebody on the way may have masked it.
        Sensitivity::Public if matches!(value, SampleValue::String(text) if text == MASK) => return,
        Sensitivity::Public | Sensitivity::Personal => {}
    }
    if !has_type(attribute, value) {
        let expected = ValueType { template: false, ..attribute.value_type };
        findings.add(Level::Violation, place, format!("is {}, expected {expected}", type_name(value)));
        return;
    }
    let values = match value {
        SampleValue::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    values.iter().for_each(|value| check_member(place, attribute, value, findings));
}

fn check_member(place: &str, attribute: &Attribute, value: &SampleValue, findings: &mut Findings) {
    let Some(text) = scalar_text(value).filter(|_| !attribute.members.is_empty()) else { return };
    let told = match attribute.sensitivity {
        Sensitivity::Public => shown(value),
        _ => "the value".to_owned(),
    };
    if let Some(member) = attribute.members.iter().find(|member| is_member(&member.value, value, &text)) {
        if let Some(deprecated) = &member.deprecated {
            findings.add(Level::Improvement, place, format!("{told} is deprecated{}", instead(deprecated)));
        }
        return;
    }
    let known = || attribute.members.iter().map(|member| member.value.as_str());
    let near = did_you_mean_short(&text, known());
    let near = near.filter(|_| attribute.sensitivity == Sensitivity::Public);
    match (attribute.open, near) {
        (true, Some(near)) => {
            let message = format!("{told} is not among the known values; did you mean `{near}`?");
            findings.add(Level::Information, place, message);
        }
        (true, None) => findings.add(Level::Information, place, format!("{told} is not among the known values")),
        (false, Some(near)) => {
            findings.add(Level::Violation, place, format!("{told} is not allowed; did you mean `{near}`?"));
        }
        (false, None) => {
            findings.add(Level::Violation, place, format!("{told} is not allowed; expected {}", list(known())));
        }
    }
}

/// Whether a value is a known one. `1.0` and `1` are the same float.
fn is_member(member: &str, value: &SampleValue, text: &str) -> bool {
    match value {
        SampleValue::Double(number) => member.parse() == Ok(*number),
        _ => member == text,
    }
}

/// Whether a span is named after the pattern; without a text or a value to compare, a name tells nothing.
fn is_named_like(span: &Span, sample: &SpanSample) -> bool {
    let Some(name) = pattern::of(span) else { return false };
    let pieces = pieces(span, name, sample);
    pieces.iter().any(Option::is_some) && pattern::fits(pieces.iter().map(|piece| piece.as_deref()), &sample.name)
}

/// The pieces of a name, with the values that are known.
fn pieces(span: &Span, name: &str, sample: &SpanSample) -> Vec<Option<String>> {
    let value = |key: &str| match value_of(&sample.attributes, key) {
        Some(value) => name_text(value),
        None => pattern::constant(span, key).map(str::to_owned),
    };
    let piece = |part: &Part<'_>| match part {
        Part::Text(text) => Some((*text).to_owned()),
        Part::Value(key) => value(key),
    };
    pattern::parts(name).iter().map(piece).collect()
}

fn value_of<'s>(attributes: &'s [(String, SampleValue)], name: &str) -> Option<&'s SampleValue> {
    attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

/// How a value stands in a name. Floats are written in more than one way, so that they fit any text.
fn name_text(value: &SampleValue) -> Option<String> {
    scalar_text(value).filter(|_| !matches!(value, SampleValue::Double(_)))
}

fn scalar_text(value: &SampleValue) -> Option<String> {
    match value {
        SampleValue::String(text) => Some(text.clone()),
        SampleValue::Int(number) => Some(number.to_string()),
        SampleValue::Double(number) => Some(number.to_string()),
        SampleValue::Boolean(value) => Some(value.to_string()),
        SampleValue::Array(_) | SampleValue::Other => None,
    }
}

fn has_type(attribute: &Attribute, value: &SampleValue) -> bool {
    let scalar = |value: &SampleValue| match attribute.value_type.scalar {
        Scalar::String => matches!(value, SampleValue::String(_)),
        Scalar::Int => matches!(value, SampleValue::Int(_)),
        Scalar::Double => matches!(value, SampleValue::Double(_)),
        Scalar::Boolean => matches!(value, SampleValue::Boolean(_)),
        Scalar::Any => !matches!(value, SampleValue::Array(_) | SampleValue::Other),
    };
    match value {
        SampleValue::Array(values) => {
            let any = attribute.value_type.scalar == Scalar::Any;
            (attribute.value_type.array || any) && values.iter().all(scalar)
        }
        value => !attribute.value_type.array && scalar(value),
    }
}

/// The type of a value in OpenTelemetry's words.
fn type_name(value: &SampleValue) -> String {
    match value {
        SampleValue::String(_) => "string".to_owned(),
        SampleValue::Int(_) => "int".to_owned(),
        SampleValue::Double(_) => "double".to_owned(),
        SampleValue::Boolean(_) => "boolean".to_owned(),
        SampleValue::Array(values) => {
            let types: BTreeSet<String> = values.iter().map(type_name).collect();
            match types.len() {
                0 => "an empty array".to_owned(),
                1 => format!("{}[]", types.into_iter().collect::<String>()),
                _ => format!("an array of {}", types.into_iter().collect::<Vec<_>>().join(" and ")),
            }
        }
        SampleValue::Other => "neither a scalar nor an array".to_owned(),
    }
}

/// What the runtime's `hash` makes: 16 hexadecimal digits.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn shown(value: &SampleValue) -> String {
    match value {
        SampleValue::String(text) => quoted(text),
        value => scalar_text(value).unwrap_or_else(|| type_name(value)),
    }
}

/// The text in quotes, its beginning if it is long.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// `; did you mean …?`, if something is near.
fn hint<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    did_you_mean_short(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Long texts are no slips of the pen, and comparing them takes long.
fn did_you_mean_short<'k>(text: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if text.len() > LONGEST_NAME { None } else { did_you_mean(text, known) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Member};

    fn attribute(name: &str, value_type: &str) -> Attribute {
        Attribute { name: name.to_owned(), value_type: value_type.parse().unwrap(), ..Attribute::default() }
    }

    fn members(values: &[&str]) -> Vec<Member> {
        values.iter().map(|value| Member { value: (*value).to_owned(), ..Member::default() }).collect()
    }

    fn deprecated(name: &str) -> Option<Deprecated> {
        Some(Deprecated { renamed_to: name.to_owned(), note: String::new() })
    }

    fn shop() -> Registry {
        let required = Requirement::Required;
        let market = Attribute {
            requirement: required,
            members: members(&["spot", "futures"]),
            ..attribute("shop.market", "string")
        };
        let sale = Span {
            id: "shop.sale".to_owned(),
            kind: Kind::Client,
            name: "sell {shop.market}".to_owned(),
            constants: vec![("shop.system".to_owned(), "till".to_owned())],
            attributes: vec![
                Attribute { sensitivity: Sensitivity::Secret, ..attribute("shop.card", "string") },
                Attribute { requirement: required, late: true, ..attribute("shop.count", "int") },
                Attribute { sensitivity: Sensitivity::Sensitive, ..attribute("shop.customer", "string") },
                attribute("shop.header", "template[string[]]"),
                Attribute { open: true, members: members(&["cash", "cheque"]), ..attribute("shop.means", "string") },
                market,
                Attribute { deprecated: deprecated("shop.price"), ..attribute("shop.cost", "double") },
                attribute("shop.price", "double"),
            ],
            ..Span::default()
        };
        let visit = Span { id: "shop.visit".to_owned(), undeclared: Undeclared::Allow, ..Span::default() };
        let bell = Event {
            id: "shop.bell".to_owned(),
            attributes: vec![Attribute { requirement: required, ..attribute("shop.tone", "int") }],
            ..Event::default()
        };
        Registry { spans: vec![sale, visit], events: vec![bell], ..Registry::default() }
    }

    fn text(value: &str) -> SampleValue {
        SampleValue::String(value.to_owned())
    }

    fn sale(more: impl IntoIterator<Item = (&'static str, SampleValue)>) -> SpanSample {
        let usual = [("shop.system", text("till")), ("shop.market", text("spot")), ("shop.count", SampleValue::Int(1))];
        let mut attributes: Vec<(String, SampleValue)> = Vec::new();
        for (name, value) in usual.into_iter().chain(more) {
            attributes.retain(|(known, _)| known != name);
            attributes.push((name.to_owned(), value));
        }
        let name = "sell spot".to_owned();
        SpanSample { span_type: Some("shop.sale".to_owned()), name, kind: Kind::Client, attributes, events: Vec::new() }
    }

    fn findings(sample: &SpanSample) -> Vec<String> {
        Checker::new(&shop()).span(sample).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_good_span_has_no_findings() {
        let more = [
            ("shop.header.x-id", SampleValue::Array(vec![text("a")])),
            ("shop.means", text("cash")),
            ("shop.card", text("[redacted]")),
            ("shop.customer", text("0123456789abcdef")),
            ("shop.price", SampleValue::Double(1.0)),
            ("error.type", text("timeout")),
            ("otelier.span_type", text("shop.sale")),
        ];
        assert_eq!(findings(&sale(more)), Vec::<String>::new());
    }

    #[test]
    fn each_mistake_is_found() {
        use SampleValue::{Array, Boolean, Double, Int, Other};
        let cases: [(&'static str, SampleValue, &str); 15] = [
            ("shop.system", text("web"), "violation: shop.sale: attribute `shop.system`: is \"web\", expected `till`"),
            ("shop.count", Double(1.0), "violation: shop.sale: attribute `shop.count`: is double, expected int"),
            ("shop.price", Int(1), "violation: shop.sale: attribute `shop.price`: is int, expected double"),
            ("shop.price", Boolean(true), "violation: shop.sale: attribute `shop.price`: is boolean, expected double"),
            (
                "shop.price",
                Other,
                "violation: shop.sale: attribute `shop.price`: is neither a scalar nor an array, expected double",
            ),
            (
                "shop.header.a",
                text("a"),
                "violation: shop.sale: attribute `shop.header.a`: is string, expected string[]",
            ),
            (
                "shop.header.a",
                Array(vec![text("a"), Int(1)]),
                "violation: shop.sale: attribute `shop.header.a`: is an array of int and string, expected string[]",
            ),
            (
                "shop.market",
                text("sport"),
                "violation: shop.sale: attribute `shop.market`: \"sport\" is not allowed; did you mean `spot`?",
            ),
            (
                "shop.market",
                text("elsewhere"),
                "violation: shop.sale: attribute `shop.market`: \"elsewhere\" is not allowed; expected `spot` or \
                 `futures`",
            ),
            (
                "shop.means",
                text("check"),
                "information: shop.sale: attribute `shop.means`: \"check\" is not among the known values",
            ),
            (
                "shop.means",
                text("chequ"),
                "information: shop.sale: attribute `shop.means`: \"chequ\" is not among the known values; did you mean \
                 `cheque`?",
            ),
            (
                "shop.pirce",
                Double(1.0),
                "violation: shop.sale: attribute `shop.pirce`: is not declared; did you mean `shop.price`?",
            ),
            (
                "shop.cost",
                Double(1.0),
                "improvement: shop.sale: attribute `shop.cost`: is deprecated, use `shop.price`",
            ),
            (
                "shop.card",
                text("0123456789abcdef"),
                "violation: shop.sale: attribute `shop.card`: holds a secret value in clear text",
            ),
            (
                "shop.customer",
                text("Ann"),
                "violation: shop.sale: attribute `shop.customer`: holds a sensitive value in clear text",
            ),
        ];
        for (name, value, expected) in cases {
            let mut sample = sale([(name, value.clone())]);
            if let ("shop.market", SampleValue::String(value)) = (name, &value) {
                sample.name = format!("sell {value}");
            }
            assert_eq!(findings(&sample), [expected]);
        }
    }

    #[test]
    fn what_is_missing_is_found() {
        let empty = SpanSample { attributes: Vec::new(), ..sale([]) };
        let expected = [
            "violation: shop.sale: attribute `shop.system`: is missing, expected `till`",
            "improvement: shop.sale: attribute `shop.count`: was not recorded later",
            "violation: shop.sale: attribute `shop.market`: is missing and required",
        ];
        assert_eq!(findings(&empty), expected);
    }

    #[test]
    fn kind_and_name_are_those_of_the_schema() {
        let sample = SpanSample { kind: Kind::Server, name: "sell futures".to_owned(), ..sale([]) };
        let expected = [
            "violation: shop.sale: kind: is server, expected client",
            "violation: shop.sale: name: \"sell futures\" is not built from `sell {shop.market}`",
        ];
        assert_eq!(findings(&sample), expected);
    }

    #[test]
    fn a_span_without_a_type_is_known_by_its_name() {
        let unknown = |sample| SpanSample { span_type: None, ..sample };
        assert_eq!(findings(&unknown(sale([]))), Vec::<String>::new());
        let wrong = SpanSample { attributes: Vec::new(), ..unknown(sale([])) };
        assert_eq!(findings(&wrong).len(), 3);
        let other = unknown(SpanSample { name: "buy spot".to_owned(), ..sale([]) });
        assert_eq!(findings(&other), ["information: buy spot: no client span of the registry is named like this"]);
        let told = unknown(sale([("otelier.span_type", text("shop.sail"))]));
        let expected = "information: sell spot: the registry has no span type `shop.sail`; did you mean `shop.sale`?";
        assert_eq!(findings(&told), [expected]);
    }

    #[test]
    fn constants_decide_between_two_names() {
        let mut registry = shop();
        registry.spans.push(Span {
            id: "shop.web_sale".to_owned(),
            constants: Vec::new(),
            ..registry.spans[0].clone()
        });
        let checked = |attributes: &[(&str, &str)], registry: &Registry| {
            let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
            let sample = SpanSample { span_type: None, attributes, ..sale([]) };
            Checker::new(registry).span(&sample)[0].to_string()
        };
        let expected = "improvement: shop.web_sale: attribute `shop.count`: was not recorded later";
        assert_eq!(checked(&[("shop.market", "spot")], &registry), expected);
        let both = "information: sell spot: may be `shop.sale` or `shop.web_sale`; `otelier.span_type` would tell";
        assert_eq!(checked(&[("shop.market", "spot"), ("shop.system", "till")], &registry), both);
    }

    #[test]
    fn events_are_checked_too() {
        let events = [
            ("shop.bell", vec![("shop.tone".to_owned(), SampleValue::Int(1))]),
            ("shop.bell", vec![("shop.is_loud".to_owned(), SampleValue::Boolean(true))]),
            ("shop.ball", Vec::new()),
            ("exception", Vec::new()),
        ];
        let events = events.into_iter().map(|(name, attributes)| (name.to_owned(), attributes)).collect();
        let expected = [
            "violation: shop.sale: event `shop.bell`, attribute `shop.tone`: is missing and required",
            "violation: shop.sale: event `shop.bell`, attribute `shop.is_loud`: is not declared",
            "information: shop.sale: event `shop.ball`: is not in the registry; did you mean `shop.bell`?",
        ];
        assert_eq!(findings(&SpanSample { events, ..sale([]) }), expected);
    }

    #[test]
    fn undeclared_attributes_follow_the_level() {
        let mut registry = shop();
        let visit = |registry: &Registry| {
            let attributes = vec![("shop.x".to_owned(), SampleValue::Int(1))];
            let sample = SpanSample { name: "shop.visit".to_owned(), attributes, ..SpanSample::default() };
            Checker::new(registry).span(&sample).iter().map(|finding| finding.level).collect::<Vec<_>>()
        };
        assert_eq!(visit(&registry), []);
        registry.spans[1].undeclared = Undeclared::Warn;
        assert_eq!(visit(&registry), [Level::Improvement]);
        registry.spans[1].undeclared = Undeclared::Deny;
        assert_eq!(visit(&registry), [Level::Violation]);
    }

    #[test]
    fn a_secret_is_never_told() {
        const SECRET: &str = "4111-1111";
        for sensitivity in [Sensitivity::Personal, Sensitivity::Sensitive, Sensitivity::Secret] {
            for value_type in ["string", "int", "string[]", "template[string]"] {
                for value in [text(SECRET), SampleValue::Array(vec![text(SECRET)])] {
                    let mut registry = shop();
                    let members = members(&["4111-1112"]);
                    let card = Attribute { sensitivity, members, ..attribute("shop.card", value_type) };
                    registry.spans[0].attributes[0] = card;
                    registry.spans[0].name = "sell {shop.card}".to_owned();
                    let sample = sale([("shop.card", value)]);
                    for finding in Checker::new(&registry).span(&SpanSample { name: SECRET.to_owned(), ..sample }) {
                        assert!(!finding.to_string().contains(SECRET), "{finding}");
                    }
                }
            }
        }
    }

    #[test]
    fn sixteen_digits_may_be_a_card_number() {
        let found = findings(&sale([("shop.customer", text("4111111111111111"))]));
        let expected = "has 16 digits: a hash, or a number in clear text";
        assert_eq!(found, [format!("information: shop.sale: attribute `shop.customer`: {expected}")]);
    }

    #[test]
    fn the_summary_counts_and_tells_what_is_missing() {
        let registry = shop();
        let mut checker = Checker::new(&registry);
        checker.span(&sale([("shop.market", text("sport"))]));
        checker.span(&sale([("shop.header.a", SampleValue::Array(Vec::new()))]));
        checker.span(&SpanSample::default());
        let expected = "\
3 spans, 1 of them in no schema
seen: 1 of 2 span types
seen: 3 of 8 attributes
shop.sale: 2 spans, 2 violations, 0 improvements, 0 information
  never seen: shop.card, shop.customer, shop.means, shop.cost, shop.price
spans never seen: shop.visit
events never seen: shop.bell
";
        assert_eq!(checker.summary().to_string(), expected);
    }
}
