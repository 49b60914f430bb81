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
from tests.fixtures.rows import Connection, Row, add_user, ended, insert, retry, story
from tests.interfaces.api.world import Family, client_of, problem, refused

REPORTS = ("models", "retries", "replay", "timeouts", "costs", "prompts")
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
    for seconds, cost, rating in ((2, 0.5, 9), (4, 0.25, 7), (6, None, None)):
        written = insert(connection, "generations", ended(first, **lasting(seconds), **answered(cost), **quick))
        insert(connection, "stories", story(written, rating=rating))
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
        "migrated": 0,
        "success_rate": 1.0,
        "success_interval": {"low": pytest.approx(0.5101, abs=1e-4), "high": 1.0},
        "failed_interval": {"low": 0.0, "high": pytest.approx(0.4899, abs=1e-4)},
        "timeout_interval": {"low": 0.0, "high": pytest.approx(0.4899, abs=1e-4)},
        "seconds_p50": 5.0,
        "seconds_p95": pytest.approx(7.7),
        "seconds_p99": pytest.approx(7.94),
        "first_token_seconds_p50": 0.5,
        "first_token_seconds_p95": pytest.approx(0.77),
        "first_token_seconds_p99": pytest.approx(0.794),
        "tokens_per_second": 20.0,
        "prompt_tokens": 40,
        "completion_tokens": 400,
        "cost_usd": "1.75",
        "cost_unknown": 1,
        "cost_per_call_usd": "0.583333333333",
        "cost_per_story_usd": "0.4375",
        "cost_per_good_story_usd": "1.75",
        "ratings": 2,
        "mean_rating": 8.0,
        "good_stories": 1,
        "estimated_cost_usd": None,
        "estimated": 0,
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

    assert (quick["day"], quick["model_used"], quick["attempts"]) == (f"{NOW:%Y-%m-%d}", "quick/model", 4)
    assert (quick["cost_usd"], quick["cost_unknown"], quick["completion_tokens"]) == ("1.75", 1, 400)
    assert (slow["cost_usd"], slow["cost_unknown"]) == ("0.125", 1)


@pytest.mark.usefixtures("full_database")
async def test_how_each_prompt_does(boss: AsyncClient) -> None:
    newer, older = await items(boss, "prompts")

    assert (newer["prompt_version"], newer["model_used"], newer["attempts"]) == ("bedtime-2", "quick/model", 4)
    assert (newer["success_rate"], newer["unusable"], newer["completion_tokens_p50"]) == (1.0, 0, 100.0)
    assert (older["prompt_version"], older["success"], older["unusable"]) == ("bedtime-1", 0, 1)
    assert (older["refused"], older["length_missed"], older["length_kept_rate"]) == (0, 1, 0.0)
    assert (newer["mean_rating"], newer["seconds_p50"], newer["cost_per_story_usd"]) == (8.0, 5.0, "0.4375")


@pytest.mark.usefixtures("full_database")
async def test_what_retries_rescued_and_added(boss: AsyncClient) -> None:
    report = (await boss.get("/analytics/retries")).json()

    assert [(row["error_type"], row["retried"], row["rescued"]) for row in report["first_failures"]] == [
        ("deadline", 1, 1),
        ("too_short", 0, 0),
    ]
    first, second = report["rescues"]
    assert (first["attempt_number"], first["attempts"], first["rescued"], first["cost_usd"]) == (1, 5, 3, "0.875")
    assert (second["attempts"], second["rescued"], second["cost_usd"]) == (1, 1, "1")
    assert report["migrated_left_out"] == 1


@pytest.mark.usefixtures("full_database")
async def test_what_another_policy_would_have_given(boss: AsyncClient) -> None:
    once = (await boss.get("/analytics/replay?attempts=1")).json()
    other = (await boss.get("/analytics/replay?chain=quick/model,slow/model")).json()

    happened = once["recorded"]
    assert (happened["generations"], happened["succeeded"], happened["failed"], happened["attempts"]) == (5, 4, 1, 6)
    assert (once["replayed"]["succeeded"], once["replayed"]["failed"], once["replayed"]["undecided"]) == (3, 2, 0)
    assert (other["replayed"]["succeeded"], other["replayed"]["undecided"]) == (3, 2)
    assert other["replayed"]["success_low"] == pytest.approx(0.6)
    assert other["replayed"]["estimated"] == pytest.approx(2.0)


@pytest.mark.usefixtures("full_database")
async def test_what_fails_is_told_beside_the_period_before(boss: AsyncClient) -> None:
    query = {"from": f"{NOW:%Y-%m-%d}", "to": f"{NOW:%Y-%m-%d}"}
    failures = (await boss.get("/analytics/timeouts", params=query)).json()["failures"]

    found = {(row["dimension"], row["value"]): (row["ended"], row["failed"], row["timeout"]) for row in failures}
    assert found["model_used", "slow/model"] == (2, 1, 1)
    assert found["error_type", "deadline"] == (6, 0, 1)
    assert found["hour", "12"] == found["weekday", f"{NOW.isoweekday()}"] == (6, 1, 1)
    assert found["prompt_length", "under 1000"] == (6, 1, 1)
    assert {row["before_ended"] for row in failures} == {0}
    after = query | {"from": f"{NOW + timedelta(days=1):%Y-%m-%d}", "to": f"{NOW + timedelta(days=1):%Y-%m-%d}"}
    later = (await boss.get("/analytics/timeouts", params=after)).json()["failures"]
    assert {(row["dimension"], row["value"]): row["before_timeout"] for row in later}["model_used", "slow/model"] == 1


@pytest.mark.usefixtures("full_database")
async def test_who_and_what_causes_the_costs_and_what_the_month_will_have_cost(boss: AsyncClient) -> None:
    report = (await boss.get("/analytics/costs?migrated=true")).json()

    whole, *shares = report["shares"]
    assert (whole["dimension"], whole["attempts"], whole["cost_usd"], whole["failed_cost_usd"]) == (
        *("all", 7, "3.875"),
        "0.125",
    )
    users = [row["cost_usd"] for row in shares if row["dimension"] == "user_id"]
    assert users == ["2.75", "1.125"]
    assert {row["value"]: row["cost_usd"] for row in shares if row["dimension"] == "model_used"} == {
        "quick/model": "3.75",
        "slow/model": "0.125",
    }
    assert report["forecast"]["days"] == (datetime.now(UTC).date() - NOW.date()).days, "since it began"
    assert report["forecast"]["expected"] is None
    assert report["migrated_left_out"] == 0


@pytest.mark.usefixtures("full_database")
async def test_a_report_is_narrowed_by_who_asked(boss: AsyncClient) -> None:
    shares = (await boss.get("/analytics/costs")).json()["shares"]
    dearest = next(row for row in shares if row["dimension"] == "user_id")

    answer = await boss.get("/analytics/models", params={"user_id": dearest["value"], "model": "slow/model"})

    (model,) = answer.json()["items"]
    assert (dearest["cost_usd"], model["model_used"], model["cost_usd"]) == ("1.125", "slow/model", "0.125")


@pytest.mark.parametrize(
    ("field", "query"),
    [("zone", {"zone": "Mars"}), ("from", {"from": "never"}), ("to", {"to": "2026-13-01"}), ("since", {"since": "1y"})],
)
async def test_a_period_or_zone_that_is_none_is_refused_by_name(
    boss: AsyncClient, field: str, query: dict[str, str]
) -> None:
    refused(await boss.get("/analytics/costs", params=query), field)


@pytest.mark.usefixtures("full_database")
async def test_nonsense_in_usage_breaks_no_report(boss: AsyncClient, database: Database) -> None:
    nonsense = ("many", -5, None, 1e300, [1, 2], {"a": {"b": 1}}, True)
    with database.connect() as connection:
        user = add_user(connection)
        for value in nonsense:
            usage = dict.fromkeys(("prompt_tokens", "completion_tokens", "cost"), value)
            row = ended(user, **lasting(1), full_response={"usage": usage}, model_used="odd/model")
            insert(connection, "generations", row)
        insert(connection, "generations", ended(user, **lasting(1), full_response=[1], model_used="odd/model"))

    for report in REPORTS:
        assert (await boss.get(f"/analytics/{report}")).status_code == 200, report
    odd = next(row for row in await items(boss, "models") if row["model_used"] == "odd/model")
    assert (odd["attempts"], odd["cost_usd"], odd["cost_unknown"]) == (8, None, 8)
    assert (odd["prompt_tokens"], odd["tokens_per_second"]) == (None, None)


@pytest.mark.usefixtures("full_database")
async def test_a_report_looks_back_as_far_as_it_is_asked_to(boss: AsyncClient) -> None:
    assert (await boss.get("/analytics/models?since=24h")).json()["items"] == []
    models = [row["model_used"] for row in (await boss.get("/analytics/models?since=52w")).json()["items"]]
    assert "old/model" in models


LISTS = tuple(report for report in REPORTS if report != "replay")


@pytest.mark.parametrize("report", LISTS)
async def test_of_nothing_there_is_a_report_too(boss: AsyncClient, report: str) -> None:
    assert await items(boss, report) == []


@pytest.mark.parametrize("rolled_up", [False, True])
async def test_a_name_that_no_row_can_hold_is_found_nowhere(
    boss: AsyncClient, family: Family, database: Database, rolled_up: bool
) -> None:
    if rolled_up:
        await family.story()
        database.execute("update tales.rollup_state set complete_until = now()")
    for report in REPORTS:
        for field in ("model", "language", "prompt_version"):
            answer = await boss.get(f"/analytics/{report}?{field}=x%00")
            assert answer.status_code == 200, (report, field, answer.text)


@pytest.mark.parametrize("report", REPORTS)
async def test_nobody_but_an_admin_gets_a_report(family: Family, report: str) -> None:
    await family.story()

    problem(await family.client.get(f"/analytics/{report}"), 403, "forbidden")


async def test_without_the_policy_for_admins_their_reports_are_empty(boss: AsyncClient, database: Database) -> None:
    with database.connect() as connection:
        fill(connection)
    database.execute('drop policy "admins read all generations" on tales.generations')

    for report in LISTS:
        assert await items(boss, report) == []


@pytest.mark.parametrize("since", ["", "30", "d", "0d", "-1d", "1.5d", "30 d", "9999999d", "521w1", "4000d", "1y"])
async def test_a_period_that_is_none(boss: AsyncClient, since: str) -> None:
    refused(await boss.get("/analytics/models", params={"since": since}), "since")
