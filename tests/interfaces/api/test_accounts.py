"""Signing up, and getting a token."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from httpx import AsyncClient, Response

from tales.application.services import Services
from tales.infrastructure.auth.tokens import JwtTokens
from tales.interfaces.api.app import create_app
from tests.interfaces.api.world import PASSWORD, client_of, problem, refused

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
    assert set(token.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}
    claims = jwt.decode(token.json()["access_token"], options={"verify_signature": False})
    assert claims["sub"] == account.json()["user_id"]
    assert claims["exp"] > datetime.now(UTC).timestamp()

    headers = {"Authorization": f"bearer {token.json()['access_token']}"}
    assert (await anyone.get("/api/v3/children", headers=headers)).json()["items"] == []


async def test_an_address_that_has_an_account(anyone: AsyncClient) -> None:
    await sign_up(anyone)

    problem(await sign_up(anyone, email="ADA@example.org", password="another password"), 409, "conflict")


@pytest.mark.parametrize("password", ["short", "fourteen chars", "", "x" * 257])
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


async def test_letters_of_every_script_may_stand_in_a_password_however_they_are_typed(anyone: AsyncClient) -> None:
    composed, decomposed = "drag\u00e9on \U0001f409 и\u00a0дракон", "drage\u0301on \U0001f409 и дракон"
    assert (await sign_up(anyone, password=composed)).status_code == 201

    for password in (composed, decomposed):
        assert (await get_token(anyone, password=password)).status_code == 200
    problem(await get_token(anyone, password="drag"), 401, "not_signed_in")


@pytest.mark.parametrize("password", ["drag\x00on and another dragon", "drag\ton and another dragon", "\u0378" * 16])
async def test_what_cannot_be_typed_is_no_password(outsider: AsyncClient, password: str) -> None:
    refused(await sign_up(outsider, password=password), "password")


async def get_token(client: AsyncClient, **changes: Any) -> Response:
    return await client.post(TOKEN, data={"username": "ada@example.org", "password": PASSWORD} | changes)


async def enter(client: AsyncClient) -> dict[str, Any]:
    """The tokens of a new session; the account is opened first if need be."""
    await sign_up(client)
    answer = await get_token(client)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def bearing(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def refresh_by_form(client: AsyncClient, token: str) -> Response:
    return await client.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": token})


async def refresh_by_json(client: AsyncClient, token: str) -> Response:
    return await client.post("/api/v3/auth/refresh", json={"refresh_token": token})


@pytest.mark.parametrize("refresh", [refresh_by_form, refresh_by_json])
async def test_a_refresh_token_gets_the_next_tokens_once(anyone: AsyncClient, refresh: Any) -> None:
    first = await enter(anyone)

    answer = await refresh(anyone, first["refresh_token"])
    second = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(second) == set(first)
    assert second["refresh_token"] != first["refresh_token"]
    assert (await anyone.get("/api/v3/children", headers=bearing(second))).status_code == 200

    problem(await refresh(anyone, first["refresh_token"]), 401, "not_signed_in")
    problem(await refresh(anyone, second["refresh_token"]), 401, "not_signed_in")
    problem(await anyone.get("/api/v3/children", headers=bearing(second)), 401, "not_signed_in")


@pytest.mark.parametrize("token", ["nonsense", "x" * 50_000, "\x00"])
async def test_what_is_no_refresh_token(anyone: AsyncClient, token: str) -> None:
    problem(await refresh_by_json(anyone, token), 401, "not_signed_in")
    problem(await refresh_by_form(anyone, token), 401, "not_signed_in")


async def test_a_refresh_without_a_token(outsider: AsyncClient) -> None:
    refused(await outsider.post("/api/v3/auth/refresh", json={}), "refresh_token")
    for form in ({}, {"refresh_token": ""}):
        refused(await outsider.post(TOKEN, data={"grant_type": "refresh_token"} | form), "refresh_token")
    refused(
        await outsider.post(TOKEN, data={"grant_type": "refresh_token", "username": "a", "password": "b"}),
        "refresh_token",
    )


async def test_signing_out_ends_the_session_at_once(anyone: AsyncClient) -> None:
    here, elsewhere = await enter(anyone), await enter(anyone)

    answer = await anyone.post("/api/v3/auth/signout", headers=bearing(here))

    assert (answer.status_code, answer.content) == (204, b"")
    problem(await anyone.get("/api/v3/children", headers=bearing(here)), 401, "not_signed_in")
    problem(await refresh_by_json(anyone, here["refresh_token"]), 401, "not_signed_in")
    assert (await anyone.get("/api/v3/children", headers=bearing(elsewhere))).status_code == 200


async def test_a_new_password_ends_the_other_sessions(anyone: AsyncClient) -> None:
    here, elsewhere = await enter(anyone), await enter(anyone)
    body = {"current_password": PASSWORD, "new_password": "another horse battery"}

    answer = await anyone.put("/api/v3/auth/password", json=body, headers=bearing(here))

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await anyone.get("/api/v3/children", headers=bearing(here))).status_code == 200
    problem(await anyone.get("/api/v3/children", headers=bearing(elsewhere)), 401, "not_signed_in")
    problem(await get_token(anyone), 401, "not_signed_in")
    assert (await get_token(anyone, password="another horse battery")).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("current_password", "wrong password"),
        ("new_password", "short"),
        ("new_password", "x" * 257),
        ("new_password", "passwordpassword"),
    ],
)
async def test_a_new_password_that_is_refused(anyone: AsyncClient, field: str, value: str) -> None:
    tokens = await enter(anyone)
    body = {"current_password": PASSWORD, "new_password": "another horse battery"} | {field: value}

    answer = await anyone.put("/api/v3/auth/password", json=body, headers=bearing(tokens))

    refused(answer, field)
    assert value not in answer.text
    assert (await get_token(anyone)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "signup", SIGN_UP),
        ("POST", "refresh", {"refresh_token": "x"}),
        ("POST", "signout", None),
        ("POST", "password-reset", {"email": "ada@example.org"}),
        ("POST", "address", {"email": "ada@example.org", "password": PASSWORD}),
        ("PUT", "password", {"current_password": PASSWORD, "new_password": PASSWORD}),
    ],
)
async def test_where_another_provider_signs_users_in_it_is_named_as_the_way(
    closed_services: Services, method: str, path: str, body: object
) -> None:
    async with client_of(create_app(replace(closed_services, external_auth=True))) as client:
        answer = await client.request(method, f"/api/v3/auth/{path}", json=body)

        assert "provider" in problem(answer, 409, "conflict")["detail"]
        problem(await get_token(client), 409, "conflict")
