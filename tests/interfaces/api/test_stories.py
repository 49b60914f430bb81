"""The family's library."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient

from tests.interfaces.api.test_generations import ATTEMPT
from tests.interfaces.api.world import Family, refused

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
STORY = {
    "id",
    "title",
    "content",
    "rating",
    "child_id",
    "hero_id",
    "generation_id",
    "generation_attempt",
    "created_at",
    "updated_at",
}
WISH = {
    "generation_id",
    "story_type",
    "story_length",
    "moral",
    "language",
    "relationship_description",
    "hero_appearance",
}


async def test_a_story_as_it_was_written(family: Family) -> None:
    story = await family.story()

    assert set(story) == STORY
    assert story["title"] == "The Kind Dragon"
    assert story["content"].startswith("Mia and the dragon")
    assert (story["rating"], story["hero_id"], story["generation_attempt"]) == (None, None, 1)
    assert (await family.client.get("/stories")).json() == {"items": [story], "next_cursor": None}


async def test_a_story_with_the_attempt_that_wrote_it(family: Family) -> None:
    family.worker.will_fail()
    story = await family.story()

    found = (await family.client.get(f"/stories/{story['id']}?include=generation")).json()

    generation = found.pop("generation")
    assert found == story
    assert set(generation) == ATTEMPT | WISH
    assert generation["generation_id"] == story["generation_id"]
    assert generation["attempt_number"] == story["generation_attempt"] == 2
    assert (generation["status"], generation["story_type"]) == ("success", "child")
    assert (generation["story_length"], generation["moral"], generation["language"]) == (3, "kindness", "en")
    assert (generation["hero_appearance"], generation["relationship_description"]) == (None, None)
    assert generation["cost_usd"] == "0.00042"


async def test_a_story_with_every_attempt(family: Family) -> None:
    family.worker.will_fail()
    story = await family.story()

    found = (await family.client.get(f"/stories/{story['id']}?include=generation.attempts")).json()

    generation = (await family.client.get(f"/generations/{story['generation_id']}")).json()
    assert found["generation"]["attempts"] == generation["attempts"]
    assert [attempt["status"] for attempt in generation["attempts"]] == ["failed", "success"]


@pytest.mark.parametrize("include", ["", "prompt", "generation,prompt", "generation.prompt", "Generation", "%00"])
async def test_an_unknown_addition_is_refused_with_those_that_there_are(member: AsyncClient, include: str) -> None:
    body = refused(await member.get(f"/stories/{ID}?include={include}"), "include")

    assert "'generation' or 'generation.attempts'" in body["detail"]


async def test_a_child_that_is_gone_leaves_its_story(family: Family) -> None:
    story = await family.story()

    await family.client.delete(f"/children/{story['child_id']}")

    found = (await family.client.get(f"/stories/{story['id']}?include=generation")).json()
    assert found["child_id"] is None
    assert found["content"] == story["content"]


async def test_a_rating_is_kept(family: Family) -> None:
    story = await family.story()
    path = f"/stories/{story['id']}"

    rated = await family.client.put(f"{path}/rating", json={"rating": 5})
    assert (rated.status_code, rated.json()["rating"]) == (200, 5)
    again = await family.client.put(f"{path}/rating", json={"rating": 10})

    assert again.json()["rating"] == 10
    assert (await family.client.get(path)).json() == again.json()
    assert set(again.json()) == STORY


@pytest.mark.parametrize("rating", [0, 11, -1, 2**40, 5.0, 5.5, "5", True, False, None, [5], {"value": 5}])
async def test_a_rating_that_is_none(member: AsyncClient, rating: object) -> None:
    refused(await member.put(f"/stories/{ID}/rating", json={"rating": rating}), "rating")


async def test_pages_follow_one_another_without_a_gap(family: Family) -> None:
    written = [(await family.story())["id"] for _ in range(5)]

    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await family.client.get("/stories", params=query)).json()
        seen += [story["id"] for story in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert seen == written[::-1]
