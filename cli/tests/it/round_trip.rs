//! The ready-made schemas, from the tables through Rust and back.

use otelier::schema::{ALL, EVENTS, GROUPS};
use otelier_registry::model::{Attribute, Registry};
use otelier_registry::rust::Options;
use otelier_registry::{definitions, diff, read, rust, yaml};
use std::collections::BTreeMap;
use std::path::Path;

fn tables() -> Registry {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/packs");
    read::registry(&packs).unwrap_or_else(|errors| panic!("{errors}"))
}

fn compiled() -> Registry {
    let tables = tables();
    let (spans, events, groups) = (ALL.iter().copied(), EVENTS.iter().copied(), GROUPS.iter().copied());
    definitions::registry(&tables.name, &tables.description, &tables.schema_url, spans, events, groups)
}

/// The attributes of the group `id` with those of the groups it takes in, its own ones over theirs.
fn in_full(registry: &Registry, id: &str) -> Vec<Attribute> {
    let group = registry.groups.iter().find(|group| group.id == id).expect("the group is there");
    let inherited = group.groups.iter().flat_map(|inner| in_full(registry, inner));
    let all = inherited.chain(group.attributes.iter().cloned());
    all.map(|attribute| (attribute.name.clone(), attribute)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Takes away what a definition does not know:
///
/// * which groups a span, an event or a group takes in: groups have their attributes in full instead;
/// * attributes on their own: nobody but a constant uses them, or spans have them anyway;
/// * ids, stability and deprecation of an enumeration's members.
fn normalised(mut registry: Registry) -> Registry {
    let full: Vec<Vec<Attribute>> = registry.groups.iter().map(|group| in_full(&registry, &group.id)).collect();
    for (group, attributes) in registry.groups.iter_mut().zip(full) {
        group.attributes = attributes;
        group.groups.clear();
    }
    registry.attributes.clear();
    registry.spans.iter_mut().for_each(|span| span.groups.clear());
    registry.events.iter_mut().for_each(|event| event.groups.clear());
    let of_spans = registry.spans.iter_mut().flat_map(|span| &mut span.attributes);
    let of_events = registry.events.iter_mut().flat_map(|event| &mut event.attributes);
    let of_groups = registry.groups.iter_mut().flat_map(|group| &mut group.attributes);
    for member in of_spans.chain(of_events).chain(of_groups).flat_map(|attribute| &mut attribute.members) {
        member.id.clear();
        (member.stability, member.deprecated) = (None, None);
    }
    registry
}

fn again(registry: &Registry) -> Registry {
    let files = yaml::definition(registry).expect("the registry can be written");
    read::texts(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))).expect("what is written is read")
}

#[test]
fn the_compiled_schemas_are_those_of_the_tables() {
    let (tables, compiled) = (normalised(tables()), normalised(compiled()));
    // One by one first, so that a difference can be read.
    tables.spans.iter().zip(&compiled.spans).for_each(|(table, compiled)| assert_eq!(table, compiled));
    tables.events.iter().zip(&compiled.events).for_each(|(table, compiled)| assert_eq!(table, compiled));
    tables.groups.iter().zip(&compiled.groups).for_each(|(table, compiled)| assert_eq!(table, compiled));
    assert_eq!(tables, compiled);
}

#[test]
fn an_export_is_read_as_it_was() {
    let compiled = compiled();
    let read = again(&compiled);
    // Attributes that only constants have are on their own now.
    assert!(diff::changes(&compiled, &read).iter().all(|change| change.what == "added"));
    assert_eq!(normalised(read), normalised(compiled));
}

#[test]
fn rust_source_of_the_export_is_that_of_the_tables() {
    let source = |registry: &Registry| {
        rust::source(registry, &Options { groups: false, ..Options::default() }).expect("the source can be written")
    };
    let (tables, exported) = (normalised(tables()), normalised(again(&compiled())));
    // Groups are declared all the same, each in full.
    assert_eq!(source(&tables), source(&exported));
}
