"""Rollups give what the attempts give: counts and sums exactly, percentiles within 1 %, whatever has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tales.domain.actor import Actor
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import CostRow, ModelRow
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.fixtures.history import PLAN
from tests.fixtures.rows import add_user, attempt, ended, insert

YEAR = ReportFilter(since=PLAN.begin, until=PLAN.begin + timedelta(days=365))
ODD = ReportFilter(since=datetime(2026, 3, 3, 5, 17, tzinfo=UTC), until=datetime(2026, 9, 9, 19, 43, 12, tzinfo=UTC))
PERCENTILES = ("seconds_p50", "seconds_p95", "seconds_p99", *(f"first_token_seconds_p{p}" for p in (50, 95, 99)))
DISCRETE = """
    select model_used, percentile_disc(array[0.5, 0.95, 0.99]) within group (order by seconds) as seconds,
        percentile_disc(array[0.5, 0.95, 0.99]) within group (order by first_token_seconds) as first_token_seconds
    from tales.attempt_facts where is_live and created_at >= %s and created_at < %s group by 1
"""


def refresh(database: Database, most: int = 100_000) -> int:
    """Bring the rollups up to date; how many new hours."""
    (row,) = database.rows("select tales.refresh_rollups(%s) as hours", most)
    hours: int = row["hours"]
    return hours


async def models(transactions: SqlTransactions, wanted: ReportFilter) -> tuple[ModelRow, ...]:
    async with transactions.as_service() as work:
        return await work.reports.models(wanted)


async def costs(transactions: SqlTransactions, wanted: ReportFilter) -> tuple[CostRow, ...]:
    async with transactions.as_service() as work:
        return await work.reports.costs(wanted)


async def migrated(transactions: SqlTransactions, wanted: ReportFilter) -> int:
    async with transactions.as_service() as work:
        return await work.reports.migrated(wanted)


async def until(transactions: SqlTransactions, wanted: ReportFilter) -> datetime | None:
    async with transactions.as_service() as work:
        return await work.reports.rolled_up_until(wanted)


def exact(rows: tuple[ModelRow, ...]) -> list[dict[str, object]]:
    """What must be the same to the last digit; floats but for their order of adding."""
    names = [field.name for field in fields(ModelRow) if field.name not in PERCENTILES]
    return [{name: _rounded(getattr(row, name)) for name in names} for row in rows]


def _rounded(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


@pytest.mark.parametrize(
    "wanted",
    [
        YEAR,
        ODD,
        replace(ODD, model="classic/large"),
        replace(YEAR, migrated=True),
        replace(ODD, zone="Europe/Berlin"),
        replace(ODD, until=ODD.since + timedelta(hours=30)),
    ],
    ids=["year", "odd", "model", "migrated", "berlin", "no whole day"],
)
async def test_raw_and_rolled_up_agree(history: Database, transactions: SqlTransactions, wanted: ReportFilter) -> None:
    raw, raw_costs = await models(transactions, wanted), await costs(transactions, wanted)
    left_out = await migrated(transactions, wanted)
    assert await until(transactions, wanted) is None
    assert raw

    assert refresh(history) > 0
    rolled = await models(transactions, wanted)

    assert await until(transactions, wanted) == wanted.until.replace(minute=0, second=0)
    assert exact(rolled) == exact(raw)
    assert await costs(transactions, wanted) == raw_costs
    assert await migrated(transactions, wanted) == left_out
    true = {row["model_used"]: row for row in history.rows(DISCRETE, wanted.since, wanted.until)}
    for row in rolled:
        for name in ("seconds", "first_token_seconds"):
            found = [getattr(row, f"{name}_p{p}") for p in (50, 95, 99)]
            assert found == pytest.approx(true[row.model_used][name], rel=0.01)


@pytest.mark.parametrize("narrowed", [{"language": "de"}, {"prompt_version": "bedtime-2"}, {"zone": "Asia/Kolkata"}])
async def test_what_rollups_do_not_know_is_counted_from_the_attempts(
    history: Database, transactions: SqlTransactions, narrowed: dict[str, str]
) -> None:
    wanted = replace(ODD, **narrowed)  # type: ignore[arg-type]  # these are all text
    raw = await models(transactions, wanted)
    refresh(history)

    assert await until(transactions, wanted) is None
    assert await models(transactions, wanted) == raw


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


async def test_an_attempt_that_ends_late_is_counted_again(database: Database, transactions: SqlTransactions) -> None:
    now = datetime.now(UTC)
    asked_at = now - timedelta(hours=5)
    wanted = ReportFilter(since=now - timedelta(days=1), until=now)
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", attempt(user, created_at=asked_at))
        insert(connection, "generations", ended(user, created_at=now - timedelta(days=3000)))
    refresh(database)
    (row,) = await models(transactions, wanted)
    assert (row.pending, row.failed) == (1, 0)

    database.execute(
        "update tales.generations set status = 'failed', completed_at = now(), error_type = 'internal'"
        " where status = 'pending'"
    )
    assert refresh(database) == 0, "no hour is new"

    (row,) = await models(transactions, wanted)
    assert (row.pending, row.failed) == (0, 1)


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
    assert Decimal(0) == sum((row.cost_usd or Decimal(0) for row in await costs(transactions, YEAR)), Decimal(0))
