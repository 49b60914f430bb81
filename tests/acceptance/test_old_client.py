"""A client of before generations, written down in old_client.json, works unchanged: on migrated and on new stories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tales.domain.actor import Actor
from tales.infrastructure.auth.tokens import JwtTokens
from tales.legacy.migrate import migrate_up
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.processes import SECRET, Place
from tests.fixtures.time import FakeClock
from tests.legacy.library import add_family, add_user, add_varied_stories

CONVERSATION: dict[str, Any] = json.loads(Path(__file__).with_name("old_client.json").read_text(encoding="utf-8"))
KINDS: dict[str, type | tuple[type, ...]] = {"integer": int, "text": str, "any": object}


@pytest.fixture
def migrated(legacy_database: Database) -> tuple[Database, dict[str, str]]:
    """A library of before generations that has moved, and the ids of its family."""
    user = add_user(legacy_database)
    names = {"user_id": user}
    for name, table in (("child_id", "children"), ("hero_id", "heroes")):
        names[name] = add_family(legacy_database, table, user)
    legacy_database.execute("update tales.heroes set appearance = 'a silver cape'")
    add_varied_stories(legacy_database, user)
    migrate_up(legacy_database.owner_url)
    return legacy_database, {name: str(id_) for name, id_ in names.items()}


@pytest.mark.timeout(90)
def test_the_conversation_goes_as_it_always_went(
    migrated: tuple[Database, dict[str, str]], background_simulator: Simulator
) -> None:
    database, names = migrated
    token = JwtTokens(SECRET, FakeClock(datetime.now(UTC))).issue(Actor(UUID(names["user_id"])))
    with Place(database, background_simulator).serving("sim/503-ok") as (_, client):
        client.timeout = httpx.Timeout(60)
        client.headers["Authorization"] = f"Bearer {token}"
        for exchange in CONVERSATION["exchanges"]:
            _replay(client, exchange, names)


def _replay(client: httpx.Client, exchange: dict[str, Any], names: dict[str, str]) -> None:
    request = _filled(exchange["request"], names)
    answer = client.request(request["method"], request["path"], json=request.get("body"))

    where = f"{request['method']} {request['path']}"
    assert answer.status_code == exchange["answer"]["status"], f"{where}: {answer.text}"
    body = answer.json()
    assert list(_differences(exchange["answer"]["body"], body, where)) == []
    same = _filled(exchange.get("same", {}), names)
    assert {name: body[name] for name in same} == same, where
    for name, path in exchange.get("remember", {}).items():
        value = body
        for step in path:
            value = value[step]
        names[name] = value


def _filled(value: Any, names: dict[str, str]) -> Any:
    """`value` with each word in braces replaced."""
    if isinstance(value, str):
        return value.format_map(names)
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    return value


def _differences(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Where `value` is not what the client read."""
    shape = CONVERSATION["shapes"].get(shape, shape) if isinstance(shape, str) else shape
    if isinstance(shape, dict):
        for name, inner in shape.items():
            if name not in value:
                yield f"{where}: there is no {name}"
            else:
                yield from _differences(inner, value[name], f"{where}.{name}")
    elif isinstance(shape, list):
        if not value:
            yield f"{where} is empty"
        for item in value:
            yield from _differences(shape[0], item, f"{where}[]")
    elif not _is_of(shape, value):
        yield f"{where} is no {shape}"


def _is_of(kind: str, value: Any) -> bool:
    if value is None and kind.endswith("?"):
        return True
    kind = kind.removesuffix("?")
    if kind == "uuid":
        return str(UUID(value)) == value
    if kind == "time":
        return datetime.fromisoformat(value).tzinfo is not None
    return isinstance(value, KINDS[kind])
