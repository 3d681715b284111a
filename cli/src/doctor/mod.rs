//! `otelier doctor`: whether telemetry works with these settings, on this machine, and if not, why.

#[cfg(feature = "tls")]
mod certificate;
mod clock;
mod environment;
mod lock;
mod network;
mod otlp;
mod overhead;
mod report;
mod request;
mod settings;
#[cfg(feature = "tls")]
mod tls;

use crate::Outcome;
use crate::config::engine;
use clap::{Arg, ArgAction, ArgMatches, Command};
use environment::Surroundings;
use otelier::config::{Sampler, Telemetry};
use otelier::{Guard, Pipeline};
use report::{Check, Report, Status};
use settings::{Arguments, Signal, Target};
use std::io::IsTerminal;

pub(crate) fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("doctor")
        .about("Checks settings, endpoints and this machine, and says what is wrong")
        .args([
            text("config", "FILE", "Takes the settings of this file instead of the environment"),
            text("endpoint", "URL", "Sends to this base URL, whatever the settings say"),
            text("protocol", "PROTOCOL", "Sends by this protocol").value_parser(["grpc", "http/protobuf"]),
            text("header", "KEY=VALUE", "Sends this header, too; can be given several times").action(ArgAction::Append),
            text("lock", "FILE", "Looks at this Cargo.lock instead of the one here or above"),
            text("timeout", "DURATION", "How long one step may take").default_value("5s"),
            Arg::new("json").long("json").action(ArgAction::SetTrue).help("Prints JSON"),
            Arg::new("no-network")
                .long("no-network")
                .action(ArgAction::SetTrue)
                .help("Leaves everything out that needs the network"),
        ])
        .after_help(
            "Spans and a metric are really sent: a span `otelier doctor` (five times) and a gauge `otelier.doctor`.\n\n\
             Exit codes: 0 nothing fails, 1 something fails, 2 mistakes in arguments, or settings that cannot be used.",
        )
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let arguments = Arguments::of(matches)?;
    let mut report = Report::default();
    let usable = examine(&arguments, &mut report)?;
    let code = match (usable, report.status()) {
        (false, _) => 2,
        (true, Status::Fail) => 1,
        _ => 0,
    };
    let text = match arguments.json {
        true => report.json(code),
        false => report.text(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()),
    };
    Ok(Outcome { text, code })
}

/// Does everything, and tells whether the settings can be used.
fn examine(arguments: &Arguments, report: &mut Report) -> Result<bool, String> {
    let read = arguments.telemetry();
    let telemetry = read.as_ref().ok();
    // Before anything takes time: a lock file that was named and is not there is a mistake.
    let versions = lock::checks(arguments.lock.as_deref(), telemetry)?;
    let all = telemetry.map(settings::targets).unwrap_or_default();
    let targets: Vec<&Target> = all.iter().filter_map(|target| target.as_ref().ok()).collect();
    let started =
        telemetry.map(|telemetry| Pipeline::new(arguments.trial(telemetry)).start().map_err(|error| error.to_string()));
    report.add(configuration(read.as_ref(), started.as_ref().and_then(|started| started.as_ref().err())));
    let guard = started.and_then(Result::ok);
    let usable = guard.is_some();
    // Whether an endpoint can be reached is known before the environment is judged, and told after it.
    let mut network = Report::default();
    let mut reachable = Vec::new();
    let report_of_network = &mut network;
    match telemetry.filter(|_| !targets.is_empty()) {
        _ if !arguments.network => report_of_network.add(Check::skipped("network", "`--no-network` was given")),
        None if !usable => report_of_network.add(Check::skipped("network", "the configuration cannot be used")),
        None => report_of_network.add(Check::skipped("network", "nothing is sent by OTLP")),
        Some(telemetry) => {
            reachable = reach_all(arguments, telemetry, &targets, guard.as_ref(), report_of_network)?;
        }
    }
    drop(guard);
    let out_of_reach: Vec<&Target> =
        targets.iter().copied().filter(|target| !reachable.contains(&target.address())).collect();
    report.extend(Surroundings::of_the_process(engine::READS_FILES).checks(&targets, &out_of_reach));
    report.append(network);
    report.add(clock::source());
    report.add(overhead::check());
    report.extend(versions);
    Ok(usable)
}

/// The settings: each problem, or what they come to.
fn configuration(read: Result<&Telemetry, &Vec<String>>, refused: Option<&String>) -> Check {
    const NAME: &str = "configuration";
    const WHY: &str = "Programs with these settings refuse to start telemetry.";
    let problems = match (&read, refused) {
        (Err(problems), _) => Some(problems.join("\n")),
        (Ok(_), Some(problem)) => Some(problem.clone()),
        (Ok(_), None) => None,
    };
    let telemetry = match (read, problems) {
        (Ok(telemetry), None) => telemetry,
        (_, problems) => {
            let problems = problems.unwrap_or_default();
            let check = Check::fail(NAME, problems.clone(), WHY)
                .help("Correct the values; `otelier config show` tells where each comes from.");
            return check.with("problems", problems.lines().map(str::to_owned).collect::<Vec<_>>());
        }
    };
    if telemetry.disabled {
        let why = "Nothing is recorded and nothing sent.";
        return Check::warn(NAME, "telemetry is disabled", why).help("Unset `OTEL_SDK_DISABLED`.");
    }
    let mut exporters: Vec<String> = Vec::new();
    for target in settings::targets(telemetry).iter().flatten() {
        exporters.push(format!(
            "{} by {} to {}",
            target.signal.as_str(),
            settings::protocol_name(target.protocol),
            target.url
        ));
    }
    if telemetry.console {
        exporters.push("spans to standard error".to_owned());
    }
    let service = telemetry.service_name.as_deref().unwrap_or("unknown_service");
    let check = match telemetry.sampler {
        _ if exporters.is_empty() => {
            let why = "Spans are recorded and thrown away.";
            Check::warn(NAME, "no exporter of spans is configured", why)
                .help("Set `OTEL_TRACES_EXPORTER=otlp`, or leave it unset.")
        }
        Sampler::AlwaysOff | Sampler::TraceIdRatio(0.0) | Sampler::ParentBased(0.0) => {
            let why = "Traces that begin here are not recorded, so their spans do not arrive.";
            Check::warn(NAME, exporters.join("\n"), why)
                .line("the sampler takes no trace that begins here")
                .help("Set `OTEL_TRACES_SAMPLER=parentbased_always_on`.")
        }
        _ => Check::ok(NAME, exporters.join("\n")),
    };
    check
        .line(format!("service `{}`", printable(service.as_bytes())))
        .with("exporters", exporters)
        .with("service", service)
}

/// All that needs the network, on a runtime of its own; the endpoints that could be reached.
fn reach_all(
    arguments: &Arguments,
    telemetry: &Telemetry,
    targets: &[&Target],
    guard: Option<&Guard>,
    report: &mut Report,
) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the checks of the network do not start: {error}"))?;
    let limit = arguments.timeout;
    let metrics = telemetry.otlp.as_ref().map(|otlp| arguments.metrics(otlp));
    let mut all = targets.to_vec();
    all.extend(metrics.iter().flatten());
    let mut reachable: Vec<String> = Vec::new();
    let mut seen: Vec<(String, bool)> = Vec::new();
    for target in &all {
        let endpoint = (target.address(), target.is_tls());
        if seen.contains(&endpoint) {
            continue;
        }
        seen.push(endpoint);
        let open = runtime.block_on(reach(target, limit, report));
        reachable.extend(open.then(|| target.address()));
    }
    let is_reachable = |target: &Target| reachable.contains(&target.address());
    let Some(guard) = guard else {
        report.add(Check::skipped("span", "the configuration cannot be used"));
        runtime.shutdown_background();
        return Ok(reachable);
    };
    for target in targets.iter().filter(|target| !is_reachable(target)) {
        report.add(Check::skipped(name_of(target.signal), format!("nobody can be reached at {}", target.address())));
    }
    for target in targets.iter().filter(|target| is_reachable(target)) {
        match target.signal {
            Signal::Spans => spans(target, guard, &runtime, arguments, report),
            _ => {
                let answer = runtime.block_on(otlp::empty(target, limit));
                report.add(otlp::logs(target, &answer));
            }
        }
    }
    let service = telemetry.service_name.as_deref().unwrap_or("otelier-doctor");
    report.extend(metrics.map(|metrics| match metrics {
        Err(why) => Check::skipped("metric", why),
        Ok(target) if !is_reachable(&target) => {
            Check::skipped("metric", format!("nobody can be reached at {}", target.address()))
        }
        Ok(target) => runtime.block_on(otlp::metric(&target, service, limit)),
    }));
    // A name service that hangs keeps a thread of the runtime; the command does not wait for it.
    runtime.shutdown_background();
    Ok(reachable)
}

fn name_of(signal: Signal) -> &'static str {
    match signal {
        Signal::Spans => "span",
        Signal::Metrics => "metric",
        Signal::Logs => "log records",
    }
}

/// Name, connection and TLS of one endpoint; whether something can be sent there.
async fn reach(target: &Target, limit: std::time::Duration, report: &mut Report) -> bool {
    let (check, addresses) = network::resolve(target, limit).await;
    report.add(check);
    if addresses.is_empty() {
        return false;
    }
    let (check, open) = network::connect(target, &addresses, limit).await;
    report.add(check);
    let Some(address) = open.first() else { return false };
    if !target.is_tls() {
        return true;
    }
    #[cfg(feature = "tls")]
    {
        let check = tls::check(target, *address, limit).await;
        let is_safe = otlp::arrived(&check);
        report.add(check);
        is_safe
    }
    #[cfg(not(feature = "tls"))]
    {
        report.add(Check::skipped("tls", format!("{address}: this command was built without the feature `tls`")));
        true
    }
}

/// Spans by the runtime's exporter, and what their answers say besides.
fn spans(
    target: &Target,
    guard: &Guard,
    runtime: &tokio::runtime::Runtime,
    arguments: &Arguments,
    report: &mut Report,
) {
    let otlp::Spans { check, error } = otlp::spans(guard, arguments.timeout);
    let arrived = otlp::arrived(&check);
    report.add(check);
    report.add(otlp::authentication(target, error.as_deref()));
    if arrived {
        let answer = runtime.block_on(otlp::empty(target, arguments.timeout));
        report.add(match answer {
            Ok(answer) => clock::compare(&answer),
            Err(error) => Check::skipped("clock", format!("there was no answer to look at: {error}")),
        });
    } else {
        report.extend(runtime.block_on(otlp::protocol(target, arguments.timeout)));
        report.add(Check::skipped("clock", "the receiver did not take what was sent"));
    }
}

/// What others said, as short text without control characters: it ends up on a terminal.
fn printable(bytes: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let mut short: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
