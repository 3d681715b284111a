//! The items of a declaration, told apart also where a `;` is missing or a `,` stands in its place: one mistake should give
//! one error, and the attributes behind it should exist.

use super::attribute::starts_with;
use super::read::with_docs;
use crate::ctxt::Ctxt;
use crate::tokens::{group, is_dotted, is_ident, is_punct, split};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Splits the body of a declaration.
pub(super) fn items(body: TokenStream, ctxt: &mut Ctxt) -> Vec<Vec<TokenTree>> {
    let mut items = Vec::new();
    for mut item in split(body, ';') {
        while let Some(end) = missing_end(&item) {
            let mut rest = item.split_off(end);
            if is_punct(&rest[0], ',') {
                ctxt.error_at(rest[0].span(), "declarations end with `;`, not with `,`");
                rest.remove(0);
            } else if let Some(first) = with_docs(&rest).1.first() {
                ctxt.error_at(first.span(), format_args!("expected `;` before `{first}`"));
            }
            items.push(std::mem::replace(&mut item, rest));
        }
        items.push(item);
    }
    items
}

/// Where an item should have ended: at a comma, or before the next item.
fn missing_end(item: &[TokenTree]) -> Option<usize> {
    let body = with_docs(item).1;
    let offset = item.len() - body.len();
    let takes_path = starts_with(body, "include") || starts_with(body, "extends");
    let is_attribute = !matches!(body, [TokenTree::Ident(_)])
        && !matches!(body, [TokenTree::Ident(_), next, ..] if !is_punct(next, '.') && !is_punct(next, ':'));
    let (mut has_type, mut angles) = (!is_attribute, 0usize);
    for at in 1..body.len() {
        let is = |at: usize, punct| body.get(at).is_some_and(|token| is_punct(token, punct));
        if is(at, '<') {
            angles += 1;
        } else if is(at, '>') && !is(at - 1, '-') {
            angles = angles.saturating_sub(1);
        } else if is(at, ',') && angles == 0 && !takes_path {
            return Some(offset + at);
        } else if is(at, ':') && !is(at - 1, ':') && (!is(at + 1, ':') || is(at + 2, ':')) {
            let start = start_of_key(&body[..at]);
            if has_type && start > 1 {
                return Some(offset + start);
            }
            has_type = true;
        } else if has_type && at > 1 && !is(at - 1, '.') && !is(at - 1, ':') && starts_item(&body[at..]) {
            return Some(offset + at);
        }
    }
    None
}

/// Where the key that ends `tokens` starts, with its documentation.
fn start_of_key(tokens: &[TokenTree]) -> usize {
    let mut start = tokens.len();
    // A template: `.<key>`.
    if let [.., dot, open, TokenTree::Ident(_), close] = tokens
        && is_punct(dot, '.')
        && is_punct(open, '<')
        && is_punct(close, '>')
    {
        start -= 4;
    }
    while let Some(before) = start.checked_sub(1)
        && is_dotted(&tokens[before..start])
    {
        start = before;
        match start.checked_sub(1) {
            Some(dot) if is_punct(&tokens[dot], '.') => start = dot,
            _ => break,
        }
    }
    while let Some(hash) = start.checked_sub(2)
        && is_punct(&tokens[hash], '#')
        && group(tokens.get(hash + 1), Delimiter::Bracket).is_some()
    {
        start = hash;
    }
    start
}

/// Whether the tokens start an item that is no attribute.
fn starts_item(tokens: &[TokenTree]) -> bool {
    let next = tokens.get(1);
    let is = |words: &[&str]| words.iter().any(|word| is_ident(&tokens[0], word));
    match next {
        None => is(&["open", "closed"]),
        Some(token) if is_punct(token, '=') => is(&["crate", "kind", "name", "stability", "undeclared"]),
        Some(TokenTree::Ident(_)) => is(&["constant", "extends", "include", "refine"]),
        _ => false,
    }
}
