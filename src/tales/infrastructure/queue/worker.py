"""A worker: takes jobs from a lane of the queue, a few at a time, and beats while they run.

PgQueuer hands a job out again when its worker has been silent for `LEASE`. It runs on session connections of its own,
because it listens for new jobs, which a transaction pooler does not pass on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from tales.application.ports import Log
from tales.domain.errors import Unavailable
from tales.domain.generation import AttemptId
from tales.infrastructure.persistence.urls import libpq_url
from tales.infrastructure.queue.driver import WorkerDriver
from tales.infrastructure.queue.jobs import LEASE, Lane, read_payload
from tales.infrastructure.queue.schema import CHANNEL, ROLE, queries

POLL = timedelta(seconds=2)
"""How often the queue is looked at when no notice comes: a dead worker's job gives none."""

RETRY_DELAY = timedelta(seconds=5)
RECONNECT_SECONDS = 1.0
STOP_GRACE_SECONDS = 10.0
"""How long a worker that stops goes on with what it has in hand."""

OWN_GRACE_SECONDS = 1.0
"""The same for a process with a lane of its own: whoever waits for its one story has left already."""

RunJob = Callable[[AttemptId, UUID, int], Awaitable[None]]


class JobFailed(Exception):
    """A job raised something unforeseen. Only the type is said: a message could quote a family's words."""


class Worker:
    """Runs the jobs of `lane`, at most `concurrency` at once, by `run(attempt, user_id, job)`."""

    def __init__(self, url: str, lane: Lane, run: RunJob, concurrency: int, log: Log) -> None:
        self._url = libpq_url(url)
        self._lane = lane
        self._run = run
        self._concurrency = concurrency
        self._places = asyncio.Semaphore(concurrency)
        self._log = log
        self._manager: QueueManager | None = None
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the body runs; then finish what is in hand, for some seconds at most."""
        work = asyncio.create_task(self._work_for_ever(), name="tales worker")
        try:
            yield
        finally:
            await self._stop(work)

    async def _work_for_ever(self) -> None:
        while not self._stopping:
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 -- whatever became of the connections, new ones may do
                self._log.warning("queue lost", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _work(self) -> None:
        """The life of a pair of connections."""
        async with self._connect() as statements, self._connect() as notices:
            self._manager = manager = QueueManager(queries(WorkerDriver(statements, notices)), channel=CHANNEL)
            for entrypoint in {self._lane.entrypoint, self._lane.shared}:
                manager.entrypoint(entrypoint)(self._run_job)
            if self._stopping:
                return
            await manager.run(
                dequeue_timeout=POLL,
                batch_size=max(1, self._concurrency // 2),
                max_concurrent_tasks=max(2, self._concurrency),
                heartbeat_timeout=LEASE,
                shutdown_on_listener_failure=True,
            )

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[psycopg.AsyncConnection]:
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="tales worker"
        ) as connection:
            await connection.execute(f"set role {ROLE}")
            yield connection

    async def _run_job(self, job: Job) -> None:
        attempt, user_id = read_payload(job.payload)
        task = asyncio.current_task()
        assert task is not None  # PgQueuer runs each job in a task of its own
        self._running.add(task)
        try:
            async with self._places:
                await self._run(attempt, user_id, job.id)
        except Unavailable:
            self._log.warning("job put back", attempt=str(attempt))
            raise RetryRequested(delay=RETRY_DELAY, reason="unavailable") from None
        except Exception as error:  # noqa: BLE001 -- whatever it is, its words must not reach a log
            self._log.error("job failed", attempt=str(attempt), error=type(error).__name__)
            raise JobFailed(type(error).__name__) from None
        finally:
            self._running.discard(task)

    async def _stop(self, work: asyncio.Task[None]) -> None:
        self._stopping = True
        if self._manager is not None:
            self._manager.shutdown.set()
        await asyncio.wait({work}, timeout=OWN_GRACE_SECONDS if self._lane.owner else STOP_GRACE_SECONDS)
        for task in self._running:
            # The attempt ends as lost, and the next one waits for another worker.
            task.cancel()
        await asyncio.wait({work}, timeout=STOP_GRACE_SECONDS)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
