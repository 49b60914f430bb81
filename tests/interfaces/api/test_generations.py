"""Asking for a story, waiting for it, and giving it up."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from tales.interfaces.api.v3.schemas import WhichPage
from tests.interfaces.api.world import MODELS, Family, problem, refused

CANARY = "canary\x07"  # a control character
ATTEMPT = {
    "attempt_number",
    "status",
    "model_used",
    "served_model",
    "provider",
    "provider_generation_id",
    "origin",
    "prompt_version",
    "error_type",
    "error_message",
    "http_status",
    "created_at",
    "started_at",
    "first_token_at",
    "completed_at",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
}


async def test_a_wish_is_taken_at_once_and_says_where_to_look(family: Family) -> None:
    answer = await family.client.post("/generations", json=await family.wish())

    generation = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v3/generations/{generation['generation_id']}"
    assert "Preference-Applied" not in answer.headers
    assert (generation["status"], generation["story_id"], generation["completed_at"]) == ("pending", None, None)
    assert (generation["story_type"], generation["moral"], generation["language"]) == ("child", "kindness", "en")
    (attempt,) = generation["attempts"]
    assert set(attempt) == ATTEMPT
    assert (attempt["attempt_number"], attempt["status"], attempt["model_used"]) == (1, "pending", MODELS[0])
    assert attempt["cost_usd"] is None
    found = await family.client.get(answer.headers["Location"].removeprefix("/api/v3"))
    assert found.json() == generation


async def test_a_generation_tells_of_all_its_attempts(family: Family) -> None:
    asked = await family.ask()
    family.worker.will_fail(2)
    await family.worker.run(asked["generation_id"])

    generation = (await family.client.get(f"/generations/{asked['generation_id']}")).json()

    assert generation["status"] == "success"
    assert generation["story_id"] is not None
    assert generation["created_at"] == asked["created_at"]
    first, second, third = generation["attempts"]
    assert [first["status"], second["status"], third["status"]] == ["failed", "failed", "success"]
    assert (first["error_type"], first["error_message"], first["http_status"]) == (
        "server_error",
        "The provider failed.",
        500,
    )
    assert (third["prompt_tokens"], third["completion_tokens"], third["cost_usd"]) == (120, 340, "0.00042")
    assert (third["provider"], third["served_model"]) == ("Simulator", "sim/ok-2026")
    assert third["completed_at"] == generation["completed_at"]
    assert third["started_at"].endswith("Z")


async def test_a_generation_that_ends_while_the_client_waits(family: Family) -> None:
    wish = await family.wish()
    asking = asyncio.create_task(family.client.post("/generations", json=wish, headers={"Prefer": "wait=30"}))
    pending: list[dict[str, Any]] = []
    while not pending:
        pending = (await family.client.get("/generations")).json()["items"]
    assert not asking.done()
    await family.worker.run(pending[0]["generation_id"])

    answer = await asking

    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert answer.headers["Location"] == f"/api/v3/generations/{answer.json()['generation_id']}"
    assert answer.json()["status"] == "success"
    assert (await family.client.get(f"/stories/{answer.json()['story_id']}")).status_code == 200


async def test_a_generation_that_does_not(family: Family) -> None:
    begun = monotonic()

    answer = await family.client.post("/generations", json=await family.wish(), headers={"Prefer": "wait=1"})

    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert answer.json()["status"] == "pending"
    assert 1 <= monotonic() - begun < 5


async def test_a_client_that_does_not_mind_is_answered_at_once(family: Family) -> None:
    answer = await family.client.post("/generations", json=await family.wish(), headers={"Prefer": "respond-async"})

    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.json()["status"] == "pending"


async def test_a_client_that_does_not_mind_after_a_while_is_answered_then(family: Family) -> None:
    headers = {"Prefer": "respond-async, wait=1"}
    answer = await family.client.post("/generations", json=await family.wish(), headers=headers)

    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async, wait=1"


async def test_a_preference_that_cannot_be_understood_is_none(family: Family) -> None:
    answer = await family.client.post("/generations", json=await family.wish(), headers={"Prefer": "wait=soon"})

    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


async def test_a_story_about_a_hero_or_about_both(family: Family) -> None:
    child, hero = await family.add_child(), await family.add_hero()

    alone = await family.ask(story_type="hero", hero_id=hero["id"], moral="courage")
    both = await family.ask(
        story_type="combined",
        child_id=child["id"],
        hero_id=hero["id"],
        moral="courage",
        relationship_description="old friends",
        language="fr",
        model=MODELS[1],
    )

    assert (alone["hero_appearance"], alone["hero_id"], alone["child_id"]) == ("a silver cape", hero["id"], None)
    assert (both["relationship_description"], both["language"]) == ("old friends", "fr")
    assert both["attempts"][0]["model_used"] == MODELS[1]


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"moral": ""}, "moral"),
    ({"moral": CANARY}, "moral"),
    ({"moral": "x" * 201}, "moral"),
    ({"child_id": None}, "child_id"),
    ({"relationship_description": "friends"}, "relationship_description"),
    ({"relationship_description": CANARY}, "relationship_description"),
    ({"story_length": 0}, "story_length"),
    ({"story_length": 31}, "story_length"),
    ({"language": "xx"}, "language"),
    ({"language": "e\x00n"}, "language"),
    ({"model": CANARY}, "model"),
    ({"model": ""}, "model"),
]


async def test_a_wish_that_cannot_be(family: Family) -> None:
    wish = await family.wish()
    for changes, field in IMPOSSIBLE:
        answer = await family.client.post("/generations", json=wish | changes)

        refused(answer, field)
        assert CANARY not in answer.json()["detail"]
    assert (await family.client.get("/generations")).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"story_type": "dog"}, "story_type"),
        ({"story_type": None}, "story_type"),
        ({"moral": None}, "moral"),
        ({"child_id": "Mia"}, "child_id"),
        ({"child_id": 5}, "child_id"),
        ({"hero_id": "{01890a5d-ac96-774b-bcce-b302099a8057}"}, "hero_id"),
        ({"story_length": 2**31}, "story_length"),
        ({"story_length": "3"}, "story_length"),
        ({"story_length": 2.5}, "story_length"),
        ({"story_length": True}, "story_length"),
        ({"language": None}, "language"),
        ({"prompt": CANARY}, "prompt"),
        ({"status": "success"}, "status"),
        ({"user_id": CANARY}, "user_id"),
    ],
)
async def test_a_wish_that_is_not_one(member: AsyncClient, changes: dict[str, Any], field: str) -> None:
    wish = {"story_type": "child", "child_id": str(UUID(int=1)), "moral": "kindness", "story_length": 3}

    answer = await member.post("/generations", json=wish | changes)

    refused(answer, field)
    assert CANARY not in answer.json()["detail"]


async def test_what_may_be_chosen_is_listed(family: Family) -> None:
    story_type = await family.client.post("/generations", json=await family.wish(story_type="dog"))
    model = await family.client.post("/generations", json=await family.wish(model="dog"))

    assert "'child', 'hero' or 'combined'" in refused(story_type, "story_type")["detail"]
    assert ", ".join(MODELS) in refused(model, "model")["detail"]


async def test_a_generation_is_given_up(family: Family) -> None:
    asked = await family.ask()
    path = f"/generations/{asked['generation_id']}"

    answer = await family.client.post(f"{path}/cancel")

    assert answer.status_code == 202
    assert answer.json()["status"] == "failed"
    assert answer.json()["attempts"][0]["error_type"] == "cancelled"
    assert answer.json() == (await family.client.get(path)).json()
    problem(await family.client.post(f"{path}/cancel"), 409, "conflict")
    await family.worker.run(asked["generation_id"])
    assert (await family.client.get("/stories")).json()["items"] == []


async def test_pages_follow_one_another_without_a_gap(family: Family) -> None:
    wish = await family.wish()
    asked = [await family.ask(**wish) for _ in range(5)]

    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await family.client.get("/generations", params=query)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert seen == asked[::-1]


def test_a_page_has_twenty_items_unless_said_otherwise() -> None:
    assert WhichPage().checked().limit == 20
