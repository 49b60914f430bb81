"""A family no longer wants the story that it asked for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.errors import Conflict, NotFound
from tales.domain.repositories.unit_of_work import Transactions

MESSAGE = "Cancelled by the user."


@dataclass(frozen=True, slots=True)
class CancelGeneration:
    """Ends the attempt in flight; a late answer of the model is refused."""

    transactions: Transactions

    async def __call__(self, actor: Actor, generation_id: UUID) -> None:
        """Cancel it. Raises: NotFound, also for another family's; Conflict when it has ended already."""
        async with self.transactions.as_user(actor) as work:
            latest = await work.generations.latest_attempt(generation_id)
            if latest is None:
                raise NotFound("generation", generation_id)
            if not await work.generations.cancel_attempt(latest.id, MESSAGE):
                raise Conflict("This generation has ended already, so it cannot be cancelled.")
            await work.commit()
