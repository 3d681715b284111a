//! A registry as a reference in Markdown, as GitHub shows it.
//!
//! Briefs and notes are Markdown already, so code, emphasis and links in them stay; HTML does not, and nothing in them
//! can end a table cell. Names and values are always shown as they are.

use crate::model::{Attribute, Deprecated, Event, Group, Level, Member, Registry, Requirement, Sensitivity, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What an anchor stands for; its name begins with the word.
#[derive(Clone, Copy)]
enum Target {
    Span,
    Event,
    Group,
    Attribute,
}

/// The whole registry: spans, events, groups, and every attribute with where it is used.
pub fn reference(registry: &Registry) -> String {
    let mut page = Page { text: String::new(), known: Known::of(registry) };
    page.head(registry);
    page.contents(registry);
    page.section("Spans", registry.spans.iter(), Page::span);
    page.section("Events", registry.events.iter(), Page::event);
    page.section("Groups", registry.groups.iter(), Page::group);
    page.index();
    tidy(&page.text)
}

/// The names that have an anchor.
struct Known<'a> {
    spans: BTreeSet<&'a str>,
    events: BTreeSet<&'a str>,
    groups: BTreeSet<&'a str>,
    attributes: BTreeMap<&'a str, Entry<'a>>,
}

/// An attribute with the places that have it.
struct Entry<'a> {
    attribute: &'a Attribute,
    places: Vec<(Target, &'a str)>,
}

impl<'a> Known<'a> {
    fn of(registry: &'a Registry) -> Self {
        let mut attributes: BTreeMap<&str, Entry<'a>> = BTreeMap::new();
        // What stands alone is the definition; a group's is nearer to it than that of a span, which may be refined.
        let alone = registry.attributes.iter().map(|attribute| (None, attribute));
        let groups = registry.groups.iter().flat_map(|group| users(Target::Group, &group.id, &group.attributes));
        let spans = registry.spans.iter().flat_map(|span| users(Target::Span, &span.id, &span.attributes));
        let events = registry.events.iter().flat_map(|event| users(Target::Event, &event.id, &event.attributes));
        for (place, attribute) in alone.chain(groups).chain(spans).chain(events) {
            let new = || Entry { attribute, places: Vec::new() };
            attributes.entry(&attribute.name).or_insert_with(new).places.extend(place);
        }
        Self {
            spans: registry.spans.iter().map(|span| span.id.as_str()).collect(),
            events: registry.events.iter().map(|event| event.id.as_str()).collect(),
            groups: registry.groups.iter().map(|group| group.id.as_str()).collect(),
            attributes,
        }
    }

    fn has(&self, target: Target, name: &str) -> bool {
        match target {
            Target::Span => self.spans.contains(name),
            Target::Event => self.events.contains(name),
            Target::Group => self.groups.contains(name),
            Target::Attribute => self.attributes.contains_key(name),
        }
    }
}

fn users<'a>(
    target: Target,
    id: &'a str,
    attributes: &'a [Attribute],
) -> impl Iterator<Item = (Option<(Target, &'a str)>, &'a Attribute)> {
    attributes.iter().map(move |attribute| (Some((target, id)), attribute))
}

struct Page<'a> {
    text: String,
    known: Known<'a>,
}

impl Page<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Text between two blank lines; nothing if there is none.
    fn paragraph(&mut self, markdown: &str) {
        if !markdown.is_empty() {
            self.line(markdown);
            self.line("");
        }
    }

    fn head(&mut self, registry: &Registry) {
        let name = if registry.name.is_empty() { "Telemetry".to_owned() } else { inline(&registry.name) };
        self.paragraph(&format!("# {name}"));
        self.paragraph(&block(&registry.description));
        if !registry.schema_url.is_empty() {
            self.paragraph(&format!("Schema: {}", code(&registry.schema_url)));
        }
    }

    fn contents(&mut self, registry: &Registry) {
        let spans = registry.spans.iter().map(|span| (span.id.as_str(), span.brief.as_str()));
        self.contents_of("Spans", Target::Span, spans);
        let events = registry.events.iter().map(|event| (event.id.as_str(), event.brief.as_str()));
        self.contents_of("Events", Target::Event, events);
        let groups = registry.groups.iter().map(|group| (group.id.as_str(), group.brief.as_str()));
        self.contents_of("Groups", Target::Group, groups);
        if !self.known.attributes.is_empty() {
            self.line("- [Attributes](#attributes)");
        }
        if !self.text.ends_with("\n\n") {
            self.line("");
        }
    }

    fn contents_of<'s>(&mut self, title: &str, target: Target, items: impl Iterator<Item = (&'s str, &'s str)>) {
        for (position, (id, brief)) in items.enumerate() {
            if position == 0 {
                self.line(format!("- [{title}](#{})", title.to_lowercase()));
            }
            let brief = if brief.is_empty() { String::new() } else { format!(": {}", inline(brief)) };
            self.line(format!("  - {}{brief}", self.link(target, id)));
        }
    }

    fn section<T>(&mut self, title: &str, items: impl ExactSizeIterator<Item = T>, write: fn(&mut Self, T)) {
        if items.len() > 0 {
            self.paragraph(&format!("## {title}"));
            items.for_each(|item| write(self, item));
        }
    }

    fn span(&mut self, span: &Span) {
        self.title(Target::Span, &span.id, span.deprecated.as_ref(), [&span.brief, &span.note]);
        self.line(format!("- Kind: {}", span.kind.as_str()));
        match (span.name.as_str(), span.name_note.as_str()) {
            ("", "") => self.line(format!("- Name: {}", code(&span.id))),
            ("", note) => self.line(format!("- Name: {}", inline(note))),
            (name, "") => self.line(format!("- Name: {}", code(name))),
            (name, note) => self.line(format!("- Name: {} ({})", code(name), inline(note))),
        }
        self.line(format!("- Stability: {}", words(span.stability.as_str())));
        self.line(format!("- Undeclared attributes: {}", undeclared(span.undeclared)));
        self.groups("Groups", &span.groups);
        self.constants(&span.constants);
        self.table(&span.attributes);
    }

    fn event(&mut self, event: &Event) {
        self.title(Target::Event, &event.id, event.deprecated.as_ref(), [&event.brief, &event.note]);
        self.line(format!("- Stability: {}", words(event.stability.as_str())));
        self.line(format!("- Undeclared attributes: {}", undeclared(event.undeclared)));
        self.groups("Groups", &event.groups);
        self.constants(&event.constants);
        self.table(&event.attributes);
    }

    fn group(&mut self, group: &Group) {
        self.title(Target::Group, &group.id, group.deprecated.as_ref(), [&group.brief, &group.note]);
        self.line(format!("- Stability: {}", words(group.stability.as_str())));
        self.groups("Takes in", &group.groups);
        self.table(&group.attributes);
    }

    fn title(&mut self, target: Target, id: &str, deprecated: Option<&Deprecated>, texts: [&str; 2]) {
        self.paragraph(&format!("### <a id=\"{}\"></a>{}", anchor(target, id), code(id)));
        if let Some(deprecated) = deprecated {
            let notice = self.deprecation(target, deprecated);
            self.paragraph(&format!("> {notice}"));
        }
        for text in texts {
            self.paragraph(&block(text));
        }
    }

    fn groups(&mut self, title: &str, groups: &[String]) {
        if !groups.is_empty() {
            let links: Vec<String> = groups.iter().map(|group| self.link(Target::Group, group)).collect();
            self.line(format!("- {title}: {}", links.join(", ")));
        }
    }

    fn constants(&mut self, constants: &[(String, String)]) {
        for (key, value) in constants {
            self.line(format!("- Always {} = {}", self.link(Target::Attribute, key), code(value)));
        }
    }

    fn table(&mut self, attributes: &[Attribute]) {
        self.line("");
        if attributes.is_empty() {
            return;
        }
        self.line("| Attribute | Type | Requirement | Unit | Values | Sensitivity | Stability | Meaning |");
        self.line("|---|---|---|---|---|---|---|---|");
        for attribute in attributes {
            self.row([
                self.link(Target::Attribute, &attribute.name),
                code(&attribute.value_type.to_string()),
                requirement(attribute),
                unit(attribute),
                values(attribute),
                sensitivity(attribute.sensitivity).to_owned(),
                words(attribute.stability.as_str()),
                self.meaning(attribute),
            ]);
        }
        self.line("");
    }

    /// Every attribute once, as it is defined; what a span changes about it stands with the span.
    fn index(&mut self) {
        let rows: Vec<[String; 8]> = self.known.attributes.values().map(|entry| self.index_row(entry)).collect();
        if rows.is_empty() {
            return;
        }
        self.paragraph("## Attributes");
        self.line("| Attribute | Type | Unit | Values | Sensitivity | Stability | Meaning | Used by |");
        self.line("|---|---|---|---|---|---|---|---|");
        rows.into_iter().for_each(|row| self.row(row));
    }

    fn index_row(&self, entry: &Entry<'_>) -> [String; 8] {
        let attribute = entry.attribute;
        let places: Vec<String> = entry.places.iter().map(|(target, id)| self.link(*target, id)).collect();
        [
            format!("<a id=\"{}\"></a>{}", anchor(Target::Attribute, &attribute.name), code(&full_name(attribute))),
            code(&attribute.value_type.to_string()),
            unit(attribute),
            values(attribute),
            sensitivity(attribute.sensitivity).to_owned(),
            words(attribute.stability.as_str()),
            self.meaning(attribute),
            places.join(", "),
        ]
    }

    fn row(&mut self, cells: [String; 8]) {
        let row = cells.map(|cell| if cell.is_empty() { " |".to_owned() } else { format!(" {cell} |") });
        self.line(format!("|{}", row.concat()));
    }

    fn meaning(&self, attribute: &Attribute) -> String {
        let deprecated = attribute.deprecated.as_ref().map(|found| self.deprecation(Target::Attribute, found));
        let examples: Vec<String> = attribute.examples.iter().map(|example| code(example)).collect();
        let examples = (!examples.is_empty()).then(|| format!("For example {}.", examples.join(", ")));
        let texts = [deprecated, Some(inline(&attribute.brief)), Some(inline(&attribute.note)), examples];
        let texts: Vec<String> = texts.into_iter().flatten().filter(|text| !text.is_empty()).collect();
        texts.join("<br>")
    }

    fn deprecation(&self, target: Target, deprecated: &Deprecated) -> String {
        let renamed = match deprecated.renamed_to.as_str() {
            "" => None,
            name => Some(format!("use {}", self.link(target, name))),
        };
        let note = Some(inline(&deprecated.note)).filter(|note| !note.is_empty());
        let texts: Vec<String> = renamed.into_iter().chain(note).collect();
        match texts.is_empty() {
            true => "**Deprecated**".to_owned(),
            false => format!("**Deprecated**: {}", texts.join("; ")),
        }
    }

    /// A link to what is described on this page; names of other registries are only shown.
    fn link(&self, target: Target, name: &str) -> String {
        let shown = match (target, self.known.attributes.get(name)) {
            (Target::Attribute, Some(entry)) => code(&full_name(entry.attribute)),
            _ => code(name),
        };
        match self.known.has(target, name) {
            true => format!("[{shown}](#{})", anchor(target, name)),
            false => shown,
        }
    }
}

/// A template with its key: `http.request.header.<key>`.
fn full_name(attribute: &Attribute) -> String {
    let key = if attribute.value_type.template { ".<key>" } else { "" };
    format!("{}{key}", attribute.name)
}

fn requirement(attribute: &Attribute) -> String {
    let needed = match (attribute.requirement, attribute.condition.is_empty()) {
        (Requirement::Required, _) => "required",
        (Requirement::ConditionallyRequired, true) => "required under a condition",
        (Requirement::ConditionallyRequired, false) => "required if",
        (Requirement::Recommended, true) => "recommended",
        (Requirement::Recommended, false) => "recommended if",
        (Requirement::OptIn, _) => "opt-in",
    };
    let condition = inline(&attribute.condition);
    let condition = match (attribute.requirement, condition.is_empty()) {
        (_, true) => condition,
        (Requirement::Required | Requirement::OptIn, _) => format!(" ({condition})"),
        _ => format!(" {condition}"),
    };
    let late = if attribute.late { ", known late" } else { "" };
    format!("{needed}{condition}{late}")
}

fn unit(attribute: &Attribute) -> String {
    if attribute.unit.is_empty() { String::new() } else { code(&attribute.unit) }
}

fn values(attribute: &Attribute) -> String {
    if attribute.members.is_empty() {
        return String::new();
    }
    let mut values: Vec<String> = attribute.members.iter().map(member).collect();
    if attribute.open {
        values.push("others".to_owned());
    }
    let explained = attribute.members.iter().any(|member| !member.brief.is_empty() || member.deprecated.is_some());
    values.join(if explained { "<br>" } else { ", " })
}

fn member(member: &Member) -> String {
    let brief = if member.brief.is_empty() { String::new() } else { format!(": {}", inline(&member.brief)) };
    let deprecated = match member.deprecated.as_ref().map(|deprecated| deprecated.renamed_to.as_str()) {
        None => String::new(),
        Some("") => " (deprecated)".to_owned(),
        Some(name) => format!(" (deprecated: use {})", code(name)),
    };
    format!("{}{brief}{deprecated}", code(&member.value))
}

const fn sensitivity(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Public => "",
        Sensitivity::Personal => "personal",
        Sensitivity::Sensitive => "sensitive: masked or hashed",
        Sensitivity::Secret => "secret: masked",
    }
}

const fn undeclared(level: Level) -> &'static str {
    match level {
        Level::Allow => "accepted",
        Level::Warn => "accepted with a warning",
        Level::Deny => "refused",
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// The fragment of a target, the same for the same name and different for different ones.
fn anchor(target: Target, name: &str) -> String {
    let mut anchor = match target {
        Target::Span => "span-",
        Target::Event => "event-",
        Target::Group => "group-",
        Target::Attribute => "attribute-",
    }
    .to_owned();
    for c in name.chars() {
        match c {
            'a'..='z' | '0'..='9' | '.' | '_' | '-' => anchor.push(c),
            // GitHub does not tell upper case from lower case in fragments.
            _ => anchor.push_str(&format!("~{:x}~", u32::from(c))),
        }
    }
    anchor
}

/// Text shown as it is, also in a table cell.
fn code(text: &str) -> String {
    let plain = |c: char| !matches!(c, '`' | '|') && !c.is_control();
    if text.is_empty() || text.trim() != text || !text.chars().all(plain) {
        // A span of backticks can hold neither a bar in a table nor a line break.
        return format!("<code>{}</code>", text.chars().map(entity).collect::<String>());
    }
    format!("`{text}`")
}

/// A character that Markdown gives no meaning to.
fn entity(c: char) -> String {
    match c {
        '\n' => "\\n".chars().map(entity).collect(),
        ' ' | '.' | '-' => c.to_string(),
        c if c.is_control() => c.escape_unicode().to_string().chars().map(entity).collect(),
        c if c.is_ascii_punctuation() => format!("&#{};", u32::from(c)),
        c => c.to_string(),
    }
}

/// Prose on one line, also in a table cell.
fn inline(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let paragraphs = lines.split(|line| line.is_empty()).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| prose(&paragraph.join(" "))).collect::<Vec<_>>().join("<br>")
}

/// Prose with its paragraphs, lists and blocks of code.
fn block(text: &str) -> String {
    let mut block = Block::default();
    text.lines().map(str::trim_end).for_each(|line| block.line(line));
    block.end()
}

#[derive(Default)]
struct Block {
    done: Vec<String>,
    paragraph: Vec<String>,
    /// The backticks that end the block of code, inside of one.
    fence: Option<String>,
}

impl Block {
    fn line(&mut self, line: &str) {
        if let Some(fence) = &self.fence {
            let ends = line.trim().starts_with(fence.as_str()) && line.trim().chars().all(|c| c == '`');
            self.done.push(if ends { fence.clone() } else { line.to_owned() });
            self.fence = self.fence.take().filter(|_| !ends);
            return;
        }
        let inside = line.trim_start().trim_start_matches('`');
        let ticks = line.trim_start().len() - inside.len();
        if ticks >= 3 && !inside.contains('`') {
            self.flush();
            self.fence = Some("`".repeat(ticks));
            self.done.push(line.trim_start().to_owned());
        } else if line.is_empty() {
            self.flush();
            if self.done.last().is_some_and(|last| !last.is_empty()) {
                self.done.push(String::new());
            }
        } else {
            self.paragraph.push(line.to_owned());
        }
    }

    fn flush(&mut self) {
        let text = prose(&std::mem::take(&mut self.paragraph).join("\n"));
        self.done.extend(text.lines().map(|line| {
            // Headings of a note would stand among those of the page.
            let heading = line.starts_with('#') || line.starts_with("~~~");
            let underline = line.chars().all(|c| c == '=') || line.chars().all(|c| c == '-');
            if heading || underline { format!("\\{line}") } else { line.to_owned() }
        }));
    }

    fn end(mut self) -> String {
        self.flush();
        self.done.extend(self.fence);
        self.done.join("\n").trim_end().to_owned()
    }
}

/// Markdown without HTML and without what ends a table cell.
fn prose(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('`') {
        let (before, from) = rest.split_at(start);
        let escaped = (before.len() - before.trim_end_matches('\\').len()) % 2 == 1;
        let ticks = if escaped { 1 } else { from.len() - from.trim_start_matches('`').len() };
        let after = &from[ticks..];
        match closing(after, ticks).filter(|_| !escaped) {
            Some(end) => {
                out.push_str(&escape(before));
                out.push_str(&code(after[..end].replace('\n', " ").trim()));
                rest = &after[end + ticks..];
            }
            None => {
                out.push_str(&escape(before.strip_suffix('\\').filter(|_| escaped).unwrap_or(before)));
                out.push_str(&"&#96;".repeat(ticks));
                rest = after;
            }
        }
    }
    out.push_str(&escape(rest));
    out
}

/// Where the next run of exactly that many backticks is.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let run = text[start..].len() - text[start..].trim_start_matches('`').len();
        if run == ticks {
            return Some(start);
        }
        at = start + run;
    }
    None
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            // The character is escaped anyway.
            ('\\', Some('&' | '<' | '|')) => {}
            // It would escape what we write behind.
            ('\\', None) => out.push_str("&#92;"),
            ('\\', Some('\\')) => {
                out.push_str("\\\\");
                chars.next();
            }
            ('&', _) => out.push_str("&amp;"),
            ('<', _) => out.push_str("&lt;"),
            ('|', _) => out.push_str("&#124;"),
            (c, _) if c.is_control() && c != '\n' => out.push(' '),
            (c, _) => out.push(c),
        }
    }
    out
}

/// Without blanks at the ends of lines and with one line break at the end.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Scalar, Stability, ValueType};

    fn attribute(name: &str, brief: &str) -> Attribute {
        Attribute { name: name.to_owned(), brief: brief.to_owned(), ..Attribute::default() }
    }

    fn member(value: &str, brief: &str) -> Member {
        Member { id: value.to_owned(), value: value.to_owned(), brief: brief.to_owned(), ..Member::default() }
    }

    fn shop() -> Registry {
        let market = Attribute {
            requirement: Requirement::Required,
            members: vec![member("spot", "Sold now."), member("futures", "")],
            examples: vec!["spot".to_owned()],
            ..attribute("shop.market", "Where it is sold.")
        };
        let size = Attribute {
            value_type: ValueType { scalar: Scalar::Int, ..ValueType::default() },
            requirement: Requirement::ConditionallyRequired,
            condition: "the body was read".to_owned(),
            unit: "By".to_owned(),
            late: true,
            stability: Stability::Stable,
            ..attribute("shop.size", "Size of the body.")
        };
        let card = Attribute {
            sensitivity: Sensitivity::Secret,
            requirement: Requirement::OptIn,
            deprecated: Some(Deprecated { renamed_to: "shop.market".to_owned(), note: "nobody needs it".to_owned() }),
            ..attribute("shop.card", "")
        };
        Registry {
            name: "shop".to_owned(),
            description: "What the shop says.".to_owned(),
            schema_url: "https://example.com/shop/1".to_owned(),
            spans: vec![Span {
                id: "shop.sale".to_owned(),
                kind: Kind::Client,
                name: "sell {shop.market}".to_owned(),
                brief: "One sale.".to_owned(),
                constants: vec![("shop.system".to_owned(), "till".to_owned())],
                groups: vec!["shop.common".to_owned()],
                attributes: vec![card, market.clone(), size],
                ..Span::default()
            }],
            events: vec![Event {
                id: "shop.bell".to_owned(),
                deprecated: Some(Deprecated { renamed_to: "shop.gong".to_owned(), note: String::new() }),
                ..Event::default()
            }],
            groups: vec![Group { id: "shop.common".to_owned(), attributes: vec![market], ..Group::default() }],
            ..Registry::default()
        }
    }

    #[test]
    fn a_registry_is_a_page() {
        let expected = "\
# shop

What the shop says.

Schema: `https://example.com/shop/1`

- [Spans](#spans)
  - [`shop.sale`](#span-shop.sale): One sale.
- [Events](#events)
  - [`shop.bell`](#event-shop.bell)
- [Groups](#groups)
  - [`shop.common`](#group-shop.common)
- [Attributes](#attributes)

## Spans

### <a id=\"span-shop.sale\"></a>`shop.sale`

One sale.

- Kind: client
- Name: `sell {shop.market}`
- Stability: development
- Undeclared attributes: refused
- Groups: [`shop.common`](#group-shop.common)
- Always `shop.system` = `till`

| Attribute | Type | Requirement | Unit | Values | Sensitivity | Stability | Meaning |
|---|---|---|---|---|---|---|---|
| [`shop.card`](#attribute-shop.card) | `string` | opt-in | | | secret: masked | development | \
**Deprecated**: use [`shop.market`](#attribute-shop.market); nobody needs it |
| [`shop.market`](#attribute-shop.market) | `string` | required | | `spot`: Sold now.<br>`futures` | | development | \
Where it is sold.<br>For example `spot`. |
| [`shop.size`](#attribute-shop.size) | `int` | required if the body was read, known late | `By` | | | stable | \
Size of the body. |

## Events

### <a id=\"event-shop.bell\"></a>`shop.bell`

> **Deprecated**: use `shop.gong`

- Stability: development
- Undeclared attributes: refused

## Groups

### <a id=\"group-shop.common\"></a>`shop.common`

- Stability: development

| Attribute | Type | Requirement | Unit | Values | Sensitivity | Stability | Meaning |
|---|---|---|---|---|---|---|---|
| [`shop.market`](#attribute-shop.market) | `string` | required | | `spot`: Sold now.<br>`futures` | | development | \
Where it is sold.<br>For example `spot`. |

## Attributes

| Attribute | Type | Unit | Values | Sensitivity | Stability | Meaning | Used by |
|---|---|---|---|---|---|---|---|
| <a id=\"attribute-shop.card\"></a>`shop.card` | `string` | | | secret: masked | development | \
**Deprecated**: use [`shop.market`](#attribute-shop.market); nobody needs it | [`shop.sale`](#span-shop.sale) |
| <a id=\"attribute-shop.market\"></a>`shop.market` | `string` | | `spot`: Sold now.<br>`futures` | | development | \
Where it is sold.<br>For example `spot`. | [`shop.common`](#group-shop.common), [`shop.sale`](#span-shop.sale) |
| <a id=\"attribute-shop.size\"></a>`shop.size` | `int` | `By` | | | stable | Size of the body. | \
[`shop.sale`](#span-shop.sale) |
";
        assert_eq!(reference(&shop()), expected);
    }

    #[test]
    fn an_empty_registry_has_a_title() {
        assert_eq!(reference(&Registry::default()), "# Telemetry\n");
    }

    #[test]
    fn code_in_a_cell_keeps_its_characters() {
        assert_eq!(code("a b"), "`a b`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("`"), "<code>&#96;</code>");
        assert_eq!(code("x\n*y*"), "<code>x&#92;n&#42;y&#42;</code>");
        assert_eq!(code(" a"), "<code> a</code>");
        assert_eq!(code("<key>"), "`<key>`");
    }

    #[test]
    fn prose_keeps_markdown_and_loses_html() {
        assert_eq!(inline("see [x](y), *so*: `a<b`"), "see [x](y), *so*: `a<b`");
        assert_eq!(inline("<b>a & b</b>"), "&lt;b>a &amp; b&lt;/b>");
        assert_eq!(inline("a | b\nc\n\nd"), "a &#124; b c<br>d");
        assert_eq!(inline("one ` tick and ``two`` ticks"), "one &#96; tick and `two` ticks");
        assert_eq!(inline(r"a \| b \< c \* d \\| e \"), r"a &#124; b &lt; c \* d \\&#124; e &#92;");
        assert_eq!(inline(r"\`<b>`"), "&#96;&lt;b>&#96;");
        assert_eq!(inline("``a ` | b``"), "<code>a &#96; &#124; b</code>");
    }

    #[test]
    fn notes_keep_blocks_of_code_and_give_no_headings() {
        let note = "# Big\n\n\n- a <i>\n- b\nline\n---\n```rust\nlet a = b<c>();  \n\n\n# not a heading\n```\nafter";
        let expected =
            "\\# Big\n\n- a &lt;i>\n- b\nline\n\\---\n```rust\nlet a = b<c>();\n\n\n# not a heading\n```\nafter";
        assert_eq!(block(note), expected);
        assert_eq!(block("````\n```\nopen"), "````\n```\nopen\n````");
    }

    #[test]
    fn every_row_of_a_hostile_registry_has_its_cells_and_every_link_its_anchor() {
        const HOSTILE: &str = "a|b`c\n\n<script>\"'{{$x}}[[y]] \\| </a>~";
        let evil = Attribute {
            members: vec![member(HOSTILE, HOSTILE)],
            condition: HOSTILE.to_owned(),
            unit: HOSTILE.to_owned(),
            note: HOSTILE.to_owned(),
            examples: vec![HOSTILE.to_owned()],
            deprecated: Some(Deprecated { renamed_to: HOSTILE.to_owned(), note: HOSTILE.to_owned() }),
            ..attribute(HOSTILE, HOSTILE)
        };
        let registry = Registry {
            name: HOSTILE.to_owned(),
            description: HOSTILE.to_owned(),
            schema_url: HOSTILE.to_owned(),
            attributes: vec![evil.clone()],
            groups: vec![Group { id: HOSTILE.to_owned(), attributes: vec![evil.clone()], ..Group::default() }],
            spans: vec![Span {
                id: HOSTILE.to_owned(),
                name: HOSTILE.to_owned(),
                name_note: HOSTILE.to_owned(),
                brief: HOSTILE.to_owned(),
                note: HOSTILE.to_owned(),
                groups: vec![HOSTILE.to_owned()],
                constants: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
                attributes: vec![evil],
                ..Span::default()
            }],
            ..Registry::default()
        };
        let page = reference(&registry);
        assert!(!page.contains("<script"), "{page}");
        for line in page.lines() {
            assert_eq!(line.trim_end(), line);
            if line.starts_with('|') {
                assert_eq!(line.matches('|').count(), 9, "{line}");
            }
        }
        for link in page.split("](#").skip(1).filter_map(|rest| rest.split_once(')')) {
            let heading = ["spans", "groups", "attributes"].contains(&link.0);
            assert!(heading || page.contains(&format!("<a id=\"{}\">", link.0)), "{}", link.0);
        }
    }
}
