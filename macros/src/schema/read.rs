//! Reads a declaration whose groups are all resolved.

use super::attribute::{self, starts_with};
use super::model::{Declaration, Form};
use crate::ctxt::Ctxt;
use crate::tokens::{self, dotted_name, ends, group, is_dotted, is_ident, is_punct, split};
use otelier_spec::{Kind, Level, MAX_ATTRIBUTES, Requirement, Stability, name, suggest};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::quote;

/// Reads the tokens before the braces (`head`) and the items between them.
pub(super) fn read(form: Form, head: &[TokenTree], items: &[Vec<TokenTree>], ctxt: &mut Ctxt) -> Option<Declaration> {
    let mut declaration = Declaration::of_head(form, head, ctxt)?;
    let (taken, own): (Vec<_>, Vec<_>) = items.iter().partition(|item| starts_with(item, "from"));
    for item in &own {
        if let [word, path @ ..] = with_docs(item).1
            && starts_with(item, "crate")
        {
            declaration.read_crate(word.span(), path, ctxt);
        }
    }
    for item in taken {
        declaration.read_taken(item, ctxt);
    }
    let mut seen = Vec::new();
    for item in own {
        declaration.read_item(item, &mut seen, ctxt);
    }
    declaration.check_pattern(ctxt);
    if declaration.attributes.len() > MAX_ATTRIBUTES {
        let count = declaration.attributes.len();
        let message = format_args!("{} can have at most {MAX_ATTRIBUTES} attributes, not {count}", form.described());
        ctxt.error_at(declaration.name.span(), message);
        return None;
    }
    Some(declaration)
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

/// Documentation in front of `tokens`, and what follows it.
pub(super) fn with_docs(mut tokens: &[TokenTree]) -> (String, &[TokenTree]) {
    let mut docs = Vec::new();
    while let [hash, list, rest @ ..] = tokens
        && let Some(text) = doc_text(hash, list)
    {
        docs.push(text);
        tokens = rest;
    }
    (docs.join(" ").trim().to_owned(), tokens)
}

impl Declaration {
    /// A declaration without items.
    pub(super) fn new(form: Form, name: proc_macro2::Ident) -> Self {
        Self {
            form,
            krate: quote!(::otelier),
            outer: TokenStream::new(),
            doc: String::new(),
            note: String::new(),
            visibility: TokenStream::new(),
            name,
            makes_type: true,
            id: None,
            kind: None,
            undeclared: None,
            pattern: None,
            stability: None,
            deprecated: None,
            attributes: Vec::new(),
            constants: Vec::new(),
        }
    }

    /// Attributes, documentation, visibility, name and id: `/// … pub Name = "id"`.
    fn of_head(form: Form, head: &[TokenTree], ctxt: &mut Ctxt) -> Option<Self> {
        let expected = format!("expected `pub Name = \"{}\"` before the braces", example_id(form));
        let eq = head.iter().position(|token| is_punct(token, '=')).unwrap_or(head.len());
        let (mut before, mut id) = (&head[..eq], head.get(eq + 1..).unwrap_or_default());
        if let [rest @ .., TokenTree::Literal(text)] = before {
            ctxt.error_at(text.span(), format_args!("expected `=` before {text}"));
            (before, id) = (rest, &before[rest.len()..]);
        }
        let Some((TokenTree::Ident(name), before)) = before.split_last() else {
            let (first, last) = ends(&head[head.len().saturating_sub(1)..], Span::call_site());
            ctxt.error(first, last, expected);
            return None;
        };
        let mut declaration = Self::new(form, name.clone());
        let visibility = before.iter().position(|token| is_ident(token, "pub")).unwrap_or(before.len());
        let (outer, mut visibility) = before.split_at(visibility);
        let rest = match visibility {
            [_, rest @ ..] if group(rest.first(), Delimiter::Parenthesis).is_some() => &rest[1..],
            [_, rest @ ..] => rest,
            [] => &[],
        };
        visibility = &visibility[..visibility.len() - rest.len()];
        let in_pairs =
            outer.chunks(2).all(|pair| is_punct(&pair[0], '#') && group(pair.get(1), Delimiter::Bracket).is_some());
        let unexpected = rest.first().or_else(|| outer.iter().find(|token| matches!(token, TokenTree::Ident(_))));
        if let Some(unexpected) = unexpected.or_else(|| outer.first().filter(|_| !in_pairs)) {
            let name = match &declaration.name {
                name if is_ident(unexpected, "struct") => {
                    format!("leave `struct` out; the macro makes it: `pub {name} = …`")
                }
                _ => expected,
            };
            ctxt.error_at(unexpected.span(), name);
        }
        declaration.outer = if in_pairs { outer.iter().cloned().collect() } else { TokenStream::new() };
        declaration.visibility = visibility.iter().cloned().collect();
        declaration.doc = with_docs(before).0;
        declaration.read_id(id, eq < head.len(), ctxt);
        Some(declaration)
    }

    /// The span type, the event's name or the group's id.
    fn read_id(&mut self, id: &[TokenTree], has_eq: bool, ctxt: &mut Ctxt) {
        let (name, example) = (&self.name, example_id(self.form));
        // The conventions have events and groups of one segment, such as `exception`.
        let (what, is_valid): (_, fn(&str) -> bool) = match self.form {
            Form::Span => ("a span type", name::is_attribute_name),
            Form::Event => ("an event name", name::is_name),
            Form::Group => ("a group's id", name::is_name),
        };
        match id {
            [] if self.form == Form::Group && !has_eq => {}
            [] => {
                ctxt.error_at(name.span(), format_args!("`{name}` needs {what}: `{name} = \"{example}\"`"));
            }
            [TokenTree::Literal(text)] if tokens::string(text).is_some() => {
                if !tokens::string(text).is_some_and(|id| is_valid(&id)) {
                    let message = format_args!(
                        "{text} is not {what}; expected lower case segments between dots, such as `\"{example}\"`"
                    );
                    ctxt.error_at(text.span(), message);
                }
                self.id = Some(text.clone());
            }
            other => {
                let (first, last) = ends(other, name.span());
                ctxt.error(first, last, format_args!("expected {what} in quotes, such as `\"{example}\"`"));
            }
        }
    }

    /// The path of the `otelier` crate, for those who re-export it.
    fn read_crate(&mut self, word: Span, rest: &[TokenTree], ctxt: &mut Ctxt) {
        match rest {
            [eq, path @ ..] if is_punct(eq, '=') && !path.is_empty() => self.krate = path.iter().cloned().collect(),
            _ => {
                let (first, last) = ends(rest, word);
                ctxt.error(first, last, "`crate` needs the path of the crate, such as `crate = app::otelier;`");
            }
        }
    }

    /// `from {form} {path} {items}`: what a group or schema gave.
    fn read_taken(&mut self, item: &[TokenTree], ctxt: &mut Ctxt) {
        let [_, TokenTree::Group(_), TokenTree::Group(path), TokenTree::Group(items)] = item else { return };
        let path = path.stream();
        let mut seen = Vec::new();
        for item in split(items.stream(), ';') {
            let (doc, item) = with_docs(&item);
            if let [TokenTree::Ident(word), ..] = item
                && !matches!(item.get(1), Some(next) if is_punct(next, '.') || is_punct(next, ':'))
            {
                // What is wrong with it was said where it was declared.
                self.read_word(word, item, &mut seen, &mut Ctxt::default());
            } else if let Some(attribute) = attribute::read(item, doc, &self.krate, Some(&path), ctxt) {
                self.take(attribute, &path, ctxt);
            }
        }
    }

    /// Takes over an attribute; the same one from two groups counts once.
    fn take(&mut self, attribute: super::model::Attribute, path: &TokenStream, ctxt: &mut Ctxt) {
        let Some(known) = self.attributes.iter().find(|known| known.name == attribute.name) else {
            self.attributes.push(attribute);
            return;
        };
        if known.declaration(0).to_string() != attribute.declaration(0).to_string() {
            let (first, last) = ends(&path.clone().into_iter().collect::<Vec<_>>(), self.name.span());
            let (name, one) = (&attribute.name, known.origin.as_deref().unwrap_or("another declaration"));
            let other = attribute.origin.as_deref().unwrap_or("this one");
            let message =
                format_args!("attribute `{name}` comes from `{one}` and, declared differently, from `{other}`");
            ctxt.error(first, last, message);
        }
    }

    fn read_item(&mut self, item: &[TokenTree], seen: &mut Vec<String>, ctxt: &mut Ctxt) {
        let (doc, item) = with_docs(item);
        match item {
            [] => {}
            _ if starts_with(item, "refine") => attribute::refine(item, &mut self.attributes, ctxt),
            [TokenTree::Ident(word), rest @ ..]
                if !rest.first().is_some_and(|next| is_punct(next, '.') || is_punct(next, ':')) =>
            {
                self.read_word(word, item, seen, ctxt);
            }
            _ => {
                if let Some(attribute) = attribute::read(item, doc, &self.krate, None, ctxt) {
                    self.add(attribute, ctxt);
                }
            }
        }
    }

    /// An item that is no attribute: `kind = client` and its like.
    fn read_word(&mut self, word: &proc_macro2::Ident, item: &[TokenTree], seen: &mut Vec<String>, ctxt: &mut Ctxt) {
        let name = word.to_string();
        if name != "constant" {
            let group = if matches!(name.as_str(), "open" | "closed") { "undeclared".to_owned() } else { name.clone() };
            if seen.contains(&group) {
                ctxt.error_at(word.span(), format_args!("`{group}` is given twice"));
                return;
            }
            seen.push(group);
        }
        let not_here = match self.form {
            Form::Span => false,
            Form::Event => matches!(name.as_str(), "kind" | "name"),
            Form::Group => matches!(name.as_str(), "kind" | "name" | "open" | "closed" | "undeclared" | "constant"),
        };
        if not_here {
            let instead = match self.form {
                Form::Group => "write it in the schemas that include the group",
                _ => "only spans have one",
            };
            ctxt.error_at(word.span(), format_args!("{} has no `{name}`; {instead}", self.form.described()));
            return;
        }
        let (assigned, value) = match item {
            [_, eq, value @ ..] if is_punct(eq, '=') => (true, value),
            [_, value @ ..] => (false, value),
            [] => return,
        };
        match (name.as_str(), assigned, value) {
            ("open", false, []) => self.undeclared = Some(Level::Allow),
            ("closed", false, []) => self.undeclared = Some(Level::Deny),
            ("crate", ..) => {}
            ("kind", true, value) => {
                if let Some(kind) =
                    one_of(word, value, "a span kind", Kind::from_name, Kind::ALL.map(Kind::as_str).as_slice(), ctxt)
                {
                    self.kind = Some(kind);
                }
            }
            ("undeclared", true, value) => {
                let words: Vec<&str> = Level::ALL.iter().map(|level| level.as_str()).collect();
                if let Some(level) = one_of(word, value, "a level", Level::from_name, &words, ctxt) {
                    self.undeclared = Some(level);
                }
            }
            ("stability", true, value) => {
                let words: Vec<&str> = Stability::ALL.iter().map(|stability| stability.as_str()).collect();
                if let Some(stability) = one_of(word, value, "a stability", Stability::from_name, &words, ctxt) {
                    self.stability = Some(stability);
                }
            }
            ("name", true, [TokenTree::Literal(pattern)]) if tokens::string(pattern).is_some() => {
                self.pattern = Some(pattern.clone());
            }
            ("note", _, [TokenTree::Literal(note)]) if tokens::string(note).is_some() => {
                self.note = tokens::string(note).unwrap_or_default();
            }
            ("deprecated", true, [TokenTree::Literal(note)]) if tokens::string(note).is_some() => {
                self.deprecated.get_or_insert_default().note = tokens::string(note).unwrap_or_default();
            }
            ("renamed", true, value) if is_dotted(value) => {
                self.deprecated.get_or_insert_default().renamed_to = dotted_name(value);
            }
            ("renamed", true, [TokenTree::Literal(name)]) if tokens::string(name).is_some() => {
                self.deprecated.get_or_insert_default().renamed_to = tokens::string(name).unwrap_or_default();
            }
            ("constant", _, rest) => self.read_constant(word, rest, seen, ctxt),
            (
                "kind" | "undeclared" | "stability" | "name" | "note" | "deprecated" | "renamed" | "open" | "closed",
                ..,
            ) => {
                let example = match name.as_str() {
                    "kind" => "kind = client;",
                    "undeclared" => "undeclared = warn;",
                    "stability" => "stability = stable;",
                    "name" => "name = \"load {app.table}\";",
                    "note" => "note \"more about it\";",
                    "deprecated" => "deprecated = \"use `app.load`\";",
                    "renamed" => "renamed = app.load;",
                    "open" => "open;",
                    _ => "closed;",
                };
                let (first, last) = ends(value, word.span());
                ctxt.error(first, last, format_args!("expected `{example}`"));
            }
            _ => {
                const ITEMS: [&str; 14] = [
                    "closed",
                    "constant",
                    "crate",
                    "deprecated",
                    "extends",
                    "include",
                    "kind",
                    "name",
                    "note",
                    "open",
                    "refine",
                    "renamed",
                    "stability",
                    "undeclared",
                ];
                let hint = suggest::did_you_mean(&name, ITEMS).map(|near| format!("; did you mean `{near}`?"));
                let hint = hint.unwrap_or_else(|| {
                    format!("; expected an attribute such as `app.{name}: int`, or one of {}", suggest::list(ITEMS))
                });
                ctxt.error_at(word.span(), format_args!("unknown item `{name}`{hint}"));
            }
        }
    }

    fn read_constant(
        &mut self,
        word: &proc_macro2::Ident,
        rest: &[TokenTree],
        seen: &mut Vec<String>,
        ctxt: &mut Ctxt,
    ) {
        let (key, value) = match rest {
            [key @ .., eq, TokenTree::Literal(value)]
                if is_punct(eq, '=') && is_dotted(key) && tokens::string(value).is_some() =>
            {
                (key, value)
            }
            [key @ .., eq, other] if is_punct(eq, '=') && is_dotted(key) => {
                ctxt.error_at(other.span(), format_args!("a constant is a string: `\"{other}\"`"));
                return;
            }
            _ => {
                let (first, last) = ends(rest, word.span());
                ctxt.error(first, last, "expected `constant a.b = \"value\";`");
                return;
            }
        };
        let name = dotted_name(key);
        let (first, last) = ends(key, word.span());
        if !name::is_attribute_name(&name) {
            ctxt.error(first, last, crate::args::bad_name(&name));
            return;
        }
        if name::looks_like_a_credential(&name) {
            let message = format_args!(
                "constant `{name}` looks like a credential and would be exported in clear text; leave it out"
            );
            ctxt.error(first, last, message);
        }
        if seen.iter().any(|known| known.strip_prefix("constant ") == Some(&name)) {
            ctxt.error(first, last, format_args!("constant `{name}` is given twice"));
        }
        if self.attributes.iter().any(|attribute| attribute.name == name) {
            ctxt.error(first, last, format_args!("constant `{name}` is an attribute of `{}` already", self.name));
        }
        seen.push(format!("constant {name}"));
        // A constant of one's own replaces the one of the schema that is extended.
        match self.constants.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value.clone(),
            None => self.constants.push((name, value.clone())),
        }
    }

    pub(super) fn add(&mut self, attribute: super::model::Attribute, ctxt: &mut Ctxt) {
        let (first, last) = attribute.span();
        if let Some(other) = self.attributes.iter().find(|other| other.name == attribute.name) {
            let name = &attribute.name;
            let message = match &other.origin {
                None => format!("attribute `{name}` is declared twice in `{}`", self.name),
                Some(origin) => {
                    format!("attribute `{name}` comes from `{origin}` already; write `refine {name} …;` to change it")
                }
            };
            ctxt.error(first, last, message);
            return;
        }
        self.attributes.push(attribute);
    }

    /// Every placeholder of the name must always have a value.
    pub(super) fn check_pattern(&self, ctxt: &mut Ctxt) {
        let Some(literal) = &self.pattern else { return };
        let (pattern, span) = (tokens::string(literal).unwrap_or_default(), literal.span());
        if pattern.is_empty() {
            ctxt.error_at(span, "the span name is empty; leave `name` out to name spans after their type");
        }
        let mut rest = pattern.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let Some((key, after)) = after.split_once('}') else {
                ctxt.error_at(span, "the span name has a `{` without its `}`");
                return;
            };
            rest = after;
            if key.is_empty() {
                ctxt.error_at(span, "the span name has a `{}` without an attribute, such as `{app.id}`");
                continue;
            }
            if self.constants.iter().any(|(name, _)| name == key) {
                continue;
            }
            match self.attributes.iter().find(|attribute| attribute.name == key) {
                Some(attribute) if attribute.value_type.template || attribute.value_type.array => {
                    let kind = attribute.value_type.notation();
                    ctxt.error_at(span, format_args!("the span name uses `{{{key}}}`, which is `{kind}`; a name is built from single values"));
                }
                Some(attribute) if attribute.requirement == Requirement::Required => {}
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

    /// The items once more, for those who include or extend the declaration.
    pub(super) fn items(&self) -> TokenStream {
        let word = |word: &'static str| proc_macro2::Ident::new(word, Span::call_site());
        let kind = self.kind.map(|kind| {
            let kind = word(kind.as_str());
            quote!(kind = #kind;)
        });
        let pattern = self.pattern.as_ref().map(|pattern| quote!(name = #pattern;));
        let undeclared = self.undeclared.map(|level| {
            let level = word(level.as_str());
            quote!(undeclared = #level;)
        });
        let constants = self.constants.iter().map(|(name, value)| {
            let key = name.split('.').map(|segment| tokens::field(segment, Span::call_site()));
            quote!(constant #(#key).* = #value;)
        });
        let attributes = self.attributes.iter().enumerate().map(|(number, attribute)| attribute.declaration(number));
        quote!(#kind #pattern #undeclared #(#constants)* #(#attributes)*)
    }
}

pub(super) fn example_id(form: Form) -> &'static str {
    match form {
        Form::Span => "app.checkout",
        Form::Event => "app.retry_scheduled",
        Form::Group => "app.tenant",
    }
}

/// One word out of a list.
fn one_of<T>(
    item: &proc_macro2::Ident,
    value: &[TokenTree],
    what: &str,
    from_name: impl Fn(&str) -> Option<T>,
    words: &[&str],
    ctxt: &mut Ctxt,
) -> Option<T> {
    let (first, last) = ends(value, item.span());
    let word: String = value.iter().map(ToString::to_string).collect();
    let found = from_name(&word);
    if found.is_none() {
        let words = suggest::list(words.iter().copied());
        ctxt.error(first, last, format_args!("`{word}` is not {what}; expected {words}"));
    }
    found
}
