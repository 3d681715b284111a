use otelier::config::TelemetryConfig;

#[derive(TelemetryConfig)]
pub enum Market {
    Spot,
    #[config(value = "spot")]
    Swap,
}

fn main() {}
