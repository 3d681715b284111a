//! A declaration to code: the type, its keys, its definition, and the macro by which others take it over.

use super::model::{Attribute, Declaration, Deprecated, Form, Scalar};
use super::{exported, tree};
use crate::{registry, tokens};
use otelier_spec::{Kind, Level, Requirement, Sensitivity, Stability};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

pub(super) fn declaration(declaration: &Declaration) -> TokenStream {
    let Declaration { form, krate, outer, visibility, name, .. } = declaration;
    let deprecated = declaration.deprecated.as_ref().map(|deprecated| {
        let note = deprecated.message();
        quote!(#[deprecated(note = #note)])
    });
    let item = declaration.makes_type.then(|| {
        quote! {
            #outer
            #deprecated
            #[derive(Clone, Copy, Debug)]
            #visibility struct #name;
        }
    });
    let implementation = match form {
        Form::Span => schema(declaration),
        Form::Event => event(declaration),
        Form::Group => group(declaration),
    };
    let entered = {
        let (variant, schema_trait) = match form {
            Form::Span => (quote!(Span), quote!(Schema)),
            Form::Event => (quote!(Event), quote!(EventSchema)),
            Form::Group => (quote!(Group), quote!(AttributeGroup)),
        };
        registry::declared(krate, &quote!(#variant(<#name as #krate::schema::#schema_trait>::DEF)))
    };
    let (types, exported) = if *form != Form::Group && visibility.is_empty() {
        (None, None)
    } else {
        let exported = exported(*form, krate, name, visibility, &declaration.items());
        (Some(enum_types(declaration)), Some(exported))
    };
    quote!(#item #implementation #entered #types #exported)
}

/// The Rust enums of the attributes, by number, for those who take them over and cannot name them.
fn enum_types(declaration: &Declaration) -> TokenStream {
    let Declaration { krate, name, attributes, .. } = declaration;
    attributes
        .iter()
        .enumerate()
        .filter_map(|(number, attribute)| match &attribute.value_type.scalar {
            Scalar::Enum(path, _) => {
                let number = Literal::usize_unsuffixed(number);
                // At the type, where rustc says that a private one cannot be handed on.
                let span = path.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
                let item = quote_spanned!(span=> type Type = #path;);
                Some(quote! {
                    #[allow(deprecated)]
                    impl #krate::schema::TypeOf<#number> for #name {
                        #item
                    }
                })
            }
            _ => None,
        })
        .collect()
}

fn schema(declaration: &Declaration) -> TokenStream {
    let Declaration { krate, name, .. } = declaration;
    let kind = variant(declaration.kind.unwrap_or_default(), Kind::as_str);
    let pattern = declaration.pattern.as_ref().map(|pattern| quote!(#pattern)).unwrap_or(quote!(""));
    let (body, keys) = checked(declaration);
    let definition = definition(declaration);
    quote! {
        #keys
        #[allow(deprecated)]
        impl #krate::schema::Schema for #name {
            #body
            const DEF: &'static #krate::schema::SchemaDef = &#krate::schema::SchemaDef {
                kind: #krate::schema::Kind::#kind,
                name: #pattern,
                #definition
                ..#krate::schema::SchemaDef::__NEW
            };
        }
    }
}

fn event(declaration: &Declaration) -> TokenStream {
    let Declaration { krate, name, .. } = declaration;
    let (body, keys) = checked(declaration);
    let definition = definition(declaration);
    quote! {
        #keys
        #[allow(deprecated)]
        impl #krate::schema::EventSchema for #name {
            #body
            const DEF: &'static #krate::schema::EventDef = &#krate::schema::EventDef {
                #definition
                ..#krate::schema::EventDef::__NEW
            };
        }
    }
}

fn group(declaration: &Declaration) -> TokenStream {
    let Declaration { krate, name, doc, note, attributes, .. } = declaration;
    let id = declaration.id.as_ref().map(|id| quote!(#id)).unwrap_or(quote!(""));
    let stability = variant(declaration.stability.unwrap_or_default(), Stability::as_str);
    let deprecated = deprecated(krate, declaration.deprecated.as_ref());
    let attributes = attributes.iter().map(|attribute| attribute_definition(krate, attribute));
    quote! {
        #[allow(deprecated)]
        impl #krate::schema::AttributeGroup for #name {
            const DEF: &'static #krate::schema::GroupDef = &#krate::schema::GroupDef {
                id: #id,
                doc: #doc,
                note: #note,
                stability: #krate::schema::Stability::#stability,
                deprecated: #deprecated,
                attributes: &[#(#attributes),*],
                ..#krate::schema::GroupDef::__NEW
            };
        }
    }
}

/// What annotations are checked against, and the items that needs.
fn checked(declaration: &Declaration) -> (TokenStream, TokenStream) {
    let krate = &declaration.krate;
    let tree::Keys { items, root, value } = tree::keys(declaration);
    // A constant is there without anybody giving it.
    let is_constant = |name: &str| declaration.constants.iter().any(|(constant, _)| constant == name);
    let required = declaration
        .attributes
        .iter()
        .enumerate()
        .filter(|(_, attribute)| attribute.requirement == Requirement::Required && !is_constant(&attribute.name))
        .fold(0u128, |mask, (number, _)| mask | 1 << number);
    let undeclared = variant(declaration.undeclared.unwrap_or_default(), Level::as_str);
    let body = quote! {
        type Keys = #root;
        type Undeclared = #krate::schema::undeclared::#undeclared;
        const KEYS: &'static #root = &#value;
        const REQUIRED: ::core::primitive::u128 = #required;
    };
    (body, items)
}

/// The fields that definitions of spans and events share.
fn definition(declaration: &Declaration) -> TokenStream {
    let Declaration { krate, doc, note, attributes, constants, .. } = declaration;
    let id = declaration.id.as_ref().map(|id| quote!(#id)).unwrap_or(quote!(""));
    let undeclared = variant(declaration.undeclared.unwrap_or_default(), Level::as_str);
    let stability = variant(declaration.stability.unwrap_or_default(), Stability::as_str);
    let deprecated = deprecated(krate, declaration.deprecated.as_ref());
    let attributes = attributes.iter().map(|attribute| attribute_definition(krate, attribute));
    let constants = constants.iter().map(|(name, value)| quote!((#name, #value)));
    quote! {
        id: #id,
        doc: #doc,
        note: #note,
        undeclared: #krate::schema::Level::#undeclared,
        stability: #krate::schema::Stability::#stability,
        deprecated: #deprecated,
        attributes: &[#(#attributes),*],
        constants: &[#(#constants),*],
    }
}

fn deprecated(krate: &TokenStream, deprecated: Option<&Deprecated>) -> TokenStream {
    match deprecated {
        None => quote!(::core::option::Option::None),
        Some(Deprecated { renamed_to, note }) => quote! {
            ::core::option::Option::Some(#krate::schema::Deprecated { renamed_to: #renamed_to, note: #note })
        },
    }
}

fn attribute_definition(krate: &TokenStream, attribute: &Attribute) -> TokenStream {
    let Attribute { name, value_type, condition, late, open, doc, note, examples, .. } = attribute;
    let notation = value_type.notation();
    let requirement = variant(attribute.requirement, Requirement::as_str);
    let sensitivity = variant(attribute.sensitivity.unwrap_or_default(), Sensitivity::as_str);
    let stability = variant(attribute.stability.unwrap_or_default(), Stability::as_str);
    let unit = attribute.unit.as_ref().map(|unit| quote!(unit: #unit,));
    let values = match &value_type.scalar {
        Scalar::Enum(path, rust_enum) => quote! {
            values: <#path as #krate::attribute::EnumAttribute>::VALUES,
            value_docs: <#path as #krate::attribute::EnumAttribute>::DOCS,
            open: <#path as #krate::attribute::EnumAttribute>::OPEN,
            rust_enum: #rust_enum,
        },
        _ if attribute.values.is_empty() => TokenStream::new(),
        _ => {
            let values = attribute.values.iter().map(text);
            let docs = &attribute.value_docs;
            let docs = docs.iter().any(|doc| !doc.is_empty()).then(|| quote!(value_docs: &[#(#docs),*],));
            quote!(values: &[#(#values),*], #docs open: #open,)
        }
    };
    let deprecated = attribute.deprecated.is_some().then(|| {
        let deprecated = deprecated(krate, attribute.deprecated.as_ref());
        quote!(deprecated: #deprecated,)
    });
    let examples = (!examples.is_empty()).then(|| {
        let examples = examples.iter().map(text);
        quote!(examples: &[#(#examples),*],)
    });
    quote! {
        #krate::schema::AttributeDef {
            name: #name,
            value_type: #notation,
            requirement: #krate::schema::Requirement::#requirement,
            condition: #condition,
            late: #late,
            sensitivity: #krate::schema::Sensitivity::#sensitivity,
            stability: #krate::schema::Stability::#stability,
            doc: #doc,
            note: #note,
            #unit
            #values
            #deprecated
            #examples
            ..#krate::schema::AttributeDef::__NEW
        }
    }
}

/// A literal's value as text: that of a string without its quotes.
fn text(literal: &Literal) -> String {
    tokens::string(literal).unwrap_or_else(|| literal.to_string().replace('_', ""))
}

/// The variant of that word: `release_candidate` is `ReleaseCandidate`.
fn variant<T>(value: T, word: impl Fn(T) -> &'static str) -> Ident {
    let name: String = word(value).split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
    Ident::new(&name, Span::call_site())
}
