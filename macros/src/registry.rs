//! Enters declarations and call sites into the program's registry, where that is wanted (feature `registry`).

use proc_macro2::TokenStream;
use quote::quote;

/// Enters what `declared` gives into the list of declarations.
pub(crate) fn declared(krate: &TokenStream, declared: &TokenStream) -> TokenStream {
    enter(krate, &quote!(DECLARED), &quote!(Declared), &quote!(#krate::__private::Declared::#declared))
}

/// Enters the call site that `site` names, with the attributes and events that it records.
pub(crate) fn call_site<'a>(
    krate: &TokenStream,
    site: &TokenStream,
    keys: impl Iterator<Item = &'a str>,
) -> TokenStream {
    let entry = quote! {
        #krate::__private::CallSite {
            name: #site.name,
            module: ::core::module_path!(),
            file: ::core::file!(),
            line: ::core::line!(),
            kind: #site.kind,
            schema: #site.schema,
            keys: &[#(#keys),*],
            priority: #site.priority.as_str(),
            __more: (),
        }
    };
    enter(krate, &quote!(CALL_SITES), &quote!(CallSite), &entry)
}

fn enter(krate: &TokenStream, list: &TokenStream, entry_type: &TokenStream, entry: &TokenStream) -> TokenStream {
    if !cfg!(feature = "registry") {
        return TokenStream::new();
    }
    // The runtime's macro decides, because one compilation of it may be without the feature that this crate has.
    quote!(#krate::__private::enter! { #krate::__private, #list, #entry_type, #entry })
}
