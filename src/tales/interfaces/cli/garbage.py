"""Python's search for garbage, at moments when nobody waits for it.

A search through everything stops the event loop for as long as there are objects: for most of a second with 5,000
calls in flight. What a call leaves behind is mostly freed without any search, so the great one can wait for quiet.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOK_SECONDS = 5.0
FEW_TASKS = 100
"""With fewer than these a search takes some milliseconds."""

_THRESHOLDS = (5_000, 10, 200)
"""New objects until the young are searched, and so on: the great search comes by itself only after millions of them."""


@asynccontextmanager
async def garbage_at_quiet_moments() -> AsyncIterator[None]:
    """While the body runs, search everything only when few tasks are under way."""
    thresholds = gc.get_threshold()
    # What is there by now stays to the end.
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    searching = asyncio.create_task(_search_when_quiet(), name="tales garbage")
    try:
        yield
    finally:
        searching.cancel()
        gc.set_threshold(*thresholds)


async def _search_when_quiet() -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        # Only when something has grown old since the last time.
        if gc.get_count()[2] > 0 and len(asyncio.all_tasks()) < FEW_TASKS:
            gc.collect()
