"""The service as several processes run it, each with a pool of its own, within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from httpx import AsyncClient

from tales.application.passwords import Passwords
from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.limits import GenerationLimits
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.queue.request_rates import SqlRequestRates
from tales.interfaces.api.app import create_app
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock
from tests.interfaces.api.conftest import wired
from tests.interfaces.api.world import Family, Silence, client_of


def within(
    services: Services,
    *,
    per_day: int | None = None,
    concurrent: int | None = None,
    waiting: int | None = None,
    per_minute: int | None = None,
) -> Services:
    """The use cases with these limits."""
    limits = GenerationLimits(per_day, concurrent, waiting)
    return replace(
        services,
        request_generation=replace(services.request_generation, limits=limits),
        limit_requests=replace(services.limit_requests, per_minute=per_minute),
    )


def seen_by(family: Family, services: Services) -> AsyncClient:
    """The family's client of an application over these use cases."""
    return client_of(create_app(services), "/api/v3", services.tokens.issue(Actor(family.user_id)))


@asynccontextmanager
async def another_process(database: Database, clock: FakeClock, passwords: Passwords) -> AsyncIterator[Services]:
    """The use cases over a pool of their own, as another process has them."""
    engine = make_engine(database.app_url)
    transactions = SqlTransactions(engine, clock)
    hub = ProgressHub(transactions, Silence())
    queue = SqlAttemptQueue(transactions, clock)
    try:
        async with hub.running(), queue.running():
            yield wired(transactions, passwords, queue, hub, SqlRequestRates(transactions))
    finally:
        await engine.dispose()
