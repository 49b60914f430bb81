"""Rows of `tales.change_log` (migrations 035 and 036)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.changes import Change, ChangeFilter, Relation
from tales.domain.page import Page, PageKey, PageRequest
from tales.domain.repositories.changes import ChangeLog
from tales.infrastructure.postgres.keyset import beginning_before, page_of

_CONDITIONS = {
    "relation": "relation = :relation",
    "changed_by": "changed_by = :changed_by",
    "by_operator": "changed_by is null",
    "changed_after": "changed_at >= :changed_after",
    "after_id": "(changed_at, id) < (:after_at, :after_id)",
}


class SqlChangeLog(ChangeLog):
    """Changes over one session: an index has them in their order, all of them and those of a relation."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self, page: PageRequest, which: ChangeFilter) -> Page[Change]:
        begins = beginning_before(which.changed_before, page).after
        values: dict[str, Any] = {
            "relation": which.relation,
            "changed_by": which.changed_by,
            "by_operator": which.by_operator or None,
            "changed_after": which.changed_after,
            "after_id": begins.id if begins else None,
        }
        conditions = [condition for name, condition in _CONDITIONS.items() if values[name] is not None]
        where = f"where {' and '.join(conditions)}" if conditions else ""
        statement = f"select * from tales.change_log {where} order by changed_at desc, id desc limit :most"  # noqa: S608 -- of our words alone
        values |= {"after_at": begins.created_at if begins else None, "most": page.limit + 1}
        rows = (await self._session.execute(text(statement), values)).mappings().all()
        return page_of([_change(row) for row in rows], page, _key, lambda change: change)


def _key(change: Change) -> PageKey:
    return PageKey(change.changed_at, change.id)


def _change(row: RowMapping) -> Change:
    return Change(
        id=row["id"],
        changed_at=row["changed_at"],
        changed_by=row["changed_by"],
        relation=Relation(row["relation"]),
        before=row["before"],
        after=row["after"],
    )
