//! Annotations work where every name they could need means something else.
#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, unused)]

mod std {}
mod core {}
struct Option;
struct Some;
struct None;
struct Result;
struct Ok;
struct Err;
struct String;
struct Vec;
struct Schema;
struct Outcome;
fn drop() {}
fn enter() {}

mod annotated {
    use ::otelier::prelude::{event, record, trace, trace_block, trace_ingestion, DataType};

    #[trace(app.id = id, "app.text" = "x")]
    fn plain(id: u64) {
        event!("started", app.n = 1);
    }

    #[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count))]
    async fn schema(__span: u8, span: u8, slot: u8, result: u8) -> ::std::result::Result<u8, ::std::string::String> {
        record!(crypto.record_count = __span + span + slot + result);
        ::std::result::Result::Ok(1)
    }

    pub fn run() {
        plain(1);
        ::std::mem::drop(schema(1, 2, 3, 4));
        trace_block!(name = "block", {});
    }
}

pub fn main() {
    annotated::run();
}
