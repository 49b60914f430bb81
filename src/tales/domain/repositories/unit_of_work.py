"""One transaction, on behalf of one actor."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.generation import AttemptId
from tales.domain.repositories.accounts import AccountRepository
from tales.domain.repositories.entry_attempts import EntryAttemptRepository
from tales.domain.repositories.family import ChildRepository, HeroRepository
from tales.domain.repositories.generations import GenerationRepository
from tales.domain.repositories.limits import IdempotencyKeyRepository, RequestRateRepository, UsageRepository
from tales.domain.repositories.live_texts import LiveTextRepository
from tales.domain.repositories.reports import ReportRepository
from tales.domain.repositories.sessions import SessionRepository
from tales.domain.repositories.stories import StoryRepository


class JobQueue(Protocol):
    """Work that begins when the transaction that asked for it commits, and never otherwise."""

    async def enqueue(self, attempt: AttemptId, user_id: UUID, delay: float = 0.0) -> None:
        """Have a worker make this call of `user_id`'s, and nobody else's, in `delay` seconds at the earliest."""

    async def is_held_by_another(self, attempt: AttemptId, job: int) -> bool:
        """Whether a job other than `job` for this attempt is in the hands of a worker that is alive."""

    async def has_job(self, attempt: AttemptId) -> bool:
        """Whether the queue holds a job for this attempt, waiting or in a worker's hands."""

    async def is_being_served(self, attempt: AttemptId, patience: float) -> bool:
        """Whether a live worker holds this attempt's job, or it has been due for less than `patience` seconds."""

    async def due_at(self, attempt: AttemptId) -> datetime | None:
        """When this attempt's job may be taken; None when the queue holds none for it."""

    async def adopt_orphans(self) -> int:
        """Hand the jobs that a dead process kept to itself to every worker; how many they were."""


class UnitOfWork(Protocol):
    """The repositories over one transaction. Left without `commit`, nothing of it has happened."""

    @property
    def generations(self) -> GenerationRepository:
        """Attempts."""

    @property
    def stories(self) -> StoryRepository:
        """Stories."""

    @property
    def children(self) -> ChildRepository:
        """Children."""

    @property
    def heroes(self) -> HeroRepository:
        """Heroes."""

    @property
    def accounts(self) -> AccountRepository:
        """Users and their accounts."""

    @property
    def live_texts(self) -> LiveTextRepository:
        """Text of attempts in flight."""

    @property
    def idempotency_keys(self) -> IdempotencyKeyRepository:
        """Under which keys generations were asked for."""

    @property
    def request_rates(self) -> RequestRateRepository:
        """How fast users send requests."""

    @property
    def usage(self) -> UsageRepository:
        """What users have asked for lately."""

    @property
    def sessions(self) -> SessionRepository:
        """Sign-ins that have not ended."""

    @property
    def entry_attempts(self) -> EntryAttemptRepository:
        """How often somebody has tried to get in."""

    @property
    def reports(self) -> ReportRepository:
        """Reports over all attempts."""

    @property
    def jobs(self) -> JobQueue:
        """Work for later."""

    async def commit(self) -> None:
        """Make all of it last, at once."""


class Transactions(Protocol):
    """Begins units of work. The only way to the database's rows."""

    def as_user(self, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
        """Under row-level security, as this user. Raises: NotSignedIn when the actor's session has ended."""

    def as_service(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """As the service itself: to keep results, and accounts."""
