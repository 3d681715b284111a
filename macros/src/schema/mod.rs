//! Declarations: `span_schema!`, `event_schema!` and `attribute_group!`.
//!
//! A group is a type that says what it is, and a macro of the same name that hands its attributes back to the declaration
//! that includes it. So is every schema, for those that extend it. [`declare`] therefore runs once for every `include`, and
//! writes code when none is left.

mod attribute;
mod expand;
mod model;
mod read;
mod repair;
mod tree;

use crate::ctxt::Ctxt;
use crate::tokens::{ends, group, is_punct, plain, split};
pub(crate) use attribute::WORDS;
use attribute::starts_with;
use model::Form;
use proc_macro2::{Delimiter, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// `pub Name = "id" { items }`
pub(crate) fn span_schema(input: TokenStream) -> TokenStream {
    declare_all(Form::Span, input)
}

/// `pub Name = "id" { items }`
pub(crate) fn event_schema(input: TokenStream) -> TokenStream {
    declare_all(Form::Event, input)
}

/// `pub Name = "id" { items }`, the id if it is wanted.
pub(crate) fn attribute_group(input: TokenStream) -> TokenStream {
    declare_all(Form::Group, input)
}

fn declare_all(form: Form, input: TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let mut code = TokenStream::new();
    let tokens: Vec<TokenTree> = input.into_iter().collect();
    let is_body = |token: &TokenTree| group(Some(token), Delimiter::Brace).is_some();
    for (number, declaration) in tokens.split_inclusive(is_body).enumerate() {
        match declaration.split_last() {
            Some((TokenTree::Group(body), head)) if body.delimiter() == Delimiter::Brace => {
                if let (Some(first), true) = (read::with_docs(head).1.first(), number > 0) {
                    let name = form.macro_name();
                    ctxt.error_at(first.span(), format_args!("a second declaration needs a `{name}!` of its own"));
                }
                let items = repair::items(body.stream(), &mut ctxt);
                code.extend(declare(form, head, items, &mut ctxt));
            }
            _ => expected_declaration(form, declaration, &mut ctxt),
        }
    }
    if tokens.is_empty() {
        expected_declaration(form, &[], &mut ctxt);
    }
    let errors = ctxt.into_errors();
    quote!(#errors #code)
}

fn expected_declaration(form: Form, tokens: &[TokenTree], ctxt: &mut Ctxt) {
    let (first, last) = ends(&tokens[tokens.len().saturating_sub(1)..], Span::call_site());
    let example = read::example_id(form);
    ctxt.error(first, last, format_args!("expected `pub Name = \"{example}\" {{ app.id: int; … }}`"));
}

/// Writes the declaration, or asks for the next group that it includes.
fn declare(form: Form, head: &[TokenTree], mut items: Vec<Vec<TokenTree>>, ctxt: &mut Ctxt) -> TokenStream {
    let wanted = items.iter().position(|item| {
        let item = read::with_docs(item).1;
        starts_with(item, "include") || starts_with(item, "extends")
    });
    let Some(wanted) = wanted else {
        return read::read(form, head, &items, ctxt)
            .map(|declaration| expand::declaration(&declaration))
            .unwrap_or_default();
    };
    let item = items.remove(wanted);
    let (request, path) = match read::with_docs(&item).1.split_first() {
        Some((TokenTree::Ident(request), path)) => (request.clone(), path.to_vec()),
        _ => return TokenStream::new(),
    };
    let is_path = matches!(path.last(), Some(TokenTree::Ident(_)))
        && path.iter().all(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'));
    if !is_path {
        let (first, last) = ends(&path, request.span());
        ctxt.error(first, last, format_args!("`{request}` needs one path, such as `{request} app::Tenant;`"));
        return declare(form, head, items, ctxt);
    }
    if request == "extends" && form == Form::Group {
        ctxt.error_at(request.span(), "an attribute group has no `extends`; write `include`");
        return declare(form, head, items, ctxt);
    }
    if request == "extends" && items.iter().any(|item| starts_with(item, "extends")) {
        ctxt.error_at(request.span(), "a schema can extend one other; write `include` to take in groups");
        return declare(form, head, items, ctxt);
    }
    let semicolon = || TokenTree::Punct(Punct::new(';', Spacing::Alone));
    let rest: TokenStream = items.into_iter().flat_map(|item| item.into_iter().chain([semicolon()])).collect();
    let (path, head): (TokenStream, TokenStream) = (path.into_iter().collect(), head.iter().cloned().collect());
    let form = Ident::new(form.as_str(), Span::call_site());
    quote!(#path! { #request { #path } #form { #head } { #rest } })
}

/// The schema that a struct declares; the struct itself is there already.
pub(crate) fn of_struct(head: TokenStream, items: &[Vec<TokenTree>], ctxt: &mut Ctxt) -> TokenStream {
    let head: Vec<TokenTree> = head.into_iter().collect();
    let Some(declaration) = read::read(Form::Span, &head, items, ctxt) else { return TokenStream::new() };
    expand::declaration(&model::Declaration { makes_type: false, ..declaration })
}

/// What the macro of a group or schema hands back: `form { its items } request { path } form { head } { items }`.
pub(crate) fn with_group(input: TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let parts: Vec<TokenTree> = input.into_iter().collect();
    let [
        TokenTree::Ident(given),
        TokenTree::Group(payload),
        TokenTree::Ident(request),
        TokenTree::Group(path),
        TokenTree::Ident(form),
        TokenTree::Group(head),
        TokenTree::Group(rest),
    ] = parts.as_slice()
    else {
        ctxt.error_at(Span::call_site(), "this is no macro to call; write `include` or `extends` in a declaration");
        return ctxt.into_errors();
    };
    let (Some(given), Some(form)) = (Form::from_name(&given.to_string()), Form::from_name(&form.to_string())) else {
        return ctxt.into_errors();
    };
    let path_tokens: Vec<TokenTree> = path.stream().into_iter().collect();
    let (first, last) = ends(&path_tokens, request.span());
    let name = path.stream().to_string().replace(' ', "");
    let expected = if request == "include" { Form::Group } else { form };
    if given != expected {
        let instead = match given {
            Form::Group => "`include`",
            _ if given == form => "`extends`",
            _ => "an attribute group for what both have",
        };
        let message = format_args!("`{name}` is {}, not {}; write {instead}", given.described(), expected.described());
        ctxt.error(first, last, message);
    }
    let mut items = split(rest.stream(), ';');
    items.push(quote!(from { } #path #payload).into_iter().collect());
    let head: Vec<TokenTree> = head.stream().into_iter().collect();
    let code = declare(form, &head, items, &mut ctxt);
    let errors = ctxt.into_errors();
    quote!(#errors #code)
}

/// The macro by which others take over what `name` declares.
fn exported(
    form: Form,
    krate: &TokenStream,
    name: &Ident,
    visibility: &TokenStream,
    payload: &TokenStream,
) -> TokenStream {
    // Exported macros share one namespace in a crate, so the name carries a fingerprint of what is declared, and of where.
    let text = format!("{payload}{}", place(name));
    let macro_name = Ident::new(&format!("__otelier_{}_{:016x}", plain(name), fingerprint(&text)), Span::call_site());
    let form = Ident::new(form.as_str(), Span::call_site());
    let krate = crate::item::with_dollar_crate(krate.clone());
    let visible = visibility.to_string();
    let export = (visible == "pub").then(|| quote!(#[macro_export]));
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros, non_local_definitions, clippy::crate_in_macro_def)]
        #export
        macro_rules! #macro_name {
            ($($declaration:tt)*) => { #krate::__private::__with_group! { #form { #payload } $($declaration)* } };
        }
        #[doc(hidden)]
        #[allow(unused_imports)]
        #visibility use #macro_name as #name;
    }
}

/// Where a name stands, which is not known in tests of this crate.
fn place(name: &Ident) -> String {
    if !proc_macro::is_available() {
        return String::new();
    }
    let span = name.span().unwrap();
    let file = span.file();
    // Not the whole path, which is another one on every machine.
    let from = file.rmatch_indices(['/', '\\']).nth(1).map_or(0, |(at, _)| at);
    format!("{}:{}:{}", file.get(from..).unwrap_or_default(), span.line(), span.column())
}

/// FNV-1a: the same text gives the same name in every build.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
