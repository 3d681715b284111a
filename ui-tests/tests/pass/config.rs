//! What structs with settings may look like.
#![deny(warnings, missing_docs, unused_qualifications)]

use otelier::config::TelemetryConfig;

mod std {}
mod core {}
#[allow(dead_code)]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Option;
#[allow(dead_code, non_camel_case_types)]
struct u8;

/// Settings with names that the generated code uses, too.
#[derive(Debug, TelemetryConfig)]
#[config(section = "app")]
struct Config {
    /// A keyword.
    #[config(env = ["APP_TYPE", "APP_KIND"], default = "a", old_env = ["TYPE", "KIND"], old_key = ["kind", "sort"])]
    r#type: Word,
    /// A name of the reader.
    #[config(default = -3, range = -10..)]
    reader: i64,
    /// Up to something.
    #[config(default = 1, range = ..2.5)]
    field: f64,
    /// A credential that is none.
    #[config(public, default = "x", key = "the_token")]
    token: String,
    /// Nested in a box.
    inner: Box<Inner>,
    /// Each of several.
    #[config(default = [])]
    all: Vec<Plain>,
    #[config(flatten)]
    flat: Flat,
    #[config(flatten)]
    telemetry: otelier::Telemetry,
}

#[derive(Debug, TelemetryConfig, PartialEq, Clone, Copy)]
#[config(rename_all = "SCREAMING_SNAKE_CASE")]
enum Word {
    #[config(value = "a")]
    Some,
    NoneOfIt,
}

/// Nothing at all.
#[derive(Debug, TelemetryConfig)]
struct Plain {}

/// Inner settings.
#[derive(Debug, TelemetryConfig)]
struct Inner {
    /// A size.
    #[config(env = "APP_SIZE", unit = "By", default = "1kB", range = "1B"..="1GiB")]
    size: u32,
}

/// Flat settings.
#[derive(Debug, TelemetryConfig)]
struct Flat {
    /// A wait.
    #[config(env = "APP_WAIT", unit = "s", default = 3, range = "1ms".."10s")]
    wait: ::std::time::Duration,
    /// Parsed.
    #[config(parse, env = "APP_CHAR")]
    parsed: ::std::option::Option<::std::string::String>,
}

macro_rules! settings {
    ($name:ident, $field:ident: $type:ty = $default:literal, up to $max:literal) => {
        /// By a macro.
        #[derive(Debug, TelemetryConfig)]
        struct $name {
            /// A field.
            #[config(default = $default, range = 1..=$max)]
            $field: $type,
        }
    };
}

settings!(ByMacro, count: u16 = 7, up to 9);

fn main() {
    let config = Config::load().expect("the defaults fit");
    assert_eq!((config.r#type, config.reader, config.field), (Word::Some, -3, 1.0));
    assert_eq!((&*config.token, config.inner.size, config.all.len()), ("x", 1000, 0));
    assert_eq!(config.flat.wait, ::std::time::Duration::from_secs(3));
    assert!(config.flat.parsed.is_none() && !config.telemetry.disabled);
    assert_eq!(Word::NoneOfIt as usize, 1);
    assert_eq!(ByMacro::load().expect("the default fits").count, 7);
}
