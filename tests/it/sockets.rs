//! Receivers behind a Unix socket.

use crate::support::{PROTOCOLS, turn};
use otelier::config::{ExceptionSignal, Otlp};
use otelier::{Telemetry, trace, trace_block};
use otelier_tests::{Behaviour, Receiver};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

/// A socket whose connections go to a receiver on loopback; its file goes away with it.
struct Socket(PathBuf);

impl Socket {
    fn to(receiver: &Receiver, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otelier-{name}-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).expect("a folder for temporary files");
        let endpoint = receiver.endpoint();
        let address = endpoint.strip_prefix("http://").expect("plain").to_owned();
        // It ends with the process: nobody connects once the file is gone.
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let Ok(server) = std::net::TcpStream::connect(&address) else { continue };
                relay(stream, server);
            }
        });
        Self(path)
    }

    fn url(&self) -> String {
        format!("unix://{}", self.0.display())
    }
}

fn relay(client: UnixStream, server: std::net::TcpStream) {
    let (mut from, mut to) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[trace(name = "fails")]
fn fails() -> Result<(), crate::support::Refused> {
    Err(crate::support::Refused(418))
}

#[test]
fn spans_and_log_records_arrive_at_a_socket() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = match protocol {
            otelier::config::Protocol::Grpc => Receiver::grpc_with_logs(Behaviour::Accept, Behaviour::Accept),
            _ => Receiver::http_with_logs(Behaviour::Accept, Behaviour::Accept),
        };
        let receiver = receiver.expect("it starts");
        let socket = Socket::to(&receiver, "arrives");
        // Whether all signals share the URL or one has it to itself makes no difference.
        for otlp in [Otlp::to(socket.url()), Otlp::to_exactly(socket.url()), Otlp::collector(socket.url())] {
            let settings = Telemetry::default().with_otlp(otlp.with_protocol(protocol));
            let telemetry = otelier::init(settings.with_exception_signal(ExceptionSignal::Logs)).expect("it starts");
            assert!(fails().is_err());
            let stats = telemetry.shutdown().expect("in time");
            assert_eq!(stats.exporters[0].last_error, None);
            assert_eq!(stats.exporters[0].name, format!("otlp {} {}", protocol.as_str(), socket.url()));
        }
        assert_eq!((receiver.spans().len(), receiver.log_records().len()), (3, 3), "{protocol:?}");
        if protocol != otelier::config::Protocol::Grpc {
            assert_eq!(receiver.headers()[0]["host"], "localhost");
        }
    }
}

#[test]
fn a_socket_that_nobody_listens_on_is_named() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let otlp = Otlp::to("unix:/no/such/otel.sock").with_protocol(protocol);
        let telemetry = otelier::init(Telemetry::default().with_otlp(otlp)).expect("it starts");
        trace_block!(name = "lost", {});
        let stats = telemetry.shutdown().expect("in time");
        let error = stats.exporters[0].last_error.as_deref().expect("a reason");
        assert!(error.starts_with("no connection to unix:///no/such/otel.sock: No such file"), "{error}");
    }
}
