"""The API describes itself completely."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from fastapi.routing import APIRoute
from httpx import AsyncClient

from tales.domain.failures import FailureKind
from tales.interfaces.api.v1.flow import INLINE_FIELDS
from tales.interfaces.api.versions import ALL as VERSIONS
from tales.interfaces.api.versions import Version
from tests.interfaces.api.test_strangers import PROTECTED
from tests.interfaces.api.world import PROBLEM

METHODS = ("get", "post", "put", "delete", "patch")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


EACH = pytest.mark.parametrize("address", [version.document for version in VERSIONS])


@pytest.fixture
def document(closed_app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of everything but the older versions."""
    return closed_app.openapi()


async def document_at(client: AsyncClient, address: str) -> dict[str, Any]:
    answer = await client.get(address)
    assert answer.status_code == 200
    return dict(answer.json())


async def test_it_is_served_and_shown(outsider: AsyncClient, document: dict[str, Any]) -> None:
    assert await document_at(outsider, "/openapi.json") == json.loads(json.dumps(document))
    assert "swagger" in (await outsider.get("/docs")).text


@pytest.mark.parametrize("address", ["/docs", *(version.page for version in VERSIONS)])
async def test_the_page_needs_no_other_server(outsider: AsyncClient, address: str) -> None:
    page = (await outsider.get(address)).text
    addresses = re.findall('(?:src|href)="([^"]+)"', page)

    assert addresses
    assert "//" not in "".join(addresses)
    assert [(await outsider.get(address)).status_code for address in addresses] == [200] * len(addresses)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: f"v{version.number}")
async def test_each_version_has_a_document_of_its_own_paths(outsider: AsyncClient, version: Version) -> None:
    document = await document_at(outsider, version.document)

    assert document["info"]["version"] == str(version.number)
    assert document["servers"] == [{"url": "/"}]
    assert document["paths"]
    assert all(path.startswith(f"{version.prefix}/") for path in document["paths"])
    assert version.document in (await outsider.get(version.page)).text


async def test_what_is_deprecated_is_marked(outsider: AsyncClient) -> None:
    first, second, third = [await document_at(outsider, version.document) for version in VERSIONS]

    assert all(operation["deprecated"] is True for _, _, operation in operations(first))
    assert not any("deprecated" in operation for _, _, operation in [*operations(second), *operations(third)])
    story = second["components"]["schemas"]["Story"]["properties"]
    assert {name for name in story if story[name].get("deprecated")} == set(INLINE_FIELDS)
    assert set(INLINE_FIELDS).isdisjoint(third["components"]["schemas"]["Story"]["properties"])


@EACH
async def test_it_is_an_openapi_document_whose_references_lead_somewhere(outsider: AsyncClient, address: str) -> None:
    document = await document_at(outsider, address)
    OpenAPI.model_validate(document)

    text = json.dumps(document)
    for reference in {piece.split('"')[0] for piece in text.split('"$ref": "')[1:]}:
        _, _, _, name = reference.split("/")
        assert name in document["components"]["schemas"], reference
    assert "HTTPValidationError" not in text


@EACH
async def test_every_operation_says_what_it_is_for_and_how_it_goes_wrong(outsider: AsyncClient, address: str) -> None:
    document = await document_at(outsider, address)
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        for status, response in operation["responses"].items():
            fine = "text/event-stream" if path.endswith("/events") else "application/json"
            expected = PROBLEM if int(status) >= 400 else fine
            assert list(response.get("content", {expected: 0})) == [expected], f"{where} {status}"
        assert "422" in operation["responses"], where
        assert "requestBody" not in operation or {"400", "413", "415"} <= set(operation["responses"]), where


def test_every_operation_of_a_family_asks_for_a_token(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["account"]
    assert scheme["flows"]["password"]["tokenUrl"] == "/api/v3/auth/token"
    protected = {
        (method.upper(), path) for method, path, operation in operations(document) if operation.get("security")
    }
    for method, path, operation in operations(document):
        assert "security" not in operation or {"401", "429"} <= set(operation["responses"]), f"{method} {path}"
    public = {(method.upper(), path) for method, path, _ in operations(document)} - protected
    assert public == {
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/problems"),
        ("GET", "/problems/{code}"),
        ("POST", "/api/v3/auth/signup"),
        ("POST", "/api/v3/auth/token"),
        ("POST", "/api/v3/auth/refresh"),
        ("POST", "/api/v3/auth/password-reset"),
        ("POST", "/api/v3/auth/password-reset/confirm"),
    }
    # The other tests of who gets in go through all of them.
    assert len(protected) == len({(method, path.partition("?")[0]) for method, path, _ in PROTECTED})


def test_the_headers_that_matter_when_a_story_is_asked_for_are_shown(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/v3/generations"]["post"]["parameters"]

    assert {(parameter["in"], parameter["name"], parameter["required"]) for parameter in parameters} == {
        ("header", "Prefer", False),
        ("header", "Idempotency-Key", False),
    }
    assert all(parameter["description"] for parameter in parameters)


def test_examples_and_limits_are_shown(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("SignUp", "NewChild", "NewHero", "NewGeneration", "NewRating"):
        assert schemas[name]["example"], name
        assert schemas[name]["additionalProperties"] is False
    assert (
        schemas["NewRating"]["properties"]["rating"]["minimum"],
        schemas["NewRating"]["properties"]["rating"]["maximum"],
    ) == (1, 10)
    assert schemas["NewChild"]["properties"]["interests"]["maxItems"] == 12
    assert "en" in schemas["NewGeneration"]["properties"]["language"]["enum"]
    assert schemas["NewGeneration"]["properties"]["child_id"]["anyOf"][0]["format"] == "uuid"


def test_only_the_pages_are_not_described(closed_app: FastAPI, document: dict[str, Any]) -> None:
    described = {path for _, path, _ in operations(document)}
    documents = {address for version in VERSIONS for address in (version.document, version.page)}
    hidden = {route.path for route in closed_app.routes if isinstance(route, APIRoute) and not route.include_in_schema}
    of_pages = {path for path in hidden if not path.startswith(("/api/", "/docs"))}

    assert hidden - of_pages <= {"/docs", "/docs/oauth2-redirect"} | documents
    assert described.isdisjoint(hidden)


@EACH
async def test_the_headers_that_tell_a_client_what_comes_next_are_described(
    outsider: AsyncClient, address: str
) -> None:
    for method, path, operation in operations(await document_at(outsider, address)):
        for status, response in operation["responses"].items():
            where, headers = f"{method} {path} {status}", response.get("headers", {})
            assert ("Retry-After" in headers) is (status in {"429", "503"}), where
            begins = method == "post" and path.endswith(
                ("/generations", "/children", "/heroes", "/generate", "/prompts")
            )
            assert ("Location" in headers) is (begins and status in {"200", "201", "202"}), where
            assert all(header["description"] and header["schema"] for header in headers.values()), where


@EACH
async def test_every_reason_for_failure_is_listed_where_one_is_given(outsider: AsyncClient, address: str) -> None:
    schemas = (await document_at(outsider, address))["components"]["schemas"].values()
    given = [found for schema in schemas if (found := schema.get("properties", {}).get("error_type"))]

    assert given
    for described in given:
        assert [kind for kind in FailureKind if f"`{kind}`" not in described["description"]] == []
