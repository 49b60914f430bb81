"""One transaction on behalf of one actor: the one place that builds SQL sessions with a user's claims.

Role and claims are set for the transaction alone (`SET LOCAL`), so it works behind PgBouncer in transaction mode,
and a missing WHERE shows nobody another family's rows.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tales.application.ports import Clock
from tales.domain.actor import Actor
from tales.infrastructure.persistence.account_repository import SqlAccountRepository
from tales.infrastructure.persistence.errors import translated_errors
from tales.infrastructure.persistence.family_repositories import SqlChildRepository, SqlHeroRepository
from tales.infrastructure.persistence.generation_repository import SqlGenerationRepository
from tales.infrastructure.persistence.limit_repositories import (
    SqlIdempotencyKeyRepository,
    SqlRequestRateRepository,
    SqlUsageRepository,
)
from tales.infrastructure.persistence.live_text_repository import SqlLiveTextRepository
from tales.infrastructure.persistence.story_repository import SqlStoryRepository
from tales.infrastructure.queue.jobs import Lane, PgQueuerJobs

_BECOME = text("select set_config('request.jwt.claims', :claims, true), set_config('role', :role, true)")


class SqlUnitOfWork:
    """The repositories over one session; see `tales.domain.repositories.unit_of_work.UnitOfWork`."""

    def __init__(self, session: AsyncSession, clock: Clock, role: str, lane: Lane) -> None:
        self._session = session
        self.generations = SqlGenerationRepository(session, clock)
        self.stories = SqlStoryRepository(session, clock)
        self.children = SqlChildRepository(session)
        self.heroes = SqlHeroRepository(session)
        self.accounts = SqlAccountRepository(session)
        self.live_texts = SqlLiveTextRepository(session)
        self.idempotency_keys = SqlIdempotencyKeyRepository(session, role)
        self.request_rates = SqlRequestRateRepository(session, role)
        self.usage = SqlUsageRepository(session)
        self.jobs = PgQueuerJobs(session, role, lane)

    async def commit(self) -> None:
        """Make all of it last, at once."""
        await self._session.commit()


class SqlTransactions:
    """Begins units of work; see `tales.domain.repositories.unit_of_work.Transactions`."""

    def __init__(self, engine: AsyncEngine, clock: Clock, lane: Lane) -> None:
        self._engine = engine
        self._clock = clock
        self._lane = lane

    @asynccontextmanager
    async def as_user(self, actor: Actor) -> AsyncIterator[SqlUnitOfWork]:
        """Under row-level security, as this user."""
        claims: dict[str, object] = {
            "sub": str(actor.user_id),
            "role": "authenticated",
            "app_metadata": {"role": "admin"} if actor.is_admin else {},
        }
        async with self._begin("authenticated", claims) as work:
            yield work

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[SqlUnitOfWork]:
        """As the service itself: to keep results, and accounts."""
        async with self._begin("service_role", {"role": "service_role"}) as work:
            yield work

    async def check(self) -> None:
        """Pass when the database answers. Raises: Unavailable."""
        async with self.as_service():
            pass

    @asynccontextmanager
    async def _begin(self, role: str, claims: dict[str, object]) -> AsyncIterator[SqlUnitOfWork]:
        # Leaving without a commit closes the session, which rolls back.
        with translated_errors():
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                await session.execute(_BECOME, {"claims": json.dumps(claims), "role": role})
                yield SqlUnitOfWork(session, self._clock, role, self._lane)
