use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config<T> {
    /// How many.
    pub limit: T,
}

fn main() {}
