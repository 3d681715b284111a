//! The arguments of an annotation.

use crate::ctxt::Ctxt;
use crate::members::Signature;
use crate::options::{self, Form, Options};
use crate::tokens::{self, ends, is_dotted, is_ident, is_punct, split};
use otelier_spec::{Kind, name, suggest};
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// What an annotation says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    /// The schema's path, unless the macro fills it in.
    pub(crate) schema: Option<TokenStream>,
    pub(crate) name: Option<Literal>,
    pub(crate) kind: Option<(Kind, Ident)>,
    /// The path of the `otelier` crate, for those who re-export it.
    pub(crate) krate: Option<TokenStream>,
    pub(crate) attributes: Vec<(Key, Value)>,
    pub(crate) late: Vec<Key>,
    /// Keys without `= value`: unfinished code.
    pub(crate) unfinished: Vec<Key>,
    /// Values whose fields are attributes: `..order`.
    pub(crate) spread: Vec<Spread>,
    pub(crate) options: Options,
    /// Whether another argument can follow: unfinished code, perhaps.
    pub(crate) ends_with_comma: bool,
    /// Whether all could be read; otherwise what seems to be missing may be there.
    pub(crate) is_complete: bool,
}

/// What a method takes over from its block if it has no schema of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) args: &'a Args,
    pub(crate) has_schema: bool,
}

/// The key of an attribute: dotted identifiers, or a string.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) tokens: Vec<TokenTree>,
    pub(crate) name: String,
    pub(crate) first: Span,
    pub(crate) last: Span,
    /// Given as a string, so not looked up in the schema.
    pub(crate) literal: bool,
    /// One attribute of a template: `http.request.header["content-type"]`.
    pub(crate) template: bool,
    /// Whether the last segment is still to be written; the other ones are there.
    pub(crate) incomplete: bool,
    /// Where the attribute exists.
    pub(crate) cfg: Cfg,
}

/// `#[cfg(..)]` in front of an argument, which goes in front of all code that comes of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cfg(Vec<TokenTree>);

/// A value whose fields are attributes, perhaps below a name: `..order`, `app.order = ..order`.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    pub(crate) cfg: Cfg,
    pub(crate) below: Option<Key>,
    pub(crate) value: Value,
}

/// The value of an attribute; without tokens in unfinished code.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) tokens: Vec<TokenTree>,
    pub(crate) span: Span,
}

impl Value {
    pub(crate) fn new(tokens: &[TokenTree], otherwise: Span) -> Self {
        Self { tokens: tokens.to_vec(), span: ends(tokens, otherwise).0 }
    }

    /// The value as an expression; `%x` and `?x` ask for `Display` and `Debug`.
    pub(crate) fn expression(&self) -> TokenStream {
        let span = self.span;
        let rest = || self.tokens[1..].iter().cloned().collect::<TokenStream>();
        match self.tokens.first() {
            Some(token) if is_punct(token, '%') => {
                let value = rest();
                quote_spanned!(span=> ::core::format_args!("{}", #value))
            }
            Some(token) if is_punct(token, '?') => {
                let value = rest();
                quote_spanned!(span=> ::core::format_args!("{:?}", #value))
            }
            _ => self.tokens.iter().cloned().collect(),
        }
    }

    /// The value if it is one string literal.
    pub(crate) fn literal(&self) -> Option<&Literal> {
        match self.tokens.as_slice() {
            [TokenTree::Literal(literal)] if tokens::string(literal).is_some() => Some(literal),
            _ => None,
        }
    }

    /// The variant of `Constant` that holds the value, if it is one literal without a suffix.
    pub(crate) fn constant(&self) -> Option<&'static str> {
        let [token] = self.tokens.as_slice() else { return None };
        let text = token.to_string();
        let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        match token {
            TokenTree::Ident(_) if text == "true" || text == "false" => Some("Bool"),
            TokenTree::Literal(literal) if tokens::string(literal).is_some() => Some("Str"),
            TokenTree::Literal(_) if is_number(&text) && text.bytes().all(|b| b.is_ascii_digit() || b == b'_') => {
                Some("Int")
            }
            TokenTree::Literal(_)
                if is_number(&text) && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'.')) =>
            {
                Some("Double")
            }
            _ => None,
        }
    }

    /// Whether the value is a call of `redact` or `hash`, by whatever path.
    fn is_masked(&self) -> bool {
        let call = self.tokens.iter().position(|token| matches!(token, TokenTree::Group(_)));
        call.and_then(|at| at.checked_sub(1))
            .is_some_and(|at| is_ident(&self.tokens[at], "redact") || is_ident(&self.tokens[at], "hash"))
    }
}

impl Key {
    /// Reads a key, or reports what is wrong with it.
    pub(crate) fn read(tokens: &[TokenTree], otherwise: Span, ctxt: &mut Ctxt) -> Option<Self> {
        let (first, last) = ends(tokens, otherwise);
        let (tokens, incomplete) = match tokens {
            // A dot at the end is what a user has while typing.
            [init @ .., last] if is_punct(last, '.') && is_dotted(init) => (init, true),
            _ => (tokens, false),
        };
        if let [init @ .., TokenTree::Group(index)] = tokens
            && index.delimiter() == Delimiter::Bracket
            && is_dotted(init)
        {
            let index = template_key(index, ctxt)?;
            let name = format!("{}.{index}", tokens::dotted_name(init));
            return Some(Self {
                tokens: init.to_vec(),
                name,
                first,
                last,
                literal: false,
                template: true,
                incomplete: false,
                cfg: Cfg::default(),
            });
        }
        let (name, literal) = match tokens {
            [TokenTree::Literal(literal)] => match tokens::string(literal) {
                Some(text) if name::is_attribute_name(&text) => (text, true),
                _ => {
                    ctxt.error_at(
                        first,
                        format_args!(
                            "{literal} is not an attribute name; expected lower case segments between dots, such as \
                             `\"app.order_id\"`"
                        ),
                    );
                    return None;
                }
            },
            _ if is_dotted(tokens) => (tokens::dotted_name(tokens), false),
            _ => {
                let colon = tokens.iter().position(|token| is_punct(token, ':'));
                match colon.filter(|at| is_dotted(&tokens[..*at])) {
                    Some(at) => {
                        let name = tokens::dotted_name(&tokens[..at]);
                        ctxt.error_at(tokens[at].span(), format_args!("expected `=` behind `{name}`, not `:`"));
                    }
                    None => ctxt.error(first, last, "expected an attribute such as `app.order_id = value`"),
                }
                return None;
            }
        };
        let cfg = Cfg::default();
        Some(Self { tokens: tokens.to_vec(), name, first, last, literal, template: false, incomplete, cfg })
    }

    /// Whether both stand for one attribute in one configuration. Two configurations may exclude each other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && (self.cfg.is_empty() || other.cfg.is_empty() || self.cfg.text() == other.cfg.text())
    }

    /// Whether a method that gives this one has no use for what its block says of `other`.
    pub(crate) fn overrides(&self, other: &Self) -> bool {
        self.name == other.name && (self.cfg.is_empty() || self.cfg.text() == other.cfg.text())
    }

    /// Reports a key that is still to be written.
    pub(crate) fn check_complete(&self, ctxt: &mut Ctxt) {
        if self.incomplete {
            let message = format_args!("expected the rest of the attribute's name behind `{}.`", self.name);
            ctxt.error(self.first, self.last, message);
        }
    }

    /// `keys.a.b` with the user's tokens.
    pub(crate) fn access(&self) -> TokenStream {
        self.access_in(&keys_at(self.first))
    }

    /// The key in the tree that `keys` gives.
    pub(crate) fn access_in(&self, keys: &Group) -> TokenStream {
        let first = self.first;
        let path = tokens::field_access(&self.tokens);
        quote_spanned!(first=> #keys.#path)
    }

    /// What records a value: the key, or the key of a template's elements.
    pub(crate) fn recorder(&self, krate: &TokenStream) -> TokenStream {
        let access = self.access();
        if !self.template {
            return access;
        }
        // At the brackets, which must go if this is no template.
        let (last, krate) = (self.last, tokens::located_at(krate, self.last));
        quote_spanned!(last=> #krate::__private::element_of(&#access))
    }
}

impl Cfg {
    /// Takes `#[cfg(..)]` from the front; `None` if something else stands there that is not allowed.
    pub(crate) fn take<'a>(mut part: &'a [TokenTree], ctxt: &mut Ctxt) -> Option<(Self, &'a [TokenTree])> {
        let mut cfg = Self::default();
        while let [hash, TokenTree::Group(attribute), rest @ ..] = part
            && is_punct(hash, '#')
            && attribute.delimiter() == Delimiter::Bracket
        {
            let inner: Vec<_> = attribute.stream().into_iter().collect();
            let is_cfg = matches!(inner.as_slice(), [word, TokenTree::Group(_)] if is_ident(word, "cfg"));
            if !is_cfg {
                let message = "only `#[cfg(..)]` can stand in front of an argument";
                ctxt.error(hash.span(), attribute.span_close(), message);
                return None;
            }
            cfg.0.extend(part[..2].iter().cloned());
            part = rest;
        }
        if part.is_empty() && !cfg.is_empty() {
            ctxt.error(cfg.first(), cfg.last(), "expected an argument behind `#[cfg(..)]`");
            return None;
        }
        Some((cfg, part))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn first(&self) -> Span {
        ends(&self.0, Span::call_site()).0
    }

    pub(crate) fn last(&self) -> Span {
        ends(&self.0, Span::call_site()).1
    }

    fn text(&self) -> String {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// One statement or item, only in this configuration.
    pub(crate) fn before(&self, code: TokenStream) -> TokenStream {
        let cfg = &self.0;
        if code.is_empty() || cfg.is_empty() { code } else { quote!(#(#cfg)* #code) }
    }

    /// Statements, only in this configuration.
    pub(crate) fn on(&self, code: TokenStream) -> TokenStream {
        if self.is_empty() { code } else { self.before(quote!({ #code })) }
    }

    /// A number, or none of it in another configuration.
    pub(crate) fn or_zero(&self, number: TokenStream) -> TokenStream {
        if self.is_empty() {
            return number;
        }
        let conditions = self.0.iter().filter_map(|token| match token {
            TokenTree::Group(attribute) => match attribute.stream().into_iter().nth(1) {
                Some(TokenTree::Group(condition)) => Some(condition.stream()),
                _ => None,
            },
            _ => None,
        });
        let here = self.on(number);
        quote!({ #here #[cfg(not(all(#(#conditions),*)))] { 0 } })
    }
}

impl Spread {
    /// `a.b = ..value`, whose key is a name above others.
    pub(crate) fn below(key: Key, value: Value, ctxt: &mut Ctxt) -> Option<Self> {
        if key.template || !name::is_name(&key.name) {
            let message = format_args!(
                "`{}` is not a name that attributes can stand below; expected one such as `app.order = ..order`",
                key.name
            );
            ctxt.error(key.first, key.last, message);
            return None;
        }
        Some(Self { cfg: key.cfg.clone(), below: Some(key), value })
    }
}

/// The key between the brackets of `http.request.header["content-type"]`.
fn template_key(index: &proc_macro2::Group, ctxt: &mut Ctxt) -> Option<String> {
    let tokens: Vec<TokenTree> = index.stream().into_iter().collect();
    let (first, last) = ends(&tokens, index.span());
    let Some(text) = (match tokens.as_slice() {
        [TokenTree::Literal(literal)] => tokens::string(literal),
        _ => None,
    }) else {
        ctxt.error(first, last, "the key of a template is a string literal, such as `[\"content-type\"]`");
        return None;
    };
    let fits = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.'))
    };
    if fits(&text) {
        return Some(text);
    }
    let near = text.to_ascii_lowercase();
    let near = if fits(&near) { near } else { "content-type".to_owned() };
    ctxt.error(first, last, format_args!("the key of a template is lower case, such as `[\"{near}\"]`"));
    None
}

/// Looks a key up and does no more. An editor that completes the key finds its beginning in the same place of the code,
/// whatever is written of it: it compares the code with and without the next segment.
pub(crate) fn look(key: &TokenStream) -> TokenStream {
    quote!(let _ = &#key;)
}

/// The tree of keys, for errors at `span`.
pub(crate) fn keys_at(span: Span) -> Group {
    let keys = Ident::new("__otelier_keys", Span::mixed_site());
    placed(span, quote!(#keys))
}

/// An expression, for errors at `span`. What it is made of has no place in the file, or editors would go to it.
pub(crate) fn placed(span: Span, expression: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Parenthesis, expression);
    group.set_span(span.resolved_at(Span::mixed_site()));
    group
}

/// `..value`: the attributes of a struct. The value is missing if the user has not written it.
pub(crate) fn spread(part: &[TokenTree], ctxt: &mut Ctxt) -> Option<Option<Value>> {
    let [dot, second, value @ ..] = part else { return None };
    if !is_punct(dot, '.') || !is_punct(second, '.') {
        return None;
    }
    if value.is_empty() {
        ctxt.error(dot.span(), second.span(), "expected a value that has attributes behind `..`, such as `..order`");
        return Some(None);
    }
    let returns = options::returns("`..`", value, ctxt);
    Some((!returns).then(|| Value::new(value, second.span())))
}

/// Splits `a.b = value`.
pub(crate) fn key_and_value(part: &[TokenTree]) -> (&[TokenTree], Option<&[TokenTree]>) {
    match part.iter().position(|token| is_punct(token, '=')) {
        Some(at) => (&part[..at], Some(&part[at + 1..])),
        None => (part, None),
    }
}

impl Args {
    /// Reads the arguments; `schema_given` if the macro fills in the schema.
    pub(crate) fn read(tokens: TokenStream, schema_given: bool, ctxt: &mut Ctxt) -> Self {
        Self::read_in(tokens, schema_given, None, ctxt)
    }

    /// Reads the arguments of a method, whose block may give it a schema and attributes.
    pub(crate) fn read_in(tokens: TokenStream, schema_given: bool, block: Option<Block<'_>>, ctxt: &mut Ctxt) -> Self {
        let ends_with_comma = tokens.clone().into_iter().last().is_some_and(|last| is_punct(&last, ','));
        let mut args = Self { ends_with_comma, ..Self::default() };
        let mut before = Span::call_site();
        let mut block = block.filter(|_| !schema_given);
        for (number, part) in split(tokens, ',').into_iter().enumerate() {
            if number == 0 && !schema_given && is_path(&part) {
                args.schema = Some(part.iter().cloned().collect());
                block = None;
            } else if part.is_empty() {
                ctxt.error_at(before, "expected an argument behind this; leave one comma out");
            } else {
                let has_schema = schema_given || block.is_some_and(|block| block.has_schema);
                parts(&part, ctxt).into_iter().for_each(|part| args.read_part(part, has_schema, ctxt));
            }
            before = part.last().map_or(before, TokenTree::span);
        }
        let has_schema = schema_given || args.schema.is_some() || block.is_some_and(|block| block.has_schema);
        args.check(has_schema, block.map(|block| block.args), ctxt);
        args.is_complete = ctxt.is_empty() && args.unfinished.is_empty();
        args
    }

    /// Refuses what cannot hold for every method of a block.
    pub(crate) fn check_for_block(&self, ctxt: &mut Ctxt) {
        if let Some(name) = &self.name {
            ctxt.error_at(name.span(), "the methods of a block have names of their own; write `name` at one method");
        }
        for late in &self.late {
            let message = "`late` is about one body; write it at the method that records the attribute";
            ctxt.error(late.first, late.last, message);
        }
    }

    /// What the annotation of a block says of one method.
    pub(crate) fn of_method(&self, signature: &Signature) -> Self {
        let mut args = self.clone();
        if !signature.has_receiver {
            // A method without `self` has nothing of it to record.
            args.attributes.retain(|(_, value)| !tokens::mentions(&value.tokens, "self"));
            args.spread.retain(|spread| !tokens::mentions(&spread.value.tokens, "self"));
            args.options.forget_self();
        }
        args.options.forget_results(signature);
        args
    }

    /// These arguments, with `defaults` where they say nothing.
    pub(crate) fn with_defaults(mut self, defaults: Self) -> Self {
        let given = self.attributes.iter().map(|(key, _)| key).chain(&self.late).chain(self.options.returned_keys());
        let given: Vec<Key> = given.cloned().collect();
        let is_given = |key: &Key| given.iter().any(|given| given.overrides(key));
        let mut attributes: Vec<_> = defaults.attributes.into_iter().filter(|(key, _)| !is_given(key)).collect();
        attributes.append(&mut self.attributes);
        let mut spread = defaults.spread;
        spread.append(&mut self.spread);
        Self {
            schema: self.schema.or(defaults.schema),
            kind: self.kind.or(defaults.kind),
            krate: self.krate.or(defaults.krate),
            attributes,
            spread,
            options: self.options.with_defaults(defaults.options, is_given),
            ..self
        }
    }

    /// These arguments, with the block's path of the crate if they have none.
    pub(crate) fn with_crate_of(mut self, block: &Self) -> Self {
        self.krate = self.krate.or_else(|| block.krate.clone());
        self
    }

    fn read_part(&mut self, part: &[TokenTree], schema_given: bool, ctxt: &mut Ctxt) {
        let Some((cfg, part)) = Cfg::take(part, ctxt) else { return };
        let Some(head) = part.first() else { return };
        if let Some(value) = spread(part, ctxt) {
            self.spread.extend(value.map(|value| Spread { cfg, below: None, value }));
            return;
        }
        if let (TokenTree::Ident(option), Some(list)) = (head, tokens::group(part.get(1), Delimiter::Parenthesis)) {
            match option.to_string().as_str() {
                "late" if cfg.is_empty() => self.read_list(option, list.stream(), ctxt),
                word if options::form(word).is_some() => self.options.read(option, cfg, Form::List(list), ctxt),
                _ => return unknown(option, ctxt),
            }
            options::nothing_more(option, &part[2..], ctxt);
            return;
        }
        if let Some(mistake) = misplaced(part, schema_given || self.schema.is_some()) {
            let (first, last) = ends(part, head.span());
            ctxt.error(first, last, mistake);
            return;
        }
        let (key, value) = key_and_value(part);
        let below = value.is_some_and(|value| matches!(value, [a, b, ..] if is_punct(a, '.') && is_punct(b, '.')));
        if let [TokenTree::Ident(option)] = key
            && (options::form(&option.to_string()).is_some() || !(schema_given || self.schema.is_some() || below))
        {
            self.read_option(option, cfg, value, ctxt);
            return;
        }
        let Some(mut key) = Key::read(key, head.span(), ctxt) else { return };
        key.cfg = cfg;
        self.attribute(key, value, schema_given || self.schema.is_some(), ctxt);
    }

    fn attribute(&mut self, key: Key, value: Option<&[TokenTree]>, has_schema: bool, ctxt: &mut Ctxt) {
        let Some(value) = value.filter(|_| !key.incomplete) else {
            self.unfinished.push(key);
            return;
        };
        if let Some(value) = spread(value, ctxt) {
            self.spread.extend(value.and_then(|value| Spread::below(key, value, ctxt)));
            return;
        }
        if self.attributes.iter().any(|(other, _)| other.is_same(&key)) {
            ctxt.error(key.first, key.last, format_args!("attribute `{}` is given twice", key.name));
            return;
        }
        if self.late.iter().any(|late| late.name == key.name) {
            given_and_late(&key, ctxt);
            return;
        }
        let value = Value::new(value, key.last);
        check_attribute(&key, &value, has_schema, ctxt);
        self.attributes.push((key, value));
    }

    fn read_list(&mut self, option: &Ident, list: TokenStream, ctxt: &mut Ctxt) {
        if list.is_empty() {
            expected(option, &[], "a list, such as `late(app.count)`", ctxt);
        }
        for part in split(list, ',') {
            let Some((cfg, part)) = Cfg::take(&part, ctxt) else { continue };
            if !cfg.is_empty() {
                let message = "a late attribute cannot depend on `#[cfg(..)]`; leave it out of `late(..)`, and record it in \
                               the body";
                ctxt.error(cfg.first(), cfg.last(), message);
                continue;
            }
            if let ([.., _], Some(value @ [_, ..])) = key_and_value(part) {
                let (first, last) = ends(value, option.span());
                ctxt.error(
                    first,
                    last,
                    "a late attribute gets its value by `record!` in the body; leave the value out here",
                );
                continue;
            }
            if let Some(key) = Key::read(part, option.span(), ctxt) {
                if self.late.iter().any(|other| other.name == key.name) {
                    ctxt.error(key.first, key.last, format_args!("attribute `{}` is late twice", key.name));
                } else if self.attributes.iter().any(|(given, _)| given.name == key.name) {
                    given_and_late(&key, ctxt);
                } else {
                    self.late.push(key);
                }
            }
        }
    }

    fn read_option(&mut self, option: &Ident, cfg: Cfg, value: Option<&[TokenTree]>, ctxt: &mut Ctxt) {
        let form = Form::new(value);
        let value = value.unwrap_or_default();
        if !cfg.is_empty() && matches!(option.to_string().as_str(), "name" | "kind" | "crate" | "late") {
            return self.options.read(option, cfg, form, ctxt);
        }
        match (option.to_string().as_str(), value) {
            ("name", [TokenTree::Literal(literal)]) if tokens::string(literal).is_some_and(|name| !name.is_empty()) => {
                given_once(option, &mut self.name, literal.clone(), ctxt);
            }
            ("kind", [TokenTree::Ident(kind)]) => match Kind::from_name(&kind.to_string()) {
                Some(found) => given_once(option, &mut self.kind, (found, kind.clone()), ctxt),
                None => ctxt.error_at(
                    kind.span(),
                    format_args!(
                        "`{kind}` is not a span kind; expected {}",
                        suggest::list(Kind::ALL.iter().map(|kind| kind.as_str()))
                    ),
                ),
            },
            ("crate", path) if !path.is_empty() => {
                given_once(option, &mut self.krate, path.iter().cloned().collect(), ctxt);
            }
            (word, _) if options::form(word).is_some() => self.options.read(option, cfg, form, ctxt),
            _ => unknown(option, ctxt),
        }
    }
}

fn given_and_late(key: &Key, ctxt: &mut Ctxt) {
    let message =
        format_args!("attribute `{0}` has a value and is `late`; write one of `{0} = value` and `late({0})`", key.name);
    ctxt.error(key.first, key.last, message);
}

/// One argument, or more if commas are missing between them.
pub(crate) fn parts<'a>(mut part: &'a [TokenTree], ctxt: &mut Ctxt) -> Vec<&'a [TokenTree]> {
    let mut parts = Vec::new();
    while let Some(next) = missing_comma(part) {
        let (one, rest) = part.split_at(next);
        ctxt.error_at(rest[0].span(), format_args!("expected `,` before `{}`", rest[0]));
        parts.push(one);
        part = rest;
    }
    parts.push(part);
    parts
}

pub(crate) fn given_once<T>(option: &Ident, slot: &mut Option<T>, value: T, ctxt: &mut Ctxt) {
    if slot.is_some() {
        return ctxt.error_at(option.span(), format_args!("`{option}` is given twice"));
    }
    *slot = Some(value);
}

pub(crate) fn expected(option: &Ident, value: &[TokenTree], what: &str, ctxt: &mut Ctxt) {
    let (first, last) = ends(value, option.span());
    ctxt.error(first, last, format_args!("`{option}` needs {what}"));
}

fn unknown(option: &Ident, ctxt: &mut Ctxt) {
    let name = option.to_string();
    let message = match suggest::did_you_mean(&name, options::names()) {
        Some(near) => format!("unknown argument `{name}`; did you mean `{near}`?"),
        None => format!(
            "unknown argument `{name}`; expected {}, or an attribute with a namespace such as `app.{name} = value`",
            suggest::list(options::names())
        ),
    };
    ctxt.error_at(option.span(), message);
}

/// What is wrong with an argument that may be meant as the schema or as the name.
fn misplaced(part: &[TokenTree], has_schema: bool) -> Option<String> {
    let is_type = |part: &[TokenTree]| {
        is_path(part)
            && matches!(part, [.., TokenTree::Ident(last)] if last.to_string().starts_with(char::is_uppercase))
    };
    match part {
        [TokenTree::Literal(literal)] if tokens::string(literal).is_some() => {
            Some(format!("a span's name is written `name = {literal}`, and a schema without quotes"))
        }
        part if is_type(part) && has_schema => Some("a span has one schema; leave this one out".to_owned()),
        part if is_type(part) => Some("the schema stands first, before all other arguments".to_owned()),
        [word, eq, path @ ..] if !has_schema && is_ident(word, "schema") && is_punct(eq, '=') && is_path(path) => {
            let path: String = path.iter().map(ToString::to_string).collect();
            Some(format!("the schema stands first and without a key: `{path}`"))
        }
        _ => None,
    }
}

/// Where the next attribute starts behind a missing comma: `app.id = 1 app.size = 2`.
fn missing_comma(part: &[TokenTree]) -> Option<usize> {
    let mut sides = (0..part.len()).filter(|at| {
        let is = |at: Option<usize>, puncts: &str| {
            let token = at.and_then(|at| part.get(at));
            token.is_some_and(|token| matches!(token, TokenTree::Punct(punct) if puncts.contains(punct.as_char())))
        };
        is(Some(*at), "=") && !is(at.checked_sub(1), "=<>!+-*/%^&|") && !is(at.checked_add(1), "=>")
    });
    let (first, second) = (sides.next()?, sides.next()?);
    let mut start = second;
    while let [.., dot, TokenTree::Ident(_)] = &part[..start]
        && is_punct(dot, '.')
    {
        start -= 2;
    }
    let mut start = start.checked_sub(1)?;
    let is_option = options::names().any(|option| is_ident(&part[start], option));
    let is_key = is_dotted(&part[start..second]) && (second - start > 1 || is_option);
    while let [.., hash, TokenTree::Group(_)] = &part[..start]
        && is_punct(hash, '#')
    {
        start -= 2;
    }
    (is_key && start > first + 1).then_some(start)
}

/// Checks the name of an attribute that no schema declares: it must be one, and one that stands for a credential needs a
/// masked value. A declared attribute has its class instead, which says nothing about the keys of a template.
pub(crate) fn check_attribute(key: &Key, value: &Value, has_schema: bool, ctxt: &mut Ctxt) {
    let is_declared = has_schema && !key.literal;
    options::returns(&format!("`{}`", key.name), &value.tokens, ctxt);
    if !is_declared && !key.template && !name::is_attribute_name(&key.name) {
        ctxt.error(key.first, key.last, bad_name(&key.name));
    } else if (!is_declared || key.template)
        && name::looks_like_a_credential(&key.name)
        && !value.tokens.is_empty()
        && !value.is_masked()
    {
        ctxt.error(
            key.first,
            key.last,
            format_args!(
                "attribute `{}` looks like a credential and would be exported in clear text; write `redact(value)` or \
                 `hash(value)`",
                key.name
            ),
        );
    }
}

/// Says that something is no attribute's name.
pub(crate) fn bad_name(name: &str) -> String {
    let mut near = String::new();
    for c in name.chars() {
        match c {
            'A'..='Z' if near.ends_with(|before: char| before.is_ascii_lowercase()) => {
                near.push('_');
                near.push(c.to_ascii_lowercase());
            }
            '-' => near.push('_'),
            c => near.push(c.to_ascii_lowercase()),
        }
    }
    let near = if near.contains('.') { near } else { format!("app.{near}") };
    let instead = if name::is_attribute_name(&near) { &near } else { "app.order_id" };
    format!("`{name}` is not an attribute name; expected lower case segments between dots, such as `{instead}`")
}

/// Whether the tokens are a path to a type: `Name`, `a::Name`, `::a::Name`.
fn is_path(part: &[TokenTree]) -> bool {
    !part.is_empty()
        && part.iter().all(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'))
        && matches!(part, [.., TokenTree::Ident(last)] if options::form(&last.to_string()).is_none())
}

/// What `record!` says.
pub(crate) enum Record {
    Attribute(Key, Value),
    /// A key without `= value`: unfinished code.
    Unfinished(Key),
    Spread(Spread),
}

/// The arguments of `record!(a.b = value)`.
pub(crate) fn read_record(part: &[TokenTree], span: Span, ctxt: &mut Ctxt) -> Option<Record> {
    if let Some(value) = spread(part, ctxt) {
        return value.map(|value| Record::Spread(Spread { cfg: Cfg::default(), below: None, value }));
    }
    let mut parts = split(part.iter().cloned().collect(), ',').into_iter();
    let part = parts.next().unwrap_or_default();
    if let Some(second) = parts.next() {
        let (first, last) = ends(&second, span);
        ctxt.error(first, last, "`record!` takes one attribute; write another `record!` for this one");
    }
    let (key, value) = key_and_value(&part);
    let key = Key::read(key, span, ctxt)?;
    let Some(value) = value.filter(|_| !key.incomplete) else { return Some(Record::Unfinished(key)) };
    if let Some(value) = spread(value, ctxt) {
        return value.and_then(|value| Spread::below(key, value, ctxt)).map(Record::Spread);
    }
    let value = Value::new(value, key.last);
    Some(Record::Attribute(key, value))
}

/// What an event is called.
pub(crate) enum EventName {
    Literal(Literal),
    /// The path of an event schema.
    Schema(TokenStream),
}

/// What `event!` says.
pub(crate) struct Event {
    pub(crate) name: EventName,
    pub(crate) attributes: Vec<(Key, Value)>,
    /// Keys without `= value`: unfinished code.
    pub(crate) unfinished: Vec<Key>,
    pub(crate) spread: Vec<Spread>,
    /// Whether all of them could be read.
    pub(crate) is_complete: bool,
}

/// The arguments of `event!("name", a.b = value, …)` and `event!(Schema, a.b = value, …)`. `word` is `event!`, or `event` in
/// an annotation.
pub(crate) fn read_event(word: &str, tokens: TokenStream, span: Span, ctxt: &mut Ctxt) -> Option<Event> {
    let mut parts = split(tokens, ',').into_iter();
    let name = match parts.next().as_deref() {
        Some([TokenTree::Literal(literal)]) if tokens::string(literal).is_some_and(|name| !name.is_empty()) => {
            EventName::Literal(literal.clone())
        }
        Some(path) if is_path(path) => EventName::Schema(path.iter().cloned().collect()),
        other => {
            let (first, last) = ends(other.unwrap_or_default(), span);
            ctxt.error(
                first,
                last,
                format_args!(
                    "`{word}` needs a name or an event schema first, such as `{word}(\"retry\", app.attempt = 2)`"
                ),
            );
            return None;
        }
    };
    let declared = matches!(name, EventName::Schema(_));
    let mut attributes: Vec<(Key, Value)> = Vec::new();
    let (mut unfinished, mut spreads) = (Vec::new(), Vec::new());
    let mut is_complete = true;
    for part in parts {
        let Some((cfg, part)) = Cfg::take(&part, ctxt) else {
            is_complete = false;
            continue;
        };
        if let Some(value) = spread(part, ctxt) {
            spreads.extend(value.map(|value| Spread { cfg, below: None, value }));
            continue;
        }
        let (key, value) = key_and_value(part);
        let Some(mut key) = Key::read(key, span, ctxt) else {
            is_complete = false;
            continue;
        };
        key.cfg = cfg;
        if let Some(value) = value.and_then(|value| spread(value, ctxt)) {
            spreads.extend(value.and_then(|value| Spread::below(key, value, ctxt)));
            continue;
        }
        if attributes.iter().any(|(other, _)| other.is_same(&key)) {
            ctxt.error(key.first, key.last, format_args!("attribute `{}` is given twice", key.name));
            continue;
        }
        match value.filter(|value| !value.is_empty() && !key.incomplete) {
            Some(value) => {
                let value = Value::new(value, key.last);
                check_attribute(&key, &value, declared, ctxt);
                attributes.push((key, value));
            }
            None => {
                is_complete = false;
                unfinished.push(key);
            }
        }
    }
    Some(Event { name, attributes, unfinished, spread: spreads, is_complete })
}

/// The path of the `otelier` crate.
pub(crate) fn crate_path(krate: Option<&TokenStream>) -> TokenStream {
    krate.cloned().unwrap_or_else(|| quote!(::otelier))
}
