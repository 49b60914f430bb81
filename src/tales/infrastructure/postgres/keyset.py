"""Keyset pages in SQL (Winand, "We need tool support for keyset pagination", use-the-index-luke.com/no-offset)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Result, Select, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from tales.domain.page import Page, PageKey, PageRequest
from tales.infrastructure.postgres.times import EARLIEST, LATEST

_IN_ORDER = text(
    "select "
    + ", ".join(
        f"set_config('enable_{way}', 'off', true)" for way in ("sort", "bitmapscan", "seqscan", "hashjoin", "mergejoin")
    )
    + ", set_config('enable_incremental_sort', :sorts_ties, true)"
)

# Whatever is selected: a row of any columns.
Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
Row = TypeVar("Row")
Item = TypeVar("Item")


def newest_first(
    query: Query, created_at: InstrumentedAttribute[datetime], id_: InstrumentedAttribute[UUID], page: PageRequest
) -> Query:
    """The rows behind the page's key and one more, which tells whether there is a next page."""
    if (after := page.after) is not None:
        moment: Any = after.created_at
        if moment in {EARLIEST, LATEST}:
            # Read as the nearest that Python holds: where the page ended, only the row itself can tell.
            row = select(func.min(created_at)).where(id_ == after.id).correlate(None).scalar_subquery()
            moment = func.coalesce(row, moment)
        query = query.where(tuple_(created_at, id_) < tuple_(moment, after.id))
    return query.order_by(created_at.desc(), id_.desc()).limit(page.limit + 1)


def beginning_before(moment: datetime | None, page: PageRequest) -> PageRequest:
    """The page of what was created before `moment`.

    No other condition may say so: of two upper ends PostgreSQL begins at one, and may read all up to the other.
    """
    if moment is None or (page.after is not None and page.after.created_at < moment):
        return page
    return PageRequest(page.limit, PageKey(moment, UUID(int=0)))


async def read_in_order(session: AsyncSession, query: Query, *, sorts_ties: bool = False) -> Result[*tuple[Any, ...]]:
    """The rows of `newest_first`, read in the order of an index, whatever the table's statistics say.

    `sorts_ties`: the index has no order for rows of the same moment, so those are sorted.

    What the planner cannot know (what a policy lets pass, the latest attempt, words) it takes for rare, and a table
    that was not analysed yet for small. Then it would read and sort all of a family's rows, or everybody's, rather
    than stop at the end of the page. So the other ways are closed, for the rest of the transaction.
    """
    await session.execute(_IN_ORDER, {"sorts_ties": "on" if sorts_ties else "off"})
    return await session.execute(query)


def page_of(
    rows: Sequence[Row], page: PageRequest, key: Callable[[Row], PageKey], item: Callable[[Row], Item]
) -> Page[Item]:
    """What `newest_first` has found, as a page of items."""
    shown = rows[: page.limit]
    return Page(tuple(map(item, shown)), key(shown[-1]) if len(rows) > page.limit else None)
