use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    #[config(flatten)]
    pub limit: u32,
}

fn main() {}
