"""What changes of attempts that were rolled up: it is counted again, and what was erased is in no rollup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tales.domain.report_filters import ReportFilter
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.fixtures.history import YEAR, refresh_rollups
from tests.fixtures.rows import add_user, attempt, ended, insert
from tests.infrastructure.repositories.rolled import comparable, models, whole

Change = Callable[[Database, UUID], None]
USERS = "select from tales.rollup_users where user_id = %s"


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


def some_user(database: Database) -> UUID:
    """Somebody with some thirty attempts, of which a few failed, and were tried again: each hour takes its time."""
    (row,) = database.rows(
        "select user_id from tales.generations group by 1"
        " having count(*) filter (where status <> 'success' and cost_usd is null) > 1"
        " order by abs(count(*) - 30), 1 limit 1"
    )
    user: UUID = row["user_id"]
    return user


@pytest.mark.parametrize("change", [rated, reconciled, erased, deleted])
async def test_what_changes_later_is_followed(
    rolled_up: Database, transactions: SqlTransactions, change: Change
) -> None:
    before = comparable(await models(transactions, YEAR))
    change(rolled_up, some_user(rolled_up))
    assert comparable(await models(transactions, YEAR)) == before, "not yet"

    refresh_rollups(rolled_up)
    followed = comparable(await models(transactions, YEAR))

    assert followed != before
    assert rolled_up.rows("select from tales.rollup_changes") == []
    rolled_up.execute("select tales.forget_rollups()")
    assert comparable(await models(transactions, YEAR)) == followed, "and so say the attempts"


@pytest.mark.parametrize("change", [rated, reconciled, erased])
async def test_what_changes_later_is_followed_in_every_report(
    rolled_up: Database, transactions: SqlTransactions, change: Change
) -> None:
    change(rolled_up, some_user(rolled_up))
    while refresh_rollups(rolled_up, 24):
        pass
    followed = await whole(transactions, YEAR)

    rolled_up.execute("select tales.forget_rollups()")
    assert await whole(transactions, YEAR) == followed, "and so say the attempts"


async def test_an_attempt_that_ends_late_is_counted_again(database: Database, transactions: SqlTransactions) -> None:
    now = datetime.now(UTC)
    wanted = ReportFilter(since=now - timedelta(days=6), until=now)
    with database.connect() as connection:
        insert(connection, "generations", attempt(add_user(connection), created_at=now - timedelta(days=5)))
    refresh_rollups(database)
    (row,) = await models(transactions, wanted)
    assert (row.pending, row.failed) == (1, 0)

    database.execute("update tales.generations set status = 'failed', completed_at = now(), error_type = 'internal'")
    assert refresh_rollups(database) == 0, "no hour is new"

    (row,) = await models(transactions, wanted)
    assert (row.pending, row.failed) == (0, 1)
    assert database.rows("select from tales.rollup_courses where 'pending' = any (statuses)") == []


def test_changes_of_one_hour_are_seen_to_at_once(database: Database) -> None:
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", ended(user, created_at=datetime.now(UTC) - timedelta(days=9)))
        refresh_rollups(database)
        for number in range(3):
            connection.execute(
                "insert into tales.rollup_changes (hour)"
                " select complete_until - %s * interval '1 hour' from tales.rollup_state, generate_series(1, 50)",
                [number + 1],
            )
    assert refresh_rollups(database, 2) == 2
    assert database.rows("select count(distinct hour) as hours, count(*) as changes from tales.rollup_changes") == [
        {"hours": 1, "changes": 50}
    ]
    assert refresh_rollups(database, 2) == 1
    assert refresh_rollups(database, 2) == 0


@pytest.fixture
def family(database: Database) -> UUID:
    """A user with an attempt of last month that is counted, and is to be counted again."""
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", ended(user, created_at=datetime.now(UTC) - timedelta(days=40)))
        refresh_rollups(database)
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
    refresh_rollups(database, 24)
    assert not database.rows(USERS, family)


def test_rollups_are_counted_while_a_family_is_erased(database: Database, family: UUID) -> None:
    database.execute("select tales.forget_rollups()")
    with database.connect() as counting, database.connect() as erasing:
        counting.execute("set lock_timeout = '1s'")
        with erasing.transaction():
            erasing.execute("delete from auth.users where id = %s", [family])
            counting.execute("select tales.refresh_rollups(24)")
    refresh_rollups(database, 24)
    assert not database.rows(USERS, family)
