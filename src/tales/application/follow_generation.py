"""Reading a generation, and waiting for its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.errors import NotFound
from tales.domain.generation import Generation
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions

POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class FollowGeneration:
    """A family's own generations."""

    transactions: Transactions

    async def get(self, actor: Actor, generation_id: UUID) -> Generation:
        """The generation, its attempts without prompts and responses. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            generation = await work.generations.get_generation(generation_id)
        if generation is None:
            raise NotFound("generation", generation_id)
        return generation

    async def list(self, actor: Actor, page: PageRequest) -> Page[Generation]:
        """The family's generations, newest first, without prompts and responses."""
        async with self.transactions.as_user(actor) as work:
            return await work.generations.list_for_user(actor.user_id, page)

    async def wait(self, actor: Actor, generation_id: UUID, timeout: float) -> Generation:  # noqa: ASYNC109 -- the caller is told how it stands, not cut off
        """The generation once it has ended, or as it stands after `timeout` seconds. Raises: NotFound."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            async with self.transactions.as_user(actor) as work:
                latest = await work.generations.latest_attempt(generation_id)
            if latest is None:
                raise NotFound("generation", generation_id)
            remaining = deadline - loop.time()
            if latest.status.is_final or remaining <= 0:
                return await self.get(actor, generation_id)
            await asyncio.sleep(min(POLL_SECONDS, remaining))
