//! Collects every mistake of one expansion, so that a user sees all of them at once.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use std::fmt::Display;

/// Error sink, passed by `&mut` through all steps.
#[derive(Debug, Default)]
pub(crate) struct Ctxt {
    errors: TokenStream,
}

impl Ctxt {
    /// Reports a mistake at the tokens from `first` to `last`.
    pub(crate) fn error(&mut self, first: Span, last: Span, message: impl Display) {
        // Not at the user's tokens, or editors would take the text for the place to complete.
        let text = Literal::string(&message.to_string());
        let path = quote_spanned!(first=> ::core::compile_error);
        let call = quote_spanned!(last=> !{ #text });
        self.errors.extend(quote!(#path #call));
    }

    /// Reports a mistake at one token.
    pub(crate) fn error_at(&mut self, span: Span, message: impl Display) {
        self.error(span, span, message);
    }

    /// The mistakes as tokens for a place where items or statements stand.
    pub(crate) fn into_errors(self) -> TokenStream {
        self.errors
    }

    /// Whether nothing was wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }
}
