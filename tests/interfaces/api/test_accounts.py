"""Signing up, and getting a token."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from httpx import AsyncClient

from tales.infrastructure.auth.tokens import JwtTokens
from tests.interfaces.api.world import PASSWORD, problem, refused

SIGN_UP = {"email": "Ada@Example.org", "password": PASSWORD}
TOKEN = "/api/v3/auth/token"


async def sign_up(client: AsyncClient, **changes: Any) -> Any:
    return await client.post("/api/v3/auth/signup", json=SIGN_UP | changes)


async def test_from_an_address_and_a_password_to_a_family_of_ones_own(anyone: AsyncClient) -> None:
    account = await sign_up(anyone)
    assert account.status_code == 201
    assert account.json()["email"] == "ada@example.org"
    assert set(account.json()) == {"user_id", "email"}

    token = await anyone.post(TOKEN, data={"username": "ada@example.org", "password": PASSWORD})
    assert token.status_code == 200
    assert token.headers["Cache-Control"] == "no-store"
    assert token.json()["token_type"] == "bearer"
    assert token.json()["expires_in"] == JwtTokens.lifetime
    claims = jwt.decode(token.json()["access_token"], options={"verify_signature": False})
    assert claims["sub"] == account.json()["user_id"]
    assert claims["exp"] > datetime.now(UTC).timestamp()

    headers = {"Authorization": f"bearer {token.json()['access_token']}"}
    assert (await anyone.get("/api/v3/children", headers=headers)).json() == {"items": []}


async def test_an_address_that_has_an_account(anyone: AsyncClient) -> None:
    await sign_up(anyone)

    problem(await sign_up(anyone, email="ADA@example.org", password="another password"), 409, "conflict")


@pytest.mark.parametrize("password", ["short", "", "x" * 257])
async def test_a_password_that_is_too_short_or_too_long(outsider: AsyncClient, password: str) -> None:
    answer = await sign_up(outsider, password=password)

    refused(answer, "password")
    assert not password or password not in answer.text


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.org", "ada@example", "a da@example.org", "a\x00da@example.org", "a" * 260]
)
async def test_an_address_that_is_none(outsider: AsyncClient, email: str) -> None:
    answer = await sign_up(outsider, email=email)

    refused(answer, "email")
    assert not email or email not in answer.text.replace("name@example.com", "")


@pytest.mark.parametrize("value", [None, 5, True, ["ada@example.org"], {"a": 1}])
@pytest.mark.parametrize("field", ["email", "password"])
async def test_an_address_and_a_password_are_text(outsider: AsyncClient, field: str, value: object) -> None:
    refused(await sign_up(outsider, **{field: value}), field)


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(anyone: AsyncClient) -> None:
    await sign_up(anyone)

    known = await anyone.post(TOKEN, data={"username": "ada@example.org", "password": "wrong password"})
    unknown = await anyone.post(TOKEN, data={"username": "eve@example.org", "password": PASSWORD})

    problem(known, 401, "not_signed_in")
    assert known.headers["WWW-Authenticate"] == "Bearer"
    assert known.status_code == unknown.status_code
    assert known.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}


@pytest.mark.parametrize("form", [{}, {"username": "ada@example.org"}, {"password": PASSWORD}])
async def test_a_form_with_a_field_too_few(outsider: AsyncClient, form: dict[str, str]) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await outsider.post(TOKEN, data=form, headers=headers)

    assert PASSWORD not in answer.text
    refused(answer, *(name for name in ("username", "password") if name not in form))


async def test_a_grant_that_is_not_given(outsider: AsyncClient) -> None:
    form = {"username": "ada@example.org", "password": PASSWORD, "grant_type": "client_credentials"}

    refused(await outsider.post(TOKEN, data=form), "grant_type")


@pytest.mark.parametrize("name", [b"%00", b"ada%00@example.org", b"%FF%FE", b"%ED%A0%80", b"x" * 5000, b"%F0%9F%90%89"])
async def test_a_strange_name_is_an_unknown_one(anyone: AsyncClient, name: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await anyone.post(TOKEN, content=b"username=" + name + b"&password=" + name, headers=headers)

    problem(answer, 401, "not_signed_in")


async def test_a_file_is_no_name(outsider: AsyncClient) -> None:
    files = {"username": ("name.txt", b"ada@example.org"), "password": ("password.txt", PASSWORD.encode())}

    refused(await outsider.post(TOKEN, files=files), "username", "password")


@pytest.mark.parametrize("password", ["correct\ud800horse", "\ud800" * 8])
async def test_a_password_of_half_characters(outsider: AsyncClient, password: str) -> None:
    body = json.dumps(SIGN_UP | {"password": password})

    answer = await outsider.post("/api/v3/auth/signup", content=body, headers={"Content-Type": "application/json"})

    refused(answer, "password")


async def test_any_character_may_stand_in_a_password(anyone: AsyncClient) -> None:
    password = "drag\x00on \U0001f409 e\u0301"
    assert (await sign_up(anyone, password=password)).status_code == 201

    right = await anyone.post(TOKEN, data={"username": "ada@example.org", "password": password})
    wrong = await anyone.post(TOKEN, data={"username": "ada@example.org", "password": "drag"})

    assert right.status_code == 200
    problem(wrong, 401, "not_signed_in")
