"""Work that is done together: what comes in while a batch is under way makes the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar, cast

from tales.application.background import is_asked_to_end
from tales.domain.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Hands items to `run`, many at once; `run` gives each its result or error, in their order, or raises for them all.

    At most `most` items make a batch, and at most `at_once` batches are under way. Nothing waits for company: a batch
    takes what is there. Where a batch was refused, each of its items is tried once more by itself, so that none suffers
    by another; where something did not answer, all of them hear of it.
    """

    def __init__(
        self, run: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]], *, most: int, at_once: int
    ) -> None:
        self._run = run
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Result:
        """What `run` gives for `item`. Raises what it raises for it alone. Cancelling the caller does not stop it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._running) < self._at_once:
            task = asyncio.create_task(self._work())
            self._running.add(task)
        return await future

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the body runs, and until what was submitted is done."""
        try:
            yield
        finally:
            while self._running:
                await asyncio.wait(self._running)

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                await self._run_batch(batch)
        finally:
            # Not a moment later: who hears of the last result may submit the next item before this task is done.
            self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _run_batch(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
        except asyncio.CancelledError:
            # Nobody cancels a batch: it came from below, and whoever waits would wait for ever.
            _raise_for_all(batch, Unavailable())
            if is_asked_to_end():
                raise
            return
        except Exception as error:  # noqa: BLE001 -- whatever it is, each of them gets it or its own
            if len(batch) > 1 and not isinstance(error, Unavailable):
                for waiting in batch:
                    await self._run_batch([waiting])
                return
            _raise_for_all(batch, error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


def _raise_for_all(batch: list[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
