//! Any bytes as the headers of a message: nothing panics, and what goes on is of the format and within its bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| otelier::private::fuzz_headers(bytes));
