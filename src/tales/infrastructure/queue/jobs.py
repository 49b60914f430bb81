"""Jobs that commit with the rows they belong to.

A job waits under an entrypoint: a lane of the queue. The workers of one provider share a lane; a process that wants
to run its own attempts itself (`tales write`) has a lane of its own behind it, and if it dies, its jobs move to the
shared one.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.generation import AttemptId
from tales.infrastructure.persistence.roles import acting_as
from tales.infrastructure.queue.driver import SessionDriver
from tales.infrastructure.queue.schema import QUEUE_SETTINGS, ROLE, queries

LEASE = timedelta(seconds=10)
"""How long a worker may be silent before its jobs are handed out again. It beats twice in that time."""

_TABLE = QUEUE_SETTINGS.qualified.queue_table
_HAS_JOB = text(f"select exists (select from {_TABLE} where dedupe_key = :key and status in ('queued', 'picked'))")
_HELD_BY_ANOTHER = text(f"""
    select exists (
        select from {_TABLE}
        where dedupe_key = :key and id <> :job and status = 'picked' and heartbeat > now() - cast(:lease as interval)
    )
""")
_BEING_SERVED = text(f"""
    select exists (
        select from {_TABLE}
        where dedupe_key = :key and (
            (status = 'picked' and heartbeat > now() - cast(:lease as interval))
            or greatest(execute_after, updated) > now() - cast(:patience as interval)
        )
    )
""")
_DUE_AT = text(f"select execute_after from {_TABLE} where dedupe_key = :key and status in ('queued', 'picked')")
_ADOPT = text(f"""
    update {_TABLE} set entrypoint = :shared
    where starts_with(entrypoint, :private) and (
        (status = 'picked' and heartbeat < now() - cast(:lease as interval))
        or (status = 'queued' and execute_after < now() - cast(:lease as interval))
    )
""")


@dataclass(frozen=True, slots=True)
class Lane:
    """Where this process's jobs wait: `provider` is the service that they are for, `owner` the process, if its own."""

    provider: str
    owner: str | None = None

    @property
    def shared(self) -> str:
        """The entrypoint of all workers of this provider."""
        return f"attempts:{self.provider}"

    @property
    def entrypoint(self) -> str:
        """The entrypoint of this process's jobs."""
        return f"{self.shared}#{self.owner}" if self.owner else self.shared


def write_payload(attempt: AttemptId, user_id: UUID) -> bytes:
    """What a job says of its attempt."""
    return f"{attempt} {user_id}".encode()


def read_payload(payload: bytes | None) -> tuple[AttemptId, UUID]:
    """The inverse of `write_payload`. Raises: ValueError."""
    attempt, _, user_id = (payload or b"").decode().partition(" ")
    return AttemptId.parse(attempt), UUID(user_id)


class PgQueuerJobs:
    """See `tales.domain.repositories.unit_of_work.JobQueue`.

    Users have no rights on the queue: each statement takes on the queue's role, and puts the actor's back.
    """

    def __init__(self, session: AsyncSession, role: str, lane: Lane) -> None:
        self._session = session
        self._role = role
        self._lane = lane

    async def enqueue(self, attempt: AttemptId, user_id: UUID, delay: float = 0.0) -> None:
        """Have a worker make this call of `user_id`'s, and nobody else's, in `delay` seconds at the earliest."""
        async with self._as_queue():
            await queries(SessionDriver(self._session)).enqueue(
                self._lane.entrypoint,
                write_payload(attempt, user_id),
                execute_after=timedelta(seconds=delay),
                dedupe_key=str(attempt),
            )

    async def is_held_by_another(self, attempt: AttemptId, job: int) -> bool:
        """Whether a job other than `job` for this attempt is in the hands of a worker that is alive."""
        async with self._as_queue():
            found = await self._session.scalar(_HELD_BY_ANOTHER, {"key": str(attempt), "job": job, "lease": LEASE})
        return bool(found)

    async def has_job(self, attempt: AttemptId) -> bool:
        """Whether the queue holds a job for this attempt, waiting or in a worker's hands."""
        async with self._as_queue():
            return bool(await self._session.scalar(_HAS_JOB, {"key": str(attempt)}))

    async def is_being_served(self, attempt: AttemptId, patience: float) -> bool:
        """Whether a live worker holds this attempt's job, or it has been due for less than `patience` seconds."""
        parameters = {"key": str(attempt), "lease": LEASE, "patience": timedelta(seconds=patience)}
        async with self._as_queue():
            return bool(await self._session.scalar(_BEING_SERVED, parameters))

    async def due_at(self, attempt: AttemptId) -> datetime | None:
        """When this attempt's job may be taken; None when the queue holds none for it."""
        async with self._as_queue():
            due_at: datetime | None = await self._session.scalar(_DUE_AT, {"key": str(attempt)})
        return due_at

    async def adopt_orphans(self) -> int:
        """Hand the jobs that a dead process kept to itself to every worker; how many they were."""
        parameters = {"shared": self._lane.shared, "private": f"{self._lane.shared}#", "lease": LEASE}
        async with self._as_queue():
            result = await self._session.execute(_ADOPT, parameters)
        assert isinstance(result, CursorResult)  # an UPDATE without RETURNING
        return result.rowcount

    def _as_queue(self) -> AbstractAsyncContextManager[None]:
        return acting_as(self._session, ROLE, then=self._role)
