use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(secret, public)]
    pub login: otelier::Secret<String>,
}

fn main() {}
