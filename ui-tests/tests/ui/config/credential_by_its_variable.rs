use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(env = "EXCHANGE_TOKEN")]
    pub login: Option<String>,
}

fn main() {}
