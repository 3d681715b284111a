//! Any bytes as an answer of a server of sampling strategies: nothing panics, and what comes out keeps to its bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| otelier::fuzz_strategies(bytes));
