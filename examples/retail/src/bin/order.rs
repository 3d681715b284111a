//! A customer of the shop.

use clap::Parser;
use http::Method;
use otelier::CorrelationContext;
use otelier::prelude::*;
use retail::api::{NewOrder, Order, Product, Refusal, Report};
use retail::{PORT, USAGE, telemetry, wire};
use serde::de::DeserializeOwned;
use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

/// Buys something from the shop, and waits until it is packed. Without a product it shows what there is.
#[derive(Debug, Parser)]
struct Args {
    /// Which product.
    sku: Option<String>,
    /// How many.
    #[arg(default_value_t = 1)]
    quantity: i64,
    /// Where the shop is.
    #[arg(long, default_value_t = format!("http://127.0.0.1:{PORT}"))]
    shop: String,
    /// Shows what has been sold, afterwards.
    #[arg(long)]
    report: bool,
}

/// Why there is nothing to show.
#[derive(Debug, ErrorClass)]
enum Failure {
    /// The shop says no.
    #[error_class(type = error, kind = validation)]
    Refused { error: String, message: String },
    /// The shop is not there.
    #[error_class(kind = network, retryable)]
    NoAnswer(#[source] reqwest::Error),
    /// What it says makes no sense.
    #[error_class(kind = data)]
    NotUnderstood { status: u16 },
    /// The order was not packed in time.
    #[error_class(kind = timeout)]
    NotPacked,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { message, .. } => f.write_str(message),
            Self::NoAnswer(_) => f.write_str("the shop does not answer"),
            Self::NotUnderstood { status } => write!(f, "the shop's answer {status} cannot be understood"),
            Self::NotPacked => f.write_str("the order is still not packed"),
        }
    }
}

/// How often, and how many times, a customer looks whether the order is packed.
const PATIENCE: (Duration, u32) = (Duration::from_millis(50), 100);

fn main() -> ExitCode {
    let args = Args::parse();
    let started = telemetry::start("customer").and_then(|telemetry| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok((telemetry, runtime.map_err(|error| error.to_string())?))
    });
    let (telemetry, runtime) = match started {
        Ok(started) => started,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(USAGE);
        }
    };
    // What all programs do for this visit has one id: on every span, and in every answer of the shop.
    let correlation = CorrelationContext::new();
    let visited = runtime.block_on(correlation.in_future(visit(&args)));
    telemetry::finish(telemetry);
    match visited {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All that one customer does: the root of the trace, unless the environment names a parent.
#[trace(parent = otelier::process::parent(), app.product.sku = args.sku.clone())]
async fn visit(args: &Args) -> Result<String, Failure> {
    let shop = Client { http: wire::client(), shop: args.shop.trim_end_matches('/') };
    let mut told = match &args.sku {
        Some(sku) => buy(&shop, NewOrder { sku: sku.clone(), quantity: args.quantity }).await?,
        None => {
            let products: Vec<Product> = shop.get("/products").await?;
            let lines = products.iter().map(|product| {
                let Product { sku, name, price, stock } = product;
                format!("{sku:<16} {name:<20} {:>8} {stock:>4} left", money(*price))
            });
            lines.collect::<Vec<_>>().join("\n")
        }
    };
    if args.report {
        let Report { orders, packed, revenue } = shop.post("/reports", Vec::new()).await?;
        told.push_str(&format!("\nsold: {orders} orders, {packed} packed, {}", money(revenue)));
    }
    Ok(told)
}

/// Orders, and waits until the order is packed.
#[trace(app.order.quantity = wanted.quantity, late(app.order.id))]
async fn buy(shop: &Client<'_>, wanted: NewOrder) -> Result<String, Failure> {
    let body = serde_json::json!(wanted).to_string().into_bytes();
    let Order { id, sku, quantity, total, .. } = shop.post("/orders", body).await?;
    record!(app.order.id = id);
    let (pause, times) = PATIENCE;
    for _ in 0..times {
        tokio::time::sleep(pause).await;
        let order: Order = shop.get(&format!("/orders/{id}")).await?;
        if order.state == "packed" {
            return Ok(format!("order {id}: {quantity} x {sku}, {}, packed", money(total)));
        }
    }
    Err(Failure::NotPacked)
}

/// Talks to the shop.
struct Client<'a> {
    http: wire::Client,
    shop: &'a str,
}

impl Client<'_> {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(self.http.request(Method::GET, format!("{}{path}", self.shop))).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: Vec<u8>) -> Result<T, Failure> {
        let request = self.http.request(Method::POST, format!("{}{path}", self.shop));
        self.send(request.header("content-type", "application/json").body(body)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Failure> {
        let (status, body) = self.http.send(request).await.map_err(Failure::NoAnswer)?;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(|_| Failure::NotUnderstood { status });
        }
        match serde_json::from_slice(&body) {
            Ok(Refusal { error, message }) => Err(Failure::Refused { error, message }),
            Err(_) => Err(Failure::NotUnderstood { status }),
        }
    }
}

/// An amount as people write it.
fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
