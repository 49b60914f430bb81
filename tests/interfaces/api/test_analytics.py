"""What admins learn of all calls together, and that nobody else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from uuid_utils.compat import uuid7

from tales.application.services import Services
from tales.domain.actor import Actor
from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection, Row, add_user, ended, insert, retry
from tests.interfaces.api.world import Family, client_of, problem, refused

REPORTS = ("models", "retries", "timeouts", "costs", "prompts")
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture
async def boss(app: FastAPI, services: Services) -> AsyncIterator[AsyncClient]:
    """An admin's client."""
    async with client_of(app, "/api/v3", services.tokens.issue(Actor(uuid7(), is_admin=True))) as client:
        yield client


def lasting(seconds: float, **changes: Any) -> Row:
    """When a call began, gave its first word, and ended."""
    times = {"created_at": NOW, "started_at": NOW, "first_token_at": NOW + timedelta(seconds=seconds / 10)}
    return times | {"completed_at": NOW + timedelta(seconds=seconds)} | changes


def answered(cost: float | None, tokens: int = 100) -> Row:
    usage = {"prompt_tokens": 10, "completion_tokens": tokens} | ({"cost": cost} if cost is not None else {})
    return {"full_response": {"usage": usage}}


def fill(connection: Connection) -> None:
    """Two families, two models: one that is quick and cheap, and one that times out."""
    first, second = add_user(connection), add_user(connection)
    quick = {"model_used": "quick/model", "prompt_version": "bedtime-2"}
    slow = {"model_used": "slow/model", "prompt_version": "bedtime-1"}
    for seconds, cost in ((2, 0.5), (4, 0.25), (6, None)):
        insert(connection, "generations", ended(first, **lasting(seconds), **answered(cost), **quick))
    failed = insert(connection, "generations", ended(second, "timeout", **lasting(60), **slow, error_type="deadline"))
    again = retry(failed, **quick, **lasting(8), **answered(None), status="success", reconciled_cost_usd=1)
    insert(connection, "generations", again)
    short = ended(second, "failed", **lasting(1), **slow, **answered(0.125), error_type="too_short")
    insert(connection, "generations", short)
    migrated = {"origin": "migrated", "prompt": None, "created_at": NOW, "completed_at": NOW, "started_at": None}
    insert(connection, "generations", ended(first, **migrated, **answered(2), model_used="quick/model"))
    long_ago = dict.fromkeys(("created_at", "started_at"), NOW - timedelta(days=100))
    insert(connection, "generations", ended(first, **lasting(9, **long_ago), model_used="old/model"))


@pytest.fixture
def full_database(database: Database) -> Database:
    with database.connect() as connection:
        fill(connection)
    return database


async def items(boss: AsyncClient, report: str) -> Any:
    answer = await boss.get(f"/analytics/{report}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.usefixtures("full_database")
async def test_how_each_model_does(boss: AsyncClient) -> None:
    quick, slow = await items(boss, "models")

    assert quick == {
        "model_used": "quick/model",
        "attempts": 4,
        "success": 4,
        "failed": 0,
        "timeout": 0,
        "pending": 0,
        "migrated": 1,
        "success_rate": 1.0,
        "seconds_p50": 5.0,
        "seconds_p95": pytest.approx(7.7),
        "first_token_seconds_p50": 0.5,
        "prompt_tokens": 50,
        "completion_tokens": 500,
        "cost_usd": "3.75",
        "cost_unknown": 1,
    }
    assert (slow["attempts"], slow["success"], slow["failed"], slow["timeout"]) == (2, 0, 1, 1)
    assert (slow["success_rate"], slow["cost_usd"], slow["cost_unknown"]) == (0.0, "0.125", 1)


@pytest.mark.usefixtures("full_database")
async def test_how_many_attempts_stories_take_and_why(boss: AsyncClient) -> None:
    report = (await boss.get("/analytics/retries")).json()

    assert report["items"] == [
        {"attempts": 1, "generations": 4, "succeeded": 3},
        {"attempts": 2, "generations": 1, "succeeded": 1},
    ]
    assert report["reasons"] == [
        {"error_type": "deadline", "attempts": 1, "retried": 1, "recovered": 1},
        {"error_type": "too_short", "attempts": 1, "retried": 0, "recovered": 0},
    ]


@pytest.mark.usefixtures("full_database")
async def test_which_models_time_out(boss: AsyncClient) -> None:
    assert await items(boss, "timeouts") == [
        {"model_used": "slow/model", "error_type": "deadline", "timeouts": 1, "share": 0.5, "seconds_p50": 60.0}
    ]


@pytest.mark.usefixtures("full_database")
async def test_what_each_day_cost(boss: AsyncClient) -> None:
    quick, slow = await items(boss, "costs")

    assert (quick["day"], quick["model_used"], quick["attempts"]) == (f"{NOW:%Y-%m-%d}", "quick/model", 5)
    assert (quick["cost_usd"], quick["cost_unknown"], quick["completion_tokens"]) == ("3.75", 1, 500)
    assert (slow["cost_usd"], slow["cost_unknown"]) == ("0.125", 1)


@pytest.mark.usefixtures("full_database")
async def test_how_each_prompt_does(boss: AsyncClient) -> None:
    newer, older = await items(boss, "prompts")

    assert (newer["prompt_version"], newer["model_used"], newer["attempts"]) == ("bedtime-2", "quick/model", 4)
    assert (newer["success_rate"], newer["unusable"], newer["completion_tokens_p50"]) == (1.0, 0, 100.0)
    assert (older["prompt_version"], older["success"], older["unusable"]) == ("bedtime-1", 0, 1)


@pytest.mark.usefixtures("full_database")
async def test_a_report_looks_back_as_far_as_it_is_asked_to(boss: AsyncClient) -> None:
    assert (await boss.get("/analytics/models?since=24h")).json() == {"items": []}
    models = [row["model_used"] for row in (await boss.get("/analytics/models?since=52w")).json()["items"]]
    assert "old/model" in models


@pytest.mark.parametrize("report", REPORTS)
async def test_of_nothing_there_is_a_report_too(boss: AsyncClient, report: str) -> None:
    assert await items(boss, report) == []


@pytest.mark.parametrize("report", REPORTS)
async def test_nobody_but_an_admin_gets_a_report(family: Family, report: str) -> None:
    await family.story()

    problem(await family.client.get(f"/analytics/{report}"), 403, "forbidden")


async def test_without_the_policy_for_admins_their_reports_are_empty(boss: AsyncClient, database: Database) -> None:
    with database.connect() as connection:
        fill(connection)
    database.execute('drop policy "admins read all generations" on tales.generations')

    for report in REPORTS:
        assert await items(boss, report) == []


@pytest.mark.parametrize("since", ["", "30", "d", "0d", "-1d", "1.5d", "30 d", "9999999d", "521w1", "4000d", "1y"])
async def test_a_period_that_is_none(boss: AsyncClient, since: str) -> None:
    refused(await boss.get("/analytics/models", params={"since": since}), "since")
