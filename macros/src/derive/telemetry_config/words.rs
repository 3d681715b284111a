//! An enum as the words that a setting can be.

use super::super::attribute_enum::{rule, words};
use super::super::input::{Attributes, Input};
use crate::ctxt::Ctxt;
use crate::tokens::{group, plain, split};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::quote;

/// A variant, its word and what it means.
struct Variant {
    name: Ident,
    word: String,
    doc: String,
}

pub(super) fn expand(input: &Input, ctxt: &mut Ctxt) -> TokenStream {
    let variants = read(input, ctxt);
    let is_wrong = !ctxt.is_empty();
    let (name, generics) = (&input.name, &input.generics);
    let (parameters, arguments, predicates) = (&generics.parameters, &generics.arguments, &generics.predicates);
    let words = variants
        .iter()
        .map(|Variant { word, doc, .. }| quote!(::otelier::__private::config::Word { word: #word, doc: #doc }));
    // Also if something is wrong there is an impl, so that its users do not fail as well: of a kind that has every value.
    let kind = if is_wrong { quote!(Any) } else { quote!(Word(&[#(#words),*])) };
    let arms = variants
        .iter()
        .enumerate()
        .filter(|_| !is_wrong)
        .map(|(number, Variant { name, .. })| quote!(#number => ::core::option::Option::Some(Self::#name),));
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl<#(#parameters),*> ::otelier::config::Setting for #name<#(#arguments),*> where #(#predicates),* {
            const KIND: ::otelier::__private::config::Type = ::otelier::__private::config::Type::#kind;
            fn of(
                __otelier_node: ::core::option::Option<&::otelier::__private::config::Node>,
                __otelier_kind: &::otelier::__private::config::Type,
                __otelier_at: &mut ::otelier::__private::config::Reader<'_>,
            ) -> ::core::option::Option<Self> {
                match ::otelier::__private::config::Reader::word(__otelier_at, __otelier_node, __otelier_kind)? {
                    #(#arms)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    }
}

fn read(input: &Input, ctxt: &mut Ctxt) -> Vec<Variant> {
    let mut found: Vec<Variant> = Vec::new();
    if let Some((first, last)) = input.generics.ends {
        ctxt.error(first, last, "settings have no parameters, because what can be written in a file is one list");
        return found;
    }
    let rule = rule(input, "config", ctxt);
    let variants = input.body.as_ref().map(|body| split(body.stream(), ',')).unwrap_or_default();
    for tokens in &variants {
        let (attributes, rest) = Attributes::read(tokens);
        let Some((TokenTree::Ident(name), rest)) = rest.split_first() else { continue };
        let choices = attributes.choices("config", &["value"], ctxt);
        let fields = group(rest.first(), Delimiter::Parenthesis).or_else(|| group(rest.first(), Delimiter::Brace));
        if let Some(fields) = fields {
            let message = format_args!(
                "variant `{name}` has fields, and a setting is one word; remove them, or make them a struct of its own"
            );
            ctxt.error_at(fields.span(), message);
            continue;
        }
        let given = choices.first().and_then(|choice| choice.text("perpetual", ctxt));
        let span = given.as_ref().map_or_else(|| name.span(), |(_, literal)| literal.span());
        let word = given.map_or_else(|| rule(&words(&plain(name))), |(word, _)| word);
        if word.trim().is_empty() || word.contains(',') {
            let message = format_args!("variant `{name}` needs a word that is not empty and has no comma");
            ctxt.error_at(span, message);
        }
        if let Some(first) = found.iter().find(|variant| variant.word == word) {
            let message = format_args!(
                "variants `{}` and `{name}` have the same value `{word}`; give one of them another with \
                 `#[config(value = \"…\")]`",
                first.name
            );
            ctxt.error_at(span, message);
        }
        found.push(Variant { name: name.clone(), word, doc: attributes.doc() });
    }
    if variants.is_empty() {
        let name = &input.name;
        ctxt.error_at(name.span(), format_args!("`{name}` has no variants, so there is nothing to choose; add one"));
    }
    found
}
