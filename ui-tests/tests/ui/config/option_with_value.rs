use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    #[config(flatten = true)]
    pub other: Other,
}

/// Others.
#[derive(TelemetryConfig)]
pub struct Other {
    /// How many.
    pub limit: u32,
}

fn main() {}
