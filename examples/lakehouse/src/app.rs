//! From the command line to the exit code.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use otelier::ConfigError;
use otelier::export::console::TextStyle;
use tokio::time::Instant;

use crate::args::Args;
use crate::client::Client;
use crate::exchange::{Exchange, Settings};
use crate::lake::Lake;
use crate::pipeline::{self, Job, Outcome, WorkflowError};
use crate::report::{self, Report};
use crate::source::{self, Market, Origin};
use crate::telemetry::Telemetry;

/// Exit code of a command line, settings or recordings that cannot be used.
const USAGE: u8 = 2;
/// Symbols that are archived unless others are asked for, if the data is generated.
const DEFAULT_SYMBOLS: [&str; 3] = ["BTCUSDT", "ETHUSDT", "BNBUSDT"];
/// Warnings about damaged recordings that are printed one by one.
const WARNINGS_SHOWN: usize = 5;

/// Runs the program.
pub fn main(args: &Args) -> ExitCode {
    let finished = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))
        .and_then(|runtime| runtime.block_on(run(args)));
    finished.unwrap_or_else(|problem| {
        eprintln!("error: {problem}");
        ExitCode::from(USAGE)
    })
}

/// Prepares, runs the workflow, and reports.
///
/// # Errors
///
/// One sentence if the run cannot begin.
async fn run(args: &Args) -> Result<ExitCode, String> {
    let began = std::time::Instant::now();
    let market = Arc::new(market(args)?);
    // Before anything else begins: settings that cannot be used end the program as a wrong command line does.
    let telemetry = Telemetry::start().map_err(|error| all_problems(&error))?;
    let lake = Lake::open(&out_dir(args)).map_err(|error| format!("--out: {error}"))?;
    if let Some(file) = &args.html {
        report::check_writable(file)?;
    }
    let exchange = start_exchange(args, &market).await?;
    let job = Arc::new(job(args, &market, &exchange, lake)?);
    say(&report::heading(&market, &exchange, &job, args.rate_limit.unwrap_or(market.weight_limit)));

    let workflow_began = std::time::Instant::now();
    let result = pipeline::run(Arc::clone(&job)).await;
    let workflow_took = workflow_began.elapsed();
    drop(exchange);

    let traced = telemetry.finish();
    let report = Report { traced: &traced, result: &result, job: &job, took: workflow_took, style: style(args) };
    say(&report.text());
    let mut code = exit_code(&result);
    if let Some(file) = &args.html
        && let Err(problem) = report.write_html(file)
    {
        eprintln!("error: {problem}");
        code = 1;
    }
    if let Err(error) = &result {
        eprintln!("error: {error}");
    }
    for sentence in &traced.problems {
        eprintln!("telemetry: {sentence}");
    }
    say(&format!("finished in {}\n", otelier::export::tree::human_duration(began.elapsed())));
    Ok(ExitCode::from(code))
}

/// One line for each, and what stands below it.
fn all_problems(error: &ConfigError) -> String {
    let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    problems.join("\nerror: ")
}

fn market(args: &Args) -> Result<Market, String> {
    let Some(dir) = &args.data else { return Ok(source::generate(args.seed)) };
    let market = source::load(dir).map_err(|error| error.to_string())?;
    if let Origin::Recorded { warnings, .. } = &market.origin {
        for warning in warnings.iter().take(WARNINGS_SHOWN) {
            eprintln!("warning: {warning}");
        }
        if warnings.len() > WARNINGS_SHOWN {
            eprintln!("warning: {} more parts of the recordings are skipped", warnings.len() - WARNINGS_SHOWN);
        }
    }
    Ok(market)
}

async fn start_exchange(args: &Args, market: &Arc<Market>) -> Result<Exchange, String> {
    let settings = Settings {
        port: args.port,
        weight_limit: args.rate_limit.unwrap_or(market.weight_limit),
        fail_rate: args.fail_rate,
        seed: args.seed,
        slow_answer: args.timeout * 2,
    };
    Exchange::start(Arc::clone(market), settings).await.map_err(|error| {
        let port = args.port;
        format!("cannot listen on 127.0.0.1:{port}: {error}; choose another --port, or leave it out for a free one")
    })
}

fn job(args: &Args, market: &Market, exchange: &Exchange, lake: Lake) -> Result<Job, String> {
    let symbols = match (args.distinct_symbols(), &market.origin) {
        (symbols, _) if !symbols.is_empty() => symbols,
        (_, Origin::Generated { .. }) => DEFAULT_SYMBOLS.map(String::from).into(),
        (_, Origin::Recorded { .. }) => market.symbols_with_data(),
    };
    let client = Client::new(exchange.address(), args.timeout).map_err(|error| error.to_string())?;
    let deadline = Instant::now() + args.deadline;
    Ok(Job { id: run_id(), symbols, concurrency: usize::from(args.concurrency), deadline, client, lake })
}

/// Different for every run on a machine.
fn run_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!("{}-{}", since.as_millis(), std::process::id())
}

fn out_dir(args: &Args) -> PathBuf {
    args.out.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("lakehouse-{}", run_id())))
}

fn style(args: &Args) -> TextStyle {
    let style = TextStyle::detect();
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    let color = !args.no_color && !set("NO_COLOR") && (forced || std::io::stdout().is_terminal());
    style.with_color(color)
}

fn exit_code(result: &Result<Outcome, WorkflowError>) -> u8 {
    match result {
        Ok(outcome) if outcome.archived > 0 || outcome.failures.is_empty() => 0,
        _ => 1,
    }
}

/// Prints to standard output. A reader that has seen enough and closed it is no reason to fail.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
