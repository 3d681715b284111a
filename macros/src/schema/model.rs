//! What a declaration says, once it is read.

use crate::tokens;
use otelier_spec::{Kind, Level, Requirement, Sensitivity, Stability};
use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};

/// What is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Span,
    Event,
    Group,
}

impl Form {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Span, Self::Event, Self::Group].into_iter().find(|form| form.as_str() == name)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Event => "event",
            Self::Group => "group",
        }
    }

    /// The macro that declares it.
    pub(super) const fn macro_name(self) -> &'static str {
        match self {
            Self::Span => "span_schema",
            Self::Event => "event_schema",
            Self::Group => "attribute_group",
        }
    }

    /// What users call it.
    pub(super) const fn described(self) -> &'static str {
        match self {
            Self::Span => "a span schema",
            Self::Event => "an event schema",
            Self::Group => "an attribute group",
        }
    }
}

/// A declaration.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) form: Form,
    /// The path of the `otelier` crate.
    pub(super) krate: TokenStream,
    /// Attributes and documentation of the declared type.
    pub(super) outer: TokenStream,
    pub(super) doc: String,
    pub(super) note: String,
    pub(super) visibility: TokenStream,
    pub(super) name: Ident,
    /// Whether the macro makes the type; a derive has it already.
    pub(super) makes_type: bool,
    /// The span type, the event's name or the group's id.
    pub(super) id: Option<Literal>,
    pub(super) kind: Option<Kind>,
    pub(super) undeclared: Option<Level>,
    pub(super) pattern: Option<Literal>,
    pub(super) stability: Option<Stability>,
    pub(super) deprecated: Option<Deprecated>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) constants: Vec<(String, Literal)>,
}

/// Why something is not to be used any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Deprecated {
    pub(super) renamed_to: String,
    pub(super) note: String,
}

/// One declared attribute.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    /// The tokens of the name, without a template's `<key>`.
    pub(super) key: Vec<TokenTree>,
    pub(super) value_type: ValueType,
    pub(super) requirement: Requirement,
    pub(super) condition: String,
    pub(super) late: bool,
    pub(super) sensitivity: Option<Sensitivity>,
    pub(super) unit: Option<Literal>,
    pub(super) values: Vec<Literal>,
    /// What the values mean, one by one.
    pub(super) value_docs: Vec<String>,
    pub(super) open: bool,
    pub(super) stability: Option<Stability>,
    pub(super) deprecated: Option<Deprecated>,
    pub(super) doc: String,
    pub(super) note: String,
    pub(super) examples: Vec<Literal>,
    /// The group or schema it was taken from, as the user wrote it.
    pub(super) origin: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct ValueType {
    pub(super) scalar: Scalar,
    pub(super) array: bool,
    pub(super) template: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Scalar {
    String,
    Int,
    Double,
    Boolean,
    Any,
    /// A Rust enum: how to name it here, and its own name.
    Enum(TokenStream, String),
}

impl Scalar {
    /// OpenTelemetry's word for the type.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::String | Self::Enum(..) => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Any => "any",
        }
    }

    pub(super) const fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }
}

impl ValueType {
    /// OpenTelemetry's notation: `int`, `string[]`, `template[string]`.
    pub(super) fn notation(&self) -> String {
        let array = if self.array { "[]" } else { "" };
        match self.template {
            true => format!("template[{}{array}]", self.scalar.as_str()),
            false => format!("{}{array}", self.scalar.as_str()),
        }
    }
}

impl Attribute {
    /// The segments of the name with their places.
    pub(super) fn segments(&self) -> impl Iterator<Item = (String, Span)> {
        self.key.iter().filter_map(|token| match token {
            TokenTree::Ident(ident) => Some((tokens::plain(ident), ident.span())),
            _ => None,
        })
    }

    /// Where the name begins and ends.
    pub(super) fn span(&self) -> (Span, Span) {
        tokens::ends(&self.key, Span::call_site())
    }

    /// The attribute as a declaration again, for those who take it over. A Rust enum is named by `number`, because its path
    /// means something only here.
    pub(super) fn declaration(&self, number: usize) -> TokenStream {
        let Self { value_type, requirement, condition, doc, note, values, examples, .. } = self;
        let key: TokenStream = self.key.iter().cloned().collect();
        let template = value_type.template.then(|| quote!(.<key>));
        let scalar = match &value_type.scalar {
            Scalar::Enum(_, name) => {
                let (number, name) = (Literal::usize_unsuffixed(number), format_ident!("{name}"));
                quote!(@ #number #name)
            }
            plain => Ident::new(plain.as_str(), Span::call_site()).into_token_stream(),
        };
        let array = value_type.array.then(|| quote!([]));
        let required = match requirement {
            Requirement::Required => quote!(required),
            Requirement::ConditionallyRequired => quote!(required_if #condition),
            Requirement::Recommended if condition.is_empty() => quote!(recommended),
            Requirement::Recommended => quote!(recommended_if #condition),
            Requirement::OptIn => quote!(opt_in),
        };
        let late = self.late.then(|| quote!(late));
        let word = |word: Option<&'static str>| word.map(|word| Ident::new(word, Span::call_site()));
        let sensitivity = word(self.sensitivity.map(Sensitivity::as_str));
        let stability = word(self.stability.map(Stability::as_str));
        let unit = self.unit.as_ref().map(|unit| quote!(unit #unit));
        let rest = self.open.then(|| quote!(..));
        let docs = &self.value_docs;
        let values = (!values.is_empty()).then(|| quote!(in [#(#values #docs,)* #rest]));
        let deprecated = self.deprecated.as_ref().map(Deprecated::words);
        let note = (!note.is_empty()).then(|| quote!(note #note));
        let examples = (!examples.is_empty()).then(|| quote!(examples [#(#examples),*]));
        quote!(#key #template: #scalar #array #required #late #sensitivity #stability #unit #values #deprecated #note #examples #doc;)
    }
}

impl Deprecated {
    /// The words that say it in a declaration.
    fn words(&self) -> TokenStream {
        let Self { renamed_to, note } = self;
        if renamed_to.is_empty() { quote!(deprecated #note) } else { quote!(renamed #renamed_to deprecated #note) }
    }

    /// What rustc tells those who use it.
    pub(super) fn message(&self) -> String {
        match (self.renamed_to.as_str(), self.note.as_str()) {
            ("", note) => note.to_owned(),
            (name, "") => format!("use `{name}`"),
            (name, note) => format!("use `{name}`: {note}"),
        }
    }
}
