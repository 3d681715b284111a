use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// The pipeline.
    pub telemetry: otelier::Telemetry,
}

fn main() {}
