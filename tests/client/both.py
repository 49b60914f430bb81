"""One way to call both clients, so that each test is written once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, TypeAlias

from tales.client import AsyncTales, Tales

AnyClient: TypeAlias = Any
"""An `AsyncTales`, or something that behaves like one."""

_END = object()


class Kind(Enum):
    """Which client."""

    ASYNC = "async"
    SYNC = "sync"


class _Threaded:
    """An object whose methods are awaited, and run in a thread."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return _Threaded(found)
        if name in {"list", "events", "export"}:
            return lambda *args, **kwargs: _each(found(*args, **kwargs))
        return lambda *args, **kwargs: asyncio.to_thread(found, *args, **kwargs)


async def _each(items: Iterator[object]) -> AsyncIterator[object]:
    while (item := await asyncio.to_thread(next, items, _END)) is not _END:
        yield item


@asynccontextmanager
async def client_at(kind: Kind, server: str, **options: Any) -> AsyncIterator[AnyClient]:
    """A client of this kind."""
    if kind is Kind.ASYNC:
        async with AsyncTales(server, **options) as client:
            yield client
    else:
        with Tales(server, **options) as blocking:
            yield _Threaded(blocking)


async def collect(items: AsyncIterator[Any]) -> list[Any]:
    """All of them."""
    return [item async for item in items]
