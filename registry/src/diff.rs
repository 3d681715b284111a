//! What changed between two versions of a registry, and what of it breaks somebody.
//!
//! Consumers are dashboards, queries and alerts; producers are annotations, which must still compile.
//!
//! | change | breaks |
//! |---|---|
//! | span, event, group or attribute removed, also after it was deprecated | both |
//! | span, event, group or attribute deprecated or renamed, while the old one stays | nobody |
//! | span, event or group added; attribute added that is not required | nobody |
//! | required attribute added to a span or event, attribute became required | producers |
//! | attribute is no longer required | consumers |
//! | other changes of requirement, condition | nobody |
//! | attribute is known late | nobody |
//! | attribute is no longer known late | producers |
//! | kind or name pattern changed | consumers |
//! | type changed | both |
//! | unit changed or removed | consumers |
//! | unit added | nobody |
//! | value removed | both |
//! | value added or deprecated | nobody |
//! | set of values became closed | producers |
//! | set of values became open | consumers: a label has no bound any more |
//! | Rust enum changed | producers |
//! | sensitivity raised: values are masked, clear ones refused | both |
//! | sensitivity lowered | nobody |
//! | undeclared attributes are refused | producers |
//! | undeclared attributes are accepted, with a warning or without | nobody |
//! | stability lowered: a promise is taken back | both |
//! | stability raised | nobody |
//! | constant changed or removed | consumers |
//! | constant added where an attribute was | producers |
//! | constant added elsewhere | nobody |
//!
//! Briefs, notes and examples are not compared, nor which groups a span takes in: its attributes say that.

use crate::model::{Attribute, Deprecated, Event, Group, Level, Member, Registry, Requirement, Span, Stability};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One difference between two registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What changed: ``span `crypto.order`, attribute `crypto.market` ``.
    pub place: String,
    /// How it changed.
    pub what: String,
    /// Whether consumers or producers break.
    pub breaking: bool,
}

impl Change {
    /// Whether consumers or producers break.
    pub const fn is_breaking(&self) -> bool {
        self.breaking
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breaking = if self.breaking { "breaking: " } else { "" };
        write!(f, "{breaking}{}: {}", self.place, self.what)
    }
}

/// Every difference: spans, events, groups, then attributes that stand alone, each in the order of the names.
pub fn changes(old: &Registry, new: &Registry) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.items("span", &old.spans, &new.spans, |span| &span.id, Changes::span);
    changes.items("event", &old.events, &new.events, |event| &event.id, Changes::event);
    changes.items("group", &old.groups, &new.groups, |group| &group.id, Changes::group);
    let (before, after) = (alone(old, new), alone(new, old));
    changes.items("attribute", &before, &after, |attribute| &attribute.name, Changes::attribute);
    changes.found
}

/// The attributes that stand alone, without those that a span, event or group of the other registry has instead.
fn alone(registry: &Registry, other: &Registry) -> Vec<Attribute> {
    let alone: BTreeSet<&str> = other.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    let used: BTreeSet<&str> = used(other).collect();
    let compared = |name: &str| alone.contains(name) || !used.contains(name);
    registry.attributes.iter().filter(|attribute| compared(&attribute.name)).cloned().collect()
}

fn used(registry: &Registry) -> impl Iterator<Item = &str> {
    let spans = registry.spans.iter().flat_map(|span| &span.attributes);
    let events = registry.events.iter().flat_map(|event| &event.attributes);
    let groups = registry.groups.iter().flat_map(|group| &group.attributes);
    spans.chain(events).chain(groups).map(|attribute| attribute.name.as_str())
}

/// What spans, events, groups and attributes have in common.
trait Item {
    fn deprecated(&self) -> Option<&Deprecated>;
    fn stability(&self) -> Stability;
}

macro_rules! items {
    ($($item:ty),*) => { $(
        impl Item for $item {
            fn deprecated(&self) -> Option<&Deprecated> {
                self.deprecated.as_ref()
            }
            fn stability(&self) -> Stability {
                self.stability
            }
        }
    )* };
}

items!(Span, Event, Group, Attribute);

#[derive(Default)]
struct Changes {
    found: Vec<Change>,
}

impl Changes {
    fn add(&mut self, place: &str, breaking: bool, what: impl Into<String>) {
        self.found.push(Change { place: place.to_owned(), what: what.into(), breaking });
    }

    fn items<T: Item>(
        &mut self,
        what: &str,
        old: &[T],
        new: &[T],
        id: fn(&T) -> &String,
        compare: fn(&mut Self, &str, &T, &T),
    ) {
        for (name, pair) in pairs(old, new, id) {
            let place = format!("{what} `{name}`");
            match pair {
                (Some(old), None) => self.removed(&place, old),
                (None, Some(_)) => self.add(&place, false, "added"),
                (Some(old), Some(new)) => {
                    self.state(&place, old, new);
                    compare(self, &place, old, new);
                }
                (None, None) => {}
            }
        }
    }

    fn removed(&mut self, place: &str, old: &impl Item) {
        match old.deprecated() {
            None => self.add(place, true, "removed"),
            Some(deprecated) => self.add(place, true, format!("removed; it was deprecated{}", instead(deprecated))),
        }
    }

    /// Deprecation and stability.
    fn state(&mut self, place: &str, old: &impl Item, new: &impl Item) {
        match (old.deprecated(), new.deprecated()) {
            (before, Some(now)) if before != Some(now) => {
                self.add(place, false, format!("deprecated{}", instead(now)));
            }
            (Some(_), None) => self.add(place, false, "no longer deprecated"),
            _ => {}
        }
        let (before, now) = (old.stability(), new.stability());
        if before != now {
            let what = format!("stability changed from {} to {}", before.as_str(), now.as_str());
            self.add(place, now < before, what);
        }
    }

    fn span(&mut self, place: &str, old: &Span, new: &Span) {
        if old.kind != new.kind {
            let what = format!("kind changed from {} to {}", old.kind.as_str(), new.kind.as_str());
            self.add(place, true, what);
        }
        let (before, now) = (crate::pattern::of(old), crate::pattern::of(new));
        match (before, now) {
            _ if before == now => {}
            (Some(before), Some(now)) => self.add(place, true, format!("name changed from `{before}` to `{now}`")),
            (Some(before), None) => self.add(place, true, format!("names no longer follow `{before}`")),
            (None, now) => self.add(place, false, format!("names follow `{}`", now.unwrap_or_default())),
        }
        self.undeclared(place, old.undeclared, new.undeclared);
        self.constants(place, &old.constants, &new.constants, &old.attributes);
        self.attributes(place, &old.attributes, &new.attributes, &new.constants, true);
    }

    fn event(&mut self, place: &str, old: &Event, new: &Event) {
        self.undeclared(place, old.undeclared, new.undeclared);
        self.constants(place, &old.constants, &new.constants, &old.attributes);
        self.attributes(place, &old.attributes, &new.attributes, &new.constants, true);
    }

    fn group(&mut self, place: &str, old: &Group, new: &Group) {
        // That a new attribute of a group is required says each span that takes it in.
        self.attributes(place, &old.attributes, &new.attributes, &[], false);
    }

    fn undeclared(&mut self, place: &str, old: Level, new: Level) {
        if old != new {
            let what = match new {
                Level::Allow => "undeclared attributes are accepted",
                Level::Warn => "undeclared attributes give a warning",
                Level::Deny => "undeclared attributes are refused",
            };
            self.add(place, new == Level::Deny, what);
        }
    }

    fn constants(&mut self, place: &str, old: &[(String, String)], new: &[(String, String)], attributes: &[Attribute]) {
        for (name, pair) in pairs(old, new, |(name, _)| name) {
            let place = format!("{place}, constant `{name}`");
            match pair {
                (Some((_, before)), Some((_, now))) if before != now => {
                    self.add(&place, true, format!("changed from `{before}` to `{now}`"));
                }
                (Some(_), None) => self.add(&place, true, "removed"),
                (None, Some((_, now))) => match attributes.iter().any(|attribute| attribute.name == name) {
                    true => self.add(&place, true, format!("is always `{now}` and can no longer be given")),
                    false => self.add(&place, false, format!("added: always `{now}`")),
                },
                _ => {}
            }
        }
    }

    fn attributes(
        &mut self,
        place: &str,
        old: &[Attribute],
        new: &[Attribute],
        constants: &[(String, String)],
        recorded: bool,
    ) {
        for (name, pair) in pairs(old, new, |attribute| &attribute.name) {
            let place = format!("{place}, attribute `{name}`");
            match pair {
                // The constant says it.
                (Some(_), None) if constants.iter().any(|(constant, _)| constant == name) => {}
                (Some(old), None) => self.removed(&place, old),
                (None, Some(new)) if recorded && new.requirement == Requirement::Required => {
                    self.add(&place, true, "added, and required");
                }
                (None, Some(_)) => self.add(&place, false, "added"),
                (Some(old), Some(new)) => {
                    self.state(&place, old, new);
                    self.attribute(&place, old, new);
                }
                (None, None) => {}
            }
        }
    }

    fn attribute(&mut self, place: &str, old: &Attribute, new: &Attribute) {
        if old.value_type != new.value_type {
            self.add(place, true, format!("type changed from {} to {}", old.value_type, new.value_type));
        }
        match (old.unit.as_str(), new.unit.as_str()) {
            (before, now) if before == now => {}
            ("", now) => self.add(place, false, format!("unit `{now}` added")),
            (before, "") => self.add(place, true, format!("unit `{before}` removed")),
            (before, now) => self.add(place, true, format!("unit changed from `{before}` to `{now}`")),
        }
        self.requirement(place, old, new);
        if old.sensitivity != new.sensitivity {
            let (before, now) = (old.sensitivity.as_str(), new.sensitivity.as_str());
            let raised = new.sensitivity > old.sensitivity;
            self.add(place, raised, format!("sensitivity changed from {before} to {now}"));
        }
        self.values(place, old, new);
    }

    fn requirement(&mut self, place: &str, old: &Attribute, new: &Attribute) {
        use Requirement::Required;
        match (old.requirement, new.requirement) {
            (before, now) if before == now => {
                if old.condition != new.condition {
                    self.add(place, false, "condition changed");
                }
            }
            (_, Required) => self.add(place, true, "became required"),
            (Required, now) => self.add(place, true, format!("no longer required: {}", now.as_str().replace('_', " "))),
            (before, now) => {
                let (before, now) = (before.as_str().replace('_', " "), now.as_str().replace('_', " "));
                self.add(place, false, format!("requirement changed from {before} to {now}"));
            }
        }
        match (old.late, new.late) {
            (false, true) => self.add(place, false, "is known late"),
            (true, false) => self.add(place, true, "is no longer known late"),
            _ => {}
        }
    }

    fn values(&mut self, place: &str, old: &Attribute, new: &Attribute) {
        let closed = |attribute: &Attribute| !attribute.members.is_empty() && !attribute.open;
        match (closed(old), closed(new)) {
            (false, true) => self.add(place, true, "set of values became closed"),
            (true, false) => self.add(place, true, "set of values became open"),
            _ => {}
        }
        for (value, pair) in pairs(&old.members, &new.members, |member| &member.value) {
            match pair {
                (Some(_), None) => self.add(place, true, format!("value `{value}` removed")),
                (None, Some(_)) => self.add(place, false, format!("value `{value}` added")),
                (Some(old), Some(new)) => self.member(place, old, new),
                (None, None) => {}
            }
        }
        match (old.rust_enum.as_str(), new.rust_enum.as_str()) {
            (before, now) if before == now => {}
            ("", now) => self.add(place, true, format!("values are those of the Rust enum `{now}`")),
            (before, "") => self.add(place, true, format!("values are no longer those of the Rust enum `{before}`")),
            (before, now) => self.add(place, true, format!("Rust enum changed from `{before}` to `{now}`")),
        }
    }

    fn member(&mut self, place: &str, old: &Member, new: &Member) {
        match (&old.deprecated, &new.deprecated) {
            (before, Some(now)) if before.as_ref() != Some(now) => {
                self.add(place, false, format!("value `{}` deprecated{}", new.value, instead(now)));
            }
            (Some(_), None) => self.add(place, false, format!("value `{}` no longer deprecated", new.value)),
            _ => {}
        }
    }
}

/// ``, use `x.y` ``, or what else is said to do.
pub(crate) fn instead(deprecated: &Deprecated) -> String {
    match (deprecated.renamed_to.as_str(), deprecated.note.trim()) {
        ("", "") => String::new(),
        ("", note) => format!(": {note}"),
        (name, _) => format!(", use `{name}`"),
    }
}

/// The items of both lists by name, in the order of the names.
fn pairs<'a, T>(
    old: &'a [T],
    new: &'a [T],
    name: impl Fn(&'a T) -> &'a String,
) -> BTreeMap<&'a str, (Option<&'a T>, Option<&'a T>)> {
    let mut pairs: BTreeMap<&str, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for item in old {
        pairs.entry(name(item)).or_default().0 = Some(item);
    }
    for item in new {
        pairs.entry(name(item)).or_default().1 = Some(item);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Scalar, Sensitivity, ValueType};

    fn deprecated(name: &str) -> Option<Deprecated> {
        Some(Deprecated { renamed_to: name.to_owned(), note: String::new() })
    }

    fn member(value: &str) -> Member {
        Member { value: value.to_owned(), ..Member::default() }
    }

    fn market() -> Attribute {
        Attribute { name: "shop.market".to_owned(), members: vec![member("spot"), member("futures")], ..<_>::default() }
    }

    fn sale() -> Span {
        Span {
            id: "shop.sale".to_owned(),
            name: "sell {shop.market}".to_owned(),
            constants: vec![("shop.system".to_owned(), "till".to_owned())],
            attributes: vec![market()],
            ..Span::default()
        }
    }

    fn registry(span: Span) -> Registry {
        Registry { spans: vec![span], ..Registry::default() }
    }

    /// What changes when `change` is applied to a span.
    fn span(change: impl FnOnce(&mut Span)) -> Vec<String> {
        let mut new = sale();
        change(&mut new);
        changes(&registry(sale()), &registry(new)).iter().map(Change::to_string).collect()
    }

    /// The same for its attribute, forth and back.
    fn attribute(change: impl FnOnce(&mut Attribute)) -> [Vec<String>; 2] {
        let mut new = sale();
        change(&mut new.attributes[0]);
        let place = "span `shop.sale`, attribute `shop.market`: ";
        [(sale(), new.clone()), (new, sale())].map(|(old, new)| {
            let found = changes(&registry(old), &registry(new));
            found.iter().map(|change| change.to_string().replace(place, "")).collect()
        })
    }

    #[test]
    fn nothing_changes_between_equal_registries() {
        assert_eq!(changes(&registry(sale()), &registry(sale())), []);
    }

    #[test]
    fn spans_come_and_go() {
        let none = Registry::default();
        let found =
            |old: &Registry, new: &Registry| changes(old, new).iter().map(Change::to_string).collect::<Vec<_>>();
        assert_eq!(found(&registry(sale()), &none), ["breaking: span `shop.sale`: removed"]);
        assert_eq!(found(&none, &registry(sale())), ["span `shop.sale`: added"]);
        let old = Span { deprecated: deprecated("shop.order"), ..sale() };
        let removed = "breaking: span `shop.sale`: removed; it was deprecated, use `shop.order`";
        assert_eq!(found(&registry(old.clone()), &none), [removed]);
        let renamed = Registry { spans: vec![old, Span { id: "shop.order".to_owned(), ..sale() }], ..none };
        let expected = ["span `shop.order`: added", "span `shop.sale`: deprecated, use `shop.order`"];
        assert_eq!(found(&registry(sale()), &renamed), expected);
    }

    #[test]
    fn what_a_span_says_of_itself() {
        type Case = (fn(&mut Span), &'static str);
        let cases: [Case; 10] = [
            (|span| span.kind = Kind::Client, "breaking: span `shop.sale`: kind changed from internal to client"),
            (
                |span| span.name.clear(),
                "breaking: span `shop.sale`: name changed from `sell {shop.market}` to `shop.sale`",
            ),
            (|span| span.undeclared = Level::Allow, "span `shop.sale`: undeclared attributes are accepted"),
            (
                |span| span.stability = Stability::Stable,
                "span `shop.sale`: stability changed from development to stable",
            ),
            (|span| span.constants.clear(), "breaking: span `shop.sale`, constant `shop.system`: removed"),
            (
                |span| span.constants[0].1 = "web".to_owned(),
                "breaking: span `shop.sale`, constant `shop.system`: changed from `till` to `web`",
            ),
            (
                |span| span.constants.push(("shop.x".to_owned(), "y".to_owned())),
                "span `shop.sale`, constant `shop.x`: added: always `y`",
            ),
            (
                |span| {
                    span.attributes.clear();
                    span.constants.push(("shop.market".to_owned(), "spot".to_owned()));
                },
                "breaking: span `shop.sale`, constant `shop.market`: is always `spot` and can no longer be given",
            ),
            (|span| span.attributes.clear(), "breaking: span `shop.sale`, attribute `shop.market`: removed"),
            (
                |span| {
                    let name = "shop.x".to_owned();
                    span.attributes.push(Attribute { name, requirement: Requirement::Required, ..<_>::default() });
                },
                "breaking: span `shop.sale`, attribute `shop.x`: added, and required",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(span(change), [expected]);
        }
        let old = Span { undeclared: Level::Allow, stability: Stability::Beta, ..sale() };
        let found = changes(&registry(old), &registry(sale()));
        let expected = [
            "breaking: span `shop.sale`: stability changed from beta to development",
            "breaking: span `shop.sale`: undeclared attributes are refused",
        ];
        assert_eq!(found.iter().map(Change::to_string).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(Change::is_breaking));
    }

    #[test]
    fn what_a_span_says_of_an_attribute() {
        let int = ValueType { scalar: Scalar::Int, ..ValueType::default() };
        type Case<'c> = (&'c dyn Fn(&mut Attribute), [&'c str; 2]);
        let cases: [Case<'_>; 9] = [
            (
                &|it| it.value_type = int,
                ["breaking: type changed from string to int", "breaking: type changed from int to string"],
            ),
            (&|it| it.unit = "By".to_owned(), ["unit `By` added", "breaking: unit `By` removed"]),
            (
                &|it| it.requirement = Requirement::Required,
                ["breaking: became required", "breaking: no longer required: recommended"],
            ),
            (
                &|it| it.requirement = Requirement::OptIn,
                ["requirement changed from recommended to opt in", "requirement changed from opt in to recommended"],
            ),
            (
                &|it| it.sensitivity = Sensitivity::Secret,
                ["breaking: sensitivity changed from public to secret", "sensitivity changed from secret to public"],
            ),
            (&|it| it.open = true, ["breaking: set of values became open", "breaking: set of values became closed"]),
            (&|it| it.members.push(member("x")), ["value `x` added", "breaking: value `x` removed"]),
            (&|it| it.late = true, ["is known late", "breaking: is no longer known late"]),
            (&|it| it.deprecated = deprecated("shop.place"), ["deprecated, use `shop.place`", "no longer deprecated"]),
        ];
        for (change, [forth, back]) in cases {
            assert_eq!(attribute(change), [[forth], [back]]);
        }
    }

    #[test]
    fn an_attribute_that_a_span_takes_in_is_not_gone() {
        let alone = Registry { attributes: vec![market()], ..Registry::default() };
        let found: Vec<String> = changes(&alone, &registry(sale())).iter().map(Change::to_string).collect();
        assert_eq!(found, ["span `shop.sale`: added"]);
        let found: Vec<String> = changes(&registry(sale()), &alone).iter().map(Change::to_string).collect();
        assert_eq!(found, ["breaking: span `shop.sale`: removed"]);
        let gone = changes(&alone, &Registry::default());
        assert_eq!(gone[0].to_string(), "breaking: attribute `shop.market`: removed");
    }

    #[test]
    fn the_order_of_declarations_changes_nothing() {
        let order = Span { id: "shop.order".to_owned(), ..sale() };
        let one = Registry { spans: vec![sale(), order.clone()], ..Registry::default() };
        let other = Registry { spans: vec![order, sale()], ..Registry::default() };
        assert_eq!(changes(&one, &other), []);
        assert_eq!(changes(&one, &Registry::default()), changes(&other, &Registry::default()));
    }
}
