"""Jobs, and workers over a real queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest
import structlog
from tales.infrastructure.queue.jobs import Lane
from tales.infrastructure.queue.worker import Worker

from tales.domain.generation import AttemptId
from tales.infrastructure.persistence.engine import make_engine
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tests.factories import add_user, attempt_request
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock

LANE = Lane("test")


@dataclass
class RecordingJob:
    """What workers run in these tests: remembers the attempts, and does what a test says meanwhile."""

    started: list[AttemptId] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, attempt: AttemptId, user_id: UUID, job: int) -> None:
        self.started.append(attempt)
        if self.meanwhile is not None:
            await self.meanwhile()
        self.done.set()


@dataclass(frozen=True)
class Queue:
    """A database with a queue, and what is needed to fill it."""

    database: Database
    transactions: SqlTransactions

    async def enqueue(self, delay: float = 0.0, transactions: SqlTransactions | None = None) -> AttemptId:
        """A pending attempt and its job, by one commit."""
        request = attempt_request(await add_user(self.transactions))
        async with (transactions or self.transactions).as_service() as work:
            await work.generations.create_attempt(request)
            await work.jobs.enqueue(request.id, request.user_id, delay)
            await work.commit()
        return request.id

    def jobs(self) -> list[dict[str, object]]:
        """The rows of the queue."""
        return self.database.rows("select * from tales_queue.pgqueuer order by id")

    @asynccontextmanager
    async def worker(
        self, job: Callable[[AttemptId, UUID, int], Awaitable[None]], lane: Lane = LANE, concurrency: int = 2
    ) -> AsyncIterator[Worker]:
        """A worker at work while the block runs."""
        worker = Worker(self.database.app_url, lane, job, concurrency, structlog.get_logger("test"))
        async with worker.running():
            yield worker

    @asynccontextmanager
    async def transactions_of(self, lane: Lane, clock: FakeClock) -> AsyncIterator[SqlTransactions]:
        """Units of work whose jobs go to another lane."""
        engine = make_engine(self.database.app_url)
        yield SqlTransactions(engine, clock, lane)
        await engine.dispose()


@pytest.fixture
def queue(database: Database, transactions: SqlTransactions) -> Queue:
    """An empty queue."""
    return Queue(database, transactions)


@pytest.fixture
def job() -> RecordingJob:
    """A job that is done at once."""
    return RecordingJob()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- the condition is the database's, which tells nobody
            await asyncio.sleep(0.05)
