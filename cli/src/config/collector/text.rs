//! The file: what to know about it first, and then its sections.

use super::plan::Plan;
use super::yaml::{Yaml, printable};
use super::{Options, RELEASE, Role, bracketed, programs};
use otelier::config::{Exporter, LogExporter, MetricExporter, Otlp, Settings};
use std::fmt::Write;

/// How long a line of the comment is at most.
const WIDTH: usize = 110;

pub(super) fn file(settings: &Settings, options: &Options, plan: &Plan) -> String {
    let mut out = String::new();
    head(settings, options, plan, &mut out);
    for (name, entries) in sections(settings, options, plan) {
        if let Yaml::Map(entries) = &entries
            && entries.is_empty()
        {
            continue;
        }
        out.push('\n');
        Yaml::map([(name, entries)]).write(&mut out, 0);
    }
    out
}

fn head(settings: &Settings, options: &Options, plan: &Plan, out: &mut String) {
    let source = settings.file.as_deref().map_or_else(|| "the environment".to_owned(), |file| format!("`{file}`"));
    let (what, command) = match options.role {
        Role::Alone => (
            format!("An OpenTelemetry Collector that sends what programs with the settings of {source} sent."),
            "config collector",
        ),
        Role::Front(_) => (
            format!(
                "The first of two tiers of OpenTelemetry Collectors: it takes what programs with the settings of {source} sent, \
                 and leads all spans of a trace to the same Collector of the second tier."
            ),
            "generate collector",
        ),
        Role::Sampling(_) => (
            format!(
                "The second of two tiers of OpenTelemetry Collectors: it decides which traces are kept, as the rules of {source} do \
                 in programs, and sends them on."
            ),
            "generate collector",
        ),
    };
    comment(out, "", &what);
    comment(out, "", &format!("Written by `otelier {command}`."));
    out.push_str("#\n");
    let (binary, needed) = match plan.contrib.is_empty() {
        true => ("otelcol", ", in the distribution core or contrib".to_owned()),
        false => {
            let names: Vec<String> = plan.contrib.iter().map(|name| format!("`{name}`")).collect();
            ("otelcol-contrib", format!(", in the distribution contrib, for {}", names.join(", ")))
        }
    };
    comment(
        out,
        "",
        &format!("It needs the Collector {} or later{needed}. Its keys are those of {RELEASE}.", plan.first_release),
    );
    comment(out, "", &format!("To see whether it can be used: {binary} validate --config=FILE"));
    let mut secrets = plan.secrets.described().peekable();
    if secrets.peek().is_some() {
        out.push_str("#\n");
        let set = "Its environment needs these, each as it is sent: nothing percent-encoded, and `$` written as `$$`.";
        comment(out, "", set);
        for (variable, what) in secrets {
            comment(out, "  ", &format!("{variable}: {what}"));
        }
    }
    out.push_str("#\n");
    match options.role {
        Role::Sampling(_) => {
            comment(out, "", "The first tier sends to it, and nothing else should: it needs whole traces.")
        }
        _ => {
            for line in programs::lines(settings, options, plan) {
                // As they are, so that they can be copied.
                let _ = writeln!(out, "# {}", printable(&line));
            }
            out.push_str("#\n");
            let theirs =
                "What programs do before they send stays theirs: resource, propagators, limits, views, batches.";
            comment(out, "", theirs);
        }
    }
    if !plan.notes.is_empty() {
        comment(out, "", "What differs here, and what a Collector has no place for:");
        let mut said: Vec<&str> = Vec::new();
        for note in &plan.notes {
            if !said.contains(&note.as_str()) {
                comment(out, "- ", note);
                said.push(note);
            }
        }
    }
}

/// Lines of a comment; what follows a mark stands below its text.
fn comment(out: &mut String, mark: &str, text: &str) {
    let text = printable(text);
    let mut line = format!("# {mark}");
    let start = line.len();
    for word in text.split(' ') {
        let is_full = line.len() > start && line.len() + 1 + word.len() > WIDTH;
        if is_full {
            out.push_str(line.trim_end());
            out.push('\n');
            line = format!("#{:1$}", "", start - 1);
        } else if line.len() > start {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

fn sections(settings: &Settings, options: &Options, plan: &Plan) -> Vec<(&'static str, Yaml)> {
    let host = bracketed(&options.listen);
    let largest = largest_request(settings);
    let size = ("max_recv_msg_size_mib", Yaml::Integer(largest.div_ceil(1 << 20).clamp(4, 1 << 20)));
    let grpc = [("endpoint", Yaml::text(format!("{host}:{}", options.grpc_port))), size.clone()];
    let mut protocols = vec![("grpc", Yaml::map(grpc))];
    if let Some(port) = options.http_port {
        let http = [
            ("endpoint", Yaml::text(format!("{host}:{port}"))),
            ("max_request_body_size", Yaml::Integer(largest.clamp(20 << 20, 1 << 40))),
        ];
        protocols.push(("http", Yaml::map(http)));
    }
    let mut receivers = vec![("otlp".to_owned(), Yaml::map([("protocols", Yaml::map(protocols))]))];
    for (name, port) in &plan.hops {
        let grpc = [("endpoint", Yaml::text(format!("localhost:{port}"))), size.clone()];
        let protocols = Yaml::map([("grpc", Yaml::map(grpc))]);
        receivers.push((name.clone(), Yaml::map([("protocols", protocols)])));
    }
    let names = plan.extensions.iter().map(|(name, _)| name.as_str());
    // Its own numbers, for whoever asks on this machine.
    let prometheus =
        Yaml::map([("host", Yaml::text("localhost")), ("port", Yaml::Integer(u64::from(options.role.metrics_port())))]);
    let exporter = Yaml::map([("exporter", Yaml::map([("prometheus", prometheus)]))]);
    let metrics = [("level", Yaml::text("normal")), ("readers", Yaml::List(vec![Yaml::map([("pull", exporter)])]))];
    let logs = Yaml::map([("level", Yaml::text("info"))]);
    let telemetry = Yaml::map([("logs", logs), ("metrics", Yaml::map(metrics))]);
    let service = [
        ("extensions", Yaml::texts(names)),
        ("telemetry", telemetry),
        ("pipelines", Yaml::Map(plan.pipelines.clone())),
    ];
    vec![
        ("extensions", Yaml::Map(plan.extensions.clone())),
        ("receivers", Yaml::Map(receivers)),
        ("processors", Yaml::Map(plan.processors.clone())),
        ("exporters", Yaml::Map(plan.exporters.clone())),
        ("connectors", Yaml::Map(plan.connectors.clone())),
        ("service", Yaml::map(service)),
    ]
}

/// The largest request that programs may send: what fits into their own limit must fit here.
fn largest_request(settings: &Settings) -> u64 {
    fn of_spans(exporter: &Exporter) -> Vec<&Otlp> {
        match exporter {
            Exporter::Otlp(otlp) => vec![otlp],
            Exporter::Failover(failover) => failover.exporters.iter().collect(),
            Exporter::Batched(exporter, _) => of_spans(exporter),
            _ => Vec::new(),
        }
    }
    fn of_logs(exporter: &LogExporter) -> Vec<&Otlp> {
        match exporter {
            LogExporter::Otlp(otlp) => vec![otlp],
            LogExporter::Failover(failover) => failover.exporters.iter().collect(),
            LogExporter::Batched(exporter, _) => of_logs(exporter),
            _ => Vec::new(),
        }
    }
    let telemetry = &settings.telemetry;
    let spans = telemetry.exporters.iter().flat_map(of_spans);
    let logs = telemetry.log_exporters.iter().flatten().flat_map(of_logs);
    let metrics = telemetry.metrics.readers.iter().flat_map(|reader| match &reader.exporter {
        MetricExporter::Otlp(otlp) => vec![otlp],
        MetricExporter::Failover(failover) => failover.exporters.iter().collect(),
        _ => Vec::new(),
    });
    let sizes = spans.chain(logs).chain(metrics).map(|otlp| otlp.max_request_size).filter(|size| *size > 0);
    // Without a limit of their own, or without OTLP, the limit that is usual.
    sizes.max().unwrap_or_else(|| Otlp::default().max_request_size) as u64
}
