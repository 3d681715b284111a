//! Structs whose fields are attributes.

use super::value::{AnyAttribute, Hashed, Slot, hash};
use crate::wire;
use otelier_spec::Sensitivity;
use std::fmt;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

/// A type that records attributes of its own. Derive it with [`SpanAttributes`](macro@crate::SpanAttributes), or write
/// it by hand where names are known only at run time:
///
/// ```
/// use otelier::attribute::{AttributeSink, FieldDef, SpanAttributes};
///
/// struct Labels(Vec<(String, String)>);
///
/// impl SpanAttributes for Labels {
///     const ATTRIBUTES: &'static [FieldDef] = &[];
///     fn record_attributes(&self, to: &mut AttributeSink<'_>) {
///         for (name, value) in &self.0 {
///             to.attribute(name, value);
///         }
///     }
/// }
/// otelier::Span::start("load").set_attributes(&Labels(Vec::new()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no attributes to record",
    label = "expected a type that implements `SpanAttributes`",
    note = "write `#[derive(SpanAttributes)]` above it"
)]
pub trait SpanAttributes {
    /// What it may record, as far as that is known at compile time.
    const ATTRIBUTES: &'static [FieldDef];

    /// Records the attributes. Called on the thread that records them, and only if they are wanted.
    fn record_attributes(&self, to: &mut AttributeSink<'_>);
}

macro_rules! pointers {
    ($($pointer:ty),*) => { $(
        #[diagnostic::do_not_recommend]
        impl<T: SpanAttributes + ?Sized> SpanAttributes for $pointer {
            const ATTRIBUTES: &'static [FieldDef] = T::ATTRIBUTES;

            fn record_attributes(&self, to: &mut AttributeSink<'_>) {
                (**self).record_attributes(to);
            }
        }
    )* };
}

pointers!(&T, Box<T>, Rc<T>, Arc<T>);

#[diagnostic::do_not_recommend]
impl<T: SpanAttributes> SpanAttributes for Option<T> {
    const ATTRIBUTES: &'static [FieldDef] = T::ATTRIBUTES;

    fn record_attributes(&self, to: &mut AttributeSink<'_>) {
        if let Some(value) = self {
            value.record_attributes(to);
        }
    }
}

/// How a value is kept from being read in a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mask {
    /// It is not.
    #[default]
    Clear,
    /// By a [`hash`](super::hash) in its place.
    Hash,
    /// By `[redacted]` in its place, see [`redact`](super::redact).
    Redact,
}

/// One field of a type that implements [`SpanAttributes`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FieldDef {
    /// The attribute's name. With [`parts`](Self::parts), the namespace of their names; empty if they have their own.
    pub name: &'static str,
    /// What of the name stays where the type is nested in another, whose name for it replaces the type's prefix; empty if
    /// all of it does.
    pub local: &'static str,
    /// Who may see the value.
    pub sensitivity: Sensitivity,
    /// How the value is kept from being seen.
    pub mask: Mask,
    /// How many characters of the value are recorded, if that is limited.
    pub max_length: Option<usize>,
    /// What the attribute means.
    pub doc: &'static str,
    /// The attributes of the field, if it has several: it is flattened or nested.
    pub parts: &'static [FieldDef],
}

impl FieldDef {
    /// A public attribute with this name.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            local: "",
            sensitivity: Sensitivity::Public,
            mask: Mask::Clear,
            max_length: None,
            doc: "",
            parts: &[],
        }
    }

    /// Sets what of the name stays where the type is nested.
    #[must_use]
    pub const fn with_local(self, local: &'static str) -> Self {
        Self { local, ..self }
    }

    /// Sets who may see the value, and how it is kept from being seen.
    #[must_use]
    pub const fn with_sensitivity(self, sensitivity: Sensitivity, mask: Mask) -> Self {
        Self { sensitivity, mask, ..self }
    }

    /// Limits how many characters of the value are recorded.
    #[must_use]
    pub const fn with_max_length(self, characters: usize) -> Self {
        Self { max_length: Some(characters), ..self }
    }

    /// Sets what the attribute means.
    #[must_use]
    pub const fn with_doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }

    /// Sets the attributes of a field that has several.
    #[must_use]
    pub const fn with_parts(self, parts: &'static [FieldDef]) -> Self {
        Self { parts, ..self }
    }
}

/// Who takes attributes whose keys come with them.
pub(crate) trait KeyedTarget {
    /// Takes the attribute that `write` writes, unless it writes nothing.
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>));
}

/// Where [`SpanAttributes`] go: a span or an event. It holds nothing of the span while a value is computed, so values may
/// come from code that is annotated itself.
pub struct AttributeSink<'a> {
    target: &'a dyn KeyedTarget,
    /// What stands in place of the prefix of the type that is nested.
    path: Option<String>,
}

impl fmt::Debug for AttributeSink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttributeSink").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'a> AttributeSink<'a> {
    pub(crate) fn new(target: &'a dyn KeyedTarget) -> Self {
        Self { target, path: None }
    }

    /// Records an attribute under this name wherever the type is nested; of two values the later one counts.
    pub fn attribute(&mut self, name: &str, value: &(impl AnyAttribute + ?Sized)) {
        self.target.keyed(name, &mut |slot| value.record(slot));
    }

    /// Records an attribute under this name, or, where the type is nested, under `local` below the name it has there.
    pub fn own(&mut self, name: &str, local: &str, value: &(impl AnyAttribute + ?Sized)) {
        let Some(path) = &mut self.path else { return self.attribute(name, value) };
        let length = path.len();
        path.push('.');
        path.push_str(local);
        self.target.keyed(path, &mut |slot| value.record(slot));
        path.truncate(length);
    }

    /// Records the attributes of `value` under their own names.
    pub fn flatten(&mut self, value: &(impl SpanAttributes + ?Sized)) {
        let path = self.path.take();
        value.record_attributes(self);
        self.path = path;
    }

    /// Records the attributes of `value` with this name in place of their prefix. Where the type that calls this is nested
    /// itself, it is `local` below the name it has there, unless `local` is empty.
    pub fn nested(&mut self, name: &str, local: &str, value: &(impl SpanAttributes + ?Sized)) {
        let path = match &self.path {
            Some(path) if !local.is_empty() => format!("{path}.{local}"),
            _ => name.to_owned(),
        };
        let before = self.path.replace(path);
        value.record_attributes(self);
        self.path = before;
    }
}

/// A value whose attributes stand below a name in place of their own prefix.
///
/// The value's type is not part of this one, so that whoever lacks attributes is told so once.
pub struct Below<'a> {
    name: &'static str,
    value: &'a dyn RecordsAttributes,
}

impl fmt::Debug for Below<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Below").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Below<'a> {
    pub(crate) fn new(name: &'static str, value: &'a impl SpanAttributes) -> Self {
        Self { name, value }
    }
}

#[diagnostic::do_not_recommend]
impl SpanAttributes for Below<'_> {
    // Nobody asks: what is known of the value was looked at where the name is known too.
    const ATTRIBUTES: &'static [FieldDef] = &[];

    fn record_attributes(&self, to: &mut AttributeSink<'_>) {
        self.value.record_below(self.name, to);
    }
}

/// What of [`SpanAttributes`] does not depend on the type.
trait RecordsAttributes {
    fn record_below(&self, name: &str, to: &mut AttributeSink<'_>);
}

impl<T: SpanAttributes> RecordsAttributes for T {
    fn record_below(&self, name: &str, to: &mut AttributeSink<'_>) {
        to.nested(name, "", self);
    }
}

/// The type of a field that is one attribute as it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a span attribute",
    label = "expected a string, an integer, a float, a boolean, or a list of these",
    note = "write `#[attribute(display)]` or `#[attribute(debug)]` above the field to record it as text",
    note = "if `{Self}` derives `SpanAttributes`, write `#[attribute(flatten)]` or `#[attribute(nested)]`"
)]
pub trait Plain {
    /// The value.
    fn plain(&self) -> &dyn AnyAttribute;
}

#[diagnostic::do_not_recommend]
impl<T: AnyAttribute> Plain for T {
    #[inline]
    fn plain(&self) -> &dyn AnyAttribute {
        self
    }
}

/// The type of a field that is recorded as a hash.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded as a hash",
    label = "expected a type that implements `Hash`",
    note = "write `redact` in place of `hash`, or beside the field's class"
)]
pub trait HashedField {
    /// The hash.
    fn hashed(&self) -> Hashed;
}

#[diagnostic::do_not_recommend]
impl<T: Hash> HashedField for T {
    fn hashed(&self) -> Hashed {
        hash(self)
    }
}

/// A type that holds text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no text",
    label = "expected a type that implements `AsRef<str>`",
    note = "such as `String`, `&'static str` and `Cow<'static, str>`"
)]
pub trait Text {
    /// The text.
    fn text(&self) -> &str;
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<str> + ?Sized> Text for T {
    #[inline]
    fn text(&self) -> &str {
        self.as_ref()
    }
}

/// The first characters of a text.
#[derive(Debug)]
pub struct CutText<'a> {
    text: &'a str,
    characters: usize,
}

impl<'a> CutText<'a> {
    pub(crate) fn new(text: &'a str, characters: usize) -> Self {
        Self { text, characters }
    }
}

#[diagnostic::do_not_recommend]
impl AnyAttribute for CutText<'_> {
    fn record(&self, slot: Slot<'_>) {
        slot.str(wire::cut(self.text, self.characters));
    }
}

/// The first characters of what is displayed.
#[derive(Debug)]
pub struct CutDisplay<'a> {
    value: fmt::Arguments<'a>,
    characters: usize,
}

impl<'a> CutDisplay<'a> {
    pub(crate) fn new(value: fmt::Arguments<'a>, characters: usize) -> Self {
        Self { value, characters }
    }
}

impl fmt::Display for CutDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_fmt(&mut Start { of: f, left: self.characters }, self.value)
    }
}

#[diagnostic::do_not_recommend]
impl AnyAttribute for CutDisplay<'_> {
    fn record(&self, slot: Slot<'_>) {
        slot.display(self);
    }
}

/// Passes the first characters on. What follows is no error, which some code would panic on.
struct Start<'a, 'b> {
    of: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl fmt::Write for Start<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let text = wire::cut(text, self.left);
        self.left -= text.chars().count();
        self.of.write_str(text)
    }
}
