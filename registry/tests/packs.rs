//! The ready-made packs and the table of old names, read as plain YAML and text: names, references, name patterns.

#[path = "packs/known.rs"]
mod known;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use known::KNOWN;
use saphyr::{LoadableYamlNode, Yaml};

/// Namespaces that are ours. Every other name has to be one of the semantic conventions.
const OURS: &[&str] = &[
    "benchmark",
    "build",
    "business",
    "correlation",
    "crypto",
    "database",
    "etl",
    "failure",
    "job",
    "lakehouse",
    "operation",
    "performance",
    "retry",
    "startup",
    "storage",
    "testing",
    "workflow",
];

/// What the packs must not lack: one file for each.
const PACKS: &[&str] = &[
    "business",
    "cicd",
    "common",
    "crypto",
    "database",
    "etl",
    "http",
    "job",
    "lakehouse",
    "messaging",
    "performance",
    "startup",
    "storage",
    "test",
    "workflow",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packs")
}

fn read(file: &str) -> String {
    let path = folder().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every item of a section, from all packs, with the name of its pack.
fn items(section: &str) -> Vec<(&'static str, Yaml<'static>)> {
    let mut found = Vec::new();
    for pack in PACKS {
        let text: &'static str = read(&format!("{pack}.yaml")).leak();
        let documents = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{pack}: {error}"));
        assert_eq!(documents.len(), 1, "{pack}: one document");
        assert_eq!(string(&documents[0], "file_format"), Some("definition/2"), "{pack}");
        found.extend(list(&documents[0], section).iter().map(|item| (*pack, item.clone())));
    }
    found
}

fn list<'a>(node: &'a Yaml<'static>, key: &str) -> &'a [Yaml<'static>] {
    node.as_mapping_get(key).and_then(|value| value.as_sequence()).map_or(&[], Vec::as_slice)
}

fn string<'a>(node: &'a Yaml<'static>, key: &str) -> Option<&'a str> {
    node.as_mapping_get(key).and_then(|value| value.as_str())
}

/// The key that names an item of the section.
fn id<'a>(section: &str, item: &'a Yaml<'static>) -> &'a str {
    let key = match section {
        "attributes" => "key",
        "spans" => "type",
        "events" => "name",
        _ => "id",
    };
    string(item, key).unwrap_or_else(|| panic!("{section}: an item without `{key}`"))
}

/// One of our annotations.
fn annotation<'a>(item: &'a Yaml<'static>, key: &str) -> Option<&'a Yaml<'static>> {
    item.as_mapping_get("annotations")?.as_mapping_get("otelier")?.as_mapping_get(key)
}

/// Names and values of the attributes a span or event has with one value.
fn constants(item: &Yaml<'static>) -> Vec<(String, String)> {
    let Some(map) = annotation(item, "constants").and_then(|value| value.as_mapping()) else { return Vec::new() };
    map.iter()
        .map(|(name, value)| (name.as_str().expect("a name").to_owned(), value.as_str().expect("text").to_owned()))
        .collect()
}

/// Every attribute by its key.
fn attributes() -> BTreeMap<String, Yaml<'static>> {
    let mut found = BTreeMap::new();
    for (pack, item) in items("attributes") {
        let key = id("attributes", &item).to_owned();
        assert!(found.insert(key.clone(), item).is_none(), "{pack}: `{key}` is defined twice");
    }
    found
}

/// The values of an attribute that has known ones.
fn members<'a>(attribute: &'a Yaml<'static>) -> Vec<&'a str> {
    let Some(kind) = attribute.as_mapping_get("type") else { return Vec::new() };
    list(kind, "members").iter().filter_map(|member| string(member, "value")).collect()
}

fn is_true(value: Option<&Yaml<'static>>) -> bool {
    value.and_then(|value| value.as_bool()) == Some(true)
}

/// Each attribute an item has, with whether it is required. What the item says itself goes before what its groups say.
fn references(item: &Yaml<'static>, groups: &BTreeMap<String, Yaml<'static>>) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    let references = list(item, "attributes");
    for reference in references {
        let Some(group) = string(reference, "ref_group") else { continue };
        let group = groups.get(group).unwrap_or_else(|| panic!("no group `{group}`"));
        for (name, required) in self::references(group, groups) {
            assert!(found.insert(name.clone(), required).is_none(), "`{name}` is in two groups of one item");
        }
    }
    let mut own = BTreeSet::new();
    for reference in references {
        let Some(name) = string(reference, "ref") else { continue };
        assert!(own.insert(name), "`{name}` is referred to twice");
        let required = string(reference, "requirement_level") == Some("required");
        if is_true(annotation(reference, "late")) {
            assert!(required, "`{name}` is late, so it has to be required");
        }
        found.insert(name.to_owned(), required);
    }
    found
}

fn groups() -> BTreeMap<String, Yaml<'static>> {
    let mut found = BTreeMap::new();
    for (pack, item) in items("attribute_groups") {
        let key = id("attribute_groups", &item).to_owned();
        assert!(found.insert(key.clone(), item).is_none(), "{pack}: the group `{key}` is defined twice");
    }
    found
}

/// The names between braces.
fn placeholders(pattern: &str) -> Vec<&str> {
    pattern.split('{').skip(1).map(|part| part.split_once('}').expect("a closing brace").0).collect()
}

#[test]
fn every_pack_is_listed() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .expect("the packs")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| name != "manifest")
        .collect();
    found.sort();
    assert_eq!(found, PACKS);
}

#[test]
fn names_outside_our_namespaces_are_those_of_the_semantic_conventions() {
    let attributes = attributes();
    let foreign: BTreeSet<&str> = attributes
        .keys()
        .map(String::as_str)
        .filter(|name| !OURS.contains(&name.split('.').next().expect("a namespace")))
        .collect();
    let known: BTreeSet<&str> = KNOWN.iter().copied().collect();
    assert_eq!(known.len(), KNOWN.len(), "a name is in `KNOWN` twice");
    assert_eq!(foreign.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in `KNOWN`");
    assert_eq!(known.difference(&foreign).collect::<Vec<_>>(), Vec::<&&str>::new(), "no pack has it");
    for name in KNOWN {
        let namespace = name.split('.').next().expect("a namespace");
        assert!(!OURS.contains(&namespace), "`{namespace}` belongs to the semantic conventions");
    }
}

#[test]
fn every_attribute_says_what_it_is() {
    let mut enums = BTreeSet::new();
    for (name, attribute) in attributes() {
        let brief = string(&attribute, "brief").unwrap_or_default();
        assert!(brief.len() <= 110 && brief.ends_with('.'), "`{name}`: a short sentence, not `{brief}`");
        assert!(string(&attribute, "stability").is_some(), "`{name}`: stability");
        let values = members(&attribute);
        let closed = is_true(annotation(&attribute, "closed"));
        let rust_enum = annotation(&attribute, "enum").and_then(|value| value.as_str());
        assert!(!closed || (!values.is_empty() && rust_enum.is_some()), "`{name}`: closed without members or enum");
        if let Some(rust_enum) = rust_enum {
            assert!(enums.insert(rust_enum.to_owned()), "two attributes have the enum `{rust_enum}`");
        }
        if KNOWN.contains(&name.as_str()) {
            assert!(!closed && rust_enum.is_none(), "`{name}`: enums of the semantic conventions are open");
        }
        if annotation(&attribute, "unit").is_some() {
            let number = matches!(string(&attribute, "type"), Some("int" | "double"));
            assert!(number, "`{name}`: only numbers have a unit");
        }
        if let Some(sensitivity) = annotation(&attribute, "sensitivity") {
            let word = sensitivity.as_str().unwrap_or_default();
            assert!(["personal", "sensitive", "secret"].contains(&word), "`{name}`: sensitivity `{word}`");
        }
    }
}

#[test]
fn every_reference_leads_to_a_definition() {
    let (attributes, groups) = (attributes(), groups());
    let mut used: BTreeSet<String> = BTreeSet::new();
    for section in ["attribute_groups", "spans", "events"] {
        let mut ids = BTreeSet::new();
        for (pack, item) in items(section) {
            let id = id(section, &item).to_owned();
            assert!(ids.insert(id.clone()), "{pack}: `{id}` is defined twice");
            for name in references(&item, &groups).into_keys() {
                assert!(attributes.contains_key(&name), "{pack}: `{id}` refers to `{name}`, which is not defined");
                used.insert(name);
            }
            for (name, value) in constants(&item) {
                let Some(attribute) = attributes.get(&name) else { panic!("{pack}: `{id}` fixes `{name}`") };
                let values = members(attribute);
                assert!(values.is_empty() || values.contains(&value.as_str()), "{pack}: `{id}`: `{name}` = `{value}`");
                used.insert(name);
            }
        }
    }
    let idle: Vec<&String> = attributes.keys().filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "no group, span or event has {idle:?}");
}

#[test]
fn every_name_can_be_made_when_the_span_starts() {
    let groups = groups();
    for (pack, span) in items("spans") {
        let id = id("spans", &span);
        let note = span.as_mapping_get("name").and_then(|name| string(name, "note")).unwrap_or_default();
        assert!(!note.is_empty(), "{pack}: `{id}` has no name");
        assert_eq!(annotation(&span, "pattern").and_then(|value| value.as_str()), Some(note), "{pack}: `{id}`");
        let references = references(&span, &groups);
        let constants = constants(&span);
        let late: Vec<&str> = list(&span, "attributes")
            .iter()
            .filter(|reference| is_true(annotation(reference, "late")))
            .filter_map(|reference| string(reference, "ref"))
            .collect();
        for placeholder in placeholders(note) {
            let required = references.get(placeholder) == Some(&true) && !late.contains(&placeholder);
            let constant = constants.iter().any(|(name, _)| name == placeholder);
            assert!(required || constant, "{pack}: `{id}` is named after `{placeholder}`, which it can lack");
        }
    }
}

#[test]
fn old_names_lead_to_definitions() {
    let attributes = attributes();
    let table = read("sources.tsv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("source\told\tnew\tstate\tvalues\treason"));
    let mut seen = BTreeSet::new();
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let [source, old, new, state, values, reason] = cells[..] else { panic!("six cells: {line}") };
        assert!(["L", "M", "B", "R", "E"].contains(&source), "{line}");
        assert!(seen.insert((source, old)), "twice: {line}");
        let names: Vec<&str> =
            new.split(',').filter(|name| !name.is_empty()).map(|name| name.trim_end_matches(".<key>")).collect();
        for name in &names {
            assert!(attributes.contains_key(*name), "`{name}` is not defined: {line}");
        }
        match state {
            "same" => assert_eq!(old, new, "{line}"),
            "renamed" => assert!(names.len() == 1 && old != new, "{line}"),
            "split" => assert!(!names.is_empty() && !reason.is_empty(), "{line}"),
            "dropped" => assert!(names.is_empty() && !reason.is_empty(), "{line}"),
            _ => panic!("no such state: {line}"),
        }
        for pair in values.split(',').filter(|pair| !pair.is_empty()) {
            let (before, after) = pair.split_once('=').unwrap_or_else(|| panic!("old=new: {line}"));
            let known = members(&attributes[names[0]]);
            assert!(before != after && (known.is_empty() || known.contains(&after)), "{line}");
        }
    }
}
