"""Pages, one after the other, are the whole list: nothing twice, nothing lost, whatever the times of creation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tales.domain.actor import Actor
from tales.domain.page import Page, PageKey, PageRequest
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user
from tests.fixtures.databases import Database
from tests.fixtures.depth import DEEP
from tests.fixtures.rows import THEN, attempt, ended, insert, retry, story

# Few moments, so that many rows share one.
moments = st.lists(st.integers(0, 3).map(lambda seconds: THEN + timedelta(seconds=seconds)), max_size=9)
limits = st.integers(1, 4)
# One database for all examples of a test: each empties it first.
one_database = settings(max_examples=25 if DEEP else 10, suppress_health_check=[HealthCheck.function_scoped_fixture])

Reader = Callable[[SqlUnitOfWork, PageRequest], Awaitable[Page[Any]]]


async def _read_all(transactions: SqlTransactions, actor: Actor | None, limit: int, read: Reader) -> list[Any]:
    items: list[Any] = []
    after: PageKey | None = None
    begin = transactions.as_user(actor) if actor else transactions.as_service()
    async with begin as work:
        while True:
            page = await read(work, PageRequest(limit, after))
            assert len(page.items) == limit or page.next is None, "only the last page may be short"
            items += page.items
            if page.next is None:
                return items
            after = page.next


def _newest_first(rows: Sequence[tuple[datetime, UUID]]) -> list[UUID]:
    return [id_ for _, id_ in sorted(rows, reverse=True)]


def _fill(database: Database, user: UUID, times: list[datetime], *, status: str = "failed") -> list[Any]:
    with database.connect() as connection, connection.transaction():
        connection.execute("truncate tales.generations, tales.stories cascade")
        make = attempt if status == "pending" else ended
        changes = {} if status == "pending" else {"status": status}
        return [insert(connection, "generations", make(user, created_at=time, **changes)) for time in times]


@given(times=moments, limit=limits)
@one_database
async def test_a_users_generations(
    database: Database, transactions: SqlTransactions, times: list[datetime], limit: int
) -> None:
    user, stranger = await add_user(transactions), await add_user(transactions)
    rows = _fill(database, user, times)
    with database.connect() as connection:
        insert(connection, "generations", attempt(stranger, created_at=THEN))
        for row in rows[::2]:
            insert(connection, "generations", retry(row, created_at=THEN + timedelta(days=1)))
    found = await _read_all(
        transactions, Actor(user), limit, lambda work, page: work.generations.list_for_user(user, page)
    )
    assert [item.generation_id for item in found] == _newest_first(
        [(row["created_at"], row["generation_id"]) for row in rows]
    )
    retried = {row["generation_id"] for row in rows[::2]}
    assert all(len(item.attempts) == 1 + (item.generation_id in retried) for item in found)


@given(times=moments, limit=limits)
@one_database
async def test_every_users_generations(
    database: Database, transactions: SqlTransactions, times: list[datetime], limit: int
) -> None:
    user, other = await add_user(transactions), await add_user(transactions)
    rows = _fill(database, user, times)
    with database.connect() as connection:
        rows.append(insert(connection, "generations", attempt(other, created_at=THEN)))
    admin = Actor(user, is_admin=True)
    found = await _read_all(transactions, admin, limit, lambda work, page: work.generations.list_all(page))
    assert [item.generation_id for item in found] == _newest_first(
        [(row["created_at"], row["generation_id"]) for row in rows]
    )


@given(times=moments, limit=limits)
@one_database
async def test_a_users_stories(
    database: Database, transactions: SqlTransactions, times: list[datetime], limit: int
) -> None:
    user = await add_user(transactions)
    rows = _fill(database, user, times, status="success")
    with database.connect() as connection:
        stories = [insert(connection, "stories", story(row, created_at=row["created_at"])) for row in rows]
    found = await _read_all(transactions, Actor(user), limit, lambda work, page: work.stories.list_for_user(user, page))
    written = await _read_all(
        transactions, Actor(user), limit, lambda work, page: work.stories.list_written(user, page)
    )
    assert [item.id for item in found] == _newest_first([(row["created_at"], row["id"]) for row in stories])
    assert [item.story for item in written] == found
    assert [item.attempt.id for item in written] == [item.attempt for item in found]


async def test_a_list_leaves_prompts_and_responses_out(database: Database, transactions: SqlTransactions) -> None:
    user = await add_user(transactions)
    _fill(database, user, [THEN], status="success")
    async with transactions.as_service() as work:
        (generation,) = (await work.generations.list_for_user(user, PageRequest())).items
        (listed,) = (await work.generations.list_all(PageRequest())).items
    for summary in (*generation.attempts, *listed.attempts):
        assert (summary.prompt, summary.full_response, summary.prompt_tokens) == (None, None, 12)


async def test_what_waits_too_long_is_found_oldest_first(
    database: Database, transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    times = [THEN + timedelta(minutes=minutes) for minutes in (3, 1, 2, 9)]
    _fill(database, user, times, status="pending")
    with database.connect() as connection:
        insert(connection, "generations", ended(user, created_at=THEN))
        insert(connection, "generations", attempt(user))
    waiting = (await attempt_queue.stranded(10)).not_enqueued
    assert [item.attempt.created_at for item in waiting] == sorted(times), "the youngest may be of this very moment"
    assert (await attempt_queue.stranded(2)).not_enqueued == waiting[:2]
