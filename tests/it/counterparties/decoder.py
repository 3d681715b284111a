"""Receives OTLP over HTTP and gRPC, decodes it with the OpenTelemetry protobuf classes of Python, and prints each request
as they encode it again, in hexadecimal digits, a request to a line. What the classes do not know, or a second encoding
changes, is an error, which is printed and answered with 400.

Arguments: the ports for gRPC (0 for none) and for HTTP, both on loopback.
"""

import base64
import gzip
import json
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format, unknown_fields
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

IDS = {"traceId", "spanId", "parentSpanId"}
printing = threading.Lock()


def each_message(message):
    """The message and all that are in it."""
    yield message
    for _, value in message.ListFields():
        for one in value if hasattr(value, "__iter__") and not isinstance(value, (str, bytes)) else [value]:
            if hasattr(one, "ListFields"):
                yield from each_message(one)


def converted(value, convert):
    """JSON with its ids converted, as OTLP writes them in hexadecimal digits, and protobuf's JSON in base64."""
    if isinstance(value, dict):
        return {k: convert(v) if k in IDS else converted(v, convert) for k, v in value.items()}
    return [converted(one, convert) for one in value] if isinstance(value, list) else value


def to_base64(text):
    if text != text.lower():
        raise ValueError("ids are written in lower case")
    return base64.b64encode(bytes.fromhex(text)).decode()


def tell(request):
    for message in each_message(request):
        if len(unknown_fields.UnknownFieldSet(message)):
            raise ValueError(f"unknown fields in {message.DESCRIPTOR.full_name}")
    again = service.ExportTraceServiceRequest()
    again.ParseFromString(request.SerializeToString(deterministic=True))
    # Equal messages may differ in their bytes, and a `NaN` is not equal to itself: the text is what counts.
    if str(again) != str(request):
        raise ValueError("it is another one after a second encoding")
    with printing:
        print(again.SerializeToString().hex(), flush=True)


def decode(body, content_type):
    request = service.ExportTraceServiceRequest()
    if content_type == "application/x-protobuf":
        request.ParseFromString(body)
    elif content_type == "application/json":
        # Strict: a name or a value that is not OTLP's is an error.
        json_format.ParseDict(converted(json.loads(body), to_base64), request)
    else:
        raise ValueError(f"content type {content_type}")
    return request


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            if self.path != "/v1/traces":
                raise ValueError(f"path {self.path}")
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            tell(decode(body, self.headers["content-type"]))
            status, answer = 200, service.ExportTraceServiceResponse().SerializeToString()
        except Exception as error:  # Whatever it is, the test shall see it.
            status, answer = 400, repr(error).encode()
            with printing:
                print(f"error: {error!r}", flush=True)
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf" if status == 200 else "text/plain")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def serve_grpc(port):
    import grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

    class Service(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request, context):
            tell(request)
            return service.ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)
    if server.add_insecure_port(f"127.0.0.1:{port}") != port:
        sys.exit(f"port {port} is taken")
    server.start()
    return server


if __name__ == "__main__":
    grpc_port, http_port = map(int, sys.argv[1:])
    kept = serve_grpc(grpc_port) if grpc_port else None
    ThreadingHTTPServer(("127.0.0.1", http_port), Handler).serve_forever()
