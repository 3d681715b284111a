//! `#[derive(TelemetryConfig)]`: a struct as settings, and an enum as the words of one.

mod field;
mod literal;
mod words;

use super::input::{Input, fields};
use crate::ctxt::Ctxt;
use crate::tokens::plain;
use field::{Field, Form};
use proc_macro2::{Delimiter, TokenStream};
use quote::{format_ident, quote, quote_spanned};

pub(super) fn expand(input: &Input, ctxt: &mut Ctxt) -> TokenStream {
    if input.keyword == "enum" {
        return words::expand(input, ctxt);
    }
    let section = section(input, ctxt);
    let fields = read(input, ctxt).unwrap_or_default();
    // Also if something is wrong there are impls, so that their users do not fail as well.
    let (fields, checks, body) = if ctxt.is_empty() {
        let (body, checks) = (body(&fields), checks(input, &fields));
        (fields, checks, body)
    } else {
        (Vec::new(), TokenStream::new(), quote!(::core::option::Option::None))
    };
    let Input { name, generics, attributes, .. } = input;
    let (parameters, arguments, predicates) = (&generics.parameters, &generics.arguments, &generics.predicates);
    let reader = if fields.is_empty() { quote!(_) } else { quote!(__otelier_reader) };
    let (title, doc) = (plain(name), attributes.doc());
    let definitions = fields.iter().map(|field| field.definition(false));
    let (at_root, place) = match &section {
        Some(key) => {
            let key = quote!(#key);
            let inner = quote!(::otelier::__private::config::Type::Section(
                <Self as ::otelier::config::TelemetryConfig>::SECTION
            ));
            let field = quote! {
                ::otelier::__private::config::Field {
                    doc: #doc,
                    ..::otelier::__private::config::Field::new(#key, #inner)
                }
            };
            (vec![field], quote!(::core::option::Option::Some(#key)))
        }
        None => (fields.iter().map(|field| field.definition(false)).collect(), quote!(::core::option::Option::None)),
    };
    let placed = fields.iter().filter(|field| field.form == Form::Flatten).map(|field| field.definition(true));
    // A struct with a place of its own is no value of another one's field.
    let setting = section.is_none().then(|| {
        quote! {
            #[automatically_derived]
            impl<#(#parameters),*> ::otelier::config::Setting for #name<#(#arguments),*> where #(#predicates),* {
                const KIND: ::otelier::__private::config::Type = ::otelier::__private::config::Type::Section(
                    <Self as ::otelier::config::TelemetryConfig>::SECTION
                );
                const REQUIRED: ::core::primitive::bool = false;
                fn of(
                    __otelier_node: ::core::option::Option<&::otelier::__private::config::Node>,
                    _: &::otelier::__private::config::Type,
                    __otelier_at: &mut ::otelier::__private::config::Reader<'_>,
                ) -> ::core::option::Option<Self> {
                    ::otelier::__private::config::Reader::section(__otelier_at, __otelier_node)
                }
            }
        }
    });
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl<#(#parameters),*> ::otelier::config::TelemetryConfig for #name<#(#arguments),*> where #(#predicates),* {
            const SECTION: &'static ::otelier::__private::config::Section = &::otelier::__private::config::Section {
                name: #title,
                doc: #doc,
                fields: &[#(#definitions),*],
                count: ::otelier::__private::config::Count::Any,
                others: ::otelier::__private::config::Others::Refused,
            };
            const ROOT: &'static ::otelier::__private::config::Section = &::otelier::__private::config::Section {
                name: #title,
                doc: #doc,
                fields: &[#(#at_root,)* #(#placed,)*],
                count: ::otelier::__private::config::Count::Any,
                others: ::otelier::__private::config::Others::Refused,
            };
            const PLACE: ::core::option::Option<&'static ::core::primitive::str> = #place;
            fn read_fields(
                #reader: &mut ::otelier::__private::config::Reader<'_>
            ) -> ::core::option::Option<Self> {
                #body
            }
        }
        #setting
        #checks
    }
}

/// What `#[config(section = "…")]` says.
fn section(input: &Input, ctxt: &mut Ctxt) -> Option<String> {
    let choices = input.attributes.choices("config", &["crate", "section"], ctxt);
    let choice = choices.iter().find(|choice| choice.name == "section")?;
    let (key, literal) = choice.text("lakehouse", ctxt)?;
    if !field::is_key(&key) {
        ctxt.error_at(literal.span(), format_args!("{literal} is not a key; {}", field::KEYS));
        return None;
    }
    Some(key)
}

fn read(input: &Input, ctxt: &mut Ctxt) -> Option<Vec<Field>> {
    let Input { name, keyword, generics, .. } = input;
    let body = input.body.as_ref().filter(|body| keyword == "struct" && body.delimiter() == Delimiter::Brace);
    let Some(body) = body else {
        let what = if keyword == "union" { "is a union" } else { "has none" };
        let message = format_args!("`TelemetryConfig` needs a struct with named fields, and `{name}` {what}");
        ctxt.error_at(name.span(), message);
        return None;
    };
    if let Some((first, last)) = generics.ends {
        let message = "settings have no parameters, because what can be written in a file is one list; name the types";
        ctxt.error(first, last, message);
        return None;
    }
    let mut found: Vec<Field> = Vec::new();
    for tokens in fields(body.stream()) {
        let Some(field) = Field::read(&tokens, ctxt) else { continue };
        field.check_against(&found, ctxt);
        found.push(field);
    }
    Some(found)
}

/// Reads all fields, so that every mistake is told, and then makes the struct.
fn body(fields: &[Field]) -> TokenStream {
    let names: Vec<_> = (0..fields.len()).map(|number| format_ident!("__otelier_{number}")).collect();
    let reads = fields.iter().enumerate().map(|(number, field)| field.read_value(number));
    let idents = fields.iter().map(|field| &field.ident);
    let values = fields.iter().zip(&names).map(|(field, name)| field.value_of(name));
    quote! {
        #(let #names = #reads;)*
        ::core::option::Option::Some(Self { #(#idents: #values),* })
    }
}

/// What rustc checks: each field by itself, and all of them with those of nested and flattened structs.
fn checks(input: &Input, fields: &[Field]) -> TokenStream {
    let name = &input.name;
    let own = fields.iter().map(Field::checks);
    let span = name.span().resolved_at(proc_macro2::Span::call_site());
    let title = plain(name);
    let twice = |count: TokenStream, find: TokenStream, what: &str, end: &str| {
        let start = format!("two fields of `{title}` and the structs in it have the same {what} `");
        let panic = quote_spanned!(span=> ::core::panic!("{}", TEXT));
        quote! {
            const _: () = {
                const ROOT: &'static ::otelier::__private::config::Section =
                    <#name as ::otelier::config::TelemetryConfig>::ROOT;
                const NAMES: [&'static ::core::primitive::str; ::otelier::__private::config::#count(ROOT)] =
                    ::otelier::__private::config::#find(ROOT);
                const TWICE: ::core::option::Option<&'static ::core::primitive::str> =
                    ::otelier::__private::config::twice(&NAMES);
                const BYTES: [::core::primitive::u8; 512] = match TWICE {
                    ::core::option::Option::Some(name) => ::otelier::__private::config::sentence([#start, name, #end]),
                    ::core::option::Option::None => [b' '; 512],
                };
                const TEXT: &'static ::core::primitive::str = ::otelier::__private::config::as_text(&BYTES);
                if ::core::option::Option::is_some(&TWICE) {
                    #panic
                }
            };
        }
    };
    let end = "`; give one of them another";
    let variables = twice(quote!(count_variables), quote!(variables), "environment variable", end);
    let end = "`; give one of them another with `#[config(key = \"…\")]`";
    let keys = twice(quote!(count_keys), quote!(keys), "key", end);
    quote!(#(#own)* #variables #keys)
}
