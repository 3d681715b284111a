//! Rewrites what a body says to its span: `record!`, `event!`, and `return` where attributes are late.
//!
//! Only bodies that use these are touched; every other body keeps its tokens and braces, so that coverage and editors see
//! the original.

use crate::args::{Event, EventName, Key, Value, keys_at, look, placed, read_event, read_record, spread};
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
}

impl Late {
    pub(crate) fn new(key: Key) -> Self {
        // Its name is what rustc tells the user: `crypto_record_count_is_recorded` is possibly-uninitialized. So it must be
        // a name that the user could have written, and one that nobody writes.
        let name: String = key.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let binding = Ident::new(&format!("{name}_is_recorded"), key.last);
        Self { key, binding, recorded: false }
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
    /// The schema's path.
    pub(crate) schema_path: Option<&'a TokenStream>,
    pub(crate) names: &'a mut Names,
    pub(crate) late: &'a mut [Late],
    pub(crate) ctxt: &'a mut Ctxt,
    /// Whether the body speaks to its span.
    pub(crate) used: bool,
    /// Whether what is recorded stands in the body, and not in the annotation.
    pub(crate) in_body: bool,
}

/// The span's handle, as a local that user code cannot name.
pub(crate) fn span_ident(span: Span) -> Ident {
    Ident::new("__otelier_span", span.resolved_at(Span::mixed_site()))
}

impl Rewriter<'_> {
    /// Records one attribute to `target`, a span or an event. `keys` is the tree to name it by in the call site, if it was
    /// not named there before.
    pub(crate) fn record(
        &mut self,
        target: &Ident,
        key: &Key,
        value: &Value,
        declared: bool,
        keys: Option<&Group>,
    ) -> TokenStream {
        let krate = self.krate;
        let slot = Ident::new("__otelier_slot", Span::mixed_site());
        let slot_of = Ident::new(if self.in_body { "slot" } else { "first_slot" }, Span::mixed_site());
        let span = value.span;
        // A slot is a place on the thread's scratch, and must not be held while the task is somewhere else.
        let awaited =
            contains_await(&value.tokens).then(|| Ident::new("__otelier_value", span.resolved_at(Span::mixed_site())));
        let given = value.expression();
        // What stands in front of the value is the same without it: editors need its place to complete it.
        let value_is_missing = value.tokens.is_empty();
        let expression = awaited.as_ref().map_or_else(|| given.clone(), |awaited| quote!(#awaited));
        let write = if declared && !key.literal {
            let recorder = key.recorder(krate);
            let call = quote_spanned!(span=> .__record(#slot, &(#expression)));
            if value_is_missing { self.without_value(key, declared) } else { quote!(#recorder #call) }
        } else {
            let function = quote_spanned!(span=> #krate::attribute::AnyAttribute::record);
            let value = quote_spanned!(span=> &(#expression));
            if value_is_missing { self.without_value(key, declared) } else { quote!(#function(#value, #slot)) }
        };
        let text = &key.name;
        let name = match keys {
            // The first time that the key stands in the code: editors find it by that.
            Some(keys) if !key.literal && !key.template => {
                let access = key.access_in(keys);
                quote!(#access.__name)
            }
            _ => quote!(#text),
        };
        let index = self.names.index(&key.name, name);
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

    /// Records the attributes of a value, which `schema` must know.
    pub(crate) fn spread(&self, target: &Ident, value: &Value, schema: Option<&TokenStream>) -> TokenStream {
        let (krate, span, expression) = (self.krate, value.span, value.expression());
        let value = quote_spanned!(span=> &(#expression));
        let krate = located_at(krate, span);
        let known = match schema {
            Some(schema) => quote_spanned!(span=> #krate::__private::spread::<#schema, _>(#value)),
            None => value,
        };
        let call = quote_spanned!(span=> .attributes(#known););
        quote! {
            if #target.is_recording() {
                #target #call
            }
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
        if word == "otelier" && begins_path(&tokens[at + 1..]) {
            // `otelier::event!(…)`: the path is left out.
            return match self.special(tokens, at + 3, inner, result) {
                0 => 0,
                taken => 3 + taken,
            };
        }
        if let [bang, TokenTree::Group(arguments), ..] = &tokens[at + 1..]
            && is_punct(bang, '!')
        {
            match word.to_string().as_str() {
                // Such as `tracing::event!`.
                "record" | "event" if is_foreign(&tokens[..at]) => return 0,
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
        let part: Vec<_> = arguments.stream().into_iter().collect();
        if let Some(value) = spread(&part, self.ctxt) {
            let records = value.map(|value| self.spread(&span_ident(span), &value, self.schema_path));
            return quote!({ #records });
        }
        let Some((key, value)) = read_record(&part, span, self.ctxt) else { return quote!({}) };
        let Some(value) = value else {
            // Unfinished code: the key stays, so that editors can complete it, and rustc says what is missing.
            let missing = self.without_value(&key, self.schema);
            return quote!({ #missing });
        };
        crate::args::check_credential(&key, &value, self.schema && !key.literal, self.ctxt);
        let keys = self.schema.then(|| keys_at(key.first));
        let record = self.record(&span_ident(span), &key, &value, self.schema, keys.as_ref());
        // Behind the record: editors find a key by what stands in front of it, with and without a value.
        let check = self.schema_path.map(|schema| checks::attribute(self.krate, "span", schema, &key, &value));
        let late = self.late.iter_mut().find(|late| late.key.name == key.name && !inner).map(|late| {
            late.recorded = true;
            let first = key.first;
            let (krate, binding) = (located_at(self.krate, first), late.binding_at(first));
            quote_spanned!(first=> #[allow(unused_assignments)] { #binding = #krate::__private::Recorded; })
        });
        quote_spanned!(span=> { #record #check #late })
    }

    /// Refuses a key without a value, with rustc's own look at the key.
    pub(crate) fn without_value(&self, key: &Key, declared: bool) -> TokenStream {
        let (krate, first) = (self.krate, key.first);
        let access = (declared && !key.literal).then(|| key.access());
        let look = access.as_ref().map(look);
        let mistake = match access {
            _ if key.incomplete => {
                let mut ctxt = Ctxt::default();
                key.check_complete(&mut ctxt);
                ctxt.into_errors()
            }
            Some(access) => quote_spanned!(first=> #krate::__private::needs_value(&#access);),
            None => {
                let text = format!("`{0}` has no value; write `{0} = value`", key.name);
                quote_spanned!(first=> ::core::compile_error!(#text);)
            }
        };
        quote!(#look #mistake)
    }

    fn event_macro(&mut self, span: Span, arguments: &Group) -> TokenStream {
        self.used = true;
        let Some(Event { name, attributes, unfinished, spread }) = read_event(arguments.stream(), span, self.ctxt)
        else {
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
                (index, Some(checks::event(krate, schema, &attributes)))
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
        let keys = match &name {
            EventName::Schema(schema) => Some(placed(span, quote!(<#schema as #krate::schema::EventSchema>::KEYS))),
            EventName::Literal(_) => None,
        };
        let mut records: Vec<_> =
            attributes.iter().map(|(key, value)| self.record(&event, key, value, declared, keys.as_ref())).collect();
        records.extend(unfinished.iter().map(|key| self.without_value(key, declared)));
        let spread: Vec<_> = spread.iter().map(|value| self.spread(&event, value, None)).collect();
        let target = span_ident(span);
        // A statement in front of the `if` keeps clippy from calling the block an unnecessary operation.
        quote_spanned!(span=> {
            #checks
            let #event = #target.event(#index);
            if let ::core::option::Option::Some(#event) = #event {
                #constants
                #(#records)*
                #(#spread)*
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

/// Whether `::` and a macro's name come next.
fn begins_path(tokens: &[TokenTree]) -> bool {
    match tokens {
        [first, second, TokenTree::Ident(_), bang, TokenTree::Group(_), ..] => {
            is_punct(first, ':') && is_punct(second, ':') && is_punct(bang, '!')
        }
        _ => false,
    }
}

/// Whether what follows `before` is in another crate: `tracing::`.
fn is_foreign(before: &[TokenTree]) -> bool {
    match before {
        [.., crate_name, first, second] if is_punct(first, ':') && is_punct(second, ':') => {
            !is_ident(crate_name, "otelier")
        }
        _ => false,
    }
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
