"""Spans: what they say, whose trace they belong to, which are kept, and that nothing they meet harms a story."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from tales.domain.generation import Attempt, AttemptId, Origin, Status
from tales.domain.story_spec import StoryType
from tales.infrastructure.telemetry import tracing
from tales.infrastructure.telemetry.trace_exporter import open_tracing
from tales.infrastructure.telemetry.tracing import Tracing
from tests.fixtures.recording import RecordingLog

CREATED = datetime(2026, 3, 1, 19, 0, tzinfo=UTC)
WORDS = "What Mia of Elm Street said"


def ended(generation_id: UUID | None = None, **changes: Any) -> Attempt:
    """An attempt as the queue gives it back, with a family's words wherever there may be any."""
    attempt = Attempt(
        id=AttemptId(generation_id or uuid7(), 1),
        user_id=uuid7(),
        model_used="vendor/model",
        status=Status.SUCCESS,
        origin=Origin.LIVE,
        story_type=StoryType.COMBINED,
        moral=WORDS,
        prompt=WORDS,
        prompt_version="bedtime-2",
        hero_appearance=WORDS,
        relationship_description=WORDS,
        full_response={"choices": [{"message": {"content": WORDS}}]},
        error_message=WORDS,
        http_status=200,
        provider_generation_id="gen-1",
        created_at=CREATED,
        available_at=CREATED,
        started_at=CREATED + timedelta(seconds=2),
        first_token_at=CREATED + timedelta(seconds=2.5),
        completed_at=CREATED + timedelta(seconds=9),
        prompt_tokens=120,
        completion_tokens=340,
        cost_usd=Decimal("0.00042"),
        provider="DeepInfra",
        served_model="vendor/model-2026",
    )
    return replace(attempt, **changes)


async def spans_of(make: Callable[[Tracing], object]) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    traced = Tracing(exporter, "openrouter")
    async with traced.running():
        make(traced)
    return list(exporter.get_finished_spans())


async def test_a_call_is_told_by_the_conventions_and_without_a_word_of_a_family() -> None:
    attempt = ended()
    wait, chat = await spans_of(lambda traced: traced.on_ended(attempt))

    assert (chat.name, chat.kind, chat.status.status_code) == ("chat vendor/model", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(chat.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": "vendor/model",
        "gen_ai.prompt.name": "bedtime-2",
        "gen_ai.response.model": "vendor/model-2026",
        "gen_ai.response.id": "gen-1",
        "gen_ai.response.time_to_first_chunk": 0.5,
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 340,
        "http.response.status_code": 200,
        "tales.served_by": "DeepInfra",
        "tales.cost_usd": 0.00042,
        "tales.attempt_number": 1,
    }
    assert (chat.end_time or 0) - (chat.start_time or 0) == 7_000_000_000
    assert (wait.name, (wait.end_time or 0) - (wait.start_time or 0)) == ("wait", 2_000_000_000)
    assert wait.end_time == chat.start_time == 1_772_391_602_000_000_000
    for span in (wait, chat):
        assert WORDS not in span.to_json()
        assert str(attempt.user_id) not in span.to_json()
        assert span.resource.attributes["service.name"] == "tales"


async def test_what_is_not_known_is_left_out_and_a_sentence_for_a_name_too() -> None:
    unknown = dict.fromkeys(("prompt_tokens", "completion_tokens", "cost_usd", "first_token_at", "http_status"))
    attempt = ended(status=Status.TIMEOUT, error_type="idle_timeout", served_model=WORDS, provider=WORDS, **unknown)
    *_, chat = await spans_of(lambda traced: traced.on_ended(attempt))

    assert chat.status.status_code is StatusCode.ERROR
    assert chat.status.description is None
    assert dict(chat.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": "vendor/model",
        "gen_ai.prompt.name": "bedtime-2",
        "gen_ai.response.id": "gen-1",
        "error.type": "idle_timeout",
        "tales.attempt_number": 1,
    }


async def test_an_attempt_that_nobody_took_has_waited_and_called_nobody() -> None:
    attempt = ended(status=Status.TIMEOUT, error_type="queue_timeout", started_at=None, first_token_at=None)
    (wait,) = await spans_of(lambda traced: traced.on_ended(attempt))

    assert wait.name == "wait"
    assert dict(wait.attributes or {}) == {"tales.attempt_number": 1, "error.type": "queue_timeout"}
    assert wait.status.status_code is StatusCode.ERROR


async def test_a_request_is_the_root_of_the_one_generation_that_it_asks_for() -> None:
    ids: list[UUID] = []

    def ask(traced: Tracing) -> None:
        end = traced.begin_request("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        ids.extend(traced.generation_ids.new() for _ in range(2))
        for number, id_ in enumerate(ids):
            traced.on_ended(ended(id_, id=AttemptId(id_, number + 1), started_at=CREATED))
        end("POST", "/api/v3/generations", 202)

    first, second, request = await spans_of(ask)

    assert request.name == "POST /api/v3/generations"
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/api/v3/generations",
        "http.response.status_code": 202,
    }
    assert request.parent is None, "a stranger's trace is linked, and not joined"
    assert [link.context.trace_id for link in request.links] == [0x0AF7651916CD43DD8448EB211C80319C]
    assert request.context.trace_id == first.context.trace_id == ids[0].int
    assert first.parent is not None
    assert first.parent.span_id == request.context.span_id
    assert second.context.trace_id == ids[1].int != ids[0].int


@pytest.mark.parametrize("header", ["", "00-nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", WORDS, "é" * 9000])
async def test_whatever_a_stranger_sends_for_a_trace_is_left_alone(header: str) -> None:
    (request,) = await spans_of(lambda traced: traced.begin_request(header)(None, None, None))

    assert (request.name, len(request.links)) == ("HTTP", 0)


async def test_a_failed_request_says_so_and_health_checks_say_nothing() -> None:
    def ask(traced: Tracing) -> None:
        traced.begin_request(None)("GET", "/health/ready", 200)
        traced.begin_request(None)("GET", "/api/v3/stories", 503)

    (request,) = await spans_of(ask)

    assert request.status.status_code is StatusCode.ERROR
    assert (request.attributes or {})["error.type"] == "503"


@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
async def test_a_share_of_traces_is_kept_each_whole(monkeypatch: pytest.MonkeyPatch, sampler: str) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    # Two processes, which do not speak with each other.
    requests, calls = InMemorySpanExporter(), InMemorySpanExporter()
    server, worker = Tracing(requests, "local"), Tracing(calls, "local")
    async with server.running(), worker.running():
        for _ in range(1600):
            end = server.begin_request(None)
            worker.on_ended(ended(server.generation_ids.new(), started_at=CREATED))
            end("POST", "/api/v3/generations", 202)

    kept = {span.context.trace_id for span in requests.get_finished_spans()}
    assert 300 < len(kept) < 500, "a quarter of 1600; 5.8 standard deviations beside it"
    assert {span.context.trace_id for span in calls.get_finished_spans()} == kept


class Broken(SpanExporter):
    """Raises, or never comes back."""

    def __init__(self, released: threading.Event | None = None) -> None:
        self.released = released
        self.asked = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        if self.released is None:
            raise RuntimeError("a collector of nonsense")
        self.released.wait()
        return SpanExportResult.FAILURE


async def test_a_collector_that_fails_or_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "STOP_SECONDS", 0.2)
    _set(monkeypatch, {"OTEL_BSP_MAX_QUEUE_SIZE": "16", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8"})
    released = threading.Event()
    for exporter in (Broken(), Broken(released)):
        traced = Tracing(exporter, "local")
        async with asyncio.timeout(5), traced.running():
            # More than may wait at a time: those are dropped.
            for _ in range(40):
                traced.on_ended(ended())
        assert exporter.asked.is_set()
    released.set()


async def test_an_attempt_that_cannot_be_told_is_said_in_the_log_alone() -> None:
    odd: Any = ended(completed_at="yesterday", available_at=None)
    with capture_logs() as logged:
        assert [span.name for span in await spans_of(lambda traced: traced.on_ended(odd))] == ["wait"]
    assert logged == [{"event": "span not made", "error": "TypeError", "log_level": "warning"}]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
    ],
)
def test_without_being_asked_for_there_are_no_traces(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    _set(monkeypatch, variables)
    log = RecordingLog()

    assert open_tracing(None, log) is None
    assert log.events == []


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_BSP_MAX_QUEUE_SIZE": "0"},
    ],
)
def test_variables_that_cannot_be_used_are_said_and_stories_are_written(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    _set(monkeypatch, variables)
    log = RecordingLog()

    assert open_tracing(None, log) is None
    ((level, event, _),) = log.events
    assert level == "warning"
    assert event == "no traces, although a variable OTEL_... asks for them"


def test_without_the_library_all_works_and_it_is_said_what_to_install() -> None:
    code = """
import sys
sys.modules |= {"opentelemetry.sdk": None, "opentelemetry.exporter": None}
import structlog
from tales.infrastructure.telemetry.trace_exporter import open_tracing
print(open_tracing(None, structlog.get_logger()))
"""
    environment = os.environ | {"OTEL_TRACES_EXPORTER": "otlp"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert "pip install 'tales[otel]'" in ran.stdout
    assert ran.stdout.endswith("None\n")


def test_nobody_pays_for_the_library_who_wants_no_traces() -> None:
    code = """
import sys, structlog, tales.bootstrap
tales.bootstrap.open_tracing(None, structlog.get_logger())
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"


def _set(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


async def test_a_traceparent_that_is_too_long_is_no_link_and_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    for header, links in ((theirs, 1), (theirs.replace("00-", "01-", 1) + "-" + "x" * 500, 0)):
        (span,) = await spans_of(lambda traced, sent=header: traced.begin_request(sent)("GET", "/here", 200))  # type: ignore[misc]
        assert len(span.links) == links
    assert caplog.records == []
