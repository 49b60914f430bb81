"""Generations, as a family gives them up and as an operator looks at everybody's."""

from __future__ import annotations

from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.errors import Conflict, NotFound
from tales.domain.generation import AttemptId, Generation
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions

CANCELLED = "Cancelled by the user."


async def cancel(transactions: Transactions, actor: Actor, generation_id: UUID) -> None:
    """End the attempt in flight; a late answer of the model is refused.

    Raises: NotFound, also for another family's; Conflict when it has ended already.
    """
    async with transactions.as_user(actor) as work:
        tried: AttemptId | None = None
        while True:
            latest = await work.generations.latest_attempt(generation_id)
            if latest is None or latest.user_id != actor.user_id:
                raise NotFound("generation", generation_id)
            if latest.status.is_final or latest.id == tried:
                raise Conflict("This generation has ended already, so it cannot be cancelled.")
            if await work.generations.cancel_attempt(latest.id, CANCELLED):
                break
            # It has ended in between. What follows it by the same commit is cancelled, if anything does.
            tried = latest.id
        await work.commit()


async def list_all(transactions: Transactions, page: PageRequest) -> Page[Generation]:
    """Everybody's, the newest first, without prompts and responses."""
    async with transactions.as_service() as work:
        return await work.generations.list_all(page)


async def get_whole(transactions: Transactions, generation_id: UUID) -> Generation:
    """Anybody's, with prompts and responses. Raises: NotFound."""
    async with transactions.as_service() as work:
        generation = await work.generations.get_generation(generation_id, whole=True)
    if generation is None:
        raise NotFound("generation", generation_id)
    return generation
