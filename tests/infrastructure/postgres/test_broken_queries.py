"""The Python above may forget a WHERE, or ask for somebody else: the database gives a family its own alone."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import CursorResult, text

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.page import PageRequest
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeIds
from tests.infrastructure.postgres.matrix_world import fill
from tests.infrastructure.postgres.security_matrix import LINES

CHANGES = {
    "tales.children": "age = 17",
    "tales.heroes": "appearance = 'a hat'",
    "tales.stories": "rating = 1",
    "tales.generations": "status = 'failed'",
}
# Sums without a user are for test_report_views.py.
FAMILY_TABLES = sorted({line.relation for line in LINES if line.marks("select")["family"] == "+" and line.is_secured})
VIEWS = {"tales.attempt_facts", "tales.report_costs"} | {
    *("tales.attempt_cells", "tales.drawn_cells", "tales.attempt_marks", "tales.course_steps"),
}


@dataclass(frozen=True)
class Two:
    """Two families with a row in each table; the first is curious."""

    curious: UUID
    other: UUID


@pytest.fixture
def two(database: Database) -> Two:
    with database.connect() as connection:
        return Two(*fill(connection))


async def _run(work: SqlUnitOfWork, statement: str) -> CursorResult[tuple[object, ...]]:
    result = await work.session.execute(text(statement))
    assert isinstance(result, CursorResult)
    return result


@pytest.mark.parametrize("table", FAMILY_TABLES)
async def test_a_select_without_a_where_shows_a_familys_own(
    transactions: SqlTransactions, two: Two, table: str
) -> None:
    async with transactions.as_user(Actor(two.curious)) as work:
        rows = (await _run(work, f"select * from {table}")).mappings().all()
        assert {row["user_id"] for row in rows} <= {two.curious, None}
        assert [row for row in rows if row["user_id"] == two.curious]


@pytest.mark.parametrize("table", sorted({*FAMILY_TABLES} - VIEWS))
async def test_a_write_without_a_where_reaches_a_familys_own(
    transactions: SqlTransactions, two: Two, database: Database, table: str
) -> None:
    others = f"select to_jsonb(t) as row from {table} as t where user_id = %s order by 1"
    before = database.rows(others, two.other)
    changed = CHANGES.get(table)
    for statement in ([f"update {table} set {changed}"] if changed else []) + [f"delete from {table}"]:
        try:
            async with transactions.as_user(Actor(two.curious)) as work:
                assert (await _run(work, statement)).rowcount > 0
                await work.commit()
        except Forbidden:
            assert table not in {"tales.children", "tales.heroes", "tales.stories"}
    assert before
    assert database.rows(others, two.other) == before


async def test_a_repository_that_is_asked_for_another_family_has_nothing(
    transactions: SqlTransactions, two: Two
) -> None:
    page = PageRequest(20)
    async with transactions.as_user(Actor(two.curious)) as work:
        assert (await work.stories.list_for_user(two.other, page)).items == ()
        assert (await work.generations.list_for_user(two.other, page)).items == ()
        assert {found.user_id for found in (await work.generations.list_all(page)).items} == {two.curious}


async def test_an_admin_reads_every_familys_generations_and_ratings_and_nothing_else_of_theirs(
    transactions: SqlTransactions, two: Two, ids: FakeIds
) -> None:
    async with transactions.as_user(Actor(ids.new(), is_admin=True)) as work:
        seen = {
            table: {row["user_id"] for row in (await _run(work, f"select * from {table}")).mappings()} - {None}
            for table in FAMILY_TABLES
        }
    assert {table for table, users in seen.items() if users} == {"tales.generations", "tales.ratings"} | VIEWS - {
        "tales.drawn_cells"
    }
    assert seen["tales.generations"] == seen["tales.ratings"] == {two.curious, two.other}
