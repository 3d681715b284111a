//! A shop that keeps what matters: every error, slow request and important customer, and a twentieth of the rest.
//!
//! ```sh
//! cargo run -p quickstart --bin sampling                                                # rules in code
//! cargo run -p quickstart --bin sampling -- --rules examples/quickstart/sampling.yaml   # the same in a file
//! cargo run -p quickstart --bin sampling -- --spans spans.jsonl                         # everything, to try rules on
//! ```

use otelier::config::{
    Composable, Exporter, Keep, OtlpFile, Rule, Sampler, Settings, TailRule, TailSampling, Variables,
};
use otelier::export::MemoryExporter;
use otelier::opentelemetry_sdk::trace::SpanData;
use otelier::prelude::*;
use otelier::{Guard, Pipeline, Priority};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

const REQUESTS: u64 = 2000;

/// A request as the gateway in front of the shop passes it on. It has begun the trace, and sampled it.
struct Request {
    number: u64,
    traceparent: String,
    path: &'static str,
    tier: &'static str,
    value: f64,
    /// For how long the bank takes its time.
    bank: Duration,
    out_of_stock: bool,
}

impl Request {
    /// The same in every run, its trace id too, so that what is kept can be compared.
    fn new(number: u64) -> Self {
        let (high, low) = (mixed(2 * number), mixed(2 * number + 1));
        Self {
            number,
            traceparent: format!("00-{high:016x}{low:016x}-{:016x}-03", number + 1),
            path: if number % 10 == 7 { "/health" } else { "/orders" },
            tier: match number {
                number if number % 1000 == 501 => "enterprise",
                number if number % 20 == 4 => "premium",
                _ => "basic",
            },
            value: if number % 400 == 222 { 2500.0 } else { (number % 50) as f64 },
            bank: Duration::from_millis(if number % 200 == 50 { 400 } else { 20 }),
            out_of_stock: number % 100 == 13,
        }
    }
}

/// Numbers that look random (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[trace(name = "request", kind = server, parent = request.traceparent, url.path = request.path,
        user.id = format!("u{}", request.number), business.customer.tier = request.tier, business.value = request.value)]
fn handle(request: &Request) -> Result<(), &'static str> {
    if request.path == "/health" {
        return Ok(());
    }
    let out_of_stock = request.out_of_stock;
    // Some work is done on another thread; the trace is decided as a whole all the same.
    match request.number % 4 {
        1 => otelier::spawn_thread(move || reserve(out_of_stock)).join().expect("it does not panic")?,
        _ => reserve(out_of_stock)?,
    }
    pay(request.bank);
    Ok(())
}

#[trace]
fn reserve(out_of_stock: bool) -> Result<(), &'static str> {
    if out_of_stock { Err("out of stock") } else { Ok(()) }
}

/// The bank says itself when it began and ended, so nobody has to wait for it here.
fn pay(took: Duration) {
    let end = SystemTime::now();
    otelier::Span::builder("pay").start_time(end - took).start().end_at(end);
}

/// Recorded whatever the sampler says; with tail sampling a rule has to want it, too: one that asks for its priority.
#[trace(sample = always, priority = high)]
fn close_the_till() {}

/// Never recorded.
#[trace(sample = never)]
fn look_for_news() {}

/// The rules of `sampling.yaml`, in code.
fn rules() -> Telemetry {
    let sampler = Composable::RuleBased(vec![
        Rule::new(Composable::AlwaysOff).named("health checks").attribute_like("url.path", ["/health*"]),
        Rule::new(Composable::AlwaysOn).named("everything else"),
    ]);
    let tail = TailSampling::new(0.05)
        .with_rule(TailRule::new("errors", Keep::Always).failed())
        .with_rule(TailRule::new("slow", Keep::Always).slower_than(Duration::from_millis(250)))
        .with_rule(TailRule::new("critical customers", Keep::Always).tiers(["enterprise"]))
        .with_rule(TailRule::new("large orders", Keep::Always).value_at_least(1000.0))
        .with_rule(TailRule::new("important work", Keep::Always).priority(Priority::High))
        .with_rule(TailRule::new("good customers", Keep::Ratio(0.5)).tiers(["premium"]));
    Telemetry::default().with_sampler(Sampler::Composite(sampler)).with_tail_sampling(tail)
}

/// Sampler, tail sampling and level of a file, and nothing else of it.
fn rules_in(path: &str) -> Result<Telemetry, Box<dyn Error>> {
    let file = Settings::from_file(path, &Variables::of_the_process())?.telemetry;
    let settings = Telemetry::default().with_sampler(file.sampler).with_log_level(file.log_level);
    Ok(match file.tail_sampling {
        Some(tail) => settings.with_tail_sampling(tail),
        None => settings,
    })
}

/// The queue has room for a whole day, because that does not take a second here.
fn shop(settings: Telemetry) -> Pipeline {
    Pipeline::new(settings.with_service_name("shop").with_max_queue_size(1 << 16))
}

fn a_day_of(shop: Pipeline) -> Result<Guard, Box<dyn Error>> {
    let telemetry = shop.start()?;
    for request in (0..REQUESTS).map(Request::new) {
        // Who asked is told; nobody else need know.
        let _ = handle(&request);
    }
    (0..5).for_each(|_| look_for_news());
    close_the_till();
    telemetry.force_flush(Duration::from_secs(30))?;
    Ok(telemetry)
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => keep(rules()),
        ["--rules", path] => rules_in(path).and_then(keep),
        ["--spans", path] => record(path),
        _ => {
            eprintln!("error: expected no argument, `--rules FILE` or `--spans FILE`");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Records everything that annotations do not forbid, for `otelier sampling simulate`.
fn record(path: &str) -> Result<String, Box<dyn Error>> {
    let settings = Telemetry::default().with_sampler(Sampler::AlwaysOn);
    let telemetry = a_day_of(shop(settings.with_exporter(Exporter::OtlpFile(OtlpFile::to(path)))))?;
    let stats = telemetry.shutdown()?;
    Ok(format!("{} spans in {path}\n", stats.started))
}

fn keep(settings: Telemetry) -> Result<String, Box<dyn Error>> {
    let memory = MemoryExporter::new(1 << 20);
    let telemetry = a_day_of(shop(settings).with_span_exporter(memory.clone()))?;
    let mut text = String::new();
    if let Some(counts) = telemetry.sampling_counts() {
        let (by_rule, by_hint) = (counts.by_rule.iter().sum::<u64>(), counts.by_hint);
        writeln!(text, "where traces begin: {} kept, {by_rule} refused by rules, {by_hint} by hints", counts.kept)?;
    }
    if let Some(counts) = telemetry.tail_counts() {
        writeln!(text, "where they are over: {} kept, {} dropped", counts.kept, counts.dropped)?;
        for rule in counts.by_rule {
            writeln!(text, "   {:<20} {:>5} kept  {:>5} dropped", rule.name, rule.kept, rule.dropped)?;
        }
    }
    let stats = telemetry.shutdown()?;
    writeln!(text, "{} spans begun, {} exported", stats.started, memory.spans().len())?;
    text.push_str(&reasons(&memory.spans()));
    Ok(text)
}

/// What the spans say with which traces entered the process.
fn reasons(spans: &[SpanData]) -> String {
    let mut reasons = BTreeMap::<String, u64>::new();
    for span in spans {
        let why = span.attributes.iter().filter_map(|attribute| {
            let key = attribute.key.as_str().strip_prefix("otelier.sampler.")?;
            Some(format!("{key}={}", attribute.value))
        });
        let why = why.collect::<Vec<_>>().join(" ");
        if !why.is_empty() {
            *reasons.entry(why).or_default() += 1;
        }
    }
    reasons.iter().map(|(why, count)| format!("{count:>5} × {why}\n")).collect()
}
