use otelier::config::TelemetryConfig;

#[derive(TelemetryConfig)]
#[config(rename_all = "Snake_Case")]
pub enum Market {
    Spot,
}

fn main() {}
