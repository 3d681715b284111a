//! `#[derive(AttributeEnum)]`: the variants of an enum as the values of an attribute.

use super::input::{Attributes, Input};
use crate::ctxt::Ctxt;
use crate::tokens::{ends, group, plain, split};
use otelier_spec::suggest;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// How a variant's name becomes its value.
pub(super) type Rule = fn(&[String]) -> String;

const RULES: [(&str, Rule); 7] = [
    ("PascalCase", |words| words.iter().map(|word| capitalized(word)).collect()),
    ("SCREAMING_SNAKE_CASE", |words| words.join("_").to_uppercase()),
    ("UPPERCASE", |words| words.concat().to_uppercase()),
    ("camelCase", |words| {
        let (first, rest) = words.split_at(words.len().min(1));
        first.iter().cloned().chain(rest.iter().map(|word| capitalized(word))).collect()
    }),
    ("kebab-case", |words| words.join("-")),
    ("lowercase", |words| words.concat()),
    ("snake_case", snake_case),
];

fn snake_case(words: &[String]) -> String {
    words.join("_")
}

fn capitalized(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}

/// The words of a name in lower case: `USDollar2Day` is `us`, `dollar2`, `day`.
pub(super) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let after_small = at.checked_sub(1).is_some_and(|before| !chars[before].is_uppercase());
        let before_small = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        if (*c == '_' || c.is_uppercase() && (after_small || before_small))
            && words.last().is_some_and(|w| !w.is_empty())
        {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| *c != '_') {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A variant that stands for one value.
struct Variant {
    name: Ident,
    value: String,
    doc: String,
}

#[derive(Default)]
struct Enum {
    variants: Vec<Variant>,
    /// The variant that takes any text: its name, the word `other`, and its type.
    other: Option<(Ident, Span, TokenStream)>,
    other_is_last: bool,
}

pub(super) fn expand(input: &Input, ctxt: &mut Ctxt) -> TokenStream {
    let Enum { variants, other, .. } = read(input, ctxt).unwrap_or_default();
    let (name, generics) = (&input.name, &input.generics);
    let (parameters, arguments, predicates) = (&generics.parameters, &generics.arguments, &generics.predicates);
    let values = variants.iter().map(|variant| &variant.value);
    let docs = variants.iter().map(|variant| &variant.doc);
    let docs = if variants.iter().all(|variant| variant.doc.is_empty()) { quote!() } else { quote!(#(#docs),*) };
    let open = other.is_some();
    let fixed = variants.iter().map(|Variant { name, value, .. }| quote!(Self::#name => #value,));
    let free = other.map(|(name, _, text)| {
        let span = ends(&text.into_iter().collect::<Vec<_>>(), name.span()).0.resolved_at(Span::call_site());
        let text = quote_spanned!(span=> ::otelier::__private::text(__otelier_text));
        quote!(Self::#name(__otelier_text) => #text,)
    });
    // Also if something is wrong there is an impl, so that its users do not fail as well.
    let missing = quote!(#[allow(unreachable_patterns)] _ => "",);
    let missing = if ctxt.is_empty() { quote!() } else { missing };
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl<#(#parameters),*> ::otelier::attribute::EnumAttribute for #name<#(#arguments),*> where #(#predicates),* {
            const VALUES: &'static [&'static ::core::primitive::str] = &[#(#values),*];
            const DOCS: &'static [&'static ::core::primitive::str] = &[#docs];
            const OPEN: ::core::primitive::bool = #open;
            fn value(&self) -> &::core::primitive::str {
                match self {
                    #(#fixed)*
                    #free
                    #missing
                }
            }
        }
        #[automatically_derived]
        impl<#(#parameters),*> ::otelier::attribute::AnyAttribute for #name<#(#arguments),*> where #(#predicates),* {
            fn record(&self, __otelier_slot: ::otelier::attribute::Slot<'_>) {
                ::otelier::attribute::Slot::str(__otelier_slot, ::otelier::attribute::EnumAttribute::value(self));
            }
        }
        #[automatically_derived]
        impl<#(#parameters),*> ::otelier::attribute::Element for #name<#(#arguments),*> where #(#predicates),* {}
        #[automatically_derived]
        impl<#(#parameters),*> ::core::fmt::Display for #name<#(#arguments),*> where #(#predicates),* {
            fn fmt(&self, __otelier_f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Formatter::pad(__otelier_f, ::otelier::attribute::EnumAttribute::value(self))
            }
        }
    }
}

fn read(input: &Input, ctxt: &mut Ctxt) -> Option<Enum> {
    let Input { name, keyword, generics, .. } = input;
    let Some(body) = input.body.as_ref().filter(|_| keyword == "enum") else {
        let hint = if keyword == "struct" { "; for a struct with named fields derive `SpanAttributes`" } else { "" };
        ctxt.error_at(keyword.span(), format_args!("`AttributeEnum` is for enums, and `{name}` is a {keyword}{hint}"));
        return None;
    };
    if let Some((first, last)) = generics.ends {
        let message =
            "`AttributeEnum` needs an enum without generics, whose values are one list; name the types instead";
        ctxt.error(first, last, message);
        return None;
    }
    let rule = rule(input, "attribute", ctxt);
    let mut found = Enum::default();
    let variants = split(body.stream(), ',');
    for tokens in &variants {
        found.read_variant(tokens, rule, ctxt);
    }
    if let Some((other, span, _)) = found.other.as_ref().filter(|_| !found.other_is_last) {
        let message = format_args!("`{other}` takes what no variant before it says; move it to the end");
        ctxt.error_at(*span, message);
    }
    if variants.is_empty() {
        ctxt.error_at(name.span(), format_args!("`{name}` has no variants, so the attribute has no values; add one"));
    } else if found.variants.is_empty() && ctxt.is_empty() {
        ctxt.error_at(
            name.span(),
            format_args!("`{name}` knows no value; add a variant for one, or use a `string` attribute in its place"),
        );
    }
    Some(found)
}

/// What `rename_all = "…"` says in the attribute of that name.
pub(super) fn rule(input: &Input, attribute: &str, ctxt: &mut Ctxt) -> Rule {
    let choices = input.attributes.choices(attribute, &["crate", "rename_all"], ctxt);
    let Some((wanted, literal)) =
        choices.iter().find(|choice| choice.name == "rename_all").and_then(|choice| choice.text("kebab-case", ctxt))
    else {
        return snake_case;
    };
    if let Some((_, rule)) = RULES.iter().find(|(name, _)| *name == wanted) {
        return *rule;
    }
    let names = suggest::list(RULES.iter().map(|(name, _)| *name));
    ctxt.error_at(literal.span(), format_args!("`{wanted}` is not a way to write names; expected {names}"));
    snake_case
}

impl Enum {
    fn read_variant(&mut self, tokens: &[TokenTree], rule: Rule, ctxt: &mut Ctxt) {
        let (attributes, rest) = Attributes::read(tokens);
        let Some((TokenTree::Ident(name), rest)) = rest.split_first() else { return };
        let choices = attributes.choices("attribute", &["other", "value"], ctxt);
        let named = |wanted: &str| choices.iter().find(|choice| choice.name == wanted);
        let fields = group(rest.first(), Delimiter::Parenthesis).or_else(|| group(rest.first(), Delimiter::Brace));
        if let Some(other) = named("other") {
            other.no_value(ctxt);
            if let Some(value) = named("value") {
                let message = format_args!("`{name}` takes any text; a variant with `other` has no `value`");
                ctxt.error_at(value.name.span(), message);
            }
            self.read_other(name, other.name.span(), fields, ctxt);
            self.other_is_last = true;
            return;
        }
        self.other_is_last = false;
        if let Some(fields) = fields {
            ctxt.error_at(
                fields.span(),
                format_args!(
                    "variant `{name}` has fields, and the values of an attribute are texts; remove them, or write \
                     `#[attribute(other)] {name}(String)` as the last variant, for any other text"
                ),
            );
            return;
        }
        let given = named("value").and_then(|choice| choice.text("1m", ctxt));
        let span = given.as_ref().map_or_else(|| name.span(), |(_, literal)| literal.span());
        let value = given.map_or_else(|| rule(&words(&plain(name))), |(value, _)| value);
        if value.is_empty() {
            ctxt.error_at(span, format_args!("variant `{name}` needs a value that is not empty"));
        }
        if let Some(first) = self.variants.iter().find(|variant| variant.value == value) {
            ctxt.error_at(
                span,
                format_args!(
                    "variants `{}` and `{name}` have the same value `{value}`; give one of them another with \
                     `#[attribute(value = \"…\")]`",
                    first.name
                ),
            );
        }
        self.variants.push(Variant { name: name.clone(), value, doc: attributes.doc() });
    }

    fn read_other(&mut self, name: &Ident, span: Span, fields: Option<&Group>, ctxt: &mut Ctxt) {
        if let Some((first, ..)) = &self.other {
            ctxt.error_at(span, format_args!("`{first}` takes any other text already; an enum has `other` once"));
            return;
        }
        let fields = fields.filter(|fields| fields.delimiter() == Delimiter::Parenthesis);
        let field = fields.map(|fields| super::input::fields(fields.stream())).unwrap_or_default();
        let [field] = field.as_slice() else {
            let message = format_args!("a variant with `other` holds the text; write `{name}(String)`");
            ctxt.error_at(name.span(), message);
            return;
        };
        self.other = Some((name.clone(), span, field.iter().cloned().collect()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        for (name, wanted) in [
            ("Binance", "binance"),
            ("OneMinute", "one_minute"),
            ("HTTPServer", "http_server"),
            ("Sha256", "sha256"),
            ("V2Beta", "v2_beta"),
            ("Already_Split", "already_split"),
            ("A", "a"),
        ] {
            assert_eq!(snake_case(&words(name)), wanted, "{name}");
        }
    }

    #[test]
    fn every_rule_writes_names_its_own_way() {
        let written: Vec<String> = RULES.iter().map(|(_, rule)| rule(&words("OneMinute"))).collect();
        let wanted = ["OneMinute", "ONE_MINUTE", "ONEMINUTE", "oneMinute", "one-minute", "oneminute", "one_minute"];
        assert_eq!(written, wanted);
    }
}
