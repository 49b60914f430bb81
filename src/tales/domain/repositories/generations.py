"""Where attempts are kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tales.domain.filters import ANY_GENERATION, GenerationFilter
from tales.domain.generation import Attempt, AttemptId, AttemptOutcome, AttemptRequest, Generation, Status
from tales.domain.page import Page, PageRequest


class GenerationRepository(Protocol):
    """Attempts as one actor may see and write them. Nothing is ever deleted here."""

    async def create_attempt(self, request: AttemptRequest) -> Attempt:
        """Insert `request` as a pending attempt. Raises: Conflict when the attempts before it do not allow it."""

    async def start_attempt(self, attempt: AttemptId) -> bool:
        """Mark a pending attempt as taken by a worker; False when another one was first, or it has ended."""

    async def note_provider_id(self, attempt: AttemptId, provider_generation_id: str) -> None:
        """Keep the provider's own id of a call in flight, so that a cut call's cost can still be asked for."""

    async def lock_attempt(self, attempt: AttemptId) -> Attempt | None:
        """A pending attempt, held for this transaction; None when there is none, or it has ended."""

    async def models_used(self, generation_id: UUID) -> tuple[str, ...]:
        """The model of each attempt, in order."""

    async def finish_attempt(self, attempt: AttemptId, outcome: AttemptOutcome) -> bool:
        """End a pending attempt; False when it had ended already, and nothing is changed."""

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

    async def list_all(self, page: PageRequest) -> Page[Generation]:
        """The generations of every user that the actor may see, newest first."""

    async def list_by_status(self, status: Status, page: PageRequest) -> Page[Attempt]:
        """Attempts in one state, newest first."""

    async def pending_since(self, before: datetime, limit: int) -> tuple[Attempt, ...]:
        """Pending attempts created before `before`, oldest first."""
