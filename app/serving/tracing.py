"""OpenTelemetry traces, if asked for: one span per request, one per note, one per stage. Needs the extra [otel].

Attributes are methods, route templates, statuses, counts and versions. Of what clients send only traceparent (W3C) is
read: tracestate and baggage could carry anything. The exporter is set up by the standard OTEL_* variables.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.serving.answered import Answered
from app.serving.metrics import STAGES
from app.version import VERSION

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER: Final = "_OTHER"  # what the semantic conventions say of methods that are none
_NANOSECONDS: Final = 1_000_000  # of a millisecond
_SERVER_ERROR: Final = 500


class Tracing:
    """Writes spans to one provider, which is not made global: no library finds it."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("icd_cascade", VERSION)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, traceparent: str | None) -> Iterator[Span]:
        """The span of one request; it continues the caller's trace if there is a valid one."""
        context = self._propagator.extract({"traceparent": traceparent} if traceparent else {})
        known = method if method in METHODS else _OTHER
        with self._tracer.start_as_current_span(
            known,
            context,
            SpanKind.SERVER,
            {"http.request.method": known},
            record_exception=False,  # its message may quote the note
            set_status_on_exception=False,
        ) as span:
            yield span

    def watch(self, answered: Answered) -> None:
        """Spans of a coded note and its stages, below the current span.

        Durations are measured. The stages are laid end to end from the note's arrival; what remains of the note's span
        was spent on other notes of its batch.
        """
        if not trace.get_current_span().is_recording():
            return
        counts = {"icd.codes": len(answered.coding.codes), "icd.candidates": len(answered.coding.candidates)}
        note = self._tracer.start_span("note", start_time=answered.arrived, attributes=counts)
        note.set_attribute("icd.model", answered.coder.versions.model)
        note.set_attribute("icd.index", answered.coder.versions.index)
        if answered.coding.stopped_after is not None:
            note.set_attribute("icd.stopped_after", answered.coding.stopped_after)
        begin, below = answered.arrived, trace.set_span_in_context(note)
        for stage, milliseconds in answered.coding.timings_ms.items():
            if stage in STAGES:
                end = begin + int(milliseconds * _NANOSECONDS)
                self._tracer.start_span(stage, below, start_time=begin).end(end)
                begin = end
        note.end(max(begin, time.time_ns()))

    def close(self) -> None:
        """Send what is still held back. Blocking."""
        self._provider.shutdown()


def finish(span: Span, route: str, method: str, status: int) -> None:
    """What is known of a request at its end. route is a template, never the path that was sent."""
    span.update_name(f"{method if method in METHODS else _OTHER} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= _SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))


def open_tracing() -> Tracing:
    """Traces to the OTLP endpoint of OTEL_EXPORTER_OTLP_ENDPOINT, sampled by OTEL_TRACES_SAMPLER."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "icd-cascade", "service.version": VERSION}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
