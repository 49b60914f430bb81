"""Keyset pages in SQL (Winand, "We need tool support for keyset pagination", use-the-index-luke.com/no-offset)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, text, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from tales.domain.page import Page, PageKey, PageRequest

IN_ORDER = text("select set_config('enable_sort', 'off', true)")
"""For the rest of a transaction, rows are read in the order of an index.

What the planner cannot know (what a policy lets pass, the latest attempt) it takes for rare: then it would rather read
and sort all of a family's rows than stop at the end of the page.
"""

# Whatever is selected: a row of any columns.
Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
Row = TypeVar("Row")
Item = TypeVar("Item")


def newest_first(
    query: Query, created_at: InstrumentedAttribute[datetime], id_: InstrumentedAttribute[UUID], page: PageRequest
) -> Query:
    """The rows behind the page's key and one more, which tells whether there is a next page."""
    if page.after is not None:
        query = query.where(tuple_(created_at, id_) < tuple_(page.after.created_at, page.after.id))
    return query.order_by(created_at.desc(), id_.desc()).limit(page.limit + 1)


def page_of(
    rows: Sequence[Row], page: PageRequest, key: Callable[[Row], PageKey], item: Callable[[Row], Item]
) -> Page[Item]:
    """What `newest_first` has found, as a page of items."""
    shown = rows[: page.limit]
    return Page(tuple(map(item, shown)), key(shown[-1]) if len(rows) > page.limit else None)
