//! Any text as a file of settings: it is read or refused, and nothing panics or hangs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier::ConfigError;
use otelier::config::{Document, Variables, check, keys};

fuzz_target!(|text: &str| {
    let variables = Variables::of([("A", "x\ny: [1]"), ("DELAY", "-1")]);
    if let Ok(document) = Document::parse("fuzz.yaml", text, &variables) {
        let mut problems = ConfigError::default();
        check(&document.root, &keys::CONFIGURATION, &mut problems);
        let _ = problems.to_string();
    }
});
