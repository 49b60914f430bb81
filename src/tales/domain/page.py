"""Keyset pages: a list continues behind the last key that was seen, so page 1,000 costs what page 1 costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from tales.domain.checks import checked_whole_number

MAX_PAGE = 100

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class PageKey:
    """Where a page ended: creation time and id, together unique, newest first."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Up to `limit` items (1 to 100) after `after`.

    Raises: InvalidInput.
    """

    limit: int = 20
    after: PageKey | None = None

    def __post_init__(self) -> None:
        checked_whole_number("limit", self.limit, 1, MAX_PAGE)


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """Some items, newest first; `next` is None on the last page."""

    items: tuple[T_co, ...]
    next: PageKey | None


async def every(read: Callable[[PageRequest], Awaitable[Page[T]]], size: int = MAX_PAGE) -> AsyncIterator[T]:
    """All items of a list, in its order, read `size` at a time."""
    page = await read(PageRequest(size))
    while True:
        for item in page.items:
            yield item
        if page.next is None:
            return
        page = await read(PageRequest(size, page.next))
