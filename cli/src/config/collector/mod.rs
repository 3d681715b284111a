//! `otelier config collector`: what a Collector needs to send what programs sent themselves.

mod exporters;
mod lanes;
mod notes;
mod plan;
mod programs;
mod sampling;
mod secrets;
mod text;
mod yaml;

use crate::Outcome;
use crate::schema::files;
use clap::{Arg, ArgMatches, Command, value_parser};
use otelier::config::Settings;
use std::time::Duration;

/// The release of the Collector whose keys these are, and the first that has all of them.
const RELEASE: &str = "0.159";
const FIRST_RELEASE: &str = "0.144";

/// What the user chose.
struct Options {
    listen: String,
    grpc_port: u16,
    http_port: u16,
    /// From here on, where a failover is: to the Collector itself, on its machine.
    failover_port: u16,
    memory: u64,
    storage: String,
    /// Whether sampling moves into the Collector.
    samples: bool,
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

pub(super) fn command() -> Command {
    let port = |name: &'static str, default: &'static str, help: &'static str| {
        let port = Arg::new(name).long(name).value_name("PORT").default_value(default).help(help);
        port.value_parser(value_parser!(u16).range(1..))
    };
    let option = |name: &'static str, value: &'static str, default: &'static str| {
        Arg::new(name).long(name).value_name(value).default_value(default)
    };
    let file = Arg::new("FILE").help("Takes this file instead of the environment, and the file that it names");
    Command::new("collector")
        .about("Writes the settings of an OpenTelemetry Collector that sends what programs sent")
        .arg(file)
        .arg(option("listen", "HOST", "localhost").help("Listens to programs at this host or address"))
        .arg(port("grpc-port", "4317", "Listens to gRPC at this port"))
        .arg(port("http-port", "4318", "Listens to HTTP at this port"))
        .arg(port(
            "failover-port",
            "4319",
            "Leads to a failover through this port of its own machine; further ones follow",
        ))
        .arg(
            option("memory", "MIB", "512")
                .value_parser(value_parser!(u64).range(8..=1 << 24))
                .help("How much memory the Collector may take, in MiB"),
        )
        .arg(
            option("storage", "DIRECTORY", "/var/lib/otelcol/otelier")
                .help("Where the Collector keeps batches, if the settings have a disk buffer"),
        )
        .arg(
            option("sampling", "WHERE", "collector")
                .value_parser(["collector", "program"])
                .help("Where traces are sampled from now on"),
        )
        .arg(files::out_file())
}

pub(super) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let port = |name: &str| matches.get_one::<u16>(name).copied().unwrap_or_default();
    let options = Options {
        listen: text("listen"),
        grpc_port: port("grpc-port"),
        http_port: port("http-port"),
        failover_port: port("failover-port"),
        memory: matches.get_one::<u64>("memory").copied().unwrap_or(512),
        storage: text("storage"),
        samples: text("sampling") == "collector",
    };
    if options.grpc_port == options.http_port {
        return Err(format!("gRPC and HTTP have the same port, {}; expected one for each", options.http_port));
    }
    if options.listen.is_empty() || options.listen.contains(['/', ' ', '@']) {
        return Err(format!("`--listen` is `{}`; expected a host or an address", yaml::printable(&options.listen)));
    }
    let file = matches.get_one::<String>("FILE").map(String::as_str);
    let settings = super::settings(file).map_err(|error| {
        let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
        problems.join("\nerror: ")
    })?;
    // Beside the output, so that this can still be read by other tools.
    settings.telemetry.warnings.iter().for_each(|warning| crate::say(&format!("warning: {warning}")));
    // What programs refuse, a Collector may take: headers that are none, for example, are left out.
    let refused = otelier::Pipeline::new(settings.telemetry.clone()).check().err();
    for problem in refused.iter().flat_map(otelier::ConfigError::problems) {
        let problem = problem.clone().with_note("a program that starts here with these settings refuses them");
        crate::say(&format!("warning: {problem}"));
    }
    files::print(matches, written(&settings, &options)?)
}

fn written(settings: &Settings, options: &Options) -> Result<String, String> {
    Ok(text::file(settings, options, &plan::Plan::of(settings, options)?))
}

/// A duration as Go reads it.
fn duration(duration: Duration) -> String {
    // What it can hold: 292 years.
    let nanos = duration.as_nanos().min(i64::MAX as u128);
    for (unit, length) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000)] {
        if nanos.is_multiple_of(length) {
            return format!("{}{unit}", nanos / length);
        }
    }
    // More than 16 digits in nanoseconds would say nothing more than the seconds do.
    if nanos > 1_000_000_000_000_000 { format!("{}s", nanos / 1_000_000_000) } else { format!("{nanos}ns") }
}

/// A host in an address with a port.
fn bracketed(host: &str) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (given, text) in [
            (Duration::ZERO, "0s"),
            (Duration::from_secs(300), "300s"),
            (Duration::from_millis(1500), "1500ms"),
            (Duration::from_micros(7), "7us"),
            (Duration::from_nanos(7), "7ns"),
            (Duration::MAX, "9223372036s"),
        ] {
            assert_eq!(duration(given), text);
        }
    }
}
