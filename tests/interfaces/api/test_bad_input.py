"""Every operation of every version answers bad input with a problem document that shows nothing of our insides."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.interfaces.api.versions import ALL, Version
from tests.interfaces.api.test_openapi import operations
from tests.interfaces.api.world import PROBLEM, client_of

ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
CANARY = "canary-7f3a"
INSIDES = re.compile(r"select |sqlstate|psycopg|sqlalchemy|pydantic|traceback|\.py|/usr/|site-packages", re.IGNORECASE)
Operation = tuple[str, str, dict[str, Any]]

each_version = pytest.mark.parametrize("version", ALL, ids=lambda version: f"v{version.number}")


@pytest.fixture
async def client(closed_app: FastAPI, closed_services: Services) -> AsyncIterator[AsyncClient]:
    """A signed-in client of everything, whose requests must not get as far as the database."""
    async with client_of(closed_app, "", closed_services.tokens.issue(Actor(ID))) as client:
        yield client


async def all_of(client: AsyncClient, version: Version) -> list[Operation]:
    """Each operation of a version: its method, its path with ids in their places, and its description."""
    found = list(operations((await client.get(version.document)).json()))
    assert found
    return [(method, re.sub(r"\{\w+\}", str(ID), path), operation) for method, path, operation in found]


def is_id(parameter: dict[str, Any]) -> bool:
    """Whether it is an id in a path; a prompt's version is a name."""
    return parameter["in"] == "path" and parameter["schema"].get("format") == "uuid"


def check(answer: Response, operation: dict[str, Any], *statuses: int) -> dict[str, Any]:
    """The problem that `answer` is."""
    where = operation["operationId"]
    assert answer.status_code in statuses, f"{where}: {answer.text}"
    assert answer.headers["Content-Type"] == PROBLEM, where
    assert str(answer.status_code) in operation["responses"], where
    assert not INSIDES.search(answer.text), where
    assert CANARY not in answer.text, where
    body: dict[str, Any] = answer.json()
    assert body["detail"], where
    assert answer.status_code != 422 or body["errors"][0]["field"] == body["field"], where
    return body


@each_version
async def test_without_a_token(client: AsyncClient, version: Version) -> None:
    for method, path, operation in await all_of(client, version):
        if "security" in operation:
            check(await client.request(method, path, headers={"Authorization": ""}), operation, 401)


@each_version
@pytest.mark.parametrize("bad", [CANARY, "%00", "%27%3B--", "0", "%F0%9F%90%89", str(ID).replace("-", "")])
async def test_with_a_bad_id(client: AsyncClient, version: Version, bad: str) -> None:
    for method, path, operation in await all_of(client, version):
        name = next((item["name"] for item in operation.get("parameters", []) if is_id(item)), None)
        if name is not None:
            body = check(await client.request(method, path.replace(str(ID), bad)), operation, 422)
            assert body["field"] == name


@each_version
@pytest.mark.parametrize(
    ("body", "media_type", "statuses"),
    [
        (b"", "application/json", (422, 415)),
        (b"{", "application/json", (400, 415)),
        (b"[]", "application/json", (422, 415)),
        (f'{{"{CANARY[:6]}": "{CANARY}"}}'.encode(), "application/json", (422, 415)),
        (b"{}", "text/plain", (415,)),
        (b"\xff\x00", "application/json", (400, 415)),
        (b"a=" + CANARY.encode(), "application/x-www-form-urlencoded", (415, 422)),
        (b" " * 70_000, "application/json", (413,)),
    ],
)
async def test_with_a_bad_body(
    client: AsyncClient, version: Version, body: bytes, media_type: str, statuses: tuple[int, ...]
) -> None:
    for method, path, operation in await all_of(client, version):
        if "requestBody" in operation:
            answer = await client.request(method, path, content=body, headers={"Content-Type": media_type})
            check(answer, operation, *statuses)


@each_version
@pytest.mark.parametrize("bad", ["", "%00", CANARY, "-1", "9" * 400])
async def test_with_a_bad_parameter(client: AsyncClient, version: Version, bad: str) -> None:
    for method, path, operation in await all_of(client, version):
        for parameter in operation.get("parameters", []):
            kind = parameter["schema"].get("type")
            if parameter["in"] == "query" and (parameter["name"] in {"cursor", "include"} or kind == "integer"):
                body = check(await client.request(method, f"{path}?{parameter['name']}={bad}"), operation, 422)
                assert body["field"] == parameter["name"]


@each_version
async def test_with_another_method(client: AsyncClient, version: Version) -> None:
    paths = {path for _, path, _ in await all_of(client, version)}
    for path in paths:
        answer = await client.request("TRACE", path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (405, PROBLEM), path
        assert answer.headers["Allow"], path


@each_version
async def test_with_a_parameter_that_no_operation_knows(client: AsyncClient, version: Version) -> None:
    for method, path, operation in await all_of(client, version):
        answer = await client.request(method, f"{path}?limti=5&{CANARY[:6]}={CANARY}&limti=6")
        body = check(answer, operation, 422)
        assert [error["field"] for error in body["errors"]] == ["limti", CANARY[:6]], operation["operationId"]
        assert body["detail"].startswith("limti is not known here. Leave it out."), operation["operationId"]


@each_version
async def test_every_body_of_json_refuses_a_field_that_it_does_not_know(client: AsyncClient, version: Version) -> None:
    document = (await client.get(version.document)).json()
    for _, _, operation in operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            # What a form of OAuth 2 has beside its own must be ignored (RFC 6749, section 3.2).
            assert "json" not in kind or schema["additionalProperties"] is False, operation["operationId"]


async def test_a_page_takes_what_a_link_adds_to_its_address(client: AsyncClient) -> None:
    for address in ("/", "/docs", "/openapi.json"):
        assert (await client.get(f"{address}?from=a-letter")).status_code == 200
