//! Any text as a file of settings: it is read or refused, and nothing panics or hangs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier::config::{Document, Settings, Variables};

fuzz_target!(|text: &str| {
    let variables = Variables::of([("A", "x\ny: [1]"), ("DELAY", "-1"), ("SERVICE", "true"), ("API_KEY", "a\nb")]);
    let settings = Document::parse("fuzz.yaml", text, &variables).and_then(Settings::from_document);
    match settings {
        Ok(settings) => _ = format!("{:?}", settings.telemetry),
        Err(error) => assert!(!error.problems().is_empty() && error.to_string().len() < 1 << 20),
    }
});
