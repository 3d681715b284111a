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
mod target;
#[cfg(feature = "tls")]
mod tls;

use crate::Outcome;
use clap::{Arg, ArgAction, ArgMatches, Command};
use environment::Surroundings;
use otelier::config::{Exporter, OutputStream, Sampler, Settings, Telemetry};
use otelier::{ConfigError, Error, Pipeline, Problem};
use report::{Check, Report, Status};
use settings::Arguments;
use std::io::IsTerminal;
use target::{Signal, Target};

pub(crate) fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("doctor")
        .about("Checks settings, endpoints and this machine, and says what is wrong")
        .args([
            text("config", "FILE", "Takes the settings of this file instead of the environment"),
            text("endpoint", "URL", "Sends to this base URL, whatever the settings say"),
            text("protocol", "PROTOCOL", "Sends by this protocol").value_parser(["grpc", "http/protobuf", "http/json"]),
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
    let read = arguments.settings();
    let settings = read.as_ref().ok();
    // Before anything takes time: a lock file that was named and is not there is a mistake.
    let versions = lock::checks(arguments.lock.as_deref(), settings)?;
    let all = settings.map(|settings| settings::targets(&settings.telemetry)).unwrap_or_default();
    let targets: Vec<&Target> = all.iter().filter_map(|target| target.as_ref().ok()).collect();
    let refused = settings.and_then(|settings| Pipeline::new(arguments.trial(&settings.telemetry)).start().err());
    let usable = settings.is_some() && refused.is_none();
    report.extend(match (&read, refused) {
        (Err(error), _) => vec![unusable(error.problems())],
        (Ok(_), Some(Error::Config(error))) => vec![unusable(error.problems())],
        (Ok(_), Some(error)) => vec![unusable(ConfigError::from(Problem::from(error.to_string())).problems())],
        (Ok(settings), None) => configuration(settings),
    });
    // Whether an endpoint can be reached is known before the environment is judged, and told after it.
    let mut network = Report::default();
    let mut reachable = Vec::new();
    match settings.filter(|_| !targets.is_empty()) {
        _ if !arguments.network => network.add(Check::skipped("network", "`--no-network` was given")),
        _ if !usable => network.add(Check::skipped("network", "the configuration cannot be used")),
        None => network.add(Check::skipped("network", "nothing is sent by OTLP")),
        Some(settings) => reachable = reach_all(arguments, settings, &targets, &mut network)?,
    }
    let out_of_reach: Vec<&Target> =
        targets.iter().copied().filter(|target| !reachable.contains(&target.address())).collect();
    report.extend(Surroundings::of_the_process(settings).checks(&targets, &out_of_reach));
    report.append(network);
    report.add(clock::source());
    report.add(overhead::check());
    report.extend(versions);
    Ok(usable)
}

const CONFIGURATION: &str = "configuration";

/// Settings that cannot be used: each problem.
fn unusable(problems: &[Problem]) -> Check {
    let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let sentences: Vec<&str> = problems.iter().map(Problem::sentence).collect();
    Check::fail(CONFIGURATION, text.join("\n"), "Programs with these settings refuse to start telemetry.")
        .help("Correct the values; `otelier config check` tells the same without the rest.")
        .with("problems", sentences)
}

/// What the settings come to, and what of them is passed over.
fn configuration(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![outcome(settings)];
    checks.extend(settings.telemetry.warnings.iter().map(|warning| {
        let why = "OpenTelemetry's specification wants it passed over, so programs start without it.";
        Check::warn(CONFIGURATION, warning.to_string(), why)
            .help("Correct it; with `OTELIER_STRICT=true` programs refuse to start with such a variable.")
            .with("problems", vec![warning.sentence()])
    }));
    checks
}

fn outcome(settings: &Settings) -> Check {
    const NAME: &str = CONFIGURATION;
    let telemetry = &settings.telemetry;
    let of_file = settings.file.as_deref();
    if telemetry.disabled {
        let why = "Nothing is recorded and nothing sent.";
        let help = match of_file {
            Some(file) => format!("Take `disabled: true` out of `{file}`."),
            None => "Unset `OTEL_SDK_DISABLED`.".to_owned(),
        };
        return Check::warn(NAME, "telemetry is disabled", why).help(help);
    }
    let mut exporters: Vec<String> = Vec::new();
    for target in settings::targets(telemetry).iter().flatten() {
        let (signal, protocol) = (target.signal.as_str(), target.protocol.as_str());
        exporters.push(format!("{signal} by {protocol} to {}", target.url));
    }
    exporters.extend(telemetry.exporters.iter().filter_map(elsewhere));
    let service = settings::service(telemetry).unwrap_or("unknown_service");
    let takes_nothing = match &telemetry.sampler {
        Sampler::ParentBased(samplers) => is_off(&samplers.root),
        sampler => is_off(sampler),
    };
    let check = if telemetry.exporters.is_empty() {
        let why = "Spans are recorded and thrown away.";
        let help = match of_file {
            Some(file) => format!("Give `{file}` a `tracer_provider` with a processor and its exporter."),
            None => "Set `OTEL_TRACES_EXPORTER=otlp`, or leave it unset.".to_owned(),
        };
        Check::warn(NAME, "no exporter of spans is configured", why).help(help)
    } else if takes_nothing {
        let why = "Traces that begin here are not recorded, so their spans do not arrive.";
        let help = match of_file {
            Some(file) => format!("Change `tracer_provider.sampler` in `{file}`."),
            None => "Set `OTEL_TRACES_SAMPLER=parentbased_always_on`.".to_owned(),
        };
        Check::warn(NAME, exporters.join("\n"), why).line("the sampler takes no trace that begins here").help(help)
    } else {
        Check::ok(NAME, exporters.join("\n"))
    };
    let check = of_file.into_iter().fold(check, |check, file| check.line(format!("settings of `{file}`")));
    check
        .line(format!("service `{}`", printable(service.as_bytes())))
        .with("exporters", exporters)
        .with("service", service)
        .with("file", of_file)
}

fn is_off(sampler: &Sampler) -> bool {
    matches!(sampler, Sampler::AlwaysOff | Sampler::TraceIdRatio(0.0) | Sampler::Probability(0.0))
}

/// An exporter of spans that sends nothing anywhere.
fn elsewhere(exporter: &Exporter) -> Option<String> {
    match exporter {
        Exporter::Batched(inner, _) => elsewhere(inner),
        Exporter::Console => Some("spans to standard error".to_owned()),
        Exporter::OtlpFile(file) => Some(match &file.output {
            OutputStream::File(path) => format!("spans to the file `{}`", path.display()),
            _ => "spans to standard output".to_owned(),
        }),
        _ => None,
    }
}

/// All that needs the network, on a runtime of its own; the endpoints that could be reached.
fn reach_all(
    arguments: &Arguments,
    settings: &Settings,
    targets: &[&Target],
    report: &mut Report,
) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the checks of the network do not start: {error}"))?;
    let limit = arguments.timeout;
    let metrics = arguments.metrics(settings);
    let mut all = targets.to_vec();
    all.extend(&metrics);
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
    for target in targets.iter().filter(|target| !is_reachable(target)) {
        report.add(Check::skipped(name_of(target.signal), format!("nobody can be reached at {}", target.address())));
    }
    // Targets of spans are in the order of the exporters.
    for (number, target) in targets.iter().enumerate().filter(|(_, target)| is_reachable(target)) {
        match target.signal {
            Signal::Spans => {
                spans(target, arguments.trial_of(&settings.telemetry, number), &runtime, arguments, report)
            }
            _ => {
                let answer = runtime.block_on(otlp::empty(target, limit));
                report.add(otlp::logs(target, &answer));
            }
        }
    }
    let service = settings::service(&settings.telemetry).unwrap_or("otelier-doctor");
    report.add(match metrics {
        Err(why) => Check::skipped("metric", why),
        Ok(target) if !is_reachable(&target) => {
            Check::skipped("metric", format!("nobody can be reached at {}", target.address()))
        }
        Ok(target) => runtime.block_on(otlp::metric(&target, service, limit)),
    });
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
    trial: Telemetry,
    runtime: &tokio::runtime::Runtime,
    arguments: &Arguments,
    report: &mut Report,
) {
    // A pipeline of its own, so that one receiver's silence is not another's.
    let guard = match Pipeline::new(trial).start() {
        Ok(guard) => guard,
        Err(error) => return report.add(Check::skipped("span", error.to_string())),
    };
    let otlp::Spans { check, error } = otlp::spans(&guard, arguments.timeout);
    drop(guard);
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
