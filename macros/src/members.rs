//! Annotated `impl` blocks and traits: every method with a body gets a span, named `Type::method`.
//!
//! What the block's annotation says holds for all methods; a method's own annotation adds to it or overrides it, and one
//! with a schema of its own takes nothing from the block.

use crate::args::{Args, Block};
use crate::ctxt::Ctxt;
use crate::domain;
use crate::expand::{Owner, is_primitive, traced};
use crate::item::{self, Words};
use crate::tokens::{group, is_ident, is_punct, split};
use otelier_spec::DomainMacro;
use otelier_spec::domain::{Fills, domain_macro};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;

/// Words that say how a function is traced; they stand alone.
pub(crate) const WORDS: [&str; 5] = ["future", "iterator", "outermost", "skip", "stream"];

/// Takes the words that say what a function returns, and `skip`, from the arguments.
pub(crate) fn take_words(args: TokenStream, ctxt: &mut Ctxt) -> (Words, TokenStream) {
    let is_word = |token: &TokenTree| WORDS.iter().any(|word| is_ident(token, word));
    if !args.clone().into_iter().any(|token| is_word(&token)) {
        return (Words::default(), args);
    }
    let mut words = Words::default();
    let mut rest = TokenStream::new();
    let mut before: Option<Ident> = None;
    for part in split(args, ',') {
        let word = match part.as_slice() {
            [TokenTree::Ident(word)] if is_word(&part[0]) => word,
            [TokenTree::Ident(word), list] if word == "skip" && group(Some(list), Delimiter::Parenthesis).is_some() => {
                let message = "nothing is recorded but what the annotation names; leave `skip(..)` out";
                ctxt.error(word.span(), list.span(), message);
                continue;
            }
            [TokenTree::Ident(word), value, ..]
                if is_word(&part[0]) && !is_punct(value, '.') && !is_punct(value, ':') =>
            {
                ctxt.error_at(value.span(), format_args!("`{word}` stands alone; leave out what is behind it"));
                word
            }
            _ => {
                let comma = (!rest.is_empty()).then(|| quote!(,));
                rest.extend(comma);
                rest.extend(part);
                continue;
            }
        };
        let slot = match word.to_string().as_str() {
            "future" => &mut words.future,
            "iterator" => &mut words.iterator,
            "outermost" => &mut words.outermost,
            "stream" => &mut words.stream,
            _ => &mut words.skip,
        };
        if slot.replace(word.span()).is_some() {
            ctxt.error_at(word.span(), format_args!("`{word}` is given twice"));
        } else if let Some(before) = before.clone() {
            // The first one holds, so that the second is not wrong once more.
            *slot = None;
            ctxt.error_at(word.span(), format_args!("`{before}` and `{word}` exclude each other; leave one out"));
        }
        before.get_or_insert_with(|| word.clone());
    }
    (words, rest)
}

/// An `impl` block or a trait.
#[derive(Debug)]
pub(crate) struct Members {
    head: Vec<TokenTree>,
    owner: String,
    /// Whether other attributes will read the block.
    is_read_by_others: bool,
    body: Group,
}

impl Members {
    /// Reads a block or a trait; `None` if it is something else, such as a function.
    pub(crate) fn read(item: &TokenStream) -> Option<Self> {
        let mut head: Vec<TokenTree> = item.clone().into_iter().collect();
        let body = group(head.last(), Delimiter::Brace)?.clone();
        head.pop();
        let keyword = head.iter().position(|token| ["fn", "impl", "trait"].iter().any(|word| is_ident(token, word)))?;
        let owner = match &head[keyword] {
            token if is_ident(token, "impl") => owner_of_impl(&without_invisible(&head[keyword + 1..])),
            token if is_ident(token, "trait") => head.get(keyword + 1)?.to_string(),
            _ => return None,
        };
        let is_read_by_others = !crate::item::only_inert(&head[..keyword]);
        Some(Self { head, owner, is_read_by_others, body })
    }

    /// The block with a span for every method that has a body.
    pub(crate) fn expand(self, domain: Option<&DomainMacro>, args: TokenStream, item: TokenStream) -> TokenStream {
        let mut ctxt = Ctxt::default();
        let (fills, args) = domain::chosen(domain, args, &mut ctxt);
        let (words, args) = take_words(args, &mut ctxt);
        for span in [words.future, words.iterator, words.outermost, words.skip, words.stream].into_iter().flatten() {
            ctxt.error_at(span, "this word is for one method; write it at the method");
        }
        let args = Args::read(args, fills.is_some(), &mut ctxt);
        args.check_for_block(&mut ctxt);
        if !ctxt.is_empty() {
            let errors = ctxt.into_errors();
            return quote!(#item #errors);
        }
        let owner =
            Owner { name: &self.owner, keep_async: self.is_read_by_others, is_performance: is_performance(domain) };
        let tokens: Vec<TokenTree> = self.body.stream().into_iter().collect();
        let mut rest = tokens.as_slice();
        let mut members = TokenStream::new();
        while !rest.is_empty() {
            let (member, after) = rest.split_at(end_of_member(rest));
            rest = after;
            members.extend(self::member(member, fills, &args, owner));
        }
        let head = self.head;
        let mut body = Group::new(Delimiter::Brace, members);
        body.set_span(self.body.span());
        quote!(#(#head)* #body)
    }
}

/// One member: traced if it is a method with a body.
fn member(member: &[TokenTree], fills: Option<Fills>, block: &Args, owner: Owner<'_>) -> TokenStream {
    let whole = || member.iter().cloned().collect();
    let function = member.iter().position(|token| is_ident(token, "fn"));
    let Some(function) = function.filter(|_| group(member.last(), Delimiter::Brace).is_some()) else { return whole() };
    if let Some(both) = in_two_configurations(member, function) {
        return both.iter().map(|member| self::member(member, fills, block, owner)).collect();
    }
    let own = annotation(&member[..function]);
    let is_const = member[..function].iter().any(|token| is_ident(token, "const"));
    let Some((at, own)) = own else {
        if is_const {
            return whole();
        }
        let args = block.of_method(&Signature::of(&member[function..], Words::default()));
        return traced(whole(), Words::default(), args, fills, Some(owner), Ctxt::default());
    };
    let item: TokenStream = member[..at].iter().chain(&member[at + 2..]).cloned().collect();
    let (own_domain, arguments, item) = together(own.domain, own.arguments, item);
    // The block's annotation is another one, too.
    let own_domain = own_domain.filter(|domain| owner.is_performance || !is_performance(Some(domain)));
    let mut ctxt = Ctxt::default();
    let (own_fills, arguments) = domain::chosen(own_domain, arguments, &mut ctxt);
    let (words, arguments) = take_words(arguments, &mut ctxt);
    if words.skip.is_some() && ctxt.is_empty() && arguments.is_empty() {
        return item;
    }
    if let Some(skip) = words.skip {
        ctxt.error_at(skip, "a method that is skipped has no span; leave the other arguments out");
    }
    let defaults = block.of_method(&Signature::of(&member[function..], words));
    let inherited = Block { args: &defaults, has_schema: fills.is_some() || defaults.schema.is_some() };
    let args = Args::read_in(arguments, own_fills.is_some(), Some(inherited), &mut ctxt);
    let has_schema = own_fills.is_some() || args.schema.is_some();
    let (args, fills) = match has_schema {
        true => (args.with_crate_of(block), own_fills),
        false => (args.with_defaults(defaults), fills),
    };
    traced(item, words, args, fills, Some(owner), ctxt)
}

/// `#[trace_performance(..)]` beside another annotation has no span of its own: its arguments are the other one's.
pub(crate) fn together(
    domain: Option<&'static DomainMacro>,
    args: TokenStream,
    item: TokenStream,
) -> (Option<&'static DomainMacro>, TokenStream, TokenStream) {
    let tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let end = (0..tokens.len()).step_by(2).find(|at| !is_punct(&tokens[*at], '#')).unwrap_or(tokens.len());
    let Some((at, other)) = annotation(&tokens[..end]) else { return (domain, args, item) };
    if is_performance(domain) == is_performance(other.domain) {
        return (domain, args, item);
    }
    let rest = tokens[..at].iter().chain(&tokens[at + 2..]).cloned().collect();
    let (domain, first, second) = match is_performance(domain) {
        true => (other.domain, other.arguments, args),
        false => (domain, args, other.arguments),
    };
    let comma = (!first.is_empty() && !ends_in_comma(&first)).then(|| quote!(,));
    (domain, quote!(#first #comma #second), rest)
}

fn is_performance(domain: Option<&DomainMacro>) -> bool {
    domain.is_some_and(|domain| domain.name == "trace_performance")
}

fn ends_in_comma(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().last().is_some_and(|last| is_punct(&last, ','))
}

/// A method's own annotation.
struct Own {
    domain: Option<&'static DomainMacro>,
    arguments: TokenStream,
}

/// The method twice, if one of its annotations stands in `#[cfg_attr(..)]`: where that holds with the annotation, elsewhere
/// with the block's alone. Left as it is, the method would have two spans.
fn in_two_configurations(member: &[TokenTree], function: usize) -> Option<[Vec<TokenTree>; 2]> {
    (0..function.saturating_sub(1)).find_map(|at| {
        let [hash, attribute] = &member[at..at + 2] else { return None };
        let list = group(Some(attribute), Delimiter::Bracket).filter(|_| is_punct(hash, '#'))?;
        let tokens: Vec<TokenTree> = list.stream().into_iter().collect();
        let [word, TokenTree::Group(inner)] = tokens.as_slice() else { return None };
        let mut parts = split(inner.stream(), ',').into_iter();
        let condition = parts.next().filter(|_| is_ident(word, "cfg_attr"))?;
        let attributes: Vec<TokenStream> = parts.map(|attribute| quote!(#[#(#attribute)*])).collect();
        let is_ours =
            |attribute: &TokenStream| annotation(&attribute.clone().into_iter().collect::<Vec<_>>()).is_some();
        if !attributes.iter().any(is_ours) {
            return None;
        }
        let (before, after) = (&member[..at], &member[at + 2..]);
        let here = quote!(#(#before)* #[cfg(#(#condition)*)] #(#attributes)* #(#after)*);
        let elsewhere = quote!(#(#before)* #[cfg(not(#(#condition)*))] #(#after)*);
        Some([here.into_iter().collect(), elsewhere.into_iter().collect()])
    })
}

/// The first annotation of ours among the attributes of a method, and where it stands.
fn annotation(before: &[TokenTree]) -> Option<(usize, Own)> {
    let attributes = before.windows(2).enumerate().filter(|(_, pair)| is_punct(&pair[0], '#'));
    attributes.into_iter().find_map(|(at, pair)| {
        let list = group(Some(&pair[1]), Delimiter::Bracket)?;
        let tokens: Vec<TokenTree> = list.stream().into_iter().collect();
        let (path, arguments) = match tokens.as_slice() {
            [path @ .., TokenTree::Group(arguments)] if arguments.delimiter() == Delimiter::Parenthesis => {
                (path, arguments.stream())
            }
            path => (path, TokenStream::new()),
        };
        let is_path = path.iter().all(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'));
        let Some(TokenTree::Ident(name)) = path.last().filter(|_| is_path) else { return None };
        // Others have a `trace`, too; by their crate's name they are told apart.
        let is_foreign = ["tracing", "fastrace", "log"].iter().any(|name| is_ident(&path[0], name));
        let domain = domain_macro(&name.to_string());
        (!is_foreign && (name == "trace" || domain.is_some())).then_some((at, Own { domain, arguments }))
    })
}

/// The tokens without the invisible groups around types that a `macro_rules!` hands on.
fn without_invisible(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let mut result = Vec::new();
    for token in tokens {
        match group(Some(token), Delimiter::None) {
            Some(hidden) => result.extend(without_invisible(&hidden.stream().into_iter().collect::<Vec<_>>())),
            None => result.push(token.clone()),
        }
    }
    result
}

/// The name of the type that a block is for: `Pool` of `impl<T> Drop for db::Pool<T>`.
fn owner_of_impl(head: &[TokenTree]) -> String {
    let end = at_depth_zero(head, |token| is_ident(token, "where")).unwrap_or(head.len());
    let head = &head[..end];
    // `for<'a>` is of a type, not between a trait and its type.
    let is_for = |at: &usize| is_ident(&head[*at], "for") && !head.get(at + 1).is_some_and(|next| is_punct(next, '<'));
    let start = match (0..head.len()).filter(is_for).find(|at| depth(&head[..*at]) == 0) {
        Some(at) => at + 1,
        None => end_of_generics(head),
    };
    let of_type = &head[start..];
    let mut angles = 0usize;
    let mut name = None;
    for (at, token) in of_type.iter().enumerate() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => angles += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => angles = angles.saturating_sub(1),
            // Not the lifetime of `&'a Pool`.
            TokenTree::Ident(ident)
                if angles == 0 && !at.checked_sub(1).is_some_and(|at| is_punct(&of_type[at], '\'')) =>
            {
                if name.is_some() && !at.checked_sub(1).is_some_and(|at| is_punct(&of_type[at], ':')) {
                    // `dyn Store + Send`: the first one counts.
                    break;
                }
                if !["dyn", "mut", "const"].iter().any(|word| ident == word) {
                    name = Some(crate::tokens::plain(ident));
                }
            }
            _ => {}
        }
    }
    name.unwrap_or_else(|| of_type.iter().cloned().collect::<TokenStream>().to_string().replace(' ', ""))
}

/// How many angles are open behind the tokens.
fn depth(tokens: &[TokenTree]) -> usize {
    tokens.iter().enumerate().fold(0usize, |depth, (at, token)| {
        let is_arrow = at.checked_sub(1).is_some_and(|before| is_punct(&tokens[before], '-'));
        match token {
            token if is_punct(token, '<') => depth + 1,
            token if is_punct(token, '>') && !is_arrow => depth.saturating_sub(1),
            _ => depth,
        }
    })
}

fn at_depth_zero(tokens: &[TokenTree], is: impl Fn(&TokenTree) -> bool) -> Option<usize> {
    (0..tokens.len()).find(|at| is(&tokens[*at]) && depth(&tokens[..*at]) == 0)
}

/// Where the generics of `impl<T>` end.
fn end_of_generics(head: &[TokenTree]) -> usize {
    if !head.first().is_some_and(|first| is_punct(first, '<')) {
        return 0;
    }
    (1..=head.len()).find(|end| depth(&head[..*end]) == 0).unwrap_or(head.len())
}

/// How many tokens the first member has: a function ends with its body, others with a semicolon, or with braces.
fn end_of_member(tokens: &[TokenTree]) -> usize {
    let mut is_value = false;
    for (at, token) in tokens.iter().enumerate() {
        if is_punct(token, ';') {
            return at + 1;
        }
        // `const N: usize = { … };`
        is_value |= is_punct(token, '=') && depth(&tokens[..at]) == 0;
        if !is_value && group(Some(token), Delimiter::Brace).is_some() && depth(&tokens[..at]) == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// What decides which of a block's arguments a method can use.
pub(crate) struct Signature {
    /// Whether it has `self`.
    pub(crate) has_receiver: bool,
    /// Whether there is one result to look at.
    pub(crate) has_result: bool,
    /// Whether the result may be a failure, or absent.
    pub(crate) may_fail: bool,
}

impl Signature {
    /// Reads the tokens from `fn` on.
    fn of(signature: &[TokenTree], words: Words) -> Self {
        // The generics in front of the parameters may hold `Fn(A) -> B`.
        let list = item::parameters(signature).and_then(|at| group(signature.get(at), Delimiter::Parenthesis));
        let output = item::output(&signature[..signature.len() - 1]).filter(|output| !item::is_never(output));
        let is_drained = words.stream.or(words.iterator).is_some();
        Self {
            has_receiver: list.is_some_and(|list| list.stream().into_iter().any(|token| is_ident(&token, "self"))),
            has_result: output.is_some() && !is_drained,
            may_fail: output.is_some_and(|output| !always_succeeds(&output)) && !is_drained,
        }
    }
}

/// Whether a type is one that never holds a failure, as far as its name shows.
fn always_succeeds(output: &[TokenTree]) -> bool {
    const TYPES: [&str; 11] =
        ["Arc", "BTreeMap", "BTreeSet", "Duration", "HashMap", "HashSet", "Rc", "Self", "String", "Vec", "VecDeque"];
    let text: TokenStream = output.iter().cloned().collect();
    let name = output.iter().take_while(|token| !is_punct(token, '<')).last();
    is_primitive(&text)
        || is_punct(&output[0], '&')
        || name.is_some_and(|name| TYPES.iter().any(|known| is_ident(name, known)))
        || matches!(output, [TokenTree::Group(list)] if list.delimiter() != Delimiter::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(item: TokenStream) -> String {
        Members::read(&item).map(|members| members.owner).unwrap_or_default()
    }

    #[test]
    fn a_block_is_named_after_its_type() {
        for (item, name) in [
            (quote!(impl Pool {}), "Pool"),
            (
                quote!(
                    impl<T: Fn(u8) -> u8, const N: usize> db::Pool<T, N> {}
                ),
                "Pool",
            ),
            (
                quote!(
                    impl<'a, T> Iterator for &'a mut Pool<T> where T: for<'b> Fn(&'b u8) {}
                ),
                "Pool",
            ),
            (
                quote!(
                    unsafe impl Send for r#match {}
                ),
                "match",
            ),
            (quote!(impl dyn Store + Send {}), "Store"),
            (quote!(impl From<u8> for [T; 3] {}), "[T;3]"),
            (quote!(impl Load for (A, B) {}), "(A,B)"),
            (
                quote!(
                    pub(crate) unsafe trait Store<T>: Send {}
                ),
                "Store",
            ),
            (
                quote!(
                    impl<F> Run for F where F: Fn() {}
                ),
                "F",
            ),
        ] {
            assert_eq!(owner(item.clone()), name, "{item}");
        }
        assert!(
            Members::read(&quote!(
                fn f() {}
            ))
            .is_none()
        );
        assert!(
            Members::read(&quote!(
                struct S {}
            ))
            .is_none()
        );
    }

    #[test]
    fn members_end_where_the_next_begins() {
        let item = quote! {
            const N: usize = { 3 };
            type T = [u8; { 3 }];
            m! { a }
            fn f<const M: usize>() -> A<{ 3 }> { x; y }
            #[inline] fn g(&self);
            m!(b);
        };
        let tokens: Vec<TokenTree> = item.into_iter().collect();
        let (mut rest, mut count) = (tokens.as_slice(), 0);
        while !rest.is_empty() {
            rest = &rest[end_of_member(rest)..];
            count += 1;
        }
        assert_eq!(count, 6);
    }
}
