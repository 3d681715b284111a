//! `#[derive(ErrorClass)]`: what an error says of itself on spans.

use super::attribute_enum::words;
use super::input::{Attributes, Choice, Input, angles, fields};
use crate::ctxt::Ctxt;
use crate::tokens::{ends, group, is_ident, is_punct, plain, split, string};
use otelier_spec::suggest;
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};

const OPTIONS: [&str; 8] = ["crate", "expected", "kind", "recovery", "retryable", "severity", "transparent", "type"];

/// The options of a variant: those of the type without `crate`.
const VARIANT_OPTIONS: [&str; 7] = ["expected", "kind", "recovery", "retryable", "severity", "transparent", "type"];

/// A word of a closed set: what users write, and the variant of the runtime's enum.
type Word = (&'static str, &'static str);

const KINDS: [Word; 15] = [
    ("validation", "Validation"),
    ("not_found", "NotFound"),
    ("conflict", "Conflict"),
    ("permission", "Permission"),
    ("authentication", "Authentication"),
    ("rate_limit", "RateLimit"),
    ("timeout", "Timeout"),
    ("unavailable", "Unavailable"),
    ("cancelled", "Cancelled"),
    ("network", "Network"),
    ("data", "Data"),
    ("configuration", "Configuration"),
    ("resource_exhausted", "ResourceExhausted"),
    ("internal", "Internal"),
    ("unknown", "Unknown"),
];

const SEVERITIES: [Word; 4] = [("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")];

const RECOVERIES: [Word; 6] = [
    ("none", "Nothing"),
    ("retry", "Retry"),
    ("skip", "Skip"),
    ("fallback", "Fallback"),
    ("restart", "Restart"),
    ("escalate", "Escalate"),
];

/// What `#[error_class(…)]` says on the type or on a variant.
#[derive(Default)]
struct Says {
    error_type: Option<TypeOf>,
    kind: Option<Ident>,
    severity: Option<Ident>,
    recovery: Option<Ident>,
    expected: Option<bool>,
    retryable: Option<bool>,
    transparent: Option<Span>,
}

#[derive(Clone)]
enum TypeOf {
    Text(String),
    /// A field's name or number, as the user wrote it.
    Field(TokenTree),
}

/// A variant, or all of a struct.
struct Case {
    path: TokenStream,
    name: Ident,
    says: Says,
    fields: Vec<Field>,
}

struct Field {
    /// Its name or its number.
    member: TokenTree,
    /// The same for messages and to compare.
    name: String,
    value_type: Vec<TokenTree>,
    is_source: bool,
    backtrace: Option<Span>,
}

pub(super) fn expand(input: &Input, ctxt: &mut Ctxt) -> TokenStream {
    let (says, cases) = read(input, ctxt).unwrap_or_default();
    let is_wrong = !ctxt.is_empty();
    let mut bounds = Vec::new();
    let methods = if is_wrong { TokenStream::new() } else { methods(input, &says, &cases, &mut bounds) };
    // Also if something is wrong there is an impl, so that its users do not fail as well.
    let methods = if is_wrong {
        quote! {
            fn error_type(&self) -> ::std::borrow::Cow<'static, ::core::primitive::str> {
                ::std::borrow::Cow::Borrowed("")
            }
        }
    } else {
        methods
    };
    let (name, generics) = (&input.name, &input.generics);
    let (parameters, arguments, predicates) = (&generics.parameters, &generics.arguments, &generics.predicates);
    if !generics.types.is_empty() {
        // The error can be displayed where its parameters allow it, and no further does this impl reach.
        bounds.push(quote!(#name<#(#arguments),*>: ::core::fmt::Display));
    }
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl<#(#parameters),*> ::otelier::ErrorClass for #name<#(#arguments),*>
        where #(#predicates,)* #(#bounds,)*
        {
            #methods
        }
    }
}

fn read(input: &Input, ctxt: &mut Ctxt) -> Option<(Says, Vec<Case>)> {
    let Input { name, keyword, attributes, body, .. } = input;
    if keyword == "union" {
        ctxt.error_at(keyword.span(), format_args!("`ErrorClass` is for structs and enums, and `{name}` is a union"));
        return None;
    }
    let says = Says::read(attributes, &OPTIONS, ctxt);
    if keyword == "struct" {
        let case = Case { path: quote!(Self), name: name.clone(), says, fields: fields_of(body.as_ref(), ctxt) };
        case.check(ctxt);
        return Some((Says::default(), vec![case]));
    }
    if let Some(span) = says.transparent {
        ctxt.error_at(
            span,
            "`transparent` is said of each variant that holds the inner error; write it on the variant",
        );
    }
    if let Some(TypeOf::Field(field)) = &says.error_type {
        let message =
            format_args!("`{field}` is a field, and fields are of variants; write `type = {field}` on the variant");
        ctxt.error_at(field.span(), message);
    }
    let mut cases = Vec::new();
    for tokens in body.iter().flat_map(|body| split(body.stream(), ',')) {
        let (attributes, rest) = Attributes::read(&tokens);
        let Some((TokenTree::Ident(name), rest)) = rest.split_first() else { continue };
        let body = group(rest.first(), Delimiter::Parenthesis).or_else(|| group(rest.first(), Delimiter::Brace));
        let says = Says::read(&attributes, &VARIANT_OPTIONS, ctxt);
        let case = Case { path: quote!(Self::#name), name: name.clone(), says, fields: fields_of(body, ctxt) };
        case.check(ctxt);
        cases.push(case);
    }
    Some((says, cases))
}

fn fields_of(body: Option<&Group>, ctxt: &mut Ctxt) -> Vec<Field> {
    let Some(body) = body else { return Vec::new() };
    let read = |(at, tokens): (usize, Vec<TokenTree>)| {
        let (attributes, rest) = Attributes::read(&tokens);
        if let Some(span) = attributes.find("error_class") {
            let message =
                "`#[error_class(…)]` belongs on the type or on a variant; a field has `#[source]` or `#[backtrace]`";
            ctxt.error_at(span, message);
        }
        let rest = without_visibility(rest);
        let (member, value_type) = match rest {
            [TokenTree::Ident(name), colon, value_type @ ..]
                if body.delimiter() == Delimiter::Brace && is_punct(colon, ':') =>
            {
                (TokenTree::from(name.clone()), value_type)
            }
            value_type => (Literal::usize_unsuffixed(at).into(), value_type),
        };
        let name = match &member {
            TokenTree::Ident(name) => plain(name),
            other => other.to_string(),
        };
        Field {
            member,
            name,
            value_type: value_type.to_vec(),
            is_source: attributes.find("source").or_else(|| attributes.find("from")).is_some(),
            backtrace: attributes.find("backtrace"),
        }
    };
    fields(body.stream()).into_iter().enumerate().map(read).collect()
}

fn without_visibility(tokens: &[TokenTree]) -> &[TokenTree] {
    let [word, rest @ ..] = tokens else { return tokens };
    if !is_ident(word, "pub") {
        return tokens;
    }
    let place = group(rest.first(), Delimiter::Parenthesis).and_then(|place| place.stream().into_iter().next());
    let is_place =
        place.is_some_and(|word| ["crate", "in", "self", "super"].iter().any(|known| is_ident(&word, known)));
    if is_place { &rest[1..] } else { rest }
}

impl Says {
    fn read(attributes: &Attributes, known: &[&str], ctxt: &mut Ctxt) -> Self {
        let choices = attributes.choices("error_class", known, ctxt);
        let named = |wanted: &str| choices.iter().find(|choice| choice.name == wanted);
        let says = Self {
            error_type: named("type").and_then(|choice| type_of(choice, ctxt)),
            kind: named("kind").and_then(|choice| word(choice, &KINDS, "a kind of error", ctxt)),
            severity: named("severity").and_then(|choice| word(choice, &SEVERITIES, "a severity", ctxt)),
            recovery: named("recovery").and_then(|choice| word(choice, &RECOVERIES, "a recovery", ctxt)),
            expected: named("expected").and_then(|choice| switch(choice, ctxt)),
            retryable: named("retryable").and_then(|choice| switch(choice, ctxt)),
            transparent: named("transparent").map(|choice| {
                choice.no_value(ctxt);
                choice.name.span()
            }),
        };
        if says.transparent.is_some() {
            for other in choices.iter().filter(|choice| choice.name != "transparent" && choice.name != "crate") {
                let message = format_args!(
                    "`transparent` takes all from the inner error; leave out `{0}`, or `transparent`",
                    other.name
                );
                ctxt.error_at(other.name.span(), message);
            }
        }
        says
    }
}

/// A word of a closed set, as the variant it stands for.
fn word(choice: &Choice, known: &[Word], what: &str, ctxt: &mut Ctxt) -> Option<Ident> {
    let value = choice.value.as_deref().unwrap_or_default();
    let example = known[0].0;
    let (first, last) = ends(value, choice.name.span());
    match value {
        [TokenTree::Ident(name)] => {
            let name = plain(name);
            if let Some((_, variant)) = known.iter().find(|(word, _)| *word == name) {
                return Some(format_ident!("{variant}"));
            }
            let words = || known.iter().map(|(word, _)| *word);
            let hint = suggest::did_you_mean(&name, words()).map_or_else(
                || format!("expected {}", suggest::list(words())),
                |near| format!("did you mean `{near}`?"),
            );
            ctxt.error_at(first, format_args!("`{name}` is not {what}; {hint}"));
        }
        [TokenTree::Literal(literal)] if string(literal).is_some() => {
            let text = string(literal).unwrap_or_default();
            let text = if known.iter().any(|(word, _)| *word == text) { &text } else { example };
            ctxt.error_at(first, format_args!("`{0}` is a word without quotes; write `{0} = {text}`", choice.name));
        }
        _ => ctxt.error(first, last, format_args!("`{0}` needs a word, such as `{0} = {example}`", choice.name)),
    }
    None
}

/// `expected`, `expected = true` or `expected = false`.
fn switch(choice: &Choice, ctxt: &mut Ctxt) -> Option<bool> {
    match choice.value.as_deref() {
        None => Some(true),
        Some([word]) if is_ident(word, "true") => Some(true),
        Some([word]) if is_ident(word, "false") => Some(false),
        Some(value) => {
            let (first, last) = ends(value, choice.name.span());
            let message = format_args!("`{0}` is `true` or `false`; write `{0}` alone for `true`", choice.name);
            ctxt.error(first, last, message);
            None
        }
    }
}

fn type_of(choice: &Choice, ctxt: &mut Ctxt) -> Option<TypeOf> {
    let value = choice.value.as_deref().unwrap_or_default();
    let (first, last) = ends(value, choice.name.span());
    match value {
        [TokenTree::Literal(literal)] if string(literal).is_some() => {
            let text = string(literal).unwrap_or_default();
            if text.is_empty() {
                ctxt.error_at(first, "`error.type` needs a text that is not empty");
            } else if text.contains('{') {
                let message =
                    "`type` is one text for every error of its kind; for the value of a field write `type = status`";
                ctxt.error_at(first, message);
            }
            Some(TypeOf::Text(text))
        }
        [TokenTree::Literal(number)] if number.to_string().bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(TypeOf::Field(number.clone().into()))
        }
        [TokenTree::Ident(name)] => Some(TypeOf::Field(name.clone().into())),
        _ => {
            let message = "`type` needs a text, such as `type = \"rate_limited\"`, or a field, such as `type = status`";
            ctxt.error(first, last, message);
            None
        }
    }
}

impl Case {
    fn field(&self, wanted: &TokenTree) -> Option<&Field> {
        let wanted = match wanted {
            TokenTree::Ident(name) => plain(name),
            other => other.to_string(),
        };
        self.fields.iter().find(|field| field.name == wanted)
    }

    fn check(&self, ctxt: &mut Ctxt) {
        let name = &self.name;
        if let Some(TypeOf::Field(wanted)) = &self.says.error_type
            && self.field(wanted).is_none()
        {
            let fields = || self.fields.iter().map(|field| field.name.as_str());
            let hint = match suggest::did_you_mean(&wanted.to_string(), fields()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.fields.is_empty() => "it has no fields; a text stands in quotes".to_owned(),
                None => format!("expected {}, or a text in quotes", suggest::list(fields())),
            };
            ctxt.error_at(wanted.span(), format_args!("`{name}` has no field `{wanted}`; {hint}"));
        }
        if let Some(span) = self.says.transparent
            && self.inner().is_none()
        {
            let count = self.fields.len();
            let message =
                format_args!("a transparent error holds the inner error alone, and `{name}` has {count} fields");
            ctxt.error_at(span, message);
        }
        let sources: Vec<&Field> = self.fields.iter().filter(|field| field.is_source).collect();
        if let [_, second, ..] = sources.as_slice() {
            let message = format_args!("`{name}` has its source already; an error has one");
            ctxt.error_at(ends(&second.value_type, name.span()).0, message);
        }
    }

    /// The one field of a transparent error.
    fn inner(&self) -> Option<&Field> {
        let mut fields = self.fields.iter().filter(|field| !field.is_backtrace());
        fields.next().filter(|_| fields.next().is_none())
    }

    /// What the variant says, or the type.
    fn said<T: Clone>(&self, general: &Says, of: impl Fn(&Says) -> &Option<T>) -> Option<T> {
        of(&self.says).as_ref().or(of(general).as_ref()).cloned()
    }
}

impl Field {
    fn tokens(&self) -> TokenStream {
        self.value_type.iter().cloned().collect()
    }

    fn span(&self) -> Span {
        ends(&self.value_type, Span::call_site()).0.resolved_at(Span::call_site())
    }

    /// Whether the type ends in `Backtrace`, perhaps in a pointer or an `Option`.
    fn is_backtrace(&self) -> bool {
        self.value_type.iter().rfind(|token| !is_punct(token, '>')).is_some_and(|last| is_ident(last, "Backtrace"))
    }

    /// What stands in the angles, if the type is an `Option`.
    fn optional(&self) -> Option<TokenStream> {
        let at = self.value_type.iter().position(|token| is_punct(token, '<'))?;
        let is_option = at.checked_sub(1).is_some_and(|before| is_ident(&self.value_type[before], "Option"));
        is_option.then(|| angles(&self.value_type[at..]).0.iter().cloned().collect())
    }

    /// A pattern that binds the field.
    fn pattern(&self, path: &TokenStream) -> TokenStream {
        let member = &self.member;
        quote!(#path { #member: __otelier_field, .. })
    }
}

fn methods(input: &Input, general: &Says, cases: &[Case], bounds: &mut Vec<TokenStream>) -> TokenStream {
    let generics = &input.generics;
    let mut bound = |value_type: &TokenStream, bound: TokenStream| {
        if generics.mentioned_in(value_type) {
            bounds.push(quote!(#value_type: #bound));
        }
    };
    for case in cases {
        if let Some(inner) = case.inner().filter(|_| case.says.transparent.is_some()) {
            bound(&inner.tokens(), quote!(::otelier::ErrorClass));
            continue;
        }
        if let Some(TypeOf::Field(field)) = &case.says.error_type
            && let Some(field) = case.field(field)
        {
            bound(&field.tokens(), quote!(::core::fmt::Display));
        }
        if let Some(source) = case.fields.iter().find(|field| field.is_source) {
            bound(&source.optional().unwrap_or_else(|| source.tokens()), quote!(::std::error::Error + 'static));
        }
    }
    let none = quote!(::core::option::Option::None);
    let some = |path: TokenStream| quote!(::core::option::Option::Some(#path));
    let method =
        |name: &str, returns: TokenStream, default: Option<TokenStream>, arm: &dyn Fn(&Case) -> Option<Arm>| {
            let name = format_ident!("{name}");
            let arms: Vec<Arm> = cases.iter().filter_map(|case| case.transparent(&name).or(arm(case))).collect();
            if arms.is_empty() && default.is_some() {
                return TokenStream::new();
            }
            let rest = default.filter(|_| arms.len() < cases.len()).map(|default| quote!(_ => #default,));
            let value = if cases.is_empty() { quote!(*self) } else { quote!(self) };
            let arms = arms.iter().map(|Arm { pattern, value }| quote!(#pattern => #value,));
            quote! {
                fn #name(&self) -> #returns {
                    match #value { #(#arms)* #rest }
                }
            }
        };
    let constant = |case: &Case, value: TokenStream| {
        let path = &case.path;
        Arm { pattern: quote!(#path { .. }), value }
    };
    let variant = |of: &'static str| {
        let of = format_ident!("{of}");
        move |variant: Ident| quote!(::otelier::#of::#variant)
    };
    let error_type = method("error_type", quote!(::std::borrow::Cow<'static, ::core::primitive::str>), None, &|case| {
        let text = |text: String| constant(case, quote!(::std::borrow::Cow::Borrowed(#text)));
        Some(match case.said(general, |says| &says.error_type) {
            None => text(words(&plain(&case.name)).join("_")),
            Some(TypeOf::Text(fixed)) => text(fixed),
            Some(TypeOf::Field(wanted)) => {
                let span = wanted.span().resolved_at(Span::call_site());
                let pattern = case.field(&wanted)?.pattern(&case.path);
                let text = quote_spanned!(span=> ::std::string::ToString::to_string(__otelier_field));
                Arm { pattern, value: quote!(::std::borrow::Cow::Owned(#text)) }
            }
        })
    });
    let kind = {
        let path = variant("ErrorKind");
        method("kind", quote!(::otelier::ErrorKind), Some(quote!(::otelier::ErrorKind::Unknown)), &|case| {
            Some(constant(case, path(case.said(general, |says| &says.kind)?)))
        })
    };
    let severity = {
        let path = variant("Severity");
        let returns = quote!(::core::option::Option<::otelier::Severity>);
        method("severity", returns, Some(none.clone()), &|case| {
            Some(constant(case, some(path(case.said(general, |says| &says.severity)?))))
        })
    };
    let recovery = {
        let path = variant("Recovery");
        let returns = quote!(::core::option::Option<::otelier::Recovery>);
        method("recovery", returns, Some(none.clone()), &|case| {
            Some(constant(case, some(path(case.said(general, |says| &says.recovery)?))))
        })
    };
    let flag = |name: &str, of: fn(&Says) -> &Option<bool>| {
        method(name, quote!(::core::primitive::bool), Some(quote!(false)), &|case| {
            case.said(general, of).filter(|said| *said).map(|said| constant(case, quote!(#said)))
        })
    };
    let is_expected = flag("is_expected", |says| &says.expected);
    let is_retryable = flag("is_retryable", |says| &says.retryable);
    let returns = quote!(::core::option::Option<&(dyn ::std::error::Error + 'static)>);
    let error_source = method("error_source", returns, Some(none.clone()), &|case| {
        let source = case.fields.iter().find(|field| field.is_source)?;
        let span = source.span();
        let found = |of: TokenStream| {
            some(quote_spanned!(span=> {
                #[allow(unused_imports)]
                use ::otelier::__private::class::*;
                #of.otelier_source()
            }))
        };
        let value = if source.optional().is_some() {
            let found = found(quote!(__otelier_source));
            quote!(match __otelier_field { ::core::option::Option::Some(__otelier_source) => #found, _ => #none })
        } else {
            found(quote!(__otelier_field))
        };
        Some(Arm { pattern: source.pattern(&case.path), value })
    });
    let returns = quote!(::core::option::Option<&::std::backtrace::Backtrace>);
    let backtrace = method("backtrace", returns, Some(none.clone()), &|case| {
        let marked = case.fields.iter().find(|field| field.backtrace.is_some());
        let field = marked.or_else(|| case.fields.iter().find(|field| field.is_backtrace()))?;
        let span = field.span();
        let value = if !field.is_backtrace() {
            inner(&format_ident!("backtrace"))
        } else if marked.is_some() {
            quote_spanned!(span=> ::otelier::__private::AsBacktrace::otelier_backtrace(__otelier_field))
        } else {
            quote! {{
                #[allow(unused_imports)]
                use ::otelier::__private::class::*;
                (&&::otelier::__private::Probe(__otelier_field)).otelier_backtrace_if_any()
            }}
        };
        Some(Arm { pattern: field.pattern(&case.path), value })
    });
    quote!(#error_type #kind #severity #recovery #is_expected #is_retryable #error_source #backtrace)
}

struct Arm {
    pattern: TokenStream,
    value: TokenStream,
}

impl Case {
    /// The arm of a transparent error, which asks the inner one.
    fn transparent(&self, method: &Ident) -> Option<Arm> {
        self.says.transparent?;
        let pattern = self.inner()?.pattern(&self.path);
        Some(Arm { pattern, value: inner(method) })
    }
}

/// What the error in `__otelier_field` says.
fn inner(method: &Ident) -> TokenStream {
    quote! {{
        #[allow(unused_imports)]
        use ::otelier::__private::class::*;
        (&&&&&::otelier::__private::Probe(__otelier_field)).otelier_inner().#method()
    }}
}
