"""A wish becomes a pending attempt and its job, in one commit."""

from __future__ import annotations

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.brief import StoryType
from tales.domain.errors import InvalidInput, NotFound
from tales.domain.generation import Status
from tales.domain.prompt import PROMPT_VERSION
from tests.application.conftest import MODELS, Flow
from tests.factories import add_user, new_hero
from tests.fixtures.databases import Database


async def test_a_wish_is_a_row_with_its_finished_prompt_before_any_call(flow: Flow) -> None:
    generation = await flow.ask(story_length=4, language="fr")

    attempt = (await flow.look(generation.generation_id)).latest
    assert attempt.status is Status.PENDING
    assert attempt.model_used == MODELS[0]
    assert attempt.prompt is not None
    assert '"Mia"' in attempt.prompt
    assert (attempt.prompt_version, attempt.story_length, attempt.language) == (PROMPT_VERSION, 4, "fr")
    assert (attempt.child_id, attempt.user_id) == (flow.child_id, flow.actor.user_id)
    assert flow.provider.calls == []


async def test_the_job_is_enqueued_by_the_same_commit(flow: Flow) -> None:
    generation = await flow.ask()

    assert await flow.jobs_of(generation) == [True]


async def test_a_wish_that_is_refused_leaves_neither_row_nor_job(flow: Flow, database: Database) -> None:
    with pytest.raises(InvalidInput):
        await flow.ask(story_length=-1)

    assert database.rows("select count(*) from tales.generations") == [{"count": 0}]
    assert database.rows("select count(*) from tales_queue.pgqueuer") == [{"count": 0}]


async def test_another_familys_child_is_not_found(flow: Flow) -> None:
    flow.actor = Actor(await add_user(flow.transactions))

    with pytest.raises(NotFound) as caught:
        await flow.ask()

    assert caught.value.kind == "child"


async def test_a_hero_that_does_not_exist_is_not_found(flow: Flow) -> None:
    with pytest.raises(NotFound) as caught:
        await flow.ask(story_type=StoryType.HERO, child_id=None, hero_id=uuid7())

    assert caught.value.kind == "hero"


async def test_a_combined_story_keeps_what_the_model_was_told_of_the_hero(flow: Flow) -> None:
    async with flow.transactions.as_user(flow.actor) as work:
        hero = await work.heroes.add(uuid7(), flow.actor.user_id, new_hero())
        await work.commit()

    generation = await flow.ask(story_type=StoryType.COMBINED, hero_id=hero.id, relationship_description="best friends")

    attempt = generation.latest
    assert (attempt.hero_id, attempt.hero_appearance) == (hero.id, "a silver cape")
    assert attempt.relationship_description == "best friends"


async def test_a_family_may_choose_among_the_models_that_the_operator_offers(flow: Flow) -> None:
    generation = await flow.ask(model=MODELS[1])

    assert generation.latest.model_used == MODELS[1]


async def test_a_model_that_is_not_offered_is_refused_because_the_operator_pays(flow: Flow) -> None:
    with pytest.raises(InvalidInput) as caught:
        await flow.ask(model="dear/model")

    assert caught.value.field == "model"
    assert MODELS[0] in caught.value.message
