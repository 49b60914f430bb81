"""One transaction on behalf of one actor: the one place that builds SQL sessions with a user's claims.

Role and claims are set for the transaction alone (`SET LOCAL`), so it works behind PgBouncer in transaction mode,
and a missing WHERE shows nobody another family's rows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tales.application.ports import Clock
from tales.domain.actor import Actor
from tales.domain.errors import Unauthenticated
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.infrastructure.postgres.connection import driver_of
from tales.infrastructure.postgres.engine import BEHIND_POOLER
from tales.infrastructure.postgres.errors import ADVICE, DatabaseUnavailable, translated_errors
from tales.infrastructure.repositories.accounts import SqlAccountRepository
from tales.infrastructure.repositories.audit_log import SqlAuditLog
from tales.infrastructure.repositories.budgets import SqlBudgetRepository
from tales.infrastructure.repositories.changes import SqlChangeLog
from tales.infrastructure.repositories.family import child_repository, hero_repository
from tales.infrastructure.repositories.generations import SqlGenerationRepository
from tales.infrastructure.repositories.goals import SqlGoalRepository
from tales.infrastructure.repositories.limits import (
    SqlIdempotencyKeyRepository,
    SqlRequestRateRepository,
)
from tales.infrastructure.repositories.live_texts import SqlLiveTextRepository
from tales.infrastructure.repositories.login_attempts import SqlLoginAttemptRepository
from tales.infrastructure.repositories.prices import SqlPriceRepository
from tales.infrastructure.repositories.prompts import SqlPromptRepository
from tales.infrastructure.repositories.reports import SqlReportRepository
from tales.infrastructure.repositories.sessions import SqlSessionRepository
from tales.infrastructure.repositories.stories import SqlStoryRepository

_ACTOR = (
    "pg_catalog.set_config('request.jwt.claims', :claims, true), pg_catalog.set_config('role', :role, true),"
    " pg_catalog.set_config('idle_in_transaction_session_timeout', :longest_pause, true)"
)
# Behind a transaction pooler the session is everybody's, and what our statements mean is said in each transaction.
_OWN_SETTINGS = (
    ", pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"
    " pg_catalog.set_config('datestyle', 'ISO', true), pg_catalog.set_config('jit', 'off', true)"
)
# Asked on the way, before the user's role is taken on: the user has no right to look sessions up.
_IN_SESSION = "tales.session_is_open(:session), "

LONGEST_PAUSE = 10.0
"""Seconds between two statements of a transaction: a process that was stopped must not keep its locks for longer."""

CALL_TIMEOUT = 8.0
"""Seconds for a statement of the queue: less than a lease, which is lost otherwise."""

CHECK_TIMEOUT = 5.0
CHECK_INTERVAL = 1.0
"""Seconds for which an answer is good, however many ask."""

SESSION_HAS_ENDED = "This session has ended. Sign in again."

_READ_ONLY = text("select pg_catalog.current_setting('transaction_read_only') = 'on'")
# Outside of a transaction of ours: whatever the search path is.
_AUTH_IS_OURS = text(
    "select pg_catalog.obj_description(pg_catalog.to_regnamespace('auth')::pg_catalog.oid, 'pg_namespace')"
    " operator(pg_catalog.=) 'Made by Tales'"
)


class SqlUnitOfWork(UnitOfWork):
    """The repositories over one session."""

    def __init__(self, session: AsyncSession, clock: Clock, role: str, address_key: bytes) -> None:
        self.session = session
        self.generations = SqlGenerationRepository(session, clock)
        self.stories = SqlStoryRepository(session, clock)
        self.children = child_repository(session)
        self.heroes = hero_repository(session)
        self.accounts = SqlAccountRepository(session)
        self.live_texts = SqlLiveTextRepository(session)
        self.idempotency_keys = SqlIdempotencyKeyRepository(session, role)
        self.request_rates = SqlRequestRateRepository(session, role)
        self.sessions = SqlSessionRepository(session, clock, address_key)
        self.login_attempts = SqlLoginAttemptRepository(session, clock, address_key)
        self.reports = SqlReportRepository(session)
        self.audit_log = SqlAuditLog(session, role)
        self.changes = SqlChangeLog(session)
        self.prices = SqlPriceRepository(session)
        self.prompts = SqlPromptRepository(session)
        self.goals = SqlGoalRepository(session)
        self.budgets = SqlBudgetRepository(session, role)

    async def commit(self) -> None:
        await self.session.commit()


class SqlTransactions(Transactions):
    """Transactions over one engine.

    `address_key` is the secret by which the addresses are hashed of those who try to sign in: the same for all
    processes that sign users in.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, address_key: bytes = b"") -> None:
        self._engine = engine
        self._clock = clock
        self._address_key = address_key
        self._asking: asyncio.Task[bool] | None = None
        self._asked_at = float("-inf")
        settings = _OWN_SETTINGS if engine.sync_engine.get_execution_options().get(BEHIND_POOLER) else ""
        self._become = text(f"select {_ACTOR}{settings}")
        self._become_in_session = text(f"select {_IN_SESSION}{_ACTOR}{settings}")

    @asynccontextmanager
    async def as_user(self, actor: Actor) -> AsyncIterator[SqlUnitOfWork]:
        async with self._begin("authenticated", claims_of(actor), actor.session_id) as work:
            yield work

    @asynccontextmanager
    async def as_requester(self, actor: Actor) -> AsyncIterator[SqlUnitOfWork]:
        async with self._begin("tales_requester", claims_of(actor), actor.session_id) as work:
            yield work

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[SqlUnitOfWork]:
        async with self._begin("service_role", json.dumps({"role": "service_role"})) as work:
            yield work

    async def call(self, statement: LiteralString, parameters: tuple[object, ...]) -> Sequence[Mapping[str, Any]]:
        """Run one statement that takes on its role itself (migration 025), in a transaction of its own; its rows.

        By the driver itself, as every story passes here. Raises: what the database has against it, Unavailable.
        """
        with translated_errors():
            async with self._engine.connect() as connection:
                # Not as an option of an engine: who is cancelled in that would never give the connection back.
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                driver = await driver_of(connection)
                driver.answer_timeout = CALL_TIMEOUT
                try:
                    async with driver.cursor(row_factory=dict_row) as cursor:
                        await cursor.execute(statement, parameters)
                        rows: list[dict[str, Any]] = await cursor.fetchall()
                except psycopg.errors.ReadOnlySqlTransaction:
                    # The driver's own errors pass by the pool.
                    await self._engine.dispose()
                    raise
        return rows

    async def keeps_own_users(self) -> bool:
        """Whether `auth.users` was made by Tales, and not by Supabase or the like. Raises: Unavailable."""
        with translated_errors():
            async with AsyncSession(self._engine) as session:
                return bool(await session.scalar(_AUTH_IS_OURS))

    async def check(self) -> None:
        """Pass when the database answers in time, and takes what is written: asked at most once a second.

        Raises: Unavailable.
        """
        now = asyncio.get_running_loop().time()
        # One that keeps silent is left to end by itself, and asked for no other meanwhile: to cancel it would wait too.
        if self._asking is None or (self._asking.done() and now - self._asked_at >= CHECK_INTERVAL):
            self._asked_at = now
            self._asking = asyncio.create_task(self._is_read_only())
            self._asking.add_done_callback(_ignored)
        await asyncio.wait([asking := self._asking], timeout=CHECK_TIMEOUT)
        if not asking.done():
            raise DatabaseUnavailable
        if asking.result():
            raise DatabaseUnavailable(ADVICE["25006"])

    async def _is_read_only(self) -> bool:
        async with self.as_service() as work:
            return bool(await work.session.scalar(_READ_ONLY))

    @asynccontextmanager
    async def _begin(self, role: str, claims: str, session_id: UUID | None = None) -> AsyncIterator[SqlUnitOfWork]:
        # Leaving without a commit closes the session, which rolls back.
        with translated_errors():
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                longest_pause = f"{LONGEST_PAUSE * 1000:.0f}ms"
                actor: dict[str, object] = {"claims": claims, "role": role, "longest_pause": longest_pause}
                if session_id is None:
                    await session.execute(self._become, actor)
                elif not await session.scalar(self._become_in_session, actor | {"session": session_id}):
                    raise Unauthenticated(SESSION_HAS_ENDED)
                yield SqlUnitOfWork(session, self._clock, role, self._address_key)


def _ignored(task: asyncio.Task[bool]) -> None:
    """Whoever has asked may have gone."""
    if not task.cancelled():
        task.exception()


def claims_of(actor: Actor) -> str:
    """The claims of a user's request, as the policies read them (`request.jwt.claims`)."""
    claims = {
        "sub": str(actor.user_id),
        "role": "authenticated",
        "app_metadata": {"role": "admin"} if actor.is_admin else {},
    }
    return json.dumps(claims)
