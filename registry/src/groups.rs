//! What groups bring, for those who write registries.

use crate::model::{Attribute, Group, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many groups may stand between a span and an attribute.
const MAX_CHAIN: usize = 64;

/// Attributes by name.
pub(crate) type Attributes = BTreeMap<String, Attribute>;

/// The groups of a registry.
pub(crate) struct Groups<'a> {
    by_id: BTreeMap<&'a str, &'a Group>,
    resolved: BTreeMap<String, Rc<Attributes>>,
}

impl<'a> Groups<'a> {
    pub(crate) fn of(registry: &'a Registry) -> Self {
        let by_id = registry.groups.iter().map(|group| (group.id.as_str(), group)).collect();
        Self { by_id, resolved: BTreeMap::new() }
    }

    /// All attributes of the group `id`, which `owner` takes in.
    pub(crate) fn attributes(&mut self, owner: &str, id: &str, errors: &mut BTreeSet<String>) -> Rc<Attributes> {
        self.resolve(owner, id, &mut Vec::new(), errors)
    }

    fn resolve(
        &mut self,
        owner: &str,
        id: &str,
        trail: &mut Vec<String>,
        errors: &mut BTreeSet<String>,
    ) -> Rc<Attributes> {
        if let Some(done) = self.resolved.get(id) {
            return done.clone();
        }
        let Some(group) = self.by_id.get(id).copied() else {
            errors.insert(format!("{owner} takes in the group `{id}`, which the registry does not have"));
            return Rc::default();
        };
        if trail.len() >= MAX_CHAIN || trail.iter().any(|known| known == id) {
            errors.insert(format!("the group `{id}` takes itself in, or the groups nest too deeply"));
            return Rc::default();
        }
        trail.push(id.to_owned());
        let mut all = Attributes::new();
        for inner in &group.groups {
            let theirs = self.resolve(&format!("group `{id}`"), inner, trail, errors);
            all.extend(theirs.iter().map(|(name, attribute)| (name.clone(), attribute.clone())));
        }
        trail.pop();
        all.extend(group.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.clone())));
        let all = Rc::new(all);
        self.resolved.insert(id.to_owned(), all.clone());
        all
    }
}
