"""Prices by their dates, and the estimates that are made of them: beside costs, and never among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tales.application.prices import take_over
from tales.application.reports import report_costs, report_models
from tales.domain.errors import InvalidInput
from tales.domain.prices import Price, PriceSource
from tales.domain.report_filters import ReportFilter
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection, Row, add_user, attempt, ended, insert, price

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = ReportFilter(since=NOON - 7 * DAY, until=NOON + 7 * DAY)
HERS = Price(
    model="m",
    valid_from=NOON,
    prompt_usd_per_million=Decimal("0.15"),
    completion_usd_per_million=Decimal("0.6"),
    source=PriceSource.OPERATOR,
)
TOKENS = {"prompt_tokens": 1000, "completion_tokens": 2000}


def call(user: UUID, started_at: datetime, usage: Any, served_model: str | None = None, **changes: Any) -> Row:
    """One that took two seconds, after an hour in the queue."""
    row = ended(user, full_response={"usage": usage, "model": served_model}, model_used="asked")
    times = {"created_at": started_at - timedelta(hours=1), "started_at": started_at}
    return row | times | {"completed_at": started_at + timedelta(seconds=2)} | changes


def estimates(database: Database) -> list[Decimal]:
    rows = database.rows("select estimated_cost_usd from tales.attempt_estimates order by created_at")
    return [row["estimated_cost_usd"] for row in rows]


def test_each_call_has_the_price_of_its_own_time(database: Database) -> None:
    with database.connect() as connection:
        user = add_user(connection)
        for days, prompt, request in ((-3, 1, 0), (0, 10, 0.5), (3, 100, 0)):
            row = price(model="asked", valid_from=NOON + days * DAY, prompt_usd_per_million=prompt)
            insert(connection, "prices", row | {"completion_usd_per_million": 2 * prompt, "request_usd": request})
        for started_at in (NOON - 4 * DAY, NOON - timedelta(microseconds=1), NOON, NOON + 5 * DAY):
            insert(connection, "generations", call(user, started_at, TOKENS))

    assert estimates(database) == [Decimal("0.005"), Decimal("0.55"), Decimal("0.5")], "before the first price, none"


def test_what_is_known_or_cannot_be_known_is_not_estimated(database: Database) -> None:
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "prices", price(model="asked", valid_from=NOON - 9 * DAY))
        for usage in (TOKENS | {"cost": 0}, {"prompt_tokens": 5}, {"completion_tokens": 5}, {}):
            insert(connection, "generations", call(user, NOON, usage))
        insert(connection, "generations", call(user, NOON, TOKENS, reconciled_cost_usd=1))
        insert(connection, "generations", attempt(user, model_used="asked"))

    assert estimates(database) == []


def test_the_model_that_answered_says_the_price_if_it_has_one(database: Database) -> None:
    with database.connect() as connection:
        user = add_user(connection)
        for model, dollars in (("asked", 1), ("served", 1000)):
            insert(connection, "prices", price(model=model, valid_from=NOON - DAY, prompt_usd_per_million=dollars))
        for hours, served in enumerate(("served", "another", None)):
            insert(connection, "generations", call(user, NOON + timedelta(hours=hours), TOKENS, served))

    assert estimates(database) == [Decimal("1.02"), Decimal("0.021"), Decimal("0.021")]


def _fill(connection: Connection) -> UUID:
    """One call whose cost is known, three of unknown cost, and of one of these the tokens are not known either."""
    user = add_user(connection)
    insert(connection, "prices", price(model="asked", valid_from=NOON - 9 * DAY))
    for usage in (TOKENS | {"cost": 0.25}, TOKENS, TOKENS, {}):
        insert(connection, "generations", call(user, NOON, usage))
    return user


@pytest.mark.parametrize("narrowed", [{}, {"model": "asked"}, {"zone": "Asia/Tokyo"}])
async def test_reports_show_estimates_beside_costs(
    database: Database, transactions: SqlTransactions, narrowed: dict[str, Any]
) -> None:
    with database.connect() as connection:
        user = _fill(connection)
    wanted = replace(WEEK, **narrowed)

    async with transactions.as_service() as work:
        (model,) = (await report_models(work.reports, wanted)).items
        costs = await report_costs(work.reports, wanted, NOON)

    (day,) = costs.items
    for row in (model, day, *costs.shares):
        assert (row.cost_usd, row.cost_unknown) == (Decimal("0.25"), 3)
        assert (row.estimated_cost_usd, row.estimated) == (Decimal("0.044"), 2)
    assert {row.value for row in costs.shares} == {"", str(user), "asked", "child"}
    assert costs.forecast.spent == 0.25


async def test_what_the_operator_has_set_stays_until_it_is_replaced(transactions: SqlTransactions) -> None:
    other = replace(HERS, source=PriceSource.PROVIDER, prompt_usd_per_million=Decimal(7), valid_from=NOON + DAY)
    offered = (replace(HERS, model="new", source=PriceSource.PROVIDER), other)
    async with transactions.as_service() as work:
        await work.prices.put([HERS])
        await work.commit()

    assert await take_over(transactions, offered, NOON + DAY, replace=False) == (offered[:1], 1)
    assert await take_over(transactions, offered, NOON + DAY, replace=False) == ((), 1), "nothing has changed"
    assert await take_over(transactions, offered, NOON + DAY, replace=True) == (offered[1:], 0)

    async with transactions.as_service() as work:
        assert [one.model for one in await work.prices.in_force(NOON + DAY)] == ["m", "new"]
        assert (await work.prices.in_force(NOON))[0].amounts == HERS.amounts
        assert await work.prices.in_force(NOON - DAY) == ()
        assert [one.valid_from for one in await work.prices.of_model("m")] == [NOON + DAY, NOON]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("model", {"model": ""}),
        ("model", {"model": "a\nb"}),
        ("model", {"model": "m" * 201}),
        ("prompt_usd_per_million", {"prompt_usd_per_million": Decimal(-1)}),
        ("completion_usd_per_million", {"completion_usd_per_million": Decimal("NaN")}),
        ("completion_usd_per_million", {"completion_usd_per_million": Decimal("1e99999")}),
        ("request_usd", {"request_usd": Decimal("Infinity")}),
    ],
)
def test_what_is_no_price_is_refused_by_name(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        replace(HERS, **changes)
    assert refusal.value.field == field
