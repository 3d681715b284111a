//! What is recorded of an annotated function's result, by `ret(..)` and `err(..)`.
//!
//! ```text
//! if span.is_recording() {
//!     if let Some(value) = { use returned::*; (&&&&Probe(&result)).otelier_returned() } {
//!         let rows = value;              // as the user has written it between the bars
//!         …                              // attributes and events, as in the body
//!     }
//! }
//! ```

use crate::args::look;
use crate::body::{Rewriter, span_ident};
use crate::checks::keys_ident;
use crate::options::{Options, Seen, value_ident};
use crate::tokens::located_at;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

/// The local that holds the result.
pub(crate) fn result_ident() -> Ident {
    Ident::new("__otelier_result", Span::mixed_site())
}

impl Rewriter<'_> {
    /// Records what the annotation wants of the result; empty if that is nothing. `has_output` if there is a result.
    pub(crate) fn result(
        &mut self,
        options: &Options,
        is_async: bool,
        is_block: bool,
        has_output: bool,
    ) -> TokenStream {
        let mut records = TokenStream::new();
        let lacks_result = |word: &str| match is_block {
            true => format!("`{word}` needs the type of the block; write `-> Type` in front of it"),
            false => format!("`{word}` needs a result, and the function returns nothing or a closure; leave it out"),
        };
        if let Some(none) = options.none.as_ref().filter(|_| !has_output) {
            self.ctxt.error_at(none.span(), lacks_result("none"));
        }
        for seen in options.all_seen() {
            if !has_output {
                self.ctxt.error_at(seen.word.span(), lacks_result(&seen.word.to_string()));
                continue;
            }
            let used = self.used;
            records.extend(self.seen(seen, options.none.as_ref(), is_async));
            // The handle that the body has is not the one that is used here.
            self.used = used;
        }
        if records.is_empty() {
            return records;
        }
        let (krate, span) = (self.krate, span_ident(Span::call_site()));
        let handle = is_async.then(|| {
            let anchor = Ident::new("__otelier_body", Span::mixed_site());
            let keys = self.schema_path.map(|schema| {
                let keys = keys_ident();
                quote!(let #keys = <#schema as #krate::schema::Schema>::KEYS;)
            });
            quote! {
                let #anchor = ();
                let #span = #krate::__private::span_ref(&#anchor);
                #keys
            }
        });
        quote! {
            #handle
            if #span.is_recording() { #records }
        }
    }

    /// Refuses to look at the result of a function that returns items.
    pub(crate) fn no_result(&mut self, options: &Options) -> TokenStream {
        let words = options.all_seen().map(|seen| (seen.word.span(), seen.word.to_string()));
        for (at, word) in words.chain(options.none.as_ref().map(|none| (none.span(), "none".to_owned()))) {
            let message =
                format_args!("`{word}` looks at one result, and the function returns many items; leave it out");
            self.ctxt.error_at(at, message);
        }
        TokenStream::new()
    }

    fn seen(&mut self, seen: &Seen, none: Option<&Literal>, is_async: bool) -> TokenStream {
        let (krate, span, result) = (self.krate, span_ident(Span::call_site()), result_ident());
        let mut writes = TokenStream::new();
        for (key, value) in &seen.attributes {
            if self.schema && !key.literal {
                self.looks.extend(key.cfg.before(look(&key.access())));
            }
            writes.extend(self.record(&span, key, value, self.schema, None));
        }
        for spread in &seen.spread {
            writes.extend(self.spread(&span, spread, self.of_span()));
        }
        writes.extend(self.events(&seen.events));
        for key in &seen.unfinished {
            if self.schema && !key.literal {
                self.looks.extend(look(&key.access()));
            }
            writes.extend(self.without_value(key, self.schema));
        }
        let value = value_ident(Span::call_site());
        let (pattern, bound) = match &seen.binding {
            Some(binding) => (quote!(#value), Some(quote!(let #(#binding)* = #value;))),
            None if seen.attributes.is_empty() => (quote!(_), None),
            None => (quote!(#value), None),
        };
        let result = if is_async { quote!(#result) } else { quote!(&#result) };
        // With `none`, `None` inside of `Ok` is a failure.
        let is_there = none.filter(|_| seen.word == "ret").map(|none| {
            let (at, krate) = (none.span(), located_at(krate, none.span()));
            let result = located_at(&result, at);
            quote_spanned!(at=> if !#krate::__private::MaybeNone::is_absent(#result))
        });
        let probed = if seen.word == "ret" {
            quote! {{
                use #krate::__private::returned::*;
                (&&&&#krate::__private::Probe(#result)).otelier_returned()
            }}
        } else {
            // At the user's word, which must go if the function returns no error.
            let (word, krate) = (seen.word.span(), located_at(krate, seen.word.span()));
            let result = located_at(&result, word);
            quote_spanned!(word=> #krate::__private::Fallible::error(#result))
        };
        let records = quote! {
            if let ::core::option::Option::Some(#pattern) = #probed {
                #bound
                #writes
            }
        };
        seen.cfg.on(match is_there {
            Some(is_there) => quote!(#is_there { #records }),
            None => records,
        })
    }
}
