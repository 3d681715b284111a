//! A schema to the tree of keys that annotations reach into, and the `Schema` impl.

use super::parse::{Attribute, Schema, ValueType};
use crate::tokens::field;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// One segment of the attributes' names.
#[derive(Debug, Default)]
struct Node {
    /// The attribute whose name ends here.
    leaf: Option<usize>,
    children: Vec<(String, Node)>,
}

impl Node {
    fn of(attributes: &[Attribute]) -> Self {
        let mut root = Self::default();
        for (number, attribute) in attributes.iter().enumerate() {
            let mut node = &mut root;
            for (segment, _) in &attribute.segments {
                let at = node.children.iter().position(|(name, _)| name == segment).unwrap_or_else(|| {
                    node.children.push((segment.clone(), Node::default()));
                    node.children.len() - 1
                });
                node = &mut node.children[at].1;
            }
            node.leaf = Some(number);
        }
        root
    }
}

pub(super) fn schema(schema: &Schema) -> TokenStream {
    let Schema { outer, doc, visibility, name, id, kind, open, pattern, attributes, constants } = schema;
    let mut items = TokenStream::new();
    let mut tree = Tree { schema, items: &mut items };
    let (keys_type, keys) = tree.node(&mut Vec::new(), &Node::of(attributes));
    let required = attributes
        .iter()
        .enumerate()
        .filter(|(_, attribute)| attribute.requirement == "Required")
        .fold(0u128, |mask, (number, _)| mask | 1 << number);
    let definitions = attributes.iter().map(definition);
    let kind = format_ident!("{}", format!("{kind:?}"));
    let constants = constants.iter().map(|(name, value)| quote!((#name, #value)));
    quote! {
        #outer
        #[derive(Clone, Copy, Debug)]
        #visibility struct #name;
        #items
        #[allow(deprecated)]
        impl ::otelier::schema::Schema for #name {
            type Keys = #keys_type;
            const KEYS: &'static #keys_type = &#keys;
            const REQUIRED: u128 = #required;
            const DEF: &'static ::otelier::schema::SchemaDef = &::otelier::schema::SchemaDef::__new(
                #id,
                #doc,
                ::otelier::schema::Kind::#kind,
                #pattern,
                #open,
                &[#(#definitions),*],
                &[#(#constants),*],
            );
        }
    }
}

fn definition(attribute: &Attribute) -> TokenStream {
    let Attribute { name, sensitive, doc, values, .. } = attribute;
    let requirement = format_ident!("{}", attribute.requirement);
    let (value_type, values) = match &attribute.value_type {
        ValueType::String => ("string", quote!(&[#(#values),*])),
        ValueType::Int => ("int", quote!(&[])),
        ValueType::Double => ("double", quote!(&[])),
        ValueType::Boolean => ("boolean", quote!(&[])),
        ValueType::Enum(path) => ("enum", quote!(<#path as ::otelier::attribute::EnumAttribute>::VALUES)),
    };
    let unit = attribute.unit.as_ref().map_or(quote!(""), |unit| quote!(#unit));
    let deprecated = match &attribute.deprecated {
        Some(note) => quote!(::core::option::Option::Some(#note)),
        None => quote!(::core::option::Option::None),
    };
    quote! {
        ::otelier::schema::AttributeDef::__new(
            #name,
            #value_type,
            ::otelier::schema::Requirement::#requirement,
            #sensitive,
            #unit,
            #values,
            #deprecated,
            #doc,
        )
    }
}

/// Writes the tree's types as items, and gives back type and value of each node.
struct Tree<'a> {
    schema: &'a Schema,
    items: &'a mut TokenStream,
}

impl Tree<'_> {
    fn node(&mut self, path: &mut Vec<String>, node: &Node) -> (TokenStream, TokenStream) {
        if let (Some(number), true) = (node.leaf, node.children.is_empty()) {
            return self.leaf(number);
        }
        let type_name = self.type_name(path);
        let (mut fields, mut values) = (TokenStream::new(), TokenStream::new());
        for (segment, child) in &node.children {
            path.push(segment.clone());
            let (child_type, child_value) = self.node(path, child);
            let (ident, doc) = self.field(path, child);
            path.pop();
            fields.extend(quote!(#doc pub #ident: #child_type,));
            values.extend(quote!(#ident: #child_value,));
        }
        if let Some(number) = node.leaf {
            self.key_fields(&type_name, number, &mut fields, &mut values);
        }
        let visibility = &self.schema.visibility;
        self.items.extend(quote! {
            #[doc(hidden)]
            #[allow(missing_docs)]
            #visibility struct #type_name { #fields }
        });
        (quote!(#type_name), quote!(#type_name { #values }))
    }

    fn type_name(&self, path: &[String]) -> Ident {
        let camel = |segment: &String| {
            segment
                .split('_')
                .filter_map(|word| Some(word[..1].to_uppercase() + word.get(1..)?).filter(|_| !word.is_empty()))
                .collect::<String>()
        };
        let inside: String = path.iter().map(camel).collect();
        let name = &self.schema.name;
        if inside.is_empty() { format_ident!("{name}Attributes") } else { format_ident!("{name}AttributesIn{inside}") }
    }

    /// The field for the last segment of `path`, with what editors show for it.
    fn field(&self, path: &[String], child: &Node) -> (Ident, TokenStream) {
        let attribute = child.leaf.map(|number| &self.schema.attributes[number]);
        let segment = path.last().map_or("", String::as_str);
        let span = attribute.map_or_else(Span::call_site, |attribute| attribute.segments[path.len() - 1].1);
        let described = attribute.map(|attribute| {
            let value_type = match &attribute.value_type {
                ValueType::String => "string",
                ValueType::Int => "int",
                ValueType::Double => "double",
                ValueType::Boolean => "boolean",
                ValueType::Enum(_) => "enum",
            };
            let required = if attribute.requirement == "Required" { ", required" } else { "" };
            let doc = format!("`{}` ({value_type}{required}): {}", attribute.name, attribute.doc);
            let deprecated = attribute
                .deprecated
                .as_ref()
                .filter(|_| child.children.is_empty())
                .map(|note| quote!(#[deprecated(note = #note)]));
            quote!(#[doc = #doc] #deprecated)
        });
        (field(segment, span), described.unwrap_or_default())
    }

    fn leaf(&self, number: usize) -> (TokenStream, TokenStream) {
        let Attribute { name, value_type, values, sensitive, .. } = &self.schema.attributes[number];
        let bit = 1u128 << number;
        let class = if *sensitive { quote!(Sensitive) } else { quote!(Public) };
        let key = match value_type {
            ValueType::String => quote!(StringKey),
            ValueType::Int => quote!(IntKey),
            ValueType::Double => quote!(DoubleKey),
            ValueType::Boolean => quote!(BooleanKey),
            ValueType::Enum(path) => {
                return (
                    quote!(::otelier::attribute::EnumKey<#path>),
                    quote!(::otelier::attribute::EnumKey::__new(#name, #bit)),
                );
            }
        };
        (
            quote!(::otelier::attribute::#key<::otelier::attribute::#class>),
            quote!(::otelier::attribute::#key::__new(#name, #bit, &[#(#values),*])),
        )
    }

    /// An attribute whose name is also a namespace (`db.operation` beside `db.operation.name`): the node is a key too.
    fn key_fields(&mut self, type_name: &Ident, number: usize, fields: &mut TokenStream, values: &mut TokenStream) {
        let (key_type, key) = self.leaf(number);
        let Attribute { name, values: allowed, .. } = &self.schema.attributes[number];
        let bit = 1u128 << number;
        fields.extend(quote! {
            pub __key: #key_type,
            pub __name: &'static str,
            pub __bit: u128,
            pub __allowed: &'static [&'static str],
        });
        values.extend(quote!(__key: #key, __name: #name, __bit: #bit, __allowed: &[#(#allowed),*],));
        self.items.extend(quote! {
            impl ::core::ops::Deref for #type_name {
                type Target = #key_type;
                fn deref(&self) -> &#key_type {
                    &self.__key
                }
            }
        });
    }
}
