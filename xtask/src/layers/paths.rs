//! Which names at the root of the crate a file uses, found in its tokens: comments, texts and test modules do not count.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// How the runtime names itself: `extern crate self as otelier`.
const OWN_NAME: &str = "otelier";

/// What inline modules of `lib.rs` count as.
pub(super) const LIB: &str = "lib";

/// The first segments of all paths that begin at the root of the crate: `x` of `crate::x`, of `otelier::x`, and of as
/// many `super::` as the file, whose module lies `depth` below the root, needs to get there.
pub(super) fn from_root(tokens: TokenStream, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    scan(tokens, depth, &mut found);
    found
}

fn scan(tokens: TokenStream, depth: usize, found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_test(&tokens[at..]) {
            at += item_length(&tokens[at..]);
            continue;
        }
        match &tokens[at..] {
            [TokenTree::Ident(word), TokenTree::Ident(_), TokenTree::Group(body), ..] if word == "mod" => {
                scan(body.stream(), depth + 1, found);
                at += 3;
            }
            [TokenTree::Ident(_), ..] => at += path(&tokens[at..], depth, found),
            [TokenTree::Group(group), ..] => {
                scan(group.stream(), depth, found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Follows the path that begins here, and returns how many tokens of it were read: at least one.
fn path(tokens: &[TokenTree], depth: usize, found: &mut BTreeSet<String>) -> usize {
    let TokenTree::Ident(first) = &tokens[0] else { return 1 };
    let level = match first.to_string().as_str() {
        "crate" | OWN_NAME => 0,
        "super" => depth.saturating_sub(1),
        "self" => depth,
        _ => return 1,
    };
    if is_colons(&tokens[1..]) { 3 + rest(&tokens[3..], level, found) } else { 1 }
}

/// What follows `::` of a path that has come to `level` modules below the root.
fn rest(tokens: &[TokenTree], level: usize, found: &mut BTreeSet<String>) -> usize {
    match tokens {
        [TokenTree::Ident(word), after @ ..] if word == "super" => {
            let level = level.saturating_sub(1);
            if is_colons(after) { 3 + rest(&after[2..], level, found) } else { 1 }
        }
        [TokenTree::Ident(word), ..] => {
            if level == 0 {
                found.insert(word.to_string());
            }
            1
        }
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            for one in inner.split(|token| is(token, ',')) {
                rest(one, level, found);
            }
            1
        }
        _ => 0,
    }
}

fn is(token: &TokenTree, punctuation: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == punctuation)
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [one, two, ..] if is(one, ':') && is(two, ':'))
}

/// Whether `#[cfg(test)]`, alone or within `all(…)`, stands here.
fn is_test(tokens: &[TokenTree]) -> bool {
    let [hash, TokenTree::Group(list), ..] = tokens else { return false };
    let text = list.stream().to_string().replace(' ', "");
    is(hash, '#') && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// The length of the item that begins here, up to its braces or semicolon.
fn item_length(tokens: &[TokenTree]) -> usize {
    let braces = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let end = tokens.iter().position(|token| braces(token) || is(token, ';'));
    end.map_or(tokens.len(), |end| end + 1)
}

/// Where the names that `lib.rs` re-exports or declares inline come from: `Guard` from `pipeline`.
pub(super) fn reexports(lib: TokenStream) -> BTreeMap<String, String> {
    let tokens: Vec<TokenTree> = lib.into_iter().collect();
    let mut names = BTreeMap::new();
    for at in 0..tokens.len() {
        match &tokens[at..] {
            [TokenTree::Ident(word), TokenTree::Ident(module), TokenTree::Group(_), ..] if word == "mod" => {
                names.insert(module.to_string(), LIB.to_owned());
            }
            [TokenTree::Ident(word), ..] if word == "use" => {
                let tree = tokens[at + 1..].split(|token| is(token, ';')).next();
                exported(tree.unwrap_or_default(), None, &mut names);
            }
            _ => {}
        }
    }
    names
}

/// Adds the names that one tree of a `use` brings in; `module` is its first segment, once it is known.
fn exported(tree: &[TokenTree], module: Option<&str>, names: &mut BTreeMap<String, String>) {
    match tree {
        [TokenTree::Punct(_), TokenTree::Punct(_), after @ ..] if is_colons(tree) => exported(after, module, names),
        [TokenTree::Ident(word), after @ ..] if is_colons(after) => {
            let word = word.to_string();
            let skip = module.is_none() && ["crate", "self"].contains(&word.as_str());
            let module = module.map(str::to_owned).or((!skip).then_some(word));
            exported(&after[2..], module.as_deref(), names);
        }
        [TokenTree::Ident(name), TokenTree::Ident(as_), TokenTree::Ident(alias)] if as_ == "as" => {
            names.insert(alias.to_string(), module.map_or_else(|| name.to_string(), str::to_owned));
        }
        [TokenTree::Ident(name)] => {
            names.extend(module.map(|module| (name.to_string(), module.to_owned())));
        }
        [TokenTree::Group(group), ..] => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            for one in inner.split(|token| is(token, ',')) {
                exported(one, module, names);
            }
        }
        _ => {}
    }
}
