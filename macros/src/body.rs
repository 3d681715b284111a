//! Rewrites what a body says to its span: `record!`, `event!`, and `return` where attributes are late.
//!
//! Only bodies that use these are touched; every other body keeps its tokens and braces, so that coverage and editors see
//! the original.

use crate::args::{Event, EventName, Key, Value, read_event, read_record};
use crate::checks;
use crate::ctxt::Ctxt;
use crate::tokens::{is_ident, is_punct, located_at};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// The names of attributes and events that one call site uses, in the order of their indices.
#[derive(Debug, Default)]
pub(crate) struct Names {
    entries: Vec<(String, TokenStream)>,
}

impl Names {
    /// The index of a name; `tokens` give it as a constant expression.
    fn index(&mut self, name: &str, tokens: TokenStream) -> u16 {
        let at = self.entries.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.entries.push((name.to_owned(), tokens));
            self.entries.len() - 1
        });
        // A call site with more than 65,535 names would not fit into a source file anybody compiles.
        at as u16
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name)
    }

    /// The names as elements of a list.
    pub(crate) fn list(&self) -> TokenStream {
        let names = self.entries.iter().map(|(_, tokens)| tokens);
        quote!(#(#names),*)
    }
}

/// A late attribute: one that the body records on every path that does not fail.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) key: Key,
    /// The binding whose assignment proves that the attribute was recorded.
    pub(crate) binding: Ident,
    pub(crate) recorded: bool,
    /// Whether a closure or an `async` block records it, which may never run.
    pub(crate) recorded_inside: bool,
}

impl Late {
    pub(crate) fn new(key: Key) -> Self {
        // Its name is what rustc tells the user: `crypto_record_count_is_recorded` is possibly-uninitialized. So it must be
        // a name that the user could have written, and one that nobody writes.
        let name: String = key.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let binding = Ident::new(&format!("{name}_is_recorded"), key.last);
        Self { key, binding, recorded: false, recorded_inside: false }
    }

    /// The binding as it is written at `span`.
    pub(crate) fn binding_at(&self, span: Span) -> Ident {
        Ident::new(&self.binding.to_string(), span.resolved_at(self.binding.span()))
    }
}

/// What the rewriting needs to know and finds out.
pub(crate) struct Rewriter<'a> {
    pub(crate) krate: &'a TokenStream,
    /// Whether keys are looked up in a schema.
    pub(crate) schema: bool,
    pub(crate) names: &'a mut Names,
    pub(crate) late: &'a mut [Late],
    pub(crate) ctxt: &'a mut Ctxt,
    /// Whether the body speaks to its span.
    pub(crate) used: bool,
    /// What the body records, to be checked as what the annotation gives is.
    pub(crate) recorded: Vec<(Key, Value)>,
}

/// The span's handle, as a local that user code cannot name.
pub(crate) fn span_ident(span: Span) -> Ident {
    Ident::new("__otelier_span", span.resolved_at(Span::mixed_site()))
}

impl Rewriter<'_> {
    /// Records one attribute to `target`, a span or an event.
    pub(crate) fn record(
        &mut self,
        target: &Ident,
        key: &Key,
        value: &Value,
        declared: bool,
        slot_of: &str,
    ) -> TokenStream {
        let krate = self.krate;
        let slot = Ident::new("__otelier_slot", Span::mixed_site());
        let slot_of = Ident::new(slot_of, Span::mixed_site());
        let span = value.span;
        // A slot is a place on the thread's scratch, and must not be held while the task is somewhere else.
        let awaited =
            contains_await(&value.tokens).then(|| Ident::new("__otelier_value", span.resolved_at(Span::mixed_site())));
        let given = value.expression();
        let expression = awaited.as_ref().map_or_else(|| given.clone(), |awaited| quote!(#awaited));
        let write = if declared && !key.literal {
            let recorder = key.recorder(krate);
            let call = quote_spanned!(span=> .__record(#slot, &(#expression)));
            quote!(#recorder #call)
        } else {
            let function = quote_spanned!(span=> #krate::attribute::AnyAttribute::record);
            let value = quote_spanned!(span=> &(#expression));
            quote!(#function(#value, #slot))
        };
        let text = &key.name;
        let index = self.names.index(&key.name, quote!(#text));
        let record = quote! {
            if let ::core::option::Option::Some(#slot) = #target.#slot_of(#index) {
                #write;
            }
        };
        match awaited {
            Some(awaited) => quote! {
                if #target.is_recording() {
                    let #awaited = #given;
                    #record
                }
            },
            None => record,
        }
    }

    /// The body with its macros rewritten, or as it is if it has none.
    pub(crate) fn body(&mut self, body: &Group) -> Group {
        if self.late.is_empty() && !mentions(body.stream()) {
            return body.clone();
        }
        let mut rewritten = Group::new(body.delimiter(), self.tokens(body.stream(), false));
        rewritten.set_span(body.span());
        rewritten
    }

    /// `inner` inside closures and blocks of their own, where `return` and late attributes mean something else.
    fn tokens(&mut self, tokens: TokenStream, inner: bool) -> TokenStream {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut result = TokenStream::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some(end) = end_of_closure(&tokens, at) {
                result.extend(self.tokens(tokens[at..=at].iter().cloned().collect(), true));
                result.extend(self.tokens(tokens[at + 1..end].iter().cloned().collect(), true));
                at = end;
                continue;
            }
            let taken = self.special(&tokens, at, inner, &mut result);
            if taken > 0 {
                at += taken;
                continue;
            }
            match token {
                TokenTree::Group(group) => {
                    let inner = inner || starts_inner(&tokens[..at], group);
                    let mut rewritten = Group::new(group.delimiter(), self.tokens(group.stream(), inner));
                    rewritten.set_span(group.span());
                    result.extend([TokenTree::Group(rewritten)]);
                }
                other => result.extend([other.clone()]),
            }
            at += 1;
        }
        result
    }

    /// Handles what starts at `at` if it means something here; returns how many tokens that took.
    fn special(&mut self, tokens: &[TokenTree], at: usize, inner: bool, result: &mut TokenStream) -> usize {
        let TokenTree::Ident(word) = &tokens[at] else { return 0 };
        if let [bang, TokenTree::Group(arguments), ..] = &tokens[at + 1..]
            && is_punct(bang, '!')
        {
            match word.to_string().as_str() {
                "record" => result.extend(self.record_macro(word.span(), arguments, inner)),
                "event" => result.extend(self.event_macro(word.span(), arguments)),
                // It has a span of its own, and rewrites its own body.
                "trace_block" => result.extend(tokens[at..at + 3].iter().cloned()),
                _ => return 0,
            }
            return 3;
        }
        if word == "fn"
            && matches!(tokens.get(at + 1), Some(TokenTree::Ident(_)))
            && let Some(end) = tokens[at..].iter().position(is_item_end)
        {
            // A function inside the body has spans of its own.
            result.extend(tokens[at..=at + end].iter().cloned());
            return end + 1;
        }
        if word == "return" && !inner && !self.late.is_empty() {
            return self.return_expression(tokens, at, result);
        }
        0
    }

    fn record_macro(&mut self, span: Span, arguments: &Group, inner: bool) -> TokenStream {
        self.used = true;
        let Some((key, value)) = read_record(arguments.stream(), span, self.ctxt) else { return quote!({}) };
        let Some(value) = value else {
            // Unfinished code: the key stays, so that editors can complete it, and rustc says what is missing.
            let missing = self.without_value(&key);
            return quote!({ #missing });
        };
        crate::args::check_attribute(&key, &value, self.schema, self.ctxt);
        let record = self.record(&span_ident(span), &key, &value, self.schema, "slot");
        if self.schema {
            self.recorded.push((key.clone(), value));
        }
        let late = self.late.iter_mut().find(|late| late.key.name == key.name);
        let late = late.and_then(|late| {
            if inner {
                late.recorded_inside = true;
                return None;
            }
            late.recorded = true;
            let first = key.first;
            let (krate, binding) = (located_at(self.krate, first), late.binding_at(first));
            Some(quote_spanned!(first=> #[allow(unused_assignments)] { #binding = #krate::__private::Recorded; }))
        });
        quote_spanned!(span=> { #record #late })
    }

    /// Refuses a key without a value, with rustc's own look at the key.
    pub(crate) fn without_value(&self, key: &Key) -> TokenStream {
        let (krate, first) = (located_at(self.krate, key.first), key.first);
        if self.schema && key.tokens.last().is_some_and(|last| is_punct(last, '.')) {
            // rustc says what is missing.
            let access = key.access();
            quote_spanned!(first=> let _ = &#access;)
        } else if self.schema && !key.literal {
            let access = key.access();
            quote_spanned!(first=> #krate::__private::needs_value(&#access);)
        } else {
            let text = format!("`{0}` has no value; write `{0} = value`", key.name);
            quote_spanned!(first=> ::core::compile_error!(#text);)
        }
    }

    fn event_macro(&mut self, span: Span, arguments: &Group) -> TokenStream {
        self.used = true;
        let Some(Event { name, attributes, is_complete }) = read_event(arguments.stream(), span, self.ctxt) else {
            return quote!({});
        };
        let event = Ident::new("__otelier_event", Span::mixed_site());
        let krate = self.krate;
        let (index, checks) = match &name {
            EventName::Literal(name) => {
                (self.names.index(&crate::tokens::string(name).unwrap_or_default(), quote!(#name)), None)
            }
            EventName::Schema(schema) => {
                // A name of its own: two schemas may have the same last segment.
                let name = format!("schema {}", schema.to_string().replace(' ', ""));
                let event_schema = quote!(<#schema as #krate::schema::EventSchema>);
                let index = self.names.index(&name, quote!(#event_schema::DEF.id));
                (index, Some(checks::event(krate, schema, &attributes, is_complete)))
            }
        };
        for (key, value) in attributes.iter().filter(|(_, value)| contains_await(&value.tokens)) {
            let message = format!("`{}` of an event cannot be awaited; await it before, and give the result", key.name);
            self.ctxt.error_at(value.span, message);
        }
        let declared = matches!(name, EventName::Schema(_));
        let constants = match &name {
            EventName::Schema(schema) => quote!(#event.constants(<#schema as #krate::schema::EventSchema>::DEF);),
            EventName::Literal(_) => TokenStream::new(),
        };
        let records: Vec<_> =
            attributes.iter().map(|(key, value)| self.record(&event, key, value, declared, "slot")).collect();
        let target = span_ident(span);
        // A statement in front of the `if` keeps clippy from calling the block an unnecessary operation.
        quote_spanned!(span=> {
            #checks
            let #event = #target.event(#index);
            if let ::core::option::Option::Some(#event) = #event {
                #constants
                #(#records)*
                ::core::mem::drop(#event);
            }
        })
    }

    /// `return x` checks first that everything late was recorded; `return Err(..)` and `return None` need not.
    fn return_expression(&mut self, tokens: &[TokenTree], at: usize, result: &mut TokenStream) -> usize {
        if tokens.get(at + 1).is_some_and(|next| is_ident(next, "Err") || is_ident(next, "None")) {
            return 0;
        }
        let end = end_of_expression(&tokens[at + 1..]) + at + 1;
        let value = self.tokens(tokens[at + 1..end].iter().cloned().collect(), false);
        let value = if value.is_empty() { quote!(()) } else { value };
        let span = tokens[at].span();
        let (krate, bindings) = (self.krate, self.late.iter().map(|late| late.binding_at(span)));
        let checks = bindings.map(|binding| quote_spanned!(span=> #krate::__private::must_be_recorded(&#binding);));
        let returned = Ident::new("__otelier_returned", Span::mixed_site());
        result.extend(quote_spanned!(span=> return { let #returned = #value; #(#checks)* #returned }));
        end - at
    }
}

/// Whether an expression awaits something.
fn contains_await(tokens: &[TokenTree]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) => contains_await(&group.stream().into_iter().collect::<Vec<_>>()),
        token => is_ident(token, "await"),
    })
}

/// Whether the tokens use one of the macros that are rewritten.
fn mentions(tokens: TokenStream) -> bool {
    let mut before = None;
    for token in tokens {
        match &token {
            TokenTree::Group(group) if mentions(group.stream()) => return true,
            TokenTree::Punct(punct)
                if punct.as_char() == '!'
                    && before.is_some_and(|word: TokenTree| is_ident(&word, "record") || is_ident(&word, "event")) =>
            {
                return true;
            }
            _ => {}
        }
        before = Some(token);
    }
    false
}

/// Whether the group is the body of a closure or of an `async` block.
fn starts_inner(before: &[TokenTree], group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
        && before.last().is_some_and(|last| is_punct(last, '|') || is_ident(last, "async") || is_ident(last, "move"))
}

/// The end of the closure whose first `|` stands at `at`: where its body ends, which a comma or a semicolon follows.
fn end_of_closure(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let starts = is_punct(&tokens[at], '|')
        && match at.checked_sub(1).map(|before| &tokens[before]) {
            None => true,
            Some(TokenTree::Ident(word)) => ["move", "return", "async", "static"].iter().any(|known| word == known),
            // The last one for the arm of a match.
            Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), '=' | ',' | ';' | '&' | ':' | '>'),
            Some(_) => false,
        };
    if !starts {
        return None;
    }
    let parameters = tokens[at + 1..].iter().position(|token| is_punct(token, '|'))? + at + 2;
    let end = parameters + end_of_expression(&tokens[parameters..]);
    // `match x { | A | B => … }`
    let is_arm = tokens[parameters..end].windows(2).any(|pair| is_punct(&pair[0], '=') && is_punct(&pair[1], '>'));
    (!is_arm).then_some(end)
}

fn is_item_end(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace) || is_punct(token, ';')
}

/// How many tokens the expression after `return` has: up to a semicolon, or a comma outside of generics.
fn end_of_expression(tokens: &[TokenTree]) -> usize {
    let mut angles = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        let after = |punct| at.checked_sub(1).is_some_and(|before| is_punct(&tokens[before], punct));
        if is_punct(token, '<') && after(':') {
            angles += 1;
        } else if is_punct(token, '>') && angles > 0 && !after('-') {
            angles -= 1;
        } else if is_punct(token, ';') || is_punct(token, ',') && angles == 0 {
            return at;
        }
    }
    tokens.len()
}
