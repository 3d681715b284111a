//! Receivers by name: where requests go, and what they carry.

use crate::support::{Refused, turn};
use otelier::config::{ExceptionSignal, Metrics, Otlp, Protocol};
use otelier::{Telemetry, trace};
use otelier_tests::{Behaviour, Receiver};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

/// Accepts everything at every path, and tells the heads of the requests.
struct Anything {
    address: String,
    heads: mpsc::Receiver<String>,
}

impl Anything {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (tell, heads) = mpsc::channel();
        // It ends with the process.
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let tell = tell.clone();
                std::thread::spawn(move || serve(stream, &tell));
            }
        });
        Self { address, heads }
    }

    /// The requests so far: first lines and headers in lower case.
    fn heads(&self) -> Vec<String> {
        self.heads.try_iter().collect()
    }
}

fn serve(mut stream: TcpStream, tell: &mpsc::Sender<String>) {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        while let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let whole = end + 4 + length.unwrap_or(0);
            if read.len() < whole {
                break;
            }
            read.drain(..whole);
            let _ = tell.send(head);
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
        }
    }
}

#[trace(name = "fails")]
fn fails() -> Result<(), Refused> {
    Err(Refused(418))
}

/// Sends a span, a log record and metrics.
fn export(otlp: Otlp) {
    let settings = Telemetry::default()
        .with_otlp(otlp.clone())
        .with_exception_signal(ExceptionSignal::Logs)
        .with_metrics(Metrics::default().with_otlp(otlp));
    let telemetry = otelier::init(settings).expect("it starts");
    assert!(fails().is_err());
    let stats = telemetry.shutdown().expect("in time");
    for exporter in &stats.exporters {
        assert_eq!((exporter.failed, &exporter.last_error), (0, &None), "{stats}");
    }
}

/// The lines of a head that a test is about.
fn has(head: &str, line: &str) -> bool {
    head.lines().any(|found| found.eq_ignore_ascii_case(line))
}

#[test]
fn presets_of_a_host_send_every_signal_to_its_path() {
    let _turn = turn();
    for preset in [Otlp::collector, Otlp::jaeger, Otlp::tempo, Otlp::datadog_agent] {
        let receiver = Anything::new();
        export(preset(receiver.address.clone()).with_header("X-Scope-OrgID", "shop"));
        let heads = receiver.heads();
        for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
            let head = heads.iter().find(|head| head.starts_with(&format!("POST {path} HTTP/1.1")));
            let head = head.unwrap_or_else(|| panic!("nothing for {path}: {heads:?}"));
            assert!(has(head, "x-scope-orgid: shop"), "{head}");
        }
    }
}

#[test]
fn open_observe_gets_organization_stream_and_credentials() {
    let _turn = turn();
    let receiver = Anything::new();
    let url = format!("http://{}", receiver.address);
    export(Otlp::open_observe(url, "acme", "shop").with_basic_auth("root@example.com", "Complexpass#123"));
    let heads = receiver.heads();
    for path in ["/api/acme/v1/traces", "/api/acme/v1/logs", "/api/acme/v1/metrics"] {
        let head = heads.iter().find(|head| head.starts_with(&format!("POST {path} HTTP/1.1")));
        let head = head.unwrap_or_else(|| panic!("nothing for {path}: {heads:?}"));
        assert!(has(head, "stream-name: shop"), "{head}");
        assert!(has(head, "authorization: Basic cm9vdEBleGFtcGxlLmNvbTpDb21wbGV4cGFzcyMxMjM="), "{head}");
    }
}

#[test]
fn open_observe_over_grpc_gets_them_as_metadata() {
    let _turn = turn();
    let receiver = Receiver::grpc_with_logs(Behaviour::Accept, Behaviour::Accept).expect("a port");
    export(Otlp::open_observe_grpc(receiver.endpoint(), "acme", "shop").with_bearer_token("t0ken"));
    let all = [receiver.headers(), receiver.log_headers(), receiver.metric_headers()];
    for headers in all.iter().map(|headers| &headers[0]) {
        assert_eq!(
            (&headers["organization"], &headers["stream-name"]),
            (&"acme".parse().unwrap(), &"shop".parse().unwrap())
        );
        assert_eq!(headers["authorization"], "Bearer t0ken");
    }
}

#[test]
fn a_host_is_reached_by_either_transport() {
    let _turn = turn();
    let receiver = Receiver::grpc(Behaviour::Accept).expect("a port");
    let host = receiver.endpoint().replace("http://", "");
    let otlp = Otlp::collector(host).with_protocol(Protocol::Grpc);
    let telemetry = otelier::init(Telemetry::default().with_otlp(otlp)).expect("it starts");
    assert!(fails().is_err());
    telemetry.shutdown().expect("in time");
    assert_eq!(receiver.spans().len(), 1);
}
