"""A budget that is used up is told as other limits are; admins set budgets and prices, and see how they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from uuid_utils.compat import uuid7

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope
from tales.domain.prices import Price, PriceSource
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.interfaces.api.world import MODELS, Family, client_of, problem, refused

CHARGED = {"prompt_usd_per_million": "0", "completion_usd_per_million": "1000"}


BOSS = Actor(uuid7(), is_admin=True)


@pytest.fixture
async def boss(app: FastAPI, services: Services) -> AsyncIterator[AsyncClient]:
    """An admin's client."""
    async with client_of(app, "/api/v3", services.tokens.issue(BOSS)) as client:
        yield client


async def put(transactions: SqlTransactions, limit: str, *, priced: bool = True) -> None:
    price = Price(
        model=MODELS[0],
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        prompt_usd_per_million=Decimal(0),
        completion_usd_per_million=Decimal(1000),
        source=PriceSource.OPERATOR,
    )
    async with transactions.as_service() as work:
        await work.prices.put([price] if priced else [])
        await work.budgets.put(Budget(scope=BudgetScope.ALL, period=BudgetPeriod.DAY, limit_usd=Decimal(limit)))
        await work.commit()


async def test_a_budget_that_is_used_up_is_told_with_the_time_when_it_opens(
    family: Family, transactions: SqlTransactions, boss: AsyncClient
) -> None:
    await put(transactions, "4")
    wish = await family.wish()
    assert (await family.client.post("/generations", json=wish)).status_code == 202
    for key in ({}, {"Idempotency-Key": "one"}):
        answer = await family.client.post("/generations", json=wish, headers=key)

        body = problem(answer, 429, "too_many_requests")
        assert body["limit"] == "budget"
        assert "$" not in body["detail"], "how much there is, is the operator's to know"
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        assert abs(int(answer.headers["Retry-After"]) - (midnight - now).total_seconds()) < 60

    (state,) = (await boss.get("/admin/budgets")).json()["items"]
    assert (state["scope"], state["period"], state["limit_usd"], state["spent_usd"]) == ("all", "day", "4", "0")
    assert 0.5 < state["used_share"] <= 1
    problem(await family.client.get("/admin/budgets"), 403, "forbidden")


async def test_a_budget_over_a_model_without_a_price_is_the_operators_business(
    family: Family, transactions: SqlTransactions
) -> None:
    await put(transactions, "4", priced=False)

    answer = await family.client.post("/generations", json=await family.wish())

    assert problem(answer, 503, "unavailable")
    assert "Retry-After" in answer.headers


async def test_an_admin_sets_prices_and_budgets_and_who_it_was_is_kept(
    family: Family, boss: AsyncClient, database: Database
) -> None:
    month = {"scope": "all", "period": "month"}
    assert refused(await boss.put("/admin/budgets", json=month | {"limit_usd": "20"}), "model"), "no price is known"
    for model in MODELS:
        price = (await boss.put("/admin/prices", json={"model": model} | CHARGED)).json()
        assert (price["source"], price["request_usd"]) == ("operator", "0")
    nobodys = month | {"scope": "user", "user_id": str(uuid7()), "limit_usd": "1"}
    refused(await boss.put("/admin/budgets", json=nobodys), "user_id")
    for limit, own in (("20", {}), (4.0, {}), ("9", {"scope": "user", "user_id": str(family.user_id)})):
        answer = await boss.put("/admin/budgets", json=month | own | {"limit_usd": limit, "warn_share": "0.5"})
        assert answer.status_code == 200, answer.text
    wish = await family.wish()
    statuses = [(await family.client.post("/generations", json=wish)).status_code for _ in range(2)]
    assert statuses == [202, 429], "it holds"
    whole, own = (await boss.get("/admin/budgets")).json()["items"]
    assert (whole["limit_usd"], whole["warn_share"], whole["used_share"] > 0.5) == ("4", 0.5, True)
    assert own["reserved_usd"] == whole["reserved_usd"]

    assert (await boss.delete("/admin/budgets", params=month)).status_code == 204

    problem(await boss.delete("/admin/budgets", params=month), 404, "not_found")
    log = database.rows(
        "select changed_by, before ->> 'limit_usd' as before, after ->> 'limit_usd' as after"
        " from tales.change_log where relation = 'budgets' order by changed_at"
    )
    assert {row["changed_by"] for row in log} == {BOSS.user_id}
    limits = [tuple(None if one is None else Decimal(one) for one in (row["before"], row["after"])) for row in log]
    assert limits == [(None, 20), (20, 4), (None, 9), (4, None)]


async def test_what_was_in_force_stays_and_a_price_to_come_is_taken_back(boss: AsyncClient) -> None:
    price = {"model": "any/model"} | CHARGED
    (now, tomorrow) = (datetime.now(UTC) + timedelta(days=days) for days in (0, 1))
    told = await boss.put("/admin/prices", json=price | {"valid_from": (now - timedelta(days=1)).isoformat()})
    assert "--from" in refused(told, "valid_from")["detail"]
    first = (await boss.put("/admin/prices", json=price)).json()
    for charged in ("3", "4"):
        later = price | {"valid_from": tomorrow.isoformat(), "request_usd": charged}
        assert (await boss.put("/admin/prices", json=later)).status_code == 200, "what is not in force yet may change"
    versions = (await boss.get("/admin/prices?model=any/model")).json()["items"]
    assert [one["request_usd"] for one in versions] == ["4", "0"]
    assert (await boss.get("/admin/prices")).json()["items"] == [first]

    for version, status in ((versions[1], 409), (versions[0], 204), (versions[0], 404)):
        which = {"model": version["model"], "valid_from": version["valid_from"]}
        assert (await boss.delete("/admin/prices", params=which)).status_code == status


async def test_what_is_no_budget_is_refused_by_its_field(boss: AsyncClient) -> None:
    budget = {"scope": "all", "period": "day", "limit_usd": "1"}
    cases: tuple[tuple[str, dict[str, object]], ...] = (
        ("model", {"scope": "model"}),
        ("user_id", {"scope": "user"}),
        ("limit_usd", {"limit_usd": "-1"}),
        ("limit_usd", {"limit_usd": "1e99"}),
        ("warn_share", {"warn_share": 2}),
        ("limit_usd", {"limit_usd": "much"}),
        ("scope", {"scope": "none"}),
    )
    for field, changes in cases:
        refused(await boss.put("/admin/budgets", json=budget | changes), field)
