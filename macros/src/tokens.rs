//! Small helpers on token trees. Bodies and values are passed on unparsed, so nothing here needs a parser of Rust.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};

pub(crate) fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == punct)
}

pub(crate) fn is_ident(token: &TokenTree, ident: &str) -> bool {
    matches!(token, TokenTree::Ident(i) if i == ident)
}

/// The group if the token is one with this delimiter.
pub(crate) fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// Splits at `separator`; a trailing one adds nothing. With commas, those between `::<` and `>` do not count.
pub(crate) fn split(tokens: TokenStream, separator: char) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    let mut angles = 0usize;
    let mut before = [' ', ' '];
    for token in tokens {
        let punct = if let TokenTree::Punct(punct) = &token { punct.as_char() } else { ' ' };
        match punct {
            '<' if angles > 0 || before == [':', ':'] => angles += 1,
            '>' if angles > 0 && before[1] != '-' => angles -= 1,
            _ => {}
        }
        before = [before[1], punct];
        match parts.last_mut() {
            Some(part) if punct != separator || angles > 0 => part.push(token),
            _ => parts.push(Vec::new()),
        }
    }
    if parts.last().is_some_and(Vec::is_empty) {
        parts.pop();
    }
    parts
}

/// The tokens without the invisible groups in which a `macro_rules!` hands on a literal, a word or a path: those mean the same
/// without them, and a reader of tokens sees what they are.
pub(crate) fn without_invisible(tokens: TokenStream) -> TokenStream {
    fn has_invisible(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::None || has_invisible(group.stream()),
            _ => false,
        })
    }
    fn unwrapped(token: TokenTree, result: &mut Vec<TokenTree>) {
        let TokenTree::Group(group) = token else { return result.push(token) };
        let mut inner = Vec::new();
        group.stream().into_iter().for_each(|token| unwrapped(token, &mut inner));
        let is_word = |token: &TokenTree| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':');
        if group.delimiter() == Delimiter::None && (inner.len() == 1 || inner.iter().all(is_word)) {
            return result.extend(inner);
        }
        let mut same = Group::new(group.delimiter(), inner.into_iter().collect());
        same.set_span(group.span());
        result.push(TokenTree::Group(same));
    }
    if !has_invisible(tokens.clone()) {
        return tokens;
    }
    let mut result = Vec::new();
    tokens.into_iter().for_each(|token| unwrapped(token, &mut result));
    result.into_iter().collect()
}

/// The contents of a string literal, plain or raw.
pub(crate) fn string(literal: &Literal) -> Option<String> {
    let text = literal.to_string();
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.bytes().take_while(|byte| *byte == b'#').count();
        let inner = raw.get(hashes + 1..raw.len().checked_sub(hashes + 1)?)?;
        return (raw.as_bytes().get(hashes) == Some(&b'"')).then(|| inner.to_owned());
    }
    let mut chars = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut result = String::new();
    while let Some(char) = chars.next() {
        if char != '\\' {
            result.push(char);
            continue;
        }
        match chars.next()? {
            'n' => result.push('\n'),
            'r' => result.push('\r'),
            't' => result.push('\t'),
            '0' => result.push('\0'),
            'x' => {
                let code: String = chars.by_ref().take(2).collect();
                result.push(u8::from_str_radix(&code, 16).ok()?.into());
            }
            'u' => {
                let code: String =
                    chars.by_ref().skip(1).take_while(|char| *char != '}').filter(|char| *char != '_').collect();
                result.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
            }
            // The end of the line, and what indents the next one.
            '\n' => {
                let rest = chars.as_str().trim_start();
                chars = rest.chars();
            }
            other => result.push(other),
        }
    }
    Some(result)
}

/// Whether a word stands among the tokens, at any depth.
pub(crate) fn mentions(tokens: &[TokenTree], word: &str) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) => mentions(&group.stream().into_iter().collect::<Vec<_>>(), word),
        token => is_ident(token, word),
    })
}

/// The spans of the first and the last token.
pub(crate) fn ends(tokens: &[TokenTree], otherwise: Span) -> (Span, Span) {
    (tokens.first().map_or(otherwise, TokenTree::span), tokens.last().map_or(otherwise, TokenTree::span))
}

/// The tokens as if they stood at `span`, so that rustc reports there what is wrong with a call of them.
pub(crate) fn located_at(tokens: &TokenStream, span: Span) -> TokenStream {
    tokens
        .clone()
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().located_at(span));
            token
        })
        .collect()
}

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// A field of that name, also where the name is a keyword: `error.type`.
pub(crate) fn field(name: &str, span: Span) -> Ident {
    if KEYWORDS.contains(&name) { Ident::new_raw(name, span) } else { Ident::new(name, span) }
}

/// The name of an identifier, without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// `a.b.type` with the user's own spans, as a field access that Rust accepts.
pub(crate) fn field_access(tokens: &[TokenTree]) -> TokenStream {
    tokens
        .iter()
        .map(|token| match token {
            TokenTree::Ident(ident) => TokenTree::Ident(field(&plain(ident), ident.span())),
            other => other.clone(),
        })
        .collect()
}

/// Whether the tokens are identifiers with dots between them.
pub(crate) fn is_dotted(tokens: &[TokenTree]) -> bool {
    tokens.len() % 2 == 1
        && tokens.iter().enumerate().all(|(i, token)| match token {
            TokenTree::Ident(_) => i % 2 == 0,
            token => i % 2 == 1 && is_punct(token, '.'),
        })
}

/// The attribute name that dotted identifiers spell.
pub(crate) fn dotted_name(tokens: &[TokenTree]) -> String {
    tokens
        .iter()
        .map(|token| match token {
            TokenTree::Ident(ident) => plain(ident),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn parts(tokens: TokenStream) -> Vec<String> {
        split(tokens, ',').into_iter().map(|part| part.into_iter().collect::<TokenStream>().to_string()).collect()
    }

    #[test]
    fn commas_split_except_between_the_angles_of_a_turbofish() {
        assert_eq!(parts(quote!(a = 1, b = f::<X, Y>(z), c = x < y, d,)).len(), 4);
        assert_eq!(parts(quote!()).len(), 0);
        assert_eq!(parts(quote!(a = m::<fn(A) -> B, C>(), b)).len(), 2);
    }

    #[test]
    fn invisible_groups_of_one_token_or_a_path_are_opened() {
        let hidden = |tokens| TokenTree::Group(Group::new(Delimiter::None, tokens));
        let (text, path, sum) = (hidden(quote!("x")), hidden(quote!(a::B)), hidden(quote!(1 + 2)));
        let nested = hidden(text.clone().into());
        let opened = without_invisible(quote!(#path, f(#text, #nested), #sum));
        assert_eq!(opened.clone().into_iter().count(), 9);
        assert_eq!(opened.into_iter().take(8).collect::<TokenStream>().to_string(), r#"a :: B , f ("x" , "x") ,"#);
    }

    #[test]
    fn keywords_become_raw_fields() {
        let tokens: Vec<_> = quote!(error.r#type).into_iter().collect();
        assert!(is_dotted(&tokens));
        assert_eq!(dotted_name(&tokens), "error.type");
        assert_eq!(field_access(&tokens).to_string(), "error . r#type");
    }

    #[test]
    fn only_plain_strings_are_strings() {
        assert_eq!(string(&Literal::string("a b")), Some("a b".to_owned()));
        assert_eq!(string(&Literal::i32_unsuffixed(3)), None);
        assert_eq!(string(&Literal::string("a\n\"b\" \\ \u{1F600}")), Some("a\n\"b\" \\ \u{1F600}".to_owned()));
        assert_eq!("r#\"a\\n\"#".parse().ok().and_then(|raw| string(&raw)), Some("a\\n".to_owned()));
        assert_eq!("b\"a\"".parse().ok().and_then(|bytes| string(&bytes)), None);
    }
}
