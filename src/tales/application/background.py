"""Work in the background: it outlives any error, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tales.application.ports import Log
from tales.domain.errors import Unavailable

PAUSE = 1.0
"""Seconds after an error."""


@asynccontextmanager
async def running(steps: Mapping[str, Callable[[], Awaitable[None]]], log: Log) -> AsyncIterator[None]:
    """Do each of `steps` forever, by its name, while the body runs."""
    tasks = [asyncio.create_task(forever(name, step, log), name=f"tales {name}") for name, step in steps.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def forever(name: str, step: Callable[[], Awaitable[None]], log: Log) -> None:
    """Do `step` again and again until cancelled. Of an error only its type is logged: its words may be anybody's."""
    while True:
        try:
            await step()
            continue
        except asyncio.CancelledError as error:
            if is_asked_to_end():
                raise
            failure: BaseException = error
        except Exception as error:  # noqa: BLE001 -- whatever it is, the next step may work
            failure = error
        log.warning("background work failed", work=name, error=type(failure).__name__)
        await asyncio.sleep(PAUSE)


def is_asked_to_end() -> bool:
    """Whether somebody cancels this task; a cancellation that nobody asked for came from below, as an error does."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def check_background(
    tasks: Iterable[asyncio.Task[Any]], then: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """A check that raises Unavailable once one of `tasks` that works in the background has ended; else, `then`."""
    background = [task for task in tasks if task.get_name().startswith("tales ")]

    async def check() -> None:
        if gone := [task.get_name() for task in background if task.done()]:
            raise Unavailable(f"Gone from the background: {', '.join(gone)}. Start this process again.")
        await then()

    return check
