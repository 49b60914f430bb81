"""Traces of real processes, as a collector gets them over OTLP: one a story, and no word of a family in it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fixtures.processes import Place, ask, sign_in, until

QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@dataclass
class Collector:
    """What was sent to it."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def variables(self) -> dict[str, str]:
        return QUICK | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}"}

    def spans(self) -> list[tuple[str, Span]]:
        """Each span with the name of the service that it came from."""
        found: list[tuple[str, Span]] = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = next(fact.value for fact in resource.resource.attributes if fact.key == "service.name")
                found += [(service.string_value, span) for scope in resource.scope_spans for span in scope.spans]
        return found


@contextmanager
def collector(*, answers: bool = True) -> Iterator[Collector]:
    """A server that takes OTLP, and answers or leaves whoever asks waiting."""
    taken = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.paths.add(self.path)
            taken.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            if not answers:
                taken.released.wait(60)
                return
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield taken
        taken.released.set()
        server.shutdown()
        thread.join()


@pytest.mark.timeout(90)
def test_a_trace_leads_from_the_request_to_each_call_of_another_process(place: Place) -> None:
    with collector() as taken:
        worker = place.start("sim/500-ok,sim/ok", "worker", OTEL_SERVICE_NAME="tales-worker", **taken.variables)
        try:
            with place.serving("sim/500-ok,sim/ok", "--no-worker", **taken.variables) as (_, client):
                sign_in(client)
                client.headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
                ask(client)
                until(lambda: len(place.database.rows("select from tales.stories")) == 1, seconds=40)
                (row,) = place.database.rows("select distinct generation_id from tales.generations")
                until(lambda: sum(span.name.startswith("chat ") for _, span in taken.spans()) == 2, seconds=20)
                until(lambda: any("/generations" in span.name for _, span in taken.spans()), seconds=20)
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(20) == 0

    assert taken.paths == {"/v1/traces"}
    story = [(service, span) for service, span in taken.spans() if span.trace_id == row["generation_id"].bytes]
    told = {(service, span.name) for service, span in story}
    calls = {("tales-worker", "chat sim/500-ok"), ("tales-worker", "chat sim/ok")}
    assert told - {("tales-worker", "wait")} == {("tales", "POST /api/v3/generations")} | calls
    (root,) = (span for _, span in story if span.kind == Span.SPAN_KIND_SERVER)
    assert root.parent_span_id == b""
    assert [link.trace_id.hex() for link in root.links] == ["0af7651916cd43dd8448eb211c80319c"]
    assert {span.parent_span_id for _, span in story if span is not root} == {root.span_id}
    errors = {
        span.name: fact.value.string_value for _, span in story for fact in span.attributes if fact.key == "error.type"
    }
    assert errors == {"chat sim/500-ok": "server_error"}
    for word in (b"Mia", b"kindness", b"ada@example.org", b"127.0.0.1", b"Once upon"):
        assert not any(word in body for body in taken.bodies), word


@pytest.mark.timeout(90)
def test_a_collector_that_never_answers_costs_no_story_and_no_clean_end(place: Place) -> None:
    with collector(answers=False) as taken, place.serving("sim/ok", **taken.variables) as (process, client):
        sign_in(client)
        ask(client)
        until(lambda: len(place.database.rows("select from tales.stories")) == 1, seconds=30)
        until(lambda: bool(taken.bodies), seconds=20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
