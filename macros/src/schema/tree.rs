//! The tree of keys that annotations reach into: `KEYS.crypto.symbol`.

use super::model::{Attribute, Declaration, Scalar};
use crate::tokens::{self, field};
use otelier_spec::{Requirement, Sensitivity};
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
            for (segment, _) in attribute.segments() {
                let at = node.children.iter().position(|(name, _)| *name == segment).unwrap_or_else(|| {
                    node.children.push((segment, Node::default()));
                    node.children.len() - 1
                });
                node = &mut node.children[at].1;
            }
            node.leaf = Some(number);
        }
        root
    }
}

/// The tree's types as items, and the type and the value of its root.
pub(super) struct Keys {
    pub(super) items: TokenStream,
    pub(super) root: TokenStream,
    pub(super) value: TokenStream,
}

pub(super) fn keys(declaration: &Declaration) -> Keys {
    let mut items = TokenStream::new();
    let mut tree = Tree { declaration, items: &mut items };
    let (root, value) = tree.node(&mut Vec::new(), &Node::of(&declaration.attributes));
    Keys { items, root, value }
}

/// Writes the tree's types as items, and gives back type and value of each node.
struct Tree<'a> {
    declaration: &'a Declaration,
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
        match node.leaf {
            Some(number) => self.key_fields(&type_name, number, &mut fields, &mut values),
            None if path.is_empty() => {}
            None => self.namespace(&type_name),
        }
        let visibility = &self.declaration.visibility;
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
                .filter_map(|word| Some(word.get(..1)?.to_uppercase() + word.get(1..)?))
                .collect::<String>()
        };
        let inside: String = path.iter().map(camel).collect();
        let name = &self.declaration.name;
        if inside.is_empty() { format_ident!("{name}Attributes") } else { format_ident!("{name}AttributesIn{inside}") }
    }

    /// The attribute in a namespace that was declared first, here if one was.
    fn first_below(&self, node: &Node) -> Option<usize> {
        let below = node.children.iter().filter_map(|(_, child)| self.first_below(child));
        node.leaf
            .into_iter()
            .chain(below)
            .min_by_key(|number| (self.declaration.attributes[*number].origin.is_some(), *number))
    }

    /// The field for the last segment of `path`, with what editors show for it.
    fn field(&self, path: &[String], child: &Node) -> (Ident, TokenStream) {
        let attribute = child.leaf.map(|number| &self.declaration.attributes[number]);
        let segment = path.last().map_or("", String::as_str);
        // Where a namespace is named first is where editors go from it.
        let named = attribute.or_else(|| self.first_below(child).map(|number| &self.declaration.attributes[number]));
        let span = named
            .and_then(|attribute| attribute.segments().nth(path.len() - 1))
            .map_or_else(Span::call_site, |(_, at)| at);
        let described = attribute.map(|attribute| {
            let doc = description(attribute);
            let deprecated = attribute.deprecated.as_ref().filter(|_| child.children.is_empty()).map(|deprecated| {
                let note = deprecated.message();
                quote!(#[deprecated(note = #note)])
            });
            quote!(#[doc = #doc] #deprecated)
        });
        (field(segment, span), described.unwrap_or_default())
    }

    fn leaf(&self, number: usize) -> (TokenStream, TokenStream) {
        let krate = &self.declaration.krate;
        let attribute = &self.declaration.attributes[number];
        let Attribute { name, value_type, values, .. } = attribute;
        let bit = 1u128 << number;
        let class = format_ident!(
            "{}",
            match attribute.sensitivity.unwrap_or_default() {
                Sensitivity::Public => "Public",
                Sensitivity::Personal => "Personal",
                Sensitivity::Sensitive => "Sensitive",
                Sensitivity::Secret => "Secret",
            }
        );
        let class = quote!(#krate::attribute::#class);
        let key = match (&value_type.scalar, value_type.array) {
            (Scalar::Enum(path, _), _) => quote!(#krate::attribute::EnumKey<#path, #class>),
            (scalar, array) => {
                let scalar_name = match scalar {
                    Scalar::Int => "Int",
                    Scalar::Double => "Double",
                    Scalar::Boolean => "Boolean",
                    Scalar::Any => "Any",
                    _ => "String",
                };
                let key = format_ident!("{scalar_name}{}Key", if array { "Array" } else { "" });
                let unit = attribute.unit.as_ref().filter(|_| scalar.is_number() && !array);
                let unit = unit.and_then(|unit| unit_type(&tokens::string(unit)?));
                let unit = unit.map(|unit| quote!(, #krate::attribute::unit::#unit));
                quote!(#krate::attribute::#key<#class #unit>)
            }
        };
        let allowed = if attribute.open || values.is_empty() {
            quote!(#krate::attribute::Allowed::Any)
        } else if matches!(value_type.scalar, Scalar::Int) {
            let values = values.iter().map(|value| value.to_string().replace('_', ""));
            quote!(#krate::attribute::Allowed::Ints(&[#(#values),*]))
        } else {
            quote!(#krate::attribute::Allowed::Strings(&[#(#values),*]))
        };
        // `<Type>::__new` names the type once more, but spares rustc the inference.
        let value = quote!(<#key>::__new(#name, #bit, #allowed));
        if value_type.template {
            let template = quote!(#krate::attribute::TemplateKey<#key>);
            return (template.clone(), quote!(<#template>::__new(#name, #bit, #value)));
        }
        (key, value)
    }

    /// A namespace that is no attribute: a value for it is told so. It has no fields of a key, which editors would offer.
    fn namespace(&mut self, type_name: &Ident) {
        let krate = &self.declaration.krate;
        self.items.extend(quote! {
            impl ::core::ops::Deref for #type_name {
                type Target = #krate::attribute::Namespace;
                fn deref(&self) -> &#krate::attribute::Namespace {
                    &#krate::attribute::Namespace
                }
            }
        });
    }

    /// An attribute whose name is also a namespace (`db.operation` beside `db.operation.name`): the node is a key too.
    fn key_fields(&mut self, type_name: &Ident, number: usize, fields: &mut TokenStream, values: &mut TokenStream) {
        let (key_type, key) = self.leaf(number);
        let krate = &self.declaration.krate;
        let attribute = &self.declaration.attributes[number];
        let (bit, name) = (1u128 << number, &attribute.name);
        let deprecated = attribute.deprecated.as_ref().map(|deprecated| {
            let note = deprecated.message();
            quote!(#[deprecated(note = #note)])
        });
        fields.extend(quote! {
            #[doc(hidden)]
            pub __key: #key_type,
            #[doc(hidden)]
            pub __name: &'static ::core::primitive::str,
            #[doc(hidden)]
            #deprecated
            pub __bit: ::core::primitive::u128,
            #[doc(hidden)]
            pub __allowed: #krate::attribute::Allowed,
        });
        values.extend(quote!(__key: #key, __name: #name, __bit: #bit, __allowed: (#key).__allowed,));
        let template =
            attribute.value_type.template.then(|| quote!(impl #krate::attribute::Template for #type_name {}));
        self.items.extend(quote! {
            impl ::core::ops::Deref for #type_name {
                type Target = #key_type;
                fn deref(&self) -> &#key_type {
                    &self.__key
                }
            }
            impl #krate::attribute::Elements for #type_name {
                type Element = <#key_type as #krate::attribute::Elements>::Element;
                fn element(&self) -> &Self::Element {
                    #krate::attribute::Elements::element(&self.__key)
                }
            }
            #template
        });
    }
}

/// What editors show for an attribute.
fn description(attribute: &Attribute) -> String {
    let mut facts = vec![match &attribute.value_type.scalar {
        Scalar::Enum(_, name) => format!("enum {name}"),
        _ => attribute.value_type.notation(),
    }];
    facts.extend(match attribute.requirement {
        Requirement::Required if attribute.late => Some("required, known late".to_owned()),
        Requirement::Required => Some("required".to_owned()),
        Requirement::ConditionallyRequired => Some(format!("required if {}", attribute.condition)),
        Requirement::OptIn => Some("opt_in".to_owned()),
        Requirement::Recommended => Some("recommended".to_owned()),
    });
    facts.extend(attribute.unit.as_ref().map(|unit| format!("unit {}", tokens::string(unit).unwrap_or_default())));
    facts.extend(
        attribute.sensitivity.filter(|class| *class != Sensitivity::Public).map(|class| class.as_str().to_owned()),
    );
    if !attribute.values.is_empty() {
        let values: Vec<_> = attribute.values.iter().map(ToString::to_string).collect();
        facts.push(format!("{} {}", if attribute.open { "such as" } else { "one of" }, values.join(", ")));
    }
    format!("`{}` ({}): {}", attribute.name, facts.join(", "), attribute.doc)
}

/// The type that stands for a unit, if values can know theirs.
fn unit_type(unit: &str) -> Option<Ident> {
    let name = match unit {
        "s" => "Seconds",
        "ms" => "Milliseconds",
        "us" => "Microseconds",
        "ns" => "Nanoseconds",
        "min" => "Minutes",
        "h" => "Hours",
        "d" => "Days",
        "By" => "Bytes",
        "%" => "Percent",
        _ => return None,
    };
    Some(Ident::new(name, Span::call_site()))
}
