//! The OpenTelemetry protobuf classes of Python: a decoder that shares no line of code with ours.

use super::facts::spans_of;
use super::losses::compare;
use super::made::{ALL, send};
use super::program::{PYTHON, Running, has, listens, python, skipped};
use crate::support::turn;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otelier::config::Protocol;
use prost::Message;
use std::path::Path;
use std::process::Command;

const DECODER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/counterparties/decoder.py");

#[test]
fn the_protobuf_classes_of_python_understand_every_encoding() {
    let Some(program) = PYTHON.find() else { return };
    if !has(&program, "opentelemetry.proto.collector.trace.v1.trace_service_pb2") {
        return skipped("opentelemetry-proto is not installed (pip install opentelemetry-proto grpcio)");
    }
    let with_grpc = has(&program, "grpc");
    if !with_grpc {
        skipped("grpcio is not installed, so gRPC is left out (pip install grpcio)");
    }
    let _turn = turn();
    let command = |[grpc, http]: [u16; 2], _: &Path| {
        let grpc = if with_grpc { grpc } else { 0 };
        let mut command = Command::new(&program);
        python(&mut command).args([DECODER, &grpc.to_string(), &http.to_string()]);
        command
    };
    let is_ready = |[grpc, http]: [u16; 2]| listens(http) && (!with_grpc || listens(grpc));
    let (decoder, [grpc, http]) = Running::start("decoder", command, is_ready);
    for encoding in ALL.into_iter().filter(|encoding| with_grpc || encoding.0 != Protocol::Grpc) {
        let made = send(encoding.to(grpc, http));
        made.arrived(&format!("{encoding}: {}", decoder.last_words()));
        let output = decoder.wait_for_output(|output| output.contains(&made.trace));
        let requests = output.lines().filter(|line| line.contains(&made.trace)).map(|line| {
            let bytes = line.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).expect("digits"));
            let bytes: Vec<u8> = bytes.map(|two| u8::from_str_radix(two, 16).expect("digits")).collect();
            ExportTraceServiceRequest::decode(&bytes[..]).expect("what Python has encoded")
        });
        let requests: Vec<_> = requests.flat_map(|request| request.resource_spans).collect();
        compare(&made.spans, &spans_of(&requests), &[], &encoding.to_string());
    }
}
