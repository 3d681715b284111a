//! What a case has to give, by a plain model of the specification.

use super::*;

#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Exactly(u64),
    /// Taken by our clock, between these readings of the system's.
    Between(u64, u64),
}

impl When {
    pub(super) fn check(self, nanos: u64, what: &str) {
        const SLACK: u64 = 50_000_000;
        let (low, high) = match self {
            Self::Exactly(nanos) => (nanos, nanos),
            Self::Between(low, high) => (low.saturating_sub(SLACK), high + SLACK),
        };
        assert!((low..=high).contains(&nanos), "{what} is {nanos}, expected {self:?}");
    }
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
}

/// A bounded list and how much it did not take.
#[derive(Clone, Debug)]
pub(super) struct Bounded<T>(pub(super) Vec<T>, pub(super) u32);

impl<T> Bounded<T> {
    pub(super) fn push(&mut self, item: T, limit: usize) {
        if self.0.len() < limit { self.0.push(item) } else { self.1 += 1 }
    }

    pub(super) fn of(items: impl IntoIterator<Item = T>, limit: usize) -> Self {
        let mut all = Self(Vec::new(), 0);
        items.into_iter().for_each(|item| all.push(item, limit));
        all
    }
}

/// The attributes of a span: each key once.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    pub(super) kept: BTreeMap<String, Value>,
    /// Every value that was ever set.
    pub(super) all: BTreeMap<String, Vec<Value>>,
    pub(super) refused: u32,
}

impl Attributes {
    pub(super) fn set(&mut self, key: &str, value: Value, limits: &Limits) {
        let value = cut(value, limits);
        self.all.entry(key.to_owned()).or_default().push(value.clone());
        if self.kept.contains_key(key) || self.kept.len() < limits.attributes {
            self.kept.insert(key.to_owned(), value);
        } else {
            self.refused += 1;
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct ExpectedEvent {
    pub(super) name: String,
    pub(super) time: When,
    pub(super) attributes: Bounded<KeyValue>,
}

#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) context: SpanContext,
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) name: Name,
    pub(super) kind: SpanKind,
    pub(super) scope: InstrumentationScope,
    pub(super) start: When,
    pub(super) end: When,
    pub(super) attributes: Attributes,
    pub(super) events: Bounded<ExpectedEvent>,
    pub(super) links: Bounded<(SpanContext, Bounded<KeyValue>)>,
    pub(super) status: Status,
    /// Whether the attributes may be more than fit before anybody looks; see `check_attributes`.
    pub(super) annotated: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Name {
    Fixed(String),
    /// A schema's pattern, and its id where the pattern cannot be filled.
    Pattern(&'static str, &'static str),
}

pub(super) fn cut_text(text: &str, limits: &Limits) -> String {
    text.chars().take(limits.attribute_value_length).collect()
}

pub(super) fn cut(value: Value, limits: &Limits) -> Value {
    match value {
        Value::String(text) => cut_text(text.as_str(), limits).into(),
        Value::Array(Array::String(values)) => {
            Value::Array(Array::String(values.into_iter().map(|text| cut_text(text.as_str(), limits).into()).collect()))
        }
        other => other,
    }
}

impl Expected {
    pub(super) fn event(&mut self, name: &str, time: When, attributes: Vec<KeyValue>, limits: &Limits) {
        let attributes = attributes.into_iter().map(|item| KeyValue::new(item.key, cut(item.value, limits)));
        let attributes = Bounded::of(attributes, limits.event_attributes);
        self.events.push(ExpectedEvent { name: name.to_owned(), time, attributes }, limits.events);
    }

    pub(super) fn link(&mut self, to: &SpanContext, attributes: &[KeyValue], limits: &Limits) {
        let attributes = attributes.iter().map(|item| KeyValue::new(item.key.clone(), cut(item.value.clone(), limits)));
        self.links.push((to.clone(), Bounded::of(attributes, limits.link_attributes)), limits.links);
    }

    /// "Ok" is final, and "unset" says nothing.
    pub(super) fn status(&mut self, status: &Status) {
        if self.status != Status::Ok && *status != Status::Unset {
            self.status = status.clone();
        }
    }

    pub(super) fn op(&mut self, op: &Op, before: u64, limits: &Limits) {
        match op {
            Op::Attribute(item) => self.attributes.set(item.key.as_str(), item.value.clone(), limits),
            Op::Event(name, time, attributes) => {
                let time = time.map_or(When::Between(before, now()), |time| When::Exactly(time.nanos()));
                self.event(name, time, attributes.clone(), limits);
            }
            Op::Link(to, attributes) => self.link(to, attributes, limits),
            Op::Status(status) => self.status(status),
            Op::Name(name) => self.name = Name::Fixed(name.clone()),
            Op::Error(message) => {
                let attributes = vec![KeyValue::new("exception.message", message.clone())];
                self.event("exception", When::Between(before, now()), attributes, limits);
            }
        }
    }
}
