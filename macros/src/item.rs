//! The annotated function, split into what is kept and what is wrapped.

use crate::ctxt::Ctxt;
use crate::tokens::{group, is_ident, is_punct};
use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

/// A function with a body.
#[derive(Debug)]
pub(crate) struct Function {
    /// Attributes, visibility, signature: everything before the body.
    pub(crate) head: TokenStream,
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    /// What the function returns, with `_` for every `impl Trait`; `None` for `()` and `!`.
    pub(crate) output: Option<TokenStream>,
    /// `let mut x = x;` for every `mut x` among the parameters of an `async fn`: its body becomes a block that may outlive
    /// the parameters' own scope, and must own what it assigns to.
    pub(crate) rebound: TokenStream,
    /// Attributes at the top of the body.
    pub(crate) inner_attributes: TokenStream,
    pub(crate) body: Group,
}

impl Function {
    /// Reads a function, or reports why it cannot be annotated.
    pub(crate) fn read(item: TokenStream, ctxt: &mut Ctxt) -> Option<Self> {
        let mut head: Vec<TokenTree> = item.into_iter().collect();
        let Some(at) = head.iter().position(|token| is_ident(token, "fn")) else {
            let span = head
                .iter()
                .find(|token| matches!(token, TokenTree::Ident(_)))
                .map_or_else(Span::call_site, TokenTree::span);
            ctxt.error_at(span, "expected a function; annotate the function or the method itself");
            return None;
        };
        let Some(TokenTree::Ident(name)) = head.get(at + 1).cloned() else {
            ctxt.error_at(head[at].span(), "expected a function with a name");
            return None;
        };
        let Some(TokenTree::Group(body)) = head.pop().filter(|last| group(Some(last), Delimiter::Brace).is_some())
        else {
            ctxt.error_at(name.span(), format_args!("`{name}` has no body to trace; annotate the implementation"));
            return None;
        };
        if let Some(token) = head[..at].iter().find(|token| is_ident(token, "const")) {
            ctxt.error_at(
                token.span(),
                "a `const fn` cannot be traced: it may run inside the compiler, where there is no span; annotate its caller",
            );
            return None;
        }
        let is_async = head[..at].iter().any(|token| is_ident(token, "async"));
        let output = output(&head[at..]);
        if !is_async && let Some(future) = output.iter().flatten().find_map(future_in) {
            ctxt.error_at(
                future,
                format_args!(
                    "`{name}` returns a future, and its span would end before the future runs; write `async fn {name}`, or \
                     annotate the function inside"
                ),
            );
            return None;
        }
        let output =
            output.map(without_impl).filter(|output| !matches!(output.as_slice(), [bang] if is_punct(bang, '!')));
        let (inner_attributes, body) = hoist_inner_attributes(body);
        let output = output.map(|output| output.into_iter().collect());
        let rebound = if is_async { rebind(&mut head, at) } else { TokenStream::new() };
        Some(Self { head: head.into_iter().collect(), name, is_async, output, rebound, inner_attributes, body })
    }
}

/// The span of the word `Future` in a return type, also inside groups.
fn future_in(token: &TokenTree) -> Option<Span> {
    match token {
        TokenTree::Ident(ident) if ident == "Future" || ident == "BoxFuture" => Some(ident.span()),
        TokenTree::Group(group) => group.stream().into_iter().find_map(|token| future_in(&token)),
        _ => None,
    }
}

/// The tokens between `->` and `where` or the end; `signature` starts at `fn`.
fn output(signature: &[TokenTree]) -> Option<Vec<TokenTree>> {
    let parameters = parameters(signature)?;
    let rest = signature.get(parameters + 1..)?;
    match rest {
        [minus, arrow, output @ ..] if is_punct(minus, '-') && is_punct(arrow, '>') => {
            let end = output.iter().position(|token| is_ident(token, "where")).unwrap_or(output.len());
            Some(output[..end].to_vec())
        }
        _ => None,
    }
}

/// Takes `mut` from parameters such as `mut x: T`, and gives the statements that put it back inside of the body.
fn rebind(head: &mut [TokenTree], function: usize) -> TokenStream {
    let mut rebound = TokenStream::new();
    let Some(at) = parameters(&head[function..]).map(|at| at + function) else { return rebound };
    let TokenTree::Group(list) = &head[at] else { return rebound };
    let mut tokens: Vec<TokenTree> = list.stream().into_iter().collect();
    let mut start = 0;
    while start < tokens.len() {
        let mut first = start;
        // Attributes such as `#[cfg(..)]` go with the parameter.
        while first + 1 < tokens.len() && is_punct(&tokens[first], '#') {
            first += 2;
        }
        if let [word, TokenTree::Ident(name), colon, ..] = &tokens[first..]
            && is_ident(word, "mut")
            && is_punct(colon, ':')
        {
            let attributes = &tokens[start..first];
            rebound.extend(quote::quote!(#(#attributes)* let mut #name = #name;));
            tokens.remove(first);
        }
        start = end_of_parameter(&tokens, first);
    }
    let mut replaced = Group::new(Delimiter::Parenthesis, tokens.into_iter().collect());
    replaced.set_span(list.span());
    head[at] = TokenTree::Group(replaced);
    rebound
}

/// The position after the comma that ends the parameter which holds position `from`.
fn end_of_parameter(tokens: &[TokenTree], from: usize) -> usize {
    let mut angles = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        if is_punct(token, '<') {
            angles += 1;
        } else if is_punct(token, '>') && !at.checked_sub(1).is_some_and(|before| is_punct(&tokens[before], '-')) {
            angles = angles.saturating_sub(1);
        } else if is_punct(token, ',') && angles == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The position of the parameter list: the first parentheses outside of the generics, which may hold `Fn(A) -> B`.
fn parameters(signature: &[TokenTree]) -> Option<usize> {
    let mut angles = 0usize;
    for (at, token) in signature.iter().enumerate() {
        if is_punct(token, '<') {
            angles += 1;
        } else if is_punct(token, '>') && !at.checked_sub(1).is_some_and(|before| is_punct(&signature[before], '-')) {
            angles = angles.saturating_sub(1);
        } else if angles == 0 && group(Some(token), Delimiter::Parenthesis).is_some() {
            return Some(at);
        }
    }
    None
}

/// Puts `_` in place of every `impl Trait`, which may not stand in a closure's return type.
fn without_impl(output: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut result = Vec::with_capacity(output.len());
    let mut tokens = output.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "impl" => {
                result.push(TokenTree::Ident(Ident::new("_", ident.span())));
                skip_bounds(&mut tokens);
            }
            TokenTree::Group(group) => {
                let inner = without_impl(group.stream().into_iter().collect());
                let mut replaced = Group::new(group.delimiter(), inner.into_iter().collect());
                replaced.set_span(group.span());
                result.push(TokenTree::Group(replaced));
            }
            other => result.push(other),
        }
    }
    result
}

/// Skips the bounds after `impl`, up to a comma or an angle that closes something further out.
fn skip_bounds(tokens: &mut std::iter::Peekable<impl Iterator<Item = TokenTree>>) {
    let mut angles = 0usize;
    let mut arrow = false;
    while let Some(token) = tokens.peek() {
        if is_punct(token, '<') {
            angles += 1;
        } else if is_punct(token, '>') && !arrow {
            if angles == 0 {
                return;
            }
            angles -= 1;
        } else if is_punct(token, ',') && angles == 0 {
            return;
        }
        arrow = is_punct(token, '-');
        tokens.next();
    }
}

/// Takes `#![..]` from the top of the body, because they must stay at the top.
fn hoist_inner_attributes(body: Group) -> (TokenStream, Group) {
    let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut end = 0;
    while let Some([hash, bang, list]) = tokens.get(end..end + 3)
        && is_punct(hash, '#')
        && is_punct(bang, '!')
        && group(Some(list), Delimiter::Bracket).is_some()
    {
        end += 3;
    }
    if end == 0 {
        return (TokenStream::new(), body);
    }
    let mut rest = Group::new(Delimiter::Brace, tokens[end..].iter().cloned().collect());
    rest.set_span(body.span());
    (tokens[..end].iter().cloned().collect(), rest)
}

/// `$crate` in place of `crate`, for tokens that are put into a `macro_rules!`.
pub(crate) fn with_dollar_crate(tokens: TokenStream) -> TokenStream {
    let mut result = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "crate" => {
                result.extend([TokenTree::Punct(Punct::new('$', Spacing::Alone)), TokenTree::Ident(ident)]);
            }
            TokenTree::Group(group) => {
                let mut replaced = Group::new(group.delimiter(), with_dollar_crate(group.stream()));
                replaced.set_span(group.span());
                result.extend([TokenTree::Group(replaced)]);
            }
            other => result.extend([other]),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn output_of(item: TokenStream) -> Option<String> {
        let mut ctxt = Ctxt::default();
        let function = Function::read(item, &mut ctxt);
        assert!(ctxt.is_empty());
        function.and_then(|function| function.output).map(|output| output.to_string())
    }

    #[test]
    fn the_return_type_ends_at_where_and_loses_impl() {
        assert_eq!(
            output_of(quote!(
                fn f() {}
            )),
            None
        );
        assert_eq!(
            output_of(quote!(
                fn f() -> ! {
                    loop {}
                }
            )),
            None
        );
        assert_eq!(
            output_of(quote!(
                fn f<F: Fn(u8) -> u8>(f: F) -> Result<u8, E>
                where
                    F: Send,
                {
                }
            ))
            .unwrap(),
            "Result < u8 , E >"
        );
        assert_eq!(
            output_of(quote!(
                fn f() -> Result<impl Iterator<Item = u8> + '_, E> {}
            ))
            .unwrap(),
            "Result < _ , E >"
        );
        assert_eq!(
            output_of(quote!(
                fn f() -> (impl Fn(u8) -> u8, u8) {}
            ))
            .unwrap(),
            "(_ , u8)"
        );
    }

    #[test]
    fn what_cannot_be_traced_is_reported() {
        for item in [
            quote!(
                struct S;
            ),
            quote!(
                const fn f() {}
            ),
            quote!(
                fn f();
            ),
            quote!(
                fn f() -> Pin<Box<dyn Future<Output = ()>>> {}
            ),
        ] {
            let mut ctxt = Ctxt::default();
            assert!(Function::read(item, &mut ctxt).is_none());
            assert!(!ctxt.is_empty());
        }
    }

    #[test]
    fn mutable_parameters_of_async_functions_are_bound_again() {
        let item = quote!(
            async fn f<T: Fn(u8) -> u8>(&mut self, mut a: Map<u8, u8>, #[cfg(x)] mut b: T, c: u8, (mut d, e): P) {}
        );
        let function = Function::read(item, &mut Ctxt::default()).unwrap();
        assert_eq!(function.rebound.to_string(), "let mut a = a ; # [cfg (x)] let mut b = b ;");
        let parameters = "(& mut self , a : Map < u8 , u8 > , # [cfg (x)] b : T , c : u8 , (mut d , e) : P)";
        assert!(function.head.to_string().ends_with(parameters), "{}", function.head);
    }

    #[test]
    fn inner_attributes_are_taken_from_the_body() {
        let function = Function::read(
            quote!(
                fn f() {
                    #![allow(unused)]
                    let x = 1;
                }
            ),
            &mut Ctxt::default(),
        )
        .unwrap();
        assert_eq!(function.inner_attributes.to_string(), "# ! [allow (unused)]");
        assert_eq!(function.body.stream().to_string(), "let x = 1 ;");
    }
}
