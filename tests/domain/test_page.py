from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.page import MAX_PAGE, Page, PageKey, PageRequest, every
from tests.domain.factories import GENERATION_ID, NOW


def test_a_page_request_begins_at_the_newest_item() -> None:
    assert PageRequest() == PageRequest(limit=20, after=None)


@pytest.mark.parametrize("limit", [1, MAX_PAGE])
def test_the_smallest_and_the_largest_page_are_allowed(limit: int) -> None:
    assert PageRequest(limit, PageKey(NOW, GENERATION_ID)).limit == limit


@pytest.mark.parametrize("limit", [-1, 0, MAX_PAGE + 1, True, 2.0, float("nan")])
def test_any_other_size_is_refused_with_what_to_use(limit: Any) -> None:
    with pytest.raises(InvalidInput, match="Use a whole number from 1 to 100") as refused:
        PageRequest(limit)
    assert refused.value.field == "limit"


def test_the_last_page_has_no_next() -> None:
    assert Page(("story",), None).next is None


async def test_every_item_is_read_page_by_page() -> None:
    items = [PageKey(NOW, UUID(int=number)) for number in range(7)]
    asked: list[PageRequest] = []

    async def read(page: PageRequest) -> Page[PageKey]:
        asked.append(page)
        start = items.index(page.after) + 1 if page.after else 0
        shown = tuple(items[start : start + page.limit])
        return Page(shown, shown[-1] if items[start + page.limit :] else None)

    assert [item async for item in every(read, 3)] == items
    assert [page.after for page in asked] == [None, items[2], items[5]]
