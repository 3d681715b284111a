"""Reads and writes headers with the propagators of OpenTelemetry for Python.

Reads a list of jobs as JSON and prints a list of answers. A job either has `headers`, and is answered by what Python reads
from them, or has a span and baggage, and is answered by the headers that Python writes.
"""

import json
import sys

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATORS = {
    "tracecontext": TraceContextTextMapPropagator(),
    "baggage": W3CBaggagePropagator(),
    "b3": B3SingleFormat(),
    "b3multi": B3MultiFormat(),
    "jaeger": JaegerPropagator(),
}


def read(propagator, headers):
    context = propagator.extract(headers, context=Context())
    span = trace.get_current_span(context).get_span_context()
    return {
        "trace": format(span.trace_id, "032x"),
        "span": format(span.span_id, "016x"),
        "flags": int(span.trace_flags),
        "state": span.trace_state.to_header() if span.trace_state else "",
        "baggage": dict(baggage.get_all(context)),
    }


def write(propagator, job):
    span = trace.SpanContext(
        trace_id=int(job["trace"], 16),
        span_id=int(job["span"], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(job["flags"]),
        trace_state=trace.TraceState.from_header([job["state"]]) if job["state"] else None,
    )
    context = trace.set_span_in_context(trace.NonRecordingSpan(span), Context())
    for name, value in job["baggage"].items():
        context = baggage.set_baggage(name, value, context)
    headers = {}
    propagator.inject(headers, context=context)
    return headers


def answer(job):
    propagator = PROPAGATORS[job["format"]]
    return read(propagator, job["headers"]) if "headers" in job else write(propagator, job)


print(json.dumps([answer(job) for job in json.load(sys.stdin)]))
