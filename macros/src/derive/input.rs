//! The item under a derive, as far as the derives look at it. rustc has checked its syntax already.

use crate::ctxt::Ctxt;
use crate::tokens::{self, ends, group, is_ident, is_punct, plain, split};
use otelier_spec::suggest;
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};

/// A struct, an enum or a union.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) attributes: Attributes,
    pub(super) visibility: TokenStream,
    /// `struct`, `enum` or `union`.
    pub(super) keyword: Ident,
    pub(super) name: Ident,
    pub(super) generics: Generics,
    /// What stands in braces or parentheses behind the name.
    pub(super) body: Option<Group>,
}

/// The generics of an item, in the three ways an impl needs them.
#[derive(Debug, Default)]
pub(super) struct Generics {
    /// `'a, T: Bound, const N: usize`
    pub(super) parameters: Vec<TokenStream>,
    /// `'a, T, N`
    pub(super) arguments: Vec<TokenStream>,
    /// The names among the arguments that stand for types.
    pub(super) types: Vec<String>,
    /// What stands behind `where`.
    pub(super) predicates: Vec<TokenStream>,
    /// The place of the first parameter and of the last.
    pub(super) ends: Option<(Span, Span)>,
}

/// The attributes of an item, a field or a variant.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    list: Vec<Vec<TokenTree>>,
}

/// `name` or `name = value` in an attribute.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) name: Ident,
    pub(super) value: Option<Vec<TokenTree>>,
}

impl Input {
    /// Reads the item; `None` if it is none that can be derived for, which rustc reports.
    pub(super) fn read(item: TokenStream, ctxt: &mut Ctxt) -> Option<Self> {
        let tokens: Vec<TokenTree> = item.into_iter().collect();
        let (attributes, rest) = Attributes::read(&tokens);
        let at = rest.iter().position(|token| ["struct", "enum", "union"].iter().any(|word| is_ident(token, word)));
        let visibility = rest[..at.unwrap_or_default()].iter().cloned().collect();
        let Some([TokenTree::Ident(keyword), TokenTree::Ident(name), rest @ ..]) = at.map(|at| &rest[at..]) else {
            ctxt.error_at(Span::call_site(), "expected a struct or an enum");
            return None;
        };
        let (parameters, rest) = angles(rest);
        let mut generics = Generics::read(parameters);
        let is_body = |token: &&TokenTree| {
            group(Some(token), Delimiter::Brace).or_else(|| group(Some(token), Delimiter::Parenthesis)).is_some()
        };
        // With fields in parentheses, `where` stands behind them, and may hold parentheses of its own.
        let tuple = rest.first().filter(is_body);
        let body = tuple.or_else(|| rest.last().filter(is_body));
        let body = body.and_then(|token| match token {
            TokenTree::Group(group) => Some(group.clone()),
            _ => None,
        });
        if let Some(from) = rest.iter().position(|token| is_ident(token, "where")) {
            let end = if tuple.is_some() || body.is_none() { rest.len() } else { rest.len() - 1 };
            let predicates = rest[from + 1..end].iter().filter(|token| !is_punct(token, ';')).cloned();
            generics.predicates =
                fields(predicates.collect()).into_iter().map(|part| part.into_iter().collect()).collect();
        }
        Some(Self { attributes, visibility, keyword: keyword.clone(), name: name.clone(), generics, body })
    }
}

impl Generics {
    fn read(parameters: &[TokenTree]) -> Self {
        let mut generics = Self::default();
        if let (Some(first), Some(last)) = (parameters.first(), parameters.last()) {
            generics.ends = Some((first.span(), last.span()));
        }
        for parameter in fields(parameters.iter().cloned().collect()) {
            // Attributes of a parameter have done their work.
            let (_, parameter) = Attributes::read(&parameter);
            let default = parameter.iter().position(|token| is_punct(token, '=')).unwrap_or(parameter.len());
            generics.parameters.push(parameter[..default].iter().cloned().collect());
            let argument: TokenStream = match parameter {
                [quote, TokenTree::Ident(name), ..] if is_punct(quote, '\'') => {
                    [quote.clone(), name.clone().into()].into_iter().collect()
                }
                [word, TokenTree::Ident(name), ..] if is_ident(word, "const") => TokenTree::from(name.clone()).into(),
                [name, ..] => {
                    generics.types.push(name.to_string());
                    name.clone().into()
                }
                [] => continue,
            };
            generics.arguments.push(argument);
        }
        generics
    }

    /// Whether a type parameter stands somewhere in the tokens.
    pub(super) fn mentioned_in(&self, tokens: &TokenStream) -> bool {
        tokens.clone().into_iter().any(|token| match token {
            TokenTree::Group(group) => self.mentioned_in(&group.stream()),
            TokenTree::Ident(ident) => self.types.iter().any(|name| ident == name),
            _ => false,
        })
    }
}

impl Attributes {
    /// Takes the attributes at the front.
    pub(super) fn read(mut tokens: &[TokenTree]) -> (Self, &[TokenTree]) {
        let mut attributes = Self::default();
        while let [hash, list, rest @ ..] = tokens
            && is_punct(hash, '#')
            && let Some(list) = group(Some(list), Delimiter::Bracket)
        {
            attributes.list.push(ungrouped(list.stream()));
            tokens = rest;
        }
        (attributes, tokens)
    }

    /// The documentation, in one line.
    pub(super) fn doc(&self) -> String {
        let lines = self.list.iter().filter_map(|attribute| match attribute.as_slice() {
            [word, eq, TokenTree::Literal(line)] if is_ident(word, "doc") && is_punct(eq, '=') => tokens::string(line),
            _ => None,
        });
        let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    }

    /// The path of the `otelier` crate, for those who re-export it: `#[attribute(crate = app::otelier)]`.
    pub(super) fn crate_path(&self) -> Option<Vec<TokenTree>> {
        let lists = self.list.iter().filter(|attribute| {
            attribute.first().is_some_and(|name| {
                ["attribute", "attributes", "config", "error_class", "schema"].iter().any(|word| is_ident(name, word))
            })
        });
        let mut parts = lists
            .filter_map(|attribute| group(attribute.get(1), Delimiter::Parenthesis))
            .flat_map(|list| split(list.stream(), ','));
        parts.find_map(|part| match part.as_slice() {
            [word, eq, path @ ..] if is_ident(word, "crate") && is_punct(eq, '=') => Some(path.to_vec()),
            _ => None,
        })
    }

    /// The attribute's name, if there is one of that name.
    pub(super) fn find(&self, wanted: &str) -> Option<Span> {
        self.list
            .iter()
            .find_map(|attribute| attribute.first().filter(|name| is_ident(name, wanted)).map(TokenTree::span))
    }

    /// What `#[wanted(…)]` chooses, each of `known` at most once.
    pub(super) fn choices(&self, wanted: &str, known: &[&str], ctxt: &mut Ctxt) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        for attribute in &self.list {
            let Some((name, rest)) = attribute.split_first().filter(|(name, _)| is_ident(name, wanted)) else {
                continue;
            };
            let Some(list) = group(rest.first(), Delimiter::Parenthesis) else {
                let options = suggest::list(known.iter().copied());
                ctxt.error_at(name.span(), format_args!("expected `#[{wanted}(…)]` with {options} in it"));
                continue;
            };
            for part in split(list.stream(), ',') {
                if let Some(choice) = Choice::read(part, list.span(), known, ctxt) {
                    if choices.iter().any(|other| other.name == choice.name) {
                        ctxt.error_at(choice.name.span(), format_args!("`{}` is given twice", choice.name));
                    } else {
                        choices.push(choice);
                    }
                }
            }
        }
        choices
    }
}

impl Choice {
    fn read(part: Vec<TokenTree>, otherwise: Span, known: &[&str], ctxt: &mut Ctxt) -> Option<Self> {
        let part = ungrouped(part.into_iter().collect());
        let (name, value) = match part.as_slice() {
            [TokenTree::Ident(name)] => (name, None),
            [TokenTree::Ident(name), eq, value @ ..] if is_punct(eq, '=') => (name, Some(value.to_vec())),
            _ => {
                let (first, last) = ends(&part, otherwise);
                ctxt.error(first, last, format_args!("expected {}", suggest::list(known.iter().copied())));
                return None;
            }
        };
        let word = plain(name);
        if !known.contains(&word.as_str()) {
            let near = suggest::did_you_mean(&word, known.iter().copied());
            let hint = near.map_or_else(
                || format!("; expected {}", suggest::list(known.iter().copied())),
                |near| format!("; did you mean `{near}`?"),
            );
            ctxt.error_at(name.span(), format_args!("unknown option `{word}`{hint}"));
            return None;
        }
        Some(Self { name: name.clone(), value })
    }

    /// The text the option is set to, or an error that shows `example`.
    pub(super) fn text(&self, example: &str, ctxt: &mut Ctxt) -> Option<(String, Literal)> {
        let value = self.value.as_deref().unwrap_or_default();
        if let [TokenTree::Literal(literal)] = value
            && let Some(text) = tokens::string(literal)
        {
            return Some((text, literal.clone()));
        }
        let (first, last) = ends(value, self.name.span());
        ctxt.error(first, last, format_args!("`{}` needs a text, such as `{0} = \"{example}\"`", self.name));
        None
    }

    /// Reports a value where none belongs.
    pub(super) fn no_value(&self, ctxt: &mut Ctxt) {
        if let Some(value) = &self.value {
            let (first, last) = ends(value, self.name.span());
            ctxt.error(first, last, format_args!("`{}` takes no value; write `{0}` alone", self.name));
        }
    }
}

/// Splits at commas outside of angles: fields, parameters, predicates.
pub(super) fn fields(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    let (mut depth, mut arrow) = (0usize, false);
    for token in tokens {
        if is_punct(&token, '<') {
            depth += 1;
        } else if is_punct(&token, '>') && !arrow {
            depth = depth.saturating_sub(1);
        }
        arrow = is_punct(&token, '-');
        match parts.last_mut() {
            Some(part) if depth > 0 || !is_punct(&token, ',') => part.push(token),
            _ => parts.push(Vec::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What stands between `<` and its `>` at the front, and what follows.
pub(super) fn angles(tokens: &[TokenTree]) -> (&[TokenTree], &[TokenTree]) {
    let (mut depth, mut arrow) = (0usize, false);
    for (at, token) in tokens.iter().enumerate() {
        if is_punct(token, '<') {
            depth += 1;
        } else if is_punct(token, '>') && !arrow {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return if at == 0 { (&[], tokens) } else { (&tokens[1..at], &tokens[at + 1..]) };
        }
        arrow = is_punct(token, '-');
    }
    (&[], tokens)
}

/// The tokens without the invisible groups that `macro_rules!` puts around what it passes on.
pub(super) fn ungrouped(tokens: TokenStream) -> Vec<TokenTree> {
    let mut result = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => result.extend(ungrouped(group.stream())),
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn read(item: TokenStream) -> Input {
        Input::read(item, &mut Ctxt::default()).expect("an item")
    }

    fn texts(tokens: &[TokenStream]) -> Vec<String> {
        tokens.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn generics_are_taken_apart() {
        let input = read(quote! {
            /// It's "one".
            pub(crate) struct S<'a, T: Fn(u8) -> u8 + 'a = F, const N: usize = 3> where T: Send, Vec<(T, u8)>: Sized {
                a: Map<T, u8>, b: &'a [u8; N]
            }
        });
        assert_eq!(input.attributes.doc(), "It's \"one\".");
        assert_eq!(texts(&input.generics.parameters), ["'a", "T : Fn (u8) -> u8 + 'a", "const N : usize"]);
        assert_eq!(texts(&input.generics.arguments), ["'a", "T", "N"]);
        assert_eq!(texts(&input.generics.predicates), ["T : Send", "Vec < (T , u8) > : Sized"]);
        assert_eq!(input.generics.types, ["T"]);
        assert_eq!(fields(input.body.expect("fields").stream()).len(), 2);
    }

    #[test]
    fn bodies_of_every_kind_are_found() {
        let tuple = read(quote!(
            struct S<T>(T, u8)
            where
                T: From<(u8, u8)>;
        ));
        assert_eq!(tuple.body.map(|body| body.delimiter()), Some(Delimiter::Parenthesis));
        assert_eq!(texts(&tuple.generics.predicates), ["T : From < (u8 , u8) >"]);
        assert!(
            read(quote!(
                struct S;
            ))
            .body
            .is_none()
        );
        assert_eq!(read(quote!(union U { a: u8 })).keyword, "union");
    }
}
