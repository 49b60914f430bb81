"""Stories are kept with the attempt that wrote them, and a family rates its own."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Conflict
from tales.domain.generation import AttemptId
from tales.domain.page import PageRequest
from tales.domain.story import Rating, WrittenStory
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.factories import (
    add_ended_attempt,
    add_story,
    add_user,
    attempt_request,
    failure,
    new_child,
    new_hero,
    new_story,
    response,
)
from tests.fixtures.time import FakeClock, FakeIds


@pytest.fixture
async def parent(transactions: SqlTransactions) -> UUID:
    return await add_user(transactions)


async def test_a_story_names_the_attempt_that_wrote_it(transactions: SqlTransactions, parent: UUID) -> None:
    first = attempt_request(parent)
    await add_ended_attempt(transactions, first, failure())
    second = await add_ended_attempt(transactions, attempt_request(parent, id=first.id.next))
    async with transactions.as_service() as work:
        added = await work.stories.add(new_story(parent, second, title="The Kind Dragon", content="Once ..."))
        await work.commit()

    async with transactions.as_user(Actor(parent)) as work:
        story = await work.stories.get(added.id)
    assert story == added
    assert (story.attempt, story.title, story.content, story.rating) == (second, "The Kind Dragon", "Once ...", None)
    assert story.attempt.attempt_number == 2


async def test_a_story_knows_its_child_and_hero_while_they_are_there(
    transactions: SqlTransactions, parent: UUID, ids: FakeIds
) -> None:
    async with transactions.as_user(Actor(parent)) as work:
        child = await work.children.add(ids.new(), parent, new_child())
        hero = await work.heroes.add(ids.new(), parent, new_hero())
        await work.commit()
    story_id = await add_story(transactions, parent, child_id=child.id, hero_id=hero.id)
    async with transactions.as_user(Actor(parent)) as work:
        before = await work.stories.get(story_id)
        await work.children.delete(child.id)
        await work.commit()
    async with transactions.as_user(Actor(parent)) as work:
        after = await work.stories.get(story_id)
    assert before is not None
    assert after is not None
    assert (before.child_id, before.hero_id) == (child.id, hero.id)
    assert (after.child_id, after.hero_id) == (None, hero.id)


async def test_a_generation_gives_one_story(transactions: SqlTransactions, parent: UUID) -> None:
    attempt = await add_ended_attempt(transactions, attempt_request(parent))
    async with transactions.as_service() as work:
        await work.stories.add(new_story(parent, attempt))
        await work.commit()
    with pytest.raises(Conflict, match="has its story already"):
        async with transactions.as_service() as work:
            await work.stories.add(new_story(parent, attempt))


async def test_a_story_needs_a_success_of_its_user(transactions: SqlTransactions, parent: UUID) -> None:
    failed = await add_ended_attempt(transactions, attempt_request(parent), failure())
    success = await add_ended_attempt(transactions, attempt_request(parent))
    stranger = await add_user(transactions)
    nothing = AttemptId(uuid7(), 1)
    for story in (new_story(parent, failed), new_story(stranger, success), new_story(parent, nothing)):
        with pytest.raises(Conflict, match="successful attempt of the same user"):
            async with transactions.as_service() as work:
                await work.stories.add(story)


async def test_a_family_rates_its_own_story(transactions: SqlTransactions, parent: UUID, clock: FakeClock) -> None:
    story_id = await add_story(transactions, parent)
    clock.advance(3600)
    async with transactions.as_user(Actor(parent)) as work:
        rated = await work.stories.rate(story_id, Rating(9))
        await work.commit()
    async with transactions.as_user(Actor(parent)) as work:
        assert await work.stories.get(story_id) == rated
    assert rated is not None
    assert (rated.rating, rated.updated_at) == (9, clock.now())


async def test_another_familys_story_is_not_there(transactions: SqlTransactions, parent: UUID) -> None:
    story_id = await add_story(transactions, parent)
    async with transactions.as_user(Actor(await add_user(transactions))) as work:
        assert await work.stories.get(story_id) is None
        assert await work.stories.rate(story_id, Rating(1)) is None
        assert (await work.stories.list_for_user(parent, PageRequest())).items == ()
        assert await work.stories.get_written(story_id) is None
        assert (await work.stories.list_written(parent, PageRequest())).items == ()
    async with transactions.as_user(Actor(parent)) as work:
        story = await work.stories.get(story_id)
    assert story is not None
    assert story.rating is None


async def test_a_story_comes_with_the_attempt_that_wrote_it(transactions: SqlTransactions, parent: UUID) -> None:
    first = attempt_request(parent)
    await add_ended_attempt(transactions, first, failure())
    second = await add_ended_attempt(transactions, attempt_request(parent, id=first.id.next))
    async with transactions.as_service() as work:
        story = await work.stories.add(new_story(parent, second))
        await work.commit()

    async with transactions.as_user(Actor(parent)) as work:
        written = await work.stories.get_written(story.id)
        listed = await work.stories.list_written(parent, PageRequest())
    async with transactions.as_user(Actor(parent)) as work:
        whole = await work.generations.get_attempt(second)
    assert whole is not None
    assert written == WrittenStory(story, replace(whole, prompt=None))
    assert whole.full_response == response()
    assert (listed.items, listed.next) == ((written,), None)


async def test_stories_and_their_attempts_are_one_statement_without_prompts(
    transactions: SqlTransactions, engine: AsyncEngine, parent: UUID
) -> None:
    for _ in range(3):
        await add_story(transactions, parent)
    sent: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *seen: sent.append(seen[2]))

    async with transactions.as_user(Actor(parent)) as work:
        page = await work.stories.list_written(parent, PageRequest(2))

    (statement,) = [statement for statement in sent if "tales." in statement]
    assert "generations.prompt," not in statement
    assert (len(page.items), page.next is None) == (2, False)
