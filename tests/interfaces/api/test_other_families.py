"""Each operation that there is, found in the OpenAPI documents, tried on another family's things."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from tests.fixtures.databases import Database
from tests.interfaces.api.world import Family, client_of, problem

DOCUMENTS = ("/openapi.json", *(f"/api/v{number}/openapi.json" for number in (1, 2, 3)))
METHODS = ("get", "head", "post", "put", "patch", "delete")
WORDS = ("Zephyrine", "Captain Moon", "dragon")
# That something is there must not show in how a condition fails.
CONDITIONS: tuple[dict[str, str], ...] = ({}, {"If-Match": '"1"'}, {"If-None-Match": "*"}, {"Idempotency-Key": "a-key"})
# What no client may say of itself, or of a call.
FORGED = {
    "user_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "generation_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "attempt_number": 2,
    "status": "success",
    "origin": "migrated",
    "prompt": "Do as I say.",
    "full_response": {"usage": {"cost": 0}},
    "cost_usd": 0,
    "reconciled_cost_usd": 0,
    "created_at": "2020-01-01T00:00:00Z",
    "completed_at": "2030-01-01T00:00:00Z",
    "error_type": "empty",
    "is_admin": True,
    "app_metadata": {"role": "admin"},
    "user_metadata": {"role": "admin"},
}


@dataclass(frozen=True)
class Operation:
    """One operation of the API, as its document describes it."""

    method: str
    path: str
    described: dict[str, Any]
    schemas: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names_one(self) -> bool:
        """Whether its path has the id of something."""
        return "{" in self.path

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of the JSON that it reads."""
        content = self.described.get("requestBody", {}).get("content", {})
        kinds = ("application/json", "application/merge-patch+json")
        schema: dict[str, Any] = next((content[kind]["schema"] for kind in kinds if kind in content), {})
        name = schema.get("$ref", "").rpartition("/")[2]
        return self.schemas.get(name, schema) or None

    def queries(self) -> Iterator[dict[str, str]]:
        """Without a query, and with each value that it may choose from."""
        yield {}
        for parameter in self.described.get("parameters", []):
            for schema in (parameter["schema"], *parameter["schema"].get("anyOf", [])):
                if parameter["in"] == "query":
                    named = self.schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
                    yield from ({parameter["name"]: value} for value in named.get("enum", []))


async def operations(client: AsyncClient) -> list[Operation]:
    """Every operation that asks for a token, of every document that is served."""
    found: dict[str, Operation] = {}
    for address in DOCUMENTS:
        answer = await client.get(address)
        document = answer.json() if answer.status_code == 200 else {"paths": {}}
        for path, item in document["paths"].items():
            for method in METHODS:
                if item.get(method, {}).get("security"):
                    operation = Operation(method.upper(), path, item[method], document["components"]["schemas"])
                    found.setdefault(operation.name, operation)
    # What is for admins is closed to any family, whatever the id (`test_everybody.py`).
    return [operation for operation in found.values() if not operation.path.startswith("/api/v3/admin/")]


@dataclass(frozen=True)
class Things:
    """What a family has: an id for each name that a path or a body may have for one."""

    ids: dict[str, str]

    def fill(self, path: str) -> str:
        """The path with the ids of the family's things. A name that is new must be added here."""
        return path.format(**self.ids)

    def body(self, operation: Operation) -> dict[str, Any] | None:
        """What the operation's own example says, about the family's things."""
        schema = operation.body
        example = (schema or {}).get("example")
        return {name: self.ids.get(name, value) for name, value in example.items()} if example else None


@pytest.fixture
async def things(family: Family) -> Things:
    """A family with one of everything, and its words in each."""
    child = await family.add_child(name=WORDS[0])
    hero = await family.add_hero()
    waiting = await family.ask(story_type="hero", hero_id=hero["id"], moral="kindness")
    story = await family.story(child_id=child["id"])
    return Things(
        {
            "child_id": child["id"],
            "hero_id": hero["id"],
            "generation_id": waiting["generation_id"],
            "story_id": story["id"],
            "sequel_of": story["id"],
        }
    )


def holdings(database: Database, family: Family) -> list[str]:
    """Every row of the family's."""
    tables = database.rows(
        "select distinct table_name from information_schema.columns"
        " where table_schema = 'tales' and column_name = 'user_id' order by 1"
    )
    return [
        json.dumps([table["table_name"], row], default=str, sort_keys=True)
        for table in tables
        for row in database.rows(
            f"select to_jsonb(t) as row from tales.{table['table_name']} as t where user_id = %s order by 1",
            family.user_id,
        )
    ]


@pytest.fixture
async def guest(app: FastAPI, stranger: Family) -> AsyncClient:
    """The stranger, below no prefix."""
    return client_of(app, token=stranger.client.headers["Authorization"].partition(" ")[2])


@pytest.fixture
async def host(app: FastAPI, family: Family) -> AsyncClient:
    """The family itself, below no prefix."""
    return client_of(app, token=family.client.headers["Authorization"].partition(" ")[2])


async def test_another_familys_id_answers_404_whatever_is_done_with_it(
    guest: AsyncClient, family: Family, things: Things, database: Database
) -> None:
    before = holdings(database, family)
    tried = [operation for operation in await operations(guest) if operation.names_one]
    for operation in tried:
        path, body = things.fill(operation.path), things.body(operation)
        for query, headers in product(operation.queries(), CONDITIONS):
            answer = await guest.request(operation.method, path, params=query, json=body, headers=headers)
            assert answer.status_code == 404, f"{operation.name} {query} {headers}: {answer.status_code}"
            if operation.method != "HEAD":
                problem(answer, 404, "not_found")
                assert not [word for word in (*WORDS, *things.ids.values()) if word in answer.text], operation.name
    assert len(tried) >= 12
    assert holdings(database, family) == before


async def test_the_family_itself_is_answered(host: AsyncClient, things: Things) -> None:
    for operation in await operations(host):
        if operation.names_one and operation.method == "GET" and not operation.path.endswith("/events"):
            answer = await host.get(things.fill(operation.path))
            assert answer.status_code == 200, f"{operation.name}: or a 404 would prove nothing"


async def test_another_familys_id_in_a_body_is_not_there_either(
    guest: AsyncClient, family: Family, things: Things, database: Database
) -> None:
    before = holdings(database, family)
    tried = 0
    for operation in await operations(guest):
        named = set(things.ids) & set((operation.body or {}).get("properties", {}))
        for name in sorted(named):
            body = (things.body(operation) or {}) | {name: things.ids[name]}
            if name == "hero_id":
                body = {"story_type": "hero", "moral": "kindness", "hero_id": things.ids[name]}
            answer = await guest.request(operation.method, things.fill(operation.path), json=body)
            assert answer.status_code == 404, f"{operation.name} {name}: {answer.text}"
            assert things.ids[name] not in answer.text, f"{operation.name} {name}"
            tried += 1
    assert tried >= 2
    assert holdings(database, family) == before


async def test_no_list_and_no_report_shows_another_familys_things(
    guest: AsyncClient, host: AsyncClient, things: Things
) -> None:
    shown = [*WORDS, *things.ids.values()]
    heard = ""
    for operation in await operations(guest):
        if operation.method == "GET" and not operation.names_one:
            for query in operation.queries():
                answer = await guest.get(operation.path, params=query)
                assert answer.status_code in {200, 403}, f"{operation.name} {query}: {answer.text}"
                assert not [what for what in shown if what in answer.text], f"{operation.name} {query}"
                heard += (await host.get(operation.path, params=query)).text
    assert [what for what in shown if what not in heard] == [], "or there was nothing to show"


async def test_no_client_says_what_only_the_service_knows(host: AsyncClient, things: Things) -> None:
    tried = 0
    for operation in await operations(host):
        schema = operation.body
        if schema is None:
            continue
        for name in sorted(FORGED.keys() - schema.get("properties", {}).keys()):
            body = (things.body(operation) or {}) | {name: FORGED[name]}
            answer = await host.request(operation.method, things.fill(operation.path), json=body)
            told = problem(answer, 422, "invalid_input")
            assert name in [error["field"] for error in told["errors"]], f"{operation.name} {name}"
            tried += 1
    assert tried > 3 * len(FORGED) / 2
