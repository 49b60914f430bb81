"""The change log as admins and operators read it: page by page, and only what is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tales.application.changes import list_changes, list_changes_as_admin
from tales.domain.actor import Actor
from tales.domain.changes import Action, Change, ChangeFilter, Relation
from tales.domain.errors import Forbidden
from tales.domain.page import PageRequest, every
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database

ADMIN, OTHER = UUID(int=7), UUID(int=8)
THEN = datetime(2026, 3, 1, tzinfo=UTC)
BUDGET = {"id": "1", "scope": "model", "model": "a/one", "user_id": None, "period": "day", "limit_usd": 5}


def fill(database: Database) -> list[UUID]:
    """Nine changes, three at a moment; their ids, the newest first."""
    rows = [
        (
            uuid4(),
            THEN + timedelta(days=number // 3),
            (ADMIN, OTHER, None)[number % 3],
            "prices" if number % 2 else "budgets",
        )
        for number in range(9)
    ]
    with database.connect() as connection:
        for row in rows:
            connection.execute(
                "insert into tales.change_log (id, changed_at, changed_by, relation, after)"
                " values (%s, %s, %s, %s, %s)",
                (*row, Jsonb(BUDGET)),
            )
    return [id_ for id_, *_ in sorted(rows, key=lambda row: (row[1], row[0]), reverse=True)]


async def read(transactions: SqlTransactions, which: ChangeFilter, size: int = 2) -> Sequence[Change]:
    return [change async for change in every(lambda page: list_changes(transactions, page, which), size)]


async def test_pages_are_the_whole_log(database: Database, transactions: SqlTransactions) -> None:
    ids = fill(database)
    assert [change.id for change in await read(transactions, ChangeFilter())] == ids
    page = await list_changes_as_admin(transactions, Actor(ADMIN, is_admin=True), PageRequest(4))
    assert [change.id for change in page.items] == ids[:4]
    with pytest.raises(Forbidden):
        await list_changes_as_admin(transactions, Actor(ADMIN), PageRequest(4))


@pytest.mark.parametrize(
    ("which", "count"),
    [
        (ChangeFilter(relation=Relation.PRICES), 4),
        (ChangeFilter(relation=Relation.GOALS), 0),
        (ChangeFilter(changed_by=ADMIN), 3),
        (ChangeFilter(by_operator=True), 3),
        (ChangeFilter(changed_after=THEN + timedelta(days=1)), 6),
        (ChangeFilter(changed_before=THEN + timedelta(days=1)), 3),
        (ChangeFilter(changed_after=THEN + timedelta(days=1), changed_before=THEN + timedelta(days=2)), 3),
        (ChangeFilter(changed_by=OTHER, relation=Relation.BUDGETS), 1),
    ],
)
async def test_changes_are_found_by_all_that_is_said(
    database: Database, transactions: SqlTransactions, which: ChangeFilter, count: int
) -> None:
    fill(database)
    assert len(await read(transactions, which)) == count


def test_a_change_says_what_differs() -> None:
    before, after = dict(BUDGET), BUDGET | {"limit_usd": 6}
    made = partial(Change, id=uuid4(), changed_at=THEN, changed_by=None, relation=Relation.BUDGETS)
    change = made(before=before, after=after)
    assert (change.action, change.subject) == (Action.CHANGED, "model a/one, day")
    assert change.differences == {"limit_usd": (5, 6)}
    added, removed = made(before=None, after=after), made(before=before, after=None)
    assert (added.action, removed.action) == (Action.ADDED, Action.REMOVED)
    assert added.differences["limit_usd"] == (None, 6)
    assert removed.subject == change.subject
