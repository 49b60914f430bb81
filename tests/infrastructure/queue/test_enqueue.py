"""Who may put attempts into the queue, and in whose name."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from psycopg.errors import InsufficientPrivilege
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Conflict, Forbidden, QueueFull, TooManyRequests, Unauthenticated
from tales.domain.generation import Attempt
from tales.domain.limits import GenerationLimits
from tales.domain.repositories.attempt_queue import (
    NOBODY,
    Cast,
)
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request, new_child
from tests.fixtures.databases import Database, statements_of
from tests.infrastructure.queue.conftest import claim, enqueue


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
    assert isinstance(third, Unauthenticated)
    assert await claim(attempt_queue) == [taken.id, good.id]


async def test_who_has_signed_out_asks_for_nothing(attempt_queue: SqlAttemptQueue, actor: Actor) -> None:
    signed_out = replace(actor, session_id=uuid7())

    first, second = await asyncio.gather(
        attempt_queue.enqueue(signed_out, attempt_request(actor.user_id), NOBODY),
        attempt_queue.enqueue(actor, attempt_request(actor.user_id), NOBODY),
        return_exceptions=True,
    )

    assert isinstance(first, Unauthenticated)
    assert isinstance(second, Attempt)
    assert len(await claim(attempt_queue)) == 1


async def test_whose_limit_is_reached_costs_nobody_else_of_the_batch(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    other, limits = Actor(await add_user(transactions)), GenerationLimits(per_day=3, concurrent=2)

    with statements_of(transactions) as sent:
        results = await asyncio.gather(
            *(
                attempt_queue.enqueue(family, attempt_request(family.user_id), NOBODY, None, limits)
                for family in (actor, actor, other, actor)
            ),
            return_exceptions=True,
        )

    assert len(sent) == 1
    assert [type(result) for result in results] == [Attempt, Attempt, Attempt, TooManyRequests]
    assert isinstance(results[3], TooManyRequests)
    assert results[3].limit == "concurrent_generations"
    assert len(await claim(attempt_queue)) == 3


async def test_a_full_queue_takes_no_more_until_some_are_claimed(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, actor: Actor
) -> None:
    limits, other = GenerationLimits(waiting=3), Actor(await add_user(transactions))

    async def ask(family: Actor) -> Attempt | None:
        return await attempt_queue.enqueue(family, attempt_request(family.user_id), NOBODY, None, limits)

    for _ in range(3):
        await ask(actor)
    with pytest.raises(QueueFull):
        await ask(other)
    async with transactions.as_requester(other) as work:
        with pytest.raises(QueueFull):
            await work.generations.create_attempt(attempt_request(other.user_id), limits)

    await claim(attempt_queue, 1)
    assert await ask(other) is not None


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
