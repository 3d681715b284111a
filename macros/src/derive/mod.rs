//! Derives: `AttributeEnum` for the values of one attribute, `SpanAttributes` for the attributes of a struct, `SpanSchema`
//! for a struct as a declaration, `ErrorClass` for what an error says of itself, `TelemetryConfig` for settings.

mod attribute_enum;
mod error_class;
mod input;
mod span_attributes;
mod span_schema;
mod telemetry_config;

use crate::ctxt::Ctxt;
use crate::tokens::{is_ident, is_punct};
use input::Input;
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

/// `#[derive(AttributeEnum)]`
pub(crate) fn attribute_enum(item: TokenStream) -> TokenStream {
    derive(item, attribute_enum::expand)
}

/// `#[derive(ErrorClass)]`
pub(crate) fn error_class(item: TokenStream) -> TokenStream {
    derive(item, error_class::expand)
}

/// `#[derive(SpanAttributes)]`
pub(crate) fn span_attributes(item: TokenStream) -> TokenStream {
    derive(item, span_attributes::expand)
}

/// `#[derive(SpanSchema)]`
pub(crate) fn span_schema(item: TokenStream) -> TokenStream {
    derive(item, span_schema::expand)
}

/// `#[derive(TelemetryConfig)]`
pub(crate) fn telemetry_config(item: TokenStream) -> TokenStream {
    derive(item, telemetry_config::expand)
}

/// What is wrong stands beside the impl, which is there in any case, so that its users do not fail as well.
fn derive(item: TokenStream, expand: fn(&Input, &mut Ctxt) -> TokenStream) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let code = Input::read(item, &mut ctxt).map(|input| {
        let code = expand(&input, &mut ctxt);
        match input.attributes.crate_path() {
            Some(path) => in_crate(code, &path),
            None => code,
        }
    });
    let errors = ctxt.into_errors();
    quote!(#errors #code)
}

/// The code with `path` in place of `::otelier`, for those who re-export the crate.
fn in_crate(code: TokenStream, path: &[TokenTree]) -> TokenStream {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let mut result = TokenStream::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match (token, tokens.get(at + 1), tokens.get(at + 2)) {
            (first, Some(second), Some(name))
                if is_punct(first, ':') && is_punct(second, ':') && is_ident(name, "otelier") =>
            {
                result.extend(path.iter().cloned());
                at += 3;
                continue;
            }
            (TokenTree::Group(group), ..) => {
                let mut inner = Group::new(group.delimiter(), in_crate(group.stream(), path));
                inner.set_span(group.span());
                result.extend([TokenTree::Group(inner)]);
            }
            (other, ..) => result.extend([other.clone()]),
        }
        at += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a path for the crate, nothing names it otherwise.
    #[track_caller]
    fn assert_only_by_path(code: &TokenStream) {
        let text = code.to_string();
        assert!(text.contains("app :: telemetry ::") && !text.contains(":: otelier"), "{text}");
        assert!(!text.contains("compile_error"), "{text}");
    }

    #[test]
    fn pointers_have_the_type_of_what_they_hold() {
        let declared = span_schema(quote! {
            #[schema(id = "app.order")]
            #[attributes(prefix = "app")]
            struct Order { id: Box<u64>, name: Arc<str>, note: Option<Cow<'static, str>>, sizes: Vec<Box<f64>> }
        });
        let text = declared.to_string();
        for (name, value_type) in [("id", "int"), ("name", "string"), ("note", "string"), ("sizes", "double[]")] {
            assert!(
                text.contains(&format!("name : \"app.{name}\" , value_type : \"{value_type}\"")),
                "{name} in {text}"
            );
        }
    }

    #[test]
    fn a_re_exported_crate_is_named_by_its_path() {
        assert_only_by_path(&attribute_enum(quote! {
            #[attribute(crate = app::telemetry, rename_all = "kebab-case")]
            enum Side { Buy, #[attribute(other)] Other(String) }
        }));
        assert_only_by_path(&span_attributes(quote! {
            #[attributes(prefix = "app", crate = app::telemetry)]
            struct Order { id: u64, #[attribute(hash)] card: String, #[attribute(nested)] of: Tenant }
        }));
        assert_only_by_path(&span_schema(quote! {
            #[schema(id = "app.order", crate = app::telemetry)]
            #[attributes(prefix = "app")]
            pub struct Order { id: u64, side: Option<Side> }
        }));
        assert_only_by_path(&error_class(quote! {
            #[error_class(crate = app::telemetry, severity = high)]
            enum Error<E> {
                #[error_class(type = 0, retryable)]
                Status(u16),
                Io { #[source] source: Option<E>, backtrace: Backtrace },
                #[error_class(transparent)]
                Inner(Box<E>),
            }
        }));
        assert_only_by_path(&telemetry_config(quote! {
            #[config(crate = app::telemetry, section = "app")]
            struct Settings {
                /// How many.
                #[config(env = "APP_COUNT", default = 3, range = 1..=9)]
                count: u8,
                /// Where.
                #[config(parse)]
                at: Option<Url>,
                #[config(flatten)]
                telemetry: Telemetry,
            }
        }));
        assert_only_by_path(&telemetry_config(quote! {
            #[config(crate = app::telemetry)]
            enum Market { Spot, Perpetual }
        }));
        for declaration in [
            crate::schema::span_schema(quote!(pub Order = "app.order" {
                crate = app::telemetry;
                kind = client;
                app.id: int required unit "By";
                app.side: Side renamed app.id;
                app.card: string[] sensitive;
            })),
            crate::schema::event_schema(quote!(pub Retry = "app.retry" { crate = app::telemetry; app.id: int; })),
            crate::schema::attribute_group(quote!(pub Both { crate = app::telemetry; app.id: int; })),
            crate::expand::annotation(
                None,
                quote!(Order, crate = app::telemetry, app.id = 1, "app.x" = y, ..order, late(app.rows)),
                quote!(
                    async fn load() -> Result<u8, E> {
                        record!(app.rows = 1);
                        event!(Retry, app.id = 2);
                        Ok(1)
                    }
                ),
            ),
        ] {
            assert_only_by_path(&declaration);
        }
    }
}
