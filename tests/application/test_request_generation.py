"""A request becomes a pending attempt, which is its own job, in one commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from tales.application.request_generation import GenerationRequest, KnownCasts
from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput, NotFound
from tales.domain.family import ChildChanges, HeroChanges
from tales.domain.generation import Status
from tales.domain.prompt import PROMPT_VERSION
from tales.domain.repositories.attempt_queue import Cast
from tales.domain.story_spec import StoryType
from tests.application.conftest import MODELS, Between, Flow, worker_info
from tests.factories import add_user, new_child, new_hero
from tests.fixtures.databases import Database, statements_of


async def test_a_request_is_a_row_with_its_finished_prompt_before_any_call(flow: Flow) -> None:
    generation = await flow.ask(story_length=4, language="fr")

    attempt = (await flow.look(generation.generation_id)).latest
    assert attempt.status is Status.PENDING
    assert attempt.model_used == MODELS[0]
    assert attempt.prompt is not None
    assert '"Mia"' in attempt.prompt
    assert (attempt.prompt_version, attempt.story_length, attempt.language) == (PROMPT_VERSION, 4, "fr")
    assert (attempt.child_id, attempt.user_id) == (flow.child_id, flow.actor.user_id)
    assert flow.provider.calls == []


async def test_a_request_waits_in_the_queue_by_the_same_commit(flow: Flow) -> None:
    generation = await flow.ask()

    attempt = (await flow.look(generation.generation_id)).latest
    assert (attempt.available_at, attempt.worker_id, attempt.started_at) == (attempt.created_at, None, None)
    assert [claimed.attempt.id for claimed in await flow.queue.claim(worker_info(), 9)] == [attempt.id]


async def test_what_is_told_of_a_new_attempt_is_what_the_database_has(flow: Flow) -> None:
    generation = await flow.ask(story_length=4, language="fr")

    assert generation == await flow.look(generation.generation_id)


async def test_a_request_that_is_refused_leaves_nothing(flow: Flow, database: Database) -> None:
    with pytest.raises(InvalidInput):
        await flow.ask(story_length=-1)

    assert database.rows("select count(*) from tales.generations") == [{"count": 0}]
    assert flow.publisher.enqueued_count == 0


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


async def change_child(flow: Flow, **changes: object) -> None:
    """Another process changes the child."""
    async with flow.transactions.as_user(flow.actor) as work:
        assert await work.children.change(flow.child_id, ChildChanges(**changes)) is not None  # type: ignore[arg-type]
        await work.commit()


async def test_a_child_is_read_once_for_many_requests(flow: Flow) -> None:
    await flow.ask()

    with statements_of(flow.transactions) as sent:
        for _ in range(5):
            await flow.ask()

    assert len(sent) == 5
    assert not [statement for statement in sent if "tales.children" in statement]


async def test_a_child_that_another_process_has_changed_is_never_told_of_in_its_old_version(flow: Flow) -> None:
    prompts = [(await flow.ask()).latest.prompt]
    for name in ("Nora", "Olga"):
        await change_child(flow, name=name)
        prompts.append((await flow.ask()).latest.prompt)

    names = ["Mia", "Nora", "Olga"]
    assert [[name for name in names if name in str(prompt)] for prompt in prompts] == [["Mia"], ["Nora"], ["Olga"]]


async def test_a_child_that_changes_while_it_is_asked_about_is_told_of_as_it_is(flow: Flow, database: Database) -> None:
    """What is known is outdated again between the look and the insert."""
    names = iter(["Nora", "Olga"])

    async def change_before(*asked: object) -> object:
        if (name := next(names, None)) is not None:
            await change_child(flow, name=name)
        return await flow.queue.enqueue(*asked)  # type: ignore[arg-type]

    flow.request_generation = replace(flow.request_generation, attempts=Between(flow.queue, enqueue=change_before))
    generation = await flow.ask()

    assert '"Olga"' in str(generation.latest.prompt)
    assert database.rows("select count(*) from tales.generations") == [{"count": 1}]


async def test_a_hero_that_another_process_has_changed_is_never_told_of_in_its_old_version(flow: Flow) -> None:
    async with flow.transactions.as_user(flow.actor) as work:
        hero = await work.heroes.add(uuid7(), flow.actor.user_id, new_hero())
        await work.commit()
    wish = {"story_type": StoryType.HERO, "child_id": None, "hero_id": hero.id}
    assert "a silver cape" in str((await flow.ask(**wish)).latest.prompt)

    async with flow.transactions.as_user(flow.actor) as work:
        await work.heroes.change(hero.id, HeroChanges(appearance="a golden cape"))
        await work.commit()

    attempt = (await flow.ask(**wish)).latest
    assert (attempt.hero_appearance, "a silver cape" in str(attempt.prompt)) == ("a golden cape", False)


async def test_a_child_that_another_process_has_deleted_is_not_found(flow: Flow) -> None:
    await flow.ask()
    async with flow.transactions.as_user(flow.actor) as work:
        await work.children.delete(flow.child_id)
        await work.commit()

    with pytest.raises(NotFound):
        await flow.ask()


async def test_what_is_known_of_one_familys_child_is_not_told_to_another(flow: Flow) -> None:
    await flow.ask()
    flow.actor = Actor(await add_user(flow.transactions))

    with pytest.raises(NotFound):
        await flow.ask()


async def test_only_so_many_casts_are_remembered(flow: Flow) -> None:
    casts = KnownCasts(most=2)
    wishes = []
    for name in ("Nora", "Olga", "Paula"):
        async with flow.transactions.as_user(flow.actor) as work:
            child = await work.children.add(uuid7(), flow.actor.user_id, new_child(name=name))
            await work.commit()
        wishes.append(GenerationRequest(story_type=StoryType.CHILD, moral="kindness", child_id=child.id))
        casts.put(flow.actor, wishes[-1], Cast(child))

    assert [casts.get(flow.actor, wish) is not None for wish in wishes] == [False, True, True]
