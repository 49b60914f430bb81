"""Whatever goes wrong is answered as a problem document (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import structlog
from httpx import AsyncClient

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.errors import Forbidden, TalesError, TooManyRequests, Unavailable
from tales.interfaces.api.app import create_app
from tales.interfaces.api.middleware.body_limit import LARGEST_BODY
from tests.interfaces.api.world import client_of, problem, refused

CANARY = "canary-7f3a"


async def test_an_unknown_address(outsider: AsyncClient) -> None:
    body = problem(await outsider.get(f"/{CANARY}"), 404, "not_found")

    assert CANARY not in json.dumps(body)


async def test_a_slash_too_many_is_an_unknown_address(outsider: AsyncClient) -> None:
    problem(await outsider.get("/api/v3/children/"), 404, "not_found")


async def test_a_method_that_an_address_does_not_take(outsider: AsyncClient) -> None:
    answer = await outsider.patch("/api/v3/auth/token")

    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v3/children", "GET, HEAD, POST"),
        ("/api/v3/stories", "GET, HEAD"),
        ("/api/v1/stories/generate", "POST"),
        ("/api/v2/stories/generate", "POST"),
        ("/health/live", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/", "GET, HEAD"),
    ],
)
async def test_all_methods_of_an_address_are_named(outsider: AsyncClient, path: str, allowed: str) -> None:
    answer = await outsider.request("TRACE", path)

    body = problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed
    assert f"Use one of: {allowed}." in body["detail"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_generate_is_no_id_of_a_story(outsider: AsyncClient, method: str) -> None:
    answer = await outsider.request(method, "/api/v1/stories/generate")

    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "body", [b"{", b"{'a': 1}", b'"', b'{"email": "\xff"}', b"\x00", b"[" * 60_000, b"1" * 5000, b'{"a": ' * 9_000]
)
async def test_a_body_that_is_no_json(outsider: AsyncClient, body: bytes) -> None:
    answer = await outsider.post("/api/v3/auth/signup", content=body, headers={"Content-Type": "application/json"})

    problem(answer, 400, "malformed_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", None])
async def test_json_under_another_name(outsider: AsyncClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    answer = await outsider.post("/api/v3/auth/signup", content=b"{}", headers=headers)

    problem(answer, 415, "unsupported_media_type")


async def test_json_where_a_form_is_asked_for(outsider: AsyncClient) -> None:
    problem(await outsider.post("/api/v3/auth/token", json={"username": "a"}), 415, "unsupported_media_type")


async def test_no_body_at_all(outsider: AsyncClient) -> None:
    refused(await outsider.post("/api/v3/auth/signup"), "body")


@pytest.mark.parametrize("body", [[], 1, "text", None, True])
async def test_json_that_is_no_object(outsider: AsyncClient, body: object) -> None:
    refused(await outsider.post("/api/v3/auth/signup", json=body), "body")


async def test_every_wrong_field_is_named_and_no_value_is_repeated(outsider: AsyncClient) -> None:
    body = {"email": {CANARY: CANARY}, "passwort": CANARY}

    answer = await outsider.post("/api/v3/auth/signup", json=body)

    refused(answer, "email", "password", "passwort")
    assert CANARY not in answer.text


async def test_an_unknown_field_is_named_in_readable_characters(outsider: AsyncClient) -> None:
    body = b'{"email": "ada@example.com", "password": "correct horse battery", "\\u0007\\u0000' + b"x" * 500 + b'": 1}'

    answer = await outsider.post("/api/v3/auth/signup", content=body, headers={"Content-Type": "application/json"})

    refused(answer, "\ufffd\ufffd" + "x" * 62)


async def test_half_a_character_in_the_name_of_a_field(outsider: AsyncClient) -> None:
    body = b'{"email": "ada@example.com", "password": "correct horse battery", "\\ud800": 1}'

    refused(
        await outsider.post("/api/v3/auth/signup", content=body, headers={"Content-Type": "application/json"}), "body"
    )


async def test_a_hundred_wrong_fields_are_not_all_named(outsider: AsyncClient) -> None:
    answer = await outsider.post("/api/v3/auth/signup", json={f"field{number}": 1 for number in range(100)})

    assert len(problem(answer, 422, "invalid_input")["errors"]) == 20


async def test_a_body_that_is_too_large(outsider: AsyncClient) -> None:
    at_most = json.dumps({"email": ""}).ljust(LARGEST_BODY).encode()
    headers = {"Content-Type": "application/json"}

    refused(await outsider.post("/api/v3/auth/signup", content=at_most, headers=headers), "password")
    answer = await outsider.post("/api/v3/auth/signup", content=at_most + b" ", headers=headers)
    problem(answer, 413, "content_too_large")


async def test_a_body_that_is_longer_than_it_says(outsider: AsyncClient) -> None:
    """A server reads a chunked body to its end, whatever length stands beside it (RFC 9112, section 6.3)."""
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1024
            yield b" " * 1024

    headers = {"Content-Length": "2", "Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    answer = await outsider.post("/api/v3/auth/signup", content=pieces(), headers=headers)

    problem(answer, 413, "content_too_large")
    assert read <= LARGEST_BODY + 2 * 1024


@pytest.mark.parametrize("path", ["/api/v3/auth/signup", "/api/v3/auth/token"])
async def test_a_body_that_does_not_say_how_large_it_is(outsider: AsyncClient, path: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1024 + 1):
            yield b" " * 1024

    kind = "application/x-www-form-urlencoded" if path.endswith("token") else "application/json"

    problem(await outsider.post(path, content=pieces(), headers={"Content-Type": kind}), 413, "content_too_large")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=ten", "limit=1.5", "limit=" + "9" * 5000])
async def test_a_limit_out_of_bounds(member: AsyncClient, query: str) -> None:
    refused(await member.get(f"/stories?{query}"), "limit")


@pytest.mark.parametrize("query", ["cursor=x", "cursor=%00", "cursor=%FF", f"cursor={'A' * 31}"])
async def test_a_cursor_of_someones_own_making(member: AsyncClient, query: str) -> None:
    refused(await member.get(f"/generations?{query}"), "cursor")


async def test_a_misspelt_parameter(member: AsyncClient) -> None:
    refused(await member.get("/stories?cusror=x"), "cusror")


@pytest.mark.parametrize(
    "id_", ["1", "{01890a5d-ac96-774b-bcce-b302099a8057}", "01890a5dac96774bbcceb302099a8057", "%00"]
)
async def test_an_id_that_is_none(member: AsyncClient, id_: str) -> None:
    refused(await member.get(f"/children/{id_}"), "child_id")


class Failing:
    """A use case that fails in a way of the test's choosing."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def list(self, _actor: object, _page: object) -> None:
        raise self.error


def failing(services: Services, error: Exception) -> AsyncClient:
    """A signed-in client of an application that fails with `error`."""
    stub: Any = Failing(error)
    app = create_app(replace(services, children=stub))
    return client_of(app, "/api/v3", services.tokens.issue(Actor(UUID(int=1))))


class Refused(TalesError):
    """Statement refused: SQLSTATE 23514."""

    code = "database_refused"


class Away(Unavailable):
    """Check TALES_DATABASE_URL."""

    code = "database_unavailable"


@pytest.mark.parametrize("error", [RuntimeError(CANARY), ExceptionGroup(CANARY, [ValueError(CANARY)]), Refused()])
async def test_an_error_that_nobody_thought_of_says_nothing_of_itself(
    closed_services: Services, error: Exception
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with failing(closed_services, error) as client:
            answer = await client.get("/children")

    problem(answer, 500, "internal_error")
    assert "SQLSTATE" not in answer.text
    assert CANARY not in answer.text + repr(logs)
    (entry,) = (entry for entry in logs if entry["log_level"] == "error")
    assert entry["event"] == "request failed"
    assert type(error).__name__ in repr(entry) or entry["code"] == "database_refused"


async def test_a_database_that_is_away(closed_services: Services) -> None:
    async with failing(closed_services, Away()) as client:
        answer = await client.get("/children")

    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "TALES_" not in answer.text


async def test_what_a_user_may_not_do(closed_services: Services) -> None:
    async with failing(closed_services, Forbidden()) as client:
        problem(await client.get("/children"), 403, "forbidden")


async def test_what_was_asked_for_too_often(closed_services: Services) -> None:
    async with failing(closed_services, TooManyRequests(2.5, "Three stories a day are enough.")) as client:
        answer = await client.get("/children")

    assert problem(answer, 429, "too_many_requests")["detail"] == "Three stories a day are enough."
    assert answer.headers["Retry-After"] == "3"


async def test_the_type_of_a_problem_leads_to_what_it_means(outsider: AsyncClient) -> None:
    kinds = (await outsider.get("/problems")).json()

    assert {"invalid_input", "not_found", "internal_error"} <= {kind["code"] for kind in kinds}
    for kind in kinds:
        assert (await outsider.get(kind["type"])).json() == kind
    problem(await outsider.get("/problems/nothing"), 404, "not_found")
