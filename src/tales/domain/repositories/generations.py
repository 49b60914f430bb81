"""Where attempts are kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from tales.domain.filters import ANY_CALL, ANY_GENERATION, CallFilter, GenerationFilter
from tales.domain.generation import Attempt, AttemptId, AttemptRequest, Generation
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.page import Page, PageRequest


class GenerationRepository(Protocol):
    """Attempts as one actor may see and write them. Nothing is ever deleted here."""

    async def create_attempt(self, request: AttemptRequest, limits: GenerationLimits = NO_LIMITS) -> Attempt:
        """Insert `request` as a pending attempt.

        Raises: Conflict when the attempts before it do not allow it, TooManyRequests, QueueFull.
        """

    async def cancel_attempt(self, attempt: AttemptId, message: str) -> bool:
        """End a pending attempt as its user wishes; False when it had ended already."""

    async def get_attempt(self, attempt: AttemptId) -> Attempt | None:
        """One attempt."""

    async def latest_attempt(self, generation_id: UUID) -> Attempt | None:
        """The attempt with the highest number, without its prompt and response."""

    async def get_generation(self, generation_id: UUID, *, whole: bool = False) -> Generation | None:
        """All attempts of a generation, and its story's id; `whole`: with prompts and responses."""

    async def list_for_user(
        self, user_id: UUID, page: PageRequest, which: GenerationFilter = ANY_GENERATION, *, whole: bool = False
    ) -> Page[Generation]:
        """A user's generations, newest first; `whole`: with prompts and responses."""

    async def add_sequel(self, generation_id: UUID, user_id: UUID, story_id: UUID) -> None:
        """Keep which story a generation carries on. Raises: Conflict when that is not of the same family."""

    async def get_generations(self, generation_ids: Collection[UUID]) -> tuple[Generation, ...]:
        """Those of these generations that there are, without prompts and responses."""

    async def list_all(self, page: PageRequest, which: CallFilter = ANY_CALL) -> Page[Generation]:
        """The generations of every user that the actor may see, those with the newest latest attempt first."""
