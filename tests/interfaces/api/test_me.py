"""What Tales knows of a user: to look at, to take along, and to erase."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from tales.application import export_family
from tales.application.services import Services
from tales.domain.actor import Actor
from tests.fixtures.databases import Database
from tests.interfaces.api.world import PASSWORD, Family, client_of, problem, refused

NOTHING = {"children": 0, "heroes": 0, "generations": 0, "stories": 0}
OWNED = ("children", "heroes", "generations", "stories", "accounts", "sequels")


async def signed_up(anyone: AsyncClient, email: str = "ada@example.org") -> tuple[UUID, dict[str, str]]:
    """A user with an account, and the headers of their requests."""
    account = {"email": email, "password": PASSWORD}
    user_id = (await anyone.post("/api/v3/auth/signup", json=account)).json()["user_id"]
    form = {"username": email, "password": PASSWORD}
    token = (await anyone.post("/api/v3/auth/token", data=form)).json()["access_token"]
    return UUID(user_id), {"Authorization": f"Bearer {token}"}


def rows_of(database: Database, user_id: UUID) -> int:
    """How many rows a user has in all tables."""
    query = " union all ".join(f"select user_id from tales.{table}" for table in OWNED)
    return len(database.rows(f"select from ({query}) as owned where user_id = %s", user_id))


async def a_life(family: Family) -> dict[str, Any]:
    """Something of everything; the sequel."""
    await family.add_hero()
    family.worker.will_fail()
    story = await family.story()
    await family.client.put(f"/stories/{story['id']}/rating", json={"rating": 9})
    sequel = await family.story(story_type="child", moral="courage", sequel_of=story["id"])
    await family.ask()
    return sequel


async def test_a_user_sees_who_they_are_and_what_they_have(anyone: AsyncClient) -> None:
    user_id, headers = await signed_up(anyone)
    await anyone.post("/api/v3/children", json={"name": "Mia", "age": 6}, headers=headers)

    me = (await anyone.get("/api/v3/me", headers=headers)).json()

    assert me.pop("created_at").endswith("Z")
    assert me == {
        "id": str(user_id),
        "email": "ada@example.org",
        "is_admin": False,
        "holdings": NOTHING | {"children": 1},
    }


async def test_a_user_of_another_provider_has_no_address_here(family: Family) -> None:
    await a_life(family)

    me = (await family.client.get("/me")).json()

    assert (me["id"], me["email"], me["created_at"]) == (str(family.user_id), None, None)
    assert me["holdings"] == {"children": 2, "heroes": 1, "generations": 3, "stories": 2}


async def test_the_export_holds_everything_and_nothing_of_anybody_else(
    family: Family, stranger: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_family, "AT_A_TIME", 1)
    await a_life(family)
    await a_life(stranger)

    answer = await family.client.get("/me/export")

    assert answer.headers["Content-Type"] == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    document = answer.json()
    assert document["user"] == (await family.client.get("/me")).json()
    assert document["children"] == (await family.client.get("/children")).json()["items"]
    assert [hero["user_id"] for hero in document["heroes"]] == [str(family.user_id)]
    assert document["stories"] == (await family.client.get("/stories")).json()["items"]
    generations = (await family.client.get("/generations")).json()["items"]
    for exported in document["generations"]:
        for attempt in exported["attempts"]:
            assert "Mia" in attempt.pop("prompt")
            response = attempt.pop("full_response")
            assert (attempt["status"] == "success") == (response is not None)
            assert attempt.pop("generation_info") is None
    assert document["generations"] == generations
    theirs = (await stranger.client.get("/stories")).json()["items"]
    assert not [story["id"] for story in theirs if story["id"] in answer.text]


async def test_the_export_of_nothing_is_a_document_too(family: Family) -> None:
    document = (await family.client.get("/me/export")).json()

    assert {name: document[name] for name in NOTHING} == {name: [] for name in NOTHING}


async def test_half_characters_and_nuls_and_depth_are_exported(family: Family, database: Database) -> None:
    story = await family.story()
    database.execute("alter table tales.generations disable trigger user")
    said = '{"said": "\\u001ad800 \\u001a0000"}'
    deep = "[" * 3000 + "]" * 3000
    database.execute("update tales.generations set full_response = %s, generation_info = %s", said, deep)

    document = (await family.client.get("/me/export")).json()

    (generation,) = document["generations"]
    (attempt,) = generation["attempts"]
    assert attempt["full_response"] == {"said": "\ud800 \x00"}
    assert "[" * 100 in str(attempt["generation_info"])
    assert document["stories"][0]["id"] == story["id"]


async def test_an_account_is_erased_with_all_that_is_the_familys(anyone: AsyncClient, database: Database) -> None:
    user_id, headers = await signed_up(anyone)
    other, others = await signed_up(anyone, "eve@example.org")
    for each in (headers, others):
        await anyone.post("/api/v3/children", json={"name": "Mia", "age": 6}, headers=each)

    erased = await anyone.request("DELETE", "/api/v3/me", json={"password": PASSWORD}, headers=headers)

    assert (erased.status_code, erased.content) == (204, b"")
    assert rows_of(database, user_id) == 0
    assert database.rows("select from auth.users where id = %s", user_id) == []
    assert rows_of(database, other) == 2
    problem(await anyone.get("/api/v3/children", headers=headers), 401, "not_signed_in")


async def test_a_family_with_stories_and_a_call_in_flight_is_erased(
    family: Family, stranger: Family, database: Database
) -> None:
    sequel = await a_life(family)
    await a_life(stranger)
    before = rows_of(database, stranger.user_id)

    erased = await family.client.request("DELETE", "/me", json={"user_id": str(family.user_id)})

    assert erased.status_code == 204
    assert (rows_of(database, family.user_id), rows_of(database, stranger.user_id)) == (0, before)
    problem(await family.client.get(f"/stories/{sequel['id']}"), 404, "not_found")
    again = await family.client.request("DELETE", "/me", json={"user_id": str(family.user_id)})
    problem(again, 404, "not_found")


async def test_nothing_is_erased_by_mistake(anyone: AsyncClient, family: Family, database: Database) -> None:
    user_id, headers = await signed_up(anyone)
    for body in ({}, {"password": None}, {"password": "wrong horse"}, {"user_id": str(user_id)}):
        refused(await anyone.request("DELETE", "/api/v3/me", json=body, headers=headers), "password")
    for body in ({}, {"password": PASSWORD}, {"user_id": str(user_id)}):
        refused(await family.client.request("DELETE", "/me", json=body), "user_id")
    assert len(database.rows("select from auth.users where id = any (%s)", [user_id, family.user_id])) == 2


async def test_a_password_is_not_found_by_trying(anyone: AsyncClient) -> None:
    _, headers = await signed_up(anyone)

    answers = [
        await anyone.request("DELETE", "/api/v3/me", json={"password": f"wrong {n}"}, headers=headers)
        for n in range(15)
    ]

    assert {answer.status_code for answer in answers} == {422, 429}
    assert int(answers[-1].headers["Retry-After"]) > 0


async def test_users_of_a_platform_are_the_platforms_to_erase(family: Family, database: Database) -> None:
    database.execute("revoke delete on auth.users from service_role")

    answer = await family.client.request("DELETE", "/me", json={"user_id": str(family.user_id)})

    assert "another service" in problem(answer, 409, "conflict")["detail"]


async def test_an_admin_is_told_so_and_exports_only_their_own(app: Any, services: Services, family: Family) -> None:
    await a_life(family)
    boss = Actor(UUID(int=7), is_admin=True)
    async with client_of(app, "/api/v3", services.tokens.issue(boss)) as client:
        assert (await client.get("/me")).json()["is_admin"]
        assert (await client.get("/me")).json()["holdings"] == NOTHING
        document = (await client.get("/me/export")).json()
    assert {name: document[name] for name in NOTHING} == {name: [] for name in NOTHING}
