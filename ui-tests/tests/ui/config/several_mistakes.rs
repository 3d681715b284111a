use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    pub limit: u32,
    /// How many.
    #[config(default = 3, range = 5..=9)]
    pub other: u32,
    /// How many.
    #[config(env = "b")]
    pub third: u32,
}

fn main() {}
