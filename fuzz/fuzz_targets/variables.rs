//! Any values of all variables: they are read, passed over or refused, and nothing panics or hangs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier::config::{Settings, Variables};
use otelier_spec::variables;

fuzz_target!(|text: &str| {
    // One value a line, in the order of the table. None is the name of a file to read: that is what `config` is about.
    let mut values = text.split('\n');
    let all: [(&str, &str); variables::ALL.len()] = std::array::from_fn(|at| {
        let name = variables::ALL[at].name;
        let value = if name.ends_with("CONFIG_FILE") { "" } else { values.next().unwrap_or_default() };
        (name, value)
    });
    match Settings::from_variables(&Variables::of(all)) {
        Ok(settings) => _ = format!("{:?}", settings.telemetry),
        Err(error) => assert!(!error.problems().is_empty() && error.to_string().len() < 1 << 20),
    }
});
