//! The macros of otelier: tokens in, tokens out. Use them through the `otelier` crate, where they are documented with
//! examples that run.
//!
//! An annotation goes through three steps: `args` and `item` read it, `body` rewrites what the function's body
//! says to its span, `expand` writes the result. Meaning that the type system can check is left to rustc: `a.b = x`
//! becomes a field access with the user's own tokens.
//!
//! `schema` reads declarations, `derive` the structs and enums that attributes come from.

mod args;
mod body;
mod checks;
mod ctxt;
mod derive;
mod domain;
mod expand;
mod forms;
mod item;
mod members;
#[cfg(test)]
mod mutants;
mod options;
#[cfg(test)]
mod options_tests;
mod registry;
mod result;
mod schema;
mod tokens;

use proc_macro::TokenStream;

#[doc = include_str!("../docs/trace.md")]
#[proc_macro_attribute]
pub fn trace(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::annotation(None, args.into(), item.into()).into()
}

macro_rules! domain_macros {
    ($($name:ident $doc:literal)*) => { $(
        #[doc = include_str!($doc)]
        // The page of `trace_test` shows where it stands.
        #[allow(clippy::test_attr_in_doctest)]
        #[proc_macro_attribute]
        pub fn $name(args: TokenStream, item: TokenStream) -> TokenStream {
            expand::annotation(otelier_spec::domain::domain_macro(stringify!($name)), args.into(), item.into()).into()
        }
    )* };
}

domain_macros! {
    trace_workflow "../docs/trace_workflow.md"
    trace_stage "../docs/trace_stage.md"
    trace_exchange_api "../docs/trace_exchange_api.md"
    trace_ingestion "../docs/trace_ingestion.md"
    trace_processing "../docs/trace_processing.md"
    trace_storage "../docs/trace_storage.md"
    trace_etl "../docs/trace_etl.md"
    trace_database "../docs/trace_database.md"
    trace_job "../docs/trace_job.md"
    trace_performance "../docs/trace_performance.md"
    trace_startup "../docs/trace_startup.md"
    trace_build_step "../docs/trace_build_step.md"
    trace_test "../docs/trace_test.md"
    trace_benchmark "../docs/trace_benchmark.md"
}

#[doc = include_str!("../docs/trace_block.md")]
#[proc_macro]
pub fn trace_block(input: TokenStream) -> TokenStream {
    expand::block(input.into()).into()
}

#[doc = include_str!("../docs/span_schema.md")]
#[proc_macro]
pub fn span_schema(input: TokenStream) -> TokenStream {
    schema::span_schema(input.into()).into()
}

#[doc = include_str!("../docs/event_schema.md")]
#[proc_macro]
pub fn event_schema(input: TokenStream) -> TokenStream {
    schema::event_schema(input.into()).into()
}

#[doc = include_str!("../docs/attribute_group.md")]
#[proc_macro]
pub fn attribute_group(input: TokenStream) -> TokenStream {
    schema::attribute_group(input.into()).into()
}

#[doc = include_str!("../docs/AttributeEnum.md")]
#[proc_macro_derive(AttributeEnum, attributes(attribute))]
pub fn attribute_enum(item: TokenStream) -> TokenStream {
    derive::attribute_enum(item.into()).into()
}

#[doc = include_str!("../docs/ErrorClass.md")]
#[proc_macro_derive(ErrorClass, attributes(error_class, source, from, backtrace))]
pub fn error_class(item: TokenStream) -> TokenStream {
    derive::error_class(item.into()).into()
}

#[doc = include_str!("../docs/SpanSchema.md")]
#[proc_macro_derive(SpanSchema, attributes(attribute, attributes, schema))]
pub fn span_schema_derive(item: TokenStream) -> TokenStream {
    derive::span_schema(item.into()).into()
}

#[doc = include_str!("../docs/SpanAttributes.md")]
#[proc_macro_derive(SpanAttributes, attributes(attribute, attributes, schema))]
pub fn span_attributes(item: TokenStream) -> TokenStream {
    derive::span_attributes(item.into()).into()
}

#[doc = include_str!("../docs/TelemetryConfig.md")]
#[proc_macro_derive(TelemetryConfig, attributes(config))]
pub fn telemetry_config(item: TokenStream) -> TokenStream {
    derive::telemetry_config(item.into()).into()
}

/// A group that hands its attributes back to the schema that includes it.
#[doc(hidden)]
#[proc_macro]
pub fn __with_group(input: TokenStream) -> TokenStream {
    schema::with_group(input.into()).into()
}
