"""A family's children and heroes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from tests.interfaces.api.world import Family, problem, refused

CANARY = "canary\x07"  # a control character
CHILD = {"name": "Mia", "age": 6}


async def test_a_child_from_the_first_word_to_the_last(family: Family) -> None:
    child = await family.add_child()

    assert child == child | {"name": "Mia", "age": 6, "interests": ["dragons"], "gender": "girl"}
    assert datetime.fromisoformat(child["created_at"]).utcoffset() == timedelta(0)
    assert child["created_at"].endswith("Z")
    assert (await family.client.get(f"/children/{child['id']}")).json() == child
    assert (await family.client.get("/children")).json() == {"items": [child], "next_cursor": None}

    deleted = await family.client.delete(f"/children/{child['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(await family.client.get(f"/children/{child['id']}"), 404, "not_found")
    problem(await family.client.delete(f"/children/{child['id']}"), 404, "not_found")
    assert (await family.client.get("/children")).json() == {"items": [], "next_cursor": None}


async def test_what_is_not_known_of_a_child_is_null(family: Family) -> None:
    child = (await family.client.post("/children", json=CHILD)).json()

    assert (child["interests"], child["gender"]) == ([], None)


async def test_a_hero_from_the_first_word_to_the_last(family: Family) -> None:
    hero = await family.add_hero()

    assert hero == hero | {"user_id": str(family.user_id), "name": "Captain Moon", "appearance": "a silver cape"}
    assert (await family.client.get(f"/heroes/{hero['id']}")).json() == hero
    assert (await family.client.get("/heroes")).json()["items"][0] == hero

    assert (await family.client.delete(f"/heroes/{hero['id']}")).status_code == 204
    problem(await family.client.get(f"/heroes/{hero['id']}"), 404, "not_found")


async def test_every_family_sees_the_ready_made_heroes_and_none_can_change_them(family: Family) -> None:
    heroes = (await family.client.get("/heroes")).json()["items"]

    assert [hero["name"] for hero in heroes][:2] == ["Luna the Owl", "Pip the Hedgehog"]
    for hero in heroes:
        assert (hero["user_id"], bool(hero["appearance"])) == (None, True)
        path = f"/heroes/{hero['id']}"
        for answer in (await family.client.delete(path), await family.client.patch(path, json={"name": "Mine"})):
            assert "ready-made" in problem(answer, 403, "forbidden")["detail"]
        assert (await family.client.get(path)).json() == hero


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " \n "),
        ("name", CANARY),
        ("name", CANARY * 80),
        ("name", "Mia\x00"),
        ("name", 5),
        ("name", None),
        ("age", -1),
        ("age", 18),
        ("age", 10**12),
        ("age", "6"),
        ("age", 6.0),
        ("age", True),
        ("age", None),
        ("interests", "dragons"),
        ("interests", {"a": 1}),
        ("interests", None),
        ("interests", ["x"] * 13),
        ("interests", [CANARY]),
        ("gender", ""),
        ("gender", 1),
    ],
)
async def test_a_child_that_cannot_be(member: AsyncClient, field: str, value: object) -> None:
    answer = await member.post("/children", json=CHILD | {field: value})

    refused(answer, field)
    assert CANARY not in answer.text
    assert CANARY not in answer.json()["detail"]


async def test_an_interest_is_named_by_its_place(member: AsyncClient) -> None:
    refused(await member.post("/children", json=CHILD | {"interests": ["dragons", 5]}), "interests.1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"appearance": ""}, "appearance"),
        ({"appearance": "x" * 401}, "appearance"),
        ({"appearance": 5}, "appearance"),
        ({"user_id": None}, "user_id"),
    ],
)
async def test_a_hero_that_cannot_be(member: AsyncClient, changes: dict[str, Any], field: str) -> None:
    refused(await member.post("/heroes", json={"name": "Captain Moon"} | changes), field)
