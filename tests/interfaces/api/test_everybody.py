"""Everybody's generations, as admins see them: found by what their latest attempt says; each look at one is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from uuid_utils.compat import uuid7

from tales.application.services import Services
from tales.domain.actor import Actor
from tests.fixtures.databases import Database
from tests.fixtures.rows import THEN, Connection, Row, add_user, ended, insert, retry
from tests.interfaces.api.world import Family, client_of, problem, refused

ADDRESS = "/admin/generations"
WORDS = ("Zephyrine", "once upon a dragon")


@pytest.fixture
def boss() -> Actor:
    return Actor(uuid7(), is_admin=True)


@pytest.fixture
async def client(app: FastAPI, services: Services, boss: Actor) -> AsyncIterator[AsyncClient]:
    """The admin's."""
    async with client_of(app, "/api/v3", services.tokens.issue(boss)) as client:
        yield client


def _lasting(begins: int, seconds: float, **changes: Any) -> Row:
    """An attempt that was made so many minutes after the others, and took so long."""
    start = THEN + timedelta(minutes=begins)
    return {"created_at": start, "started_at": start, "completed_at": start + timedelta(seconds=seconds)} | changes


def _fill(connection: Connection) -> dict[str, Row]:
    """Two families' generations by what is particular about each, the oldest first."""
    one, other = add_user(connection), add_user(connection)
    words = {"prompt": f"About {WORDS[0]}.", "moral": WORDS[0], "relationship_description": WORDS[0]}
    answer = {"full_response": {"usage": {"cost": 0.5}, "choices": [{"message": {"content": WORDS[1]}}]}}
    rows = {
        "plain": ended(one, **words, **_lasting(0, 2)),
        "dear": ended(one, **words, **_lasting(1, 3), **answer),
        "slow": ended(other, **words, **_lasting(2, 90)),
        "lost": ended(other, "timeout", **words, **_lasting(3, 5)),
        "another model's": ended(other, **words, **_lasting(4, 1), model_used="sim/other"),
        "tried again": ended(other, "failed", **words, **_lasting(5, 1)),
    }
    rows["plain"]["full_response"] = {"usage": {"cost": 0.01}}
    rows["slow"]["full_response"] = rows["another model's"]["full_response"] = None
    for row in rows.values():
        insert(connection, "generations", row)
    again = retry(rows["tried again"], status="success", relationship_description=WORDS[0], **_lasting(6, 1))
    insert(connection, "generations", again | {"prompt": f"Again about {WORDS[0]}."})
    return rows


@pytest.fixture
def rows(database: Database) -> dict[str, Row]:
    with database.connect() as connection:
        return _fill(connection)


async def _found(client: AsyncClient, rows: dict[str, Row], **query: Any) -> list[str]:
    names = {str(row["generation_id"]): name for name, row in rows.items()}
    answer = await client.get(ADDRESS, params=query)
    assert answer.status_code == 200, answer.text
    return [names[item["generation_id"]] for item in answer.json()["items"]]


async def test_everybodys_are_listed_the_newest_call_first_and_without_a_word_of_a_family(
    client: AsyncClient, rows: dict[str, Row], database: Database
) -> None:
    assert await _found(client, rows) == list(reversed(rows))

    answer = await client.get(ADDRESS)
    assert not [word for word in WORDS if word in answer.text]
    first = answer.json()["items"][0]
    assert first["user_id"] == str(rows["tried again"]["user_id"])
    assert [attempt["status"] for attempt in first["attempts"]] == ["failed", "success"]
    assert database.rows("select from tales.audit_log") == []


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"status": "timeout"}, ["lost"]),
        ({"status": "failed"}, []),
        ({"model": "sim/other"}, ["another model's"]),
        ({"error_type": "deadline"}, ["lost"]),
        ({"error_type": "server_error"}, []),
        ({"cost_over": "0.4"}, ["dear"]),
        ({"cost_over": "0.5"}, []),
        ({"slower_than": "60"}, ["slow"]),
        ({"slower_than": "4.5"}, ["lost", "slow"]),
        ({"created_after": "2026-03-20T11:04:00Z"}, ["tried again", "another model's"]),
        ({"created_before": "2026-03-20T11:01:00Z"}, ["plain"]),
        ({"created_after": "2026-03-20T11:01:00Z", "created_before": "2026-03-20T11:02:00Z"}, ["dear"]),
        ({"status": "success", "slower_than": "4.5"}, ["slow"]),
    ],
    ids=str,
)
async def test_what_is_looked_for_is_found_and_nothing_else(
    client: AsyncClient, rows: dict[str, Row], query: dict[str, str], wanted: list[str]
) -> None:
    assert await _found(client, rows, **query) == wanted


async def test_a_familys_are_found_by_its_id(client: AsyncClient, rows: dict[str, Row]) -> None:
    assert await _found(client, rows, user_id=str(rows["plain"]["user_id"])) == ["dear", "plain"]


async def test_pages_follow_each_other(client: AsyncClient, rows: dict[str, Row]) -> None:
    names = {str(row["generation_id"]): name for name, row in rows.items()}
    found, cursor = [], {}
    while True:
        page = (await client.get(ADDRESS, params={"limit": 2, "slower_than": 0} | cursor)).json()
        found += [names[item["generation_id"]] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == list(reversed(rows))


@pytest.mark.parametrize("field", ["cost_over", "slower_than"])
@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "1e9", "dear"])
async def test_what_is_no_amount_is_refused(client: AsyncClient, field: str, value: str) -> None:
    refused(await client.get(ADDRESS, params={field: value}), field)


@pytest.mark.parametrize("value", ["1E-999999", "0E999999"])
async def test_a_cost_that_no_column_can_hold_is_refused(client: AsyncClient, value: str) -> None:
    refused(await client.get(ADDRESS, params={"cost_over": value}), "cost_over")


async def test_a_look_shows_everything_and_is_kept(
    client: AsyncClient, boss: Actor, rows: dict[str, Row], database: Database
) -> None:
    row = rows["tried again"]
    shown = (await client.get(f"{ADDRESS}/{row['generation_id']}")).json()

    assert [attempt["prompt"] for attempt in shown["attempts"]] == [
        f"About {WORDS[0]}.",
        f"Again about {WORDS[0]}.",
    ]
    assert shown["user_id"] == str(row["user_id"])
    assert shown["attempts"][1].keys() >= {
        *("full_response", "worker_id", "available_at", "served_model", "cost_usd", "estimated_cost_usd")
    }
    (look,) = database.rows("select * from tales.audit_log")
    assert (look["via"], look["viewer_id"], look["generation_id"], look["user_id"]) == (
        *("api", boss.user_id),
        *(row["generation_id"], row["user_id"]),
    )


async def test_what_cannot_be_recorded_is_not_shown(
    client: AsyncClient, rows: dict[str, Row], database: Database
) -> None:
    database.execute("alter table tales.audit_log add check (via <> 'api')")
    answer = await client.get(f"{ADDRESS}/{rows['dear']['generation_id']}")
    assert answer.status_code == 500
    assert WORDS[1] not in answer.text


async def test_a_look_at_ones_own_is_nobodys_business(
    app: FastAPI, services: Services, family: Family, database: Database
) -> None:
    hero = await family.add_hero()
    asked = await family.ask(story_type="hero", hero_id=hero["id"], moral="kindness")
    async with client_of(app, "/api/v3", services.tokens.issue(Actor(UUID(str(family.user_id)), is_admin=True))) as own:
        assert (await own.get(f"{ADDRESS}/{asked['generation_id']}")).status_code == 200
    assert database.rows("select from tales.audit_log") == []


async def test_what_is_not_there_is_not_found_and_no_look(client: AsyncClient, database: Database) -> None:
    problem(await client.get(f"{ADDRESS}/{uuid7()}"), 404, "not_found")
    assert database.rows("select from tales.audit_log") == []


async def test_who_is_no_admin_is_refused_whatever_the_id(
    family: Family, rows: dict[str, Row], database: Database
) -> None:
    told = [
        problem(await family.client.get(address), 403, "forbidden")["detail"]
        for address in (ADDRESS, f"{ADDRESS}/{rows['dear']['generation_id']}", f"{ADDRESS}/{uuid7()}")
    ]
    assert len(set(told)) == 1
    assert database.rows("select from tales.audit_log") == []


async def test_a_look_outlives_who_was_looked_at(client: AsyncClient, rows: dict[str, Row], database: Database) -> None:
    row = rows["dear"]
    await client.get(f"{ADDRESS}/{row['generation_id']}")
    database.execute("delete from auth.users where id = %s", row["user_id"])
    assert len(database.rows("select from tales.audit_log where user_id = %s", row["user_id"])) == 1
