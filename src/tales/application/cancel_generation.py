"""A family no longer wants the story that it asked for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.errors import Conflict, NotFound
from tales.domain.generation import AttemptId
from tales.domain.repositories.unit_of_work import Transactions

MESSAGE = "Cancelled by the user."


@dataclass(frozen=True, slots=True)
class CancelGeneration:
    """Ends the attempt in flight; a late answer of the model is refused."""

    transactions: Transactions

    async def __call__(self, actor: Actor, generation_id: UUID) -> None:
        """Cancel it. Raises: NotFound, also for another family's; Conflict when it has ended already."""
        async with self.transactions.as_user(actor) as work:
            tried: AttemptId | None = None
            while True:
                latest = await work.generations.latest_attempt(generation_id)
                if latest is None or latest.user_id != actor.user_id:
                    raise NotFound("generation", generation_id)
                if latest.status.is_final or latest.id == tried:
                    raise Conflict("This generation has ended already, so it cannot be cancelled.")
                if await work.generations.cancel_attempt(latest.id, MESSAGE):
                    break
                # It has ended in between. What follows it by the same commit is cancelled, if anything does.
                tried = latest.id
            await work.commit()
