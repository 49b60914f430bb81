"""A family with a child, a provider that says what a test tells it to, and the use cases over a real database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tales.application.ports import Dispatcher, ModelAnswer, ModelCall
from tales.application.reaper import Reaper
from tales.application.request_generation import GenerationRequest, RequestGeneration
from tales.application.run_attempt import RunAttempt
from tales.application.worker import NoWorker, Worker, WorkerTimes
from tales.domain.actor import Actor
from tales.domain.failures import Failure
from tales.domain.generation import Generation
from tales.domain.repositories.attempt_queue import AttemptQueue, ClaimedAttempt, EndedAttempt, WorkerInfo
from tales.domain.retry import RetryPolicy
from tales.domain.story_spec import StoryType
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, new_child, response
from tests.fixtures.recording import RecordingLog, RecordingPublisher
from tests.fixtures.time import FakeClock, FakeIds
from tests.fixtures.waiting import until

MODELS = ("first/model", "second/model")
QUEUE = "test"
TEXT = "The Kind Dragon\n\n" + "Mia and the dragon shared the last biscuit under the moon. " * 12
QUICK = WorkerTimes(renewal=0.2, poll=0.05, shortest_pause=0.001, check=0.05, grace=20.0)
"""A worker that looks at everything often, so that no test waits for it."""
PATIENT = WorkerTimes(renewal=0.2, poll=3600.0, check=3600.0)
"""A worker that looks at nothing by itself: it depends on being told."""


def answer(text: str = TEXT, finish_reason: str | None = "stop", failure: Failure | None = None) -> ModelAnswer:
    """What a provider answers: a story, unless a test says otherwise."""
    return ModelAnswer(
        text=text,
        finish_reason=finish_reason,
        full_response=response(),
        http_status=200,
        provider_generation_id="gen-1",
        first_token_at=None,
        failure=failure,
    )


@dataclass
class ScriptedProvider:
    """Gives the next of its answers to each call, and remembers the calls."""

    answers: list[ModelAnswer] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def complete(
        self, call: ModelCall, on_provider_id: Callable[[str], None], on_text: Callable[[str], None]
    ) -> ModelAnswer:
        self.calls.append(call)
        on_provider_id("gen-1")
        if self.meanwhile is not None:
            await self.meanwhile()
        given = self.answers.pop(0) if self.answers else answer()
        on_text(given.text)
        return given


class Hold:
    """Holds calls until they may go on (`ScriptedProvider.meanwhile`)."""

    def __init__(self) -> None:
        self.now = self.most = self.ended = 0
        self._places = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self._places.acquire()
        finally:
            self.now -= 1
            self.ended += 1

    def release(self, count: int = 1) -> None:
        """Let so many of them go on, now or when they come."""
        for _ in range(count):
            self._places.release()


class Between:
    """The queue, with a test's own method in the place of some."""

    def __init__(self, queue: SqlAttemptQueue, **methods: Callable[..., Awaitable[Any]]) -> None:
        self._queue = queue
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def worker_info(queue: str = QUEUE, concurrency: int = 4) -> WorkerInfo:
    """A worker that nobody has seen before."""
    return WorkerInfo(uuid7(), queue, "host", os.getpid(), concurrency)


@dataclass
class Flow:
    """The way of a story from the request to its end, step by step."""

    transactions: SqlTransactions
    queue: SqlAttemptQueue
    request_generation: RequestGeneration
    run_attempt: RunAttempt
    reaper: Reaper
    provider: ScriptedProvider
    publisher: RecordingPublisher
    hub: ProgressHub
    log: RecordingLog
    actor: Actor
    child_id: UUID

    async def ask(self, dispatcher: Dispatcher | None = None, **changes: object) -> Generation:
        """Ask for a story about the family's child; `dispatcher` stands for a worker of the same process."""
        facts: dict[str, object] = {"story_type": StoryType.CHILD, "moral": "kindness", "child_id": self.child_id}
        request = self.request_generation
        if dispatcher is not None:
            request = replace(request, dispatcher=dispatcher)
        return await request(self.actor, GenerationRequest(**facts | changes))  # type: ignore[arg-type]

    @asynccontextmanager
    async def worker(
        self,
        info: WorkerInfo | None = None,
        *,
        times: WorkerTimes = QUICK,
        own_only: bool = False,
        queue: AttemptQueue | Between | None = None,
        run: RunAttempt | None = None,
    ) -> AsyncIterator[Worker]:
        """A worker at work while the block runs; `queue` and `run` replace the real ones."""
        queue = queue or self.queue
        reaper = replace(self.reaper, queue=queue, run=replace(run or self.run_attempt, queue=queue))
        worker = Worker(info or worker_info(), reaper, self.hub, own_only=own_only, times=times)
        async with worker.running():
            yield worker

    async def claim(self, generation: Generation, info: WorkerInfo | None = None) -> ClaimedAttempt:
        """Claim the attempt in flight for a worker that is alive, as `info` or as somebody new."""
        info = info or worker_info()
        await self.queue.renew_lease(info)
        (claimed,) = await self.queue.claim(info, 1, [generation.generation_id])
        return claimed

    async def run(self, generation: Generation) -> EndedAttempt | None:
        """What a worker does with the attempt in flight, and with no other."""
        claimed = await self.claim(generation)
        return await self.run_attempt.save(claimed, await self.run_attempt.call(claimed))

    async def finish(self, generation: Generation) -> Generation:
        """Let a worker run attempts until the generation has ended."""
        async with self.worker():
            return await self.end_of(generation)

    async def end_of(self, generation: Generation) -> Generation:
        """How it stands once it has ended."""
        await until(lambda: self._has_ended(generation.generation_id))
        return await self.look(generation.generation_id)

    async def look(self, generation_id: UUID) -> Generation:
        """How the generation stands."""
        async with self.transactions.as_service() as work:
            generation = await work.generations.get_generation(generation_id, whole=True)
        assert generation is not None
        return generation

    async def _has_ended(self, generation_id: UUID) -> bool:
        return (await self.look(generation_id)).status.is_final


@pytest.fixture
async def flow(
    transactions: SqlTransactions,
    attempt_queue: SqlAttemptQueue,
    hub: ProgressHub,
    clock: FakeClock,
    ids: FakeIds,
) -> Flow:
    """A family with a child, and everything that makes stories. Retries come at once."""
    actor = Actor(await add_user(transactions))
    async with transactions.as_user(actor) as work:
        child = await work.children.add(ids.new(), actor.user_id, new_child())
        await work.commit()
    provider, publisher, log = ScriptedProvider(), RecordingPublisher(), RecordingLog()
    policy = RetryPolicy(MODELS, max_attempts=3)
    run = RunAttempt(
        attempt_queue, provider, policy, lambda low, _: low, ids, publisher, log, saving_delays=(0.01, 0.05)
    )
    return Flow(
        transactions,
        attempt_queue,
        RequestGeneration(transactions, attempt_queue, NoWorker(publisher), ids, QUEUE, MODELS),
        run,
        Reaper(attempt_queue, transactions, run, clock, log),
        provider,
        publisher,
        hub,
        log,
        actor,
        child.id,
    )
