"""Traces for OpenTelemetry: a span for each request, and one for each call to a model, by the GenAI conventions.

The trace of a story has its generation's id, without the hyphens, and the request that asked for the story is its
root. So a worker in another process knows where its calls belong without being told, and no row is written for it.
Spans are made of what is known at the end: models, kinds, numbers and times, never anybody's words.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TypeAlias
from uuid import UUID

import structlog
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tales.application.ports import IdMaker, Log
from tales.domain.generation import Attempt
from tales.domain.generation import Status as AttemptStatus
from tales.infrastructure.ids import Uuid7Maker

STOP_SECONDS = 3.0
"""How long a process that stops waits for a collector to take what is left."""

_LOW_HALF = (1 << 64) - 1
_RANDOM = (1 << 32) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a provider calls itself and its models is an open world: a name is told, a sentence is not.
_NAME = re.compile(r"[\w.:/@+-]{1,200}")
_LONGEST_TRACEPARENT = 512
_offered: ContextVar[list[UUID]] = ContextVar("tales_trace", default=[])  # noqa: B039 -- nobody adds to the default
_log: Log = structlog.get_logger("tales")

Value: TypeAlias = str | int | float | None
EndRequest: TypeAlias = Callable[[str | None, str | None, int | None], None]


@dataclass(frozen=True, slots=True)
class _Request:
    id: UUID
    begun: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class _Facts:
    """Of a span."""

    name: str
    kind: SpanKind
    begun: datetime
    ended: datetime
    attributes: Mapping[str, Value]
    failed: bool


class _GenerationIds(IdMaker):
    """Ids of generations: the first one that a request asks for is that of its trace."""

    def __init__(self) -> None:
        self._ids = Uuid7Maker()

    def new(self) -> UUID:
        offered = _offered.get()
        return offered.pop() if offered else self._ids.new()


class Tracing:
    """The spans of one process, handed to `exporter` in the background. `provider` is who its models belong to.

    Nothing here waits for a collector, and nothing raises: what cannot be told is dropped.
    """

    def __init__(self, exporter: SpanExporter, provider: str) -> None:
        self.generation_ids: IdMaker = _GenerationIds()
        self._provider_name = provider
        self._trace_ids = Uuid7Maker()
        self._ids = _SaidIds()
        self._sdk = TracerProvider(resource=_resource(), id_generator=self._ids, shutdown_on_exit=False)
        self._sampler = self._sdk.sampler = _Evenly(self._sdk.sampler)
        self._sdk.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._sdk.get_tracer("tales", version("tales"))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end of the body what is left is handed over, for some seconds at most."""
        try:
            yield
        finally:
            # The library waits longer than a process that is told to stop may take.
            stopping = threading.Thread(target=self._sdk.shutdown, name="tales traces", daemon=True)
            stopping.start()
            await asyncio.to_thread(stopping.join, STOP_SECONDS)

    def begin_request(self, traceparent: str | None) -> EndRequest:
        """A request has come. What this returns is called at its end, with its method, route and status.

        Whoever sends it is a stranger, and decides neither the id of a trace nor whether it is kept: its own trace,
        which `traceparent` names (W3C Trace Context), is linked.
        """
        request = _Request(self._trace_ids.new(), datetime.now(UTC), traceparent)
        _offered.set([request.id])

        def end(method: str | None, route: str | None, status: int | None) -> None:
            if route is None or not route.startswith("/health"):
                self._try(self._add_request, request, method, route, status)

        return end

    def on_ended(self, attempt: Attempt) -> None:
        """An attempt has ended."""
        self._try(self._add_attempt, attempt)

    def _add_request(self, request: _Request, method: str | None, route: str | None, status: int | None) -> None:
        failed = status is not None and status >= 500
        attributes: dict[str, Value] = {
            "http.request.method": method or "_OTHER",
            "http.route": route,
            "http.response.status_code": status,
            "error.type": str(status) if failed else None,
        }
        name = f"{method or 'HTTP'} {route}" if route else method or "HTTP"
        self._ids.root = request.id.int
        span = _Facts(name, SpanKind.SERVER, request.begun, datetime.now(UTC), attributes, failed)
        self._add(span, Context(), _links(request.traceparent))

    def _add_attempt(self, attempt: Attempt) -> None:
        context = self._context(attempt.id.generation_id)
        ended = attempt.completed_at or datetime.now(UTC)
        begun, due = attempt.started_at, attempt.available_at or attempt.created_at
        number: dict[str, Value] = {"tales.attempt_number": attempt.attempt_number}
        outcome = number | {"error.type": attempt.error_type}
        failed = attempt.status is not AttemptStatus.SUCCESS
        if begun is None:
            self._add(_Facts("wait", SpanKind.INTERNAL, due, ended, outcome, failed), context)
            return
        if due < begun:
            self._add(_Facts("wait", SpanKind.INTERNAL, due, begun, number, failed=False), context)
        facts = outcome | self._call(attempt, begun)
        self._add(_Facts(f"chat {attempt.model_used}", SpanKind.CLIENT, begun, ended, facts, failed), context)

    def _call(self, attempt: Attempt, started_at: datetime) -> dict[str, Value]:
        """What the GenAI conventions say of a call, as far as it is known."""
        first_token, cost = attempt.first_token_at, attempt.known_cost_usd
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self._provider_name,
            "gen_ai.request.model": attempt.model_used,
            "gen_ai.prompt.name": attempt.prompt_version,
            "gen_ai.response.model": _name(attempt.served_model),
            "gen_ai.response.id": _name(attempt.provider_generation_id),
            "gen_ai.response.time_to_first_chunk": (first_token - started_at).total_seconds() if first_token else None,
            "gen_ai.usage.input_tokens": attempt.prompt_tokens,
            "gen_ai.usage.output_tokens": attempt.completion_tokens,
            "http.response.status_code": attempt.http_status,
            "tales.served_by": _name(attempt.provider),
            "tales.cost_usd": float(cost) if cost is not None else None,
        }

    def _context(self, generation_id: UUID) -> Context:
        """Below the request that asked for it, whether or not it came to this process, and kept if that one is."""
        decision = self._sampler.should_sample(Context(), generation_id.int, "").decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        root = SpanContext(generation_id.int, _root_span(generation_id.int), is_remote=True, trace_flags=flags)
        return set_span_in_context(NonRecordingSpan(root), Context())

    def _add(self, facts: _Facts, context: Context, links: Sequence[Link] = ()) -> None:
        attributes = {key: value for key, value in facts.attributes.items() if value is not None}
        begun, ended = _nanoseconds(facts.begun), _nanoseconds(facts.ended)
        span = self._tracer.start_span(facts.name, context, facts.kind, attributes, links, start_time=begun)
        if facts.failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(max(begun, ended))

    def _try(self, add: Callable[..., None], *facts: object) -> None:
        try:
            add(*facts)
        except Exception as error:  # noqa: BLE001 -- whatever it is, no story and no request suffers from it
            _log.warning("span not made", error=type(error).__name__)


class _SaidIds(RandomIdGenerator):
    """Random ids, but for those of a root, whose trace is said beforehand in `root`."""

    root = 0

    def generate_trace_id(self) -> int:
        return self.root or super().generate_trace_id()

    def is_trace_id_random(self) -> bool:
        return False  # less of it than the flag would promise (W3C Trace Context Level 2)

    def generate_span_id(self) -> int:
        root, self.root = self.root, 0
        return _root_span(root) if root else super().generate_span_id()


class _Evenly(Sampler):
    """Asks `chosen` with the bits that are random.

    The usual sampler takes the lower half of an id for a random number; that of a UUID begins with two bits that are
    always the same, and goes on with a counter. Its last 32 bits are random.
    """

    def __init__(self, chosen: Sampler) -> None:
        self._chosen = chosen
        self._ask: Callable[..., SamplingResult] = chosen.should_sample

    def should_sample(
        self, parent_context: Context | None, trace_id: int, name: str, *rest: object, **named: object
    ) -> SamplingResult:
        return self._ask(parent_context, (trace_id & _RANDOM) << 32, name, *rest, **named)

    def get_description(self) -> str:
        return self._chosen.get_description()


def _root_span(trace_id: int) -> int:
    """The id of the span that a trace begins with: never 0, as an id's lower half begins with a bit that is set."""
    return trace_id & _LOW_HALF


def _resource() -> Resource:
    """Who tells this: `tales`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    name = OTELResourceDetector().detect().attributes.get("service.name", "tales")
    return Resource.create({"service.name": name, "service.version": version("tales")})


def _links(traceparent: str | None) -> list[Link]:
    # OpenTelemetry's own reader writes a warning for each one that is too long.
    if traceparent is None or len(traceparent) > _LONGEST_TRACEPARENT:
        return []
    theirs = TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())
    context = get_current_span(theirs).get_span_context()
    return [Link(context)] if context.is_valid else []


def _name(value: str | None) -> str | None:
    return value if value is not None and _NAME.fullmatch(value) else None


def _nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000
