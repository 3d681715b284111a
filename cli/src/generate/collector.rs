//! `otelier generate collector`: two tiers of Collectors that sample as the rules of programs do.

use crate::Outcome;
use crate::config::collector::{self, Balancing, Options, Resolver, Role, Sizes, option, port};
use crate::schema::files;
use clap::{Arg, ArgMatches, Command};
use std::path::Path;

/// The files of the tiers, below `--out`.
const FRONT: &str = "front.yaml";
const SAMPLING: &str = "sampling.yaml";
/// What stands in both.
const WRITTEN: &str = "Written by `otelier generate collector`.";

const AFTER: &str = "\
The first tier is where programs send; there may be any number of its Collectors. It leads all spans of a trace to the same \
Collector of the second tier, which decides by `distribution.otelier.tail_sampling` whether the trace is kept.

The rules come from FILE, in the format of OpenTelemetry's configuration, or from OTEL_CONFIG_FILE: \
`distribution.otelier.tail_sampling`, and the rules or the ratio of `tracer_provider.sampler`. Where the second tier sends what it \
keeps are the exporters of that file.

What a Collector does otherwise than a program stands as a comment beside its place, and is said on standard error.

Example: otelier generate collector otel.yaml --backends otel-sampling.telemetry.svc --out collectors

Exit codes: 0 written, 2 mistakes in arguments, files or variables.";

pub(super) fn command() -> Command {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        option(name, "NUMBER", default).value_parser(count).allow_negative_numbers(true).help(help)
    };
    let command = Command::new("collector")
        .about("Writes two tiers of OpenTelemetry Collectors that keep the traces that the rules of programs keep");
    collector::package_arguments(command)
        .after_help(AFTER)
        .args(collector::arguments())
        .arg(
            option("head", "WHERE", "collector")
                .value_parser(["collector", "program"])
                .help("Where `tracer_provider.sampler` decides from now on, if a Collector can"),
        )
        .arg(
            option("resolver", "KIND", "dns")
                .value_parser(["dns", "static", "k8s", "aws_cloud_map"])
                .help(
                    "How the first tier finds the Collectors of the second: a name in DNS, a list, a service of Kubernetes, one of \
                     AWS Cloud Map",
                ),
        )
        .arg(
            option("backends", "HOSTS", "otel-sampling")
                .help(
                    "The second tier: `host` for `dns`, several with commas between for `static`, `service.namespace` for `k8s`, \
                     `namespace/service` for `aws_cloud_map`; each with `:port` if it is not --sampling-port",
                ),
        )
        .arg(option("sampling-listen", "HOST", "0.0.0.0").help("The second tier listens to the first at this host or address"))
        .arg(port("sampling-port", "4317", "The second tier listens to gRPC at this port"))
        .arg(number("traces-per-second", "400", "Traces that begin in a second, for each Collector of the second tier"))
        .arg(number("spans-per-trace", "10", "Spans of a trace, from which a limit in traces becomes one in spans"))
        .arg(
            Arg::new("tier")
                .long("tier")
                .value_name("TIER")
                .value_parser(["front", "sampling"])
                .help("Prints the file of this tier alone"),
        )
        .arg(Arg::new("out").long("out").value_name("DIRECTORY").help("Writes front.yaml and sampling.yaml into this directory"))
}

pub(super) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let number = |name: &str, default: u64| matches.get_one::<u64>(name).copied().unwrap_or(default);
    let (tier, out) = (text("tier"), text("out"));
    if tier.is_none() && out.is_none() {
        return Err(
            "two files do not fit into one output; expected `--out DIRECTORY` for both, or `--tier front` or `--tier sampling` for \
             one of them"
                .to_owned(),
        );
    }
    let samples = text("head") == Some("collector");
    let port = matches.get_one::<u16>("sampling-port").copied().unwrap_or(4317);
    let listen = text("sampling-listen").unwrap_or("0.0.0.0");
    collector::check_host("--sampling-listen", listen)?;
    let resolver = match text("resolver") {
        Some("static") => Resolver::Static,
        Some("k8s") => Resolver::Kubernetes,
        Some("aws_cloud_map") => Resolver::CloudMap,
        _ => Resolver::Dns,
    };
    let balancing = Balancing::new(resolver, text("backends").unwrap_or_default(), port)?;
    let mut front = collector::options(matches, Role::Front(balancing), samples)?;
    let usual = Sizes::default();
    let sizes = Sizes {
        traces_per_second: number("traces-per-second", usual.traces_per_second),
        spans_per_trace: number("spans-per-trace", usual.spans_per_trace),
    };
    let mut sampling = Options {
        role: Role::Sampling(sizes),
        listen: listen.to_owned(),
        grpc_port: port,
        http_port: None,
        ..collector::options(matches, Role::Alone, samples)?
    };
    let settings = collector::settings(matches)?;
    sampling.call_sites = collector::call_sites(matches, &settings)?;
    front.call_sites.clone_from(&sampling.call_sites);
    let mut said: Vec<String> = Vec::new();
    let mut files = Vec::new();
    // Both are made, so that what is wrong with one is known before the other is used.
    for (name, options) in [(FRONT, &front), (SAMPLING, &sampling)] {
        let (file, notes) = collector::written(&settings, options)?;
        for note in notes {
            if !said.contains(&note) {
                crate::say(&format!("note: {name}: {note}"));
                said.push(note);
            }
        }
        files.push((name.to_owned(), file));
    }
    let chosen = tier.map(|tier| if tier == "front" { FRONT } else { SAMPLING });
    files.retain(|(name, _)| chosen.is_none_or(|chosen| chosen == name));
    match out {
        Some(folder) => {
            check_out(Path::new(folder), &files)?;
            files::write_all(Path::new(folder), &files)
        }
        None => Ok(files.remove(0).1.into()),
    }
}

/// A number of traces or spans.
fn count(text: &str) -> Result<u64, String> {
    const MOST: u64 = 1_000_000_000;
    let right = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    right.ok_or_else(|| format!("expected a whole number from 1 to {MOST}"))
}

/// Refuses to write over what this command has not written: settings may be called `sampling.yaml`, too.
fn check_out(folder: &Path, files: &[(String, String)]) -> Result<(), String> {
    if folder.as_os_str().is_empty() {
        return Err("`--out` is empty; expected a directory, such as `.`".to_owned());
    }
    if folder.exists() && !folder.is_dir() {
        return Err(format!("`{}` is a file; expected a directory behind `--out`", folder.display()));
    }
    for (name, _) in files {
        let path = folder.join(name);
        let is_ours = |text: Vec<u8>| String::from_utf8_lossy(&text).contains(WRITTEN);
        if std::fs::read(&path).is_ok_and(|text| !is_ours(text)) {
            let path = path.display();
            return Err(format!(
                "`{path}` is there, and was not written by this command; expected another directory behind `--out`"
            ));
        }
    }
    Ok(())
}
