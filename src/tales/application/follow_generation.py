"""Reading a generation, and waiting for its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from tales.application.ports import Subscriptions
from tales.domain.actor import Actor
from tales.domain.errors import NotFound
from tales.domain.filters import ANY_GENERATION, GenerationFilter
from tales.domain.generation import Generation
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True)
class FollowGeneration:
    """A family's own generations."""

    transactions: Transactions
    subscriptions: Subscriptions

    async def get(self, actor: Actor, generation_id: UUID) -> Generation:
        """The generation, its attempts without prompts and responses. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            generation = await work.generations.get_generation(generation_id)
        if generation is None:
            raise NotFound("generation", generation_id)
        return generation

    async def list(self, actor: Actor, page: PageRequest, which: GenerationFilter = ANY_GENERATION) -> Page[Generation]:
        """The family's generations, newest first, without prompts and responses."""
        async with self.transactions.as_user(actor) as work:
            return await work.generations.list_for_user(actor.user_id, page, which)

    async def wait(self, actor: Actor, generation: Generation, timeout: float) -> Generation:  # noqa: ASYNC109 -- the caller is told how it stands, not cut off
        """The actor's own `generation` once it has ended, or as it stands after `timeout` seconds.

        Raises: NotFound when it is erased meanwhile.
        """
        if generation.status.is_final or timeout <= 0:
            return generation
        generation_id = generation.generation_id
        with self.subscriptions.subscribe(generation_id, with_text=False) as subscription, suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not generation.status.is_final:
                    progress = await subscription.next()
                    # It is no more, or the service stops; after an erasure, somebody else may have this very id.
                    if progress is None or progress.generation.user_id != actor.user_id:
                        return await self.get(actor, generation_id)
                    generation = progress.generation
        return generation
