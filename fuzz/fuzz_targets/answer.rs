//! Any bytes as a receiver's answer, over HTTP and over gRPC: nothing panics, and what is said of it keeps to its bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| otelier::fuzz_answer(bytes));
