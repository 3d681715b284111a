//! `#[derive(SpanSchema)]`: a struct as the declaration of a span schema. It lowers to what `span_schema!` reads.

use super::input::{Attributes, Choice, Input, angles, fields, ungrouped};
use crate::ctxt::Ctxt;
use crate::schema::{self, WORDS};
use crate::tokens::{self, ends, is_ident, is_punct, plain};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// Options of the struct.
const SCHEMA: [&str; 10] =
    ["closed", "crate", "deprecated", "id", "kind", "name", "note", "open", "stability", "undeclared"];

/// Options of a field that say how `SpanAttributes` records it, and change nothing here.
const OTHERS: [&str; 7] = ["debug", "display", "hash", "max_length", "name", "redact", "skip"];

/// Options of a field that a declaration has as words; and its type, where that does not follow from Rust's.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().chain(["type"])
}

pub(super) fn expand(input: &Input, ctxt: &mut Ctxt) -> TokenStream {
    let Input { name, keyword, attributes, .. } = input;
    let body = input.body.as_ref().filter(|body| keyword == "struct" && body.delimiter() == Delimiter::Brace);
    let Some(body) = body else {
        let message = format_args!("`SpanSchema` needs a struct with named fields; `{name}` is none");
        ctxt.error_at(name.span(), message);
        return TokenStream::new();
    };
    if let Some((first, last)) = input.generics.ends {
        ctxt.error(first, last, "a span schema has no parameters, because spans of every type are one schema");
        return TokenStream::new();
    }
    let mut choices = attributes.choices("schema", &SCHEMA, ctxt);
    let id = choices.iter().position(|choice| choice.name == "id").map(|at| choices.remove(at));
    let Some((_, id)) = id.as_ref().and_then(|id| id.text("app.checkout", ctxt)) else {
        if id.is_none() {
            let message =
                format_args!("`{name}` needs its span type; write `#[schema(id = \"app.checkout\")]` above it");
            ctxt.error_at(name.span(), message);
        }
        return TokenStream::new();
    };
    let prefix = attributes.choices("attributes", &["crate", "prefix"], ctxt);
    let prefix = prefix
        .iter()
        .find(|choice| choice.name == "prefix")
        .and_then(|choice| choice.text("app.order", ctxt))
        .map(|(prefix, _)| prefix);
    let mut items: Vec<Vec<TokenTree>> = choices.iter().map(item).collect();
    for field in fields(body.stream()) {
        if let Some(item) = attribute(&field, prefix.as_deref(), ctxt) {
            items.push(item.into_iter().collect());
        }
    }
    let (visibility, doc) = (&input.visibility, attributes.doc());
    let head = quote!(#[doc = #doc] #visibility #name = #id);
    schema::of_struct(head, &items, ctxt)
}

/// `kind = client` as an item.
fn item(choice: &Choice) -> Vec<TokenTree> {
    let name = TokenTree::from(choice.name.clone());
    match &choice.value {
        None => vec![name],
        Some(value) => {
            let value: TokenStream = value.iter().cloned().collect();
            quote!(#name = #value).into_iter().collect()
        }
    }
}

/// `a.b: type words "doc"` for a field, unless it is skipped.
fn attribute(tokens: &[TokenTree], prefix: Option<&str>, ctxt: &mut Ctxt) -> Option<TokenStream> {
    let (attributes, rest) = Attributes::read(tokens);
    let colon = rest.iter().position(|token| is_punct(token, ':'))?;
    let Some(TokenTree::Ident(ident)) = rest[..colon].last() else { return None };
    let known: Vec<&str> = words().chain(OTHERS).collect();
    let choices = attributes.choices("attribute", &known, ctxt);
    let chosen = |name: &str| choices.iter().find(|choice| plain(&choice.name) == name);
    if chosen("skip").is_some() {
        return None;
    }
    let key = key(ident, chosen("name"), prefix, ctxt)?;
    let given: Vec<TokenTree> = rest[colon + 1..].to_vec();
    let (inner, optional) = option_of(&given);
    let value_type = match chosen("type").and_then(|choice| choice.value.clone()) {
        Some(value) => value.into_iter().collect(),
        None => value_type(&inner, ident, ctxt)?,
    };
    let requirement = ["late", "opt_in", "recommended", "recommended_if", "required", "required_if"];
    let is_required = !optional && !requirement.iter().any(|word| chosen(word).is_some());
    let required = is_required.then(|| quote!(required));
    let class = ["personal", "public", "secret", "sensitive"];
    let masked = ["hash", "redact"].iter().any(|word| chosen(word).is_some())
        && !class.iter().any(|word| chosen(word).is_some());
    let masked = masked.then(|| quote!(sensitive));
    let words = choices.iter().filter(|choice| {
        let name = plain(&choice.name);
        WORDS.contains(&name.as_str())
    });
    let words = words.map(|choice| {
        let (name, value) = (&choice.name, choice.value.iter().flatten());
        quote!(#name #(#value)*)
    });
    let doc = attributes.doc();
    Some(quote!(#key: #value_type #required #masked #(#words)* #doc))
}

/// The attribute's name as dotted identifiers.
fn key(ident: &Ident, given: Option<&Choice>, prefix: Option<&str>, ctxt: &mut Ctxt) -> Option<TokenStream> {
    let given = given.and_then(|choice| choice.text("app.order.id", ctxt));
    let span = given.as_ref().map_or_else(|| ident.span(), |(_, literal)| literal.span());
    let own = given.map_or_else(|| plain(ident), |(name, _)| name);
    let name = match prefix {
        _ if own.contains('.') => own,
        Some(prefix) => format!("{prefix}.{own}"),
        None => {
            let message = format_args!(
                "field `{ident}` has no namespace; write `#[attributes(prefix = \"app\")]` above the struct, or \
                 `#[attribute(name = \"app.{own}\")]` above the field"
            );
            ctxt.error_at(span, message);
            return None;
        }
    };
    let fits = name.split('.').all(|segment| {
        segment.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && segment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    });
    if !fits {
        let message = format_args!("`{name}` is not an attribute name; expected lower case segments between dots");
        ctxt.error_at(span, message);
        return None;
    }
    let segments = name.split('.').map(|segment| tokens::field(segment, span));
    Some(quote!(#(#segments).*))
}

/// What is in an `Option`, and whether there is one.
fn option_of(given: &[TokenTree]) -> (Vec<TokenTree>, bool) {
    let tokens = ungrouped(given.iter().cloned().collect());
    if let Some(at) = tokens.iter().position(|token| is_punct(token, '<'))
        && tokens[..at].last().is_some_and(|last| is_ident(last, "Option"))
        && let (inner, []) = angles(&tokens[at..])
    {
        return (inner.to_vec(), true);
    }
    (tokens, false)
}

/// The attribute type that a Rust type stands for.
fn value_type(given: &[TokenTree], field: &Ident, ctxt: &mut Ctxt) -> Option<TokenStream> {
    let (first, last) = ends(given, field.span());
    // References and their lifetimes say nothing of the value.
    let mut inner = given;
    while let [amp, rest @ ..] = inner
        && is_punct(amp, '&')
    {
        inner = match rest {
            [quote, _, rest @ ..] if is_punct(quote, '\'') => rest,
            rest => rest,
        };
    }
    if let [TokenTree::Group(list)] = inner
        && list.delimiter() == Delimiter::Bracket
    {
        return array(&element(list), field, ctxt);
    }
    let angle = inner.iter().position(|token| is_punct(token, '<'));
    let path = &inner[..angle.unwrap_or(inner.len())];
    let name = match path.last() {
        Some(TokenTree::Ident(name)) => plain(name),
        _ => String::new(),
    };
    let word = |word: &str| {
        let word = Ident::new(word, first);
        Some(quote_spanned!(first=> #word))
    };
    match (name.as_str(), angle) {
        ("str" | "String", None) => word("string"),
        ("bool", None) => word("boolean"),
        ("f32" | "f64", None) => word("double"),
        ("i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize", None) => {
            word("int")
        }
        ("Vec", Some(at)) => array(angles(&inner[at..]).0, field, ctxt),
        // What they hold is the value.
        ("Arc" | "Box" | "Cow" | "Rc", Some(at)) => match angles(&inner[at..]).0 {
            [quote, _, comma, held @ ..] if is_punct(quote, '\'') && is_punct(comma, ',') => {
                value_type(held, field, ctxt)
            }
            held => value_type(held, field, ctxt),
        },
        (name, None) if name.starts_with(|c: char| c.is_uppercase()) => Some(inner.iter().cloned().collect()),
        _ => {
            let message = format_args!(
                "field `{field}` has no attribute type; write `#[attribute(type = string)]` above it, or another of \
                 OpenTelemetry's types"
            );
            ctxt.error(first, last, message);
            None
        }
    }
}

/// The element type between the brackets of `[T]` and `[T; N]`.
fn element(list: &Group) -> Vec<TokenTree> {
    list.stream().into_iter().take_while(|token| !is_punct(token, ';')).collect()
}

fn array(element: &[TokenTree], field: &Ident, ctxt: &mut Ctxt) -> Option<TokenStream> {
    let element = value_type(element, field, ctxt)?;
    Some(quote!(#element[]))
}
