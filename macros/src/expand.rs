//! Annotations to code.
//!
//! A synchronous function becomes
//!
//! ```text
//! static SITE: Callsite = …;                        // everything known now, checked by rustc
//! let mut span = Guard::new();                     // ends when the function does, however it does
//! span.enter(&SITE);
//! if let Some(slot) = span.first_slot(0) { KEYS.a.b.__record(slot, &(value)); }
//! let result = call_once(|| -> Output { body });    // only if there is a result to look at
//! span.outcome((&&&&&&&Probe(&result)).otelier_outcome());
//! result
//! ```
//!
//! and an asynchronous one hands its body to `instrument`, which opens the span at the first poll; an `async fn` becomes a
//! function that returns what `instrument` gives, so that the state of its body is kept once:
//!
//! ```text
//! fn f(x: X) -> impl Future<Output = Output> { static SITE …; instrument(&SITE, async move { let x = x; body }, |result| …) }
//! ```

use crate::args::{Args, Key, Value, crate_path, keys_at, look};
use crate::body::{Late, Names, Rewriter, awaits, contains_await, span_ident};
use crate::checks::{self, keys_ident, schema_span};
use crate::ctxt::Ctxt;
use crate::domain;
use crate::forms::Parts;
use crate::item::{Form, Function, Words, is_closure, replace_async_tail};
use crate::members::{Members, take_words, together};
use crate::registry;
use crate::tokens::{ends, group, is_ident, is_punct, located_at, plain, without_invisible};
use otelier_spec::domain::Fills;
use otelier_spec::{DomainMacro, Kind};
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// An annotated function, `impl` block or trait.
pub(crate) fn annotation(domain: Option<&'static DomainMacro>, args: TokenStream, item: TokenStream) -> TokenStream {
    let (domain, args, item) = together(domain, args, item);
    match Members::read(&item) {
        Some(members) => members.expand(domain, args, item),
        None => function(domain, args, item),
    }
}

fn function(domain: Option<&DomainMacro>, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let (fills, args) = domain::chosen(domain, args, &mut ctxt);
    let (words, args) = take_words(args, &mut ctxt);
    if let Some(skip) = words.skip {
        ctxt.error_at(skip, "`skip` is for a method of an annotated `impl` block or trait; leave the annotation out");
    }
    let args = Args::read(args, fills.is_some(), &mut ctxt);
    traced(item, words, args, fills, None, ctxt)
}

/// Where a method stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) name: &'a str,
    /// Whether an `async fn` must stay one for others who read the block.
    pub(crate) keep_async: bool,
    /// Whether the block's annotation is `trace_performance`.
    pub(crate) is_performance: bool,
}

/// A function with its span.
pub(crate) fn traced(
    item: TokenStream,
    words: Words,
    mut args: Args,
    fills: Option<Fills>,
    owner: Option<Owner<'_>>,
    mut ctxt: Ctxt,
) -> TokenStream {
    let keep_async = owner.is_some_and(|owner| owner.keep_async);
    let Some(function) = Function::read(item.clone(), words, keep_async, &mut ctxt) else {
        let errors = ctxt.into_errors();
        if is_closure(&item.clone().into_iter().collect::<Vec<_>>()) {
            return quote!({ #errors #item });
        }
        // The function stays, so that its callers do not fail as well.
        return quote!(#item #errors);
    };
    let name = match owner {
        Some(owner) => format!("{}::{}", owner.name, plain(&function.name)),
        None => plain(&function.name),
    };
    let schema = fills.map(|fills| domain::path(&fills, &args));
    let correlates = fills.is_some_and(|fills| fills.correlates);
    let verdict = fills.and_then(|fills| domain::fill(&fills, &mut args, &name, item));
    let site = Site {
        is_outermost: words.outermost.is_some(),
        correlates,
        verdict,
        ..Site::new(args, schema, Literal::string(&name))
    };
    let Function { head, inner_attributes, form, output, item, mut rebound, bound, body, .. } = function;
    let site = Site { item, ..site };
    for name in bound.iter().filter(|name| site.args.options.begins_with(name)) {
        // Used by the annotation, although perhaps not by the body.
        rebound.extend(quote!(let _ = &#name;));
    }
    let code = match form {
        Form::Returns => {
            let statements: Vec<TokenTree> = body.stream().into_iter().collect();
            let mut site = Some(site);
            let replaced = replace_async_tail(&statements, &mut |keyword, is_move, block| {
                let Some(site) = site.take() else { return TokenStream::new() };
                let site = Site { keyword, is_move, ..site };
                let code = site.expand(block, form, output.as_ref(), &rebound, &mut ctxt);
                quote!({ #code })
            });
            replaced.unwrap_or_default()
        }
        form => site.expand(&body, form, output.as_ref(), &rebound, &mut ctxt),
    };
    let await_it = (form == Form::Async).then(|| quote!(.await));
    let mut outer = with_braces_of(&body, quote!(#inner_attributes #code #await_it));
    if form == Form::Async {
        // The block inside has the body's braces. With the same ones around it coverage would count them twice.
        outer.set_span(body.span_close());
    }
    quote!(#head #outer)
}

/// The tokens between the braces of `body`: coverage and editors take the braces' places for the body's.
pub(crate) fn with_braces_of(body: &Group, tokens: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(body.span());
    group
}

/// `trace_block!(arguments, -> Type { body })`, the type if the outcome is to be recorded.
pub(crate) fn block(input: TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let Some(block) = Block::read(input, &mut ctxt) else {
        let errors = ctxt.into_errors();
        return quote!({ #errors });
    };
    if let Some(awaits) = awaits(block.body.stream()).filter(|_| !block.is_async) {
        let message =
            "a block that awaits is written `async { … }` and awaited itself: `trace_block!(…, async { … }).await`";
        ctxt.error_at(awaits, message);
        let errors = ctxt.into_errors();
        return quote!({ #errors ::core::unreachable!() });
    }
    let args = Args::read(block.arguments, false, &mut ctxt);
    if args.name.is_none() && args.schema.is_none() {
        ctxt.error_at(Span::call_site(), "a traced block needs a name or a schema, such as `name = \"load\"`");
    }
    let site = Site::new(args, None, Literal::string("block"));
    let site = Site { is_block: true, is_move: block.is_move, ..site };
    let form = if block.is_async { Form::Async } else { Form::Sync };
    let code = site.expand(&block.body, form, block.output.as_ref(), &TokenStream::new(), &mut ctxt);
    quote!({ #code })
}

/// What stands in `trace_block!`.
struct Block {
    arguments: TokenStream,
    is_async: bool,
    is_move: bool,
    output: Option<TokenStream>,
    body: Group,
}

impl Block {
    fn read(input: TokenStream, ctxt: &mut Ctxt) -> Option<Self> {
        let mut tokens: Vec<TokenTree> = input.into_iter().collect();
        if tokens.last().is_some_and(|last| is_punct(last, ',')) {
            tokens.pop();
        }
        if let Some(hidden) = group(tokens.last(), Delimiter::None) {
            // `$body:block` of a `macro_rules!`.
            let hidden = hidden.stream();
            tokens.pop();
            tokens.extend(hidden);
        }
        let Some(body) = group(tokens.last(), Delimiter::Brace).cloned() else {
            let (first, last) = ends(&tokens, Span::call_site());
            ctxt.error(first, last, "expected a block last, such as `trace_block!(name = \"load\", { … })`");
            return None;
        };
        tokens.pop();
        let has = |tokens: &[TokenTree], word| tokens.last().is_some_and(|last| is_ident(last, word));
        let is_move = has(&tokens, "move");
        if is_move {
            tokens.pop();
        }
        let is_async = has(&tokens, "async");
        if is_async {
            tokens.pop();
        } else if is_move {
            ctxt.error_at(body.span_open(), "expected `{ … }`, `async { … }` or `async move { … }`");
            return None;
        }
        let arrow = tokens.windows(2).rposition(|pair| is_punct(&pair[0], '-') && is_punct(&pair[1], '>'));
        let output = arrow.map(|at| {
            let mut output = tokens.split_off(at).split_off(2);
            // The type is one more argument to those who write it with a comma behind.
            output.pop_if(|last| is_punct(last, ','));
            output.into_iter().collect()
        });
        if tokens.last().is_some_and(|last| !is_punct(last, ',')) {
            ctxt.error_at(body.span_open(), "expected a comma between the arguments and the block");
            return None;
        }
        let arguments = without_invisible(tokens.into_iter().collect());
        Some(Self { arguments, is_async, is_move, output, body })
    }
}

/// A place that makes spans: a function or a block.
pub(crate) struct Site {
    pub(crate) args: Args,
    pub(crate) schema: Option<TokenStream>,
    pub(crate) krate: TokenStream,
    pub(crate) default_name: Literal,
    pub(crate) is_block: bool,
    /// Whether an asynchronous body takes what it captures.
    pub(crate) is_move: bool,
    /// Whether only the outermost of nested calls has a span.
    pub(crate) is_outermost: bool,
    /// What is recorded of the result; empty if that is nothing.
    pub(crate) seen: TokenStream,
    /// Whether it runs in a correlation context even if the annotation does not name one.
    pub(crate) correlates: bool,
    /// The attribute that says how the function ended, and the runtime's description of it.
    pub(crate) verdict: Option<(Key, TokenStream)>,
    /// What a returned iterator or stream gives, if that is written.
    pub(crate) item: Option<TokenStream>,
    /// Where `async` stands: the user's own keyword makes the block the user's for coverage.
    pub(crate) keyword: Span,
}

impl Site {
    fn new(mut args: Args, domain: Option<TokenStream>, default_name: Literal) -> Self {
        let krate = crate_path(args.krate.as_ref());
        let schema = domain.or_else(|| args.schema.take());
        Self {
            args,
            schema,
            krate,
            default_name,
            is_block: false,
            is_move: true,
            is_outermost: false,
            seen: TokenStream::new(),
            correlates: false,
            verdict: None,
            item: None,
            keyword: Span::call_site(),
        }
    }

    fn expand(
        mut self,
        body: &Group,
        form: Form,
        output: Option<&TokenStream>,
        rebound: &TokenStream,
        ctxt: &mut Ctxt,
    ) -> TokenStream {
        let mut names = Names::new(self.schema.is_some());
        let mut late: Vec<Late> = std::mem::take(&mut self.args.late).into_iter().map(Late::new).collect();
        let mut rewriter = Rewriter {
            krate: &self.krate,
            schema: self.schema.is_some(),
            schema_path: self.schema.as_ref(),
            names: &mut names,
            late: &mut late,
            ctxt,
            used: false,
            looks: TokenStream::new(),
        };
        let span = span_ident(Span::call_site());
        let mut records = TokenStream::new();
        // Literals need not be recorded for every span.
        let is_constant = |key: &Key, value: &Value| {
            value.constant().filter(|_| self.schema.is_none() || key.literal).is_some() && key.cfg.is_empty()
        };
        let recorded: Vec<_> = self.args.attributes.iter().filter(|(key, value)| !is_constant(key, value)).collect();
        // Some samplers want to know these before they decide; a body that only makes what is traced has no part in that.
        let is_drain = matches!(form, Form::Drain { .. });
        let links = self.args.options.links();
        let given = !is_drain && (!recorded.is_empty() || !self.args.spread.is_empty());
        let linked = !is_drain && !links.is_empty();
        let decide = ((given || linked) && !form.is_later()).then(|| quote!(#span.decide();));
        let is_last = self.args.spread.is_empty() && links.is_empty();
        records.extend(rewriter.first_records(&recorded, decide.as_ref().filter(|_| is_last)));
        for value in &self.args.spread {
            records.extend(rewriter.spread(&span, value, rewriter.of_span()));
        }
        records.extend(links);
        if (given || linked) && form.is_later() {
            records.extend(quote!(let #span = #span.decided();));
        } else if !is_last {
            records.extend(decide);
        }
        let unfinished: TokenStream =
            self.args.unfinished.iter().map(|key| rewriter.without_value(key, self.schema.is_some())).collect();
        // The first time that these stand in the code: editors find them by that, with and without what is missing.
        let mut looks = TokenStream::new();
        if self.schema.is_some() {
            looks.extend(self.args.unfinished.iter().filter(|key| !key.literal).map(|key| look(&key.access())));
            if self.args.ends_with_comma {
                let next = keys_at(Span::call_site());
                looks.extend(look(&quote!(#next)));
            }
        }
        // A body that makes a future or a stream is over before there is a span; `record!` in it says so itself.
        if let (Some(correlation), true) = (&self.args.options.correlation, is_drain) {
            let message = "items are made wherever somebody asks for them; leave `correlation` out, and enter it there";
            rewriter.ctxt.error_at(correlation.span, message);
        }
        let is_over_before = matches!(form, Form::Future { .. } | Form::Drain { .. });
        let rewritten = if is_over_before { body.clone() } else { rewriter.body(body) };
        self.seen = match form {
            Form::Drain { .. } => rewriter.no_result(&self.args.options),
            form => rewriter.result(&self.args.options, form.is_later(), self.is_block, output.is_some()),
        };
        looks.extend(std::mem::take(&mut rewriter.looks));
        let mut constants = TokenStream::new();
        for attribute in self.args.attributes.iter().filter(|(key, value)| is_constant(key, value)) {
            let (key, value) = attribute;
            // Unless the body records the attribute anew.
            let Some(variant) = value.constant().filter(|_| !rewriter.names.contains(&key.name)) else {
                records.extend(rewriter.first_records(&[attribute], None));
                continue;
            };
            let (name, variant, literal) = (&key.name, Ident::new(variant, Span::mixed_site()), &value.tokens[0]);
            let krate = &self.krate;
            constants.extend(quote!((#name, #krate::__private::Constant::#variant(#literal)),));
        }
        records.extend(self.args.options.start(&mut rewriter));
        let keeps_span = rewriter.used;
        let needs_span = keeps_span || !records.is_empty();
        let mut checks = self.checks();
        let site = self.callsite(&names, &constants, &late, &looks, (given, linked));
        for Late { key, recorded_inside, .. } in late.iter().filter(|late| !late.recorded) {
            if key.incomplete {
                key.check_complete(ctxt);
                continue;
            }
            if is_over_before {
                let message = "`late` is recorded by the body, which only makes what is traced; give the attribute a value \
                               in the annotation";
                ctxt.error(key.first, key.last, message);
                continue;
            }
            let name = &key.name;
            let text = match recorded_inside {
                true => format!(
                    "late attribute `{name}` is recorded only in a closure or an `async` block, which may never run; write \
                     `record!({name} = value);` outside of it"
                ),
                false => {
                    format!("late attribute `{name}` is never recorded; write `record!({name} = value);` in the body")
                }
            };
            match &self.schema {
                Some(schema) if !key.literal => {
                    checks.extend(checks::late_without_record(&self.krate, schema, key, &text));
                }
                _ => ctxt.error(key.first, key.last, text),
            }
        }
        let late: Vec<Late> = late.into_iter().filter(|late| late.recorded).collect();
        let inner = self.body_with_late(body, rewritten, &late, output);
        let needs_keys = needs_span || !unfinished.is_empty() || (!form.is_later() && !self.seen.is_empty());
        let keys = self.schema.as_ref().filter(|_| needs_keys).map(|schema| {
            let (krate, keys) = (&self.krate, keys_ident());
            quote!(let #keys = <#schema as #krate::schema::Schema>::KEYS;)
        });
        // Behind all keys: editors find a key by what stands in front of it, with and without a mistake.
        let errors = std::mem::take(ctxt).into_errors();
        let start = quote!(#keys #records #unfinished #errors);
        let parts = Parts { site: &site, checks: &checks, start: &start, needs_span, body: &inner, output };
        if let Form::Drain { stream, boxed } = form {
            // Said by the call that makes the parts; items are made wherever somebody asks for them.
            return self.drain(parts, stream, boxed);
        }
        if let Form::Future { boxed } = form {
            return self.future(parts, boxed);
        }
        if form.is_later() {
            let anchor = Ident::new("__otelier_body", Span::mixed_site());
            let krate = &self.krate;
            let handle = needs_span.then(|| {
                quote! {
                    let #anchor = ();
                    let #span = #krate::__private::span_ref(&#anchor);
                }
            });
            // Only what lives across awaits is kept in the future, so the handle ends early if the body does not need it.
            let start = match needs_span && !keeps_span && !self.awaits() {
                true => quote!(#rebound { #handle #start }),
                false => quote!(#rebound #handle #start),
            };
            self.asynchronous(Parts { start: &start, ..parts })
        } else {
            self.synchronous(parts)
        }
    }

    /// What is recorded of the result, as a statement.
    pub(crate) fn seen(&self) -> Option<TokenStream> {
        let seen = &self.seen;
        (!seen.is_empty()).then(|| quote!(#[allow(unreachable_code)] { #seen }))
    }

    /// Whether an attribute of the annotation is awaited.
    fn awaits(&self) -> bool {
        let spread = self.args.spread.iter().map(|spread| &spread.value);
        let given = self.args.attributes.iter().map(|(_, value)| value).chain(spread);
        given.into_iter().any(|value| contains_await(&value.tokens))
    }

    /// The body, with proof that everything late was recorded.
    fn body_with_late(&self, original: &Group, body: Group, late: &[Late], output: Option<&TokenStream>) -> Group {
        if late.is_empty() {
            return body;
        }
        let krate = &self.krate;
        let result = Ident::new("__otelier_returned", Span::mixed_site());
        let typed = output.map(|output| quote!(: #output));
        // All of the pattern stands at the user's key, or rustc would not name the binding.
        let bindings = late.iter().map(|late| {
            let (binding, span) = (&late.binding, late.key.last);
            let recorded = quote!(#krate::__private::Recorded);
            quote_spanned!(span=> #[allow(unused_mut)] let mut #binding: #recorded;)
        });
        // What is missing is missing at the end of the body; from there rustc shows the branch that lacks it. It never runs,
        // or coverage would count the brace once more.
        let end = original.span_close();
        let checks = late.iter().map(|late| {
            let binding = late.binding_at(end);
            quote_spanned!(end=> #krate::__private::must_be_recorded(&#binding);)
        });
        let tokens = quote! {
            #(#bindings)*
            #[allow(clippy::let_unit_value)]
            let #result #typed = #body;
            if false { #(#checks)* }
            #result
        };
        with_braces_of(original, tokens)
    }

    /// The `static` that holds what is known at compile time.
    fn callsite(
        &self,
        names: &Names,
        constants: &TokenStream,
        late: &[Late],
        looks: &TokenStream,
        (given, linked): (bool, bool),
    ) -> TokenStream {
        let (krate, site, default_name) = (&self.krate, site_ident(), &self.default_name);
        let name = self.args.name.as_ref().unwrap_or(default_name);
        let (binding, base) = match &self.schema {
            None => {
                let kind = kind_path(krate, self.args.kind.as_ref().map_or(Kind::Internal, |(kind, _)| *kind));
                (None, quote!(#krate::__private::Callsite::new(#name, #kind)))
            }
            Some(schema) => {
                let late = || late.iter().map(|late| &late.key).filter(|key| !key.literal);
                let options = &self.args.options;
                let given =
                    self.args.attributes.iter().map(|(key, _)| key).chain(late()).chain(options.returned_keys());
                let given = given.chain(self.verdict.as_ref().map(|(key, _)| key));
                let bits = checks::bits(given.filter(|key| !key.incomplete));
                let late = late().map(|key| look(&key.access()));
                let (binding, span) = (keys_ident(), schema_span(schema));
                let function = quote!(#krate::__private::Callsite::declared::<#schema>);
                // What could not be read is not missing as well.
                let bits = if self.args.is_complete { bits } else { quote!(!0) };
                // The call has the schema's place, for its errors; the name does not, or editors would go to it.
                let base = quote_spanned!(span=> (#function)(#name, #bits));
                (Some(quote!(let #binding = <#schema as #krate::schema::Schema>::KEYS; #looks #(#late)*)), base)
            }
        };
        let named = self.args.name.is_some().then(|| quote!(named: true,));
        let keys = (!names.is_empty()).then(|| {
            let keys = names.list();
            quote!(keys: &[#keys],)
        });
        let constants = (!constants.is_empty()).then(|| quote!(constants: &[#constants],));
        let pattern = self.args.has_pattern().then(|| quote!(pattern: true,));
        let watch = self.args.options.watch(krate, self.verdict.as_ref().map(|(_, verdict)| verdict));
        let priority = self.args.options.priority(krate);
        let given = given.then(|| quote!(given: true,));
        let linked = linked.then(|| quote!(linked: true,));
        let fields = quote!(#named #pattern #watch #keys #constants #priority #given #linked);
        // Little is written here, because rustc reads it for every annotation. The call comes first: keys stand in it.
        let value = if fields.is_empty() {
            base
        } else {
            let start = Ident::new("__otelier_start", Span::mixed_site());
            quote!(let #start = #base; #krate::__private::Callsite { #fields ..#start })
        };
        let verdict = self.verdict.as_ref().map(|(key, _)| key.name.as_str());
        let entered = registry::call_site(krate, &quote!(#site), names.all().chain(verdict));
        quote! {
            static #site: #krate::__private::Callsite = { #binding #value };
            #entered
        }
    }

    /// What constants check: literals of closed sets, the kind, undeclared attributes.
    fn checks(&self) -> TokenStream {
        let krate = &self.krate;
        let Some(schema) = &self.schema else { return TokenStream::new() };
        let mut checks = TokenStream::new();
        if let Some((kind, ident)) = &self.args.kind {
            let (path, span) = (kind_path(krate, *kind), ident.span());
            let schema_trait = quote!(#krate::schema::Schema);
            let krate = located_at(krate, span);
            checks.extend(quote_spanned!(span=> const _: () = #krate::schema::check_kind(<#schema as #schema_trait>::DEF, #path);));
        }
        let seen = self.args.options.all_seen().flat_map(|seen| &seen.attributes);
        for (key, value) in self.args.attributes.iter().chain(seen) {
            checks.extend(checks::attribute(krate, "span", schema, key, value));
        }
        checks
    }
}

/// Whether the type is one of the language, which says nothing of success or failure.
pub(crate) fn is_primitive(output: &TokenStream) -> bool {
    const PRIMITIVES: [&str; 18] = [
        "()", "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16", "u32", "u64",
        "u8", "usize", "& str",
    ];
    let text = output.to_string();
    PRIMITIVES.contains(&text.as_str()) || text == "&str"
}

/// What became of `result`; `none` is the error type of `None`.
pub(crate) fn outcome(krate: &TokenStream, result: &TokenStream, none: Option<&Literal>) -> TokenStream {
    let outcome = quote! {{
        use #krate::__private::outcome::*;
        (&&&&&&&#krate::__private::Probe(#result)).otelier_outcome()
    }};
    let Some(none) = none else { return outcome };
    let (span, krate) = (none.span(), located_at(krate, none.span()));
    let result = located_at(result, span);
    quote_spanned!(span=> #krate::__private::none_is(#outcome, #result, #none))
}

fn kind_path(krate: &TokenStream, kind: Kind) -> TokenStream {
    let variant = match kind {
        Kind::Internal => quote!(Internal),
        Kind::Server => quote!(Server),
        Kind::Client => quote!(Client),
        Kind::Producer => quote!(Producer),
        Kind::Consumer => quote!(Consumer),
    };
    quote!(#krate::schema::Kind::#variant)
}

pub(crate) fn site_ident() -> Ident {
    Ident::new("__OTELIER_SITE", Span::mixed_site())
}
