//! Reads and checks a schema's declaration.

use crate::ctxt::Ctxt;
use crate::tokens::{self, dotted_name, ends, group, is_dotted, is_ident, is_punct, split};
use otelier_spec::{Kind, name, suggest};
use proc_macro2::{Delimiter, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// What a declaration asks for.
pub(super) enum Declaration {
    /// A group is to be included first.
    Include {
        group: TokenStream,
        rest: TokenStream,
    },
    Schema(Schema),
}

/// A checked declaration.
#[derive(Debug)]
pub(super) struct Schema {
    /// Attributes and documentation of the schema's type.
    pub(super) outer: TokenStream,
    pub(super) doc: String,
    pub(super) visibility: TokenStream,
    pub(super) name: Ident,
    pub(super) id: Literal,
    pub(super) kind: Kind,
    pub(super) open: bool,
    pub(super) pattern: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) constants: Vec<(String, Literal)>,
}

/// One declared attribute.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) segments: Vec<(String, Span)>,
    pub(super) value_type: ValueType,
    pub(super) requirement: &'static str,
    pub(super) sensitive: bool,
    pub(super) unit: Option<Literal>,
    pub(super) values: Vec<Literal>,
    pub(super) deprecated: Option<Literal>,
    pub(super) doc: String,
}

#[derive(Clone, Debug)]
pub(super) enum ValueType {
    String,
    Int,
    Double,
    Boolean,
    /// The path of a Rust enum.
    Enum(TokenStream),
}

const TYPES: [&str; 4] = ["boolean", "double", "int", "string"];
const WORDS: [&str; 8] = ["deprecated", "in", "opt_in", "public", "recommended", "required", "sensitive", "unit"];
/// One bit each in the mask of given attributes.
const MOST_ATTRIBUTES: usize = 128;

pub(super) fn read(input: TokenStream, ctxt: &mut Ctxt) -> Option<Declaration> {
    let tokens: Vec<TokenTree> = input.into_iter().collect();
    let body = group(tokens.last(), Delimiter::Brace);
    let eq = tokens.iter().position(|token| is_punct(token, '='));
    let (Some(body), Some(eq)) = (body, eq) else {
        ctxt.error_at(Span::call_site(), "expected `pub Name = \"span.type\" { attribute: type; … }`");
        return None;
    };
    let head: TokenStream = tokens[..tokens.len() - 1].iter().cloned().collect();
    let mut items = split(body.stream(), ';');
    if let Some(at) = items.iter().position(|item| item.first().is_some_and(|first| is_ident(first, "include"))) {
        let include = items.remove(at);
        let group: TokenStream = include[1..].iter().cloned().collect();
        let semicolon = || TokenTree::Punct(Punct::new(';', Spacing::Alone));
        let rest: TokenStream = items.into_iter().flat_map(|item| item.into_iter().chain([semicolon()])).collect();
        return Some(Declaration::Include { group, rest: quote!({ #head } { #rest }) });
    }
    let (TokenTree::Ident(name), Some(TokenTree::Literal(id))) = (tokens.get(eq.checked_sub(1)?)?, tokens.get(eq + 1))
    else {
        ctxt.error_at(tokens[eq].span(), "expected `Name = \"span.type\"` before the attributes");
        return None;
    };
    let mut schema = Schema {
        outer: TokenStream::new(),
        doc: String::new(),
        visibility: TokenStream::new(),
        name: name.clone(),
        id: id.clone(),
        kind: Kind::Internal,
        open: false,
        pattern: String::new(),
        attributes: Vec::new(),
        constants: Vec::new(),
    };
    schema.read_head(&tokens[..eq - 1]);
    if !tokens::string(id).is_some_and(|id| name::is_attribute_name(&id)) {
        ctxt.error_at(id.span(), format_args!("{id} is not a span type; expected lower case segments between dots"));
    }
    for item in &items {
        schema.read_item(item, ctxt);
    }
    schema.check_pattern(&items, ctxt);
    if schema.attributes.len() > MOST_ATTRIBUTES {
        ctxt.error_at(name.span(), format_args!("a span schema can have at most {MOST_ATTRIBUTES} attributes"));
        return None;
    }
    Some(Declaration::Schema(schema))
}

/// The text of `#[doc = "…"]`, if the two tokens are that.
fn doc_text(hash: &TokenTree, list: &TokenTree) -> Option<String> {
    let list = group(Some(list), Delimiter::Bracket).filter(|_| is_punct(hash, '#'))?;
    match list.stream().into_iter().collect::<Vec<_>>().as_slice() {
        [word, _, TokenTree::Literal(text)] if is_ident(word, "doc") => {
            Some(tokens::string(text).unwrap_or_else(|| text.to_string()).trim().to_owned())
        }
        _ => None,
    }
}

impl Schema {
    /// Attributes, documentation and visibility before the name.
    fn read_head(&mut self, head: &[TokenTree]) {
        let visibility = head.iter().position(|token| is_ident(token, "pub")).unwrap_or(head.len());
        self.outer = head[..visibility].iter().cloned().collect();
        self.visibility = head[visibility..].iter().cloned().collect();
        let docs: Vec<String> = head.windows(2).filter_map(|pair| doc_text(&pair[0], &pair[1])).collect();
        self.doc = docs.join(" ");
    }

    fn read_item(&mut self, item: &[TokenTree], ctxt: &mut Ctxt) {
        // Documentation may stand before an attribute, or as a string behind it.
        let mut docs = Vec::new();
        let mut item = item;
        while let [hash, list, rest @ ..] = item
            && let Some(text) = doc_text(hash, list)
        {
            docs.push(text);
            item = rest;
        }
        match item {
            [] => {}
            [word] if is_ident(word, "open") => self.open = true,
            [word] if is_ident(word, "closed") => self.open = false,
            [word, eq, value @ ..] if is_ident(word, "kind") && is_punct(eq, '=') => self.read_kind(value, ctxt),
            [word, eq, TokenTree::Literal(pattern)] if is_ident(word, "name") && is_punct(eq, '=') => {
                self.pattern = tokens::string(pattern).unwrap_or_default();
            }
            [word, rest @ ..] if is_ident(word, "constant") => self.read_constant(rest, ctxt),
            _ => {
                if let Some(attribute) = read_attribute(item, docs.join(" "), ctxt) {
                    self.add(attribute, ctxt);
                }
            }
        }
    }

    fn read_kind(&mut self, value: &[TokenTree], ctxt: &mut Ctxt) {
        let (first, last) = ends(value, self.name.span());
        let word: String = value.iter().map(ToString::to_string).collect();
        match Kind::from_name(&word) {
            Some(kind) => self.kind = kind,
            None => {
                let kinds = suggest::list(Kind::ALL.iter().map(|kind| kind.as_str()));
                ctxt.error(first, last, format_args!("`{word}` is not a span kind; expected {kinds}"));
            }
        }
    }

    fn read_constant(&mut self, rest: &[TokenTree], ctxt: &mut Ctxt) {
        match rest {
            [key @ .., eq, TokenTree::Literal(value)]
                if is_punct(eq, '=') && is_dotted(key) && tokens::string(value).is_some() =>
            {
                self.constants.push((dotted_name(key), value.clone()));
            }
            _ => {
                let (first, last) = ends(rest, self.name.span());
                ctxt.error(first, last, "expected `constant a.b = \"value\";`");
            }
        }
    }

    fn add(&mut self, attribute: Attribute, ctxt: &mut Ctxt) {
        let span = |at: usize| attribute.segments.get(at).map_or_else(Span::call_site, |segment| segment.1);
        let (first, last) = (span(0), span(attribute.segments.len() - 1));
        let known = self.attributes.iter().map(|other| &other.name).chain(self.constants.iter().map(|(name, _)| name));
        if known.into_iter().any(|other| *other == attribute.name) {
            let message = format!("attribute `{}` is declared twice in span {}", attribute.name, self.id);
            ctxt.error(first, last, message);
            return;
        }
        self.attributes.push(attribute);
    }

    /// Every placeholder of the name must always have a value.
    fn check_pattern(&self, items: &[Vec<TokenTree>], ctxt: &mut Ctxt) {
        let literal = items.iter().find_map(|item| match item.as_slice() {
            [word, _, TokenTree::Literal(literal)] if is_ident(word, "name") => Some(literal),
            _ => None,
        });
        let Some(span) = literal.map(Literal::span) else { return };
        let mut rest = self.pattern.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let Some((key, after)) = after.split_once('}') else {
                ctxt.error_at(span, "the span name has a `{` without its `}`");
                return;
            };
            rest = after;
            if self.constants.iter().any(|(name, _)| name == key) {
                continue;
            }
            match self.attributes.iter().find(|attribute| attribute.name == key) {
                Some(attribute) if attribute.requirement == "Required" => {}
                Some(_) => ctxt.error_at(
                    span,
                    format_args!("the span name uses `{{{key}}}`, which is not required; declare it `required`, so that the name can always be built"),
                ),
                None => {
                    let names = self.attributes.iter().map(|attribute| attribute.name.as_str());
                    let hint = suggest::did_you_mean(key, names).map(|near| format!("; did you mean `{{{near}}}`?"));
                    let hint = hint.unwrap_or_default();
                    ctxt.error_at(span, format_args!("the span name uses `{{{key}}}`, which is not declared{hint}"));
                }
            }
        }
    }
}

/// `a.b: type words… "documentation"`
fn read_attribute(item: &[TokenTree], doc_before: String, ctxt: &mut Ctxt) -> Option<Attribute> {
    let (first, last) = ends(item, Span::call_site());
    let colon = item.iter().position(|token| is_punct(token, ':'));
    let Some((key, rest)) = colon.map(|at| (&item[..at], &item[at + 1..])).filter(|(key, _)| is_dotted(key)) else {
        ctxt.error(first, last, "expected `attribute.name: type`, `kind`, `name`, `open`, `include` or `constant`");
        return None;
    };
    let segments = key
        .iter()
        .filter_map(|token| match token {
            TokenTree::Ident(ident) => Some((tokens::plain(ident), ident.span())),
            _ => None,
        })
        .collect();
    let (words, value_type) = read_type(key, rest, ctxt)?;
    let mut attribute = Attribute {
        name: dotted_name(key),
        segments,
        value_type,
        requirement: "Recommended",
        sensitive: false,
        unit: None,
        values: Vec::new(),
        deprecated: None,
        doc: doc_before,
    };
    let public = attribute.read_words(words, ctxt);
    if !public && !attribute.sensitive && name::looks_like_a_credential(&attribute.name) {
        let (first, last) = ends(key, first);
        ctxt.error(
            first,
            last,
            format_args!(
                "attribute `{}` looks like a credential; write `sensitive` behind its type, or `public` if it is none",
                attribute.name
            ),
        );
    }
    Some(attribute)
}

/// The type, and the words that follow it.
fn read_type<'a>(key: &[TokenTree], rest: &'a [TokenTree], ctxt: &mut Ctxt) -> Option<(&'a [TokenTree], ValueType)> {
    let Some(TokenTree::Ident(first)) = rest.first() else {
        let (first, last) = ends(key, Span::call_site());
        let types = suggest::list(TYPES);
        ctxt.error(first, last, format_args!("attribute `{}` needs a type: {types}, or a Rust enum", dotted_name(key)));
        return None;
    };
    let simple = match first.to_string().as_str() {
        "string" => Some(ValueType::String),
        "int" => Some(ValueType::Int),
        "double" => Some(ValueType::Double),
        "boolean" => Some(ValueType::Boolean),
        _ => None,
    };
    if let Some(value_type) = simple {
        return Some((&rest[1..], value_type));
    }
    // A path: an identifier, then `::identifier` as long as it goes on; `$crate` comes from groups as `crate`.
    let mut end = 1;
    while let Some([colon, second, TokenTree::Ident(_)]) = rest.get(end..end + 3)
        && is_punct(colon, ':')
        && is_punct(second, ':')
    {
        end += 3;
    }
    let name = first.to_string();
    if end == 1 && name.starts_with(|first: char| first.is_lowercase()) {
        let hint = suggest::did_you_mean(&name, TYPES).map(|near| format!("; did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| format!("; expected {}, or a Rust enum", suggest::list(TYPES)));
        ctxt.error_at(first.span(), format_args!("`{name}` is not an attribute type{hint}"));
        return None;
    }
    Some((&rest[end..], ValueType::Enum(rest[..end].iter().cloned().collect())))
}

impl Attribute {
    /// Reads what follows the type; returns whether the attribute is said to be public.
    fn read_words(&mut self, mut words: &[TokenTree], ctxt: &mut Ctxt) -> bool {
        let mut public = false;
        while let Some((word, rest)) = words.split_first() {
            words = rest;
            match word {
                TokenTree::Literal(text) => self.doc = tokens::string(text).unwrap_or_default(),
                TokenTree::Ident(ident) => {
                    let argument = words.first();
                    let taken = self.read_word(ident, argument, &mut public, ctxt);
                    words = words.get(taken..).unwrap_or_default();
                }
                other => ctxt.error_at(other.span(), format_args!("expected {}", suggest::list(WORDS))),
            }
        }
        public
    }

    /// Reads one word; returns how many tokens its argument took.
    fn read_word(&mut self, word: &Ident, argument: Option<&TokenTree>, public: &mut bool, ctxt: &mut Ctxt) -> usize {
        let literal = match argument {
            Some(TokenTree::Literal(literal)) if tokens::string(literal).is_some() => Some(literal.clone()),
            _ => None,
        };
        match (word.to_string().as_str(), literal) {
            ("required", _) => self.requirement = "Required",
            ("recommended", _) => self.requirement = "Recommended",
            ("opt_in", _) => self.requirement = "OptIn",
            ("sensitive", _) => self.sensitive = true,
            ("public", _) => *public = true,
            ("unit", Some(unit)) => {
                self.unit = Some(unit);
                return 1;
            }
            ("deprecated", Some(note)) => {
                self.deprecated = Some(note);
                return 1;
            }
            ("in", _) if let Some(list) = group(argument, Delimiter::Bracket) => {
                self.values = list
                    .stream()
                    .into_iter()
                    .filter_map(|token| match token {
                        TokenTree::Literal(literal) => Some(literal),
                        _ => None,
                    })
                    .collect();
                return 1;
            }
            ("unit" | "deprecated", None) => ctxt.error_at(word.span(), format_args!("`{word}` needs a string")),
            ("in", _) => ctxt.error_at(word.span(), "`in` needs a list, such as `in [\"buy\", \"sell\"]`"),
            (name, _) => {
                let hint = suggest::did_you_mean(name, WORDS).map(|near| format!("; did you mean `{near}`?"));
                let hint = hint.unwrap_or_else(|| format!("; expected {}", suggest::list(WORDS)));
                ctxt.error_at(word.span(), format_args!("unknown word `{name}`{hint}"));
            }
        }
        0
    }
}
