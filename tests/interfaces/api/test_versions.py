"""Versions 1 and 2: a story in one request, with all the fields that it once had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.interfaces.api.app import create_app
from tales.interfaces.api.v1.flow import INLINE_FIELDS
from tales.interfaces.api.versions import V1, V2, Version
from tests.factories import response
from tests.interfaces.api.test_generations import ATTEMPT
from tests.interfaces.api.test_stories import WISH
from tests.interfaces.api.world import Family, client_of, problem, refused

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
ENDING = [V1, V2]
STORY = {
    *("id", "title", "content", "child_id", "hero_id", "created_at", "updated_at", "rating", "user_id"),
    *("generation_id", "generation_details", *INLINE_FIELDS),
}
both = pytest.mark.parametrize("version", ENDING, ids=["v1", "v2"])


@pytest.fixture
async def old(app: FastAPI, family: Family) -> AsyncIterator[dict[Version, AsyncClient]]:
    """The family's clients of the older versions."""
    token = family.client.headers["Authorization"].removeprefix("Bearer ")
    async with AsyncExitStack() as stack:
        yield {version: await stack.enter_async_context(client_of(app, version.prefix, token)) for version in ENDING}


async def generated(client: AsyncClient, family: Family, **changes: Any) -> Response:
    """The answer to a wish, while a worker does its work."""
    asked = asyncio.create_task(client.post("/stories/generate", json=await family.wish(**changes)))
    await family.worker.run(await first_generation(family))
    return await asked


async def first_generation(family: Family) -> str:
    """The id of the family's only generation, as soon as there is one."""
    for _ in range(200):
        if generations := (await family.client.get("/generations")).json()["items"]:
            return str(generations[0]["generation_id"])
        await asyncio.sleep(0.05)
    raise AssertionError


@both
async def test_one_request_gives_one_finished_story(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    answer = await generated(old[version], family)

    story = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{version.prefix}/stories/{story['id']}"
    assert set(story) == STORY
    assert story["content"].startswith("Mia and the dragon")
    assert (story["model_used"], story["full_response"]) == ("first/model", response())
    assert (story["story_type"], story["story_length"], story["moral"]) == ("child", 3, "kindness")
    assert [story[name] for name in ("generation_info", "hero_appearance", "relationship_description")] == [None] * 3
    assert story["user_id"] == str(family.user_id)
    assert (await old[version].get(f"/stories/{story['id']}")).json() == story
    assert (await old[version].get("/stories")).json() == {"items": [story], "next_cursor": None}


@both
async def test_generation_details_are_what_version_3_calls_generation(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    written = await family.story()

    story = (await old[version].get(f"/stories/{written['id']}")).json()

    newest = (await family.client.get(f"/stories/{written['id']}?include=generation")).json()
    assert story["generation_details"] == newest["generation"]
    assert set(story["generation_details"]) == ATTEMPT | WISH
    assert story["generation_details"]["generation_id"] == story["generation_id"] == newest["generation_id"]
    assert {name: newest[name] for name in newest if name in story} == {
        name: story[name] for name in newest if name in story
    }


async def test_version_2_adds_the_generation_on_request(old: dict[Version, AsyncClient], family: Family) -> None:
    family.worker.will_fail()
    path = f"/stories/{(await family.story())['id']}"

    plain = (await old[V2].get(path)).json()
    for include in ("generation", "generation.attempts"):
        story = (await old[V2].get(f"{path}?include={include}")).json()
        newest = (await family.client.get(f"{path}?include={include}")).json()
        assert story.pop("generation") == newest["generation"]
        assert story == plain


@both
async def test_a_rating_is_kept_and_the_story_answered(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    path = f"/stories/{(await family.story())['id']}"

    rated = await old[version].put(f"{path}/rating", json={"rating": 7})

    assert (rated.status_code, rated.json()["rating"]) == (200, 7)
    assert set(rated.json()) == STORY
    assert (await old[version].get(path)).json() == rated.json()


@both
async def test_a_story_is_deleted_in_all_versions(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    path = f"/stories/{(await family.story())['id']}"

    deleted = await old[version].delete(path)

    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(await old[version].delete(path), 404, "not_found")
    problem(await family.client.get(path), 404, "not_found")


@both
async def test_pages_follow_one_another(old: dict[Version, AsyncClient], family: Family, version: Version) -> None:
    written = [(await family.story())["id"] for _ in range(3)]

    first = (await old[version].get("/stories?limit=2")).json()
    second = (await old[version].get("/stories", params={"cursor": first["next_cursor"]})).json()

    assert [story["id"] for story in first["items"] + second["items"]] == written[::-1]
    assert second["next_cursor"] is None


@both
async def test_half_a_character_in_a_response_holds_no_story_back(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    choices = [{"message": {"content": "Once \ud800 upon \\ud800", "half \udc09": ["\ud83d\udc09"]}}]
    family.worker.model.full_response = response(model="sim/\ud800", provider="\udc09", choices=choices)
    written = await family.story()

    (story,) = (await old[version].get("/stories")).json()["items"]

    assert story == (await old[version].get(f"/stories/{written['id']}")).json()
    (choice,) = story["full_response"]["choices"]
    assert choice["message"] == {"content": "Once \ufffd upon \\ud800", "half \ufffd": ["\U0001f409"]}
    for attempt in (
        (await family.client.get("/generations")).json()["items"][0]["attempts"][0],
        story["generation_details"],
    ):
        assert (attempt["served_model"], attempt["provider"]) == ("sim/\ufffd", "\ufffd")


@both
async def test_a_story_that_was_deleted_is_not_written_again_under_its_key(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    old[version].headers["Idempotency-Key"] = "8e03978e"
    wish = await family.wish()
    generation = await family.client.post("/generations", json=wish, headers={"Idempotency-Key": "8e03978e"})
    await family.worker.run(generation.json()["generation_id"])
    (story,) = (await old[version].get("/stories")).json()["items"]
    await old[version].delete(f"/stories/{story['id']}")

    body = problem(await old[version].post("/stories/generate", json=wish), 409, "conflict")

    assert body["detail"] == "This story has been deleted. Use a new Idempotency-Key for another one."


@both
async def test_a_generation_without_a_story_says_why(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    family.worker.will_fail(3)

    body = problem(await generated(old[version], family), 502, "not_written")

    assert body["detail"] == "No story came of this: The provider failed. Ask again."
    generation = (await family.client.get(f"/generations/{body['generation_id']}")).json()
    assert (generation["status"], len(generation["attempts"])) == ("failed", 3)


@both
async def test_a_story_that_takes_too_long_is_found_later(family: Family, services: Services, version: Version) -> None:
    impatient = replace(services, generate_story=replace(services.generate_story, patience=0))
    token = services.tokens.issue(Actor(family.user_id))
    async with client_of(create_app(impatient), version.prefix, token) as client:
        answer = await client.post("/stories/generate", json=await family.wish())
        body = problem(answer, 504, "still_writing")
        assert (await client.get("/stories")).json()["items"] == []

        await family.worker.run(body["generation_id"])

        (story,) = (await client.get("/stories")).json()["items"]
    assert story["generation_id"] == body["generation_id"]


@both
async def test_the_same_key_waits_for_the_same_story(family: Family, services: Services, version: Version) -> None:
    impatient = replace(services, generate_story=replace(services.generate_story, patience=0))
    token, wish = services.tokens.issue(Actor(family.user_id)), await family.wish()
    async with client_of(create_app(impatient), version.prefix, token) as client:
        client.headers["Idempotency-Key"] = "8e03978e"
        first = problem(await client.post("/stories/generate", json=wish), 504, "still_writing")
        await family.worker.run(first["generation_id"])

        story = (await client.post("/stories/generate", json=wish)).json()

        assert story["generation_id"] == first["generation_id"]
        problem(await client.post("/stories/generate", json=wish | {"moral": "courage"}), 422, "idempotency_key_reused")
    assert len((await family.client.get("/generations")).json()["items"]) == 1


@both
async def test_a_client_that_leaves_stops_nothing(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    asked = asyncio.create_task(old[version].post("/stories/generate", json=await family.wish()))
    generation = await first_generation(family)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)

    await family.worker.run(generation)

    assert len((await old[version].get("/stories")).json()["items"]) == 1


@both
async def test_a_wish_that_cannot_be_is_refused_by_field(
    old: dict[Version, AsyncClient], family: Family, version: Version
) -> None:
    wish = await family.wish()

    refused(await old[version].post("/stories/generate", json=wish | {"moral": ""}), "moral")
    refused(await old[version].post("/stories/generate", json=wish | {"story_type": "hero"}), "child_id")
    refused(await old[version].post("/stories/generate", json=wish | {"model": "another/model"}), "model")
    problem(await old[version].post("/stories/generate", json=wish | {"child_id": ID}), 404, "not_found")
    assert (await family.client.get("/generations")).json()["items"] == []


@both
async def test_another_familys_story_is_not_there(
    old: dict[Version, AsyncClient], stranger: Family, version: Version
) -> None:
    story = await stranger.story()

    problem(await old[version].get(f"/stories/{story['id']}"), 404, "not_found")
    problem(await old[version].put(f"/stories/{story['id']}/rating", json={"rating": 1}), 404, "not_found")
    problem(await old[version].delete(f"/stories/{story['id']}"), 404, "not_found")
    assert (await old[version].get("/stories")).json() == {"items": [], "next_cursor": None}
