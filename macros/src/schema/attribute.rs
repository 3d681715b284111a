//! Reads the declaration of one attribute: `a.b: type words… "documentation"`.

use super::model::{Attribute, Scalar, ValueType};
use crate::args::bad_name;
use crate::ctxt::Ctxt;
use crate::tokens::{self, dotted_name, ends, group, is_dotted, is_ident, is_punct};
use otelier_spec::{Requirement, Sensitivity, Stability, name, suggest, unit};
use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use quote::quote;

const TYPES: [&str; 5] = ["any", "boolean", "double", "int", "string"];
/// The words that may stand behind an attribute's type.
pub(crate) const WORDS: [&str; 21] = [
    "alpha",
    "beta",
    "deprecated",
    "development",
    "examples",
    "in",
    "late",
    "note",
    "opt_in",
    "personal",
    "public",
    "recommended",
    "recommended_if",
    "release_candidate",
    "renamed",
    "required",
    "required_if",
    "secret",
    "sensitive",
    "stable",
    "unit",
];

/// Words that would change what an attribute is.
const FIXED: [&str; 6] = ["in", "personal", "public", "secret", "sensitive", "unit"];

/// Reads an attribute. `origin` is the path of the group or schema it comes from, if it is not declared here.
pub(super) fn read(
    item: &[TokenTree],
    doc_before: String,
    krate: &TokenStream,
    origin: Option<&TokenStream>,
    ctxt: &mut Ctxt,
) -> Option<Attribute> {
    // In `app.side app::Side` the colons belong to a path; `app.side: ::app::Side` has three in a row.
    let colon = item.iter().position(|token| is_punct(token, ':'));
    let colons = |at: usize| item[at..].iter().take_while(|token| is_punct(token, ':')).count();
    let colon = colon.filter(|at| colons(*at) % 2 == 1);
    let Some(colon) = colon else {
        without_colon(item, ctxt);
        return None;
    };
    let (full_key, rest) = (&item[..colon], &item[colon + 1..]);
    let (key, template) = without_template(full_key);
    let (first, last) = ends(full_key, item[colon].span());
    let name = dotted_name(key);
    if !is_dotted(key) || !name::is_attribute_name(&name) {
        ctxt.error(first, last, not_a_key(full_key));
        return None;
    }
    let (words, value_type) = read_type(key, rest, krate, origin, ctxt);
    let is_known = value_type.is_some();
    // An attribute whose type is wrong is still there, so that those who use it are not told that it is missing.
    let (scalar, array) = value_type.unwrap_or((Scalar::Any, false));
    let mut attribute = Attribute {
        name,
        key: key.to_vec(),
        value_type: ValueType { scalar, array, template },
        requirement: Requirement::default(),
        condition: String::new(),
        late: false,
        sensitivity: None,
        unit: None,
        values: Vec::new(),
        value_docs: Vec::new(),
        open: false,
        stability: None,
        deprecated: None,
        doc: doc_before,
        note: String::new(),
        examples: Vec::new(),
        origin: origin.map(|path| path.to_string().replace(' ', "")),
    };
    attribute.read_words(words, false, ctxt);
    if is_known {
        attribute.check(ctxt);
    } else {
        (attribute.values, attribute.unit) = (Vec::new(), None);
    }
    Some(attribute)
}

/// Says what is missing in an item that is neither a word nor has a colon.
fn without_colon(item: &[TokenTree], ctxt: &mut Ctxt) {
    let end = end_of_key(item);
    let (key, rest) = item.split_at(end);
    if is_dotted(key) {
        let name = dotted_name(key);
        let (first, last) = (key[0].span(), key[end - 1].span());
        match rest {
            [] => ctxt.error(first, last, format_args!("attribute `{name}` needs a type: {}, or a Rust enum", types())),
            [eq, ..] if is_punct(eq, '=') => {
                ctxt.error_at(
                    eq.span(),
                    format_args!("expected `:` and a type behind `{name}`, such as `{name}: int`"),
                );
            }
            _ => ctxt.error(first, last, format_args!("expected `:` behind `{name}`, such as `{name}: int`")),
        }
        return;
    }
    let (first, last) = ends(item, Span::call_site());
    ctxt.error(first, last, "expected an attribute such as `app.order_id: int`, or an item such as `kind = client`");
}

/// What is wrong with the tokens before a colon.
fn not_a_key(key: &[TokenTree]) -> String {
    let text: String = key.iter().map(ToString::to_string).collect();
    match key {
        [TokenTree::Literal(literal)] if tokens::string(literal).is_some() => {
            let name = tokens::string(literal).unwrap_or_default();
            format!("an attribute is declared without quotes: `{name}: …`")
        }
        _ if key.iter().any(|token| is_punct(token, '<')) => {
            "a template has its key last, behind a dot: `app.label.<key>: string`".to_owned()
        }
        [] => "expected an attribute before `:`, such as `app.order_id: int`".to_owned(),
        _ => bad_name(&text),
    }
}

/// How many tokens at the start are identifiers with dots between them.
fn end_of_key(tokens: &[TokenTree]) -> usize {
    tokens
        .iter()
        .enumerate()
        .position(|(at, token)| if at % 2 == 0 { !matches!(token, TokenTree::Ident(_)) } else { !is_punct(token, '.') })
        .unwrap_or(tokens.len())
}

/// `a.b.<key>` is the template `a.b`.
fn without_template(key: &[TokenTree]) -> (&[TokenTree], bool) {
    match key {
        [rest @ .., dot, open, TokenTree::Ident(_), close]
            if is_punct(dot, '.') && is_punct(open, '<') && is_punct(close, '>') =>
        {
            (rest, true)
        }
        _ => (key, false),
    }
}

/// The words that follow the type, and the type with whether it is an array, or nothing if it is wrong.
fn read_type<'a>(
    key: &[TokenTree],
    rest: &'a [TokenTree],
    krate: &TokenStream,
    origin: Option<&TokenStream>,
    ctxt: &mut Ctxt,
) -> (&'a [TokenTree], Option<(Scalar, bool)>) {
    let array = |at: usize| group(rest.get(at), Delimiter::Bracket).is_some_and(|group| group.stream().is_empty());
    // What a group exports: `@ number Name` stands for the type that the group's declaration gave.
    if let ([at, TokenTree::Literal(number), TokenTree::Ident(name), ..], Some(origin)) = (rest, origin)
        && is_punct(at, '@')
    {
        let path = quote!(<#origin as #krate::schema::TypeOf<#number>>::Type);
        return (&rest[3..], Some((Scalar::Enum(path, name.to_string()), false)));
    }
    let end = end_of_type(rest);
    let (first, last) = ends(&rest[..end], Span::call_site());
    let unknown = (&rest[end..], None);
    let word = match rest {
        [colon, second, TokenTree::Ident(word), ..] if is_punct(colon, ':') && is_punct(second, ':') => Some(word),
        [TokenTree::Ident(word), ..] => Some(word),
        _ => None,
    };
    let Some(word) = word else {
        if let Some(meant) = meant_type(&rest[..end]) {
            let text: String = rest[..end].iter().map(ToString::to_string).collect();
            ctxt.error(first, last, format_args!("`{text}` is not an attribute type; did you mean `{meant}`?"));
            return unknown;
        }
        let (first, last) = ends(key, Span::call_site());
        let name = dotted_name(key);
        ctxt.error(first, last, format_args!("attribute `{name}` needs a type: {}, or a Rust enum", types()));
        return (&[], None);
    };
    let is_path = rest[..end].iter().any(|token| is_punct(token, ':'));
    let simple = match word.to_string().as_str() {
        _ if is_path => None,
        "string" => Some(Scalar::String),
        "int" => Some(Scalar::Int),
        "double" => Some(Scalar::Double),
        "boolean" => Some(Scalar::Boolean),
        "any" => Some(Scalar::Any),
        _ => None,
    };
    if let Some(scalar) = simple {
        let array = array(1);
        return (&rest[1 + usize::from(array)..], Some((scalar, array)));
    }
    let name = rest[..end].iter().rev().find_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    });
    let name = name.unwrap_or_default();
    if let Some(meant) = meant_type(&rest[..end]) {
        let text: String = rest[..end].iter().map(ToString::to_string).collect();
        ctxt.error(first, last, format_args!("`{text}` is not an attribute type; did you mean `{meant}`?"));
        return unknown;
    }
    if end == 1 && name.starts_with(|first: char| first.is_lowercase()) {
        let hint = suggest::did_you_mean(&name, TYPES).map(|near| format!("; did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| format!("; expected {}, or a Rust enum", types()));
        ctxt.error_at(word.span(), format_args!("`{name}` is not an attribute type{hint}"));
        return unknown;
    }
    if rest[..end].iter().any(|token| is_punct(token, '<')) {
        let text: String = rest[..end].iter().map(ToString::to_string).collect();
        ctxt.error(
            first,
            last,
            format_args!("`{text}` is not an attribute type; expected {}, or a Rust enum", types()),
        );
        return unknown;
    }
    if array(end - 1) {
        ctxt.error_at(rest[end - 1].span(), "an enum has no array type; declare `string[]`");
        return unknown;
    }
    (&rest[end..], Some((Scalar::Enum(rest[..end].iter().cloned().collect(), name), false)))
}

fn types() -> String {
    suggest::list(TYPES)
}

/// How many tokens at the start are a type: a path with what stands between angles, or what Rust has in its place.
fn end_of_type(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    // `&'a str`, `&mut T`, `[T]`, `(A, B)`
    while tokens.get(at).is_some_and(|token| is_punct(token, '&') || is_ident(token, "mut") || is_ident(token, "dyn")) {
        at += 1;
    }
    if let Some([quote, TokenTree::Ident(_)]) = tokens.get(at..at + 2)
        && is_punct(quote, '\'')
    {
        at += 2;
    }
    match tokens.get(at) {
        Some(TokenTree::Ident(_)) => at += 1,
        Some(TokenTree::Group(list)) if list.delimiter() != Delimiter::Brace => return at + 1,
        Some(colon) if is_punct(colon, ':') => {}
        _ => return at,
    }
    while let Some([colon, second, TokenTree::Ident(_)]) = tokens.get(at..at + 3)
        && is_punct(colon, ':')
        && is_punct(second, ':')
    {
        at += 3;
    }
    if tokens.get(at).is_some_and(|token| is_punct(token, '<')) {
        let mut depth = 0usize;
        for (number, token) in tokens.iter().enumerate().skip(at) {
            if is_punct(token, '<') {
                depth += 1;
            } else if is_punct(token, '>') {
                depth -= 1;
                if depth == 0 {
                    return number + 1;
                }
            }
        }
        return tokens.len();
    }
    if group(tokens.get(at), Delimiter::Bracket).is_some_and(|group| group.stream().is_empty()) {
        at += 1;
    }
    at
}

/// What OpenTelemetry calls a type of Rust.
fn meant_type(tokens: &[TokenTree]) -> Option<String> {
    let array = |element: &[TokenTree]| {
        let element = match element {
            [TokenTree::Ident(word)] if TYPES.iter().any(|known| word == known) => Some(word.to_string()),
            element => meant_type(element),
        };
        element
            .filter(|element| !element.ends_with(']') && !element.contains(' '))
            .map(|element| format!("{element}[]"))
    };
    let inner: Vec<TokenTree> = match tokens {
        [and, rest @ ..] if is_punct(and, '&') => return meant_type(rest),
        [quote, TokenTree::Ident(_), rest @ ..] if is_punct(quote, '\'') => return meant_type(rest),
        // `[int]`, `[i64; 3]`
        [TokenTree::Group(list)] if list.delimiter() == Delimiter::Bracket => {
            let list: Vec<TokenTree> = list.stream().into_iter().collect();
            return array(list.split(|token| is_punct(token, ';')).next().unwrap_or_default());
        }
        // `u64[]`
        [element @ .., TokenTree::Group(list)] if list.delimiter() == Delimiter::Bracket => return array(element),
        // `std::string::String`
        [.., colon, TokenTree::Ident(last)] if is_punct(colon, ':') => vec![TokenTree::Ident(last.clone())],
        tokens => tokens.to_vec(),
    };
    let (TokenTree::Ident(name), generics) = inner.split_first()? else { return None };
    let generic = || match generics {
        [open, inner @ .., close] if is_punct(open, '<') && is_punct(close, '>') => Some(inner),
        _ => None,
    };
    let meant = match name.to_string().as_str() {
        "Option" => {
            return match generic()? {
                [TokenTree::Ident(word)] if TYPES.iter().any(|known| word == known) => Some(word.to_string()),
                inner => meant_type(inner),
            };
        }
        "Vec" | "HashSet" | "BTreeSet" => return generic().and_then(array).or_else(|| Some("string[]".to_owned())),
        "str" | "Str" | "String" | "text" | "Cow" | "PathBuf" | "Path" | "char" => "string",
        "bool" | "Bool" | "Boolean" => "boolean",
        "f32" | "f64" | "float" | "Float" | "Double" | "number" => "double",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize"
        | "integer" | "Int" | "Integer" => "int",
        "Duration" => "double unit \"s\"",
        _ => return None,
    };
    Some(meant.to_owned())
}

/// A string literal's text.
fn text(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Literal(literal)) => tokens::string(literal),
        _ => None,
    }
}

/// The literals between brackets, and whether `..` follows them.
fn literals(token: Option<&TokenTree>) -> Option<(Vec<Literal>, bool)> {
    values(token).map(|(values, open)| (values.into_iter().map(|(value, _)| value).collect(), open))
}

/// Literals between brackets, each with documentation if a string follows it, and whether `..` follows them.
fn values(token: Option<&TokenTree>) -> Option<(Vec<(Literal, String)>, bool)> {
    let list: Vec<TokenTree> = group(token, Delimiter::Bracket)?.stream().into_iter().collect();
    let (list, open) = match list.as_slice() {
        [list @ .., dot, second] if is_punct(dot, '.') && is_punct(second, '.') => (list, true),
        list => (list, false),
    };
    let literals: Option<Vec<(Literal, String)>> = list
        .split(|token| is_punct(token, ','))
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (literal, doc) = match part {
                [TokenTree::Literal(literal), doc @ ..] => (literal.clone(), doc),
                // A negative number is two tokens.
                [minus, TokenTree::Literal(literal), doc @ ..] if is_punct(minus, '-') => {
                    let mut negative: Literal = format!("-{literal}").parse().ok()?;
                    negative.set_span(literal.span());
                    (negative, doc)
                }
                [TokenTree::Ident(word), doc @ ..] if word == "true" || word == "false" => {
                    let mut literal = Literal::string(&word.to_string());
                    literal.set_span(word.span());
                    (literal, doc)
                }
                _ => return None,
            };
            match doc {
                [] => Some((literal, String::new())),
                [TokenTree::Literal(doc)] => Some((literal, tokens::string(doc)?)),
                _ => None,
            }
        })
        .collect();
    literals.map(|literals| (literals, open))
}

impl Attribute {
    /// Reads what follows the type, or what a refinement changes.
    pub(super) fn read_words(&mut self, mut words: &[TokenTree], refines: bool, ctxt: &mut Ctxt) {
        let mut seen: Vec<(&'static str, String)> = Vec::new();
        while let Some((word, rest)) = words.split_first() {
            words = rest;
            match word {
                TokenTree::Literal(text) if tokens::string(text).is_some() => {
                    if seen.iter().any(|(known, _)| *known == "documentation") {
                        ctxt.error_at(text.span(), "documentation is given twice; write `note` for more");
                    }
                    seen.push(("documentation", String::new()));
                    self.doc = tokens::string(text).unwrap_or_default();
                }
                TokenTree::Ident(ident) if rest.first().is_some_and(|next| is_punct(next, '.')) => {
                    ctxt.error_at(ident.span(), format_args!("expected `;` before `{ident}`"));
                    return;
                }
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    let about = what_it_is_about(&name);
                    match seen.iter().find(|(known, _)| about == Some(known)) {
                        Some((_, known)) if *known == name => {
                            ctxt.error_at(ident.span(), format_args!("`{name}` is given twice"));
                        }
                        Some((_, known)) => {
                            let text = format_args!("`{name}` contradicts `{known}`; write one of them");
                            ctxt.error_at(ident.span(), text);
                        }
                        None => seen.extend(about.map(|about| (about, name))),
                    }
                    let taken = self.read_word(ident, words, refines, ctxt);
                    words = words.get(taken..).unwrap_or_default();
                    let is_optional = |known: &str| {
                        seen.iter()
                            .any(|(about, name)| *about == known && !matches!(name.as_str(), "required" | "late"))
                    };
                    let is_last = ident == "late" || about == Some("requirement");
                    if is_last && self.late && is_optional("requirement") && !refines {
                        ctxt.error_at(ident.span(), "a `late` attribute is required; leave the other word out");
                    }
                }
                other if is_punct(other, ',') => {
                    ctxt.error_at(other.span(), "declarations end with `;`, not with `,`");
                    return;
                }
                TokenTree::Literal(other) => {
                    let text =
                        format_args!("expected a word such as `required`, or documentation in quotes, not {other}");
                    ctxt.error_at(other.span(), text);
                }
                colon if refines && is_punct(colon, ':') => {
                    ctxt.error_at(
                        colon.span(),
                        format_args!("the type of `{}` cannot be refined; write words such as `required`", self.name),
                    );
                    return;
                }
                other => {
                    let text = "expected a word such as `required`, documentation in quotes, or `;`";
                    ctxt.error_at(other.span(), text);
                    return;
                }
            }
        }
    }

    /// Reads one word; returns how many tokens its argument took.
    fn read_word(&mut self, word: &Ident, rest: &[TokenTree], refines: bool, ctxt: &mut Ctxt) -> usize {
        let name = word.to_string();
        if refines && FIXED.contains(&name.as_str()) {
            ctxt.error_at(
                word.span(),
                format_args!("`{name}` is what `{}` is wherever it is used, and cannot be refined", self.name),
            );
        }
        let argument = rest.first();
        let text = text(argument);
        match (name.as_str(), text) {
            ("required", _) => self.require(Requirement::Required, String::new()),
            ("recommended", _) => self.require(Requirement::Recommended, String::new()),
            ("opt_in", _) => self.require(Requirement::OptIn, String::new()),
            ("late", _) => {
                self.late = true;
                self.requirement = Requirement::Required;
            }
            ("required_if", Some(condition)) => {
                self.require(Requirement::ConditionallyRequired, condition);
                return 1;
            }
            ("recommended_if", Some(condition)) => {
                self.require(Requirement::Recommended, condition);
                return 1;
            }
            ("unit", Some(_)) => {
                self.unit = literal(argument);
                return 1;
            }
            ("note", Some(note)) => {
                self.note = note;
                return 1;
            }
            ("deprecated", Some(note)) => {
                self.deprecated.get_or_insert_default().note = note;
                return 1;
            }
            ("renamed", Some(name)) => {
                self.deprecated.get_or_insert_default().renamed_to = name;
                return 1;
            }
            ("renamed", None) => {
                let end = end_of_key(rest);
                if end >= 3 && end % 2 == 1 {
                    self.deprecated.get_or_insert_default().renamed_to = dotted_name(&rest[..end]);
                    return end;
                }
                ctxt.error_at(word.span(), "`renamed` needs the new name, such as `renamed app.amount`");
            }
            ("in", _) => match values(argument) {
                Some((values, open)) if !values.is_empty() => {
                    (self.values, self.value_docs) = values.into_iter().unzip();
                    self.open = open;
                    return 1;
                }
                found => {
                    let (text, span) = match (argument, found) {
                        (Some(list), Some(_)) => ("the set has no values; expected some, such as", list.span()),
                        (Some(list @ TokenTree::Group(_)), None) => {
                            ("`in` needs a list of literals, such as", list.span())
                        }
                        _ => ("`in` needs a list, such as", word.span()),
                    };
                    ctxt.error_at(span, format_args!("{text} `in [\"buy\", \"sell\"]`"));
                    return wrong_argument(rest);
                }
            },
            ("examples", _) => match literals(argument) {
                Some((examples, false)) if !examples.is_empty() => {
                    self.examples = examples;
                    return 1;
                }
                _ => {
                    ctxt.error_at(word.span(), "`examples` needs a list, such as `examples [\"BTCUSDT\"]`");
                    return wrong_argument(rest);
                }
            },
            ("unit" | "deprecated" | "note" | "required_if" | "recommended_if", None) => {
                let example = match name.as_str() {
                    "unit" => "\"By\"",
                    "deprecated" => "\"use `app.amount`\"",
                    "note" => "\"more about it\"",
                    _ => "\"the request has a body\"",
                };
                ctxt.error_at(word.span(), format_args!("`{name}` needs a string, such as `{name} {example}`"));
                return wrong_argument(rest);
            }
            (name, _) => {
                if let Some(sensitivity) = Sensitivity::from_name(name) {
                    self.sensitivity = Some(sensitivity);
                } else if let Some(stability) = Stability::from_name(name) {
                    self.stability = Some(stability);
                } else {
                    let hint = suggest::did_you_mean(name, WORDS).map(|near| format!("; did you mean `{near}`?"));
                    let hint = hint.unwrap_or_else(|| format!("; expected {}", suggest::list(WORDS)));
                    ctxt.error_at(word.span(), format_args!("unknown word `{name}`{hint}"));
                }
            }
        }
        0
    }

    fn require(&mut self, requirement: Requirement, condition: String) {
        self.requirement = if self.late { Requirement::Required } else { requirement };
        self.condition = condition;
    }

    /// What the words say together.
    fn check(&mut self, ctxt: &mut Ctxt) {
        if self.origin.is_some() {
            return;
        }
        let (first, last) = self.span();
        if self.sensitivity.is_none() && name::looks_like_a_credential(&self.name) {
            ctxt.error(
                first,
                last,
                format_args!(
                    "attribute `{}` looks like a credential; write `sensitive` behind its type, or `public` if it is none",
                    self.name
                ),
            );
        }
        if let Some(literal) = &self.unit {
            let text = tokens::string(literal).unwrap_or_default();
            if !self.value_type.scalar.is_number() {
                let kind = self.value_type.notation();
                ctxt.error_at(literal.span(), format_args!("a unit needs a number, and `{}` is a `{kind}`", self.name));
            } else if text.is_empty() {
                ctxt.error_at(literal.span(), "the unit is empty; leave `unit` out, or write one such as `s` or `By`");
            } else if let Err(meant) = unit::check(&text) {
                let hint = meant.map(|meant| format!("; did you mean `{meant}`?"));
                let hint =
                    hint.unwrap_or_else(|| "; expected one such as `s`, `By`, `%`, `1` or `{record}`".to_owned());
                ctxt.error_at(literal.span(), format_args!("`{text}` is not a unit of UCUM{hint}"));
            }
        }
        self.check_set(ctxt);
        if !self.has_set() {
            self.values.clear();
        }
    }

    /// Whether the type is one of which a set can be declared.
    fn has_set(&self) -> bool {
        matches!(self.value_type.scalar, Scalar::String | Scalar::Int) && !self.value_type.array
    }

    fn check_set(&mut self, ctxt: &mut Ctxt) {
        let name = &self.name;
        if let (Some(first), false) = (self.values.first(), self.has_set()) {
            match &self.value_type.scalar {
                Scalar::Enum(_, rust_enum) if !self.value_type.array => {
                    ctxt.error_at(
                        first.span(),
                        format_args!("`{rust_enum}` is a set of values already; leave `in` out"),
                    );
                }
                _ => {
                    let kind = self.value_type.notation();
                    let text = format_args!(
                        "`{name}` is a `{kind}`, and only a `string` or an `int` has a set of values; leave `in` out"
                    );
                    ctxt.error_at(first.span(), text);
                }
            }
            return;
        }
        let is_int = matches!(self.value_type.scalar, Scalar::Int);
        let fits = |value: &Literal| match is_int {
            true => value.to_string().replace('_', "").parse::<i64>().is_ok(),
            false => tokens::string(value).is_some(),
        };
        for (at, value) in self.values.iter().enumerate() {
            if !fits(value) {
                let expected =
                    if is_int { "an `int`; expected an integer" } else { "a `string`; expected one in quotes" };
                ctxt.error_at(value.span(), format_args!("{value} is not a value of {expected}"));
            } else if self.values[..at].iter().any(|other| other.to_string() == value.to_string()) {
                ctxt.error_at(value.span(), format_args!("{value} is in the set twice"));
            }
        }
        self.values.retain(fits);
    }
}

/// Words of which one attribute can have one.
fn what_it_is_about(word: &str) -> Option<&'static str> {
    Some(match word {
        "required" | "required_if" | "recommended" | "recommended_if" | "opt_in" => "requirement",
        "public" | "personal" | "sensitive" | "secret" => "class",
        "stable" | "development" | "alpha" | "beta" | "release_candidate" => "stability",
        word => WORDS.iter().find(|known| **known == word)?,
    })
}

/// How many tokens a wrong argument of a word takes, so that it is not reported once more.
fn wrong_argument(rest: &[TokenTree]) -> usize {
    match rest.first() {
        Some(TokenTree::Group(_)) => 1,
        Some(TokenTree::Literal(literal)) if tokens::string(literal).is_none() => 1,
        Some(TokenTree::Ident(word)) if !WORDS.iter().any(|known| word == known) => 1,
        _ => 0,
    }
}

fn literal(token: Option<&TokenTree>) -> Option<Literal> {
    match token {
        Some(TokenTree::Literal(literal)) => Some(literal.clone()),
        _ => None,
    }
}

/// Reads `refine a.b words…` and changes the attribute that was taken over.
pub(super) fn refine(item: &[TokenTree], attributes: &mut [Attribute], ctxt: &mut Ctxt) {
    let Some((word, item)) = item.split_first() else { return };
    let (key, words) = item.split_at(end_of_key(item));
    let (first, last) = ends(key, word.span());
    if key.len() < 3 || !is_dotted(key) {
        let text = "`refine` needs an attribute that was taken over, such as `refine server.address required;`";
        ctxt.error(first, last, text);
        return;
    }
    let name = dotted_name(key);
    let known = attributes.iter().position(|attribute| attribute.name == name);
    match known.and_then(|at| attributes.get_mut(at)) {
        Some(attribute) if attribute.origin.is_some() => attribute.read_words(words, true, ctxt),
        Some(_) => ctxt.error(first, last, format_args!("attribute `{name}` is declared here; change its declaration")),
        None => {
            let names = attributes.iter().filter(|one| one.origin.is_some()).map(|attribute| attribute.name.as_str());
            let hint = suggest::did_you_mean(&name, names).map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_else(|| "; declare it with its type".to_owned());
            ctxt.error(first, last, format_args!("no group or schema gives attribute `{name}`{hint}"));
        }
    }
}

/// Whether an item starts with this word and is no attribute of that name.
pub(super) fn starts_with(item: &[TokenTree], word: &str) -> bool {
    matches!(item, [first, rest @ ..] if is_ident(first, word)
        && !rest.first().is_some_and(|next| is_punct(next, '.') || is_punct(next, ':')))
}
