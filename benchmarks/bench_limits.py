"""What the limits cost: the count of requests by the minute, and the look at what a user has asked for.

Compared with a transaction of the service that does nothing, and with a story that is asked for without limits.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import psycopg
from uuid_utils.compat import uuid7

from benchmarks.measuring import bench_server, say_machine
from tales.domain.actor import Actor
from tales.domain.generation import AttemptId, AttemptRequest
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.repositories.attempt_queue import NOBODY
from tales.domain.story_spec import StoryType
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.queue.request_rates import SqlRequestRates
from tales.legacy.migrate import migrate_up

CALLS = 400
CLIENTS = 8
ASKED = 200
"""Generations of one user within the day: as many as the limit is."""

_FILL = """
    insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, story_type,
        moral, completed_at, error_type)
    select gen_random_uuid(), 1, %s, 'failed', 'model', repeat('prompt ', 100), 'child', 'kindness', now(), 'empty'
    from generate_series(1, %s)
"""

Call = Callable[["Place", UUID], Awaitable[object]]
WIDE = GenerationLimits(1_000_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Place:
    """What is asked."""

    transactions: SqlTransactions
    queue: SqlAttemptQueue
    rates: SqlRequestRates
    owner: psycopg.Connection

    def forget_asked(self) -> None:
        """So that each call finds what was there at the beginning."""
        self.owner.execute("delete from tales.generations where status = 'pending'")
        self.owner.execute("vacuum tales.generations")


async def nothing(place: Place, _: UUID) -> None:
    """A transaction of the service."""
    async with place.transactions.as_service() as work:
        await work.commit()


async def count_request(place: Place, user_id: UUID) -> None:
    """One request counted: those of several clients at a time share a statement."""
    await place.rates.take(user_id, 60_000)


async def ask(place: Place, user_id: UUID, limits: GenerationLimits = NO_LIMITS) -> None:
    """A story asked for."""
    request = AttemptRequest(
        id=AttemptId(uuid7(), 1),
        user_id=user_id,
        model_used="bench/story",
        prompt="Write. " * 100,
        prompt_version="bench",
        queue="bench",
        story_type=StoryType.CHILD,
        moral="kindness",
    )
    await place.queue.enqueue(Actor(user_id), request, NOBODY, None, limits)


async def ask_within_limits(place: Place, user_id: UUID) -> None:
    """The same, with a look at what its user has asked for within a day."""
    await ask(place, user_id, WIDE)


async def measure(name: str, call: Call, place: Place, users: list[UUID]) -> None:
    """Median and spread of one call, and how many a second several clients get, each a user of its own."""
    took = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        await call(place, users[0])
        took.append((time.perf_counter() - begun) * 1000)

    place.forget_asked()

    async def client(user_id: UUID) -> None:
        for _ in range(CALLS // CLIENTS):
            await call(place, user_id)

    begun = time.perf_counter()
    await asyncio.gather(*map(client, users))
    rate = CALLS / (time.perf_counter() - begun)
    place.forget_asked()
    low, *_, high = statistics.quantiles(took, n=20)
    print(f"{name}: median {statistics.median(took):.2f} ms (5 to 95 %: {low:.2f} to {high:.2f}); {rate:.0f} a second")


async def main(url: str) -> None:
    """Fill a database, and measure each call three times, in turn."""
    users = [uuid7() for _ in range(CLIENTS)]
    with psycopg.connect(url, autocommit=True) as connection:
        for user_id in users:
            connection.execute("insert into auth.users (id) values (%s)", [user_id])
            connection.execute(_FILL, [user_id, ASKED])
        connection.execute("vacuum analyze")
        engine = make_engine(url)
        transactions = SqlTransactions(engine, SystemClock())
        queue = SqlAttemptQueue(transactions, SystemClock())
        place = Place(transactions, queue, SqlRequestRates(transactions), connection)
        for _ in range(3):
            await measure("an empty transaction", nothing, place, users)
            await measure("one request counted", count_request, place, users)
            await measure("a story asked for", ask, place, users)
            await measure(f"the same within limits, {ASKED} in the day and more", ask_within_limits, place, users)
        await engine.dispose()


if __name__ == "__main__":
    with bench_server() as server:
        say_machine(server)
        server.execute("create database {}", "limits")
        migrate_up(server.url("limits"))
        asyncio.run(main(server.url("limits")))
