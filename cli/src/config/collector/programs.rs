//! What the settings of programs become when they send to the Collector.

use super::plan::Plan;
use super::{Options, Signal, bracketed};
use otelier::config::{Settings, Variables};

/// Variables that say where and how OTLP goes, which is for the Collector to know now.
const OF_RECEIVERS: [&str; 8] =
    ["ENDPOINT", "PROTOCOL", "HEADERS", "COMPRESSION", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE", "INSECURE"];

/// Lines to put in place of what was there, and variables to leave out.
pub(super) fn lines(settings: &Settings, options: &Options, plan: &Plan) -> Vec<String> {
    let host = match options.listen.parse::<std::net::IpAddr>() {
        Ok(ip) if ip.is_unspecified() => "HOST_OF_THE_COLLECTOR".to_owned(),
        _ => bracketed(&options.listen),
    };
    match settings.file {
        Some(_) => file(options, plan, &host),
        None => variables(options, plan, &host),
    }
}

fn port(options: &Options, plan: &Plan) -> u16 {
    if plan.uses_grpc { options.grpc_port } else { options.http_port.unwrap_or(options.grpc_port) }
}

/// Variables, as a shell takes them.
fn variables(options: &Options, plan: &Plan, host: &str) -> Vec<String> {
    let mut lines = vec!["Variables of the programs:".to_owned()];
    for signal in Signal::ALL {
        let sent = plan.signals.contains(&signal).then_some("otlp");
        let printed = plan.consoles.contains(&signal).then_some("console");
        let all: Vec<&str> = sent.into_iter().chain(printed).collect();
        if !all.is_empty() {
            lines.push(format!("  OTEL_{}_EXPORTER={}", signal.name().to_ascii_uppercase(), all.join(",")));
        }
    }
    lines.push(format!("  OTEL_EXPORTER_OTLP_ENDPOINT=http://{host}:{}", port(options, plan)));
    let protocol = if plan.uses_grpc { "grpc" } else { "http/protobuf" };
    lines.push(format!("  OTEL_EXPORTER_OTLP_PROTOCOL={protocol}"));
    if plan.moves_head {
        lines.push("  OTEL_TRACES_SAMPLER=parentbased_always_on".to_owned());
    }
    let present = Variables::of_the_process();
    let signals = ["", "TRACES_", "METRICS_", "LOGS_"];
    let all = signals.iter().flat_map(|signal| OF_RECEIVERS.map(|key| format!("OTEL_EXPORTER_OTLP_{signal}{key}")));
    let said = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    let sampler = plan.moves_head.then(|| "OTEL_TRACES_SAMPLER_ARG".to_owned());
    let gone = all.filter(|name| !said.contains(&name.as_str())).chain(sampler);
    let gone: Vec<String> = gone.filter(|name| present.get(name).is_some()).collect();
    if !gone.is_empty() {
        lines.push(format!("and these are set no longer: {}", gone.join(", ")));
    }
    lines
}

/// The parts of a file that change.
fn file(options: &Options, plan: &Plan, host: &str) -> Vec<String> {
    let mut lines = vec!["In the file of the programs, in place of the exporters that are below:".to_owned()];
    let url = |signal: Signal| match plan.uses_grpc {
        true => format!("otlp_grpc: {{endpoint: \"http://{host}:{}\"}}", options.grpc_port),
        false => format!("otlp_http: {{endpoint: \"http://{host}:{}/v1/{}\"}}", port(options, plan), signal.name()),
    };
    for signal in Signal::ALL.into_iter().filter(|signal| plan.signals.contains(signal)) {
        let (provider, list, kind) = match signal {
            Signal::Traces => ("tracer_provider", "processors", "batch"),
            Signal::Logs => ("logger_provider", "processors", "batch"),
            Signal::Metrics => ("meter_provider", "readers", "periodic"),
        };
        lines.push(format!("  {provider}:"));
        let console = if plan.consoles.contains(&signal) {
            format!(", {{{kind}: {{exporter: {{console: }}}}}}")
        } else {
            String::new()
        };
        lines.push(format!("    {list}: [{{{kind}: {{exporter: {{{}}}}}}}{console}]", url(signal)));
        if signal == Signal::Traces && plan.moves_head {
            lines.push("    sampler: {parent_based: {root: {always_on: }}}".to_owned());
        }
    }
    if plan.moves_tail {
        lines.push("and without `distribution.otelier.tail_sampling`, if it is there.".to_owned());
    }
    lines
}
