//! rotel, a collector in Rust: everything goes through it to a receiver of ours, and its debug log tells what it understood.

use super::facts::{Spans, spans_of};
use super::losses::{Loss, compare};
use super::made::{ALL, Made, send, send_numbers};
use super::program::{Program, Running, WAIT, listens, python};
use crate::support::turn;
use otelier::config::Protocol;
use otelier_tests::{Behaviour, Receiver};
use std::path::PathBuf;
use std::process::Command;

const ROTEL: Program = Program { name: "rotel-agent", variable: "OTELIER_TEST_ROTEL", install: "pip install rotel" };

/// It hands on what it gets, to the last field.
const LOSSES: &[Loss] = &[];

/// The wheel keeps the program among its modules, where no `PATH` leads to.
fn among_modules() -> Option<PathBuf> {
    let code = "import importlib.util as u; print(u.find_spec('rotel').submodule_search_locations[0] + '/rotel-agent')";
    let asked = python(&mut Command::new("python3")).args(["-c", code]).output().ok()?;
    let path = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

/// The collector with its ports for gRPC and HTTP; it sends to `to` by gRPC.
fn start(program: &PathBuf, to: &Receiver) -> (Running, [u16; 2]) {
    let command = |[grpc, http]: [u16; 2], _: &std::path::Path| {
        let mut command = Command::new(program);
        command.args(["start", "--exporter", "otlp", "--otlp-exporter-protocol", "grpc"]);
        command.args(["--otlp-exporter-endpoint", &to.endpoint()]);
        command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
        command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
        command.args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"]);
        command
    };
    Running::start("rotel", command, |ports| ports.into_iter().all(listens))
}

/// What has come through of one run.
fn came_through(receiver: &Receiver, made: &Made) -> Spans {
    let all = receiver.requests();
    let spans = spans_of(all.iter().flat_map(|request| &request.resource_spans));
    spans.into_iter().filter(|(_, facts)| facts["trace"] == made.trace).collect()
}

#[test]
fn spans_come_through_rotel_unchanged_in_every_encoding() {
    let Some(program) = ROTEL.find_or(among_modules) else { return };
    let _turn = turn();
    let receiver = Receiver::grpc(Behaviour::Accept).expect("loopback has a free port");
    let (rotel, [grpc, http]) = start(&program, &receiver);
    let mut sent = 0;
    for encoding in ALL {
        let otlp = encoding.to(grpc, http);
        let made = if encoding.0 == Protocol::HttpJson {
            // It knows numbers alone, where OTLP's JSON has the texts of protobuf for those that are none.
            send(otlp.clone()).was_refused("answered 400", &encoding.to_string());
            send_numbers(otlp)
        } else {
            send(otlp)
        };
        made.arrived(&format!("{encoding}: {}", rotel.last_words()));
        sent += made.spans.len();
        receiver.wait_for(sent, WAIT);
        compare(&made.spans, &came_through(&receiver, &made), LOSSES, &encoding.to_string());
    }
}
