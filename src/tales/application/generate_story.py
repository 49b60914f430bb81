"""A story in one go, for clients that ask and wait: the flow of before generations."""

from __future__ import annotations

from dataclasses import dataclass

from tales.application import stories
from tales.application.follow_generation import FollowGeneration
from tales.application.request_generation import GenerationRequest, RequestGeneration
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, GenerationFailed, GenerationTimeout
from tales.domain.generation import Status
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.story import WrittenStory

PATIENCE = 120.0
"""Seconds. Proxies between a client and the service seldom leave a silent connection open for longer."""


@dataclass(frozen=True, slots=True)
class GenerateStory:
    """Asks for a story and waits for it, `patience` seconds at most. Whoever leaves meanwhile stops nothing."""

    transactions: Transactions
    request: RequestGeneration
    follow: FollowGeneration
    patience: float = PATIENCE

    async def __call__(self, actor: Actor, wish: GenerationRequest, key: str | None = None) -> WrittenStory:
        """The finished story; under a `key` that was used for the same wish before, the same one.

        Raises: what `RequestGeneration` raises; GenerationFailed when the generation has ended without a story,
        GenerationTimeout when it has not ended in time, Conflict when its story has been deleted.
        """
        requested = await self.request(actor, wish, key)
        waited = await self.follow.wait(actor, requested, self.patience)
        if waited.status is Status.PENDING:
            raise GenerationTimeout(waited.generation_id)
        if waited.story_id is None and waited.status is Status.SUCCESS:
            raise Conflict("This story has been deleted. Use a new Idempotency-Key for another one.")
        if waited.story_id is None:
            raise GenerationFailed(waited.generation_id, waited.latest.error_message)
        return await stories.get_written(self.transactions, actor, waited.story_id)
