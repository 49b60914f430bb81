"""Rollups give what the attempts give: counts and sums exactly, percentiles within 1 %."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tales.domain.actor import Actor
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import CostShareRow
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.repositories import rollup_queries
from tests.fixtures.databases import Database
from tests.fixtures.history import YEAR, busiest_user, refresh_rollups
from tests.fixtures.rows import add_user, ended, insert
from tests.infrastructure.repositories.rolled import ODD, comparable, models, whole

NARROW = ("story_type", "language", "prompt_version")
NARROWED = replace(ODD, language="de", prompt_version="bedtime-2", story_type=StoryType.CHILD)


async def rolled_up_until(transactions: SqlTransactions, wanted: ReportFilter) -> datetime | None:
    async with transactions.as_service() as work:
        return await work.reports.rolled_up_until(wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        YEAR,
        replace(ODD, model="classic/large", zone="Europe/Berlin"),
        replace(YEAR, migrated=True, zone="Asia/Kolkata"),
        NARROWED,
        replace(ODD, until=ODD.since + timedelta(hours=30)),
        replace(ODD, since=datetime(2026, 5, 1, tzinfo=UTC), zone="Asia/Kathmandu", language="fr"),
    ],
    ids=["year", "model", "migrated", "narrowed", "no whole day", "odd zone"],
)
async def test_raw_and_rolled_up_agree(
    rolled_up: Database, transactions: SqlTransactions, wanted: ReportFilter
) -> None:
    rolled = await whole(transactions, wanted)
    assert await rolled_up_until(transactions, wanted) == wanted.until.replace(minute=0, second=0)

    rolled_up.execute("select tales.forget_rollups()")
    raw = await whole(transactions, wanted)

    assert await rolled_up_until(transactions, wanted) is None
    assert raw["models"]
    assert raw["drawn"]
    assert raw["failures"]
    for name, value in raw.items():
        assert rolled[name] == value, name


@pytest.mark.usefixtures("rolled_up")
@pytest.mark.parametrize(("minutes", "is_rolled_up"), [(26, False), (102, False), (103, True)])
async def test_a_period_without_a_whole_hour_is_not_said_to_be_rolled_up(
    transactions: SqlTransactions, minutes: int, is_rolled_up: bool
) -> None:
    short = replace(ODD, until=ODD.since + timedelta(minutes=minutes))
    found = await rolled_up_until(transactions, short)
    assert found == (short.until if is_rolled_up else None)


@pytest.mark.parametrize("wanted", [YEAR, ODD, NARROWED], ids=["year", "odd", "narrowed"])
async def test_percentiles_are_within_1_percent(
    rolled_up: Database, transactions: SqlTransactions, wanted: ReportFilter
) -> None:
    async with transactions.as_service() as work:
        by_model = await work.reports.models(wanted)
        timeouts, prompts = await work.reports.timeouts(wanted), await work.reports.prompts(wanted)

    def true(value: str, shares: str, only: str = "true", *, of: tuple[Any, ...]) -> list[float] | None:
        narrowed = {name: given for name in NARROW if (given := getattr(wanted, name)) is not None}
        conditions = " and ".join([f"{name} = %s" for name in narrowed] + [only])
        (row,) = rolled_up.rows(
            f"select percentile_disc(array[{shares}]) within group (order by {value}) as found"  # type: ignore[arg-type]
            f" from tales.attempt_facts where is_live and created_at >= %s and created_at < %s and {conditions}",
            *(wanted.since, wanted.until, *map(str, narrowed.values()), *of),
        )
        found: list[float] | None = row["found"]
        return found

    assert by_model
    assert timeouts
    assert prompts
    for row in by_model:
        for name in ("seconds", "first_token_seconds"):
            found = [getattr(row, f"{name}_p{p}") for p in (50, 95, 99)]
            expected = true(name, "0.5, 0.95, 0.99", "model_used = %s", of=(row.model_used,))
            assert found == pytest.approx(expected, rel=0.01)
    for late in timeouts:
        which = "status = 'timeout' and model_used = %s and error_type = %s"
        assert [late.seconds_p50] == pytest.approx(
            true("seconds", "0.5", which, of=(late.model_used, late.error_type)), rel=0.01
        )
    for prompt in prompts:
        which, of = "model_used = %s and prompt_version = %s", (prompt.model_used, prompt.prompt_version)
        expected = true("completion_tokens", "0.5", f"status = 'success' and {which}", of=of)
        assert [prompt.completion_tokens_p50] == pytest.approx(expected, rel=0.01)
        assert [prompt.seconds_p50, prompt.seconds_p95] == pytest.approx(
            true("seconds", "0.5, 0.95", which, of=of), rel=0.01
        )


SHORTEN = """
    update tales.rollup_users as u set others_most_usd = case when place <= %s then next_usd end
    from (
        select grain, starts_at, user_id, is_live, row_number() over dearest as place,
            coalesce(nth_value(cost_usd, %s) over dearest, 0) as next_usd
        from tales.rollup_users
        window dearest as (
            partition by grain, starts_at order by cost_usd desc nulls last
            rows between unbounded preceding and unbounded following
        )
    ) as placed
    where (u.grain, u.starts_at) = (placed.grain, placed.starts_at)
        and (u.user_id, u.is_live) = (placed.user_id, placed.is_live)
"""
"""Lists of so many users in place of 200."""


async def test_the_dearest_users_are_found_without_a_look_at_all(
    history: Database, transactions: SqlTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    periods = [replace(ODD, until=until) for until in (YEAR.until, ODD.until, ODD.since + timedelta(days=40))]

    async def shares() -> list[tuple[CostShareRow, ...]]:
        async with transactions.as_service() as work:
            return [await work.reports.cost_shares(wanted) for wanted in periods]

    raw = await shares()
    # So that rollups end within a period, and within a day.
    refresh_rollups(history, 300 * 24 + 7)
    with monkeypatch.context() as patched:
        patched.setattr(rollup_queries, "USER_SHARES", "no statement: {users}")
        assert await shares() == raw
    for length in (20, 4):
        history.execute(SHORTEN, length, length + 1)
        assert await shares() == raw, "where the lists do not reach, all are added up"


async def test_what_one_user_caused_is_counted_from_the_attempts(
    rolled_up: Database, transactions: SqlTransactions
) -> None:
    user, _ = busiest_user(rolled_up)
    own = replace(YEAR, user_id=user)
    found = await whole(transactions, own)
    assert await rolled_up_until(transactions, own) is None

    rolled_up.execute("select tales.forget_rollups()")
    assert await whole(transactions, own) == found


async def test_they_grow_by_the_hour_and_the_rest_is_counted_beside(
    history: Database, transactions: SqlTransactions
) -> None:
    raw = comparable(await models(transactions, YEAR))

    for _ in range(3):
        assert refresh_rollups(history, 700) == 700
        complete = await rolled_up_until(transactions, YEAR)
        assert complete is not None
        assert complete < YEAR.until
        assert comparable(await models(transactions, YEAR)) == raw
    while refresh_rollups(history, 5000):
        pass
    assert comparable(await models(transactions, YEAR)) == raw
    assert refresh_rollups(history) == 0


async def test_an_admin_reads_rollups_and_a_family_counts_its_own(
    rolled_up: Database, transactions: SqlTransactions
) -> None:
    user, _ = busiest_user(rolled_up)
    own = replace(YEAR, user_id=user)

    async with transactions.as_user(Actor(user, is_admin=True)) as work:
        assert comparable(await work.reports.models(YEAR)) == comparable(await models(transactions, YEAR))
        assert await work.reports.rolled_up_until(YEAR) is not None
    async with transactions.as_user(Actor(user, is_admin=False)) as work:
        assert comparable(await work.reports.models(YEAR)) == comparable(await models(transactions, own))
        assert await work.reports.rolled_up_until(YEAR) is None


async def test_of_nothing_there_is_nothing_to_roll_up(database: Database, transactions: SqlTransactions) -> None:
    assert refresh_rollups(database) == 0
    assert await models(transactions, YEAR) == ()


async def test_a_day_on_which_nothing_followed_is_added_up(database: Database, transactions: SqlTransactions) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    evening = today - timedelta(days=40) + timedelta(hours=20, minutes=30)
    with database.connect() as connection:
        insert(connection, "generations", ended(add_user(connection), created_at=evening))
    assert refresh_rollups(database, 1) == 1
    assert refresh_rollups(database, 24) == 0

    (row,) = await models(transactions, ReportFilter(since=today - timedelta(days=80), until=today))
    assert row.success == 1
    grains = database.rows("select distinct grain from tales.rollup_cells order by grain")
    assert [row["grain"] for row in grains] == ["day", "hour", "month", "quarter"]
