//! The shop's service.

use clap::Parser;
use retail::shop::{Shop, routes};
use retail::store::Store;
use retail::{LOOPBACK, PORT, USAGE, jobs, telemetry, wire};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

/// A shop on this machine: GET /products, POST /orders, GET /orders/{id}, POST /reports.
#[derive(Debug, Parser)]
struct Args {
    /// The port to listen at on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// The file of the database; made if there is none.
    #[arg(long, default_value = "out/retail.db")]
    database: PathBuf,
    /// How long it takes to pack an order, in milliseconds.
    #[arg(long, default_value_t = 20)]
    pack_ms: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(serve(&args)));
    match served {
        // So that whoever sent the signal sees that it was heard.
        Ok(signal) => signal.die(),
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(USAGE)
        }
    }
}

/// Serves until a signal asks it to end; then nothing that was accepted is lost.
async fn serve(args: &Args) -> Result<otelier::signals::Signal, String> {
    let telemetry = telemetry::start("shop")?;
    let asked_to_end = otelier::signals::received().map_err(|error| error.to_string())?;
    let store = open(&args.database)?;
    let (queue, worker) = jobs::start(store.clone(), Duration::from_millis(args.pack_ms));
    let shop = Shop { store, queue, database: args.database.clone(), report: beside("report") };
    let listener = TcpListener::bind((LOOPBACK, args.port)).await.map_err(|error| format!("--port: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("shop: http://{address}, Ctrl-C ends it");

    let (end, ended) = tokio::sync::oneshot::channel();
    let server =
        axum::serve(listener, wire::layers(routes(shop))).with_graceful_shutdown(async move { drop(ended.await) });
    let server = tokio::spawn(server.into_future());
    let signal = asked_to_end.await;
    println!("shop: {signal}, ending");
    // In the order in which work goes through: requests, jobs, spans. A second signal ends it at once.
    let _ = end.send(());
    let in_time = async {
        let _ = server.await;
        let _ = worker.await;
    };
    if tokio::time::timeout(Duration::from_secs(5), in_time).await.is_err() {
        eprintln!("shop: some work did not end in time");
    }
    telemetry::finish(telemetry);
    Ok(signal)
}

fn open(database: &Path) -> Result<Store, String> {
    if let Some(directory) = database.parent() {
        std::fs::create_dir_all(directory).map_err(|error| format!("--database: {error}"))?;
    }
    Store::open(database).map_err(|error| match std::error::Error::source(&error) {
        Some(source) => format!("--database: {source}"),
        None => format!("--database: {error}"),
    })
}

/// A program in the directory of this one.
fn beside(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
