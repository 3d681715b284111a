//! One field: what is said of it, and the code that describes, reads and checks it.

use super::super::input::{Attributes, Choice, angles, ungrouped};
use super::literal::{Fixed, Range};
use crate::ctxt::Ctxt;
use crate::tokens::{ends, group, is_punct, plain, split, string};
use otelier_spec::{name, unit};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

const OPTIONS: [&str; 11] =
    ["default", "env", "flatten", "key", "old_env", "old_key", "parse", "public", "range", "secret", "unit"];

/// What a key looks like, for messages.
pub(super) const KEYS: &str = "expected lower case words such as `cpu_threshold`";

/// Whether it can be a key.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-/".contains(c))
}

fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Value,
    Parsed,
    Flatten,
}

/// A text that an option says, and where.
type Said = (String, Span);

/// A field of the struct.
pub(super) struct Field {
    pub(super) ident: Ident,
    value_type: Vec<TokenTree>,
    doc: String,
    pub(super) form: Form,
    key: Said,
    old_keys: Vec<Said>,
    variables: Vec<Said>,
    old_variables: Vec<Said>,
    default: Option<(Fixed, Vec<TokenTree>)>,
    range: Option<Range>,
    unit: Option<Said>,
    secret: Option<Span>,
    public: Option<Span>,
}

impl Field {
    pub(super) fn read(tokens: &[TokenTree], ctxt: &mut Ctxt) -> Option<Self> {
        let (attributes, rest) = Attributes::read(tokens);
        let colon = rest.iter().position(|token| is_punct(token, ':'))?;
        let Some(TokenTree::Ident(ident)) = rest[..colon].last() else { return None };
        let choices = attributes.choices("config", &OPTIONS, ctxt);
        let get = |name: &str| choices.iter().find(|choice| choice.name == name);
        for word in ["flatten", "parse", "public", "secret"] {
            if let Some(choice) = get(word) {
                choice.no_value(ctxt);
            }
        }
        let form = match (get("flatten"), get("parse")) {
            (Some(_), _) => Form::Flatten,
            (_, Some(_)) => Form::Parsed,
            _ => Form::Value,
        };
        if form == Form::Flatten {
            for choice in choices.iter().filter(|choice| choice.name != "flatten") {
                let message =
                    format_args!("the fields of flattened `{ident}` say this for themselves; remove `{}`", choice.name);
                ctxt.error_at(choice.name.span(), message);
            }
        }
        let doc = attributes.doc();
        if doc.is_empty() && form != Form::Flatten {
            let message = format_args!(
                "field `{ident}` needs a doc comment that says what it does; it is shown to those who set it"
            );
            ctxt.error_at(ident.span(), message);
        }
        if let (Some(_), Some(public)) = (get("secret"), get("public")) {
            ctxt.error_at(public.name.span(), "`secret` and `public` contradict each other; keep one");
        }
        let mut list = |name: &str, example: &str| match get(name) {
            Some(choice) => texts(choice, example, ctxt),
            None => Vec::new(),
        };
        let field = Self {
            ident: ident.clone(),
            value_type: ungrouped(rest[colon + 1..].iter().cloned().collect()),
            doc,
            form,
            key: list("key", "cpu_threshold").pop().unwrap_or_else(|| (plain(ident), ident.span())),
            old_keys: list("old_key", "threshold"),
            variables: list("env", "LAKEHOUSE_SYMBOLS"),
            old_variables: list("old_env", "SYMBOLS"),
            default: None,
            range: None,
            unit: None,
            secret: get("secret").map(|choice| choice.name.span()),
            public: get("public").map(|choice| choice.name.span()),
        };
        Some(field.with_values(get("default"), get("range"), get("unit"), ctxt))
    }

    /// The field with its default, its range and its unit.
    fn with_values(
        mut self,
        default: Option<&Choice>,
        range: Option<&Choice>,
        unit: Option<&Choice>,
        ctxt: &mut Ctxt,
    ) -> Self {
        self.range = range.and_then(|choice| Range::read(choice, ctxt));
        self.unit = unit.and_then(|choice| {
            let (unit, literal) = choice.text("ms", ctxt)?;
            // UCUM's minute is `min`; lengths of time have `m`.
            match unit::check(&unit) {
                Err(near) if unit != "m" => {
                    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    ctxt.error_at(literal.span(), format_args!("`{unit}` is not a unit of UCUM{hint}"));
                    None
                }
                _ => Some((unit, literal.span())),
            }
        });
        let Some(choice) = default else { return self };
        let tokens = choice.value.clone().unwrap_or_default();
        let (first, last) = ends(&tokens, choice.name.span());
        let Some(value) = Fixed::read(&ungrouped(tokens.iter().cloned().collect())) else {
            let message = "`default` needs a value that can be shown in a table: a number, `true`, `false`, a text or a \
                           list of these, such as `default = [\"BTCUSDT\"]`";
            ctxt.error(first, last, message);
            return self;
        };
        if let Some(range) = self.range.as_ref().filter(|range| !range.has(&value)) {
            let message = format_args!("the default is not in the range `{}`", range.text);
            ctxt.error(first, last, message);
        }
        self.default = Some((value, tokens));
        self
    }

    /// Holds the names against those of the fields before.
    pub(super) fn check_against(&self, before: &[Self], ctxt: &mut Ctxt) {
        if self.form == Form::Flatten {
            return;
        }
        let all_keys = |field: &Self| -> Vec<Said> {
            if field.form == Form::Flatten {
                Vec::new()
            } else {
                [std::slice::from_ref(&field.key), &field.old_keys[..]].concat()
            }
        };
        let all_variables = |field: &Self| [&field.variables[..], &field.old_variables].concat();
        check(&all_keys(self), "key", is_key, KEYS, ctxt);
        let expected = "expected upper case words such as `LAKEHOUSE_SYMBOLS`";
        check(&all_variables(self), "variable", is_variable, expected, ctxt);
        for (what, of) in [("key", &all_keys as &dyn Fn(&Self) -> Vec<Said>), ("variable", &all_variables)] {
            for (name, span) in of(self) {
                let other = before.iter().find(|field| of(field).iter().any(|(other, _)| *other == name));
                if let Some(other) = other {
                    let message = format_args!(
                        "fields `{}` and `{}` have the same {what} `{name}`; give one of them another",
                        other.ident, self.ident
                    );
                    ctxt.error_at(span, message);
                }
            }
        }
    }

    /// The type that is read, with `Parsed` around what has no type of a setting itself.
    fn read_type(&self) -> TokenStream {
        if self.form == Form::Parsed { parsed(&self.value_type) } else { self.value_type.iter().cloned().collect() }
    }

    /// Where rustc reports what is wrong with the field's type.
    fn at_type(&self) -> Span {
        ends(&self.value_type, self.ident.span()).0.resolved_at(Span::call_site())
    }

    fn of_type(&self, what: &str) -> TokenStream {
        let (span, value_type) = (self.at_type(), self.read_type());
        let what = Ident::new(what, span);
        let owner = Ident::new(if self.form == Form::Flatten { "TelemetryConfig" } else { "Setting" }, span);
        quote_spanned!(span=> <#value_type as ::otelier::config::#owner>::#what)
    }

    /// The type's kind with unit and range.
    fn kind(&self) -> TokenStream {
        let mut kind = self.of_type("KIND");
        if let Some((unit, _)) = &self.unit {
            kind = quote!(::otelier::__private::config::with_unit(#kind, #unit));
        }
        if let Some(range) = &self.range {
            let range = range.tokens();
            kind = quote!(::otelier::__private::config::within(#kind, &#range));
        }
        kind
    }

    /// The description; of a flattened field, what it adds to the struct's section or to the root.
    pub(super) fn definition(&self, to_root: bool) -> TokenStream {
        if self.form == Form::Flatten {
            let (place, section) = (self.of_type("PLACE"), self.of_type(if to_root { "ROOT" } else { "SECTION" }));
            return quote! {
                ::otelier::__private::config::Field {
                    flatten: true,
                    ..::otelier::__private::config::Field::new(
                        "",
                        ::otelier::__private::config::flattened(
                            ::core::option::Option::is_some(&#place), #to_root, #section,
                        ),
                    )
                }
            };
        }
        let (doc, kind, required, secret) = (&self.doc, self.kind(), self.of_type("REQUIRED"), self.of_type("SECRET"));
        let (key, has_no_default) = (&self.key.0, self.default.is_none());
        let default = match &self.default {
            Some((value, _)) => {
                let text = value.yaml();
                quote!(::core::option::Option::Some(#text))
            }
            None => quote!(::core::option::Option::None),
        };
        let unit = match &self.unit {
            Some((unit, _)) => quote!(::core::option::Option::Some(#unit)),
            None => quote!(::core::option::Option::None),
        };
        let texts = |list: &[Said]| {
            let list = list.iter().map(|(text, _)| text);
            quote!(&[#(#list),*])
        };
        let (variables, old_keys) = (texts(&self.variables), texts(&self.old_keys));
        let old_variables = texts(&self.old_variables);
        quote! {
            ::otelier::__private::config::Field {
                key: #key,
                doc: #doc,
                kind: #kind,
                required: #has_no_default && #required,
                nullable: !(#has_no_default && #required),
                default: #default,
                unit: #unit,
                variables: #variables,
                old_keys: #old_keys,
                old_variables: #old_variables,
                secret: #secret,
                flatten: false,
            }
        }
    }

    /// The expression that reads the field, an `Option`.
    pub(super) fn read_value(&self, number: usize) -> TokenStream {
        if self.form == Form::Flatten {
            let read = self.of_type("read_flattened");
            return quote!(#read(__otelier_reader));
        }
        let default = match &self.default {
            Some((value, _)) => value.tokens(),
            None => quote!(::otelier::__private::config::Fixed::Nothing),
        };
        let of = self.of_type("of");
        quote! {
            ::otelier::__private::config::Reader::field(
                __otelier_reader,
                &<Self as ::otelier::config::TelemetryConfig>::SECTION.fields[#number],
                &const { #default },
                #of,
            )
        }
    }

    /// The field's value, once `name` holds what was read.
    pub(super) fn value_of(&self, name: &Ident) -> TokenStream {
        match self.form {
            Form::Parsed => quote!(::otelier::__private::config::Unparsed::out(#name?)),
            _ => quote!(#name?),
        }
    }

    /// What rustc checks once it knows the type.
    pub(super) fn checks(&self) -> TokenStream {
        if self.form == Form::Flatten {
            return TokenStream::new();
        }
        let (kind, secret, ident) = (self.of_type("KIND"), self.of_type("SECRET"), &self.ident);
        let shown = shown(&self.value_type);
        let unit = match &self.unit {
            Some((unit, _)) => quote!(::otelier::__private::config::with_unit(#kind, #unit)),
            None => kind.clone(),
        };
        let mut checks = Vec::new();
        if let Some((value, tokens)) = &self.default {
            let (fixed, place) = (value.tokens(), ends(tokens, ident.span()));
            let text: String = tokens.iter().map(ToString::to_string).collect();
            let fits = quote!(::otelier::__private::config::fits(&#unit, &#fixed));
            checks.push(check_that(&fits, place, &format!("`{text}` is not a value of `{shown}`")));
            let text = format!("a secret in the source is none; remove the default of `{ident}`");
            checks.push(check_that(&quote!(!#secret || !#fits), place, &text));
        }
        if let Some(range) = &self.range {
            let tokens = range.tokens();
            let fits = quote!(::otelier::__private::config::has_range(&#unit, &#tokens));
            checks.push(check_that(&fits, range.ends, &format!("`{}` is not a range of `{shown}`", range.text)));
        }
        if let Some((text, span)) = &self.unit {
            let fits = quote!(::otelier::__private::config::has_unit(&#kind, #text));
            checks.push(check_that(&fits, (*span, *span), &format!("`{text}` is not a unit of `{shown}`")));
        }
        if let Some((_, span)) = self.variables.first().or(self.old_variables.first()) {
            let fits = quote!(!::otelier::__private::config::is_section(&#kind));
            let text = format!("`{shown}` is set by the variables of its own fields; remove this one");
            checks.push(check_that(&fits, (*span, *span), &text));
        }
        let items = quote!(!::otelier::__private::config::items_have_variables(&#kind));
        let text = format!(
            "the items of `{shown}` have fields with environment variables, which would set every item; remove `env` there"
        );
        checks.push(check_that(&items, ends(&self.value_type, ident.span()), &text));
        if let Some(span) = self.secret {
            let text = format!("`secret` needs a type that hides its value; write `Secret<{shown}>`");
            checks.push(check_that(&secret, (span, span), &text));
        } else if self.looks_like_a_credential() && self.public.is_none() {
            let fits = quote!(#secret || !::otelier::__private::config::is_readable(&#kind));
            let text = format!(
                "field `{ident}` looks like a credential, and its type shows it; write `otelier::Secret<{shown}>`, or \
                 `#[config(public)]` if it is none"
            );
            checks.push(check_that(&fits, (ident.span(), ident.span()), &text));
        }
        quote!(#(#checks)*)
    }

    fn looks_like_a_credential(&self) -> bool {
        let variables = self.variables.iter().map(|(variable, _)| variable.to_lowercase());
        variables.chain([self.key.0.clone(), plain(&self.ident)]).any(|text| name::looks_like_a_credential(&text))
    }
}

/// Checks the names of one field.
fn check(names: &[Said], what: &str, is_one: fn(&str) -> bool, expected: &str, ctxt: &mut Ctxt) {
    for (number, (name, span)) in names.iter().enumerate() {
        if !is_one(name) {
            ctxt.error_at(*span, format_args!("`{name}` is not the name of a {what}; {expected}"));
        } else if names[..number].iter().any(|(other, _)| other == name) {
            ctxt.error_at(*span, format_args!("{what} `{name}` is given twice"));
        }
    }
}

/// The texts of an option: one, or a list.
fn texts(choice: &Choice, example: &str, ctxt: &mut Ctxt) -> Vec<Said> {
    let value = choice.value.as_deref().unwrap_or_default();
    if let [list] = value
        && choice.name != "key"
        && let Some(list) = group(Some(list), Delimiter::Bracket)
    {
        let items: Vec<_> = split(list.stream(), ',');
        let texts = items.iter().map(|item| match item.as_slice() {
            [TokenTree::Literal(literal)] => string(literal).map(|text| (text, literal.span())),
            _ => None,
        });
        if let Some(texts) = texts.collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty()) {
            return texts;
        }
    }
    choice.text(example, ctxt).map(|(text, literal)| (text, literal.span())).into_iter().collect()
}

/// `Option<Url>` as `Option<Parsed<Url>>`.
fn parsed(value_type: &[TokenTree]) -> TokenStream {
    let angle = value_type.iter().position(|token| is_punct(token, '<'));
    let wrapper = angle.and_then(|at| value_type[..at].last()).map(ToString::to_string);
    if let (Some(at), Some("Option" | "Secret" | "Vec")) = (angle, wrapper.as_deref())
        && let (inner, []) = angles(&value_type[at..])
    {
        let (path, inner) = (&value_type[..at], parsed(inner));
        return quote!(#(#path)*<#inner>);
    }
    quote!(::otelier::__private::config::Parsed<#(#value_type)*>)
}

/// A check that stops the compilation with the text.
fn check_that(fits: &TokenStream, (first, last): (Span, Span), text: &str) -> TokenStream {
    let (first, last) = (first.resolved_at(Span::call_site()), last.resolved_at(Span::call_site()));
    let (path, arguments) = (quote_spanned!(first=> ::core::panic), quote_spanned!(last=> !("{}", #text)));
    quote! {
        const _: () = if !(#fits) {
            #path #arguments
        };
    }
}

/// The type as people write it.
fn shown(value_type: &[TokenTree]) -> String {
    let text: String = value_type.iter().map(ToString::to_string).collect();
    text.replace(',', ", ")
}
