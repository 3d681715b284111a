//! Reads the declaration of one attribute: `a.b: type words… "documentation"`.

use super::model::{Attribute, Scalar, ValueType};
use crate::ctxt::Ctxt;
use crate::tokens::{self, dotted_name, ends, group, is_dotted, is_ident, is_punct};
use otelier_spec::{Requirement, Sensitivity, Stability, name, suggest, unit};
use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use quote::quote;

const TYPES: [&str; 5] = ["any", "boolean", "double", "int", "string"];
const WORDS: [&str; 21] = [
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
    let colon = item.iter().position(|token| is_punct(token, ':'));
    let (full_key, rest) = match colon {
        Some(at) => (&item[..at], &item[at + 1..]),
        None => (item, &[] as &[TokenTree]),
    };
    let (key, template) = without_template(full_key);
    if !is_dotted(key) || colon.is_none() && key.len() < 3 {
        let (first, last) = ends(item, Span::call_site());
        ctxt.error(
            first,
            last,
            "expected an attribute such as `app.order_id: int`, or one of `closed`, `constant`, `crate`, `deprecated`, \
             `extends`, `include`, `kind`, `name`, `note`, `open`, `refine`, `renamed`, `stability` or `undeclared`",
        );
        return None;
    }
    let name = dotted_name(key);
    if !name::is_attribute_name(&name) {
        let (first, last) = ends(key, Span::call_site());
        ctxt.error(
            first,
            last,
            format_args!(
                "`{name}` is not an attribute name; expected lower case segments between dots, such as `app.{name}`"
            ),
        );
        return None;
    }
    let (words, scalar, array) = read_type(key, rest, krate, origin, ctxt)?;
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
    attribute.check(ctxt);
    Some(attribute)
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

/// The type, and the words that follow it.
fn read_type<'a>(
    key: &[TokenTree],
    rest: &'a [TokenTree],
    krate: &TokenStream,
    origin: Option<&TokenStream>,
    ctxt: &mut Ctxt,
) -> Option<(&'a [TokenTree], Scalar, bool)> {
    let array = |at: usize| group(rest.get(at), Delimiter::Bracket).is_some_and(|group| group.stream().is_empty());
    // What a group exports: `@ number Name` stands for the type that the group's declaration gave.
    if let ([at, TokenTree::Literal(number), TokenTree::Ident(name), ..], Some(origin)) = (rest, origin)
        && is_punct(at, '@')
    {
        let path = quote!(<#origin as #krate::schema::TypeOf<#number>>::Type);
        return Some((&rest[3..], Scalar::Enum(path, name.to_string()), false));
    }
    let Some(TokenTree::Ident(first)) = rest.first() else {
        let (first, last) = ends(key, Span::call_site());
        let types = suggest::list(TYPES);
        ctxt.error(first, last, format_args!("attribute `{}` needs a type: {types}, or a Rust enum", dotted_name(key)));
        return None;
    };
    let simple = match first.to_string().as_str() {
        "string" => Some(Scalar::String),
        "int" => Some(Scalar::Int),
        "double" => Some(Scalar::Double),
        "boolean" => Some(Scalar::Boolean),
        "any" => Some(Scalar::Any),
        _ => None,
    };
    if let Some(scalar) = simple {
        let array = array(1);
        return Some((&rest[1 + usize::from(array)..], scalar, array));
    }
    // A path: an identifier, then `::identifier` as long as it goes on.
    let mut end = 1;
    while let Some([colon, second, TokenTree::Ident(_)]) = rest.get(end..end + 3)
        && is_punct(colon, ':')
        && is_punct(second, ':')
    {
        end += 3;
    }
    let name = rest[end - 1].to_string();
    if end == 1 && name.starts_with(|first: char| first.is_lowercase()) {
        let meant = suggest::did_you_mean(&name, TYPES).or_else(|| meant_type(&name));
        let hint = meant.map(|near| format!("; did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| format!("; expected {}, or a Rust enum", suggest::list(TYPES)));
        ctxt.error_at(first.span(), format_args!("`{name}` is not an attribute type{hint}"));
        return None;
    }
    if let Some(meant) = meant_type(&name) {
        let text = format_args!("`{name}` is not an attribute type; did you mean `{meant}`?");
        ctxt.error_at(rest[end - 1].span(), text);
        return None;
    }
    if array(end) {
        ctxt.error_at(rest[end].span(), "an enum has no array type; declare `string[]`");
        return None;
    }
    Some((&rest[end..], Scalar::Enum(rest[..end].iter().cloned().collect(), name), false))
}

/// What OpenTelemetry calls a type of Rust.
fn meant_type(name: &str) -> Option<&'static str> {
    match name {
        "str" | "String" | "text" => Some("string"),
        "bool" => Some("boolean"),
        "f32" | "f64" | "float" | "number" => Some("double"),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize"
        | "integer" => Some("int"),
        "Vec" => Some("string[]"),
        _ => None,
    }
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
                    (format!("-{literal}").parse().ok()?, doc)
                }
                [TokenTree::Ident(word), doc @ ..] if word == "true" || word == "false" => {
                    (Literal::string(&word.to_string()), doc)
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
        while let Some((word, rest)) = words.split_first() {
            words = rest;
            match word {
                TokenTree::Literal(text) if tokens::string(text).is_some() => {
                    self.doc = tokens::string(text).unwrap_or_default();
                }
                TokenTree::Ident(ident) if rest.first().is_some_and(|next| is_punct(next, '.')) => {
                    ctxt.error_at(ident.span(), format_args!("expected `;` before `{ident}`"));
                    return;
                }
                TokenTree::Ident(ident) => {
                    let taken = self.read_word(ident, words, refines, ctxt);
                    words = words.get(taken..).unwrap_or_default();
                }
                other if is_punct(other, ',') => {
                    ctxt.error_at(other.span(), "declarations end with `;`, not with `,`");
                    return;
                }
                other => {
                    let words = suggest::list(WORDS);
                    ctxt.error_at(other.span(), format_args!("expected documentation in quotes, or one of {words}"));
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
                // The new name's tokens: up to what cannot continue a name.
                let end =
                    rest.iter()
                        .enumerate()
                        .position(|(at, token)| {
                            if at % 2 == 0 { !matches!(token, TokenTree::Ident(_)) } else { !is_punct(token, '.') }
                        })
                        .unwrap_or(rest.len());
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
                _ => ctxt.error_at(word.span(), "`in` needs a list, such as `in [\"buy\", \"sell\"]`"),
            },
            ("examples", _) => match literals(argument) {
                Some((examples, false)) if !examples.is_empty() => {
                    self.examples = examples;
                    return 1;
                }
                _ => ctxt.error_at(word.span(), "`examples` needs a list, such as `examples [\"BTCUSDT\"]`"),
            },
            ("unit" | "deprecated" | "note" | "required_if" | "recommended_if", None) => {
                let example = match name.as_str() {
                    "unit" => "\"By\"",
                    "deprecated" => "\"use `app.amount`\"",
                    "note" => "\"more about it\"",
                    _ => "\"the request has a body\"",
                };
                ctxt.error_at(word.span(), format_args!("`{name}` needs a string, such as `{name} {example}`"));
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
    fn check(&self, ctxt: &mut Ctxt) {
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
            } else if let Err(meant) = unit::check(&text) {
                let hint = meant.map(|meant| format!("; did you mean `{meant}`?"));
                let hint =
                    hint.unwrap_or_else(|| "; expected one such as `s`, `By`, `%`, `1` or `{record}`".to_owned());
                ctxt.error_at(literal.span(), format_args!("`{text}` is not a unit of UCUM{hint}"));
            }
        }
        for (at, value) in self.values.iter().enumerate() {
            let fits = match self.value_type.scalar {
                // What an array holds is not looked at while compiling, but known to those who read the schema.
                Scalar::String => tokens::string(value).is_some(),
                Scalar::Int => value.to_string().replace('_', "").parse::<i64>().is_ok(),
                _ => false,
            };
            if !fits {
                let kind = self.value_type.notation();
                ctxt.error_at(
                    value.span(),
                    format_args!("{value} is not a value of a `{kind}`; sets are of `string` or `int`"),
                );
                return;
            }
            if self.values[..at].iter().any(|other| other.to_string() == value.to_string()) {
                ctxt.error_at(value.span(), format_args!("{value} is in the set twice"));
            }
        }
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
    let end = item
        .iter()
        .enumerate()
        .position(|(at, token)| if at % 2 == 0 { !matches!(token, TokenTree::Ident(_)) } else { !is_punct(token, '.') })
        .unwrap_or(item.len());
    let (key, words) = item.split_at(end);
    let (first, last) = ends(key, item.first().map_or_else(Span::call_site, TokenTree::span));
    if key.len() < 3 || !is_dotted(key) {
        ctxt.error(
            first,
            last,
            "`refine` needs an attribute that was taken over, such as `refine server.address required;`",
        );
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
