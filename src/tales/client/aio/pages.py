"""Lists that come in pages, as one iterator."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from tales.client import wire
from tales.client.aio.transport import Transport
from tales.client.errors import UnexpectedAnswer
from tales.client.models import AnyModel, Model


class _Page(Model):
    items: tuple[object, ...]
    next_cursor: str | None = None


async def each(
    transport: Transport, path: str, model: type[AnyModel], query: wire.Query, page_size: int | None
) -> AsyncGenerator[AnyModel]:
    """Every item; a page is asked for when the one before it has been used up."""
    cursor: str | None = None
    while True:
        request = wire.Request(method="GET", path=path, query={**query, "cursor": cursor, "limit": page_size})
        page = wire.read(_Page, await transport.send(request))
        for item in page.items:
            yield wire.read_item(model, item)
        if page.next_cursor is None:
            return
        if page.next_cursor == cursor:
            raise UnexpectedAnswer("The list does not end: a page names itself as the next one.")
        cursor = page.next_cursor
