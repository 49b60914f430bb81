"""What the limits cost a request: the count of requests by the minute, and the look at what a user has asked for.

Compared with a transaction of the service that does nothing, which every request has at least once.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import psycopg
from uuid_utils.compat import uuid7

from benchmarks.measuring import bench_server, say_machine
from tales.domain.actor import Actor
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.legacy.migrate import migrate_up

CALLS = 1000
CLIENTS = 8
ASKED = 1000
"""Generations of one user within the day: more than any limit that makes sense."""

_FILL = """
    insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, story_type,
        moral, completed_at, error_type)
    select gen_random_uuid(), 1, %s, 'failed', 'model', repeat('prompt ', 100), 'child', 'kindness', now(), 'empty'
    from generate_series(1, %s)
"""

Call = Callable[[SqlTransactions, UUID], Awaitable[None]]


async def nothing(transactions: SqlTransactions, _: UUID) -> None:
    """A transaction of the service."""
    async with transactions.as_service() as work:
        await work.commit()


async def count_request(transactions: SqlTransactions, user_id: UUID) -> None:
    """The same, with one request counted."""
    async with transactions.as_service() as work:
        await work.request_rates.take(user_id, 60_000)
        await work.commit()


async def look_at_usage(transactions: SqlTransactions, user_id: UUID) -> None:
    """What a user has asked for within a day."""
    async with transactions.as_user(Actor(user_id)) as work:
        await work.usage.of_user(user_id)


async def measure(name: str, call: Call, transactions: SqlTransactions, users: list[UUID]) -> None:
    """Median and spread of one call, and how many a second several clients get, each a user of its own."""
    took = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        await call(transactions, users[0])
        took.append((time.perf_counter() - begun) * 1000)

    async def client(user_id: UUID) -> None:
        for _ in range(CALLS // CLIENTS):
            await call(transactions, user_id)

    begun = time.perf_counter()
    await asyncio.gather(*map(client, users))
    rate = CALLS / (time.perf_counter() - begun)
    low, *_, high = statistics.quantiles(took, n=20)
    print(f"{name}: median {statistics.median(took):.2f} ms (5 to 95 %: {low:.2f} to {high:.2f}); {rate:.0f} a second")


async def main(url: str) -> None:
    """Fill a database, and measure each call three times, in turn."""
    users = [uuid7() for _ in range(CLIENTS)]
    with psycopg.connect(url) as connection:
        for user_id in users:
            connection.execute("insert into auth.users (id) values (%s)", [user_id])
            connection.execute(_FILL, [user_id, ASKED])
    engine = make_engine(url)
    transactions = SqlTransactions(engine, SystemClock())
    for _ in range(3):
        await measure("an empty transaction", nothing, transactions, users)
        await measure("one request counted", count_request, transactions, users)
        await measure(f"usage, {ASKED} a day", look_at_usage, transactions, users)
    await engine.dispose()


if __name__ == "__main__":
    with bench_server() as place:
        say_machine(place)
        place.execute("create database {}", "limits")
        migrate_up(place.url("limits"))
        asyncio.run(main(place.url("limits")))
