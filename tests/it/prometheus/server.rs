//! How the server behaves.

use super::parsed::{Parsed, ask, get};
use super::{address, free, settings};
use crate::support::turn;
use opentelemetry::{KeyValue, global};
use otelier::Pipeline;
use otelier::config::Prometheus;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn other_paths_and_methods_are_refused() {
    let _turn = turn();
    let telemetry = otelier::init(settings(free())).expect("it starts");
    let address = address(&telemetry);
    assert_eq!(get(&address, "/").status, 200);
    assert_eq!(get(&address, "/metrics?name=x").status, 200);
    assert_eq!(get(&address, "/other").status, 404);
    let posted = ask(&address, "POST /metrics HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(posted.status, 405);
    assert!(posted.head.contains("allow: get, head"), "{}", posted.head);
    let head = ask(&address, "HEAD /metrics HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!((head.status, &*head.body), (200, ""));
    assert!(head.head.contains("content-type: text/plain; version=0.0.4"), "{}", head.head);
    assert_eq!(ask(&address, "nonsense\r\n\r\n").status, 400);
    assert_eq!(get(&address, "/metrics").status, 200, "it serves on");
}

#[test]
fn many_may_ask_at_a_time() {
    let _turn = turn();
    let telemetry = otelier::init(settings(free())).expect("it starts");
    global::meter("shop").u64_counter("orders").build().add(5, &[]);
    let address = address(&telemetry);
    // Does not ask at all.
    let _idle: Vec<_> = (0..10).map(|_| TcpStream::connect(&address).unwrap()).collect();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let found = Parsed::of(&get(&address, "/metrics").body);
                assert_eq!(found.value("orders_total", &[]), Some(5.0));
            });
        }
    });
    assert_eq!(telemetry.health().exporters[0].exports, 20);
}

#[test]
fn a_port_that_is_taken_is_an_error_with_the_address() {
    let _turn = turn();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let settings = settings(Prometheus::default().with_host("127.0.0.1").with_port(taken.port()));
    assert_eq!(Pipeline::new(settings.clone()).check(), Ok(()), "a check binds nothing");
    let error = otelier::init(settings.clone()).expect_err("the port is taken");
    assert!(matches!(&error, otelier::Error::Listen { address, .. } if *address == taken.to_string()), "{error:?}");
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    drop(other);
    let telemetry = otelier::init(settings.clone()).expect("the place and the port are free");
    assert_eq!(address(&telemetry), taken.to_string());
    telemetry.shutdown().expect("in time");
    drop(otelier::init(settings).expect("the port is free again"));
}

#[test]
fn nothing_listens_where_telemetry_is_disabled() {
    let _turn = turn();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let mut settings = settings(Prometheus::default().with_host("127.0.0.1").with_port(port));
    settings.disabled = true;
    drop(otelier::init(settings).expect("nothing is bound"));
}

#[test]
fn a_host_without_an_address_is_an_error() {
    let _turn = turn();
    let error = otelier::init(settings(free().with_host("no-such-host.invalid"))).expect_err("there is no address");
    assert!(error.to_string().contains("no-such-host.invalid:0"), "{error}");
    let error = otelier::init(settings(free().with_host(" "))).expect_err("there is no host");
    assert!(matches!(error, otelier::Error::Config(_)), "{error}");
}

#[test]
fn localhost_is_served_at_every_address_it_has() {
    let _turn = turn();
    let telemetry = otelier::init(settings(free().with_host("localhost"))).expect("it starts");
    let port: u16 = address(&telemetry).rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(get(&format!("localhost:{port}"), "/metrics").status, 200);
    assert_eq!(get(&format!("127.0.0.1:{port}"), "/metrics").status, 200);
}

#[test]
fn open_connections_do_not_hold_a_shutdown_up() {
    let _turn = turn();
    let telemetry = otelier::init(settings(free())).expect("it starts");
    let counter = global::meter("shop").u64_counter("orders").build();
    // More than fits on its way to somebody who does not read.
    let long = "x".repeat(10_000);
    (0..1000).for_each(|number| counter.add(1, &[KeyValue::new("id", number), KeyValue::new("text", long.clone())]));
    let address = address(&telemetry);
    let _idle = TcpStream::connect(&address).unwrap();
    let mut half = TcpStream::connect(&address).unwrap();
    half.write_all(b"GET /metrics HTTP/1.1\r\nho").unwrap();
    let mut slow = TcpStream::connect(&address).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    let begun = Instant::now();
    while telemetry.health().exporters[0].exports == 0 {
        assert!(begun.elapsed() < LONG, "the question arrives");
        thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    telemetry.shutdown().expect("in time");
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
    assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");
}

#[test]
fn a_callback_that_hangs_or_panics_holds_no_shutdown_up() {
    let _turn = turn();
    let telemetry = otelier::init(settings(free())).expect("it starts");
    let (release, released) = mpsc::channel::<()>();
    let (entered, is_entered) = mpsc::channel();
    let released = std::sync::Mutex::new(released);
    let meter = global::meter("shop");
    meter.u64_observable_gauge("panics").with_callback(|_| panic!("a callback's own panic")).build();
    meter.u64_gauge("fine").build().record(1, &[]);
    let address = address(&telemetry);
    assert_eq!(Parsed::of(&get(&address, "/metrics").body).value("fine", &[]), Some(1.0));
    let hangs = move |_: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
        let _ = entered.send(());
        let _ = released.lock().unwrap().recv_timeout(LONG);
    };
    meter.u64_observable_gauge("hangs").with_callback(hangs).build();
    let mut asked = TcpStream::connect(&address).unwrap();
    asked.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    is_entered.recv_timeout(LONG).expect("it is called");
    assert_eq!(get(&address, "/other").status, 404, "others are answered");
    let begun = Instant::now();
    telemetry.shutdown().expect("in time");
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
    drop(release);
}
