//! What a domain macro fills in: the schema, which function it is, and how it ended.

use crate::args::{Args, Cfg, Key, Value, crate_path};
use crate::ctxt::Ctxt;
use crate::options;
use crate::tokens::{group, is_ident, is_punct, without_invisible};
use otelier_spec::domain::{Fills, Function, Verdict};
use otelier_spec::{DomainMacro, suggest};
use proc_macro2::{Delimiter, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// What a domain macro fills in, if it is one, and the arguments without the word that chose it.
pub(crate) fn chosen(domain: Option<&DomainMacro>, args: TokenStream, ctxt: &mut Ctxt) -> (Option<Fills>, TokenStream) {
    let args = without_invisible(args);
    let Some(domain) = domain else { return (None, args) };
    let (fills, args) = choose(domain, args, ctxt);
    (Some(fills), args)
}

/// What is filled in, and the arguments without the word that chose it.
fn choose(domain: &DomainMacro, args: TokenStream, ctxt: &mut Ctxt) -> (Fills, TokenStream) {
    let mut rest = args.clone().into_iter();
    let (first, second) = (rest.next(), rest.next());
    let word = match (&first, &second) {
        (Some(TokenTree::Ident(word)), None) => word,
        (Some(TokenTree::Ident(word)), Some(comma)) if is_punct(comma, ',') => word,
        _ => return (domain.fills, args),
    };
    let text = word.to_string();
    if domain.words.is_empty() || options::form(&text).is_some() {
        return (domain.fills, args);
    }
    if let Some(fills) = domain.with_word(&text) {
        return (*fills, rest.collect());
    }
    let known = || domain.words.iter().map(|(known, _)| *known);
    let near = suggest::did_you_mean(&text, known()).or_else(|| known().find(|known| has_same_parts(known, &text)));
    let instead = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected {}", suggest::list(known())),
    };
    ctxt.error_at(word.span(), format_args!("unknown word `{text}`; {instead}"));
    // So that its attributes are not wrong as well.
    let meant = near.and_then(|near| domain.with_word(near)).unwrap_or(&domain.fills);
    (*meant, rest.collect())
}

/// Whether the words differ in the order of their parts: `load_config` for `config_load`.
fn has_same_parts(a: &str, b: &str) -> bool {
    let parts = |word: &str| {
        let mut parts: Vec<String> = word.split('_').map(str::to_owned).collect();
        parts.sort();
        parts
    };
    parts(a) == parts(b)
}

/// The schema's path.
pub(crate) fn path(fills: &Fills, args: &Args) -> TokenStream {
    let krate = crate_path(args.krate.as_ref());
    let segments = fills.schema.iter().map(|segment| Ident::new(segment, Span::call_site()));
    quote!(#krate::schema #(::#segments)*)
}

/// Adds what the annotation does not give. The verdict is of no use before the end, so it comes back.
pub(crate) fn fill(fills: &Fills, args: &mut Args, function: &str, item: TokenStream) -> Option<(Key, TokenStream)> {
    let is_given = |args: &Args, name: &str| {
        let attributes = args.attributes.iter().map(|(key, _)| key);
        attributes.chain(&args.late).chain(&args.unfinished).any(|key| key.name == name)
    };
    if let Some((name, says)) = fills.function.filter(|(name, _)| !is_given(args, name)) {
        let function = Literal::string(function);
        let value = match says {
            Function::Name => quote!(#function),
            Function::Path => quote!(::core::concat!(::core::module_path!(), "::", #function)),
        };
        let value = Value { tokens: value.into_iter().collect(), span: Span::mixed_site() };
        args.attributes.insert(0, (key(name), value));
    }
    let verdict = fills.verdict.filter(|verdict| !is_given(args, verdict.key))?;
    let krate = crate_path(args.krate.as_ref());
    // Such a test passes if it panics, and only then.
    let (good, panicked) =
        if should_panic(item) { (verdict.panicked, verdict.good) } else { (verdict.good, verdict.panicked) };
    let Verdict { key: name, failed, cancelled, .. } = verdict;
    let verdict = quote!(#krate::__private::Verdict {
        key: #name, good: #good, failed: #failed, panicked: #panicked, cancelled: #cancelled
    });
    Some((key(name), verdict))
}

/// A key that stands nowhere in the user's code.
fn key(name: &str) -> Key {
    let span = Span::mixed_site();
    let mut tokens: Vec<TokenTree> = Vec::new();
    for segment in name.split('.') {
        if !tokens.is_empty() {
            tokens.push(Punct::new('.', Spacing::Alone).into());
        }
        tokens.push(Ident::new(segment, span).into());
    }
    Key {
        tokens,
        name: name.to_owned(),
        first: span,
        last: span,
        literal: false,
        template: false,
        incomplete: false,
        cfg: Cfg::default(),
    }
}

/// Whether the item has the attribute `#[should_panic]`.
fn should_panic(item: TokenStream) -> bool {
    let mut tokens = item.into_iter();
    while let (Some(hash), Some(list)) = (tokens.next(), tokens.next())
        && is_punct(&hash, '#')
        && let Some(list) = group(Some(&list), Delimiter::Bracket)
    {
        if list.stream().into_iter().next().is_some_and(|first| is_ident(&first, "should_panic")) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_should_panic_are_found() {
        assert!(should_panic(quote!(
            #[test]
            #[should_panic(expected = "x")]
            fn f() {}
        )));
        assert!(!should_panic(quote!(
            #[test]
            fn should_panic() {}
        )));
        assert!(!should_panic(quote!()));
    }
}
