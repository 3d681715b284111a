//! The service that the validation suite of W3C Trace Context asks to call back: it does so in the trace that it was asked
//! in, by the layer and the client that every service here has.
//!
//! ```sh
//! cargo run -p retail --bin trace_context -- --port 5000
//! # In a checkout of https://github.com/w3c/trace-context, folder test:
//! SPEC_LEVEL=2 STRICT_LEVEL=2 HARNESS_HOST=127.0.0.1 python3 test.py http://127.0.0.1:5000/test
//! ```

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use clap::Parser;
use otelier::Telemetry;
use otelier::http::ServerLayer;
use otelier::http::reqwest::SendTraced;
use retail::{LOOPBACK, USAGE};
use serde::Deserialize;
use serde_json::Value;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Calls back whoever asks, at POST /test.
#[derive(Debug, Parser)]
struct Args {
    /// The port to listen at on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Whom to call, and with what.
#[derive(Debug, Deserialize)]
struct Call {
    url: String,
    arguments: Value,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(serve(args.port))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(USAGE)
        }
    }
}

async fn serve(port: u16) -> Result<(), String> {
    // Nobody has to see the spans; the headers count.
    let _telemetry = otelier::init(Telemetry::default()).map_err(|error| error.to_string())?;
    let listener = TcpListener::bind((LOOPBACK, port)).await.map_err(|error| format!("--port: {error}"))?;
    println!("http://{}/test", listener.local_addr().map_err(|error| error.to_string())?);
    let routes = Router::new().route("/test", post(call_back)).layer(ServerLayer::new());
    axum::serve(listener, routes).await.map_err(|error| error.to_string())
}

async fn call_back(Json(calls): Json<Vec<Call>>) -> StatusCode {
    let client = reqwest::Client::new();
    for call in calls {
        let request = client.post(call.url).header("content-type", "application/json");
        if let Err(error) = request.body(call.arguments.to_string()).send_traced().await {
            otelier::current_span().record_error(&error);
            return StatusCode::BAD_GATEWAY;
        }
    }
    StatusCode::OK
}
