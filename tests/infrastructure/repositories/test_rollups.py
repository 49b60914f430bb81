"""Rollups give what the attempts give: counts and sums exactly, percentiles within 1 %, whatever has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tales.application.reports import report_costs, report_models, report_retries
from tales.domain.actor import Actor
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import CostShareRow, ModelRow
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.repositories import rolled_reports, rollup_queries
from tests.fixtures.databases import Database
from tests.fixtures.history import PLAN
from tests.fixtures.rows import add_user, attempt, ended, insert

YEAR = ReportFilter(since=PLAN.begin, until=PLAN.begin + timedelta(days=365))
ODD = ReportFilter(since=datetime(2026, 3, 3, 5, 17, tzinfo=UTC), until=datetime(2026, 9, 9, 19, 43, 12, tzinfo=UTC))
PERCENTILES = ("seconds_p50", "seconds_p95", "seconds_p99", *(f"first_token_seconds_p{p}" for p in (50, 95, 99)))
NARROW = ("story_type", "language", "prompt_version")


def refresh(database: Database, most: int = 100_000) -> int:
    """Bring the rollups up to date; how many new hours."""
    (row,) = database.rows("select tales.refresh_rollups(%s) as hours", most)
    hours: int = row["hours"]
    return hours


async def models(transactions: SqlTransactions, wanted: ReportFilter) -> tuple[ModelRow, ...]:
    async with transactions.as_service() as work:
        return await work.reports.models(wanted)


async def whole(transactions: SqlTransactions, wanted: ReportFilter) -> dict[str, Any]:
    """Every report, as far as it must be the same to the last digit, and its percentiles apart."""
    async with transactions.as_service() as work:
        reports = work.reports
        found = {
            "migrated": await reports.migrated(wanted),
            "models": await reports.models(wanted),
            "courses": await reports.courses(wanted),
            "timeouts": await reports.timeouts(wanted),
            "failures": await reports.failures(wanted),
            "costs": await reports.costs(wanted),
            "shares": await reports.cost_shares(wanted),
            "daily": sorted((await reports.daily_costs(wanted)).items()),
            "prompts": await reports.prompts(wanted),
            "drawn": sorted(await reports.drawn(wanted), key=astuple),
        }
    return {name: _comparable(value) for name, value in found.items()}


def _comparable(value: Any) -> Any:
    """Percentiles left out, and floats but for the order in which they were added up."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-9)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if not field.name.endswith(("_p50", "_p95", "_p99"))]
        return {name: _comparable(getattr(value, name)) for name in names}
    return [_comparable(one) for one in value] if isinstance(value, list | tuple) else value


def draw(database: Database) -> None:
    """Let some of the generations have been drawn in one experiment, and some in others."""
    database.execute(
        """
        insert into tales.prompt_choices (generation_id, reason, weights)
        select generation_id, 'experiment',
            jsonb_build_object('bedtime-1', 50, 'bedtime-2', 9 + hashtext(generation_id::text) % 3)
        from tales.generations where attempt_number = 1 and origin = 'live' and hashtext(generation_id::text) % 3 >= 0
        """
    )


async def until(transactions: SqlTransactions, wanted: ReportFilter) -> datetime | None:
    async with transactions.as_service() as work:
        return await work.reports.rolled_up_until(wanted)


def exact(rows: tuple[ModelRow, ...]) -> list[dict[str, object]]:
    """What must be the same to the last digit; floats but for their order of adding."""
    names = [field.name for field in fields(ModelRow) if field.name not in PERCENTILES]
    return [{name: _rounded(getattr(row, name)) for name in names} for row in rows]


def _rounded(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


NARROWED = replace(ODD, language="de", prompt_version="bedtime-2", story_type=StoryType.CHILD)


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
async def test_raw_and_rolled_up_agree(history: Database, transactions: SqlTransactions, wanted: ReportFilter) -> None:
    draw(history)
    raw = await whole(transactions, wanted)
    assert await until(transactions, wanted) is None
    assert raw["models"]
    assert raw["drawn"]
    assert raw["failures"]

    assert refresh(history) > 0
    rolled = await whole(transactions, wanted)

    assert await until(transactions, wanted) == wanted.until.replace(minute=0, second=0)
    for name, value in raw.items():
        assert rolled[name] == value, name


@pytest.mark.parametrize("wanted", [YEAR, ODD, NARROWED], ids=["year", "odd", "narrowed"])
async def test_percentiles_are_within_1_percent(
    history: Database, transactions: SqlTransactions, wanted: ReportFilter
) -> None:
    refresh(history)
    async with transactions.as_service() as work:
        by_model = await work.reports.models(wanted)
        timeouts, prompts = await work.reports.timeouts(wanted), await work.reports.prompts(wanted)

    def true(value: str, shares: str, only: str = "true", *, of: tuple[Any, ...]) -> list[float] | None:
        narrowed = {name: given for name in NARROW if (given := getattr(wanted, name)) is not None}
        conditions = " and ".join([f"{name} = %s" for name in narrowed] + [only])
        (row,) = history.rows(
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
        one = "status = 'timeout' and model_used = %s and error_type = %s"
        assert [late.seconds_p50] == pytest.approx(
            true("seconds", "0.5", one, of=(late.model_used, late.error_type)), rel=0.01
        )
    for prompt in prompts:
        one, of = "model_used = %s and prompt_version = %s", (prompt.model_used, prompt.prompt_version)
        expected = true("completion_tokens", "0.5", f"status = 'success' and {one}", of=of)
        assert [prompt.completion_tokens_p50] == pytest.approx(expected, rel=0.01)
        assert [prompt.seconds_p50, prompt.seconds_p95] == pytest.approx(
            true("seconds", "0.5, 0.95", one, of=of), rel=0.01
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
    refresh(history, 300 * 24 + 7)
    with monkeypatch.context() as patched:
        patched.setattr(rollup_queries, "USER_SHARES", "no statement: {users}")
        assert await shares() == raw
    for length in (20, 4):
        history.execute(SHORTEN, length, length + 1)
        assert await shares() == raw, "where the lists do not reach, all are added up"


async def test_what_one_user_caused_is_counted_from_the_attempts(
    history: Database, transactions: SqlTransactions
) -> None:
    (busiest,) = history.rows("select user_id from tales.generations group by 1 order by count(*) desc limit 1")
    own = replace(YEAR, user_id=busiest["user_id"])
    raw = await whole(transactions, own)
    refresh(history)

    assert await until(transactions, own) is None
    assert await whole(transactions, own) == raw


async def test_what_would_take_too_long_is_left_out_and_said(
    history: Database, transactions: SqlTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(history)
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
    (busiest,) = history.rows(
        "select user_id, count(*) from tales.generations where created_at < %s group by 1 order by 2 desc limit 1",
        YEAR.until,
    )
    own = replace(YEAR, user_id=busiest["user_id"])
    for most, not_counted in ((busiest["count"], ()), (busiest["count"] - 1, ("all",))):
        monkeypatch.setattr(rolled_reports, "MOST_COUNTED", most)
        async with transactions.as_service() as work:
            retries, costs = await report_retries(work.reports, own), await report_costs(work.reports, own, own.until)
        assert retries.not_counted == costs.not_counted == not_counted
        assert bool(retries.items) == bool(costs.items) == bool(costs.shares) == (not not_counted)


async def test_so_many_costs_are_not_estimated(
    history: Database, transactions: SqlTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.execute(
        "insert into tales.prices (model, valid_from, prompt_usd_per_million, completion_usd_per_million, source)"
        " select distinct model_used, timestamptz '2025-01-01Z', 1, 2, 'operator' from tales.generations"
    )
    refresh(history)
    (known,) = history.rows(
        "select count(*) from tales.attempt_estimates where is_live and created_at < %s", YEAR.until
    )
    for most, is_estimated in ((known["count"], True), (known["count"] - 1, False)):
        monkeypatch.setattr(rolled_reports, "MOST_ESTIMATED", most)
        async with transactions.as_service() as work:
            models, costs = await report_models(work.reports, YEAR), await report_costs(work.reports, YEAR, YEAR.until)
        assert any(row.estimated for row in (*models.items, *costs.items, *costs.shares)) == is_estimated
        assert models.not_counted == costs.not_counted == (() if is_estimated else ("estimate",))


async def test_they_grow_by_the_hour_and_the_rest_is_counted_beside(
    history: Database, transactions: SqlTransactions
) -> None:
    raw = exact(await models(transactions, YEAR))

    for _ in range(3):
        assert refresh(history, 700) == 700
        assert await until(transactions, YEAR) < YEAR.until  # type: ignore[operator]  # it is one
        assert exact(await models(transactions, YEAR)) == raw
    while refresh(history, 5000):
        pass
    assert exact(await models(transactions, YEAR)) == raw
    assert refresh(history) == 0


Change = Callable[[Database, UUID], None]


def rated(database: Database, user: UUID) -> None:
    database.execute("update tales.stories set rating = 1 where user_id = %s and rating is not null", user)
    database.execute("update tales.stories set rating = 10 where user_id = %s and rating is null", user)


def reconciled(database: Database, user: UUID) -> None:
    unknown = "user_id = %s and status <> 'pending' and cost_usd is null and reconciled_cost_usd is null"
    database.execute(f"update tales.generations set reconciled_cost_usd = 0.25 where {unknown}", user)


def erased(database: Database, user: UUID) -> None:
    database.execute("delete from auth.users where id = %s", user)


def deleted(database: Database, user: UUID) -> None:
    database.execute("delete from tales.stories where user_id = %s", user)


@pytest.mark.parametrize("change", [rated, reconciled, erased, deleted])
async def test_what_changes_later_is_followed(history: Database, transactions: SqlTransactions, change: Change) -> None:
    refresh(history)
    before = exact(await models(transactions, YEAR))
    (busiest,) = history.rows(
        "select user_id from tales.generations where status <> 'success' group by 1 order by count(*) desc limit 1"
    )
    change(history, busiest["user_id"])
    assert exact(await models(transactions, YEAR)) == before, "not yet"

    refresh(history)
    followed = exact(await models(transactions, YEAR))

    assert followed != before
    assert history.rows("select from tales.rollup_changes") == []
    history.execute("select tales.forget_rollups()")
    assert exact(await models(transactions, YEAR)) == followed, "and so say the attempts"


@pytest.mark.parametrize("change", [rated, reconciled, erased])
async def test_what_changes_later_is_followed_in_every_report(
    history: Database, transactions: SqlTransactions, change: Change
) -> None:
    draw(history)
    refresh(history)
    (busiest,) = history.rows(
        "select user_id from tales.generations where attempt_number > 1 group by 1 order by count(*) desc limit 1"
    )
    change(history, busiest["user_id"])
    while refresh(history, 24):
        pass
    followed = await whole(transactions, YEAR)

    history.execute("select tales.forget_rollups()")
    assert await whole(transactions, YEAR) == followed, "and so say the attempts"


async def test_an_attempt_that_ends_late_is_counted_again(database: Database, transactions: SqlTransactions) -> None:
    now = datetime.now(UTC)
    wanted = ReportFilter(since=now - timedelta(days=6), until=now)
    with database.connect() as connection:
        insert(connection, "generations", attempt(add_user(connection), created_at=now - timedelta(days=5)))
    refresh(database)
    (row,) = await models(transactions, wanted)
    assert (row.pending, row.failed) == (1, 0)

    database.execute("update tales.generations set status = 'failed', completed_at = now(), error_type = 'internal'")
    assert refresh(database) == 0, "no hour is new"

    (row,) = await models(transactions, wanted)
    assert (row.pending, row.failed) == (0, 1)
    assert database.rows("select from tales.rollup_courses where 'pending' = any (statuses)") == []


def test_changes_of_one_hour_are_seen_to_at_once(database: Database) -> None:
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", ended(user, created_at=datetime.now(UTC) - timedelta(days=9)))
        refresh(database)
        for number in range(3):
            connection.execute(
                "insert into tales.rollup_changes (hour)"
                " select complete_until - %s * interval '1 hour' from tales.rollup_state, generate_series(1, 50)",
                [number + 1],
            )
    assert refresh(database, 2) == 2
    assert database.rows("select count(distinct hour) as hours, count(*) as changes from tales.rollup_changes") == [
        {"hours": 1, "changes": 50}
    ]
    assert refresh(database, 2) == 1
    assert refresh(database, 2) == 0


USERS = "select from tales.rollup_users where user_id = %s"


@pytest.fixture
def family(database: Database) -> UUID:
    """A user with an attempt of last month that is counted, and is to be counted again."""
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", ended(user, created_at=datetime.now(UTC) - timedelta(days=40)))
        refresh(database)
        assert connection.execute(USERS, [user]).rowcount == 2, "a day and a month"
        connection.execute("update tales.generations set reconciled_cost_usd = 0.25")
    return user


def test_an_erased_family_leaves_no_rollups(database: Database, family: UUID) -> None:
    erased(database, family)
    assert not database.rows(USERS, family), "before anything is counted again"


def test_a_family_is_erased_while_rollups_are_counted(database: Database, family: UUID) -> None:
    with database.connect() as counting, database.connect() as erasing:
        erasing.execute("set lock_timeout = '1s'")
        with counting.transaction():
            counting.execute("select tales.refresh_rollups(24)")
            erasing.execute("delete from auth.users where id = %s", [family])
    refresh(database, 24)
    assert not database.rows(USERS, family)


def test_rollups_are_counted_while_a_family_is_erased(database: Database, family: UUID) -> None:
    database.execute("select tales.forget_rollups()")
    with database.connect() as counting, database.connect() as erasing:
        counting.execute("set lock_timeout = '1s'")
        with erasing.transaction():
            erasing.execute("delete from auth.users where id = %s", [family])
            counting.execute("select tales.refresh_rollups(24)")
    refresh(database, 24)
    assert not database.rows(USERS, family)


async def test_an_admin_reads_rollups_and_a_family_counts_its_own(
    history: Database, transactions: SqlTransactions
) -> None:
    refresh(history)
    (busiest,) = history.rows("select user_id from tales.generations group by 1 order by count(*) desc limit 1")
    own = replace(YEAR, user_id=busiest["user_id"])

    async with transactions.as_user(Actor(busiest["user_id"], is_admin=True)) as work:
        assert exact(await work.reports.models(YEAR)) == exact(await models(transactions, YEAR))
        assert await work.reports.rolled_up_until(YEAR) is not None
    async with transactions.as_user(Actor(busiest["user_id"], is_admin=False)) as work:
        assert exact(await work.reports.models(YEAR)) == exact(await models(transactions, own))
        assert await work.reports.rolled_up_until(YEAR) is None


async def test_of_nothing_there_is_nothing_to_roll_up(database: Database, transactions: SqlTransactions) -> None:
    assert refresh(database) == 0
    assert await models(transactions, YEAR) == ()


async def test_a_day_on_which_nothing_followed_is_added_up(database: Database, transactions: SqlTransactions) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    evening = today - timedelta(days=40) + timedelta(hours=20, minutes=30)
    with database.connect() as connection:
        insert(connection, "generations", ended(add_user(connection), created_at=evening))
    assert refresh(database, 1) == 1
    assert refresh(database, 24) == 0

    (row,) = await models(transactions, ReportFilter(since=today - timedelta(days=80), until=today))
    assert row.success == 1
    grains = database.rows("select distinct grain from tales.rollup_cells order by grain")
    assert [row["grain"] for row in grains] == ["day", "hour", "month", "quarter"]
