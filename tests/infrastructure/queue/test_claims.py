"""Who gets attempts out of the queue, and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.generation import AttemptId, AttemptRequest
from tales.domain.repositories.attempt_queue import (
    NOBODY,
    AttemptResult,
    ClaimedAttempt,
    WorkerInfo,
)
from tales.domain.retry import NextAttempt
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import attempt_request, failure, new_child, new_hero
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock
from tests.infrastructure.queue.conftest import WORKER, claim, enqueue


async def test_a_claimed_attempt_is_nobody_elses(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    attempt = await enqueue(attempt_queue, actor)

    assert await claim(attempt_queue) == [attempt.id]
    assert await claim(attempt_queue) == []
    assert await claim(attempt_queue, worker=replace(WORKER, id=uuid7())) == []


async def test_what_a_worker_gets_is_what_was_asked_for(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor, clock: FakeClock
) -> None:
    attempt = await enqueue(attempt_queue, actor, prompt="NUL \x00, \ud800 and \x1a", moral="\x00")
    clock.set(datetime.now(UTC))

    (claimed,) = await attempt_queue.claim(WORKER, 9)

    assert claimed == ClaimedAttempt(replace(attempt, worker_id=WORKER.id, started_at=clock.now()), ("sim/ok",))
    async with transactions.as_service() as work:
        assert await work.generations.get_attempt(attempt.id) == claimed.attempt


async def test_the_longest_due_are_claimed_first_and_no_more_than_asked_for(
    attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    asked = [(await enqueue(attempt_queue, actor)).id for _ in range(5)]

    assert [await claim(attempt_queue, 2) for _ in range(4)] == [asked[:2], asked[2:4], asked[4:], []]


async def test_only_those_of_the_workers_queue_are_claimed(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    theirs = await attempt_queue.enqueue(actor, attempt_request(actor.user_id, queue="another"), NOBODY)
    assert theirs is not None
    ours = await enqueue(attempt_queue, actor)

    assert await claim(attempt_queue) == [ours.id]
    assert await claim(attempt_queue, worker=replace(WORKER, queue="another")) == [theirs.id]


async def test_only_those_among_which_a_worker_may_choose_are_claimed(
    attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    first, second = await enqueue(attempt_queue, actor), await enqueue(attempt_queue, actor)

    assert await attempt_queue.claim(WORKER, 9, []) == ()
    assert [claimed.attempt.id for claimed in await attempt_queue.claim(WORKER, 9, [second.id.generation_id])] == [
        second.id
    ]
    assert await claim(attempt_queue) == [first.id]


async def test_two_claimers_never_get_the_same_and_none_waits_for_the_other(
    attempt_queue: SqlAttemptQueue, actor: Actor, database: Database
) -> None:
    asked = [(await enqueue(attempt_queue, actor)).id for _ in range(6)]
    with database.connect() as connection, connection.transaction():
        locked = connection.execute(
            "select generation_id from tales.claim_attempts(%s, 'test', 2, now())", [uuid7()]
        ).fetchall()
        # The first transaction is still open.
        got = await claim(attempt_queue, 2)

    assert [row["generation_id"] for row in locked] == [id_.generation_id for id_ in asked[:2]]
    assert got == asked[2:4]


async def test_many_claimers_share_what_there_is(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    asked = await asyncio.gather(*(enqueue(attempt_queue, actor) for _ in range(60)))
    workers = [replace(WORKER, id=uuid7()) for _ in range(8)]

    async def take_all(worker: WorkerInfo) -> list[AttemptId]:
        taken: list[AttemptId] = []
        while got := await claim(attempt_queue, 3, worker):
            taken += got
        return taken

    taken = [id_ for got in await asyncio.gather(*map(take_all, workers)) for id_ in got]

    assert sorted(map(str, taken)) == sorted(str(attempt.id) for attempt in asked)


async def test_an_attempt_waits_until_it_is_due(
    attempt_queue: SqlAttemptQueue, actor: Actor, database: Database
) -> None:
    await enqueue(attempt_queue, actor)
    (claimed,) = await attempt_queue.claim(WORKER, 9)
    ended = await attempt_queue.finish(
        AttemptResult(claimed.attempt, failure(), following=NextAttempt("other/model", 0.3))
    )
    assert ended is not None
    assert ended.following is not None
    assert ended.following.available_at == ended.following.created_at + timedelta(seconds=0.3)
    is_due = "select from tales.generations where status = 'pending' and available_at <= clock_timestamp()"

    taken: list[AttemptId] = []
    while not taken:
        was_due = bool(database.rows(is_due))
        taken = await claim(attempt_queue)
        assert taken == [] or database.rows(is_due)
        assert taken != [] or not was_due
    assert taken == [claimed.attempt.id.next]


async def test_a_retry_knows_the_models_of_the_attempts_before_it(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    await enqueue(attempt_queue, actor)
    for model in ("b/two", "c/three"):
        (claimed,) = await attempt_queue.claim(WORKER, 9)
        await attempt_queue.finish(AttemptResult(claimed.attempt, failure(), following=NextAttempt(model, 0.0)))

    (last,) = await attempt_queue.claim(WORKER, 9)

    assert last.models_used == ("sim/ok", "b/two", "c/three")
    assert last.attempt.model_used == "c/three"


async def test_a_retry_asks_for_the_same_story(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    async with transactions.as_user(actor) as work:
        child = await work.children.add(uuid7(), actor.user_id, new_child())
        hero = await work.heroes.add(uuid7(), actor.user_id, new_hero())
        await work.commit()
    first = await enqueue(
        attempt_queue,
        actor,
        story_type=StoryType.COMBINED,
        child_id=child.id,
        hero_id=hero.id,
        hero_appearance="a silver cape",
        relationship_description="best friends",
        language="fr",
    )
    (claimed,) = await attempt_queue.claim(WORKER, 9)
    await attempt_queue.finish(AttemptResult(claimed.attempt, failure(), following=NextAttempt("b/two", 0.0)))

    (second,) = await attempt_queue.claim(WORKER, 9)

    assert (second.attempt.id, second.attempt.model_used) == (first.id.next, "b/two")
    for name in set(AttemptRequest.__slots__) - {"id", "model_used", "queue", "prompt_choice"}:
        assert getattr(second.attempt, name) == getattr(first, name) is not None
