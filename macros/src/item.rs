//! The annotated function, split into what is kept and what is wrapped.

use crate::ctxt::Ctxt;
use crate::tokens::{group, is_ident, is_punct, split};
use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// How a function's body comes to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// When the function is called.
    Sync,
    /// `async fn`, and it must stay one, because other attributes will read it.
    Async,
    /// `async fn`, written as a function that returns a future: the state of the body is kept once, not twice.
    Desugared,
    /// A function that ends in an `async` block, perhaps inside of `Box::pin(..)`.
    Returns,
    /// A function that returns a future made elsewhere (`future`); whether it is boxed.
    Future { boxed: bool },
    /// A function that returns a stream or an iterator whose items are made later; whether it is boxed.
    Drain { stream: bool, boxed: bool },
}

impl Form {
    /// Whether the span ends when a future does, so that results are looked at there.
    pub(crate) fn is_later(self) -> bool {
        matches!(self, Self::Async | Self::Desugared | Self::Returns | Self::Future { .. })
    }
}

/// Words that say what a function returns, or that it has no span.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words {
    pub(crate) future: Option<Span>,
    pub(crate) stream: Option<Span>,
    pub(crate) iterator: Option<Span>,
    /// Of calls of the function inside of itself, only the outermost has a span.
    pub(crate) outermost: Option<Span>,
    pub(crate) skip: Option<Span>,
}

/// A function with a body.
#[derive(Debug)]
pub(crate) struct Function {
    /// Attributes, visibility, signature: everything before the body.
    pub(crate) head: TokenStream,
    pub(crate) name: Ident,
    pub(crate) form: Form,
    /// What the body gives, with `_` for every `impl Trait`; `None` for `()`, `!` and `impl Fn`. Of a function that ends in an `async` block
    /// it is what the block gives.
    pub(crate) output: Option<TokenStream>,
    /// What an `impl Iterator<Item = T>` or `impl Stream<Item = T>` gives, with `_` for every `impl Trait`: no more is written
    /// of its type than this.
    pub(crate) item: Option<TokenStream>,
    /// Statements that bind or name the parameters of an `async fn`: its body becomes a block that may outlive the parameters'
    /// own scope, and must own what it assigns to, or what it has to drop.
    pub(crate) rebound: TokenStream,
    /// The names among them.
    pub(crate) bound: Vec<Ident>,
    /// Attributes at the top of the body.
    pub(crate) inner_attributes: TokenStream,
    pub(crate) body: Group,
}

impl Function {
    /// Reads a function, or reports why it cannot be annotated. With `keep_async` an `async fn` stays one.
    pub(crate) fn read(item: TokenStream, words: Words, keep_async: bool, ctxt: &mut Ctxt) -> Option<Self> {
        let mut head: Vec<TokenTree> = ungrouped(item).collect();
        if let Some(first) = head.first().filter(|_| is_closure(&head)) {
            ctxt.error_at(first.span(), "a closure cannot be annotated; write `trace_block!` in its body");
            return None;
        }
        let Some(at) = head.iter().position(|token| is_ident(token, "fn")) else {
            let span = head
                .iter()
                .find(|token| matches!(token, TokenTree::Ident(_)))
                .map_or_else(Span::call_site, TokenTree::span);
            ctxt.error_at(span, "expected a function, an `impl` block or a trait");
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
        if let Some(dots) = variadic(&head[at..]) {
            ctxt.error_at(
                dots,
                format_args!("`{name}` takes any number of arguments and cannot be traced; annotate its caller"),
            );
            return None;
        }
        let is_async = head[..at].iter().any(|token| is_ident(token, "async"));
        let output = output(&head[at..]);
        let form = form(&name, is_async, output.as_deref(), &body, words, ctxt)?;
        if let Some(outermost) = words.outermost
            && form != Form::Sync
        {
            ctxt.error_at(outermost, "`outermost` is for functions that do their work when they are called");
            return None;
        }
        let is_never = output.as_deref().is_some_and(is_never);
        let form = match form {
            Form::Async if !keep_async && !is_never && only_inert(&head[..at]) => Form::Desugared,
            form => form,
        };
        let (inner_attributes, body) = hoist_inner_attributes(body);
        let mut bound = Vec::new();
        let rebound = match form {
            Form::Async => match captured_in_reverse(&head, at) {
                Some(captured) => captured,
                None => rebind(&mut head, at, &mut bound),
            },
            Form::Desugared => {
                let rebound = rebind(&mut head, at, &mut bound);
                returning_a_future(&mut head, at);
                rebound
            }
            _ => TokenStream::new(),
        };
        let is_hidden = |output: &[TokenTree]| output.first().is_some_and(|first| is_ident(first, "impl"));
        let item = output.as_deref().filter(|output| matches!(form, Form::Drain { .. }) && is_hidden(output)).and_then(
            |output| {
                let at = output.windows(2).position(|pair| is_ident(&pair[0], "Item") && is_punct(&pair[1], '='))?;
                Some(without_impl(in_angles(&output[at + 2..]).0.to_vec()).into_iter().collect())
            },
        );
        let output = match form {
            // What an alias hides rustc finds.
            Form::Returns => {
                output.map(|output| output_of_future(&output).unwrap_or_else(|| quote!(_).into_iter().collect()))
            }
            _ => output,
        };
        let output = output
            .filter(|output| !is_never && !is_closure_type(output))
            .map(without_impl)
            .map(|output| output.into_iter().collect());
        Some(Self {
            head: head.into_iter().collect(),
            name,
            form,
            output,
            item,
            rebound,
            bound,
            inner_attributes,
            body,
        })
    }
}

/// Whether a type is `!`.
pub(crate) fn is_never(output: &[TokenTree]) -> bool {
    matches!(output, [bang] if is_punct(bang, '!'))
}

/// Whether an item is none but a closure.
pub(crate) fn is_closure(item: &[TokenTree]) -> bool {
    let words = item.iter().take_while(|token| is_ident(token, "move") || is_ident(token, "async")).count();
    item.get(words).is_some_and(|token| is_punct(token, '|'))
}

/// The tokens, those of invisible groups among them: a `macro_rules!` hands its fragments on in such groups.
fn ungrouped(tokens: TokenStream) -> impl Iterator<Item = TokenTree> {
    tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None && is_body_or_words(&group) => {
            group.stream().into_iter().collect()
        }
        token => vec![token],
    })
}

/// Whether an invisible group is a body, or what stands before `fn`, which nothing binds closer together.
fn is_body_or_words(group: &Group) -> bool {
    let mut tokens = group.stream().into_iter();
    match (tokens.next(), tokens.next()) {
        (None, _) => true,
        (Some(TokenTree::Group(body)), None) => body.delimiter() == Delimiter::Brace,
        (Some(TokenTree::Ident(_)), _) => true,
        (Some(hash), _) => is_punct(&hash, '#'),
    }
}

/// Where the dots of a variadic function are.
fn variadic(signature: &[TokenTree]) -> Option<Span> {
    let TokenTree::Group(list) = &signature[parameters(signature)?] else { return None };
    let tokens: Vec<TokenTree> = list.stream().into_iter().collect();
    let dots = tokens.windows(3).find(|three| three.iter().all(|token| is_punct(token, '.')))?;
    Some(dots[0].span())
}

/// How the body comes to run, or why the function cannot be annotated.
fn form(
    name: &Ident,
    is_async: bool,
    output: Option<&[TokenTree]>,
    body: &Group,
    words: Words,
    ctxt: &mut Ctxt,
) -> Option<Form> {
    let drain = words.stream.map(|span| (span, true)).or(words.iterator.map(|span| (span, false)));
    if let Some(span) = words.future.or(drain.map(|(span, _)| span)) {
        let boxed = !output.unwrap_or_default().iter().any(|token| is_ident(token, "impl"));
        let what = match drain {
            _ if words.future.is_some() => "future",
            Some((_, true)) => "stream",
            _ => "iterator",
        };
        if is_async && what == "future" {
            ctxt.error_at(span, "an `async fn` is known to return a future; leave `future` out");
        } else if is_async {
            let message = "is not for an `async fn`; annotate a function that returns the";
            ctxt.error_at(span, format_args!("`{what}` {message} {what} at once"));
        } else if output.is_none() {
            ctxt.error_at(span, format_args!("`{name}` returns nothing, and no {what}; leave `{what}` out"));
        } else {
            return Some(match drain {
                _ if words.future.is_some() => Form::Future { boxed },
                Some((_, stream)) => Form::Drain { stream, boxed },
                None => Form::Sync,
            });
        }
        return None;
    }
    if is_async {
        return Some(Form::Async);
    }
    let Some(future) = output.unwrap_or_default().iter().find_map(future_in) else {
        // The type may be an alias, but what the body ends in is a future.
        let is_future = output.is_some() && ends_in_future(&body.stream().into_iter().collect::<Vec<_>>());
        return Some(if is_future { Form::Returns } else { Form::Sync });
    };
    if async_tail(&body.stream().into_iter().collect::<Vec<_>>()).is_some() {
        return Some(Form::Returns);
    }
    ctxt.error_at(
        future,
        format_args!(
            "`{name}` returns a future, and its span would end before the future runs; write `async fn {name}`, end it in \
             an `async` block, or add `future` to trace whatever future it returns"
        ),
    );
    None
}

/// Attributes that no macro stands behind, and that mean the same on a function which returns a future.
const INERT: &[&str] = &[
    "allow",
    "cfg",
    "clippy",
    "cold",
    "deny",
    "deprecated",
    "diagnostic",
    "doc",
    "expect",
    "forbid",
    "inline",
    "rustfmt",
    "warn",
];

/// Whether all attributes before a function are inert.
pub(crate) fn only_inert(before: &[TokenTree]) -> bool {
    before.windows(2).all(|pair| match pair {
        [hash, TokenTree::Group(list)] if is_punct(hash, '#') => {
            let first = list.stream().into_iter().next();
            first.is_some_and(|first| INERT.iter().any(|inert| is_ident(&first, inert)))
        }
        _ => true,
    })
}

/// Makes `async fn f() -> T` to `fn f() -> impl Future<Output = T>`.
///
/// What the future captures is decided by the edition of the macro that wrote `impl`, which is 2024: everything, as an
/// `async fn` does.
fn returning_a_future(head: &mut Vec<TokenTree>, function: usize) {
    let Some(parameters) = parameters(&head[function..]).map(|at| at + function) else { return };
    let rest = head.split_off(parameters + 1);
    let (output, rest): (TokenStream, &[TokenTree]) = match rest.as_slice() {
        [minus, arrow, output @ ..] if is_punct(minus, '-') && is_punct(arrow, '>') => {
            let end = end_of_output(output);
            (output[..end].iter().cloned().collect(), &output[end..])
        }
        rest => (quote!(()), rest),
    };
    // The signature ends where the user's does: coverage counts it only if it begins and ends in the same file.
    let end = output.clone().into_iter().last().map_or_else(|| head[parameters].span(), |last| last.span());
    let mut angle = Punct::new('>', Spacing::Alone);
    angle.set_span(end);
    head.extend(quote!(-> impl ::core::future::Future<Output = #output #angle));
    head.extend(rest.iter().cloned());
    if let Some(at) = head[..function].iter().position(|token| is_ident(token, "async")) {
        head.remove(at);
    }
}

/// What a future gives whose type is written `Future<Output = T>` or `BoxFuture<'a, T>`.
fn output_of_future(output: &[TokenTree]) -> Option<Vec<TokenTree>> {
    for (at, token) in output.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                if let Some(found) = output_of_future(&inner) {
                    return Some(found);
                }
            }
            token if is_ident(token, "Output") && output.get(at + 1).is_some_and(|next| is_punct(next, '=')) => {
                return Some(in_angles(&output[at + 2..]).0.to_vec());
            }
            TokenTree::Ident(ident) if ident.to_string().ends_with("BoxFuture") => {
                // An alias of the user's own may hold the type, where rustc finds it.
                let mut last = Some(quote!(<#(#output)* as ::core::future::Future>::Output).into_iter().collect());
                let Some(mut rest) = output.get(at + 2..) else { return last };
                loop {
                    let (argument, after) = in_angles(rest);
                    let is_lifetime = matches!(argument, [tick, _] if is_punct(tick, '\''));
                    if !argument.is_empty() && !is_lifetime {
                        last = Some(argument.to_vec());
                    }
                    match after {
                        [comma, after @ ..] if is_punct(comma, ',') => rest = after,
                        _ => return last,
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// The tokens up to a comma or an angle that closes something further out, and the rest.
fn in_angles(tokens: &[TokenTree]) -> (&[TokenTree], &[TokenTree]) {
    let mut angles = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        let is_arrow = at.checked_sub(1).is_some_and(|before| is_punct(&tokens[before], '-'));
        if is_punct(token, '<') {
            angles += 1;
        } else if is_punct(token, '>') && !is_arrow {
            if angles == 0 {
                return tokens.split_at(at);
            }
            angles -= 1;
        } else if is_punct(token, ',') && angles == 0 {
            return tokens.split_at(at);
        }
    }
    (tokens, &[])
}

/// The `async` block that a body ends in, and whether it is `move`; also as the only argument of a call, and with methods
/// called on it. Not if the body may return another future before.
fn async_tail(body: &[TokenTree]) -> Option<(bool, Group)> {
    let mut found = None;
    replace_async_tail(body, &mut |_, is_move, block| {
        found = Some((is_move, block.clone()));
        TokenStream::new()
    })?;
    found
}

/// Whether a body ends in an `async` block that it returns as it is, or boxed.
fn ends_in_future(body: &[TokenTree]) -> bool {
    let is_boxed = |name: &TokenTree| ["boxed", "boxed_local"].iter().any(|word| is_ident(name, word));
    let ends = match body {
        [.., TokenTree::Group(_), dot, name, TokenTree::Group(_)] if is_punct(dot, '.') => is_boxed(name),
        [.., pin, TokenTree::Group(call)] if call.delimiter() == Delimiter::Parenthesis => is_ident(pin, "pin"),
        [.., word, TokenTree::Group(_)] => is_ident(word, "async") || is_ident(word, "move"),
        _ => false,
    };
    ends && async_tail(body).is_some()
}

/// The body with something else in place of the `async` block that it ends in: where `async` stands, whether it is `move`,
/// and the block are given for that.
pub(crate) fn replace_async_tail(
    body: &[TokenTree],
    replacement: &mut dyn FnMut(Span, bool, &Group) -> TokenStream,
) -> Option<TokenStream> {
    let mut end = body.len();
    // `.boxed()`
    while let [.., dot, TokenTree::Ident(_), call] = &body[..end]
        && is_punct(dot, '.')
        && group(Some(call), Delimiter::Parenthesis).is_some()
    {
        end -= 3;
    }
    let (start, replaced) = match &body[..end] {
        [.., word, moved, TokenTree::Group(block)]
            if block.delimiter() == Delimiter::Brace && is_ident(word, "async") && is_ident(moved, "move") =>
        {
            (end - 3, replacement(word.span(), true, block))
        }
        [.., word, TokenTree::Group(block)] if block.delimiter() == Delimiter::Brace && is_ident(word, "async") => {
            (end - 2, replacement(word.span(), false, block))
        }
        [.., TokenTree::Ident(_), TokenTree::Group(call)] if call.delimiter() == Delimiter::Parenthesis => {
            let mut arguments = split(call.stream(), ',');
            let [argument] = arguments.as_mut_slice() else { return None };
            let mut replaced = Group::new(Delimiter::Parenthesis, replace_async_tail(argument, replacement)?);
            replaced.set_span(call.span());
            (end - 1, TokenTree::Group(replaced).into())
        }
        _ => return None,
    };
    if returns(&body[..start]) {
        return None;
    }
    let (before, after) = (body[..start].iter().cloned(), body[end..].iter().cloned());
    Some(before.chain(replaced).chain(after).collect())
}

/// Whether statements return, outside of closures, blocks and functions of their own.
fn returns(statements: &[TokenTree]) -> bool {
    statements.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Group(group) => {
            let before = at.checked_sub(1).map(|before| &statements[before]);
            let is_inner = before
                .is_some_and(|before| is_punct(before, '|') || is_ident(before, "async") || is_ident(before, "move"));
            !is_inner && returns(&group.stream().into_iter().collect::<Vec<_>>())
        }
        token => is_punct(token, '?'),
    })
}

/// The span of the word `Future` in a return type, also inside groups.
fn future_in(token: &TokenTree) -> Option<Span> {
    match token {
        TokenTree::Ident(ident) if ident == "Future" || ident.to_string().ends_with("BoxFuture") => Some(ident.span()),
        TokenTree::Group(group) => group.stream().into_iter().find_map(|token| future_in(&token)),
        _ => None,
    }
}

/// Whether the type is `impl Fn(A) -> B`. There is nothing to look at, and a closure must stand where the function's own
/// return type tells it what its arguments are.
fn is_closure_type(output: &[TokenTree]) -> bool {
    const TRAITS: [&str; 6] = ["AsyncFn", "AsyncFnMut", "AsyncFnOnce", "Fn", "FnMut", "FnOnce"];
    output.first().is_some_and(|first| is_ident(first, "impl"))
        && output.iter().any(|token| TRAITS.iter().any(|name| is_ident(token, name)))
}

/// The tokens between `->` and `where` or the end; `signature` starts at `fn`.
pub(crate) fn output(signature: &[TokenTree]) -> Option<Vec<TokenTree>> {
    let parameters = parameters(signature)?;
    let rest = signature.get(parameters + 1..)?;
    match rest {
        [minus, arrow, output @ ..] if is_punct(minus, '-') && is_punct(arrow, '>') => {
            Some(output[..end_of_output(output)].to_vec())
        }
        _ => None,
    }
}

fn end_of_output(output: &[TokenTree]) -> usize {
    output.iter().position(|token| is_ident(token, "where")).unwrap_or(output.len())
}

/// Names the parameters of an `async fn` that stays one, the last one first, if all of them have plain names: the block inside
/// of it takes them in that order, and in that order it drops them, as the function would. Bound anew they would be in the
/// future once more.
fn captured_in_reverse(head: &[TokenTree], function: usize) -> Option<TokenStream> {
    let at = parameters(&head[function..])? + function;
    let tokens: Vec<TokenTree> = group(head.get(at), Delimiter::Parenthesis)?.stream().into_iter().collect();
    let mut captured = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        let mut first = start;
        while first + 1 < tokens.len() && is_punct(&tokens[first], '#') {
            first += 2;
        }
        let end = end_of_parameter(&tokens, first);
        let (attributes, parameter) = (&tokens[start..first], &tokens[first..end]);
        start = end;
        let (pattern, rest) = parameter.split_at(single_colon(parameter).unwrap_or(parameter.len()));
        match pattern {
            // Nothing is dropped with a reference.
            [reference, ..] if is_punct(reference, '&') => {}
            [TokenTree::Ident(name), ..] if name != "_" && name != "mut" => {
                if pattern.len() > 1 && !is_punct(&pattern[1], ',') {
                    return None;
                }
                if !rest.get(1).is_some_and(|first| is_punct(first, '&')) {
                    captured.push(quote!(#(#attributes)* let _ = &#name;));
                }
            }
            _ => return None,
        }
    }
    captured.reverse();
    Some(captured.into_iter().collect())
}

/// Binds every parameter anew inside of the body, and gives the statements that do so: each lives as long as the body, and is
/// dropped in the same order as by an `async fn`; the ones with a pattern get names for that.
fn rebind(head: &mut [TokenTree], function: usize, bound: &mut Vec<Ident>) -> TokenStream {
    let mut rebound = TokenStream::new();
    let Some(at) = parameters(&head[function..]).map(|at| at + function) else { return rebound };
    let TokenTree::Group(list) = &head[at] else { return rebound };
    let tokens: Vec<TokenTree> = list.stream().into_iter().collect();
    let mut written: Vec<TokenTree> = Vec::with_capacity(tokens.len());
    let mut start = 0;
    while start < tokens.len() {
        let mut first = start;
        // Attributes such as `#[cfg(..)]` go with the parameter.
        while first + 1 < tokens.len() && is_punct(&tokens[first], '#') {
            first += 2;
        }
        let end = end_of_parameter(&tokens, first);
        let attributes = &tokens[start..first];
        let (parameter, comma) = match &tokens[first..end] {
            [parameter @ .., comma] if is_punct(comma, ',') => (parameter, Some(comma.clone())),
            parameter => (parameter, None),
        };
        let colon = single_colon(parameter);
        let (pattern, rest) = parameter.split_at(colon.unwrap_or(parameter.len()));
        written.extend_from_slice(attributes);
        start = end;
        match pattern {
            [.., this] if is_ident(this, "self") => {
                written.extend_from_slice(parameter);
                let is_reference = pattern.first().is_some_and(|first| is_punct(first, '&'))
                    || rest.get(1).is_some_and(|first| is_punct(first, '&'));
                if !is_reference {
                    // Taken whole, also by a body that uses a part of it.
                    rebound.extend(quote!(#(#attributes)* let _ = &#this;));
                }
            }
            [word, TokenTree::Ident(name)] if colon.is_some() && is_ident(word, "mut") => {
                rebound.extend(quote!(#(#attributes)* #[allow(clippy::shadow_same)] let #word #name = #name;));
                bound.push(name.clone());
                written.extend_from_slice(&parameter[1..]);
            }
            [TokenTree::Ident(name)] if colon.is_some() && name != "_" => {
                rebound.extend(quote!(#(#attributes)* #[allow(clippy::shadow_same)] let #name = #name;));
                bound.push(name.clone());
                written.extend_from_slice(parameter);
            }
            _ if colon.is_some() => {
                let name = Ident::new(&format!("__otelier_argument_{}", written.len()), Span::mixed_site());
                rebound.extend(quote! {
                    #(#attributes)* let #name = #name;
                    #(#attributes)* let #(#pattern)* = #name;
                });
                written.push(TokenTree::Ident(name));
                written.extend_from_slice(rest);
            }
            _ => written.extend_from_slice(parameter),
        }
        written.extend(comma);
    }
    let mut replaced = Group::new(Delimiter::Parenthesis, written.into_iter().collect());
    replaced.set_span(list.span());
    head[at] = TokenTree::Group(replaced);
    rebound
}

/// The position of the colon between a pattern and its type.
fn single_colon(parameter: &[TokenTree]) -> Option<usize> {
    (0..parameter.len()).find(|at| {
        let is_colon = |at: Option<usize>| at.and_then(|at| parameter.get(at)).is_some_and(|t| is_punct(t, ':'));
        is_colon(Some(*at)) && !is_colon(at.checked_sub(1)) && !is_colon(at.checked_add(1))
    })
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
pub(crate) fn parameters(signature: &[TokenTree]) -> Option<usize> {
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

    fn output_of(item: TokenStream) -> Option<String> {
        let mut ctxt = Ctxt::default();
        let function = Function::read(item, Words::default(), false, &mut ctxt);
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
            assert!(Function::read(item, Words::default(), false, &mut ctxt).is_none());
            assert!(!ctxt.is_empty());
        }
    }

    #[test]
    fn parameters_of_async_functions_are_bound_again() {
        let item = quote!(
            async fn f<T: Fn(u8) -> u8>(&mut self, mut a: Map<u8, u8>, #[cfg(x)] mut b: T, (mut d, e): P) {}
        );
        let function = Function::read(item, Words::default(), true, &mut Ctxt::default()).unwrap();
        let bound = "# [allow (clippy :: shadow_same)] let mut a = a ; # [cfg (x)] # [allow (clippy :: shadow_same)] let mut b = b ;";
        assert!(function.rebound.to_string().starts_with(bound), "{}", function.rebound);
        assert!(
            function.rebound.to_string().ends_with("let (mut d , e) = __otelier_argument_19 ;"),
            "{}",
            function.rebound
        );
        let parameters = "(& mut self , a : Map < u8 , u8 > , # [cfg (x)] b : T , __otelier_argument_19 : P)";
        assert!(function.head.to_string().ends_with(parameters), "{}", function.head);
    }

    #[test]
    fn plain_parameters_of_async_functions_are_captured_the_last_one_first() {
        let item = quote!(
            async fn f(self, a: Map<u8, u8>, b: &str, #[cfg(x)] c: T) {}
        );
        let function = Function::read(item, Words::default(), true, &mut Ctxt::default()).unwrap();
        assert_eq!(function.rebound.to_string(), "# [cfg (x)] let _ = & c ; let _ = & a ; let _ = & self ;");
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
            Words::default(),
            false,
            &mut Ctxt::default(),
        )
        .unwrap();
        assert_eq!(function.inner_attributes.to_string(), "# ! [allow (unused)]");
        assert_eq!(function.body.stream().to_string(), "let x = 1 ;");
    }
}
