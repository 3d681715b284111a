use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    pub limit: u32,
    #[config(flatten)]
    pub other: Other,
}

/// Others.
#[derive(TelemetryConfig)]
pub struct Other {
    /// How many.
    pub limit: u32,
}

fn main() {}
