"""Two at the same time: one wins, the other is told so, and the rows are as if there had been one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Conflict
from tales.domain.generation import AttemptId
from tales.domain.repositories.attempt_queue import WorkerInfo
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import (
    add_ended_attempt,
    add_user,
    attempt_request,
    failure,
    finish_attempt,
    new_child,
    new_story,
    success,
)
from tests.fixtures.databases import Database


@pytest.fixture
async def parent(transactions: SqlTransactions) -> UUID:
    return await add_user(transactions)


async def _pending(transactions: SqlTransactions, parent: UUID) -> AttemptId:
    request = attempt_request(parent)
    async with transactions.as_service() as work:
        await work.generations.create_attempt(request)
        await work.commit()
    return request.id


async def _all_at_once(
    transactions: SqlTransactions, *doings: Callable[[SqlUnitOfWork], Awaitable[object]]
) -> list[object]:
    """Each in a transaction of its own, begun before any of them does anything."""
    ready = asyncio.Barrier(len(doings))

    async def one(do: Callable[[SqlUnitOfWork], Awaitable[object]]) -> object:
        async with transactions.as_service() as work:
            await ready.wait()
            result = await do(work)
            await asyncio.sleep(0.05)
            await work.commit()
        return result

    return list(await asyncio.gather(*map(one, doings), return_exceptions=True))


async def test_one_worker_starts_an_attempt(
    transactions: SqlTransactions, parent: UUID, attempt_queue: SqlAttemptQueue
) -> None:
    waiting = {await _pending(transactions, parent) for _ in range(6)}
    workers = [WorkerInfo(uuid7(), "test", "here", number, concurrency=4) for number in range(8)]
    claims = await asyncio.gather(*(attempt_queue.claim(worker, 2) for worker in workers))
    claimed = [one.attempt.id for claim in claims for one in claim]
    assert len(claimed) == len(set(claimed)), "none is given to two"
    while more := await attempt_queue.claim(workers[0], 2):
        claimed += [one.attempt.id for one in more]
    assert sorted(map(str, claimed)) == sorted(map(str, waiting)), "and none is lost"


async def test_a_claim_does_not_wait_for_another(
    transactions: SqlTransactions, parent: UUID, attempt_queue: SqlAttemptQueue, database: Database
) -> None:
    first, second = await _pending(transactions, parent), await _pending(transactions, parent)
    worker = WorkerInfo(uuid7(), "test", "here", 1, concurrency=4)
    with database.connect() as connection, connection.transaction():
        connection.execute("select from tales.generations where generation_id = %s for update", [first.generation_id])
        async with asyncio.timeout(10):
            assert [claim.attempt.id for claim in await attempt_queue.claim(worker, 5)] == [second]
    assert [claim.attempt.id for claim in await attempt_queue.claim(worker, 5)] == [first]


async def test_an_attempt_is_cancelled_while_it_is_claimed(
    transactions: SqlTransactions, parent: UUID, attempt_queue: SqlAttemptQueue, database: Database
) -> None:
    attempts = [await _pending(transactions, parent) for _ in range(8)]
    worker = WorkerInfo(uuid7(), "test", "here", 1, concurrency=8)

    async def cancel(attempt: AttemptId) -> bool:
        async with transactions.as_user(Actor(parent)) as work:
            cancelled = await work.generations.cancel_attempt(attempt, "Good night.")
            await work.commit()
        return cancelled

    *cancelled, _ = await asyncio.gather(*map(cancel, attempts), attempt_queue.claim(worker, 8))
    assert cancelled == [True] * 8, "a user's word counts, whoever has it in hand"
    assert database.rows("select distinct status, error_type from tales.generations") == [
        {"status": "failed", "error_type": "cancelled"}
    ]
    assert await attempt_queue.claim(worker, 8) == ()


async def test_one_outcome_ends_an_attempt(transactions: SqlTransactions, parent: UUID, database: Database) -> None:
    attempt = await _pending(transactions, parent)
    ended = await _all_at_once(
        transactions,
        lambda work: finish_attempt(work, attempt, success()),
        lambda work: finish_attempt(work, attempt, failure()),
        lambda work: work.generations.cancel_attempt(attempt, "Good night."),
    )
    assert sorted(map(str, ended)) == ["False", "False", "True"]
    (row,) = database.rows("select status, error_type, full_response is not null as answered from tales.generations")
    assert (row["status"], row["error_type"], row["answered"]) in {
        ("success", None, True),
        ("failed", "server_error", False),
        ("failed", None, False),
    }


async def test_a_failure_is_tried_again_once(transactions: SqlTransactions, parent: UUID, database: Database) -> None:
    first = await add_ended_attempt(transactions, attempt_request(parent), failure())
    retry = attempt_request(parent, id=first.next)
    made = await _all_at_once(transactions, *[lambda work: work.generations.create_attempt(retry)] * 3)
    assert [type(result) for result in made].count(Conflict) == 2
    assert database.rows("select count(*) from tales.generations") == [{"count": 2}]


async def test_an_attempt_is_not_tried_again_while_it_ends(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    attempt = await _pending(transactions, parent)
    retry = attempt_request(parent, id=attempt.next)
    await _all_at_once(
        transactions,
        lambda work: finish_attempt(work, attempt, success()),
        lambda work: work.generations.create_attempt(retry),
    )
    assert database.rows("select status from tales.generations") == [{"status": "success"}]


async def test_a_success_gives_one_story(transactions: SqlTransactions, parent: UUID, database: Database) -> None:
    attempt = await add_ended_attempt(transactions, attempt_request(parent))
    added = await _all_at_once(
        transactions, *[lambda work: work.stories.add(new_story(parent, attempt)) for _ in range(3)]
    )
    assert [type(result) for result in added].count(Conflict) == 2
    assert database.rows("select count(*) from tales.stories") == [{"count": 1}]


async def test_a_child_is_deleted_while_its_attempt_ends(
    transactions: SqlTransactions, parent: UUID, database: Database
) -> None:
    async with transactions.as_requester(Actor(parent)) as work:
        child = await work.children.add(parent, parent, new_child())
        request = attempt_request(parent, child_id=child.id)
        await work.generations.create_attempt(request)
        await work.commit()

    async def delete() -> None:
        async with transactions.as_user(Actor(parent)) as work:
            await work.children.delete(child.id)
            await work.commit()

    async def end() -> None:
        async with transactions.as_service() as work:
            await finish_attempt(work, request.id, success())
            await work.commit()

    await asyncio.gather(delete(), end())
    (row,) = database.rows("select status, child_id from tales.generations")
    assert row == {"status": "success", "child_id": None}
