//! What a program declares and where it makes spans, as a list: feature `registry`.
//!
//! Every declaration and every annotation of the program and of the crates it is linked with enters itself, with no code
//! that runs and nothing to call. Without the feature nothing is entered and nothing costs anything, so it belongs into
//! tools and tests: `otelier schema export --package app` turns it on.
//!
//! ```
//! otelier::span_schema! {
//!     /// One order.
//!     pub Order = "app.order" { app.id: int required; }
//! }
//!
//! #[otelier::trace(Order, app.id = 7)]
//! fn accept() {}
//!
//! # accept();
//! # #[cfg(feature = "registry")] {
//! use otelier::schema::registry;
//! assert!(registry::spans().any(|span| span.id == "app.order"));
//! assert!(registry::call_sites().any(|site| site.name == "accept" && site.schema.is_some()));
//! # }
//! ```

use super::{EventDef, GroupDef, Kind, SchemaDef};

/// One declaration.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Declared {
    Span(&'static SchemaDef),
    Event(&'static EventDef),
    Group(&'static GroupDef),
}

#[doc(hidden)]
#[linkme::distributed_slice]
pub static DECLARED: [Declared];

#[doc(hidden)]
#[linkme::distributed_slice]
pub static CALL_SITES: [CallSite];

/// A place that makes spans: an annotated function or a `trace_block!`.
#[derive(Clone, Copy, Debug)]
pub struct CallSite {
    /// The name of the function, or the name the annotation gives.
    pub name: &'static str,
    /// The module it is in.
    pub module: &'static str,
    /// The source file, as the compiler was given it.
    pub file: &'static str,
    /// The line of the annotation, from 1.
    pub line: u32,
    /// The kind of its spans.
    pub kind: Kind,
    /// The schema of its spans, if it names one.
    pub schema: Option<&'static SchemaDef>,
    /// Names of the attributes and events it records.
    pub keys: &'static [&'static str],
    /// How much its traces matter: `low`, `normal` or `high`, the word of [`Priority`](crate::Priority).
    pub priority: &'static str,
    /// Keeps literals out of other crates, so that fields can be added.
    #[doc(hidden)]
    pub __more: (),
}

/// The span schemas of the program.
pub fn spans() -> impl Iterator<Item = &'static SchemaDef> {
    DECLARED.iter().filter_map(|declared| match declared {
        Declared::Span(def) => Some(*def),
        _ => None,
    })
}

/// The event schemas of the program.
pub fn events() -> impl Iterator<Item = &'static EventDef> {
    DECLARED.iter().filter_map(|declared| match declared {
        Declared::Event(def) => Some(*def),
        _ => None,
    })
}

/// The attribute groups of the program.
pub fn groups() -> impl Iterator<Item = &'static GroupDef> {
    DECLARED.iter().filter_map(|declared| match declared {
        Declared::Group(def) => Some(*def),
        _ => None,
    })
}

/// The call sites of the program, in no particular order.
pub fn call_sites() -> impl Iterator<Item = &'static CallSite> {
    CALL_SITES.iter()
}
