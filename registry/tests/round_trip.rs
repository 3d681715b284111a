//! Registries of every shape are the same after they were written and read.

use otelier_registry::model::{
    Attribute, Deprecated, Event, Group, Kind, Level, Member, Registry, Requirement, Scalar, Sensitivity, Span,
    Stability, ValueType,
};
use otelier_registry::{read, rust, yaml};

fn again(registry: &Registry) -> Registry {
    let files = yaml::definition(registry).unwrap_or_else(|errors| panic!("{errors}\n{registry:#?}"));
    let texts = || files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    read::texts(texts()).unwrap_or_else(|errors| panic!("{errors}\n{files:#?}"))
}

fn attribute(name: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        brief: format!("The {name}."),
        examples: vec!["x".to_owned()],
        ..Attribute::default()
    }
}

fn named(mut registry: Registry) -> Registry {
    registry.name = "shop".to_owned();
    registry.schema_url = "https://shop.example/schemas/1.0.0".to_owned();
    registry
}

fn everything() -> Registry {
    let market = Attribute {
        members: vec![
            Member {
                id: "binance".to_owned(),
                value: "binance".to_owned(),
                brief: "Binance.".to_owned(),
                ..Member::default()
            },
            Member {
                id: "old".to_owned(),
                value: "true".to_owned(),
                stability: Some(Stability::Alpha),
                deprecated: Some(Deprecated { renamed_to: "binance".to_owned(), note: String::new() }),
                ..Member::default()
            },
        ],
        rust_enum: "Market".to_owned(),
        ..attribute("crypto.market")
    };
    let status = Attribute {
        value_type: ValueType { scalar: Scalar::Int, ..ValueType::default() },
        members: vec![
            Member { id: "ok".to_owned(), value: "200".to_owned(), ..Member::default() },
            Member { id: "gone".to_owned(), value: "-1".to_owned(), ..Member::default() },
        ],
        open: true,
        examples: vec!["200".to_owned()],
        ..attribute("crypto.status")
    };
    let size = Attribute {
        value_type: ValueType { scalar: Scalar::Double, ..ValueType::default() },
        unit: "By".to_owned(),
        examples: vec!["1.5".to_owned(), "2".to_owned()],
        note: "Several\n\n  lines: with # signs\nand \"quotes\".".to_owned(),
        ..attribute("crypto.size")
    };
    let header = Attribute {
        value_type: ValueType { array: true, template: true, ..ValueType::default() },
        sensitivity: Sensitivity::Secret,
        examples: vec![r#"["a, b", "c"]"#.to_owned()],
        deprecated: Some(Deprecated { renamed_to: "crypto.head".to_owned(), note: "Shorter.".to_owned() }),
        ..attribute("crypto.header")
    };
    let tags = Attribute {
        value_type: ValueType { array: true, ..ValueType::default() },
        members: vec![Member { id: "a".to_owned(), value: "a".to_owned(), ..Member::default() }],
        examples: Vec::new(),
        ..attribute("crypto.tags")
    };
    let any = Attribute {
        value_type: ValueType { scalar: Scalar::Any, ..ValueType::default() },
        examples: ["1", "x", "[1, 2]", "{\"a\": 1}", "true", "01"].map(str::to_owned).to_vec(),
        ..attribute("crypto.any")
    };
    let alone = Attribute { note: "No span has it.".to_owned(), ..attribute("other.alone") };
    let group = Group {
        id: "crypto.data".to_owned(),
        brief: "Market data.".to_owned(),
        stability: Stability::Beta,
        attributes: vec![Attribute { requirement: Requirement::Required, ..market.clone() }, size.clone()],
        ..Group::default()
    };
    let outer = Group {
        id: "crypto.outer".to_owned(),
        brief: "More.".to_owned(),
        note: "Note.".to_owned(),
        deprecated: Some(Deprecated { note: "Do not.".to_owned(), ..Deprecated::default() }),
        groups: vec!["crypto.data".to_owned()],
        attributes: vec![Attribute { late: true, requirement: Requirement::Required, ..status.clone() }],
        ..Group::default()
    };
    let constant = Attribute { brief: "Where.".to_owned(), ..attribute("crypto.venue") };
    let span = Span {
        id: "crypto.exchange_api".to_owned(),
        kind: Kind::Client,
        name: "{crypto.market} call".to_owned(),
        name_note: "Short.".to_owned(),
        brief: "A call: to an #exchange.".to_owned(),
        note: "word ".repeat(60).trim_end().to_owned(),
        stability: Stability::Stable,
        deprecated: Some(Deprecated { renamed_to: "crypto.api".to_owned(), note: String::new() }),
        undeclared: Level::Warn,
        constants: vec![("crypto.venue".to_owned(), "spot".to_owned()), ("crypto.tier".to_owned(), "1".to_owned())],
        groups: vec!["crypto.outer".to_owned()],
        attributes: vec![
            Attribute { requirement: Requirement::OptIn, ..any.clone() },
            Attribute {
                requirement: Requirement::ConditionallyRequired,
                condition: "it is: there".to_owned(),
                deprecated: None,
                stability: Stability::Alpha,
                ..header.clone()
            },
            Attribute {
                requirement: Requirement::Required,
                late: true,
                members: market.members[..1].to_vec(),
                open: true,
                ..market.clone()
            },
            Attribute { brief: "Another size.".to_owned(), unit: String::new(), note: String::new(), ..size.clone() },
            Attribute { requirement: Requirement::Required, late: true, ..status.clone() },
            Attribute { examples: vec!["[]".to_owned()], ..tags.clone() },
            Attribute { requirement: Requirement::Required, ..constant.clone() },
        ],
    };
    let both = Span {
        id: "other.both".to_owned(),
        brief: "Takes in two groups with one attribute.".to_owned(),
        groups: vec!["crypto.data".to_owned(), "crypto.outer".to_owned()],
        attributes: vec![
            Attribute { requirement: Requirement::Required, ..market.clone() },
            size.clone(),
            Attribute { late: true, requirement: Requirement::Required, ..status.clone() },
        ],
        ..Span::default()
    };
    let event = Event {
        id: "app.retry".to_owned(),
        brief: "A retry.".to_owned(),
        undeclared: Level::Allow,
        constants: vec![("crypto.tier".to_owned(), "2".to_owned())],
        attributes: vec![Attribute { condition: "known".to_owned(), ..size.clone() }],
        ..Event::default()
    };
    let tier = Attribute {
        brief: "What kind of `crypto.exchange_api` it is.".to_owned(),
        examples: vec!["1".to_owned()],
        ..attribute("crypto.tier")
    };
    named(Registry {
        description: "A shop: all it does.".to_owned(),
        attributes: vec![any, header, market, size, status, tags, tier, constant, alone],
        groups: vec![group, outer],
        spans: vec![span, both],
        events: vec![event],
        ..Registry::default()
    })
}

#[test]
fn a_registry_with_everything_is_the_same_after_it_was_written_and_read() {
    let registry = everything();
    let found = again(&registry);
    assert_eq!(found.attributes, registry.attributes);
    assert_eq!(found.spans, registry.spans);
    assert_eq!(found, registry);
    assert_eq!(yaml::definition(&found), yaml::definition(&registry));
    assert!(rust::source(&found, &rust::Options::default()).is_ok());
}

#[test]
fn definitions_are_found_for_attributes_that_only_spans_have() {
    let registry = everything();
    let bare = Registry { attributes: Vec::new(), ..registry.clone() };
    let found = again(&bare);
    assert_eq!((&found.spans, &found.events, &found.groups), (&registry.spans, &registry.events, &registry.groups));
    assert_eq!(found.attributes.len(), 8);
}

#[test]
fn what_cannot_be_written_is_told_at_once() {
    let int = |name: &str| Attribute {
        value_type: ValueType { scalar: Scalar::Int, ..ValueType::default() },
        ..attribute(name)
    };
    let span = |id: &str, attributes: Vec<Attribute>| Span { id: id.to_owned(), attributes, ..Span::default() };
    let member = Member { id: "x".to_owned(), value: "x".to_owned(), ..Member::default() };
    let mut registry = Registry {
        spans: vec![
            span("a", vec![attribute("x.one"), attribute("x.two")]),
            span("b", vec![int("x.one"), Attribute { members: vec![member], ..int("x.three") }]),
        ],
        events: vec![Event { id: "e".to_owned(), attributes: vec![int("x.two")], ..Event::default() }],
        groups: vec![
            Group { id: "g".to_owned(), groups: vec!["g".to_owned()], ..Group::default() },
            Group { id: "h".to_owned(), attributes: vec![attribute("x.h")], ..Group::default() },
        ],
        ..Registry::default()
    };
    registry.spans[0].groups = vec!["h".to_owned(), "none".to_owned()];
    let expected = "\
`x.one` is `string` in span `a` and `int` in span `b`; expected one type
`x.three` is `int`, but `x` is one of its values; expected a value of that type
`x.two` is `string` in span `a` and `int` in event `e`; expected one type
span `a` lacks `x.h`, which its groups have; expected it among its attributes
span `a` takes in the group `none`, which the registry does not have
the group `g` takes itself in, or the groups nest too deeply
the registry has no schema URL; expected `https://host/path/<version>`";
    assert_eq!(yaml::definition(&registry), Err(expected.to_owned()));
}

#[test]
fn files_are_named_after_what_is_in_them_and_read_well() {
    let registry = everything();
    let files = yaml::definition(&registry).unwrap_or_default();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["manifest.yaml", "attributes.yaml", "groups.yaml", "spans/crypto.yaml", "spans/other.yaml", "events/app.yaml"]
    );
    let expected = r#"file_format: definition/2

events:
  - name: app.retry
    brief: A retry.
    stability: development
    requirement_level: recommended
    attributes:
      - ref: crypto.tier
        requirement_level: required
        annotations:
          otelier:
            constant: true
      - ref: crypto.size
        requirement_level:
          recommended: known
    annotations:
      otelier:
        undeclared: allow
        constants:
          crypto.tier: "2"
"#;
    assert_eq!(files[5].1, expected);
}

/// A small generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn text(&mut self) -> String {
        const PARTS: &[&str] = &[
            "a",
            "word ",
            "é",
            ": ",
            " #",
            "\n",
            "\n\n",
            "  ",
            "\t",
            "'",
            "\"",
            "\\",
            "{",
            "}",
            "[x]",
            "*/",
            "- ",
            "%",
            "`",
            "null",
            "true",
            "1",
            "~",
            "&a",
            "*a",
            "!x",
            "|",
            ">",
            "\u{85}",
            "\u{2028}",
            "\r",
            "\0",
            "🦀",
            "\u{feff}",
            "a long sentence that goes on for a while, ",
            "---",
            "...",
            "?",
            ",",
            "\u{202e}",
            "\u{7f}",
        ];
        (0..self.below(12)).map(|_| self.of(PARTS)).collect()
    }

    fn deprecated(&mut self) -> Option<Deprecated> {
        match self.below(6) {
            0 => Some(Deprecated { renamed_to: "new.name".to_owned(), note: self.text() }),
            1 => Some(Deprecated { renamed_to: String::new(), note: self.text() }),
            _ => None,
        }
    }

    fn definition(&mut self, name: String) -> Attribute {
        let scalar =
            self.of(&[Scalar::String, Scalar::String, Scalar::Int, Scalar::Double, Scalar::Boolean, Scalar::Any]);
        let array = self.below(4) == 0;
        let template = self.below(6) == 0;
        let stability = self.of(Stability::ALL);
        let mut members = Vec::new();
        if self.below(3) == 0 {
            for number in 0..1 + self.below(4) {
                let value = match scalar {
                    Scalar::Int => number.to_string(),
                    Scalar::Boolean if number < 2 => (number == 0).to_string(),
                    Scalar::Boolean => continue,
                    _ => format!("{}{number}", self.text()),
                };
                let own = self.of(Stability::ALL);
                members.push(Member {
                    id: format!("m{number}"),
                    value,
                    brief: self.text(),
                    stability: (own != stability).then_some(own),
                    deprecated: self.deprecated(),
                });
            }
        }
        Attribute {
            name,
            value_type: ValueType { scalar, array, template },
            open: !members.is_empty() && self.below(2) == 0,
            rust_enum: if members.is_empty() { String::new() } else { self.of(&["", "Kind", "State"]).to_owned() },
            members,
            sensitivity: self.of(Sensitivity::ALL),
            unit: self.of(&["", "By", "{request}", "1"]).to_owned(),
            stability,
            deprecated: self.deprecated(),
            brief: self.text(),
            note: self.text(),
            examples: match (scalar, array) {
                (Scalar::String, false) => (0..self.below(3)).map(|_| self.text()).collect(),
                (Scalar::Int, false) => vec![self.below(9).to_string()],
                (_, true) => vec![r#"["a", "b: c"]"#.to_owned()],
                _ => Vec::new(),
            },
            ..Attribute::default()
        }
    }

    /// The attribute as a span or group has it.
    fn used(&mut self, attribute: &Attribute) -> Attribute {
        let mut used = attribute.clone();
        used.requirement = self.of(Requirement::ALL);
        used.condition = match used.requirement {
            Requirement::Required => String::new(),
            _ => self.text(),
        };
        used.late = used.requirement == Requirement::Required && self.below(3) == 0;
        match self.below(12) {
            0 => used.brief = self.text(),
            1 => used.note = self.text(),
            2 => used.deprecated = self.deprecated(),
            3 => used.stability = self.of(Stability::ALL),
            4 => used.examples = Vec::new(),
            5 => used.unit = "s".to_owned(),
            6 => used.open = !used.members.is_empty(),
            7 => used.members.truncate(1),
            8 => used.sensitivity = self.of(Sensitivity::ALL),
            _ => {}
        }
        used
    }

    fn some_of(&mut self, attributes: &[Attribute]) -> Vec<Attribute> {
        let mut some = Vec::new();
        for attribute in attributes {
            if self.below(2) == 0 {
                some.push(self.used(attribute));
            }
        }
        some
    }

    /// Groups, and attributes with those of the groups.
    fn parts(&mut self, registry: &Registry) -> (Vec<String>, Vec<Attribute>) {
        let mut attributes = std::collections::BTreeMap::new();
        let mut groups = Vec::new();
        for group in &registry.groups {
            if self.below(3) == 0 {
                groups.push(group.id.clone());
                attributes.extend(group.attributes.iter().map(|own| (own.name.clone(), own.clone())));
            }
        }
        for own in self.some_of(&registry.attributes) {
            attributes.insert(own.name.clone(), own);
        }
        (groups, attributes.into_values().collect())
    }

    fn registry(&mut self) -> Registry {
        let mut registry = named(Registry { description: self.text(), ..Registry::default() });
        for number in 0..self.below(8) {
            let attribute = self.definition(format!("a.b{number}"));
            registry.attributes.push(attribute);
        }
        for number in 0..self.below(4) {
            let attributes = self.some_of(&registry.attributes);
            let (brief, note) = (self.text(), self.text());
            registry.groups.push(Group { id: format!("g{number}"), brief, note, attributes, ..Group::default() });
        }
        for number in 0..self.below(4) {
            let (groups, mut attributes) = self.parts(&registry);
            let constants: Vec<(String, String)> = match attributes.first_mut() {
                Some(first) if self.below(2) == 0 => {
                    (first.requirement, first.condition) = (Requirement::Required, String::new());
                    vec![(first.name.clone(), self.text())]
                }
                _ => Vec::new(),
            };
            registry.spans.push(Span {
                id: format!("{}.s{number}", self.of(&["http", "Ünï", ""])),
                kind: self.of(&[Kind::Client, Kind::Server, Kind::Internal, Kind::Producer, Kind::Consumer]),
                name: self.text(),
                name_note: self.text(),
                brief: self.text(),
                note: self.text(),
                stability: self.of(Stability::ALL),
                deprecated: self.deprecated(),
                undeclared: self.of(Level::ALL),
                constants,
                groups,
                attributes,
            });
        }
        for number in 0..self.below(3) {
            let (groups, attributes) = self.parts(&registry);
            registry.events.push(Event { id: format!("e{number}"), groups, attributes, ..Event::default() });
        }
        registry.spans.sort_by(|a, b| a.id.cmp(&b.id));
        for span in &mut registry.spans {
            // A note that says what the pattern says is the pattern.
            if span.name_note == span.name || span.name_note == span.id {
                span.name_note.clear();
            }
        }
        registry
    }
}

#[test]
fn random_registries_are_the_same_after_they_were_written_and_read() {
    let mut random = Random(7);
    for number in 0..1_000 {
        let registry = random.registry();
        let found = again(&registry);
        for (found, written) in found.spans.iter().zip(&registry.spans) {
            for (found, written) in found.attributes.iter().zip(&written.attributes) {
                assert_eq!(found, written, "registry {number}");
            }
        }
        assert_eq!(found, registry, "registry {number}");
        let source = rust::source(&registry, &rust::Options::default());
        let errors = source.err().unwrap_or_default();
        // Numbers in names are all that the generator has against the grammar.
        assert!(errors.is_empty(), "{errors}");
    }
}

#[test]
fn mutilated_files_are_refused_or_read_but_never_panic() {
    const PIECES: &[&str] =
        &["", " ", "\n", "- ", ": ", "[", "]", "{", "}", "\"", "'", "&a ", "*a", "|", ">", "!", "%", "\t", "é", "\0"];
    let mut random = Random(11);
    let files = yaml::definition(&everything()).unwrap_or_default();
    let mut refused = 0;
    for _ in 0..2_000 {
        let mut files = files.clone();
        for _ in 0..1 + random.below(3) {
            let file = random.below(files.len());
            let text = &mut files[file].1;
            let mut start = random.below(text.len());
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + random.below(20)).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, random.of(PIECES));
        }
        let read = read::texts(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        refused += usize::from(read.is_err());
    }
    assert!(refused > 1_000, "{refused}");
}
