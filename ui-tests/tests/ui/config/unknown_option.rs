use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(defualt = 3)]
    pub limit: u32,
}

fn main() {}
