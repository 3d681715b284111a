use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = ["a", 3])]
    pub names: Vec<String>,
}

fn main() {}
