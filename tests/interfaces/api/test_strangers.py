"""Nobody without a token gets in, and nobody sees another family's things."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from httpx import AsyncClient

from tales.domain.actor import Actor
from tales.infrastructure.auth.claims import AUDIENCE
from tales.infrastructure.auth.tokens import JwtTokens
from tests.fixtures.time import FakeClock
from tests.interfaces.api.world import SECRET, Family, problem

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
CHILD = {"name": "Mia", "age": 6}
PROTECTED: list[tuple[str, str, object]] = [
    ("POST", "/children", CHILD),
    ("GET", "/children", None),
    ("GET", f"/children/{ID}", None),
    ("PATCH", f"/children/{ID}", {"age": 7}),
    ("DELETE", f"/children/{ID}", None),
    ("POST", "/heroes", {"name": "Captain Moon"}),
    ("GET", "/heroes", None),
    ("GET", f"/heroes/{ID}", None),
    ("PATCH", f"/heroes/{ID}", {"name": "Mine"}),
    ("DELETE", f"/heroes/{ID}", None),
    ("POST", "/generations", {"story_type": "child", "child_id": ID, "moral": "kindness"}),
    ("GET", "/generations", None),
    ("GET", f"/generations/{ID}", None),
    ("GET", f"/generations/{ID}/events", None),
    ("POST", f"/generations/{ID}/cancel", None),
    ("GET", "/stories", None),
    ("GET", f"/stories/{ID}", None),
    ("GET", f"/stories/{ID}?include=generation", None),
    ("PUT", f"/stories/{ID}/rating", {"rating": 5}),
    ("POST", "/auth/signout", None),
    ("PUT", "/auth/password", {"current_password": "correct horse battery", "new_password": "another horse battery"}),
    ("POST", "/auth/address", {"email": "ada@example.net", "password": "correct horse battery"}),
    ("POST", "/auth/address/confirm", {"email": "ada@example.net", "code": "x"}),
    ("PATCH", f"/stories/{ID}", {"title": "Mine"}),
    ("DELETE", f"/stories/{ID}", None),
    *(
        ("GET", f"/analytics/{report}", None)
        for report in ("models", "retries", "replay", "timeouts", "costs", "prompts")
    ),
    ("GET", "/admin/generations", None),
    ("GET", "/admin/changes", None),
    ("GET", "/admin/budgets", None),
    ("PUT", "/admin/budgets", {"scope": "all", "period": "day", "limit_usd": "5"}),
    ("DELETE", "/admin/budgets?scope=all&period=day", None),
    ("GET", "/admin/prices", None),
    ("PUT", "/admin/prices", {"model": "m", "prompt_usd_per_million": "1", "completion_usd_per_million": "1"}),
    ("DELETE", "/admin/prices?model=m&valid_from=3000-01-01T00:00:00Z", None),
    ("GET", f"/admin/generations/{ID}", None),
    ("GET", "/admin/prompts", None),
    ("POST", "/admin/prompts", {"story_type": "hero", "language": "de", "template": "x"}),
    ("GET", "/admin/prompts/goals", None),
    ("PUT", "/admin/prompts/goals/hero/de", {"measure": "success"}),
    ("DELETE", "/admin/prompts/goals/hero/de", None),
    ("GET", "/admin/prompts/goals/hero/de/draws", None),
    ("GET", f"/admin/prompts/why/{ID}", None),
    ("GET", "/admin/prompts/hero-de-1", None),
    ("PATCH", "/admin/prompts/hero-de-1", {"note": "mine"}),
    *(("GET", f"/admin/prompts/hero-de-1/{look}", None) for look in ("preview", "compare/hero-de-1")),
    ("POST", "/admin/prompts/hero-de-1/activate", {"weight": 1}),
    *(("POST", f"/admin/prompts/hero-de-1/{change}", None) for change in ("retire", "promote")),
    ("GET", "/me", None),
    ("GET", "/me/export", None),
    ("DELETE", "/me", {"password": "correct horse battery"}),
]


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def forged_tokens() -> dict[str, str]:
    actor = Actor(user_id=UUID(ID))
    now = datetime.now(UTC)
    claims = {"sub": ID, "aud": AUDIENCE, "exp": now + timedelta(hours=1)}
    return {
        "expired": JwtTokens(SECRET, FakeClock(now - timedelta(hours=2))).issue(actor),
        "another secret": JwtTokens(SECRET[::-1], FakeClock(now)).issue(actor),
        "no signature": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part({'sub': ID, 'aud': AUDIENCE, 'exp': 2**40})}.",
        "another algorithm": jwt.encode(claims, SECRET * 2, algorithm="HS512"),
        "no end": jwt.encode({"sub": ID, "aud": AUDIENCE}, SECRET),
        "another audience": jwt.encode(claims | {"aud": "anon"}, SECRET),
        "nobody": jwt.encode(claims | {"sub": "nobody"}, SECRET),
        "an empty name": jwt.encode(claims | {"sub": ""}, SECRET),
        "not yet": jwt.encode(claims | {"nbf": now + timedelta(days=1)}, SECRET),
        "no token": "nonsense",
        "empty": "",
        "dots": "..",
        "deep": f"{base64.urlsafe_b64encode(b'[' * 5000).decode()}.e30.e30",
        "long": "x" * 50_000,
        "bytes": "\xff\xfe",
    }


FORGED = forged_tokens()


@pytest.mark.parametrize(("method", "path", "body"), PROTECTED)
async def test_nothing_without_a_token(outsider: AsyncClient, method: str, path: str, body: object) -> None:
    answer = await outsider.request(method, f"/api/v3{path}", json=body)

    problem(answer, 401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", list(FORGED))
async def test_nothing_with_a_token_that_is_not_ours_or_no_longer(outsider: AsyncClient, kind: str) -> None:
    for method, path, body in PROTECTED:
        headers = {b"Authorization": b"Bearer " + FORGED[kind].encode("latin-1")}
        answer = await outsider.request(method, f"/api/v3{path}", json=body, headers=headers)

        problem(answer, 401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YWRhOmFkYQ==", "Token x"])
async def test_another_way_to_sign_in_is_none(outsider: AsyncClient, header: str) -> None:
    problem(await outsider.get("/api/v3/children", headers={"Authorization": header}), 401, "not_signed_in")


async def test_a_user_that_has_been_erased_is_nobody(anyone: AsyncClient) -> None:
    token = JwtTokens(SECRET, FakeClock(datetime.now(UTC))).issue(Actor(UUID(ID)))
    headers = {"Authorization": f"Bearer {token}"}

    answer = await anyone.post("/api/v3/children", json=CHILD, headers=headers)

    problem(answer, 401, "not_signed_in")


async def test_what_is_another_familys_is_not_there(family: Family, stranger: Family) -> None:
    child, hero = await family.add_child(), await family.add_hero()
    generation, story = await family.ask(), await family.story()
    wish: dict[str, Any] = {"moral": "kindness"}
    requests: list[tuple[str, str, object]] = [
        ("GET", f"/children/{child['id']}", None),
        ("PATCH", f"/children/{child['id']}", {"age": 7}),
        ("DELETE", f"/children/{child['id']}", None),
        ("GET", f"/heroes/{hero['id']}", None),
        ("PATCH", f"/heroes/{hero['id']}", {"name": "Mine"}),
        ("DELETE", f"/heroes/{hero['id']}", None),
        ("POST", "/generations", wish | {"story_type": "child", "child_id": child["id"]}),
        ("POST", "/generations", wish | {"story_type": "hero", "hero_id": hero["id"]}),
        ("GET", f"/generations/{generation['generation_id']}", None),
        ("GET", f"/generations/{generation['generation_id']}/events", None),
        ("POST", f"/generations/{generation['generation_id']}/cancel", None),
        ("GET", f"/generations/{story['generation_id']}", None),
        ("GET", f"/stories/{story['id']}", None),
        ("GET", f"/stories/{story['id']}?include=generation", None),
        ("GET", f"/stories/{story['id']}?include=generation.attempts", None),
        ("PUT", f"/stories/{story['id']}/rating", {"rating": 1}),
        ("PATCH", f"/stories/{story['id']}", {"title": "Mine"}),
        ("DELETE", f"/stories/{story['id']}", None),
        ("POST", "/generations", await stranger.wish() | {"sequel_of": story["id"]}),
    ]

    for method, path, body in requests:
        answer = await stranger.client.request(method, path, json=body)
        detail = problem(answer, 404, "not_found")["detail"]
        for word in ("Mia", "Moon", "silver", "Dragon"):
            assert word not in detail

    for path in ("/generations", "/stories", "/stories?q=dragon", f"/stories?child_id={story['child_id']}"):
        assert (await stranger.client.get(path)).json()["items"] == []
    for path in ("/children", "/heroes"):
        items = (await stranger.client.get(path)).json()["items"]
        assert {child["id"], hero["id"], story["child_id"]}.isdisjoint(item["id"] for item in items)
    assert (await family.client.get(f"/stories/{story['id']}")).json() == story
    assert (await family.client.get(f"/generations/{generation['generation_id']}")).json() == generation
    assert (await family.client.get(f"/children/{child['id']}")).json() == child
    assert (await family.client.get(f"/heroes/{hero['id']}")).json() == hero


async def test_another_familys_cursor_opens_nothing(family: Family, stranger: Family) -> None:
    wish = await family.wish()
    for _ in range(3):
        await family.ask(**wish)
    cursor = (await family.client.get("/generations?limit=1")).json()["next_cursor"]

    page = (await stranger.client.get("/generations", params={"cursor": cursor})).json()

    assert page == {"items": [], "next_cursor": None}
