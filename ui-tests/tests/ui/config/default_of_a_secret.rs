use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = "hush")]
    pub api_key: otelier::Secret<String>,
}

fn main() {}
