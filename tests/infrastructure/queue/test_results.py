"""How attempts leave the queue, and what is known of workers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.generation import Status
from tales.domain.repositories.attempt_queue import (
    LEASE,
    NOBODY,
    STRAY_AGE,
    AttemptResult,
    StoryText,
    WorkerInfo,
)
from tales.domain.retry import NextAttempt
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request, failure, success
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.time import FakeClock
from tests.infrastructure.queue.conftest import WORKER, claim, enqueue


async def test_an_attempt_ends_once_whoever_says_so(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    await enqueue(attempt_queue, actor)
    (claimed,) = await attempt_queue.claim(WORKER, 9)

    first = await attempt_queue.finish(AttemptResult(claimed.attempt, failure()))
    second = await attempt_queue.finish(AttemptResult(claimed.attempt, success(), StoryText(uuid7(), "T", "C")))

    assert first is not None
    assert first.attempt.status is Status.FAILED
    assert second is None


@pytest.mark.parametrize("change", ["worker", "user", "number"])
async def test_a_result_is_kept_in_the_row_that_it_belongs_to_alone(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor, change: str
) -> None:
    await enqueue(attempt_queue, actor)
    (claimed,) = await attempt_queue.claim(WORKER, 9)
    attempt = claimed.attempt
    other = {
        "worker": replace(attempt, worker_id=uuid7()),
        "user": replace(attempt, user_id=await add_user(transactions)),
        "number": replace(attempt, id=attempt.id.next),
    }[change]

    assert await attempt_queue.finish(AttemptResult(other, success(), StoryText(uuid7(), "T", "C"))) is None

    async with transactions.as_service() as work:
        assert await work.generations.get_attempt(attempt.id) == attempt


async def test_results_that_come_at_the_same_time_share_a_commit(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    await asyncio.gather(*(enqueue(attempt_queue, actor) for _ in range(10)))
    claimed = await attempt_queue.claim(WORKER, 10)
    stories = [StoryText(uuid7(), f"Title {number}", "Once") for number in range(5)]
    results = [AttemptResult(one.attempt, success(), story) for one, story in zip(claimed, stories, strict=False)]
    results += [AttemptResult(one.attempt, failure(), following=NextAttempt("b/two", 0.0)) for one in claimed[5:]]

    with statements_of(transactions) as sent:
        ended = await asyncio.gather(*map(attempt_queue.finish, results))

    assert len(sent) == 1
    assert [one.story_id for one in ended if one] == [story.story_id for story in stories] + [None] * 5
    async with transactions.as_service() as work:
        for one in ended:
            assert one is not None
            found = await work.generations.get_generation(one.attempt.id.generation_id)
            assert found is not None
            assert found.attempts == tuple(attempt for attempt in (one.attempt, one.following) if attempt)
            assert found.story_id == one.story_id


async def test_of_two_results_of_one_attempt_at_the_same_time_one_is_kept(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    """They share a statement, and whoever made the other one must hear that it is not kept."""
    await enqueue(attempt_queue, actor)
    (claimed,) = await attempt_queue.claim(WORKER, 9)
    story = StoryText(uuid7(), "T", "C")

    answers = await asyncio.gather(
        attempt_queue.finish(AttemptResult(claimed.attempt, failure(), following=NextAttempt("b/two", 0.0))),
        attempt_queue.finish(AttemptResult(claimed.attempt, success(), story)),
    )

    (kept,) = [one for one in answers if one is not None]
    async with transactions.as_service() as work:
        attempt = await work.generations.get_attempt(claimed.attempt.id)
    assert attempt is not None
    assert attempt.status is kept.attempt.status


async def test_workers_are_shown_with_what_they_have_in_hand(
    attempt_queue: SqlAttemptQueue, actor: Actor, database: Database
) -> None:
    idle = WorkerInfo(uuid7(), "another", "elsewhere", 7, 2)
    await attempt_queue.renew_lease(WORKER)
    await attempt_queue.renew_lease(idle)
    for _ in range(3):
        await enqueue(attempt_queue, actor)
    await claim(attempt_queue, 2)

    states = await attempt_queue.workers()
    assert [(state.worker, state.in_hand) for state in states] == [(WORKER, 2), (idle, 0)]
    now = database.rows("select now() as now")[0]["now"]
    assert all(state.is_alive(now) for state in states)
    assert not any(state.is_alive(now + timedelta(seconds=LEASE + 1)) for state in states)


async def test_a_renewed_lease_is_the_same_workers(attempt_queue: SqlAttemptQueue) -> None:
    await attempt_queue.renew_lease(WORKER)
    (before,) = await attempt_queue.workers()
    await attempt_queue.renew_lease(WORKER)
    (after,) = await attempt_queue.workers()

    assert after.started_at == before.started_at
    assert after.heartbeat_at > before.heartbeat_at


async def test_strays_are_what_a_worker_claimed_long_ago_and_does_not_know_of(
    attempt_queue: SqlAttemptQueue, actor: Actor, clock: FakeClock
) -> None:
    known, stray = await enqueue(attempt_queue, actor), await enqueue(attempt_queue, actor)
    await claim(attempt_queue)
    in_hand = [known.id.generation_id]
    clock.set(datetime.now(UTC))
    assert await attempt_queue.strays(WORKER, in_hand) == ()
    clock.advance(STRAY_AGE + 1)

    (found,) = await attempt_queue.strays(WORKER, in_hand)
    assert (found.attempt.id, found.attempt.worker_id) == (stray.id, WORKER.id)
    assert len(await attempt_queue.strays(WORKER, [])) == 2
    assert await attempt_queue.strays(replace(WORKER, id=uuid7()), []) == ()


async def test_those_that_have_ended_or_are_gone_are_told_from_those_in_flight(
    attempt_queue: SqlAttemptQueue, actor: Actor, database: Database
) -> None:
    pending, ended, gone = [(await enqueue(attempt_queue, actor)).id for _ in range(3)]
    by_id = {claim.attempt.id: claim for claim in await attempt_queue.claim(WORKER, 9)}
    await attempt_queue.finish(AttemptResult(by_id[ended].attempt, failure()))
    database.execute("delete from tales.generations where generation_id = %s", gone.generation_id)

    asked = [pending, ended, gone, pending.next]
    assert await attempt_queue.ended_among(WORKER.id, asked) == {ended, gone, pending.next}
    assert await attempt_queue.ended_among(WORKER.id, []) == frozenset()
    # What is in another worker's hands has ended for this one: its user was erased, and somebody else has the id.
    assert await attempt_queue.ended_among(uuid7(), [pending]) == {pending}


async def test_the_queue_finishes_what_was_asked_of_it_before_it_stops(
    transactions: SqlTransactions, clock: FakeClock, actor: Actor, database: Database
) -> None:
    queue = SqlAttemptQueue(transactions, clock)
    asked = [attempt_request(actor.user_id) for _ in range(5)]
    async with queue.running():
        tasks = [asyncio.create_task(queue.enqueue(actor, request, NOBODY)) for request in asked]
        await asyncio.sleep(0)

    assert all(task.done() for task in tasks)
    assert database.rows("select count(*) from tales.generations") == [{"count": 5}]
