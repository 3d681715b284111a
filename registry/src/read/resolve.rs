//! Puts together what files define: references, inheritance and groups.

use super::attribute::Reference;
use super::node::{Fields, Node};
use super::{Errors, Place};
use crate::model::{Attribute, Deprecated, Event, Group, Kind, Level, Registry, Span, Stability};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many groups may stand between a span and what it inherits.
const MAX_CHAIN: usize = 64;

/// How many attributes all spans, events and groups may have together; the semantic conventions have 4,000.
const MAX_ATTRIBUTES: usize = 200_000;

/// Attributes by name.
type Attributes = BTreeMap<String, Attribute>;

/// What the files define.
#[derive(Default)]
pub(super) struct Found {
    attributes: BTreeMap<String, (Place, Attribute)>,
    sets: BTreeMap<String, Set>,
    /// The attributes of each set, and how many sets they came through.
    resolved: BTreeMap<String, (Rc<Attributes>, usize)>,
    /// How many attributes are resolved.
    count: usize,
}

/// A span, an event or a group.
pub(super) struct Set {
    pub(super) place: Place,
    pub(super) what: What,
    /// What it is called in the model.
    pub(super) id: String,
    pub(super) facts: Facts,
    /// What it extends or refines.
    pub(super) base: Option<(Place, String)>,
    /// Groups it takes in.
    pub(super) groups: Vec<(Place, String)>,
    pub(super) references: Vec<Reference>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A group that is inlined.
    Internal,
    /// A group that stays.
    Public,
    Span,
    Event,
    /// A metric or an entity: read only for the attributes it defines or hands on.
    Other,
}

/// What a span, an event or a group says beside its attributes. What is absent is that of the base.
#[derive(Clone, Default)]
pub(super) struct Facts {
    pub(super) kind: Option<Kind>,
    /// Pattern and note.
    pub(super) name: Option<(String, String)>,
    pub(super) brief: Option<String>,
    pub(super) note: Option<String>,
    pub(super) stability: Option<Stability>,
    pub(super) deprecated: Option<Deprecated>,
    pub(super) undeclared: Option<Level>,
    pub(super) constants: Option<Vec<(String, String)>>,
    /// Groups that are taken in, where `ref_group` cannot say all of them.
    pub(super) groups: Option<Vec<(Place, String)>>,
}

impl Facts {
    /// Takes what stands in `annotations: { otelier: … }` of a span, an event or a group.
    pub(super) fn ours(&mut self, node: &Node, what: &str, known: &[&str], errors: &mut Errors) {
        let what = format!("`otelier` of {what}");
        let Some(fields) = Fields::of(node, &what, known, errors) else { return };
        const LEVELS: &[(&str, Level)] = &[("allow", Level::Allow), ("warn", Level::Warn), ("deny", Level::Deny)];
        self.undeclared = fields.word("undeclared", LEVELS, errors);
        if let Some(constants) = fields.get("constants").and_then(|node| Fields::free(node, "`constants`", errors)) {
            let mut found = Vec::new();
            for (name, node) in constants.entries() {
                match node.scalar() {
                    Some(value) => found.push((name.text.clone(), value)),
                    None => errors.push(&node.place, format!("`{}` is {}; expected a value", name.text, node.kind())),
                }
            }
            self.constants = Some(found);
        }
        if fields.get("groups").is_some() {
            let ids = fields.list("groups", errors).iter();
            let ids = ids.filter_map(|node| Some((node.place.clone(), node.text("groups", errors)?.to_owned())));
            self.groups = Some(ids.collect());
        }
    }

    /// Takes what these facts leave open from `base`.
    fn inherit(&mut self, base: &Self) {
        fn or<T: Clone>(own: &mut Option<T>, base: &Option<T>) {
            if own.is_none() {
                own.clone_from(base);
            }
        }
        or(&mut self.kind, &base.kind);
        or(&mut self.name, &base.name);
        or(&mut self.brief, &base.brief);
        or(&mut self.note, &base.note);
        or(&mut self.stability, &base.stability);
        or(&mut self.deprecated, &base.deprecated);
        or(&mut self.undeclared, &base.undeclared);
        or(&mut self.constants, &base.constants);
    }
}

impl Found {
    /// Adds an attribute's definition.
    pub(super) fn define(&mut self, place: &Place, attribute: Attribute, errors: &mut Errors) {
        match self.attributes.get(&attribute.name) {
            Some((first, _)) => errors
                .push(place, format!("`{}` is defined a second time; expected it only at {first}", attribute.name)),
            None => {
                self.attributes.insert(attribute.name.clone(), (place.clone(), attribute));
            }
        }
    }

    /// Adds a span, an event or a group, which references call `key`.
    pub(super) fn add(&mut self, key: String, set: Set, errors: &mut Errors) {
        match self.sets.get(&key) {
            Some(first) => {
                errors
                    .push(&set.place, format!("`{key}` is defined a second time; expected it only at {}", first.place));
            }
            None => {
                self.sets.insert(key, set);
            }
        }
    }

    /// Fills `registry`.
    pub(super) fn resolve(mut self, registry: &mut Registry, errors: &mut Errors) {
        let keys: Vec<String> = self.sets.keys().cloned().collect();
        for key in &keys {
            self.attributes_of(key, &mut Vec::new(), errors);
        }
        for (place, id) in self.sets.values().flat_map(|set| set.facts.groups.iter().flatten()) {
            if !self.sets.get(id).is_some_and(|group| group.what == What::Public) {
                errors.push(place, format!("`{id}` is not defined; expected the id of a public group"));
            }
        }
        self.name_collisions(errors);
        if !errors.mistakes.is_empty() {
            return;
        }
        for (key, set) in &self.sets {
            let facts = self.facts_of(set);
            let all = self.resolved.get(key).map(|(all, _)| all.clone()).unwrap_or_default();
            match set.what {
                What::Span => registry.spans.push(self.span(set, facts, &all)),
                What::Event => registry.events.push(self.event(set, facts, &all)),
                What::Public => registry.groups.push(self.group(set, facts, &all)),
                What::Internal | What::Other => {}
            }
        }
        registry.spans.sort_by(|a, b| a.id.cmp(&b.id));
        registry.events.sort_by(|a, b| a.id.cmp(&b.id));
        // How much an attribute is needed is said where it is used, though the old format can say it here.
        registry.attributes = (self.attributes.into_values())
            .map(|(_, attribute)| {
                let (requirement, condition) = Default::default();
                Attribute { requirement, condition, late: false, ..attribute }
            })
            .collect();
    }

    /// Two keys may mean one name: `span.a.b` of the old format and the type `a.b` under another id.
    fn name_collisions(&self, errors: &mut Errors) {
        let mut names: BTreeMap<(bool, &str), &Place> = BTreeMap::new();
        for set in self.sets.values().filter(|set| matches!(set.what, What::Span | What::Event)) {
            if let Some(first) = names.insert((set.what == What::Span, &set.id), &set.place) {
                let message = format!("`{}` is defined a second time; expected it only at {first}", set.id);
                errors.push(&set.place, message);
            }
        }
    }

    /// The attributes of the set called `key`, without those that only constants give.
    fn attributes_of(
        &mut self,
        key: &str,
        trail: &mut Vec<String>,
        errors: &mut Errors,
    ) -> Option<(Rc<Attributes>, usize)> {
        if let Some(done) = self.resolved.get(key) {
            return Some(done.clone());
        }
        let set = self.sets.get(key)?;
        if self.count > MAX_ATTRIBUTES || trail.len() > 2 * MAX_CHAIN {
            return Some(Default::default());
        }
        let parents: Vec<(Place, String)> = set.base.iter().chain(&set.groups).cloned().collect();
        trail.push(key.to_owned());
        let mut all = Attributes::new();
        let mut depth = 0;
        let mut seen = BTreeSet::new();
        for (place, parent) in parents {
            if !seen.insert(parent.clone()) {
                errors.push(&place, format!("`{parent}` is taken in twice; expected it once"));
            }
            if trail.contains(&parent) {
                errors.push(&place, format!("`{parent}` takes itself in; expected a group that does not"));
            } else {
                match self.attributes_of(&parent, trail, errors) {
                    // Whether the chain is walked from its end or its start.
                    Some((_, below)) if below >= MAX_CHAIN || trail.len() > MAX_CHAIN => {
                        errors.push(&place, format!("groups nest too deeply; expected at most {MAX_CHAIN} levels"));
                    }
                    Some((inherited, below)) => {
                        depth = depth.max(below + 1);
                        all.extend(inherited.iter().map(|(name, own)| (name.clone(), own.clone())));
                    }
                    None => errors.push(&place, format!("`{parent}` is not defined; expected the id of a group")),
                }
            }
        }
        trail.pop();
        let references = self.sets.get(key).map(|set| set.references.as_slice()).unwrap_or_default();
        let mut seen = BTreeSet::new();
        for reference in references {
            if !seen.insert(&reference.name) {
                errors.push(&reference.place, format!("a second `ref` names `{}`; expected one", reference.name));
            }
            let inherited = all.remove(&reference.name);
            let Some((_, defined)) = self.attributes.get(&reference.name) else {
                let message = format!("`{}` is not defined; expected the name of an attribute", reference.name);
                errors.push(&reference.place, message);
                continue;
            };
            if !reference.is_constant() {
                let mut attribute = inherited.unwrap_or_else(|| defined.clone());
                reference.apply(&mut attribute, &defined.members, errors);
                all.insert(reference.name.clone(), attribute);
            }
        }
        self.count += all.len();
        if self.count > MAX_ATTRIBUTES {
            // Inheritance multiplies: few lines could fill the memory.
            if let Some(set) = self.sets.get(key) {
                let message = format!("spans and groups have too many attributes; expected at most {MAX_ATTRIBUTES}");
                errors.push(&set.place, message);
            }
            all.clear();
        }
        let resolved = (Rc::new(all), depth);
        self.resolved.insert(key.to_owned(), resolved.clone());
        Some(resolved)
    }

    /// The facts of `set`, with those of what it refines.
    fn facts_of(&self, set: &Set) -> Facts {
        let mut facts = set.facts.clone();
        let mut base = set.base.as_ref();
        for _ in 0..=MAX_CHAIN {
            let Some(next) = base.and_then(|(_, key)| self.sets.get(key)) else { break };
            // A group's brief is not that of the span that extends it.
            if next.what != set.what {
                break;
            }
            facts.inherit(&next.facts);
            base = next.base.as_ref();
        }
        facts
    }

    /// Ids of the public groups that `set` takes in, also through internal ones and through what it extends.
    fn groups_of<'a>(&'a self, set: &'a Set, seen: &mut BTreeSet<&'a str>, found: &mut Vec<String>) {
        for (_, key) in set.base.iter().chain(&set.groups) {
            // Several ways may lead to a group, more with each level.
            if !seen.insert(key) {
                continue;
            }
            match self.sets.get(key) {
                Some(group) if group.what == What::Public => found.push(group.id.clone()),
                Some(other) => self.groups_of(other, seen, found),
                None => {}
            }
        }
    }

    fn groups(&self, set: &Set) -> Vec<String> {
        if let Some(groups) = &set.facts.groups {
            return groups.iter().map(|(_, id)| id.clone()).collect();
        }
        let mut found = Vec::new();
        self.groups_of(set, &mut BTreeSet::new(), &mut found);
        found
    }

    fn span(&self, set: &Set, facts: Facts, all: &Attributes) -> Span {
        let (name, name_note) = facts.name.unwrap_or_default();
        Span {
            id: set.id.clone(),
            kind: facts.kind.unwrap_or_default(),
            name,
            name_note,
            brief: facts.brief.unwrap_or_default(),
            note: facts.note.unwrap_or_default(),
            stability: facts.stability.unwrap_or_default(),
            deprecated: facts.deprecated,
            undeclared: facts.undeclared.unwrap_or_default(),
            constants: facts.constants.unwrap_or_default(),
            groups: self.groups(set),
            attributes: all.values().cloned().collect(),
        }
    }

    fn event(&self, set: &Set, facts: Facts, all: &Attributes) -> Event {
        Event {
            id: set.id.clone(),
            brief: facts.brief.unwrap_or_default(),
            note: facts.note.unwrap_or_default(),
            stability: facts.stability.unwrap_or_default(),
            deprecated: facts.deprecated,
            undeclared: facts.undeclared.unwrap_or_default(),
            constants: facts.constants.unwrap_or_default(),
            groups: self.groups(set),
            attributes: all.values().cloned().collect(),
        }
    }

    /// A group has its own attributes: those of the groups it takes in are theirs, unless it changes them.
    fn group(&self, set: &Set, facts: Facts, all: &Attributes) -> Group {
        let groups = self.groups(set);
        let mut taken = Attributes::new();
        for group in &groups {
            if let Some((theirs, _)) = self.resolved.get(group) {
                taken.extend(theirs.iter().map(|(name, attribute)| (name.clone(), attribute.clone())));
            }
        }
        Group {
            id: set.id.clone(),
            brief: facts.brief.unwrap_or_default(),
            note: facts.note.unwrap_or_default(),
            stability: facts.stability.unwrap_or_default(),
            deprecated: facts.deprecated,
            groups,
            attributes: all.values().filter(|own| taken.get(&own.name) != Some(own)).cloned().collect(),
        }
    }
}
