//! The arguments of an annotation that are neither its schema nor attributes of its start: where the span belongs, what is
//! recorded of the result, what the span is measured against.

use crate::args::{Args, Cfg, Key, Spread, Value, check_attribute, expected, given_once, spread};
use crate::body::{Rewriter, end_of_closure, is_item_end, span_ident};
use crate::ctxt::Ctxt;
use crate::members::Signature;
use crate::tokens::{self, ends, group, is_ident, is_punct, split};
use otelier_spec::{duration, name, suggest};
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use std::time::Duration;

/// Every option, and what it needs. Those that stand alone need nothing.
pub(crate) const OPTIONS: &[(&str, &str)] = &[
    ("budget", "a duration, such as `budget = \"5s\"`"),
    ("correlation", "a correlation context, such as `correlation = message.correlation()`"),
    ("crate", "the path of the crate, such as `crate = app::otelier`"),
    ("err", "what to record, such as `err(|error| app.code = error.code())`"),
    ("event", "a name in parentheses, such as `event(\"queued\", app.size = 1)`"),
    ("future", ""),
    ("iterator", ""),
    ("kind", "a span kind, such as `kind = client`"),
    ("late", "a list, such as `late(app.count)`"),
    ("link", "a value that names spans, such as `link = message.context()`"),
    ("metrics", ""),
    ("name", "a string, such as `name = \"load\"`"),
    ("none", "an error type, such as `none = \"not_found\"`"),
    ("operation_type", "a string, such as `operation_type = \"api\"`"),
    ("outermost", ""),
    ("parent", "a value that names a span, such as `parent = request.headers()`"),
    ("priority", "`low`, `normal` or `high`, such as `priority = high`"),
    ("ret", "what to record, such as `ret(|rows| app.rows = rows.len())`"),
    ("root", ""),
    ("sample", "`always`, `never` or a ratio, such as `sample = 0.25`"),
    ("skip", ""),
    ("sli", "a string, such as `sli = \"api_latency\"`"),
    ("slo", "a duration, such as `slo = \"500ms\"`"),
    ("stream", ""),
];

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

/// What `option` needs, if it is one; empty if it stands alone.
pub(crate) fn form(option: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(name, _)| *name == option).map(|(_, form)| *form)
}

/// How an option is written.
#[derive(Clone, Copy)]
pub(crate) enum Form<'a> {
    /// `root`
    Word,
    /// `link = value`
    Value(&'a [TokenTree]),
    /// `event(..)`
    List(&'a Group),
}

impl<'a> Form<'a> {
    pub(crate) fn new(value: Option<&'a [TokenTree]>) -> Self {
        value.map_or(Self::Word, Self::Value)
    }

    /// The tokens that are to be something else.
    fn tokens(self) -> Vec<TokenTree> {
        match self {
            Self::Word => Vec::new(),
            Self::Value(value) => value.to_vec(),
            Self::List(list) => vec![TokenTree::Group(list.clone())],
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `ret(..)`
    pub(crate) returned: Vec<Seen>,
    /// `err(..)`
    pub(crate) failed: Vec<Seen>,
    /// `event(..)`
    events: Vec<Event>,
    links: Vec<(Cfg, Value)>,
    parent: Option<Value>,
    pub(crate) correlation: Option<Value>,
    root: Option<Ident>,
    sample: Option<Sample>,
    priority: Option<Ident>,
    /// The `error.type` of `None`.
    pub(crate) none: Option<Literal>,
    watch: Watch,
}

/// What is recorded of a result.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `ret` or `err`.
    pub(crate) word: Ident,
    pub(crate) cfg: Cfg,
    /// The user's pattern; without one the result itself is the value.
    pub(crate) binding: Option<Vec<TokenTree>>,
    pub(crate) attributes: Vec<(Key, Value)>,
    pub(crate) unfinished: Vec<Key>,
    pub(crate) spread: Vec<Spread>,
    pub(crate) events: Vec<Event>,
}

/// An event of the annotation: its word and what stands in the parentheses.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) cfg: Cfg,
    pub(crate) word: Ident,
    pub(crate) arguments: Group,
}

#[derive(Clone, Debug)]
enum Sample {
    Always,
    Never,
    Ratio(Literal),
}

/// What the span is measured against.
#[derive(Clone, Debug, Default)]
struct Watch {
    budget: Option<Duration>,
    slo: Option<Duration>,
    sli: Option<Literal>,
    operation_type: Option<Literal>,
    metrics: Option<Ident>,
}

/// The local that holds what was returned, if the user has no name for it.
pub(crate) fn value_ident(span: Span) -> Ident {
    Ident::new("__otelier_value", span.resolved_at(Span::mixed_site()))
}

impl Options {
    /// Reads an option of those here. Whether there is one of that name is known.
    pub(crate) fn read(&mut self, option: &Ident, cfg: Cfg, form: Form<'_>, ctxt: &mut Ctxt) {
        let word = option.to_string();
        match (word.as_str(), form) {
            ("ret" | "err" | "event" | "link", _) => {}
            _ if !cfg.is_empty() => {
                let message = format_args!(
                    "`{word}` cannot depend on `#[cfg(..)]`; write the whole annotation as `#[cfg_attr(.., trace(..))]`"
                );
                ctxt.error(cfg.first(), cfg.last(), message);
                return;
            }
            _ => {}
        }
        let string = |value: &[TokenTree]| match value {
            [TokenTree::Literal(literal)] if tokens::string(literal).is_some_and(|text| !text.is_empty()) => {
                Some(literal.clone())
            }
            _ => None,
        };
        let text = if let Form::Value(value) = form { string(value) } else { None };
        match (word.as_str(), form) {
            ("ret" | "err", Form::List(list)) => self.seen(option, cfg, list, ctxt),
            ("event", Form::List(arguments)) => {
                self.events.push(Event { cfg, word: option.clone(), arguments: arguments.clone() });
            }
            ("link", Form::Value([_, ..])) => {
                if let Form::Value(value) = form
                    && stays(option, value, ctxt)
                {
                    self.links.push((cfg, Value::new(value, option.span())));
                }
            }
            ("parent", Form::Value(value @ [_, ..])) => {
                if stays(option, value, ctxt) && self.has_one_parent(option, ctxt) {
                    given_once(option, &mut self.parent, Value::new(value, option.span()), ctxt);
                }
            }
            ("correlation", Form::Value(value @ [_, ..])) => {
                if stays(option, value, ctxt) {
                    given_once(option, &mut self.correlation, Value::new(value, option.span()), ctxt);
                }
            }
            ("root", Form::Word) => {
                if self.has_one_parent(option, ctxt) {
                    given_once(option, &mut self.root, option.clone(), ctxt);
                }
            }
            ("metrics", Form::Word) => given_once(option, &mut self.watch.metrics, option.clone(), ctxt),
            ("root" | "metrics", _) => alone(option, form, ctxt),
            ("future" | "iterator" | "outermost" | "skip" | "stream", _) => {
                ctxt.error_at(option.span(), format_args!("`{word}` is for functions; leave it out of a block"));
            }
            ("sample", Form::Value(value)) => {
                if let Some(sample) = sample(option, value, ctxt) {
                    given_once(option, &mut self.sample, sample, ctxt);
                }
            }
            ("priority", Form::Value(value)) => {
                if let Some(priority) = priority(option, value, ctxt) {
                    given_once(option, &mut self.priority, priority, ctxt);
                }
            }
            ("none" | "sli" | "operation_type", _) if text.is_some() => {
                let slot = match word.as_str() {
                    "none" => &mut self.none,
                    "sli" => &mut self.watch.sli,
                    _ => &mut self.watch.operation_type,
                };
                text.into_iter().for_each(|text| given_once(option, slot, text, ctxt));
            }
            ("budget" | "slo", _) if text.is_some() => {
                if let Some(time) = text.and_then(|text| time(option, &text, ctxt)) {
                    let slot = if word == "slo" { &mut self.watch.slo } else { &mut self.watch.budget };
                    given_once(option, slot, time, ctxt);
                }
            }
            _ => expected(option, &form.tokens(), self::form(&word).unwrap_or_default(), ctxt),
        }
    }

    /// Leaves out what a method without `self` cannot say.
    pub(crate) fn forget_self(&mut self) {
        let stays = |value: &Value| !tokens::mentions(&value.tokens, "self");
        self.links.retain(|(_, link)| stays(link));
        self.parent = self.parent.take().filter(stays);
        self.correlation = self.correlation.take().filter(stays);
        self.events.retain(|event| !tokens::mentions(&[TokenTree::Group(event.arguments.clone())], "self"));
        for seen in self.returned.iter_mut().chain(&mut self.failed) {
            seen.attributes.retain(|(_, value)| stays(value));
            seen.spread.retain(|spread| stays(&spread.value));
            seen.events.retain(|event| !tokens::mentions(&[TokenTree::Group(event.arguments.clone())], "self"));
        }
    }

    /// Leaves out what looks at a result that a method does not have.
    pub(crate) fn forget_results(&mut self, signature: &Signature) {
        if !signature.has_result {
            self.returned.clear();
        }
        if !signature.may_fail {
            self.failed.clear();
            self.none = None;
        }
    }

    /// These options, with `defaults` where they say nothing; `is_given` tells which attributes the method says itself.
    pub(crate) fn with_defaults(self, mut defaults: Self, is_given: impl Fn(&Key) -> bool) -> Self {
        let is_failed =
            |key: &Key| self.failed.iter().flat_map(|seen| &seen.attributes).any(|(own, _)| own.overrides(key));
        defaults.returned.retain_mut(|seen| seen.without(&is_given));
        defaults.failed.retain_mut(|seen| seen.without(is_failed));
        defaults.returned.extend(self.returned);
        defaults.failed.extend(self.failed);
        defaults.events.extend(self.events);
        defaults.links.extend(self.links);
        let says_parent = self.parent.is_some() || self.root.is_some();
        let (parent, root) = if says_parent { (self.parent, self.root) } else { (defaults.parent, defaults.root) };
        let (own, watch) = (self.watch, defaults.watch);
        Self {
            parent,
            root,
            correlation: self.correlation.or(defaults.correlation),
            sample: self.sample.or(defaults.sample),
            priority: self.priority.or(defaults.priority),
            none: self.none.or(defaults.none),
            watch: Watch {
                budget: own.budget.or(watch.budget),
                slo: own.slo.or(watch.slo),
                sli: own.sli.or(watch.sli),
                operation_type: own.operation_type.or(watch.operation_type),
                metrics: own.metrics.or(watch.metrics),
            },
            ..defaults
        }
    }

    /// Whether this is the first word about the parent.
    fn has_one_parent(&self, option: &Ident, ctxt: &mut Ctxt) -> bool {
        let other = match (&self.parent, &self.root) {
            (Some(_), _) if option == "root" => "parent",
            (_, Some(_)) if option == "parent" => "root",
            _ => return true,
        };
        let message = format_args!("`{option}` contradicts `{other}`; a span has a parent or begins a trace");
        ctxt.error_at(option.span(), message);
        false
    }

    fn seen(&mut self, option: &Ident, cfg: Cfg, list: &Group, ctxt: &mut Ctxt) {
        let Some(seen) = Seen::read(option, cfg, list, ctxt) else { return };
        if option == "ret" { self.returned.push(seen) } else { self.failed.push(seen) }
    }

    /// The attributes that are there whenever the function succeeds.
    pub(crate) fn returned_keys(&self) -> impl Iterator<Item = &Key> {
        self.returned.iter().flat_map(|seen| seen.attributes.iter().map(|(key, _)| key))
    }

    /// All that is recorded of results.
    pub(crate) fn all_seen(&self) -> impl Iterator<Item = &Seen> {
        self.returned.iter().chain(&self.failed)
    }

    /// The links that are recorded at the start.
    pub(crate) fn links(&self) -> TokenStream {
        let mut links = TokenStream::new();
        let span = span_ident(Span::call_site());
        for (cfg, link) in &self.links {
            let (at, expression) = (link.span, link.tokens.iter().cloned().collect::<TokenStream>());
            let value = quote_spanned!(at=> &(#expression));
            let call = quote_spanned!(at=> .links(#value));
            links.extend(cfg.on(quote!(if #span.is_recording() { #span #call; })));
        }
        links
    }

    /// What is recorded at the start besides attributes and links.
    pub(crate) fn start(&self, rewriter: &mut Rewriter<'_>) -> TokenStream {
        rewriter.events(&self.events)
    }

    /// Where the span belongs, if the annotation says that.
    pub(crate) fn begin(&self, krate: &TokenStream, correlated: Option<&Ident>) -> Option<TokenStream> {
        if self.parent.is_none() && self.root.is_none() && self.sample.is_none() {
            return None;
        }
        let parent = self.parent.as_ref().map(|parent| {
            let (at, expression) = (parent.span, parent.tokens.iter().cloned().collect::<TokenStream>());
            let value = quote_spanned!(at=> &(#expression));
            quote_spanned!(at=> .parent(#value))
        });
        let root = self.root.as_ref().map(|_| quote!(.root()));
        let sample = self.sample.as_ref().map(|sample| match sample {
            Sample::Always => quote!(.sample(#krate::__private::Sample::Always)),
            Sample::Never => quote!(.sample(#krate::__private::Sample::Never)),
            Sample::Ratio(ratio) => quote!(.sample(#krate::__private::Sample::Ratio(#ratio))),
        });
        let begin = quote!(#krate::__private::Begin::new() #parent #root #sample);
        Some(match correlated.filter(|_| self.parent.is_some()) {
            // The parent's context takes the place of the one that it was put into.
            Some(correlated) => quote!(#krate::__private::correlation::begin(#begin, &#correlated)),
            None => begin,
        })
    }

    /// Whether a name is used to say where the span belongs, or what it belongs to.
    pub(crate) fn begins_with(&self, name: &Ident) -> bool {
        let values = [&self.parent, &self.correlation].into_iter().flatten();
        values.into_iter().any(|value| tokens::mentions(&value.tokens, &name.to_string()))
    }

    /// The field of the call site that says how much its traces matter, unless that is as usual.
    pub(crate) fn priority(&self, krate: &TokenStream) -> Option<TokenStream> {
        let word = self.priority.as_ref()?.to_string();
        let (_, variant) = PRIORITIES.iter().find(|(name, _)| *name == word)?;
        let variant = Ident::new(variant, Span::mixed_site());
        Some(quote!(priority: #krate::Priority::#variant,))
    }

    /// The field of the call site that says what the span is measured against.
    pub(crate) fn watch(&self, krate: &TokenStream, verdict: Option<&TokenStream>) -> Option<TokenStream> {
        let Watch { budget, slo, sli, operation_type, metrics } = &self.watch;
        let time = |field: &str, time: &Option<Duration>| {
            time.map(|time| {
                let (field, seconds, nanos) =
                    (Ident::new(field, Span::mixed_site()), time.as_secs(), time.subsec_nanos());
                quote!(#field: ::core::option::Option::Some(::core::time::Duration::new(#seconds, #nanos)),)
            })
        };
        let text = |field: &str, text: &Option<Literal>| {
            text.as_ref().map(|text| {
                let field = Ident::new(field, Span::mixed_site());
                quote!(#field: ::core::option::Option::Some(#text),)
            })
        };
        let metrics = metrics.as_ref().map(|_| quote!(metrics: true,));
        let verdict = verdict.map(|verdict| quote!(verdict: ::core::option::Option::Some(#verdict),));
        let fields: TokenStream = [
            time("budget", budget),
            time("slo", slo),
            text("sli", sli),
            text("operation_type", operation_type),
            metrics,
            verdict,
        ]
        .into_iter()
        .flatten()
        .collect();
        (!fields.is_empty()).then(|| {
            let watch = quote!(#krate::__private::Watch);
            let constant = Ident::new("__OTELIER_WATCH", Span::mixed_site());
            quote! {
                watch: ::core::option::Option::Some(const {
                    #[allow(clippy::needless_update)]
                    const #constant: #watch = #watch { #fields ..#watch::NONE };
                    &#constant
                }),
                simple: false,
            }
        })
    }
}

impl Seen {
    /// Leaves attributes out; whether anything stays.
    fn without(&mut self, is_given: impl Fn(&Key) -> bool) -> bool {
        self.attributes.retain(|(key, _)| !is_given(key));
        !(self.attributes.is_empty() && self.unfinished.is_empty() && self.spread.is_empty() && self.events.is_empty())
    }

    /// Reads what stands in the parentheses of `ret(..)` and `err(..)`.
    fn read(word: &Ident, cfg: Cfg, list: &Group, ctxt: &mut Ctxt) -> Option<Self> {
        let tokens: Vec<TokenTree> = list.stream().into_iter().collect();
        let Some(first) = tokens.first() else {
            let text = form(&word.to_string()).unwrap_or_default();
            expected(word, &[TokenTree::Group(list.clone())], text, ctxt);
            return None;
        };
        let (binding, rest) = if is_punct(first, '|') {
            let (binding, rest) = binding(word, &tokens, ctxt)?;
            (Some(binding.to_vec()), rest)
        } else if is_ident(first, "move") && tokens.get(1).is_some_and(|next| is_punct(next, '|')) {
            ctxt.error_at(first.span(), format_args!("`{word}` borrows what it records; leave `move` out"));
            return None;
        } else {
            (None, tokens.as_slice())
        };
        let mut seen = Self {
            word: word.clone(),
            cfg,
            binding,
            attributes: Vec::new(),
            unfinished: Vec::new(),
            spread: Vec::new(),
            events: Vec::new(),
        };
        for part in split(rest.iter().cloned().collect(), ',') {
            for part in crate::args::parts(&part, ctxt) {
                seen.part(part, list.span_close(), ctxt);
            }
        }
        Some(seen)
    }

    fn part(&mut self, part: &[TokenTree], otherwise: Span, ctxt: &mut Ctxt) {
        let Some((cfg, part)) = Cfg::take(part, ctxt) else { return };
        let word = self.word.clone();
        let Some(head) = part.first() else {
            ctxt.error_at(otherwise, format_args!("expected what `{word}` records; leave one comma out"));
            return;
        };
        let example = match self.word == "ret" {
            true => "ret(|rows| app.rows = rows.len())",
            false => "err(|error| app.code = error.code())",
        };
        if let [TokenTree::Group(block)] = part
            && block.delimiter() == Delimiter::Brace
        {
            let message = format_args!("`{word}` takes attributes, not code; write `{example}`");
            ctxt.error_at(block.span_open(), message);
            return;
        }
        if let (TokenTree::Ident(option), Some(list)) = (head, group(part.get(1), Delimiter::Parenthesis)) {
            if option == "event" {
                let tokens: Vec<_> = list.stream().into_iter().collect();
                if stays(&word, &tokens, ctxt) {
                    self.events.push(Event { cfg, word: option.clone(), arguments: list.clone() });
                }
                return nothing_more(option, &part[2..], ctxt);
            }
            let message = match suggest::did_you_mean(&option.to_string(), ["event"]) {
                Some(near) => format!("unknown word `{option}`; did you mean `{near}`?"),
                None => format!("`{word}` takes attributes and `event(..)`; write `{example}`"),
            };
            ctxt.error_at(option.span(), message);
            return;
        }
        if let Some(value) = spread(part, ctxt) {
            self.needs_binding(part, ctxt);
            if let Some(value) = value.filter(|value| stays(&word, &value.tokens, ctxt)) {
                self.spread.push(Spread { cfg, below: None, value });
            }
            return;
        }
        let (key, value) = crate::args::key_and_value(part);
        let Some(mut key) = Key::read(key, head.span(), ctxt) else { return };
        key.cfg = cfg;
        let value = match (value, &self.binding) {
            (Some(value), Some(_)) if !key.incomplete => value.to_vec(),
            (Some(_), None) if !key.incomplete => return self.needs_binding(part, ctxt),
            (None, None) if !key.incomplete => {
                let value = TokenTree::Ident(value_ident(key.first));
                if self.word == "ret" {
                    vec![value]
                } else {
                    let mut display = proc_macro2::Punct::new('%', proc_macro2::Spacing::Alone);
                    display.set_span(key.first);
                    vec![TokenTree::Punct(display), value]
                }
            }
            _ => return self.unfinished.push(key),
        };
        if !stays(&word, &value, ctxt) {
            return;
        }
        if let Some(value) = spread(&value, ctxt) {
            self.spread.extend(value.and_then(|value| Spread::below(key, value, ctxt)));
            return;
        }
        if self.attributes.iter().any(|(other, _)| other.is_same(&key)) {
            ctxt.error(key.first, key.last, format_args!("attribute `{}` is given twice", key.name));
            return;
        }
        self.attributes.push((key.clone(), Value::new(&value, key.last)));
    }

    /// Refuses an expression where there is no name for what was returned.
    fn needs_binding(&self, part: &[TokenTree], ctxt: &mut Ctxt) {
        if self.binding.is_none() {
            let (first, last) = ends(part, self.word.span());
            let (word, name) = (&self.word, if self.word == "ret" { "value" } else { "error" });
            let message = format_args!(
                "`{word}` needs a name for what it looks at; write `{word}(|{name}| app.code = {name}.code())`"
            );
            ctxt.error(first, last, message);
        }
    }

    /// Checks the names, once it is known whether there is a schema.
    fn check(&self, has_schema: bool, ctxt: &mut Ctxt) {
        for (key, value) in &self.attributes {
            check_attribute(key, value, has_schema, ctxt);
        }
    }
}

/// What stands between the bars, and what follows.
fn binding<'a>(word: &Ident, tokens: &'a [TokenTree], ctxt: &mut Ctxt) -> Option<(&'a [TokenTree], &'a [TokenTree])> {
    let bar = tokens[0].span();
    let Some(end) = tokens[1..].iter().position(|token| is_punct(token, '|')) else {
        ctxt.error_at(bar, "expected a second `|` behind the name");
        return None;
    };
    let (binding, rest) = (&tokens[1..=end], &tokens[end + 2..]);
    let (name, example) = match word == "ret" {
        true => ("rows", "app.rows = rows.len()"),
        false => ("error", "app.code = error.code()"),
    };
    if binding.is_empty() {
        let message = format_args!("expected a name between the bars, such as `{word}(|{name}| {example})`");
        ctxt.error(bar, tokens[end + 1].span(), message);
        return None;
    }
    let mut angles = 0usize;
    let comma = binding.iter().find(|token| {
        angles = match token {
            token if is_punct(token, '<') => angles + 1,
            token if is_punct(token, '>') => angles.saturating_sub(1),
            _ => angles,
        };
        angles == 0 && is_punct(token, ',')
    });
    if let Some(comma) = comma {
        let message = format_args!("`{word}` looks at one value; write `|(a, b)|` for the parts of a tuple");
        ctxt.error_at(comma.span(), message);
        return None;
    }
    if rest.is_empty() {
        let message = format_args!("expected what to record behind the bars, such as `{word}(|{name}| {example})`");
        ctxt.error(bar, tokens[end + 1].span(), message);
        return None;
    }
    Some((binding, rest))
}

/// Refuses what stands behind the parentheses of an option.
pub(crate) fn nothing_more(option: &Ident, rest: &[TokenTree], ctxt: &mut Ctxt) {
    if let [first, ..] = rest {
        ctxt.error_at(first.span(), format_args!("expected `,` behind `{option}(..)`"));
    }
}

/// Whether the expression stays where it is: it runs beside the body, and cannot leave the function or wait in it.
fn stays(option: &Ident, tokens: &[TokenTree], ctxt: &mut Ctxt) -> bool {
    let Some((span, what)) = leaving(tokens, true) else { return true };
    let message = match what {
        "await" if option == "ret" || option == "err" => {
            format!("`{option}` cannot be awaited; await it in the body, and record the result there")
        }
        "await" => format!("`{option}` cannot be awaited; await it before, and give the result"),
        what => format!("`{what}` cannot leave the function from `{option}`; handle it in the expression"),
    };
    ctxt.error_at(span, message);
    false
}

/// Refuses a value that leaves the function: it would do so only while the span is recorded.
pub(crate) fn returns(of: &str, tokens: &[TokenTree], ctxt: &mut Ctxt) -> bool {
    let Some((span, what)) = leaving(tokens, false) else { return false };
    let message = format_args!(
        "`{what}` would leave the function only while the span is recorded; do it before, and give {of} the result"
    );
    ctxt.error_at(span, message);
    true
}

/// The first token that leaves the function around it, or waits if that counts.
fn leaving(tokens: &[TokenTree], or_waits: bool) -> Option<(Span, &'static str)> {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some(end) = end_of_closure(tokens, at) {
            at = end.max(at + 1);
            continue;
        }
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        if is_ident(token, "fn") {
            // A function of its own, which leaves itself; of a type, there is nothing to leave.
            at += tokens[at..].iter().position(is_item_end).unwrap_or(0) + 1;
            continue;
        }
        let found = match token {
            TokenTree::Group(group) => {
                let is_task = before.is_some_and(|word| is_ident(word, "async") || is_ident(word, "move"));
                let inner: Vec<_> = group.stream().into_iter().collect();
                if is_task { None } else { leaving(&inner, or_waits) }
            }
            TokenTree::Ident(word) if or_waits && word == "await" && before.is_some_and(|dot| is_punct(dot, '.')) => {
                Some((word.span(), "await"))
            }
            TokenTree::Ident(word) if word == "return" => Some((word.span(), "return")),
            // In front of a value, `?` asks for its `Debug` form.
            token
                if is_punct(token, '?')
                    && before.is_some_and(|before| !is_punct(before, '=') && !is_punct(before, ',')) =>
            {
                Some((token.span(), "?"))
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        at += 1;
    }
    None
}

/// Refuses what stands behind an option that stands alone.
fn alone(option: &Ident, form: Form<'_>, ctxt: &mut Ctxt) {
    let tokens = form.tokens();
    let (first, last) = ends(&tokens, option.span());
    ctxt.error(first, last, format_args!("`{option}` stands alone; write `{option}` without a value"));
}

fn sample(option: &Ident, value: &[TokenTree], ctxt: &mut Ctxt) -> Option<Sample> {
    let (first, last) = ends(value, option.span());
    let number = |tokens: &[TokenTree]| match tokens {
        [TokenTree::Literal(literal)] => {
            let text = literal.to_string().replace('_', "");
            text.strip_suffix("f64").unwrap_or(&text).parse::<f64>().ok()
        }
        _ => None,
    };
    match value {
        [TokenTree::Ident(word)] if word == "always" => return Some(Sample::Always),
        [TokenTree::Ident(word)] if word == "never" => return Some(Sample::Never),
        [TokenTree::Ident(word)] => {
            if let Some(near) = suggest::did_you_mean(&word.to_string(), ["always", "never"]) {
                ctxt.error_at(first, format_args!("unknown decision `{word}`; did you mean `{near}`?"));
                return None;
            }
        }
        [minus, rest @ ..] if is_punct(minus, '-') && number(rest).is_some() => {
            not_a_ratio(first, last, value, ctxt);
            return None;
        }
        value => match number(value) {
            Some(ratio) if (0.0..=1.0).contains(&ratio) => {
                let mut ratio = Literal::f64_unsuffixed(ratio);
                ratio.set_span(first);
                return Some(Sample::Ratio(ratio));
            }
            Some(_) => {
                not_a_ratio(first, last, value, ctxt);
                return None;
            }
            None => {}
        },
    }
    expected(option, value, form("sample").unwrap_or_default(), ctxt);
    None
}

/// The words of `priority`, and what they are in code.
const PRIORITIES: [(&str, &str); 3] = [("low", "Low"), ("normal", "Normal"), ("high", "High")];

fn priority(option: &Ident, value: &[TokenTree], ctxt: &mut Ctxt) -> Option<Ident> {
    let words = || PRIORITIES.into_iter().map(|(word, _)| word);
    if let [TokenTree::Ident(word)] = value {
        let text = word.to_string();
        if words().any(|known| known == text) {
            return Some(word.clone());
        }
        let message = match suggest::did_you_mean(&text, words()) {
            Some(near) => format!("unknown priority `{text}`; did you mean `{near}`?"),
            None => format!("unknown priority `{text}`; expected {}", suggest::list(words())),
        };
        ctxt.error_at(word.span(), message);
        return None;
    }
    expected(option, value, form("priority").unwrap_or_default(), ctxt);
    None
}

fn not_a_ratio(first: Span, last: Span, value: &[TokenTree], ctxt: &mut Ctxt) {
    let text: String = value.iter().map(ToString::to_string).collect();
    let message = format_args!("`{text}` is not a ratio from 0 to 1; `0.25` keeps one trace in four");
    ctxt.error(first, last, message);
}

fn time(option: &Ident, literal: &Literal, ctxt: &mut Ctxt) -> Option<Duration> {
    let text = tokens::string(literal).unwrap_or_default();
    let time = duration::parse(&text);
    if let Some(time) = time.filter(|time| !time.is_zero()) {
        return Some(time);
    }
    let message = match time {
        Some(_) => format!("`{option}` is never met in no time; write a longer one, such as `{option} = \"500ms\"`"),
        None => format!(
            "{literal} is not a duration; expected a number and one of {}, such as `{option} = \"500ms\"`",
            suggest::list(duration::UNITS.iter().map(|(unit, _)| *unit))
        ),
    };
    ctxt.error_at(literal.span(), message);
    None
}

impl Args {
    /// What can be checked only when all arguments are known.
    ///
    /// `block` is what the method takes over from its block.
    pub(crate) fn check(&mut self, has_schema: bool, block: Option<&Self>, ctxt: &mut Ctxt) {
        self.check_results(ctxt);
        self.options.all_seen().for_each(|seen| seen.check(has_schema, ctxt));
        self.check_name(block, ctxt);
        let returned: Vec<&str> = self.options.returned_keys().map(|key| key.name.as_str()).collect();
        // One mistake, one sentence.
        self.late.retain(|late| !returned.contains(&late.name.as_str()));
    }

    fn check_results(&self, ctxt: &mut Ctxt) {
        let mut seen: Vec<&Key> = Vec::new();
        for key in self.options.returned_keys() {
            let (given, late) = (
                self.attributes.iter().any(|(other, _)| other.is_same(key)),
                self.late.iter().any(|other| other.name == key.name),
            );
            let name = &key.name;
            if given {
                let text = "has a value and is recorded from the result; leave one of them out";
                ctxt.error(key.first, key.last, format_args!("attribute `{name}` {text}"));
            } else if late {
                let text = "is `late` and recorded from the result; leave it out of `late(..)`";
                ctxt.error(key.first, key.last, format_args!("attribute `{name}` {text}"));
            } else if seen.iter().any(|other| other.is_same(key)) {
                ctxt.error(key.first, key.last, format_args!("attribute `{name}` is recorded from the result twice"));
            }
            seen.push(key);
        }
    }

    /// Whether the span's name has attributes in it.
    pub(crate) fn has_pattern(&self) -> bool {
        self.name.as_ref().and_then(tokens::string).is_some_and(|name| name.contains('{'))
    }

    /// Checks the attributes in the span's name.
    fn check_name(&self, block: Option<&Self>, ctxt: &mut Ctxt) {
        let Some(literal) = &self.name else { return };
        let text = tokens::string(literal).unwrap_or_default();
        let given = [Some(self), block].into_iter().flatten().flat_map(|args| {
            args.attributes.iter().map(|(key, _)| key).chain(&args.late).chain(args.options.returned_keys())
        });
        let given: Vec<&str> = given.map(|key| key.name.as_str()).collect();
        let mut rest = text.as_str();
        // What could not be read may be there.
        let all_known = ctxt.is_empty() && self.unfinished.is_empty();
        while let Some(at) = rest.find(['{', '}']) {
            let after = &rest[at + 1..];
            let wrong = match after.split_once('}') {
                _ if rest[at..].starts_with('}') => {
                    Some("the span name has a `}` without its `{`; a name has no braces of its own".to_owned())
                }
                _ if after.starts_with('{') => Some(
                    "a span name has no `{{`; write `{app.id}` for an attribute, and leave other braces out".to_owned(),
                ),
                None => Some("the span name has a `{` without its `}`".to_owned()),
                Some(("", _)) => Some("the span name has a `{}` without an attribute, such as `{app.id}`".to_owned()),
                Some((key, _)) if given.contains(&key) || !all_known => None,
                Some((key, _)) => Some(unknown_in_name(key, &given)),
            };
            if let Some(wrong) = wrong {
                ctxt.error_at(literal.span(), wrong);
                return;
            }
            rest = after.split_once('}').map_or("", |(_, rest)| rest);
        }
    }
}

fn unknown_in_name(key: &str, given: &[&str]) -> String {
    let near = suggest::did_you_mean(key, given.iter().copied());
    match near {
        Some(near) => format!("the span name uses `{{{key}}}`, which is not given here; did you mean `{{{near}}}`?"),
        None if name::is_attribute_name(key) => {
            format!("the span name uses `{{{key}}}`, which is not given here; write `{key} = value` too")
        }
        None if given.is_empty() => {
            format!(
                "the span name uses `{{{key}}}`, which is no attribute; write `app.{key} = value` and `{{app.{key}}}`"
            )
        }
        None => format!(
            "the span name uses `{{{key}}}`, which is not given here; expected {}",
            suggest::list(given.iter().copied())
        ),
    }
}
