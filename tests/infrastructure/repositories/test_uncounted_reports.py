"""What a report leaves out because to count it would take too long, and that it says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tales.application.overview import report_overview
from tales.application.reports import forecast_month, report_costs, report_models, report_retries
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.repositories import rolled_reports
from tests.fixtures.databases import Database
from tests.fixtures.history import YEAR, busiest_user


@pytest.mark.usefixtures("rolled_up")
async def test_what_would_take_too_long_is_left_out_and_said(
    transactions: SqlTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = replace(YEAR, language="de", zone="Asia/Kolkata")
    monkeypatch.setattr(rolled_reports, "MOST_COUNTED", 100)
    async with transactions.as_service() as work:
        reports = work.reports
        assert await reports.not_counted(YEAR) == frozenset()
        assert await reports.not_counted(replace(YEAR, model="swift/mini")) == {"user_id"}
        assert await reports.not_counted(odd) == {"user_id", "prompt_length", "hour", "weekday", "day"}
        assert {row.dimension for row in await reports.cost_shares(odd)} == {"all", "model_used", "story_type"}
        assert {row.dimension for row in await reports.failures(odd)} == {"model_used", "error_type"}
        assert await reports.costs(odd) == ()
        short = replace(odd, until=YEAR.since + timedelta(days=2))
        assert await reports.not_counted(short) == frozenset(), "few are counted"


async def test_a_user_with_too_many_attempts_is_not_counted(
    history: Database, transactions: SqlTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, attempts = busiest_user(history, "created_at < '2026-11-01Z'")
    own = replace(YEAR, user_id=user)
    for most, not_counted in ((attempts, ()), (attempts - 1, ("all",))):
        monkeypatch.setattr(rolled_reports, "MOST_COUNTED", most)
        async with transactions.as_service() as work:
            retries, costs = await report_retries(work.reports, own), await report_costs(work.reports, own, own.until)
            overview = await report_overview(work.reports, own, own.until)
        assert retries.not_counted == costs.not_counted == overview.not_counted == not_counted
        assert bool(retries.items) == bool(costs.items) == bool(costs.shares) == (not not_counted)
        assert bool(overview.calls.attempts) == (not not_counted)


@pytest.mark.usefixtures("rolled_up")
async def test_a_month_whose_days_are_not_counted_is_not_said_to_have_cost_nothing(
    transactions: SqlTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = replace(YEAR, language="de", zone="Asia/Kolkata")
    async with transactions.as_service() as work:
        counted = await forecast_month(work.reports, odd, YEAR.until)
    monkeypatch.setattr(rolled_reports, "MOST_COUNTED", 1)
    async with transactions.as_service() as work:
        found = await forecast_month(work.reports, odd, YEAR.until)

    assert counted.spent
    assert (found.spent, found.expected, found.days, found.month) == (None, None, 0, counted.month)


async def test_so_many_costs_are_not_estimated(
    rolled_up: Database, transactions: SqlTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled_up.execute(
        "insert into tales.prices (model, valid_from, prompt_usd_per_million, completion_usd_per_million, source)"
        " select distinct model_used, timestamptz '2025-01-01Z', 1, 2, 'operator' from tales.generations"
    )
    (known,) = rolled_up.rows(
        "select count(*) from tales.attempt_estimates where is_live and created_at < %s", YEAR.until
    )
    for most, is_estimated in ((known["count"], True), (known["count"] - 1, False)):
        monkeypatch.setattr(rolled_reports, "MOST_ESTIMATED", most)
        async with transactions.as_service() as work:
            models, costs = await report_models(work.reports, YEAR), await report_costs(work.reports, YEAR, YEAR.until)
        assert any(row.estimated for row in (*models.items, *costs.items, *costs.shares)) == is_estimated
        assert models.not_counted == costs.not_counted == (() if is_estimated else ("estimate",))
