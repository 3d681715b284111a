//! The derive works where every name it could need means something else, beside other derives' words, and for every shape.
#![no_implicit_prelude]
#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(unsafe_code)]
#![allow(dead_code, non_camel_case_types)]

mod std {}
mod core {}
mod otelier {}
struct Option;
struct Some;
struct None;
struct Box;
struct String;
struct ToString;
struct Cow;
struct Display;
struct Error;
struct ErrorKind;
struct Severity;
struct Recovery;
struct Probe;
struct str;
struct bool;

mod derived {
    use ::otelier::ErrorClass;
    use ::std::boxed::Box;
    use ::std::fmt;
    use ::std::option::Option;
    use ::std::string::String;

    /// Every word.
    #[derive(Debug, ErrorClass)]
    #[error_class(kind = internal, severity = low, recovery = none, expected, retryable)]
    #[non_exhaustive]
    pub enum Words {
        #[error_class(kind = validation, severity = medium, recovery = retry)]
        Validation,
        #[error_class(kind = not_found, severity = high, recovery = skip)]
        NotFound(),
        #[error_class(kind = conflict, severity = critical, recovery = fallback)]
        Conflict {},
        #[error_class(kind = permission, recovery = restart)]
        Permission,
        #[error_class(kind = authentication, recovery = escalate)]
        Authentication,
        #[error_class(kind = rate_limit)]
        RateLimit,
        #[error_class(kind = timeout)]
        Timeout,
        #[error_class(kind = unavailable)]
        Unavailable,
        #[error_class(kind = cancelled)]
        Cancelled,
        #[error_class(kind = network)]
        Network,
        #[error_class(kind = data)]
        Data,
        #[error_class(kind = configuration)]
        Configuration,
        #[error_class(kind = resource_exhausted)]
        ResourceExhausted,
        #[deprecated(note = "nobody fails so")]
        #[error_class(expected = false, retryable = false)]
        Internal,
        #[error_class(kind = unknown)]
        Unknown,
        r#type,
    }

    #[derive(Debug, ErrorClass)]
    pub enum Nothing {}

    #[derive(Debug, ErrorClass)]
    pub struct Unit;

    #[derive(Debug, ErrorClass)]
    #[error_class(type = 0)]
    pub struct Tuple(pub(crate) u16, pub (u8, u8), #[source] pub(in crate::derived) fmt::Error);

    #[derive(Debug, ErrorClass)]
    #[error_class(type = r#type, crate = ::otelier)]
    pub struct Named<'a, T: fmt::Display, const N: usize>
    where
        T: fmt::Debug,
    {
        r#type: &'a str,
        values: [T; N],
        #[source]
        cause: Option<Box<dyn ::std::error::Error + ::std::marker::Send + ::std::marker::Sync>>,
        backtrace: Option<Box<::std::backtrace::Backtrace>>,
    }

    #[derive(Debug, ErrorClass)]
    #[error_class(transparent)]
    pub struct Transparent(Box<Words>);

    #[derive(ErrorClass)]
    pub enum Inner<E> {
        #[error_class(transparent)]
        Words(Words),
        #[error_class(transparent)]
        Boxed(Box<dyn ErrorClass + ::std::marker::Send>),
        #[error_class(transparent)]
        Dyn(Box<dyn ::std::error::Error>),
        #[error_class(transparent)]
        Io {
            source: ::std::io::Error,
            backtrace: ::std::backtrace::Backtrace,
        },
        #[error_class(transparent)]
        Text(String),
        #[error_class(transparent)]
        Other(E),
        From(#[from] ::std::io::Error),
        Sized {
            #[source]
            #[backtrace]
            inner: ::std::sync::Arc<::std::fmt::Error>,
        },
    }

    macro_rules! display {
        ($([$($generics:tt)*] $type:ty;)*) => { $(
            impl<$($generics)*> fmt::Display for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("failed")
                }
            }
        )* };
    }

    display! {
        [] Words;
        [] Nothing;
        [] Unit;
        [] Tuple;
        ['a, T: fmt::Display + fmt::Debug, const N: usize] Named<'a, T, N>;
        [] Transparent;
        [E] Inner<E>;
    }

    macro_rules! declared {
        ($name:ident, $kind:ident, $type:literal) => {
            #[derive(Debug, ErrorClass)]
            #[error_class(kind = $kind, type = $type)]
            pub struct $name;

            display! { [] $name; }
        };
    }

    declared!(ByMacro, timeout, "late");
}

fn main() {
    use ::otelier::ErrorClass;
    use ::std::assert_eq;
    use ::std::string::ToString;
    let inner: derived::Inner<derived::Unit> = derived::Inner::Words(derived::Words::NotFound());
    assert_eq!(inner.error_type(), "not_found");
    assert_eq!(inner.kind().to_string(), "not_found");
    assert_eq!(derived::Words::r#type.error_type(), "type");
    assert_eq!(derived::Inner::Other(derived::Unit).error_type(), "unit");
    assert_eq!(
        derived::Inner::<derived::Unit>::Text(::std::string::String::new()).error_type(),
        "alloc::string::String"
    );
    assert_eq!(derived::ByMacro.error_type(), "late");
}
