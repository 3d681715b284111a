//! Starting telemetry, the same way in all three programs.

use otelier::config::Exporter;
use otelier::{ConfigError, Error, Guard, Telemetry};

/// The variables that say where spans go.
const SOURCES: [&str; 3] = ["OTEL_CONFIG_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Starts telemetry for a program of the shop. Traces are printed to standard error; if the environment names an endpoint
/// or a file of settings, they go there instead.
///
/// # Errors
///
/// Every setting that cannot be used.
pub fn start(service: &str) -> Result<Guard, String> {
    let mut settings = Telemetry::from_env().map_err(|error| all_problems(&error))?;
    let is_given = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !SOURCES.iter().any(is_given) {
        settings.exporters.retain(|exporter| !matches!(exporter, Exporter::Otlp(_)));
        settings.log_exporters = None;
        settings.metrics = Default::default();
        settings = settings.with_console(true);
    }
    if settings.service_name.is_none() {
        settings = settings.with_service_name(service);
    }
    otelier::init(settings).map_err(|error| match error {
        Error::Config(error) => all_problems(&error),
        error => error.to_string(),
    })
}

/// Ends telemetry; what does not arrive is told, and costs nothing but that.
pub fn finish(telemetry: Guard) {
    if let Err(late) = telemetry.shutdown() {
        eprintln!("telemetry: {late}");
    }
}

fn all_problems(error: &ConfigError) -> String {
    error.to_string()
}
