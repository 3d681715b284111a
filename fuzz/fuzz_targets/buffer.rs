//! Any bytes as the files of a disk buffer: what can be read comes, the rest is counted, and nothing panics or hangs.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| otelier::private::fuzz_buffer(bytes));
