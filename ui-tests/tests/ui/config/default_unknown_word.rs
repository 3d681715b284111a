use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = "spott")]
    pub market: Market,
}

#[derive(TelemetryConfig)]
pub enum Market {
    Spot,
    Swap,
}

fn main() {}
