"""What the service sees to beside its requests, at a pace of its own: rollups, and what calls cost in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

PAUSE = 60.0
"""Seconds between two looks, and before the first one: nobody waits for it."""

LONGEST_PAUSE = 3600.0
"""Seconds between two rounds of questions to a provider that has an answer to none."""


@dataclass(slots=True)
class KeepRollups:
    """One step: `refresh` counts some hours and says how many that were, 0 when there are none or another does it."""

    refresh: Callable[[], Awaitable[int]]
    pause: float = PAUSE

    async def __call__(self) -> None:
        """Rest, then count. While there is more to count, it rests as long as the counting took: others work too."""
        await asyncio.sleep(self.pause)
        self.pause = PAUSE
        begun = asyncio.get_running_loop().time()
        if await self.refresh():
            self.pause = asyncio.get_running_loop().time() - begun


@dataclass(slots=True)
class KeepCosts:
    """One step: `ask` asks the provider for some costs and says how many it asked for and how many it learned."""

    ask: Callable[[], Awaitable[tuple[int, int]]]
    pause: float = PAUSE

    async def __call__(self) -> None:
        """Rest, then ask; longer each time while the provider knows nothing, or does not answer."""
        await asyncio.sleep(self.pause)
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
        asked, learned = await self.ask()
        if learned or not asked:
            self.pause = PAUSE
