"""The database's rows, for what needs neither a worker nor a listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from tales.administration.database import ready_database
from tales.domain.repositories.attempt_queue import WorkerState
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.database import Database
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.repositories import rollups
from tales.settings import Settings


@asynccontextmanager
async def open_transactions(settings: Settings) -> AsyncIterator[SqlTransactions]:
    """Transactions with the database, which is ready for them. Raises: Unavailable, SchemaTooOld."""
    database = await asyncio.to_thread(ready_database, settings)
    async with open_engine(settings, database) as engine:
        yield SqlTransactions(engine, SystemClock())


@asynccontextmanager
async def open_engine(settings: Settings, database: Database) -> AsyncIterator[AsyncEngine]:
    """The service's pool of connections."""
    engine = make_engine(
        database.app_url,
        behind_pooler=settings.behind_pooler,
        pool_size=settings.pool_size,
        overflow=settings.pool_overflow,
    )
    try:
        yield engine
    finally:
        await engine.dispose()


async def list_workers(settings: Settings) -> tuple[WorkerState, ...]:
    """The workers that are alive, or were a while ago."""
    async with open_transactions(settings) as transactions:
        return await SqlAttemptQueue(transactions, SystemClock()).workers()


async def refresh_rollups(settings: Settings, report: Callable[[int], None], *, rebuild: bool) -> datetime | None:
    """Bring the rollups up to date, or make them anew; up to when they are complete. `report` gets the hours so far."""
    hours = 0
    async with open_transactions(settings) as transactions:
        if rebuild:
            async with transactions.as_service() as work:
                await work.session.execute(rollups.FORGET)
                await work.commit()
        while counted := await rollups.refresh(transactions, waits=True):
            hours += counted
            report(hours)
        async with transactions.as_service() as work:
            complete_until: datetime | None = await work.session.scalar(rollups.COMPLETE_UNTIL)
            return complete_until
