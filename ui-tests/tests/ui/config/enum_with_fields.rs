use otelier::config::TelemetryConfig;

#[derive(TelemetryConfig)]
pub enum Market {
    Spot,
    Swap(u32),
}

fn main() {}
