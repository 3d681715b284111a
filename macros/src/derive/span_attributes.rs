//! `#[derive(SpanAttributes)]`: the fields of a struct as attributes.

use super::attribute_enum::words;
use super::input::{Attributes, Choice, Generics, Input, angles, fields, ungrouped};
use crate::ctxt::Ctxt;
use crate::tokens::{ends, is_ident, is_punct, plain};
use otelier_spec::{Sensitivity, name};
use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};

const OPTIONS: [&str; 13] = [
    "debug",
    "display",
    "flatten",
    "hash",
    "max_length",
    "name",
    "nested",
    "personal",
    "public",
    "redact",
    "secret",
    "sensitive",
    "skip",
];

/// A field that is recorded.
struct Field {
    ident: Ident,
    value_type: TokenStream,
    doc: String,
    /// The attribute's name; nothing if the field is flattened.
    name: String,
    /// What follows the struct's prefix in it; nothing if the name was given in full.
    local: String,
    /// Where the name is said.
    named_at: Span,
    form: Form,
}

enum Form {
    Value { text: Text, mask: Mask, sensitivity: Sensitivity, max_length: Option<Literal> },
    Flatten,
    Nested,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Plain,
    Display,
    Debug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mask {
    Clear,
    Hash,
    Redact,
}

pub(super) fn expand(input: &Input, ctxt: &mut Ctxt) -> TokenStream {
    let mut fields = read(input, ctxt).unwrap_or_default();
    if !ctxt.is_empty() {
        // The impl is there also if something is wrong, so that its users do not fail as well.
        fields.clear();
    }
    let (name, generics) = (&input.name, &input.generics);
    let (parameters, arguments, predicates) = (&generics.parameters, &generics.arguments, &generics.predicates);
    let bounds = fields.iter().filter_map(|field| field.bound(generics));
    let definitions = fields.iter().map(Field::definition);
    let records = fields.iter().map(Field::record);
    let to = if fields.is_empty() { quote!(_) } else { quote!(__otelier_to) };
    quote! {
        #[automatically_derived]
        #[allow(deprecated, trivial_bounds)]
        impl<#(#parameters),*> ::otelier::attribute::SpanAttributes for #name<#(#arguments),*>
        where #(#predicates,)* #(#bounds,)*
        {
            const ATTRIBUTES: &'static [::otelier::attribute::FieldDef] = &[#(#definitions),*];
            fn record_attributes(&self, #to: &mut ::otelier::attribute::AttributeSink<'_>) {
                #(#records)*
            }
        }
    }
}

fn read(input: &Input, ctxt: &mut Ctxt) -> Option<Vec<Field>> {
    let Input { name, keyword, attributes, .. } = input;
    if keyword == "enum" {
        let message =
            "`SpanAttributes` is for structs; to make an enum the values of one attribute, derive `AttributeEnum`";
        ctxt.error_at(keyword.span(), message);
        return None;
    }
    if keyword == "union" {
        ctxt.error_at(keyword.span(), format_args!("`SpanAttributes` is for structs, and `{name}` is a union"));
        return None;
    }
    let Some(body) = input.body.as_ref().filter(|body| body.delimiter() == Delimiter::Brace) else {
        ctxt.error_at(
            name.span(),
            format_args!("`SpanAttributes` needs a struct with named fields, and `{name}` has none"),
        );
        return None;
    };
    if let Some(span) = attributes.find("attribute") {
        ctxt.error_at(
            span,
            "`#[attribute(…)]` belongs on fields; a struct has `#[attributes(prefix = \"app.order\")]`",
        );
    }
    let is_schema = attributes.find("schema").is_some();
    let choices = attributes.choices("attributes", &["crate", "prefix"], ctxt);
    let is_clear = ctxt.is_empty();
    let prefix = choices
        .iter()
        .find(|choice| choice.name == "prefix")
        .map(|choice| prefix(choice, ctxt).unwrap_or_else(|| "app".to_owned()));
    let mut found: Vec<Field> = Vec::new();
    let mut without_namespace = None;
    for tokens in fields(body.stream()) {
        let Some(field) = Field::read(&tokens, prefix.as_deref(), is_schema, ctxt) else { continue };
        if let Some(first) = found.iter().find(|other| !other.name.is_empty() && other.name == field.name) {
            ctxt.error_at(
                field.named_at,
                format_args!(
                    "fields `{}` and `{}` have the same attribute name `{}`; give one of them another with \
                     `#[attribute(name = \"…\")]`",
                    first.ident, field.ident, field.name
                ),
            );
        }
        if prefix.is_none() && is_clear && !field.local.is_empty() {
            without_namespace.get_or_insert_with(|| field.local.clone());
        }
        found.push(field);
    }
    if let Some(local) = without_namespace {
        let example = format!("app.{}", words(&plain(name)).join("_"));
        ctxt.error_at(
            name.span(),
            format_args!(
                "`{name}` has no namespace for the attribute `{local}`; write `#[attributes(prefix = \"{example}\")]` \
                 above it, or name the field in full with `#[attribute(name = \"{example}.{local}\")]`"
            ),
        );
    }
    Some(found)
}

/// What `#[attributes(prefix = "…")]` says.
fn prefix(choice: &Choice, ctxt: &mut Ctxt) -> Option<String> {
    let (prefix, literal) = choice.text("app.order", ctxt)?;
    if is_name(&prefix) {
        return Some(prefix);
    }
    ctxt.error_at(
        literal.span(),
        format_args!(
            "{literal} is no prefix of attribute names; expected lower case segments, such as `\"app.order\"`"
        ),
    );
    None
}

/// Whether it is a name, or a part of one.
fn is_name(text: &str) -> bool {
    name::is_attribute_name(&format!("app.{text}"))
}

/// The options of one field.
struct Choices(Vec<Choice>);

impl Choices {
    fn get(&self, name: &str) -> Option<&Choice> {
        self.0.iter().find(|choice| choice.name == name)
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Reports every option that is not among `allowed`.
    fn only(&self, allowed: &[&str], why: &str, ctxt: &mut Ctxt) {
        for Choice { name, .. } in &self.0 {
            if !allowed.iter().any(|word| name == word) {
                ctxt.error_at(name.span(), format_args!("{why}; remove `{name}`"));
            }
        }
    }

    /// The one among `words` that was chosen; a second one is an error.
    fn one_of<'a>(&self, words: &[&'a str], what: &str, ctxt: &mut Ctxt) -> Option<&'a str> {
        let mut chosen = self.0.iter().filter_map(|choice| {
            words.iter().find(|word| choice.name == **word).map(|word| (*word, choice.name.span()))
        });
        let (first, _) = chosen.next()?;
        for (second, span) in chosen {
            ctxt.error_at(span, format_args!("`{first}` and `{second}` are two {what}; keep one"));
        }
        Some(first)
    }
}

impl Field {
    /// Reads a field; `None` if it is skipped, or wrong.
    fn read(tokens: &[TokenTree], prefix: Option<&str>, is_schema: bool, ctxt: &mut Ctxt) -> Option<Self> {
        let (attributes, rest) = Attributes::read(tokens);
        let colon = rest.iter().position(|token| is_punct(token, ':'))?;
        let Some(TokenTree::Ident(ident)) = rest[..colon].last() else { return None };
        if let Some(span) = attributes.find("attributes") {
            ctxt.error_at(span, "`#[attributes(…)]` belongs on the struct; a field has `#[attribute(…)]`");
        }
        let for_schema = super::span_schema::words().filter(|_| is_schema);
        let known: Vec<&str> = OPTIONS.into_iter().chain(for_schema).collect();
        let mut choices = Choices(attributes.choices("attribute", &known, ctxt));
        // What the schema is told is not for us.
        choices.0.retain(|choice| OPTIONS.contains(&plain(&choice.name).as_str()));
        for choice in choices.0.iter().filter(|choice| choice.name != "name" && choice.name != "max_length") {
            choice.no_value(ctxt);
        }
        if choices.has("skip") {
            choices.only(&["skip"], &format!("field `{ident}` is skipped, so nothing else matters"), ctxt);
            return None;
        }
        let form = Form::read(ident, &choices, ctxt);
        let given = choices.get("name").and_then(|choice| choice.text("app.order.id", ctxt));
        let named_at = given.as_ref().map_or_else(|| ident.span(), |(_, literal)| literal.span());
        let own = given.as_ref().map_or_else(|| plain(ident), |(name, _)| name.clone());
        if matches!(form, Form::Value { .. } | Form::Nested) && !is_name(&own) {
            let message = match &given {
                Some((_, literal)) => format!(
                    "{literal} is not an attribute name; expected lower case segments between dots, such as \
                     `\"app.order_id\"`"
                ),
                None => format!(
                    "field `{ident}` gives no attribute name, which is in lower case; write \
                     `#[attribute(name = \"{}\")]`",
                    words(&own).join("_")
                ),
            };
            ctxt.error_at(named_at, message);
        }
        if let Form::Value { mask: Mask::Clear, .. } = &form
            && !choices.has("public")
            && [&own, &plain(ident)].iter().any(|name| name::looks_like_a_credential(name))
        {
            ctxt.error_at(
                ident.span(),
                format_args!(
                    "field `{ident}` looks like a credential and would be exported in clear text; write \
                     `#[attribute(redact)]`, `#[attribute(skip)]`, or `#[attribute(public)]` if it is none"
                ),
            );
        }
        let (name, local) = match (&form, own.contains('.')) {
            (Form::Flatten, _) => (String::new(), String::new()),
            (_, true) => (own, String::new()),
            (_, false) => (format!("{}.{own}", prefix.unwrap_or_default()), own),
        };
        let value_type = rest[colon + 1..].iter().cloned().collect();
        Some(Self { ident: ident.clone(), value_type, doc: attributes.doc(), name, local, named_at, form })
    }

    /// The tokens of the field's type, or of what is in it if it is an `Option`.
    fn inner_type(&self) -> (TokenStream, bool) {
        let tokens = ungrouped(self.value_type.clone());
        if let Some(at) = tokens.iter().position(|token| is_punct(token, '<'))
            && tokens[..at].iter().all(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'))
            && tokens[..at].last().is_some_and(|last| is_ident(last, "Option"))
            && let (inner, []) = angles(&tokens[at..])
        {
            return (inner.iter().cloned().collect(), true);
        }
        (self.value_type.clone(), false)
    }

    /// What the field's type has to be: what nobody knows yet of a generic one, and of one with attributes of its own,
    /// so that rustc says once that it has none.
    fn bound(&self, generics: &Generics) -> Option<TokenStream> {
        let (inner, _) = self.inner_type();
        let all = &self.value_type;
        let bound = match &self.form {
            Form::Flatten | Form::Nested => {
                return Some(quote_spanned!(self.at_type()=> #all: ::otelier::attribute::SpanAttributes));
            }
            Form::Value { mask: Mask::Redact, .. } => return None,
            Form::Value { mask: Mask::Hash, .. } => quote!(#inner: ::core::hash::Hash),
            Form::Value { text: Text::Display, .. } => quote!(#inner: ::core::fmt::Display),
            Form::Value { text: Text::Debug, .. } => quote!(#inner: ::core::fmt::Debug),
            Form::Value { max_length: Some(_), .. } => quote!(#inner: ::otelier::__private::Text),
            Form::Value { .. } => quote!(#all: ::otelier::attribute::AnyAttribute),
        };
        generics.mentioned_in(all).then_some(bound)
    }

    fn definition(&self) -> TokenStream {
        let Self { name, local, doc, value_type, .. } = self;
        let local = if local.is_empty() { quote!() } else { quote!(.with_local(#local)) };
        let doc = if doc.is_empty() { quote!() } else { quote!(.with_doc(#doc)) };
        let rest = match &self.form {
            Form::Flatten | Form::Nested => {
                quote!(.with_parts(<#value_type as ::otelier::attribute::SpanAttributes>::ATTRIBUTES))
            }
            Form::Value { mask, sensitivity, max_length, .. } => {
                let (class, kind) =
                    (format_ident!("{}", format!("{sensitivity:?}")), format_ident!("{}", format!("{mask:?}")));
                let masked = (*sensitivity, *mask) != (Sensitivity::Public, Mask::Clear);
                let masked = masked.then(|| {
                    let class = quote!(::otelier::attribute::Sensitivity::#class);
                    quote!(.with_sensitivity(#class, ::otelier::attribute::Mask::#kind))
                });
                let cut = max_length.as_ref().map(|characters| quote!(.with_max_length(#characters)));
                quote!(#masked #cut)
            }
        };
        quote!(::otelier::attribute::FieldDef::new(#name) #local #doc #rest)
    }

    /// Where rustc reports what is wrong with the field's type.
    fn at_type(&self) -> Span {
        ends(&ungrouped(self.value_type.clone()), self.ident.span()).0.resolved_at(Span::call_site())
    }

    /// The statement that records the field. What does not fit is reported at the field's type.
    fn record(&self) -> TokenStream {
        let Self { ident, name, local, .. } = self;
        let span = self.at_type();
        let field = quote_spanned!(span=> &self.#ident);
        let sink = quote!(::otelier::attribute::AttributeSink);
        let Form::Value { text, mask, max_length, .. } = &self.form else {
            return match self.form {
                Form::Flatten => quote!(#sink::flatten(__otelier_to, #field);),
                _ => quote!(#sink::nested(__otelier_to, #name, #local, #field);),
            };
        };
        let is_plain = (*text, *mask) == (Text::Plain, Mask::Clear) && max_length.is_none();
        // What is not there is not recorded, however its value would be.
        let (_, optional) = self.inner_type();
        let optional = optional && !is_plain;
        let value = if optional { quote_spanned!(span=> __otelier_value) } else { field.clone() };
        let format = if *text == Text::Debug { "{:?}" } else { "{}" };
        let value = match (mask, text, max_length) {
            (Mask::Hash, ..) => quote_spanned!(span=> &::otelier::__private::hashed(#value)),
            (Mask::Redact, ..) => quote_spanned!(span=> &::otelier::attribute::redact(#value)),
            (_, Text::Plain, None) => quote_spanned!(span=> ::otelier::__private::plain(#value)),
            (_, Text::Plain, Some(most)) => quote_spanned!(span=> &::otelier::__private::cut_text(#value, #most)),
            (_, _, None) => quote_spanned!(span=> &::core::format_args!(#format, #value)),
            (_, _, Some(most)) => {
                quote_spanned!(span=> &::otelier::__private::cut_display(::core::format_args!(#format, #value), #most))
            }
        };
        let record = if local.is_empty() {
            quote!(#sink::attribute(__otelier_to, #name, #value);)
        } else {
            quote!(#sink::own(__otelier_to, #name, #local, #value);)
        };
        if optional {
            quote!(if let ::core::option::Option::Some(__otelier_value) = #field { #record })
        } else {
            record
        }
    }
}

impl Form {
    fn read(ident: &Ident, choices: &Choices, ctxt: &mut Ctxt) -> Self {
        if choices.has("flatten") {
            let why = format!("the attributes of flattened field `{ident}` are those of its type");
            choices.only(&["flatten"], &why, ctxt);
            return Self::Flatten;
        }
        if choices.has("nested") {
            let why = format!("the attributes of nested field `{ident}` are those of its type, below the field's name");
            choices.only(&["name", "nested"], &why, ctxt);
            return Self::Nested;
        }
        let class = choices.one_of(&["public", "personal", "sensitive", "secret"], "classes", ctxt);
        let sensitivity = class.and_then(Sensitivity::from_name).unwrap_or_default();
        let mask = match (choices.one_of(&["hash", "redact"], "masks", ctxt), sensitivity) {
            (Some("redact"), _) => Mask::Redact,
            (Some(_), Sensitivity::Secret) => {
                choices.only(&["name", "secret"], "a secret is recorded as `[redacted]` only", ctxt);
                return Self::Value { text: Text::Plain, mask: Mask::Redact, sensitivity, max_length: None };
            }
            (Some(_), _) | (None, Sensitivity::Personal | Sensitivity::Sensitive) => Mask::Hash,
            (None, Sensitivity::Secret) => Mask::Redact,
            (None, Sensitivity::Public) => Mask::Clear,
        };
        let text = match choices.one_of(&["debug", "display"], "forms", ctxt) {
            Some("debug") => Text::Debug,
            Some(_) => Text::Display,
            None => Text::Plain,
        };
        let max_length = choices.get("max_length").and_then(|choice| max_length(choice, ctxt));
        if mask != Mask::Clear {
            let what = if mask == Mask::Hash { "a hash" } else { "`[redacted]`" };
            let allowed = ["name", "public", "personal", "sensitive", "secret", "hash", "redact"];
            choices.only(
                &allowed,
                &format!("field `{ident}` is recorded as {what}, whatever it would look like"),
                ctxt,
            );
        }
        Self::Value { text, mask, sensitivity, max_length }
    }
}

/// The number that `max_length` is set to.
fn max_length(choice: &Choice, ctxt: &mut Ctxt) -> Option<Literal> {
    let value = choice.value.as_deref().unwrap_or_default();
    if let [TokenTree::Literal(literal)] = value
        && literal.to_string().replace('_', "").parse::<usize>().is_ok_and(|number| number > 0)
    {
        return Some(literal.clone());
    }
    let (first, last) = ends(value, choice.name.span());
    ctxt.error(first, last, "`max_length` needs a number of characters above zero, such as `max_length = 64`");
    None
}
