"""The queue over PostgreSQL: who may put attempts into it, who gets them, and how they leave it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.errors import InsufficientPrivilege
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.brief import StoryType
from tales.domain.errors import Conflict, Forbidden, NotSignedIn
from tales.domain.generation import Attempt, AttemptId, AttemptRequest, Status
from tales.domain.repositories.attempt_queue import (
    LEASE,
    NOBODY,
    STRAY_AGE,
    AttemptResult,
    Cast,
    ClaimedAttempt,
    StoryText,
    WorkerInfo,
)
from tales.domain.retry import NextAttempt
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request, failure, new_child, new_hero, success
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.time import FakeClock

WORKER = WorkerInfo(uuid7(), "test", "host", os.getpid(), 4)


@pytest.fixture
async def actor(transactions: SqlTransactions) -> Actor:
    """A family."""
    return Actor(await add_user(transactions))


async def enqueue(queue: SqlAttemptQueue, actor: Actor, **changes: object) -> Attempt:
    """An attempt that waits."""
    attempt = await queue.enqueue(actor, attempt_request(actor.user_id, **changes), NOBODY)
    assert attempt is not None
    return attempt


async def claim(queue: SqlAttemptQueue, most: int = 9, worker: WorkerInfo = WORKER) -> list[AttemptId]:
    """What a worker gets."""
    return [one.attempt.id for one in await queue.claim(worker, most)]


# Into it.


async def test_an_attempt_that_is_not_committed_was_never_there(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    async with transactions.as_requester(actor) as work:
        await work.generations.create_attempt(attempt_request(actor.user_id))

    assert await claim(attempt_queue) == []


async def test_who_puts_an_attempt_into_the_queue_stays_the_user(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    stranger = await add_user(transactions)
    theirs = await enqueue(attempt_queue, Actor(stranger))
    async with transactions.as_requester(actor) as work:
        ours = await work.generations.create_attempt(attempt_request(actor.user_id))
        # The service would see both.
        assert await work.generations.get_attempt(ours.id) is not None
        assert await work.generations.get_attempt(theirs.id) is None
        await work.commit()

    assert await claim(attempt_queue) == [theirs.id, ours.id]


async def test_each_attempt_of_a_batch_is_inserted_in_its_own_users_name(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    families = [Actor(await add_user(transactions)) for _ in range(4)]
    children = []
    for family in families:
        async with transactions.as_user(family) as work:
            children.append(await work.children.add(uuid7(), family.user_id, new_child()))
            await work.commit()
    asked = [
        (family, attempt_request(family.user_id, child_id=child.id), Cast(child))
        for family, child in zip(families, children, strict=True)
    ]
    # The last family asks for a story about the first one's child, and for one in its name.
    stolen = attempt_request(families[3].user_id, child_id=children[0].id)
    forged = attempt_request(families[0].user_id)

    with statements_of(transactions) as sent:
        results = await asyncio.gather(
            *(attempt_queue.enqueue(*one) for one in asked),
            attempt_queue.enqueue(families[3], stolen, Cast(children[0])),
            return_exceptions=True,
        )
    assert len(sent) == 1
    assert [one.user_id for one in results[:4] if isinstance(one, Attempt)] == [one.user_id for one in families]
    assert results[4] is None
    with pytest.raises(Forbidden):
        await attempt_queue.enqueue(families[3], forged, NOBODY)


async def test_one_request_that_is_refused_costs_no_other_one(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    good, taken = attempt_request(actor.user_id), await enqueue(attempt_queue, actor)
    gone = uuid7()

    first, second, third = await asyncio.gather(
        attempt_queue.enqueue(actor, attempt_request(actor.user_id, id=taken.id), NOBODY),
        attempt_queue.enqueue(actor, good, NOBODY),
        attempt_queue.enqueue(Actor(gone), attempt_request(gone), NOBODY),
        return_exceptions=True,
    )

    assert isinstance(first, Conflict)
    assert isinstance(second, Attempt)
    assert isinstance(third, NotSignedIn)
    assert await claim(attempt_queue) == [taken.id, good.id]


async def test_who_has_signed_out_asks_for_nothing(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    signed_out = replace(actor, session_id=uuid7())

    first, second = await asyncio.gather(
        attempt_queue.enqueue(signed_out, attempt_request(actor.user_id), NOBODY),
        attempt_queue.enqueue(actor, attempt_request(actor.user_id), NOBODY),
        return_exceptions=True,
    )

    assert isinstance(first, NotSignedIn)
    assert isinstance(second, Attempt)
    assert len(await claim(attempt_queue)) == 1


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize(
    "statement",
    [
        "select tales.enqueue_attempts('[]')",
        "select tales.claim_attempts(gen_random_uuid(), 'test', 9, now())",
        "select tales.finish_attempts('[]')",
        "select tales.renew_lease(gen_random_uuid(), 'test', 'host', 1, 1)",
        "select * from tales.workers",
        "update tales.generations set worker_id = gen_random_uuid()",
        "update tales.generations set queue = 'mine'",
        "insert into tales.generations (queue) values ('test')",
        "insert into tales.generations (available_at) values (now())",
    ],
    ids=["enqueue", "claim", "finish", "renew", "workers", "claim by hand", "change queue", "into the queue", "soon"],
)
def test_no_request_reaches_the_queue_by_itself(database: Database, role: str, statement: str) -> None:
    with database.connect() as connection:
        connection.execute(f"set role {role}")
        with pytest.raises(InsufficientPrivilege):
            connection.execute(statement)


# Out of it.


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
    assert [one.attempt.id for one in await attempt_queue.claim(WORKER, 9, [second.id.generation_id])] == [second.id]
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
    for name in set(AttemptRequest.__slots__) - {"id", "model_used", "queue"}:
        assert getattr(second.attempt, name) == getattr(first, name) is not None


# Its end.


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


# Workers.


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
    by_id = {one.attempt.id: one for one in await attempt_queue.claim(WORKER, 9)}
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
