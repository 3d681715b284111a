//! Derives work where every name they could need means something else, and for every shape of struct they are meant for.
#![no_implicit_prelude]
#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

mod std {}
mod core {}
struct Option;
struct Some;
struct None;
struct Result;
struct Ok;
struct Err;
struct String;
struct str;
struct bool;
struct Vec;
struct Slot;
struct AnyAttribute;
struct EnumAttribute;
struct AttributeSink;
struct FieldDef;
struct Display;
struct AsRef;
struct f;
struct to;
struct text;
const value: () = ();
fn hash() {}
fn redact() {}

mod derived {
    use ::otelier::prelude::{AttributeEnum, SpanAttributes};
    use ::std::option::Option;
    use ::std::vec::Vec;

    /// It's a "channel".
    #[derive(Clone, Debug, PartialEq, Eq, Hash, AttributeEnum)]
    #[attribute(rename_all = "SCREAMING_SNAKE_CASE")]
    #[non_exhaustive]
    pub enum Channel {
        /// The shop, `\` and all.
        WebShop = 1 << 2,
        #[deprecated(note = "nobody writes")]
        #[attribute(value = "letter \"L\"")]
        Letter,
        r#type,
    }

    #[derive(AttributeEnum)]
    pub enum Open {
        Known,
        #[attribute(other)]
        Other(&'static ::core::primitive::str),
    }

    #[derive(AttributeEnum)]
    #[attribute(rename_all = "lowercase")]
    pub enum Borrowed {
        OneTwo,
        #[attribute(other)]
        Other(::std::borrow::Cow<'static, ::core::primitive::str>),
    }

    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.order")]
    pub struct Order<'a, T, D: ::core::fmt::Display + 'a = u8, F = fn(u8) -> u8, const N: usize = 3>
    where
        T: ::core::marker::Send,
        D: ::core::clone::Clone,
    {
        pub id: T,
        pub(crate) r#type: &'a ::core::primitive::str,
        #[attribute(display, max_length = 8)]
        shown: Option<D>,
        #[attribute(debug)]
        pairs: ::std::collections::HashMap<u8, Vec<(T, D)>>,
        #[attribute(hash)]
        hashed: ::std::option::Option<&'a T>,
        #[attribute(personal, name = "user.id")]
        user: [u8; N],
        #[attribute(max_length = 4)]
        cut: ::std::borrow::Cow<'a, ::core::primitive::str>,
        #[attribute(flatten)]
        flat: Option<Tenant>,
        #[attribute(nested)]
        below: &'a Tenant,
        #[attribute(skip)]
        run: F,
        list: [i64; N],
        #[deprecated]
        old: Channel,
    }

    #[derive(SpanAttributes)]
    pub struct Tenant {
        #[attribute(name = "app.tenant.id")]
        id: u8,
        #[attribute(name = "app.tenant.secret", public)]
        key: u8,
    }

    #[derive(SpanAttributes)]
    #[attributes(prefix = "app")]
    pub struct Nothing {}

    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.visible")]
    pub struct Visible<T> {
        #[attribute(nested)]
        hidden: Hidden,
        #[attribute(nested)]
        generic: HiddenOf<T>,
    }

    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.hidden")]
    struct Hidden {
        id: u8,
    }

    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.hidden")]
    struct HiddenOf<T> {
        id: T,
    }

    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.wrapped")]
    pub struct Wrapped<T> {
        #[attribute(nested)]
        inner: ::std::boxed::Box<T>,
    }
}

macro_rules! declared {
    ($visibility:vis $name:ident, $prefix:literal, $field:ident: $type:ty, $value:literal) => {
        #[derive(::otelier::SpanAttributes)]
        #[attributes(prefix = $prefix)]
        $visibility struct $name {
            $visibility $field: $type,
        }

        #[derive(::otelier::AttributeEnum)]
        $visibility enum $field {
            #[attribute(value = $value)]
            One,
        }
    };
}

declared!(pub Generated, "app.generated", id: ::std::option::Option<u8>, "1");

fn main() {
    let span = ::otelier::Span::start("app.span");
    span.set_attributes(&Generated { id: ::std::option::Option::Some(1) });
    span.set_attributes(&derived::Nothing {});
    span.set_attribute("app.channel", derived::Channel::WebShop);
    ::std::assert_eq!(<derived::Channel as ::otelier::attribute::EnumAttribute>::VALUES[0], "WEB_SHOP");
    ::std::assert_eq!(<id as ::otelier::attribute::EnumAttribute>::VALUES, ["1"]);
    ::std::assert_eq!(::std::string::ToString::to_string(&derived::Open::Other("x")), "x");
}
