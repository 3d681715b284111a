use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(env = "LIMIT")]
    pub limit: u32,
    /// Others.
    pub other: Other,
}

/// Others.
#[derive(TelemetryConfig)]
pub struct Other {
    /// How many.
    #[config(env = "LIMIT")]
    pub limit: u32,
}

fn main() {}
