use otelier::config::TelemetryConfig;

#[derive(TelemetryConfig)]
pub enum Market<const N: usize> {
    Spot,
}

fn main() {}
