//! A workspace as a user has it: a library with schemas, programs that use them, and packages that do not fit.

use crate::{cargo, lock, target, toml, workspace, write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const LIBRARY: &str = r#"//! A shop.

/// Where it is sold.
#[derive(Clone, Copy, Debug, otelier::AttributeEnum)]
pub enum Market {
    /// At once.
    Spot,
    /// Later.
    #[attribute(value = "1d")]
    Tomorrow,
}

otelier::attribute_group! {
    /// Who buys.
    pub Customer = "shop.customer" {
        shop.customer.id: string sensitive "The customer's number.";
    }
}

otelier::span_schema! {
    /// One sale.
    pub Sale = "shop.sale" {
        kind = client;
        name = "sell {shop.market}";
        stability = beta;
        include Customer;
        shop.market: Market required "Where it is sold.";
        shop.price: int required unit "{cent}" "What it costs.";
        shop.count: int late "How many there were.";
    }
}

otelier::event_schema! {
    /// A bell rang.
    pub Bell = "shop.bell" { shop.tone: int required "How high."; }
}

#[cfg(feature = "returns")]
otelier::span_schema! {
    /// One return.
    pub Return = "shop.return" { shop.reason: string "Why."; }
}

/// Sells.
#[otelier::trace(Sale, shop.market = market, shop.price = price, late(shop.count), priority = high)]
pub fn sell(market: Market, price: i64) {
    event!(Bell, shop.tone = 440);
    record!(shop.count = 1);
}

/// Asks the stock.
#[otelier::trace(otelier::schema::database::Command, db.system.name = "redis", db.operation.name = "GET")]
pub fn stock() {}
"#;

const GOOD: &str = r#"//! Makes spans as they should be.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otelier::init(otelier::Telemetry::from_env()?)?;
    shop::sell(shop::Market::Spot, 7);
    shop::sell(shop::Market::Tomorrow, 8);
    telemetry.shutdown()?;
    Ok(())
}
"#;

const BAD: &str = r#"//! Makes a span that breaks its schema, by hand.

use otelier::schema::Kind;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otelier::init(otelier::Telemetry::from_env()?)?;
    for _ in 0..2 {
        let span = otelier::Span::builder("sell spot").kind(Kind::Client).attribute("shop.market", "spot");
        let span = span.attribute("shop.count", "three").attribute("shop.colour", "red").start();
        span.add_event("shop.bell", []);
    }
    telemetry.shutdown()?;
    if std::env::args().nth(1).is_some() {
        std::process::exit(3);
    }
    Ok(())
}
"#;

const HOSTILE: &str = r#"//! Sends what is no telemetry.

use std::io::{Read, Write};
use std::net::TcpStream;

fn send(address: &str, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the receiver listens");
    stream.write_all(format!("POST {head}\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).expect("a head");
    // What is refused at once is not read.
    let _ = stream.write_all(body);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.lines().next().unwrap_or_default().to_owned()
}

fn main() {
    let endpoint = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").expect("there is an endpoint");
    let address = endpoint.strip_prefix("http://").expect("HTTP").to_owned();
    let protobuf = "/v1/traces HTTP/1.1\r\ncontent-type: application/x-protobuf\r\ncontent-length:";
    println!("{}", send(&address, &format!("{protobuf} 3"), b"\xff\xff\xff"));
    println!("{}", send(&address, &format!("{protobuf} 99999999999"), b""));
    println!("{}", send(&address, &format!("{protobuf} 3\r\ncontent-encoding: gzip"), b"\x1f\x8b\x08"));
    println!("{}", send(&address, "/v1/traces HTTP/1.1\r\ncontent-type: text/plain\r\ncontent-length: 2", b"hi"));
    println!("{}", send(&address, "/v1/traces HTTP/1.1\r\ncontent-length: 0", b""));
    println!("{}", send(&address, "/elsewhere HTTP/1.1\r\ncontent-length: 0", b""));
    let json = "/v1/traces HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 4";
    println!("{}", send(&address, json, b"null"));
    println!("{}", send(&address, "garbage", b"\0\0"));
    let chunked = "/v1/traces HTTP/1.1\r\ncontent-type: application/x-protobuf\r\ntransfer-encoding: chunked";
    let mut body = Vec::new();
    for _ in 0..65 {
        body.extend_from_slice(b"100000\r\n");
        body.resize(body.len() + (1 << 20), 7);
        body.extend_from_slice(b"\r\n");
    }
    println!("{}", send(&address, chunked, &body));
    // Left open, with a body that never comes.
    let mut open = TcpStream::connect(&address).expect("the receiver listens");
    open.write_all(format!("POST {protobuf} 9\r\n\r\n").as_bytes()).expect("a head");
}
"#;

/// The workspace, written and with its programs built.
pub(crate) static SHOP: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shop");
    let otelier = format!("otelier = {{ path = {} }}", toml(&workspace().join("runtime")));
    let manifest = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"1.2.0\"\nedition = \"2024\"\npublish = false\n\n{rest}")
    };
    let shop = manifest("shop", &format!("[features]\nreturns = []\n\n[dependencies]\n{otelier}\n"));
    let till = manifest("till", &format!("[dependencies]\n{otelier}\n"));
    let store = manifest("store", &format!("[dev-dependencies]\n{otelier}\n"));
    write(
        &folder,
        &[
            ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"shop\", \"store\", \"till\"]\n"),
            ("shop/Cargo.toml", &shop),
            ("shop/src/lib.rs", LIBRARY),
            ("shop/src/bin/shop-good.rs", GOOD),
            ("shop/src/bin/shop-bad.rs", BAD),
            ("shop/src/bin/shop-hostile.rs", HOSTILE),
            ("till/Cargo.toml", &till),
            ("till/src/main.rs", "//! A till.\n\nfn main() {}\n"),
            ("store/Cargo.toml", &store),
            ("store/src/lib.rs", "//! A store.\n"),
        ],
    );
    lock(&folder);
    let built = cargo(&folder).args(["build", "--quiet", "--bins"]).status().expect("cargo runs");
    assert!(built.success());
    folder
});

/// The path of the manifest that commands are told.
pub(crate) fn manifest() -> String {
    SHOP.join("Cargo.toml").display().to_string()
}

/// The path of a program of the workspace.
pub(crate) fn program(name: &str) -> String {
    let path = target().join("debug").join(format!("shop-{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(SHOP.is_dir());
    path.display().to_string()
}

/// The folder with the registry of the library, exported.
pub(crate) static REGISTRY: LazyLock<String> = LazyLock::new(|| {
    let folder = crate::folder("shop-registry").display().to_string();
    let manifest = manifest();
    let arguments = ["schema", "export", "--package", "shop", "--manifest-path", &manifest, "--out", &folder];
    crate::printed(&arguments, 0);
    folder
});
