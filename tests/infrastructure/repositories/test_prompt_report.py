"""The report on prompts: each version's figures, and drawn generations alone where versions are compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from tales.application.reports import PromptReport, report_prompts
from tales.domain.report_filters import ReportFilter
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.fixtures.history import refresh_rollups
from tests.fixtures.rows import THEN, Connection, add_user, ended, insert, retry, story

WANTED = ReportFilter(since=THEN - timedelta(days=1), until=THEN + timedelta(days=1))
BOTH = {"child-en-1": 50, "child-en-2": 50}


def call(
    connection: Connection, version: str, outcome: str = "success", *, drawn: dict[str, int] | None, **more: object
) -> dict[str, object]:
    """The first attempt of a generation, by a version that was drawn among those of `drawn`."""
    status = "success" if outcome == "success" else "failed"
    changes = {} if outcome == "success" else {"error_type": outcome}
    row = ended(add_user(connection), status, prompt_version=version, **changes | more)
    insert(connection, "generations", row)
    if drawn is not None:
        choice = {"generation_id": row["generation_id"], "reason": "experiment", "weights": Jsonb(drawn)}
        insert(connection, "prompt_choices", choice)
    return row


def fill(connection: Connection) -> None:
    for rating in (9, 8, 4, None):
        row = call(connection, "child-en-1", drawn=BOTH, completed_at=THEN + timedelta(seconds=4))
        insert(connection, "stories", story(row, rating=rating))
    for outcome in ("refusal", "too_short", "truncated", "server_error"):
        row = call(connection, "child-en-1", outcome, drawn=BOTH, completed_at=THEN + timedelta(seconds=8))
        # A retry counts for its version, and is not compared.
        insert(connection, "generations", retry(row, prompt_version="child-en-1", created_at=THEN))
    for _ in range(6):
        call(connection, "child-en-2", drawn=BOTH)
    # Before the experiment, and after its weights were changed.
    for _ in range(3):
        call(connection, "child-en-1", "refusal", drawn=None)
    call(connection, "child-en-2", drawn=BOTH | {"child-en-2": 90})
    call(connection, "child-en-1", drawn=BOTH | {"child-en-2": 90})


@pytest.fixture
async def report(database: Database, transactions: SqlTransactions) -> PromptReport:
    with database.connect() as connection:
        fill(connection)
    async with transactions.as_service() as work:
        return await report_prompts(work.reports, WANTED)


async def test_each_version_has_its_figures(report: PromptReport) -> None:
    one = next(row for row in report.items if row.prompt_version == "child-en-1")

    assert (one.attempts, one.pending, one.success, one.unusable) == (16, 4, 5, 6)
    assert (one.refused, one.length_missed, one.length_kept_rate) == (4, 2, 5 / 7)
    assert (one.ratings, one.mean_rating, one.rating_interval) == (3, 7.0, None)
    assert (one.seconds_p50, one.timed, one.seconds_interval is not None) == (8.0, 12, True)
    assert one.refusal_interval is not None
    assert one.refusal_interval.holds(4 / 12)
    assert (one.cost_per_call_usd, one.cost_per_story_usd) == (0.5, 0.5)


async def test_what_was_drawn_is_compared_and_nothing_else(report: PromptReport) -> None:
    first = [row for row in report.comparisons if row.experiment == "child-en-1 50, child-en-2 50"]

    assert [(row.measure, row.hits, row.trials, row.baseline_hits, row.baseline_trials) for row in first] == [
        ("success", 6, 6, 4, 8),
        ("length", 6, 6, 4, 6),
        ("good", 0, 0, 2, 3),
    ]
    assert {(row.prompt_version, row.baseline) for row in first} == {("child-en-2", "child-en-1")}
    assert first[0].probability_better == pytest.approx(0.965, abs=0.01)
    others = [row for row in report.comparisons if row.experiment == "child-en-1 50, child-en-2 90"]
    assert [(row.hits, row.trials) for row in others] == [(1, 1), (1, 1), (0, 0)]


async def test_a_version_that_fails_is_judged_by_all_that_it_was_drawn_for(
    database: Database, transactions: SqlTransactions
) -> None:
    with database.connect() as connection:
        for version in BOTH:
            call(connection, version, drawn=BOTH)
        row = call(connection, "child-en-1", "refusal", drawn=None)
        choice = {"reason": "fallback", "weights": Jsonb(BOTH), "failed_version": "child-en-2"}
        insert(connection, "prompt_choices", choice | {"generation_id": row["generation_id"]})
    async with transactions.as_service() as work:
        success, *_ = (await report_prompts(work.reports, WANTED)).comparisons

    assert (success.prompt_version, success.hits, success.trials) == ("child-en-2", 1, 2)
    assert (success.baseline_hits, success.baseline_trials) == (1, 1)


async def test_one_version_is_what_was_drawn_of_it_before_and_after_it_is_rolled_up(
    database: Database, transactions: SqlTransactions
) -> None:
    with database.connect() as connection:
        call(connection, "child-en-2", drawn=BOTH)
        row = call(connection, "child-en-1", "refusal", drawn=None)
        choice = {"reason": "fallback", "weights": Jsonb(BOTH), "failed_version": "child-en-2"}
        insert(connection, "prompt_choices", choice | {"generation_id": row["generation_id"]})
    one = replace(WANTED, prompt_version="child-en-2")
    async with transactions.as_service() as work:
        raw = await work.reports.drawn(one)
    refresh_rollups(database)
    async with transactions.as_service() as work:
        rolled = await work.reports.drawn(one)

    assert [(row.prompt_version, row.ended, row.success) for row in raw] == [("child-en-2", 2, 1)]
    assert raw == rolled
