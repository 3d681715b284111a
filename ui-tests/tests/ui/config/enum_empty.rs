use otelier::config::TelemetryConfig;

#[derive(TelemetryConfig)]
pub enum Market {}

fn main() {}
