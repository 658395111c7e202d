"""OpenTelemetry spans: one tree per request, the caller's trace continued, nothing of a note in them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import StatusCode

from app.serving.tracing import Tracing
from app.settings import Settings
from tests.app.api.client import Client, running
from tests.app.fakes import POISON, FakeCoder

CANARY = "Kanarienvogel"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Traced:
    """A client of a service with traces, and the finished spans."""

    def __init__(self, client: Client, exporter: InMemorySpanExporter) -> None:
        self.client = client
        self._exporter = exporter

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        [span] = [span for span in self.spans() if span.name == name]
        return span


@pytest.fixture
def traced(coder: FakeCoder) -> Iterator[Traced]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with running(lambda: coder, Settings(traces=True), tracing=Tracing(provider)) as client:
        client.wait_until_ready()
        yield Traced(client, exporter)


def child_of(span: ReadableSpan, parent: ReadableSpan) -> bool:
    assert parent.context is not None
    return span.parent is not None and span.parent.span_id == parent.context.span_id


def test_request_note_and_stages_are_one_tree(traced: Traced) -> None:
    assert traced.client.code(text="gout").status_code == 200
    request, note = traced.named("POST /v1/code"), traced.named("note")
    assert child_of(note, request)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/code",
        "http.response.status_code": 200,
    }
    stages = [traced.named(name) for name in ("queue", "segment", "encode", "search64")]
    assert all(child_of(stage, note) for stage in stages)
    for before, after in zip(stages, stages[1:], strict=False):
        assert before.end_time == after.start_time
    encode = stages[2]
    assert encode.end_time is not None
    assert encode.start_time is not None
    assert encode.end_time - encode.start_time == 3_000_000  # the fake's 3 ms
    assert note.attributes is not None
    assert (note.attributes["icd.codes"], note.attributes["icd.index"]) == (1, "index-1")


def test_every_note_of_a_batch_has_its_span(traced: Traced) -> None:
    notes = [{"text": "gout"}, {"text": "asthma"}, {"text": ""}]
    traced.client.send("POST", "/v1/code/batch", json={"notes": notes})
    request = traced.named("POST /v1/code/batch")
    assert [child_of(span, request) for span in traced.spans() if span.name == "note"] == [True, True]


def test_trace_of_the_caller_is_continued(traced: Traced) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    traced.client.send("POST", "/v1/code", json={"text": "gout"}, headers=headers)
    request = traced.named("POST /v1/code")
    assert request.context is not None
    assert request.parent is not None
    assert (f"{request.context.trace_id:032x}", f"{request.parent.span_id:016x}") == (TRACE, PARENT)


@pytest.mark.parametrize("traceparent", ["", CANARY, f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}"])
def test_malformed_traceparent_begins_a_trace_of_its_own(traced: Traced, traceparent: str) -> None:
    traced.client.get("/v1/info", headers={"traceparent": traceparent})
    assert traced.named("GET /v1/info").parent is None


def test_caller_that_does_not_sample_leaves_no_spans(coder: FakeCoder) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(sampler=ParentBased(ALWAYS_OFF))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with running(lambda: coder, Settings(traces=True), tracing=Tracing(provider)) as client:
        client.wait_until_ready()
        assert client.code(text="gout").status_code == 200
    assert exporter.get_finished_spans() == ()


def test_errors_mark_the_span_and_probes_leave_none(traced: Traced) -> None:
    traced.client.code(text=POISON)
    traced.client.get("/livez")
    request = traced.named("POST /v1/code")
    assert (request.status.status_code, request.events) == (StatusCode.ERROR, ())
    assert {span.name for span in traced.spans()} == {"POST /v1/code"}


def test_nothing_that_was_sent_is_in_a_span(traced: Traced) -> None:
    client = traced.client
    headers = {"tracestate": f"x={CANARY}", "baggage": f"x={CANARY}", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    body = {"text": f"{CANARY} has gout", "note_id": CANARY, "patient": {"reference": CANARY}}
    client.send("POST", "/v1/code", json=body, headers=headers)
    client.code(text=f"{CANARY} {POISON}")
    client.code(text=CANARY, top_k=CANARY)
    client.get(f"/{CANARY}?{CANARY}")
    client.get(f"/v1/codes/{CANARY}")
    client.get(f"/v1/codes?q={CANARY}")
    client.send("GET", "/v1/info", headers={"X-Request-ID": "0" * 32})
    written = "".join(span.to_json() for span in traced.spans())
    assert len(traced.spans()) >= 7
    assert CANARY not in written
    assert "0" * 32 not in written


def test_no_library_finds_the_provider(traced: Traced) -> None:
    assert not isinstance(trace.get_tracer_provider(), TracerProvider)


def test_service_without_traces_does_not_import_the_extra() -> None:
    script = (
        "import sys; from app.api.application import create_app; from app.settings import Settings; "
        "create_app(Settings()); sys.exit('opentelemetry.sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
