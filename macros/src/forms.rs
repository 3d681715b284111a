//! The forms that the code of a span has: around a body that runs at once, a body that becomes a future, and a future or items
//! that are made elsewhere.

use crate::args::{Key, Value};
use crate::body::{ends_in_a_panic, leaves_early, span_ident};
use crate::expand::{Site, is_primitive, outcome, site_ident, with_braces_of};
use crate::result::result_ident;
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// What all forms are made of.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// The call site.
    pub(crate) site: &'a TokenStream,
    /// What rustc evaluates.
    pub(crate) checks: &'a TokenStream,
    /// What is recorded when the span begins.
    pub(crate) start: &'a TokenStream,
    /// Whether that is anything.
    pub(crate) needs_span: bool,
    pub(crate) body: &'a Group,
    pub(crate) output: Option<&'a TokenStream>,
}

impl Site {
    pub(crate) fn synchronous(&self, parts: Parts<'_>) -> TokenStream {
        let Parts { site, checks, start, body, output, .. } = parts;
        let krate = &self.krate;
        let (site_ident, span) = (site_ident(), span_ident(Span::call_site()));
        let (correlated, correlation) = self.correlation();
        let correlation = correlation.map(|correlation| {
            let entered = Ident::new("__otelier_correlation_entered", Span::mixed_site());
            quote!(#correlation let #entered = #krate::CorrelationContext::enter(&#correlated);)
        });
        let enter = match self.args.options.begin(krate, correlation.as_ref().map(|_| &correlated)) {
            None => quote!(#span.enter(&#site_ident);),
            Some(begin) => quote!(#span.enter_with(&#site_ident, || #begin);),
        };
        let enter = match self.is_outermost {
            false => enter,
            true => {
                let [depth, inside] =
                    ["__OTELIER_DEPTH", "__otelier_inside"].map(|name| Ident::new(name, Span::mixed_site()));
                quote! {
                    ::std::thread_local! {
                        static #depth: #krate::__private::Depth = const { #krate::__private::Depth::new() };
                    }
                    let #inside = #krate::__private::Inside::enter(&#depth);
                    if #inside.is_outermost() {
                        #enter
                    }
                }
            }
        };
        let open = quote! {
            #site
            #checks
            #correlation
            let mut #span = #krate::__private::Guard::new();
            #enter
            #start
        };
        let (result, seen) = (result_ident(), self.seen());
        let none = self.args.options.none.as_ref();
        let looks_at =
            |output: &&TokenStream| self.is_block || !is_primitive(output) || seen.is_some() || none.is_some();
        let Some(output) = output.filter(looks_at) else {
            if self.is_block {
                // `return` and `?` stay inside of the block, as they would in a closure.
                return quote!(#open #krate::__private::call_once(|| #body));
            }
            // Nothing to look at, so the body needs no closure around it.
            let body = body.stream();
            return quote!(#open #body);
        };
        let outcome = outcome(krate, &quote!(&#result), none);
        let is_never = output.to_string() == "!";
        // A closure costs the compiler as much as all attributes together.
        let needs_closure = is_never || leaves_early(body.stream()) || ends_in_a_panic(body.stream());
        let (call, allow) = if self.is_block || needs_closure {
            let arrow = quote!(-> #output);
            (quote!(let #result = #krate::__private::call_once(|| #arrow #body);), None)
        } else {
            // The body may never end.
            (quote!(let #result: #output = #body;), Some(quote!(#[allow(unreachable_code)])))
        };
        quote! {
            #open
            #call
            #seen
            #allow
            #span.outcome(#outcome);
            #result
        }
    }

    /// A function that returns an iterator or a stream: its span begins with the call, and ends with the items.
    pub(crate) fn drain(&self, parts: Parts<'_>, stream: bool, boxed: bool) -> TokenStream {
        let Parts { site, checks, start, needs_span, body, output } = parts;
        let krate = &self.krate;
        let (site_ident, span) = (site_ident(), span_ident(Span::call_site()));
        let [drain, items] = ["__otelier_drain", "__otelier_items"].map(|name| Ident::new(name, Span::mixed_site()));
        let result = result_ident();
        let start = match needs_span {
            true => quote! {
                {
                    let #span = #drain.span();
                    #start
                }
            },
            false => start.clone(),
        };
        let outcome = outcome(krate, &quote!(#result), None);
        let open = match self.args.options.begin(krate, None) {
            None => quote!(open(&#site_ident)),
            Some(begin) => quote!(open_with(&#site_ident, #krate::__private::begin(|| #begin))),
        };
        let go_on = Ident::new(if stream { "stream" } else { "iterator" }, Span::mixed_site());
        let item = self.item.as_ref().map(|item| quote!(: &#item));
        let traced = quote!(#drain.#go_on(#items, |#result #item| #outcome));
        let traced = match (boxed, stream) {
            (false, _) => traced,
            (true, true) => quote!(::std::boxed::Box::pin(#traced)),
            (true, false) => quote!(::std::boxed::Box::new(#traced)),
        };
        quote! {
            #site
            #checks
            let #drain = #krate::__private::Drain::#open;
            #start
            let #items = #drain.within(|| -> #output #body);
            #traced
        }
    }

    /// A function that returns a future which is made elsewhere.
    pub(crate) fn future(&self, parts: Parts<'_>, boxed: bool) -> TokenStream {
        let Parts { site, checks, start, needs_span, body, output } = parts;
        let krate = &self.krate;
        let (site_ident, span) = (site_ident(), span_ident(Span::call_site()));
        let [future, anchor] = ["__otelier_future", "__otelier_body"].map(|name| Ident::new(name, Span::mixed_site()));
        let result = result_ident();
        // What there is to record is recorded at the first poll, when the span begins.
        let recorded = match needs_span {
            true => quote! {
                async move {
                    let #anchor = ();
                    {
                        let #span = #krate::__private::span_ref(&#anchor);
                        #start
                    }
                    #future.await
                }
            },
            false => quote!(#future),
        };
        let start = (!needs_span).then_some(start);
        let outcome = outcome(krate, &quote!(#result), self.args.options.none.as_ref());
        let seen = self.seen();
        let capture = seen.is_some().then(|| quote!(move));
        let (correlated, correlation) = self.correlation();
        let (instrument, begin) = self.instrument(correlation.as_ref().map(|_| &correlated));
        let inspect = quote!(#capture |#result| { #seen #outcome });
        let traced = quote!(#krate::__private::#instrument(&#site_ident, #begin #recorded, #inspect));
        let traced = match &correlation {
            Some(_) => quote!(#krate::CorrelationContext::in_future(&#correlated, #traced)),
            None => traced,
        };
        let traced = if boxed { quote!(::std::boxed::Box::pin(#traced)) } else { traced };
        quote! {
            #site
            #checks
            #correlation
            #start
            let #future = #krate::__private::call_once(|| -> #output #body);
            #traced
        }
    }

    /// The function that gives a future its span, and the argument that says how it begins.
    fn instrument(&self, correlated: Option<&Ident>) -> (TokenStream, Option<TokenStream>) {
        let krate = &self.krate;
        match self.args.options.begin(krate, correlated) {
            None => (quote!(instrument), None),
            Some(begin) => (quote!(instrument_with), Some(quote!(#krate::__private::begin(|| #begin),))),
        }
    }

    pub(crate) fn asynchronous(&self, parts: Parts<'_>) -> TokenStream {
        let Parts { site, checks, start, body, output, .. } = parts;
        let krate = &self.krate;
        let site_ident = site_ident();
        let (result, seen) = (result_ident(), self.seen());
        let none = self.args.options.none.as_ref();
        let outcome_of = output.filter(|output| !is_primitive(output) || seen.is_some() || none.is_some());
        // Never runs; it tells rustc the type of the block, which has no place for a return type. Nothing is converted to a
        // number, so that of the function is enough there.
        let typed = output.filter(|output| !is_primitive(output) || output.to_string().contains('&'));
        let typed = typed.map(|output| quote!(if false { return #krate::__private::never::<#output>(); }));
        let capture = self.is_move.then(|| quote!(move));
        let inspect = match outcome_of {
            Some(_) => {
                let outcome = outcome(krate, &quote!(#result), none);
                match &seen {
                    // The future outlives the arguments that are looked at; those of them that the body has not taken.
                    Some(seen) => quote!(#capture |#result| { #seen #outcome }),
                    None => quote!(|#result| #outcome),
                }
            }
            None => quote!(#krate::__private::no_outcome),
        };
        let statements = body.stream();
        let keyword = Ident::new("async", self.keyword);
        let (correlated, correlation) = self.correlation();
        let (instrument, begin) = self.instrument(correlation.as_ref().map(|_| &correlated));
        let block = with_braces_of(body, quote!(#start #typed #statements));
        let traced = quote!(#krate::__private::#instrument(&#site_ident, #begin #keyword #capture #block, #inspect));
        let traced = match &correlation {
            Some(_) => quote!(#krate::CorrelationContext::in_future(&#correlated, #traced)),
            None => traced,
        };
        quote! {
            #site
            #checks
            #correlation
            #traced
        }
    }

    /// The local that holds the correlation context the function runs in, and the statement that makes it, if there is one.
    fn correlation(&self) -> (Ident, Option<TokenStream>) {
        let local = Ident::new("__otelier_correlation", Span::mixed_site());
        let given = self.args.options.correlation.as_ref();
        if given.is_none() && !self.correlates {
            return (local, None);
        }
        let krate = &self.krate;
        let given = match given {
            None => quote!(::core::option::Option::None),
            Some(given) => {
                let (at, expression) = (given.span, given.tokens.iter().cloned().collect::<TokenStream>());
                let value = quote_spanned!(at=> &(#expression));
                quote_spanned!(at=> #krate::correlation::Correlate::correlation_context(#value))
            }
        };
        let [id, job] = ["correlation.id", "job.id"].map(|name| {
            let is_it = |(key, _): &&(Key, Value)| key.name == name && key.cfg.is_empty();
            let value = self.args.attributes.iter().find(is_it).map(|(_, value)| value);
            match value.filter(|value| is_place(&value.tokens)) {
                None => quote!(::core::option::Option::None),
                Some(value) => {
                    let value: TokenStream = value.tokens.iter().cloned().collect();
                    quote!({
                        // Nothing that could stand for a name in the value.
                        use #krate::__private::correlation::{TextOptional as _, TextShown as _, TextUnknown as _};
                        (&&&#krate::__private::correlation::Text(&(#value))).otelier_text()
                    })
                }
            }
        });
        let statement = quote!(let #local = #krate::__private::correlation::of_job(#given, #id, #job););
        (local, Some(statement))
    }
}

/// Whether a value may be looked at twice without anybody noticing: a literal, a variable, a field.
fn is_place(tokens: &[TokenTree]) -> bool {
    tokens.iter().all(|token| match token {
        TokenTree::Literal(_) => true,
        TokenTree::Ident(word) => word != "await",
        TokenTree::Punct(mark) => matches!(mark.as_char(), '.' | '&'),
        TokenTree::Group(_) => false,
    })
}
