"""A family's own things: children, heroes, generations, stories; and nobody else's."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from tales.application import generations, stories
from tales.application.follow_generation import FollowGeneration
from tales.application.manage_family import manage_children, manage_heroes
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, NotFound
from tales.domain.generation import Generation, Status
from tales.domain.page import PageRequest
from tales.domain.retry import NextAttempt
from tales.domain.story import Rating
from tests.application.conftest import Flow
from tests.factories import add_user, failure, finish_attempt, new_child, new_hero
from tests.fixtures import rows
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeIds
from tests.fixtures.waiting import until

WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest.fixture
async def stranger(flow: Flow) -> Actor:
    """A user of another family."""
    return Actor(await add_user(flow.transactions))


async def written(flow: Flow) -> Generation:
    """A generation that gave a story."""
    generation = await flow.ask()
    await flow.run(generation)
    return await flow.look(generation.generation_id)


async def test_a_family_adds_lists_and_deletes_its_children(flow: Flow, ids: FakeIds) -> None:
    children = manage_children(flow.transactions, ids)
    tom = await children.add(flow.actor, new_child(name="Tom"))

    assert [c.name for c in (await children.list(flow.actor, PageRequest())).items] == ["Tom", "Mia"]
    assert await children.get(flow.actor, tom.id) == tom

    await children.delete(flow.actor, tom.id)
    with pytest.raises(NotFound):
        await children.get(flow.actor, tom.id)


async def test_a_family_adds_lists_and_deletes_its_heroes(flow: Flow, ids: FakeIds) -> None:
    heroes = manage_heroes(flow.transactions, ids)
    owl = await heroes.add(flow.actor, new_hero(name="Owl"))

    assert (await heroes.list(flow.actor, PageRequest())).items[0] == owl
    assert await heroes.get(flow.actor, owl.id) == owl

    await heroes.delete(flow.actor, owl.id)
    with pytest.raises(NotFound):
        await heroes.get(flow.actor, owl.id)


async def test_a_stranger_finds_nothing_of_a_family(flow: Flow, stranger: Actor, ids: FakeIds) -> None:
    children, heroes = manage_children(flow.transactions, ids), manage_heroes(flow.transactions, ids)
    follow = FollowGeneration(flow.transactions, flow.hub)
    generation = await written(flow)
    owl = await heroes.add(flow.actor, new_hero(name="Owl"))
    assert generation.story_id is not None

    for attempt in (
        children.get(stranger, flow.child_id),
        children.delete(stranger, flow.child_id),
        heroes.get(stranger, owl.id),
        heroes.delete(stranger, owl.id),
        stories.get(flow.transactions, stranger, generation.story_id),
        stories.get_with_generation(flow.transactions, stranger, generation.story_id),
        stories.rate(flow.transactions, stranger, generation.story_id, Rating(1)),
        follow.get(stranger, generation.generation_id),
        generations.cancel(flow.transactions, stranger, generation.generation_id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await stories.list_stories(flow.transactions, stranger, PageRequest())).items == ()
    assert (await follow.list(stranger, PageRequest())).items == ()


async def test_a_family_reads_and_rates_its_stories(flow: Flow) -> None:
    generation = await written(flow)
    assert generation.story_id is not None

    await stories.rate(flow.transactions, flow.actor, generation.story_id, Rating(9))

    (story,) = (await stories.list_stories(flow.transactions, flow.actor, PageRequest())).items
    assert (story.id, story.rating) == (generation.story_id, 9)
    same, whole = await stories.get_with_generation(flow.transactions, flow.actor, story.id)
    assert (same, whole.generation_id) == (story, generation.generation_id)


async def test_waiting_ends_when_the_generation_does(flow: Flow) -> None:
    follow = FollowGeneration(flow.transactions, flow.hub)
    generation = await flow.ask()
    waiting = asyncio.create_task(follow.wait(flow.actor, generation, 30))

    await flow.run(generation)

    assert (await waiting).status is Status.SUCCESS


async def test_waiting_ends_after_its_time_with_the_generation_as_it_stands(flow: Flow) -> None:
    follow = FollowGeneration(flow.transactions, flow.hub)
    generation = await flow.ask()

    assert (await follow.wait(flow.actor, generation, 0.05)).status is Status.PENDING


async def test_waiting_for_what_is_erased_meanwhile_tells_nothing_of_who_takes_its_id(
    flow: Flow, database: Database
) -> None:
    follow = FollowGeneration(flow.transactions, flow.hub)
    generation = await flow.ask()
    waiting = asyncio.create_task(follow.wait(flow.actor, generation, 30))
    with database.connect() as connection, connection.transaction():
        connection.execute("delete from auth.users where id = %s", [flow.actor.user_id])
        theirs = rows.ended(rows.add_user(connection), generation_id=generation.generation_id)
        rows.insert(connection, "generations", theirs)

    with pytest.raises(NotFound):
        await waiting


async def test_a_cancelled_generation_has_ended_and_a_late_answer_is_refused(flow: Flow) -> None:
    generation = await flow.ask()

    async def change_of_mind() -> None:
        await generations.cancel(flow.transactions, flow.actor, generation.generation_id)

    flow.provider.meanwhile = change_of_mind
    await flow.run(generation)

    ended = await flow.look(generation.generation_id)
    assert [(a.status, a.error_type) for a in ended.attempts] == [(Status.FAILED, "cancelled")]
    assert ended.story_id is None


async def test_an_admin_sees_other_families_generations_and_cancels_none(flow: Flow, stranger: Actor) -> None:
    generation = await flow.ask()
    admin = replace(stranger, is_admin=True)
    follow = FollowGeneration(flow.transactions, flow.hub)

    assert await follow.get(admin, generation.generation_id)
    with pytest.raises(NotFound):
        await generations.cancel(flow.transactions, admin, generation.generation_id)


async def test_what_has_ended_cannot_be_cancelled(flow: Flow) -> None:
    generation = await written(flow)

    with pytest.raises(Conflict):
        await generations.cancel(flow.transactions, flow.actor, generation.generation_id)


async def test_a_generation_that_is_cancelled_while_its_attempt_fails_is_not_tried_again(
    flow: Flow, database: Database
) -> None:
    generation = await flow.ask()
    await flow.claim(generation)
    async with flow.transactions.as_service() as work:
        await finish_attempt(work, generation.latest.id, failure(), NextAttempt("second/model", 0.0))
        cancel = generations.cancel(flow.transactions, flow.actor, generation.generation_id)
        cancelling = asyncio.create_task(cancel)
        await until(lambda: database.rows(WAITING))
        await work.commit()
    await cancelling

    ended = await flow.look(generation.generation_id)
    assert [a.error_type for a in ended.attempts] == ["server_error", "cancelled"]


async def test_an_operator_sees_every_familys_generations(flow: Flow) -> None:
    generation = await written(flow)

    assert [g.generation_id for g in (await generations.list_all(flow.transactions, PageRequest())).items] == [
        generation.generation_id
    ]
    assert (await generations.look_at(flow.transactions, generation.generation_id)).latest.prompt is not None
    with pytest.raises(NotFound):
        await generations.look_at(flow.transactions, uuid7())
