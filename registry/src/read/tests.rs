//! What is wrong in a file, word for word; what is right is in `tests/`.

use super::*;
use crate::model::{Kind, Requirement, Stability};

fn mistakes(text: &str) -> String {
    match texts([("f.yaml", text)]) {
        Ok(registry) => format!("no mistake in {registry:?}"),
        Err(errors) => errors.to_string(),
    }
}

fn v2(rest: &str) -> String {
    mistakes(&format!("file_format: definition/2\n{rest}"))
}

#[test]
fn all_mistakes_of_a_definition_are_told_at_once() {
    let text = "attributes:
  - key: a.b
    type: strin
    stability: stabel
    brief: [x]
    colour: red
  - type: int
    examples: 1
  - key: a.c
    type:
      members:
        - id: x
        - id: y
          value: [1]
        - {id: y, value: 2}
        - {id: y, value: 3}
    brief: ok
    deprecated: {reason: gone}
  - text
";
    let known = "`key`, `type`, `brief`, `note`, `examples`, `stability`, `deprecated`, `annotations`";
    let expected = format!(
        "f.yaml:4:11: `strin` is no type; expected `string`, `int`, `double`, `boolean`, `any`, one of them with `[]`, \
         `template[…]` of these, or `members: […]`
f.yaml:5:16: `stabel` is no `stability`; expected one of `development`, `alpha`, `beta`, `release_candidate`, `stable`, \
         `experimental`
f.yaml:6:12: `brief` is a list; expected text
f.yaml:7:5: unknown key `colour` in an attribute; expected one of {known}
f.yaml:8:5: an attribute has no `brief`; expected `brief: …`
f.yaml:8:5: an attribute has no `key`; expected `key: …`
f.yaml:13:11: a member has no `value`; expected text, a number or a boolean
f.yaml:15:18: a member has no `value`; expected text, a number or a boolean
f.yaml:16:11: a second member is called `y`; expected one
f.yaml:17:11: a second member is called `y`; expected one
f.yaml:19:26: `gone` is no `reason`; expected one of `renamed`, `obsoleted`, `uncategorized`, `unspecified`
f.yaml:20:5: an attribute is text; expected a mapping"
    );
    assert_eq!(v2(text), expected);
}

#[test]
fn all_mistakes_of_a_span_are_told_at_once() {
    let text = "spans:
  - type: a.b
    kind: clinet
    attributes:
      - ref: a.none
      - ref_group: none
      - ref_group: none
      - ref_group: g
        brief: x
      - ref: a.one
        requirement_level: must
      - ref: a.one
        requirement_level: conditionally_required
      - ref: a.one
        requirement_level: {required: x}
      - ref: a.one
        annotations: {otelier: {late: yes, sensitivity: high, speed: 1, values: [z]}}
    annotations: {otelier: {undeclared: maybe, constants: {a.b: [1]}, groups: [g]}}
attribute_groups:
  - id: g
    visibility: internal
  - id: h
attributes:
  - {key: a.one, type: {members: [{id: x, value: x}]}, brief: One}
";
    let expected = "f.yaml:3:5: a span has no `brief`; expected `brief: …`
f.yaml:3:5: a span has no `name`; expected `name: …`
f.yaml:3:5: a span has no `stability`; expected `stability: …`
f.yaml:4:11: `clinet` is no `kind`; expected one of `client`, `server`, `internal`, `producer`, `consumer`
f.yaml:6:9: `a.none` is not defined; expected the name of an attribute
f.yaml:7:9: `none` is not defined; expected the id of a group
f.yaml:8:9: `none` is not defined; expected the id of a group
f.yaml:8:9: `none` is taken in twice; expected it once
f.yaml:10:9: unknown key `brief` in a `ref_group`; expected `ref_group`
f.yaml:12:28: `must` is no `requirement_level`; expected one of `required`, `conditionally_required`, `recommended`, `opt_in`
f.yaml:13:9: a second `ref` names `a.one`; expected one
f.yaml:14:28: `conditionally_required` has no condition; expected `conditionally_required: …`
f.yaml:15:9: a second `ref` names `a.one`; expected one
f.yaml:16:29: unknown key `required` in `requirement_level`; expected one of `conditionally_required`, `recommended`, `opt_in`
f.yaml:17:9: a second `ref` names `a.one`; expected one
f.yaml:18:39: `late` is text; expected `true` or `false`
f.yaml:18:57: `high` is no `sensitivity`; expected one of `public`, `personal`, `sensitive`, `secret`
f.yaml:18:63: unknown key `speed` in `otelier` of an attribute; expected one of `late`, `array`, `closed`, `values`, `members`, `enum`, `unit`, `sensitivity`, `deprecated`, `constant`
f.yaml:18:82: `z` is no value of a member; expected one that the attribute has
f.yaml:19:41: `maybe` is no `undeclared`; expected one of `allow`, `warn`, `deny`
f.yaml:19:65: `a.b` is a list; expected a value
f.yaml:19:80: `g` is not defined; expected the id of a public group
f.yaml:23:5: an attribute group has no `visibility`; expected `internal` or `public`";
    assert_eq!(v2(text), expected);
}

#[test]
fn all_mistakes_of_the_old_format_are_told_at_once() {
    let text = "groups:
  - type: spam
    attributes: {}
  - id: span.a
    type: span
    brief: x
    attributes:
      - {ref: a.b, foo: 1}
  - id: span.a
    type: span
    extends: missing
    span_kind: 1
";
    let expected = "f.yaml:2:5: a group has no `id`; expected `id: …`
f.yaml:2:11: `spam` is no `type`; expected one of `attribute_group`, `span`, `event`, `metric`, `entity`, `resource`, `metric_group`, `scope`
f.yaml:3:17: `attributes` is a mapping; expected a list
f.yaml:4:5: a span has no `span_kind`; expected `span_kind: internal` or another one
f.yaml:8:9: `a.b` is not defined; expected the name of an attribute
f.yaml:8:20: unknown key `foo` in a `ref`; expected one of `ref`, `brief`, `note`, `examples`, `tag`, `requirement_level`, `sampling_relevant`, `stability`, `deprecated`, `prefix`, `annotations`, `role`
f.yaml:9:5: `span.a` is defined a second time; expected it only at f.yaml:4:5
f.yaml:12:16: `span_kind` is a number; expected text";
    assert_eq!(mistakes(text), expected);
}

#[test]
fn files_that_are_something_else_are_refused() {
    for (text, expected) in [
        ("a: [", "f.yaml:2:1: this is not YAML: while parsing a node, did not find expected node content"),
        ("- a", "f.yaml:1:1: a registry's file is a list; expected a mapping"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: a second YAML document begins here; expected one document in a file"),
        ("[a]: 1", "f.yaml:1:1: this is no key; expected a word before `:`"),
        ("groups: []\ngroups: []", "f.yaml:2:1: `groups` is given twice; expected it once"),
        (
            "x: 1",
            "f.yaml:1:1: this file has no `groups`; expected `groups: […]` or `file_format: definition/2`\n\
          f.yaml:1:1: unknown key `x` in a file; expected one of `file_format`, `groups`, `imports`",
        ),
        (
            "file_format: definition/3",
            "f.yaml:1:14: `definition/3` is no `file_format`; expected `definition/2`, or none for `groups:`",
        ),
        ("groups: !!int x", "f.yaml:1:9: `x` is not of the type its tag names; expected no tag"),
        (
            "groups: &a [x]\nimports: *a",
            "f.yaml:2:10: this alias stands for a list or a mapping; expected an alias of a text",
        ),
    ] {
        assert_eq!(mistakes(text), expected);
    }
    assert_eq!(
        texts([("manifest.yaml", "name: x")]).map_err(|errors| errors.to_string()),
        Err("manifest.yaml:1:1: a manifest has no `schema_url`; expected `schema_url: https://host/path/<version>`"
            .to_owned())
    );
    let missing = registry(Path::new("/no/such/path")).map_err(|errors| errors.to_string()).unwrap_err();
    assert!(missing.starts_with("/no/such/path: this cannot be read: "), "{missing}");
}

#[test]
fn what_is_empty_is_an_empty_registry() {
    assert_eq!(texts([("f.yaml", ""), ("g.yaml", "# nothing\n"), ("h.yaml", "groups: []")]), Ok(Registry::default()));
}

#[test]
fn circles_are_told_and_do_not_hang() {
    let text = "attribute_groups:
  - {id: a, visibility: internal, attributes: [{ref_group: b}]}
  - {id: b, visibility: internal, attributes: [{ref_group: a}]}
span_refinements:
  - {id: span.x, ref: x}
";
    let expected = "f.yaml:4:48: `a` takes itself in; expected a group that does not
f.yaml:6:23: `span.x` takes itself in; expected a group that does not";
    assert_eq!(v2(text), expected);
}

#[test]
fn files_made_to_exhaust_memory_or_stack_are_refused() {
    let last = |text: &str| mistakes(text).lines().next().unwrap_or_default().to_owned();
    assert_eq!(
        last(&"- ".repeat(100_000)),
        "f.yaml:1:129: lists and mappings nest too deeply; expected at most 64 levels"
    );
    assert_eq!(last(&"[".repeat(100_000)), "f.yaml:1:256: this is not YAML: recursion limit exceeded");
    let bomb = format!("groups: &a \"{}\"\nx: [{}]", "x".repeat(10_000), "*a, ".repeat(10_000));
    assert_eq!(last(&bomb), "f.yaml:2:421: the aliases of this file stand for more than 1 MiB; expected less");
    for step in [1, -1] {
        let mut chain = String::from("attribute_groups:\n");
        for number in 1..5_000 {
            let next = number + step;
            let text = format!("g{number:04}, visibility: internal, attributes: [{{ref_group: g{next:04}}}]");
            chain.push_str(&format!("  - {{id: {text}}}\n"));
        }
        chain.push_str("  - {id: g5000, visibility: internal}\n  - {id: g0000, visibility: internal}\n");
        let told = v2(&chain);
        assert!(told.contains("groups nest too deeply; expected at most 64 levels"), "{told}");
    }
    let mut diamonds = String::from("attribute_groups:\n");
    for layer in 0..60 {
        for side in ["a", "b"] {
            let inner = layer + 1;
            let text = format!(
                "{side}{layer}, visibility: internal, attributes: [{{ref_group: a{inner}}}, {{ref_group: b{inner}}}]"
            );
            diamonds.push_str(&format!("  - {{id: {text}}}\n"));
        }
    }
    diamonds.push_str("  - {id: a60, visibility: internal}\n  - {id: b60, visibility: internal}\n");
    diamonds.push_str("  - {id: p, visibility: public, brief: x, stability: stable, attributes: [{ref_group: a0}]}\n");
    assert!(texts([("f.yaml", format!("file_format: definition/2\n{diamonds}").as_str())]).is_ok());
    let mut wide = String::from("attributes:\n");
    for number in 0..1_000 {
        wide.push_str(&format!("  - {{key: a.b{number}, type: int, brief: x}}\n"));
    }
    wide.push_str("attribute_groups:\n  - id: all\n    visibility: internal\n    attributes:\n");
    for number in 0..1_000 {
        wide.push_str(&format!("      - ref: a.b{number}\n"));
    }
    for number in 0..1_000 {
        wide.push_str(&format!("  - {{id: g{number}, visibility: internal, attributes: [{{ref_group: all}}]}}\n"));
    }
    let told = v2(&wide);
    assert!(told.contains("spans and groups have too many attributes; expected at most 200000"), "{told}");
}

#[test]
fn brackets_may_stand_below_their_list() {
    let text = "groups:
  - id: g
    type: attribute_group
    brief: x
    attributes:
      - id: a.b
        type: string[]
        brief: x
        examples:
          - [
            'one',
            'two'
          ]
          - [
            'three'
          ]
      - id: a.c
        type: ]
        brief: x
";
    let told = mistakes(text);
    assert!(told.starts_with("f.yaml:18:15: "), "{told}");
    let registry = texts([("f.yaml", text.replace(": ]", ": int").as_str())]).unwrap();
    assert_eq!(registry.attributes[0].examples, [r#"["one", "two"]"#, r#"["three"]"#]);
}

#[test]
fn the_old_format_is_read_with_all_its_forms() {
    let text = r#"
groups:
  - id: registry.a
    type: attribute_group
    brief: All.
    attributes:
      - id: a.text
        type: string
        stability: experimental
        brief: >
          Some
          text.
        examples: 'one'
        requirement_level: required
      - {id: a.old, type: int, deprecated: Use `a.new`., examples: [1, 2], tag: x}
      - id: a.state
        type:
          allow_custom_values: true
          members:
            - {id: on, value: 1, brief: 'On.', stability: stable}
            - {id: off, value: 0, stability: development}
        stability: stable
        brief: State.
      - {id: a.header, type: 'template[string[]]', brief: Headers., examples: [["x", "y"]]}
      - {id: a.list, type: 'string[]', brief: List., examples: [x, y]}
  - id: base
    type: attribute_group
    brief: Base.
    attributes:
      - ref: a.text
        brief: Other.
        requirement_level:
          conditionally_required: there is one
      - ref: a.header
        requirement_level: {recommended: asked}
  - id: span.a.b
    type: span
    span_kind: server
    extends: base
    brief: A span.
    stability: beta
    deprecated: {reason: renamed, renamed_to: a.c}
    attributes:
      - ref: a.text
        note: Here.
        sampling_relevant: true
      - ref: a.state
        requirement_level: opt_in
  - {id: span.a.c, type: span, extends: span.a.b, brief: Another., stability: development}
  - {id: event.e, name: e.name, type: event, brief: E., stability: stable, attributes: [{ref: a.text}],
     body: {id: x, type: map}}
  - {id: metric.m, type: metric, metric_name: m, instrument: counter, unit: "1", brief: M., stability: stable}
"#;
    let registry = texts([("f.yaml", text)]).unwrap_or_else(|errors| panic!("{errors}"));
    let names: Vec<&str> = registry.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(names, ["a.header", "a.list", "a.old", "a.state", "a.text"]);
    let [header, list, old, state, text] = &registry.attributes[..] else { panic!() };
    assert_eq!(
        (header.value_type.to_string().as_str(), &header.examples[..]),
        ("template[string[]]", &[r#"["x", "y"]"#.to_owned()][..])
    );
    assert_eq!(list.examples, [r#"["x", "y"]"#]);
    assert_eq!(
        (old.deprecated.as_ref().map(|gone| gone.note.as_str()), &old.examples[..]),
        (Some("Use `a.new`."), &["1".to_owned(), "2".to_owned()][..])
    );
    assert_eq!((state.value_type.to_string().as_str(), state.open, state.members.len()), ("int", true, 2));
    assert_eq!((state.members[0].stability, state.members[1].stability), (None, Some(Stability::Development)));
    assert_eq!(
        (text.brief.as_str(), text.stability, text.requirement),
        ("Some text.", Stability::Development, Requirement::Recommended)
    );
    let [first, second] = &registry.spans[..] else { panic!() };
    assert_eq!((first.id.as_str(), first.kind, first.stability), ("a.b", Kind::Server, Stability::Beta));
    assert_eq!(first.deprecated.as_ref().map(|gone| gone.renamed_to.as_str()), Some("a.c"));
    let [header, state, text] = &first.attributes[..] else { panic!() };
    assert_eq!((header.requirement, header.condition.as_str()), (Requirement::Recommended, "asked"));
    assert_eq!(state.requirement, Requirement::OptIn);
    assert_eq!((text.brief.as_str(), text.note.as_str(), text.condition.as_str()), ("Other.", "Here.", "there is one"));
    assert_eq!((second.kind, second.brief.as_str(), &second.attributes), (Kind::Server, "Another.", &first.attributes));
    assert_eq!(
        (registry.events[0].id.as_str(), registry.events[0].attributes[0].requirement),
        ("e.name", Requirement::Required)
    );
}

#[test]
fn the_new_format_is_read_with_groups_and_refinements() {
    let text = r#"
file_format: definition/2
attributes:
  - {key: a.one, type: string, stability: stable, brief: One., examples: [x]}
  - {key: a.two, type: double, stability: stable, brief: Two.}
attribute_groups:
  - id: inner
    visibility: internal
    attributes: [{ref_group: shared}, {ref: a.two, requirement_level: required}]
  - {id: shared, visibility: public, brief: Shared., stability: alpha,
     attributes: [{ref: a.one, requirement_level: opt_in}]}
spans:
  - type: a.base
    kind: consumer
    name: {templates: [{pattern: "{a.two} base"}], note: How.}
    brief: Base.
    stability: stable
    attributes: [{ref_group: inner}]
span_refinements:
  - {id: span.a.fine, ref: a.base, attributes: [{ref: a.one, note: Fine.}]}
metrics: [{anything: goes}]
entities: [1]
imports: {spans: [http.*]}
"#;
    let registry = texts([("f.yaml", text)]).unwrap_or_else(|errors| panic!("{errors}"));
    let [group] = &registry.groups[..] else { panic!() };
    assert_eq!((group.id.as_str(), group.stability, group.attributes.len()), ("shared", Stability::Alpha, 1));
    let [base, fine] = &registry.spans[..] else { panic!() };
    assert_eq!((base.name.as_str(), base.name_note.as_str(), base.kind), ("{a.two} base", "How.", Kind::Consumer));
    assert_eq!((base.groups.as_slice(), base.attributes.len()), (&["shared".to_owned()][..], 2));
    assert_eq!(
        (base.attributes[0].requirement, base.attributes[1].requirement),
        (Requirement::OptIn, Requirement::Required)
    );
    assert_eq!(
        (fine.id.as_str(), fine.brief.as_str(), fine.kind, &fine.name),
        ("a.fine", "Base.", Kind::Consumer, &base.name)
    );
    assert_eq!((fine.groups.as_slice(), fine.attributes[0].note.as_str()), (&["shared".to_owned()][..], "Fine."));
}
