"""Jobs that commit with the rows they belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.generation import AttemptId
from tales.infrastructure.queue.driver import SessionDriver
from tales.infrastructure.queue.schema import QUEUE_SETTINGS, ROLE, queries

ENTRYPOINT = "run_attempt"
_BECOME = text("select set_config('role', :role, true)")
_TABLE = QUEUE_SETTINGS.qualified.queue_table
_HAS_JOB = text(f"select exists (select from {_TABLE} where dedupe_key = :key)")
_HELD_BY_ANOTHER = text(f"""
    select exists (
        select from {_TABLE}
        where dedupe_key = :key and id <> :job and status = 'picked'
            and heartbeat > now() - make_interval(secs => :lease)
    )
""")


class PgQueuerJobs:
    """See `tales.domain.repositories.unit_of_work.JobQueue`.

    Users have no rights on the queue: each statement takes on the queue's role, and puts the actor's back.
    """

    def __init__(self, session: AsyncSession, role: str) -> None:
        self._session = session
        self._role = role

    async def enqueue(self, attempt: AttemptId, delay: float = 0.0) -> None:
        """Have a worker make this attempt's call, in `delay` seconds at the earliest."""
        async with self._as_queue():
            await queries(SessionDriver(self._session)).enqueue(
                ENTRYPOINT,
                str(attempt).encode(),
                execute_after=timedelta(seconds=delay),
                dedupe_key=str(attempt),
            )

    async def has_job(self, attempt: AttemptId) -> bool:
        """Whether the queue still holds a job for this attempt."""
        async with self._as_queue():
            return bool(await self._session.scalar(_HAS_JOB, {"key": str(attempt)}))

    @asynccontextmanager
    async def _as_queue(self) -> AsyncIterator[None]:
        await self._session.execute(_BECOME, {"role": ROLE})
        yield
        await self._session.execute(_BECOME, {"role": self._role})
