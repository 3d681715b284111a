//! Captured spans, and assertions on them.

use super::order::{Sibling, in_order};
use super::text;
use crate::attribute::AnyAttribute;
use crate::export::tree::Trace;
use crate::record::recorded;
use opentelemetry::trace::{Event, Link, SpanContext, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use std::fmt;
use std::time::Duration;

/// The spans of a capture as trees.
///
/// Its text form, which `Display` writes and [`assert_tree`](Self::assert_tree) compares, is the same in every run in which
/// the code does the same:
///
/// ```text
/// checkout [server] ✗ app.order.id=7 error.type=refused
///   event queued app.position=2
///   link import
///   reserve app.stock=3
///     lock
///   pay ✗ error.type=refused
/// ```
///
/// * One line for each span: name, kind unless it is internal, `✗` for the status error and `✓` for ok, attributes. Below
///   it its events in the order they were recorded, its links (by the name of the linked span, or `elsewhere`), and then its
///   children.
/// * Spans of one level stand in the order in which they went on; those that went on at the same time (one began before the
///   other had ended) are in the order of what their lines say. Each trace has a root at the left.
/// * Attributes are sorted by key. Strings are in quotes if they could be taken for something else: `app.zip="00420"`,
///   `app.zip=420`, `app.price=420.0`.
/// * Left out are ids, times, and the messages of errors (the description of the status, and events named `exception`). On
///   request: [`with_ids`](Self::with_ids), [`with_times`](Self::with_times), [`with_errors`](Self::with_errors).
/// * A root that continues a remote parent has `[remote parent]`.
#[derive(Clone, Debug)]
pub struct SpanTree {
    /// Each after its parent, in the order of the text.
    pub(super) nodes: Vec<Node>,
    pub(super) view: View,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) data: SpanData,
    pub(super) depth: usize,
    pub(super) parent: Option<usize>,
    children: Vec<usize>,
}

/// What the text shows beside what it always does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View {
    pub(super) ids: bool,
    pub(super) times: bool,
    pub(super) errors: bool,
}

/// What stands in place of a value that was redacted.
const REDACTED: &str = "<redacted>";

impl SpanTree {
    pub(super) fn of(spans: Vec<SpanData>) -> Self {
        let mut nodes: Vec<Node> = Vec::with_capacity(spans.len());
        for trace in Trace::group(spans) {
            let first = nodes.len();
            nodes.extend(trace.nodes().iter().map(|node| Node {
                data: node.span.clone(),
                depth: node.depth,
                parent: node.parent.map(|parent| first + parent),
                children: node.children.iter().map(|child| first + child).collect(),
            }));
        }
        Self { nodes, view: View::default() }.arranged()
    }

    /// Puts siblings, and roots, in the order of the text.
    fn arranged(mut self) -> Self {
        // Enough to tell two subtrees apart, and not the square of a deep tree's size.
        const LONGEST: usize = 4096;
        let mut looks: Vec<String> = vec![String::new(); self.nodes.len()];
        let mut roots = Vec::new();
        let ordered = |nodes: &[Node], looks: &[String], siblings: &[usize]| {
            let sibling = |at: &usize| Sibling {
                at: *at,
                start: nodes[*at].data.start_time,
                end: nodes[*at].data.end_time,
                looks: looks[*at].clone(),
            };
            in_order(siblings.iter().map(sibling).collect())
        };
        for at in (0..self.nodes.len()).rev() {
            let children = ordered(&self.nodes, &looks, &self.nodes[at].children);
            let mut own = text::looks(&self.nodes[at].data, &self.view);
            for child in &children {
                if own.len() < LONGEST {
                    own.push_str("\n ");
                    own.push_str(&looks[*child]);
                }
            }
            looks[at] = own;
            self.nodes[at].children = children;
            if self.nodes[at].parent.is_none() {
                roots.push(at);
            }
        }
        let mut open: Vec<(usize, Option<usize>)> =
            ordered(&self.nodes, &looks, &roots).into_iter().rev().map(|root| (root, None)).collect();
        let mut old: Vec<Option<Node>> = self.nodes.into_iter().map(Some).collect();
        let mut nodes: Vec<Node> = Vec::with_capacity(old.len());
        while let Some((at, parent)) = open.pop() {
            let Some(mut node) = old[at].take() else { continue };
            let new = nodes.len();
            open.extend(node.children.drain(..).rev().map(|child| (child, Some(new))));
            node.parent = parent;
            if let Some(parent) = parent {
                nodes[parent].children.push(new);
            }
            nodes.push(node);
        }
        self.nodes = nodes;
        self
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn at(&self, at: usize) -> CapturedSpan<'_> {
        CapturedSpan { tree: self, at }
    }

    /// Every span, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = CapturedSpan<'_>> {
        (0..self.nodes.len()).map(|at| self.at(at))
    }

    /// The spans without a parent in the tree.
    pub fn roots(&self) -> impl Iterator<Item = CapturedSpan<'_>> {
        self.iter().filter(|span| span.node().parent.is_none())
    }

    /// Every span with this name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = CapturedSpan<'_>> {
        self.iter().filter(move |span| span.name() == name)
    }

    /// The first span for which `wanted` says yes.
    ///
    /// ```
    /// let spans = otelier::testing::capture(|| otelier::trace_block!(name = "load", app.part = 2, {}));
    /// let second = spans.find(|span| span.attribute("app.part") == Some(&2.into()));
    /// assert_eq!(second.map(|span| span.name()), Some("load"));
    /// ```
    pub fn find(&self, mut wanted: impl FnMut(CapturedSpan<'_>) -> bool) -> Option<CapturedSpan<'_>> {
        self.iter().find(|span| wanted(*span))
    }

    /// The one span with this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn span(&self, name: &str) -> CapturedSpan<'_> {
        match self.one(self.named(name)) {
            Ok(span) => span,
            Err(many) => self.fail(&many, &format!("{} spans named `{name}`, not one", count(many.len()))),
        }
    }

    /// Says that there is no span with this name.
    ///
    /// # Panics
    ///
    /// If there is one.
    #[track_caller]
    pub fn has_no_span(&self, name: &str) -> &Self {
        let found: Vec<usize> = self.named(name).map(|span| span.at).collect();
        if !found.is_empty() {
            self.fail(&found, &format!("there is a span named `{name}`"));
        }
        self
    }

    /// The only one, or where all of them are.
    fn one<'a>(&'a self, found: impl Iterator<Item = CapturedSpan<'a>>) -> Result<CapturedSpan<'a>, Vec<usize>> {
        let found: Vec<CapturedSpan<'_>> = found.collect();
        match found[..] {
            [only] => Ok(only),
            _ => Err(found.into_iter().map(|span| span.at).collect()),
        }
    }

    /// The spans as the OpenTelemetry SDK has them, in the order of the text.
    pub fn data(&self) -> impl Iterator<Item = &SpanData> {
        self.nodes.iter().map(|node| &node.data)
    }

    /// The same spans without this attribute, also in events and links; a key that ends in `.*` stands for all that begin
    /// so.
    ///
    /// ```
    /// let spans = otelier::testing::capture(|| otelier::trace_block!(name = "load", app.run = 8, app.part = 2, {}));
    /// spans.without("app.run").assert_tree("load app.part=2");
    /// spans.without("app.*").assert_tree("load");
    /// ```
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        self.changed(|attributes| attributes.retain(|attribute| !names(key, attribute.key.as_str())))
    }

    /// The same spans with `<redacted>` in place of the value of this attribute, also in events and links; a key that ends
    /// in `.*` stands for all that begin so.
    #[must_use]
    pub fn redacted(&self, key: &str) -> Self {
        self.changed(|attributes| {
            for attribute in attributes.iter_mut().filter(|attribute| names(key, attribute.key.as_str())) {
                attribute.value = REDACTED.into();
            }
        })
    }

    fn changed(&self, change: impl Fn(&mut Vec<KeyValue>)) -> Self {
        let mut changed = self.clone();
        for Node { data, .. } in &mut changed.nodes {
            change(&mut data.attributes);
            data.events.events.iter_mut().for_each(|event| change(&mut event.attributes));
            data.links.links.iter_mut().for_each(|link| change(&mut link.attributes));
        }
        // What differs from run to run is perhaps gone now, and decides nothing any more.
        changed.arranged()
    }

    fn viewed(&self, change: impl FnOnce(&mut View)) -> Self {
        let mut changed = self.clone();
        change(&mut changed.view);
        changed.arranged()
    }

    /// The same spans with numbers for their ids in the text, by the order of the lines: `(trace 1, span 3)`.
    #[must_use]
    pub fn with_ids(&self) -> Self {
        self.viewed(|view| view.ids = true)
    }

    /// The same spans with the times of starts, ends and events in the text: `@0..5`, where the first moment is 0 and every
    /// other one is a step after the one before. It is the same in every run only if nothing goes on at the same time.
    #[must_use]
    pub fn with_times(&self) -> Self {
        self.viewed(|view| view.times = true)
    }

    /// The same spans with the messages of errors in the text: the description of the status behind `✗`, and events named
    /// `exception`.
    #[must_use]
    pub fn with_errors(&self) -> Self {
        self.viewed(|view| view.errors = true)
    }

    /// The text form.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Panics with this message and all spans, of which these are marked.
    #[track_caller]
    pub(super) fn fail(&self, marked: &[usize], message: &str) -> ! {
        let mut text = format!("{message}\n");
        if self.is_empty() {
            text.push_str("\nthere are no spans");
        }
        let mut before = None;
        for (at, line) in text::lines(self) {
            let is_first = before.replace(at) != Some(at);
            text.push_str(if is_first && marked.contains(&at) { "\n> " } else { "\n  " });
            text.push_str(&line);
        }
        panic!("{text}\n");
    }
}

impl fmt::Display for SpanTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (_, line)) in text::lines(self).into_iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&line)?;
        }
        Ok(())
    }
}

/// Whether a pattern of keys names this one.
fn names(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*').filter(|start| start.ends_with('.')) {
        Some(start) => key.starts_with(start),
        None => key == pattern,
    }
}

fn count(number: usize) -> String {
    if number == 0 { "no".to_owned() } else { number.to_string() }
}

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

/// What is wrong with an attribute that should have this value.
fn difference(attributes: &[KeyValue], key: &str, expected: &(impl AnyAttribute + ?Sized)) -> Option<String> {
    let mut wanted = None;
    recorded(expected, |value| wanted = Some(value.owned()));
    let shown = |value: &Value| format!("{} ({})", text::value(value), text::type_of(value));
    match (attribute(attributes, key), wanted) {
        (None, None) => None,
        (Some(found), Some(wanted)) if *found == wanted => None,
        (Some(found), Some(wanted)) => Some(format!("`{key}` is {}, not {}", shown(found), shown(&wanted))),
        (Some(found), None) => Some(format!("`{key}` is {}, not absent", shown(found))),
        (None, Some(wanted)) => {
            let near = attributes.iter().map(|attribute| attribute.key.as_str());
            let near: Vec<String> = near.map(|key| format!("`{key}`")).collect();
            let has = if near.is_empty() { "none".to_owned() } else { near.join(", ") };
            Some(format!("there is no attribute `{key}`, which should be {}; there is {has}", shown(&wanted)))
        }
    }
}

/// One span of a [`SpanTree`].
///
/// What begins with `has`, `is`, `failed` and `links` is an assertion: it panics, with all spans in its message and this
/// one marked, or gives the span back, so that the next one can follow.
///
/// ```
/// let spans = otelier::testing::capture(|| {
///     otelier::trace_block!(name = "load", app.parts = vec![1, 2], app.rate = 0.5, app.cold = true, {})
/// });
/// spans.span("load").has("app.parts", [1, 2]).has("app.rate", 0.5).has("app.cold", true).has_no("app.error").is_ok();
/// ```
#[derive(Clone, Copy)]
pub struct CapturedSpan<'a> {
    tree: &'a SpanTree,
    at: usize,
}

impl fmt::Debug for CapturedSpan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data().fmt(f)
    }
}

impl<'a> CapturedSpan<'a> {
    fn node(self) -> &'a Node {
        &self.tree.nodes[self.at]
    }

    /// The span as the OpenTelemetry SDK has it.
    pub fn data(self) -> &'a SpanData {
        &self.node().data
    }

    /// The name.
    pub fn name(self) -> &'a str {
        &self.data().name
    }

    /// The ids.
    pub fn span_context(self) -> &'a SpanContext {
        &self.data().span_context
    }

    /// The kind.
    pub fn kind(self) -> SpanKind {
        self.data().span_kind.clone()
    }

    /// The status. A function that returns well leaves it unset.
    pub fn status(self) -> &'a Status {
        &self.data().status
    }

    /// Who made the span.
    pub fn scope(self) -> &'a InstrumentationScope {
        &self.data().instrumentation_scope
    }

    /// How long it took.
    pub fn duration(self) -> Duration {
        self.data().end_time.duration_since(self.data().start_time).unwrap_or_default()
    }

    /// The value of an attribute.
    pub fn attribute(self, key: &str) -> Option<&'a Value> {
        attribute(&self.data().attributes, key)
    }

    /// The attributes in the order they were recorded.
    pub fn attributes(self) -> &'a [KeyValue] {
        &self.data().attributes
    }

    /// The span it is below, if that is in the tree.
    pub fn parent(self) -> Option<Self> {
        self.node().parent.map(|parent| self.tree.at(parent))
    }

    /// The spans right below it.
    pub fn children(self) -> impl Iterator<Item = Self> {
        self.node().children.iter().map(move |child| self.tree.at(*child))
    }

    /// The one span right below it with this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn child(self, name: &str) -> Self {
        match self.tree.one(self.children().filter(|child| child.name() == name)) {
            Ok(child) => child,
            Err(many) => self.fail(&format!("{} children named `{name}`, not one", count(many.len()))),
        }
    }

    /// The events in the order they were recorded.
    pub fn events(self) -> impl Iterator<Item = CapturedEvent<'a>> {
        self.data().events.events.iter().map(move |event| CapturedEvent { span: self, event })
    }

    /// The one event with this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn event(self, name: &str) -> CapturedEvent<'a> {
        let found: Vec<_> = self.events().filter(|event| event.name() == name).collect();
        match found[..] {
            [only] => only,
            _ => self.fail(&format!("{} events named `{name}`, not one", count(found.len()))),
        }
    }

    /// The links.
    pub fn links(self) -> impl Iterator<Item = CapturedLink<'a>> {
        self.data().links.links.iter().map(move |link| CapturedLink { span: self, link })
    }

    /// Panics with this message about the span, and all spans.
    #[track_caller]
    fn fail(self, message: &str) -> ! {
        self.tree.fail(&[self.at], &format!("span `{}`: {message}", self.name()))
    }

    #[track_caller]
    fn holds(self, good: bool, message: impl FnOnce() -> String) -> Self {
        if !good {
            self.fail(&message());
        }
        self
    }

    /// The attribute has this value, and its type: what recording `value` gives, so `7` is an int, `"7"` a string, `7.0` a
    /// double, and `None` is no attribute.
    #[track_caller]
    pub fn has(self, key: &str, value: impl AnyAttribute) -> Self {
        if let Some(difference) = difference(&self.data().attributes, key, &value) {
            self.fail(&difference);
        }
        self
    }

    /// There is such an attribute.
    #[track_caller]
    pub fn has_key(self, key: &str) -> Self {
        self.holds(self.attribute(key).is_some(), || format!("there is no attribute `{key}`"))
    }

    /// There is no such attribute.
    #[track_caller]
    pub fn has_no(self, key: &str) -> Self {
        self.holds(self.attribute(key).is_none(), || format!("there is an attribute `{key}`"))
    }

    /// There is an event with this name.
    #[track_caller]
    pub fn has_event(self, name: &str) -> Self {
        self.holds(self.events().any(|event| event.name() == name), || format!("there is no event `{name}`"))
    }

    /// There is no event with this name.
    #[track_caller]
    pub fn has_no_event(self, name: &str) -> Self {
        self.holds(!self.events().any(|event| event.name() == name), || format!("there is an event `{name}`"))
    }

    /// The children have these names, in the order of the text.
    #[track_caller]
    pub fn has_children<const N: usize>(self, names: [&str; N]) -> Self {
        let found: Vec<&str> = self.children().map(Self::name).collect();
        self.holds(found == names, || format!("the children are {found:?}, not {names:?}"))
    }

    /// The status is not an error. That of a function that returns well is unset.
    #[track_caller]
    pub fn is_ok(self) -> Self {
        self.holds(!matches!(self.status(), Status::Error { .. }), || format!("the status is {:?}", self.status()))
    }

    /// The status is an error.
    #[track_caller]
    pub fn is_error(self) -> Self {
        self.holds(matches!(self.status(), Status::Error { .. }), || "the status is not an error".to_owned())
    }

    /// The status is an error, and this is its `error.type`.
    #[track_caller]
    pub fn failed_with(self, error_type: &str) -> Self {
        self.is_error().has("error.type", error_type)
    }

    /// This is the kind.
    #[track_caller]
    pub fn is_kind(self, kind: SpanKind) -> Self {
        let is = self.data().span_kind == kind;
        self.holds(is, || format!("the kind is {}, not {}", text::kind(&self.kind()), text::kind(&kind)))
    }

    /// There is no span above it in the tree.
    #[track_caller]
    pub fn is_root(self) -> Self {
        self.holds(self.parent().is_none(), || "it has a parent".to_owned())
    }

    /// It was made under this name of an instrumentation scope: `otelier` for annotated functions.
    #[track_caller]
    pub fn is_in_scope(self, name: &str) -> Self {
        self.holds(self.scope().name() == name, || format!("the scope is `{}`, not `{name}`", self.scope().name()))
    }

    /// It has a link to the span of the tree with this name.
    #[track_caller]
    pub fn links_to(self, name: &str) -> Self {
        let links = || self.links().any(|link| link.span().is_some_and(|span| span.name() == name));
        self.holds(links(), || format!("there is no link to a span `{name}`"))
    }
}

/// One event of a [`CapturedSpan`].
#[derive(Clone, Copy, Debug)]
pub struct CapturedEvent<'a> {
    span: CapturedSpan<'a>,
    event: &'a Event,
}

impl<'a> CapturedEvent<'a> {
    /// The name.
    pub fn name(self) -> &'a str {
        &self.event.name
    }

    /// The value of an attribute.
    pub fn attribute(self, key: &str) -> Option<&'a Value> {
        attribute(&self.event.attributes, key)
    }

    /// How long after the start of the span it was recorded.
    pub fn after(self) -> Duration {
        self.event.timestamp.duration_since(self.span.data().start_time).unwrap_or_default()
    }

    /// The attribute has this value, and its type; as [`CapturedSpan::has`].
    #[track_caller]
    pub fn has(self, key: &str, value: impl AnyAttribute) -> Self {
        if let Some(difference) = difference(&self.event.attributes, key, &value) {
            self.span.fail(&format!("event `{}`: {difference}", self.name()));
        }
        self
    }

    /// There is no such attribute.
    #[track_caller]
    pub fn has_no(self, key: &str) -> Self {
        if self.attribute(key).is_some() {
            self.span.fail(&format!("event `{}`: there is an attribute `{key}`", self.name()));
        }
        self
    }
}

/// One link of a [`CapturedSpan`].
#[derive(Clone, Copy, Debug)]
pub struct CapturedLink<'a> {
    span: CapturedSpan<'a>,
    link: &'a Link,
}

impl<'a> CapturedLink<'a> {
    /// The ids of the linked span.
    pub fn span_context(self) -> &'a SpanContext {
        &self.link.span_context
    }

    /// The linked span, if it is in the tree.
    pub fn span(self) -> Option<CapturedSpan<'a>> {
        let (trace, id) = (self.link.span_context.trace_id(), self.link.span_context.span_id());
        self.span.tree.iter().find(|span| {
            let context = span.span_context();
            context.trace_id() == trace && context.span_id() == id
        })
    }

    /// The value of an attribute.
    pub fn attribute(self, key: &str) -> Option<&'a Value> {
        attribute(&self.link.attributes, key)
    }
}
