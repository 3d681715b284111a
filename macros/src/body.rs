//! Rewrites what a body says to its span: `record!`, `event!`, and `return` where attributes are late.
//!
//! Only bodies that use these are touched; every other body keeps its tokens and braces, so that coverage and editors see
//! the original.

use crate::args::{Event, EventName, Key, Record, Spread, Value, look, placed, read_event, read_record};
use crate::checks;
use crate::ctxt::Ctxt;
use crate::options;
use crate::tokens::{is_ident, is_punct, located_at, without_invisible};
use otelier_spec::MAX_ATTRIBUTES;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// The names of attributes and events that one call site uses, in the order of their indices.
#[derive(Debug, Default)]
pub(crate) struct Names {
    entries: Vec<(String, TokenStream)>,
    /// Names of declared attributes, whose keys know their indices.
    declared: Vec<String>,
    /// The first index.
    first: usize,
}

/// What the paths of event schemas begin with among the names: no name does.
const EVENT_SCHEMA: &str = "schema ";

impl Names {
    pub(crate) fn new(schema: bool) -> Self {
        Self { first: if schema { MAX_ATTRIBUTES } else { 0 }, ..Self::default() }
    }

    /// The index of a name; `tokens` give it as a constant expression.
    fn index(&mut self, name: &str, tokens: TokenStream) -> u16 {
        let at = self.entries.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.entries.push((name.to_owned(), tokens));
            self.entries.len() - 1
        });
        // A call site with more than 65,535 names would not fit into a source file anybody compiles.
        (self.first + at) as u16
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name) || self.declared.iter().any(|known| known == name)
    }

    /// The names of all attributes and events.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        let entries = self.entries.iter().map(|(name, _)| name.strip_prefix(EVENT_SCHEMA).unwrap_or(name));
        self.declared.iter().map(String::as_str).chain(entries)
    }

    /// The index of an attribute of the span: that of a declared one is known to its key.
    fn of_span(&mut self, key: &Key, declared: bool) -> u16 {
        if !declared || key.literal || key.template {
            let text = &key.name;
            return self.index(&key.name, quote!(#text));
        }
        if !self.declared.contains(&key.name) {
            self.declared.push(key.name.clone());
        }
        u16::MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
    /// The schema's path.
    pub(crate) schema_path: Option<&'a TokenStream>,
    pub(crate) names: &'a mut Names,
    pub(crate) late: &'a mut [Late],
    pub(crate) ctxt: &'a mut Ctxt,
    /// Whether the body speaks to its span.
    pub(crate) used: bool,
    /// Looks at the declared keys that the body records.
    pub(crate) looks: TokenStream,
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
        keys: Option<&TokenStream>,
    ) -> TokenStream {
        let slot = Ident::new("__otelier_slot", Span::mixed_site());
        let (local, given) = awaited(value);
        let index = match keys {
            // The first time that the key stands in the code: editors find it by that.
            Some(keys) if !key.literal && !key.template => {
                let access = key.access_in(&placed(key.first, keys.clone()));
                self.names.index(&key.name, quote!(#access.__name))
            }
            Some(_) => {
                let text = &key.name;
                self.names.index(&key.name, quote!(#text))
            }
            None => self.names.of_span(key, declared),
        };
        let write = self.write(key, value, &given, declared, &quote!(#slot));
        let record = quote! {
            if let ::core::option::Option::Some(#slot) = #target.slot(#index) {
                #write
            }
        };
        key.cfg.on(when_recording(target, local, record))
    }

    /// Records attributes of the annotation, at the start of the span; with what is to be done behind the last of them if
    /// anything is recorded.
    pub(crate) fn first_records(&mut self, attributes: &[&(Key, Value)], last: Option<&TokenStream>) -> TokenStream {
        let (span, slots) = (span_ident(Span::call_site()), Ident::new("__otelier_slots", Span::mixed_site()));
        let has_await = |attribute: &(Key, Value)| contains_await(&attribute.1.tokens);
        // One look at the span for those that stand together: rustc reads less, and so does the processor.
        let groups: Vec<_> = attributes.chunk_by(|a, b| !has_await(a) && !has_await(b)).collect();
        let count = groups.len();
        let groups = groups.into_iter().enumerate();
        groups
            .map(|(number, group)| {
                let last = last.filter(|_| number + 1 == count);
                let (mut locals, mut writes) = (TokenStream::new(), TokenStream::new());
                for (key, value) in group {
                    let (local, given) = awaited(value);
                    let slot = match self.names.of_span(key, self.schema) {
                        u16::MAX => quote!(#slots.declared()),
                        index => quote!(#slots.slot(#index)),
                    };
                    locals.extend(local.map(|local| key.cfg.before(local)));
                    writes.extend(key.cfg.on(self.write(key, value, &given, self.schema, &slot)));
                }
                let record = quote! {
                    if let ::core::option::Option::Some(#slots) = #span.first_slots() {
                        #writes
                        #last
                    }
                };
                when_recording(&span, Some(locals).filter(|locals| !locals.is_empty()), record)
            })
            .collect()
    }

    /// The statement that writes a value to a slot.
    fn write(&self, key: &Key, value: &Value, given: &TokenStream, declared: bool, slot: &TokenStream) -> TokenStream {
        // What stands in front of the value is the same without it: editors need its place to complete it.
        if value.tokens.is_empty() {
            return self.without_value(key, declared);
        }
        let (krate, span) = (self.krate, value.span);
        if declared && !key.literal {
            let recorder = key.recorder(krate);
            let call = quote_spanned!(span=> .__record(#slot, &(#given)));
            quote!(#recorder #call;)
        } else {
            let function = quote_spanned!(span=> #krate::attribute::AnyAttribute::record);
            let value = quote_spanned!(span=> &(#given));
            quote!(#function(#value, #slot);)
        }
    }

    /// How attributes of a value are held against the span's schema.
    pub(crate) fn of_span(&self) -> Option<(&'static str, &TokenStream)> {
        self.schema_path.map(|schema| ("spread", schema))
    }

    /// Records the attributes of a value. `check` is the function that holds them against a schema.
    pub(crate) fn spread(&self, target: &Ident, spread: &Spread, check: Option<(&str, &TokenStream)>) -> TokenStream {
        let (krate, span, expression) = (self.krate, spread.value.span, spread.value.expression());
        let value = quote_spanned!(span=> &(#expression));
        let krate = located_at(krate, span);
        let mut prefix = None;
        let known = match (&spread.below, check) {
            (Some(key), check) => {
                let (name, text) = (Ident::new("__OtelierPrefix", Span::mixed_site()), &key.name);
                prefix = Some(quote! {
                    struct #name;
                    impl #krate::__private::Prefix for #name {
                        const PREFIX: &'static str = #text;
                    }
                });
                let (check, schema) = match check {
                    Some((check, schema)) => (format!("{check}_below"), Some(quote!(#schema,))),
                    None => ("below".to_owned(), None),
                };
                let check = Ident::new(&check, span);
                quote_spanned!(span=> &#krate::__private::#check::<#schema #name, _>(#value))
            }
            (None, Some((check, schema))) => {
                let check = Ident::new(check, span);
                quote_spanned!(span=> #krate::__private::#check::<#schema, _>(#value))
            }
            (None, None) => value,
        };
        let call = quote_spanned!(span=> .attributes(#known););
        spread.cfg.on(quote! {
            if #target.is_recording() {
                #prefix
                #target #call
            }
        })
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
                "event" => result.extend(self.event_macro("event!", word.span(), arguments)),
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
        let part: Vec<_> = without_invisible(arguments.stream()).into_iter().collect();
        let (key, value) = match read_record(&part, span, self.ctxt) {
            None => return quote!({}),
            Some(Record::Spread(spread)) => {
                let records = self.spread(&span_ident(span), &spread, self.of_span());
                return quote!({ #records });
            }
            Some(Record::Attribute(key, value)) => (key, Some(value)),
            Some(Record::Unfinished(key)) => (key, None),
        };
        if self.schema && !key.literal {
            self.looks.extend(look(&key.access()));
        }
        let Some(value) = value else {
            // Unfinished code: the key stays, so that editors can complete it, and rustc says what is missing.
            let missing = self.without_value(&key, self.schema);
            return quote!({ #missing });
        };
        crate::args::check_attribute(&key, &value, self.schema, self.ctxt);
        let record = self.record(&span_ident(span), &key, &value, self.schema, None);
        // Behind the record: editors find a key by what stands in front of it, with and without a value.
        let check = self.schema_path.map(|schema| checks::attribute(self.krate, "span", schema, &key, &value));
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

    /// Events of the annotation, which do not make the body need the handle.
    pub(crate) fn events(&mut self, events: &[options::Event]) -> TokenStream {
        let used = self.used;
        let written = events
            .iter()
            .map(|event| event.cfg.before(self.event_macro("event", event.word.span(), &event.arguments)))
            .collect();
        self.used = used;
        written
    }

    fn event_macro(&mut self, word: &str, span: Span, arguments: &Group) -> TokenStream {
        self.used = true;
        let Some(Event { name, attributes, unfinished, spread, is_complete }) =
            read_event(word, without_invisible(arguments.stream()), span, self.ctxt)
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
                let name = format!("{EVENT_SCHEMA}{}", schema.to_string().replace(' ', ""));
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
        let keys = match &name {
            EventName::Schema(schema) => Some(quote!(<#schema as #krate::schema::EventSchema>::KEYS)),
            EventName::Literal(_) => None,
        };
        let mut records: Vec<_> =
            attributes.iter().map(|(key, value)| self.record(&event, key, value, declared, keys.as_ref())).collect();
        records.extend(unfinished.iter().map(|key| self.without_value(key, declared)));
        let check = match &name {
            EventName::Schema(schema) => Some(("spread_event", schema)),
            EventName::Literal(_) => None,
        };
        let spread: Vec<_> = spread.iter().map(|value| self.spread(&event, value, check)).collect();
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

/// A value that is awaited gets a local variable: a slot is a place on the thread's scratch, and must not be held while the
/// task is somewhere else.
fn awaited(value: &Value) -> (Option<TokenStream>, TokenStream) {
    let given = value.expression();
    if !contains_await(&value.tokens) {
        return (None, given);
    }
    let local = Ident::new("__otelier_value", value.span.resolved_at(Span::mixed_site()));
    (Some(quote!(let #local = #given;)), quote!(#local))
}

/// `record`, behind the local variable that it needs if there is one.
fn when_recording(target: &Ident, local: Option<TokenStream>, record: TokenStream) -> TokenStream {
    match local {
        Some(local) => quote!(if #target.is_recording() { #local #record }),
        None => record,
    }
}

/// Whether an expression awaits something.
pub(crate) fn contains_await(tokens: &[TokenTree]) -> bool {
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

/// Macros that do not leave the function around them.
const STAYING: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "include_bytes",
    "include_str",
    "line",
    "matches",
    "module_path",
    "panic",
    "print",
    "println",
    "stringify",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// Whether a body may leave before its end, as far as tokens show: by `return`, `?`, or in a macro that is not known.
pub(crate) fn leaves_early(tokens: TokenStream) -> bool {
    let mut before = None;
    for token in tokens {
        let leaves = match &token {
            TokenTree::Group(group) => leaves_early(group.stream()),
            TokenTree::Ident(word) => word == "return",
            TokenTree::Punct(punct) if punct.as_char() == '!' => {
                matches!(&before, Some(TokenTree::Ident(word)) if !STAYING.iter().any(|known| word == known))
            }
            token => is_punct(token, '?'),
        };
        if leaves {
            return true;
        }
        before = Some(token);
    }
    false
}

/// Whether a body does nothing but end in a panic: clippy dislikes such a value for a local variable.
pub(crate) fn ends_in_a_panic(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let end = tokens.iter().rposition(|token| !is_punct(token, ';')).map_or(0, |last| last + 1);
    let is_panic = |word| ["panic", "todo", "unimplemented", "unreachable"].iter().any(|known| is_ident(word, known));
    matches!(&tokens[..end], [.., word, bang, TokenTree::Group(_)] if is_punct(bang, '!') && is_panic(word))
}

/// The first `await` of a body that is not in a closure, a block or a function of its own.
pub(crate) fn awaits(tokens: TokenStream) -> Option<Span> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some(end) = end_of_closure(&tokens, at) {
            at = end.max(at + 1);
            continue;
        }
        match token {
            TokenTree::Ident(word) if word == "fn" => at += tokens[at..].iter().position(is_item_end).unwrap_or(0),
            TokenTree::Ident(word) if word == "await" && at > 0 && is_punct(&tokens[at - 1], '.') => {
                return Some(word.span());
            }
            // Other macros may make a block of what they are given.
            TokenTree::Group(group) if !starts_inner(&tokens[..at], group) && !is_of_other_macro(&tokens[..at]) => {
                if let Some(found) = awaits(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether a macro that is not known takes what follows.
fn is_of_other_macro(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Ident(word), bang]
        if is_punct(bang, '!') && !STAYING.iter().any(|known| word == known))
}

/// Whether the group is the body of a closure or of an `async` block.
fn starts_inner(before: &[TokenTree], group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
        && before.last().is_some_and(|last| is_punct(last, '|') || is_ident(last, "async") || is_ident(last, "move"))
}

/// The end of the closure whose first `|` stands at `at`: where its body ends, which a comma or a semicolon follows.
pub(crate) fn end_of_closure(tokens: &[TokenTree], at: usize) -> Option<usize> {
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

pub(crate) fn is_item_end(token: &TokenTree) -> bool {
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
