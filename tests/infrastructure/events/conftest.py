"""A worker's process and another one, and those who follow a generation in each of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.generation import AttemptOutcome, Generation
from tales.domain.progress import Snapshot
from tales.domain.repositories.attempt_queue import NOBODY, AttemptResult, ClaimedAttempt, EndedAttempt, WorkerInfo
from tales.infrastructure.events.listener import NoticeListener
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request, failure
from tests.fixtures.databases import Database
from tests.fixtures.recording import RecordingLog
from tests.fixtures.waiting import until

WORKER = WorkerInfo(uuid7(), "test", "host", os.getpid(), 4)


@dataclass
class Heard:
    """What somebody who follows a generation was told."""

    told: list[Snapshot] = field(default_factory=list)
    is_over: bool = False

    @property
    def text(self) -> str | None:
        """The text as it was told last; None as long as nothing was told."""
        return self.told[-1].text if self.told else None

    @property
    def has_ended(self) -> bool:
        """Whether the generation has, as it was told last."""
        return bool(self.told) and self.told[-1].generation.status.is_final


@asynccontextmanager
async def following(hub: ProgressHub, generation_id: UUID, *, with_text: bool = True) -> AsyncIterator[Heard]:
    """Somebody follows a generation while the block runs, and knows how it stands when it begins."""
    heard = Heard()

    async def follow() -> None:
        with hub.subscribe(generation_id, with_text=with_text) as subscription:
            while (progress := await subscription.next()) is not None:
                heard.told.append(progress)
        heard.is_over = True

    task = asyncio.create_task(follow())
    await until(lambda: heard.told or heard.is_over)
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


@dataclass
class Processes:
    """A worker's process, whose hub is `near`, and another one, whose hub is `far`."""

    transactions: SqlTransactions
    queue: SqlAttemptQueue
    publisher: ProgressPublisher
    near: ProgressHub
    far: ProgressHub
    log: RecordingLog
    actor: Actor

    async def start(self) -> ClaimedAttempt:
        """The worker begins the call of a new attempt, which it has claimed from the queue."""
        attempt = await self.queue.enqueue(self.actor, attempt_request(self.actor.user_id), NOBODY)
        assert attempt is not None
        (claimed,) = await self.queue.claim(WORKER, 1, [attempt.id.generation_id])
        self.publisher.begin(claimed.attempt)
        return claimed

    async def start_at_birth(self) -> ClaimedAttempt:
        """The worker begins the call of a new attempt that was asked for in its own process."""
        attempt = await self.queue.enqueue(self.actor, attempt_request(self.actor.user_id), NOBODY, WORKER.id)
        assert attempt is not None
        self.near.add(Generation(attempt.id.generation_id, attempt.user_id, (attempt,)))
        self.publisher.begin(attempt)
        return ClaimedAttempt(attempt, (attempt.model_used,))

    async def finish(self, claimed: ClaimedAttempt, outcome: AttemptOutcome | None = None) -> EndedAttempt:
        """It ends in the database, and nobody says so."""
        ended = await self.queue.finish(AttemptResult(claimed.attempt, outcome or failure()))
        assert ended is not None
        return ended

    async def end(self, claimed: ClaimedAttempt, outcome: AttemptOutcome | None = None) -> None:
        """It ends, and the worker tells."""
        self.publisher.end(claimed.attempt.id, await self.finish(claimed, outcome))


@pytest.fixture
async def processes(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, database: Database
) -> AsyncIterator[Processes]:
    """Two processes at work; the far one hears notices."""
    log = RecordingLog()
    near, far = ProgressHub(transactions, log), ProgressHub(transactions, log)
    publisher = ProgressPublisher(transactions, near, log)
    async with AsyncExitStack() as stack:
        listener = NoticeListener(database.owner_url, far, lambda: None, log)
        for running in (near.running(), far.running(), listener.running(), publisher.running()):
            await stack.enter_async_context(running)
        await until(lambda: far.connected)
        actor = Actor(await add_user(transactions))
        yield Processes(transactions, attempt_queue, publisher, near, far, log, actor)
