//! `otelier config collector`: what a Collector needs to send what programs sent themselves.

mod balance;
mod decide;
mod exporters;
mod lanes;
mod notes;
mod ottl;
mod plan;
mod programs;
mod sampling;
mod secrets;
mod sites;
mod tail;
mod text;
mod yaml;

pub(crate) use balance::{Balancing, Resolver};
pub(crate) use sites::CallSites;

use crate::Outcome;
use crate::schema::files;
use clap::{Arg, ArgMatches, Command, value_parser};
use otelier::config::Settings;
use std::time::Duration;

/// The release of the Collector whose keys these are, and the first that has all of them.
const RELEASE: &str = "0.159";
const FIRST_RELEASE: &str = "0.144";

/// What the user chose.
pub(crate) struct Options {
    pub(crate) role: Role,
    pub(crate) listen: String,
    pub(crate) grpc_port: u16,
    /// The second of two tiers has none.
    pub(crate) http_port: Option<u16>,
    /// From here on, where a failover is: to the Collector itself, on its machine.
    pub(crate) failover_port: u16,
    pub(crate) memory: u64,
    pub(crate) storage: String,
    /// Whether sampling, or that of the head, moves into the Collector.
    pub(crate) samples: bool,
    /// Where the programs make spans, if a rule needs that.
    pub(crate) call_sites: Option<CallSites>,
}

/// What the Collector is for.
pub(crate) enum Role {
    /// Everything.
    Alone,
    /// The first of two tiers: it leads traces to the second.
    Front(Balancing),
    /// The second of two tiers: it decides on traces.
    Sampling(Sizes),
}

/// What the second of two tiers has to hold.
pub(crate) struct Sizes {
    /// That begin in a second, for each of its Collectors.
    pub(crate) traces_per_second: u64,
    pub(crate) spans_per_trace: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { traces_per_second: 400, spans_per_trace: 10 }
    }
}

impl Role {
    fn takes(&self, signal: Signal) -> bool {
        !matches!(self, Self::Sampling(_)) || signal == Signal::Traces
    }

    /// Where it says that it runs, and where its own numbers are: both tiers can be on one machine.
    fn health_port(&self) -> u16 {
        if matches!(self, Self::Sampling(_)) { 13134 } else { 13133 }
    }

    fn metrics_port(&self) -> u16 {
        if matches!(self, Self::Sampling(_)) { 8889 } else { 8888 }
    }
}

impl Options {
    /// Whether the Collector itself listens there.
    fn is_own(&self, host: &str, port: u16) -> bool {
        let is_here = plan::is_loopback(host) && (plan::is_loopback(&self.listen) || plan::is_any(&self.listen))
            || *host == bracketed(&self.listen);
        is_here && (port == self.grpc_port || Some(port) == self.http_port)
    }
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
    let command = Command::new("collector")
        .about("Writes the settings of an OpenTelemetry Collector that sends what programs sent");
    package_arguments(command)
        .args(arguments())
        .arg(
            option("sampling", "WHERE", "collector")
                .value_parser(["collector", "program"])
                .help("Where traces are sampled from now on"),
        )
        .arg(files::out_file())
}

/// An option with a value.
pub(crate) fn option(name: &'static str, value: &'static str, default: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).default_value(default)
}

/// An option for a port.
pub(crate) fn port(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    option(name, "PORT", default).help(help).value_parser(value_parser!(u16).range(1..))
}

/// What every command asks that writes a Collector to which programs send.
pub(crate) fn arguments() -> [Arg; 7] {
    [
        Arg::new("FILE").help("Takes this file instead of the environment, and the file that it names"),
        option("listen", "HOST", "localhost").help("Listens to programs at this host or address"),
        port("grpc-port", "4317", "Listens to gRPC at this port"),
        port("http-port", "4318", "Listens to HTTP at this port"),
        port("failover-port", "4319", "Leads to a failover through this port of its own machine; further ones follow"),
        option("memory", "MIB", "512")
            .value_parser(value_parser!(u64).range(8..=1 << 24))
            .help("How much memory the Collector may take, in MiB"),
        option("storage", "DIRECTORY", "/var/lib/otelcol/otelier")
            .help("Where the Collector keeps batches, if the settings have a disk buffer"),
    ]
}

/// Adds the arguments that name the package of the programs.
pub(crate) fn package_arguments(command: Command) -> Command {
    sites::arguments(command)
}

/// The call sites of the package that [`package_arguments`] name, if a rule needs them.
///
/// # Errors
///
/// The package cannot be asked.
pub(crate) fn call_sites(matches: &ArgMatches, settings: &Settings) -> Result<Option<CallSites>, String> {
    sites::asked(matches, &settings.telemetry)
}

/// What the user chose of [`arguments`].
///
/// # Errors
///
/// What cannot be used.
pub(crate) fn options(matches: &ArgMatches, role: Role, samples: bool) -> Result<Options, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let port = |name: &str| matches.get_one::<u16>(name).copied().unwrap_or_default();
    let options = Options {
        role,
        listen: text("listen"),
        grpc_port: port("grpc-port"),
        http_port: Some(port("http-port")),
        failover_port: port("failover-port"),
        memory: matches.get_one::<u64>("memory").copied().unwrap_or(512),
        storage: text("storage"),
        samples,
        call_sites: None,
    };
    if Some(options.grpc_port) == options.http_port {
        return Err(format!("gRPC and HTTP have the same port, {}; expected one for each", options.grpc_port));
    }
    check_host("--listen", &options.listen)?;
    Ok(options)
}

/// # Errors
///
/// `host` is none.
pub(crate) fn check_host(option: &str, host: &str) -> Result<(), String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    balance::host(bare).map_err(|why| {
        let host = yaml::printable(host);
        format!("`{option}` is `{host}`{why}; expected a host or an address, such as `0.0.0.0`")
    })
}

pub(super) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let samples = matches.get_one::<String>("sampling").is_some_and(|place| place == "collector");
    let mut options = options(matches, Role::Alone, samples)?;
    let settings = settings(matches)?;
    options.call_sites = call_sites(matches, &settings)?;
    files::print(matches, written(&settings, &options)?.0)
}

/// The settings that [`arguments`] name, and said what is doubtful about them.
///
/// # Errors
///
/// They cannot be read.
pub(crate) fn settings(matches: &ArgMatches) -> Result<Settings, String> {
    let file = matches.get_one::<String>("FILE").map(String::as_str);
    let settings = super::settings(file).map_err(|error| {
        let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
        problems.join("\n\nerror: ")
    })?;
    // Beside the output, so that this can still be read by other tools.
    settings.telemetry.warnings.iter().for_each(|warning| crate::say(&format!("warning: {warning}")));
    // What programs refuse, a Collector may take: headers that are none, for example, are left out.
    let refused = otelier::Pipeline::new(settings.telemetry.clone()).check().err();
    for problem in refused.iter().flat_map(otelier::ConfigError::problems) {
        let problem = problem.clone().with_note("a program that starts here with these settings refuses them");
        crate::say(&format!("warning: {problem}"));
    }
    Ok(settings)
}

/// The file, and what there is to know about it, which stands in it, too.
///
/// # Errors
///
/// Why there is no such Collector.
pub(crate) fn written(settings: &Settings, options: &Options) -> Result<(String, Vec<String>), String> {
    let plan = plan::Plan::of(settings, options)?;
    Ok((text::file(settings, options, &plan), plan.notes))
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
mod tests;

#[cfg(test)]
mod of_go {
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
