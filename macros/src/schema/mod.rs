//! Declarations: `span_schema!` and `attribute_group!`.

mod expand;
mod parse;

use crate::ctxt::Ctxt;
use crate::item::with_dollar_crate;
use crate::tokens::{group, is_ident};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::quote;

/// `span_schema! { pub Name = "id" { items } }`
pub(crate) fn span_schema(input: TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let code = parse::read(input, &mut ctxt).map(|declaration| match declaration {
        // A group expands to this macro again, with its attributes in place of the `include`.
        parse::Declaration::Include { group, rest } => quote!(#group! { #rest }),
        parse::Declaration::Schema(schema) => expand::schema(&schema),
    });
    let errors = ctxt.into_errors();
    quote!(#errors #code)
}

/// `{ group's items } { schema's head } { schema's items }`
pub(crate) fn with_group(input: TokenStream) -> TokenStream {
    let parts: Vec<TokenTree> = input.into_iter().collect();
    match parts.as_slice() {
        [TokenTree::Group(group), TokenTree::Group(head), TokenTree::Group(items)] => {
            let (group, head, items) = (group.stream(), head.stream(), items.stream());
            span_schema(quote!(#head { #items #group }))
        }
        _ => {
            let mut ctxt = Ctxt::default();
            ctxt.error_at(
                Span::call_site(),
                "an attribute group is used with `include path::Group;` in `span_schema!`",
            );
            ctxt.into_errors()
        }
    }
}

/// `attribute_group! { pub Name { items } }`: a macro of that name, which `include` expands.
pub(crate) fn attribute_group(input: TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let tokens: Vec<TokenTree> = input.into_iter().collect();
    let body = group(tokens.last(), Delimiter::Brace).cloned();
    let name = tokens.len().checked_sub(2).and_then(|at| match &tokens[at] {
        TokenTree::Ident(name) if name != "pub" => Some((at, name.clone())),
        _ => None,
    });
    let (Some(body), Some((at, name))) = (body, name) else {
        ctxt.error_at(Span::call_site(), "expected `pub Name { attribute: type; … }`");
        return ctxt.into_errors();
    };
    let head: TokenStream = tokens[..at].iter().filter(|token| !is_ident(token, "pub")).cloned().collect();
    // Exported macros share one namespace in a crate, so the name carries a fingerprint of the group.
    let exported =
        Ident::new(&format!("__otelier_group_{name}_{:016x}", fingerprint(&body.to_string())), Span::call_site());
    let items = with_dollar_crate(body.stream());
    quote! {
        #head
        #[doc(hidden)]
        #[macro_export]
        macro_rules! #exported {
            ($($schema:tt)*) => { ::otelier::__private::__with_group! { { #items } $($schema)* } };
        }
        #[doc(hidden)]
        pub use #exported as #name;
    }
}

/// FNV-1a: the same text gives the same name in every build.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
