"""A budget that is used up is told as other limits are; admins see how budgets stand."""

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
from tests.interfaces.api.world import MODELS, Family, client_of, problem


@pytest.fixture
async def boss(app: FastAPI, services: Services) -> AsyncIterator[AsyncClient]:
    """An admin's client."""
    async with client_of(app, "/api/v3", services.tokens.issue(Actor(uuid7(), is_admin=True))) as client:
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
