"""Idempotency keys and request rates, in the database itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.generation import AttemptId, AttemptRequest
from tales.domain.idempotency import IdempotencyRecord
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.request_rates import SqlRequestRates
from tests.factories import add_user, attempt_request
from tests.fixtures.actors import refused
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.rows import add_user as add_row_of_user
from tests.fixtures.rows import attempt, insert
from tests.fixtures.waiting import until

FINGERPRINT = b"x" * 32
WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def use_of(user_id: UUID, generation_id: UUID | None = None, fingerprint: bytes = FINGERPRINT) -> IdempotencyRecord:
    return IdempotencyRecord(user_id, "one", fingerprint, generation_id or uuid7())


def request_for(use: IdempotencyRecord) -> AttemptRequest:
    """The first attempt of the key's generation."""
    return attempt_request(use.user_id, id=AttemptId(use.generation_id, 1))


@pytest.fixture
async def parent(transactions: SqlTransactions) -> UUID:
    return await add_user(transactions)


async def ask(transactions: SqlTransactions, use: IdempotencyRecord) -> IdempotencyRecord:
    """Take a key and make its generation, unless it was taken before."""
    async with transactions.as_requester(Actor(use.user_id)) as work:
        found = await work.idempotency_keys.claim(use)
        if found == use:
            await work.generations.create_attempt(request_for(use))
            await work.commit()
    return found


async def test_whoever_comes_second_waits_for_the_first_and_finds_its_generation(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    first, second = use_of(parent), use_of(parent)
    async with transactions.as_requester(Actor(parent)) as work:
        assert await work.idempotency_keys.claim(first) == first
        waiting = asyncio.create_task(ask(transactions, second))
        await until(lambda: database.rows(WAITING))
        assert not waiting.done()
        await work.generations.create_attempt(request_for(first))
        await work.commit()

    assert await waiting == first


async def test_whoever_comes_second_has_the_key_when_the_first_fails(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    first, second = use_of(parent), use_of(parent)
    async with transactions.as_requester(Actor(parent)) as work:
        await work.idempotency_keys.claim(first)
        waiting = asyncio.create_task(ask(transactions, second))
        await until(lambda: database.rows(WAITING))
        assert not waiting.done()

    assert await waiting == second
    assert database.rows("select generation_id from tales.idempotency_keys") == [
        {"generation_id": second.generation_id}
    ]


def test_a_key_without_its_generation_is_not_committed(database: Database) -> None:
    with database.connect() as connection:
        user_id = add_row_of_user(connection)
        with refused("idempotency_keys_generation_id_fkey"):
            key = {"user_id": user_id, "key": "one", "fingerprint": FINGERPRINT, "generation_id": uuid7()}
            insert(connection, "idempotency_keys", key)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"key": ""}, "idempotency_keys_key_is_short"),
        ({"key": "x" * 256}, "idempotency_keys_key_is_short"),
        ({"fingerprint": b"the wish itself"}, "idempotency_keys_fingerprint_is_sha256"),
    ],
)
def test_what_is_no_key_is_refused(database: Database, changes: dict[str, object], constraint: str) -> None:
    with database.connect() as connection:
        row = insert(connection, "generations", attempt(add_row_of_user(connection)))
        key = {"user_id": row["user_id"], "key": "one", "fingerprint": FINGERPRINT}
        with refused(constraint, psycopg.errors.CheckViolation):
            insert(connection, "idempotency_keys", key | {"generation_id": row["generation_id"]} | changes)


async def test_a_key_is_kept_for_a_while_and_then_free(transactions: SqlTransactions, parent: UUID) -> None:
    first, second = use_of(parent), use_of(parent)
    await ask(transactions, first)
    now = datetime.now(UTC)

    for before, expected in ((now - timedelta(minutes=1), first), (now + timedelta(minutes=1), second)):
        async with transactions.as_service() as work:
            await work.idempotency_keys.forget_before(before)
            await work.commit()
        assert await ask(transactions, second) == expected


async def test_who_is_erased_leaves_neither_keys_nor_rates(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    await ask(transactions, use_of(parent))
    await SqlRequestRates(transactions).take(parent, 5)

    database.execute("delete from auth.users where id = %s", parent)

    assert database.rows("select from tales.idempotency_keys") == []
    assert database.rows("select from tales.request_rates") == []


async def test_who_has_been_idle_is_forgotten_and_who_has_not_is_not(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    idle = await add_user(transactions)
    rates = SqlRequestRates(transactions)
    await rates.take(parent, 1)
    await rates.take(idle, 1)
    database.execute("update tales.request_rates set next_at = now() - interval '1 second' where user_id = %s", idle)

    async with transactions.as_service() as work:
        await work.request_rates.forget_idle()
        await work.commit()

    assert database.rows("select user_id from tales.request_rates") == [{"user_id": parent}]


async def test_whose_request_is_just_counted_is_not_waited_for(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    """A batch of requests counts one user after the other: it and who forgets many might wait for each other."""
    idle = await add_user(transactions)
    for user in (parent, idle):
        await SqlRequestRates(transactions).take(user, 1)
    database.execute("update tales.request_rates set next_at = now() - interval '1 second'")

    with database.connect() as connection, connection.transaction():
        connection.execute("select tales.count_requests(%s, 1)", [[parent]])
        async with transactions.as_service() as work:
            await work.request_rates.forget_idle()
            await work.commit()

    assert database.rows("select user_id from tales.request_rates") == [{"user_id": parent}]


@pytest.mark.parametrize("per_minute", [1, 7, 60, 60_000])
async def test_a_burst_is_a_minutes_worth_and_then_they_come_evenly(
    transactions: SqlTransactions, parent: UUID, database: Database, per_minute: int
) -> None:
    async def take() -> float:
        return await SqlRequestRates(transactions).take(parent, per_minute)

    assert await take() == 0
    # As if all but one of the burst had been taken, and then the last.
    gap = 60 / per_minute
    full = "update tales.request_rates set next_at = clock_timestamp() + make_interval(secs => %s)"
    database.execute(full, 60 - gap * 0.5)
    assert gap * 0.5 - 0.5 <= await take() <= gap * 0.5 + 0.001 or per_minute == 60_000
    database.execute(full, 60 - gap - 0.001)
    assert await take() == 0


def test_counting_writes_no_log_and_touches_no_index(database: Database) -> None:
    (row,) = database.rows(
        "select relpersistence, reloptions from pg_class where oid = 'tales.request_rates'::regclass"
    )
    assert row == {"relpersistence": "u", "reloptions": ["fillfactor=50"]}


async def test_requests_of_many_users_are_counted_by_one_statement(transactions: SqlTransactions, parent: UUID) -> None:
    other, rates = await add_user(transactions), SqlRequestRates(transactions)

    with statements_of(transactions) as sent:
        waits = await asyncio.gather(*(rates.take(user_id, 2) for user_id in (parent, parent, other, parent)))

    assert len(sent) == 1
    assert waits[:3] == [0, 0, 0]
    assert waits[3] > 0, "of one user's, those that came first are let in"


async def test_who_has_no_account_is_not_counted_and_keeps_nobody_else_out(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    rates = SqlRequestRates(transactions)

    waits = await asyncio.gather(*(rates.take(user_id, 2) for user_id in (uuid7(), parent, uuid7())))

    assert waits == [0, 0, 0]
    assert database.rows("select user_id from tales.request_rates") == [{"user_id": parent}]
