//! Derives: `AttributeEnum` for the values of one attribute, `SpanAttributes` for the attributes of a struct, `SpanSchema`
//! for a struct as a declaration.

mod attribute_enum;
mod input;
mod span_attributes;
mod span_schema;

use crate::ctxt::Ctxt;
use input::Input;
use proc_macro2::TokenStream;
use quote::quote;

/// `#[derive(AttributeEnum)]`
pub(crate) fn attribute_enum(item: TokenStream) -> TokenStream {
    derive(item, attribute_enum::expand)
}

/// `#[derive(SpanAttributes)]`
pub(crate) fn span_attributes(item: TokenStream) -> TokenStream {
    derive(item, span_attributes::expand)
}

/// `#[derive(SpanSchema)]`
pub(crate) fn span_schema(item: TokenStream) -> TokenStream {
    derive(item, span_schema::expand)
}

/// What is wrong stands beside the impl, which is there in any case, so that its users do not fail as well.
fn derive(item: TokenStream, expand: fn(&Input, &mut Ctxt) -> TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let code = Input::read(item, &mut ctxt).map(|input| expand(&input, &mut ctxt));
    let errors = ctxt.into_errors();
    quote!(#errors #code)
}
