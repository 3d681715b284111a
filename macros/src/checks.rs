//! What rustc evaluates while compiling: literals of closed sets, the kind, undeclared attributes, required ones of events.

use crate::args::{Key, Value};
use crate::tokens::{is_punct, located_at};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// The local that holds the tree of keys.
pub(crate) fn keys_ident() -> Ident {
    Ident::new("__otelier_keys", Span::mixed_site())
}

/// Where mistakes of a whole annotation are reported: at the schema's name.
pub(crate) fn schema_span(schema: &TokenStream) -> Span {
    schema.clone().into_iter().last().map_or_else(Span::call_site, |token| token.span())
}

/// The bits of the declared attributes among `keys`, in front of each a `|`.
pub(crate) fn bits<'a>(keys: impl IntoIterator<Item = &'a Key>) -> TokenStream {
    let bits = keys.into_iter().filter(|key| !key.literal).map(|key| {
        let access = key.access();
        let bit = key.cfg.or_zero(quote!(#access.__bit));
        quote!(| #bit)
    });
    quote!(0 #(#bits)*)
}

/// Refuses a late attribute that the body does not record, once rustc knows the attribute.
pub(crate) fn late_without_record(krate: &TokenStream, schema: &TokenStream, key: &Key, text: &str) -> TokenStream {
    let (keys, access, first, last) = (keys_ident(), key.access(), key.first, key.last);
    // From the key's first token to its last one.
    let (path, arguments) = (quote_spanned!(first=> ::core::panic), quote_spanned!(last=> !(#text)));
    quote! {
        const _: () = {
            let #keys = <#schema as #krate::schema::Schema>::KEYS;
            let _ = &#access;
            #path #arguments
        };
    }
}

/// Checks one attribute of a span or an event, if there is something to check.
pub(crate) fn attribute(
    krate: &TokenStream,
    what: &str,
    schema: &TokenStream,
    key: &Key,
    value: &Value,
) -> TokenStream {
    let schema_trait = match what {
        "event" => quote!(#krate::schema::EventSchema),
        _ => quote!(#krate::schema::Schema),
    };
    if key.literal {
        let (name, first) = (&key.name, key.first);
        let level = quote_spanned!(first=> <<#schema as #schema_trait>::Undeclared>::__undeclared_attribute);
        let id = quote!(<#schema as #schema_trait>::DEF);
        return key.cfg.before(quote_spanned!(first=> const _: () = #level(#what, #id.id, #id.attributes, #name);));
    }
    if key.template {
        return TokenStream::new();
    }
    let span = value.span;
    let (check, text) = match (value.literal(), value.constant()) {
        (Some(literal), _) => ("check_string", quote!(#literal)),
        (None, Some("Int")) => {
            let text = value.tokens.iter().map(ToString::to_string).collect::<String>().replace('_', "");
            ("check_int", quote!(#text))
        }
        _ => match value.tokens.as_slice() {
            // A negative number is two tokens.
            [minus, number @ TokenTree::Literal(_)] if is_punct(minus, '-') => {
                let text = format!("-{number}").replace('_', "");
                ("check_int", quote!(#text))
            }
            _ => return TokenStream::new(),
        },
    };
    let (keys, access, name, krate) = (keys_ident(), key.access(), &key.name, located_at(krate, span));
    let check = Ident::new(check, span);
    key.cfg.before(quote_spanned! {span=>
        const _: () = {
            let #keys = <#schema as #schema_trait>::KEYS;
            #krate::schema::#check(#name, #access.__allowed, #text)
        };
    })
}

/// Checks an event, and binds the keys of its schema.
pub(crate) fn event(
    krate: &TokenStream,
    schema: &TokenStream,
    attributes: &[(Key, Value)],
    is_complete: bool,
) -> TokenStream {
    let (keys, span) = (keys_ident(), schema_span(schema));
    let event_schema = quote!(<#schema as #krate::schema::EventSchema>);
    let bits = bits(attributes.iter().map(|(key, _)| key));
    let place = located_at(krate, span);
    let required = quote_spanned!(span=> #place::schema::check_event::<#schema>(#bits));
    let attributes = attributes.iter().map(|(key, value)| attribute(krate, "event", schema, key, value));
    // What could not be read is not missing as well.
    let required = is_complete.then_some(required);
    quote! {
        const _: () = {
            let #keys = #event_schema::KEYS;
            #required
        };
        #(#attributes)*
        let #keys = #event_schema::KEYS;
    }
}
