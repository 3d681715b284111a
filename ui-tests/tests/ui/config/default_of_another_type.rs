use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = "many")]
    pub limit: u32,
}

fn main() {}
