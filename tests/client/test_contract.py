"""Every method of both clients, against the real service on a real socket."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tales.client import (
    ClientError,
    Conflict,
    Forbidden,
    InvalidInput,
    MemoryTokens,
    NotFound,
    Tokens,
    Unauthenticated,
)
from tests.client.both import AnyClient, Kind, client_at, collect
from tests.client.conftest import Service, ServiceWith

PASSWORD = "correct horse battery"


async def test_a_family_asks_for_a_story_waits_reads_and_rates_it(tales: AnyClient) -> None:
    child = await tales.children.add("Mia", 6, interests=["dragons"], gender="girl")

    generation = await tales.generations.create(child_id=child.id, moral="kindness", story_length=3, wait=30)
    story = await tales.stories.get(generation.story_id, include="generation.attempts")
    rated = await tales.stories.rate(story.id, 9)

    assert (generation.status, generation.has_ended, generation.story_type) == ("success", True, "child")
    assert story.title == "Mia and the Lantern in the Garden"
    assert (story.child_id, story.generation_id) == (child.id, generation.generation_id)
    assert story.generation.moral == "kindness"
    assert [attempt.status for attempt in story.generation.attempts] == ["success"]
    assert story.generation.cost_usd > 0
    assert story.created_at.utcoffset().total_seconds() == 0
    assert rated.rating == 9


async def test_a_wish_without_waiting_is_answered_at_once_and_waited_for_later(tales: AnyClient) -> None:
    child = await tales.children.add("Mia", 6)
    hero = await tales.heroes.add("Captain Owl", appearance="blue feathers")

    asked = await tales.generations.create(
        child_id=child.id, hero_id=hero.id, moral="courage", relationship_description="best friends", language="de"
    )
    ended = await tales.generations.wait(asked.generation_id, seconds=30)

    assert (asked.story_type, asked.language, asked.hero_appearance) == ("combined", "de", "blue feathers")
    assert ended.status == "success"
    assert (await tales.generations.get(str(asked.generation_id))) == ended


async def test_lists_go_over_all_pages(tales: AnyClient) -> None:
    hero = await tales.heroes.add("Captain Owl")
    asked = [await tales.generations.create(hero_id=hero.id, moral="kindness", wait=30) for _ in range(5)]

    generations = await collect(tales.generations.list(page_size=2))
    stories = await collect(tales.stories.list(page_size=2))

    newest_first = [generation.generation_id for generation in reversed(asked)]
    assert [generation.generation_id for generation in generations] == newest_first
    assert [story.generation_id for story in stories] == newest_first


async def test_a_list_that_is_left_early_asks_for_no_further_page(tales: AnyClient) -> None:
    hero = await tales.heroes.add("Captain Owl")
    for _ in range(3):
        await tales.generations.create(hero_id=hero.id, moral="kindness")

    async for generation in tales.generations.list(page_size=1):
        assert generation.moral == "kindness"
        break


async def test_children_and_heroes_are_added_read_listed_and_deleted(tales: AnyClient) -> None:
    child = await tales.children.add("Mia", 6, interests=["dragons", "boats"])
    hero = await tales.heroes.add("Captain Owl", appearance="blue feathers")

    read = await tales.children.get(child.id)
    assert (read.name, read.age, read.interests, read.gender) == ("Mia", 6, ("dragons", "boats"), None)
    assert (await tales.heroes.get(hero.id)).appearance == "blue feathers"
    assert [c.id for c in await collect(tales.children.list())] == [child.id]
    assert hero.id in [h.id for h in await collect(tales.heroes.list())]

    await tales.children.delete(child.id)
    await tales.heroes.delete(hero.id)
    with pytest.raises(NotFound):
        await tales.children.get(child.id)
    with pytest.raises(NotFound):
        await tales.heroes.get(hero.id)


async def test_a_generation_is_cancelled_once(kind: Kind, service_with: ServiceWith) -> None:
    with service_with("sim/hang") as service:
        async with client_at(kind, service.address, token=service.new_family()) as tales:
            hero = await tales.heroes.add("Captain Owl")
            asked = await tales.generations.create(hero_id=hero.id, moral="kindness", wait=1)
            assert not asked.has_ended
            assert not (await tales.generations.wait(asked.generation_id, seconds=0.5)).has_ended

            cancelled = await tales.generations.cancel(asked.generation_id)

            assert cancelled.status == "failed"
            assert cancelled.attempts[-1].error_type == "cancelled"
            with pytest.raises(Conflict):
                await tales.generations.cancel(asked.generation_id)


async def test_a_failed_generation_says_why(kind: Kind, service_with: ServiceWith) -> None:
    with service_with("sim/401") as service:
        async with client_at(kind, service.address, token=service.new_family()) as tales:
            hero = await tales.heroes.add("Captain Owl")

            ended = await tales.generations.create(hero_id=hero.id, moral="kindness", wait=30)

    assert (ended.status, ended.story_id, ended.attempts[0].error_type) == ("failed", None, "authentication")


async def test_bad_input_names_each_field(tales: AnyClient) -> None:
    with pytest.raises(InvalidInput) as caught:
        await tales.children.add("Mia", 600)

    problem = caught.value
    assert (problem.status, problem.code, problem.field) == (422, "invalid_input", "age")
    assert [error.field for error in problem.errors] == ["age"]
    assert problem.detail in str(problem)


async def test_half_a_character_is_refused_by_the_service_and_not_by_a_crash(tales: AnyClient) -> None:
    with pytest.raises(InvalidInput) as caught:
        await tales.heroes.add("half \ud83d")

    assert caught.value.field == "name"


async def test_an_id_cannot_leave_its_place_in_the_address(tales: AnyClient) -> None:
    with pytest.raises(ClientError):
        await tales.stories.get("../children")
    with pytest.raises(NotFound):
        await tales.stories.get(uuid4())


async def test_an_account_is_opened_signed_in_and_out(service: Service, kind: Kind) -> None:
    email, tokens = f"{kind.value}@example.org", MemoryTokens()
    async with client_at(kind, service.address, tokens=tokens) as tales:
        with pytest.raises(Unauthenticated):
            await tales.sign_in(email, PASSWORD)
        assert (await tales.sign_up(email, PASSWORD)).email == email
        with pytest.raises(Conflict):
            await tales.sign_up(email, PASSWORD)

        await tales.sign_in(email, PASSWORD)
        assert await collect(tales.stories.list()) == []
        before = tokens.read()

        await tales.sign_out()
        assert tokens.read() is None
        with pytest.raises(Unauthenticated) as caught:
            await collect(tales.stories.list())
    assert caught.value.code == "not_signed_in"

    async with client_at(kind, service.address, tokens=MemoryTokens(before)) as thief:
        with pytest.raises(Unauthenticated):
            await collect(thief.stories.list())


async def test_a_session_goes_on_when_its_access_token_ends(service: Service, kind: Kind) -> None:
    email, tokens = f"renewed-{kind.value}@example.org", MemoryTokens()
    async with client_at(kind, service.address, tokens=tokens) as tales:
        await tales.sign_up(email, PASSWORD)
        await tales.sign_in(email, PASSWORD)
        first = tokens.read()
        assert first is not None
        tokens.write(Tokens("no.longer.good", first.refresh_token))

        found = await asyncio.gather(*(collect(tales.stories.list()) for _ in range(5)))

    renewed = tokens.read()
    assert found == [[]] * 5
    assert renewed is not None
    assert renewed.refresh_token not in {None, first.refresh_token}


async def test_a_server_without_mail_says_so_for_codes_that_come_by_it(service: Service, kind: Kind) -> None:
    email = f"mail-{kind.value}@example.org"
    async with client_at(kind, service.address) as tales:
        await tales.sign_up(email, PASSWORD)
        await tales.sign_in(email, PASSWORD)

        with pytest.raises(Conflict, match="sends no mail"):
            await tales.request_password_reset(email)
        with pytest.raises(Conflict, match="sends no mail"):
            await tales.request_address("new@example.org", PASSWORD)
        with pytest.raises(InvalidInput, match="code"):
            await tales.reset_password(email, "x", "another long password")
        with pytest.raises(InvalidInput, match="code"):
            await tales.change_address("new@example.org", "x")


async def test_a_password_is_changed_and_only_the_new_one_signs_in(service: Service, kind: Kind) -> None:
    email = f"changed-{kind.value}@example.org"
    async with client_at(kind, service.address) as tales:
        await tales.sign_up(email, PASSWORD)
        await tales.sign_in(email, PASSWORD)

        await tales.change_password(PASSWORD, "another long password")

        assert await collect(tales.children.list()) == []
        with pytest.raises(Unauthenticated):
            await tales.sign_in(email, PASSWORD)
        await tales.sign_in(email, "another long password")


async def test_an_admin_finds_anybodys_generation_and_sees_it_whole(
    tales: AnyClient, kind: Kind, service: Service
) -> None:
    hero = await tales.heroes.add("Captain Owl")
    asked = await tales.generations.create(hero_id=hero.id, moral="kindness", wait=30)
    with pytest.raises(Forbidden):
        await tales.everybodys_generations.get(asked.generation_id)

    token = service.new_family(app_metadata={"role": "admin"})
    async with client_at(kind, service.address, token=token) as boss:
        user_id = (await tales.me()).id
        listed = await collect(boss.everybodys_generations.list(user_id=user_id, cost_over=0, slower_than=0.0))
        none = await collect(boss.everybodys_generations.list(user_id=user_id, cost_over=99.5, page_size=5))
        whole = await boss.everybodys_generations.get(asked.generation_id)

    assert ([one.generation_id for one in listed], none) == ([asked.generation_id], [])
    assert (whole.user_id, whole.attempts[0].worker_id is None) == (user_id, False)
    assert "Captain Owl" in whole.attempts[0].prompt
    assert whole.attempts[0].full_response["choices"]
    assert "Captain Owl" not in repr(whole.attempts)
