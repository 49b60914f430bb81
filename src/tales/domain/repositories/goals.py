"""Goals of experiments and their snapshots, as the application asks for them."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from tales.domain.goal_states import Draw, DrawCount
from tales.domain.goals import Goal, GoalSettings
from tales.domain.story_spec import StoryType


class GoalRepository(Protocol):
    """Goals, one at a time for a story type and language."""

    async def list(self) -> tuple[Goal, ...]:
        """Those that are set, each with its newest snapshot."""

    async def set(self, settings: GoalSettings) -> None:
        """From now on this is the goal: another one ends, and nothing that was known for it counts."""

    async def end(self, story_type: StoryType, language: str) -> bool:
        """End the goal; False where none is set."""

    async def of_snapshot(self, snapshot_id: UUID) -> Goal | None:
        """The goal that a snapshot is of, with that snapshot, also where it has ended."""

    async def counts(self, goal: Goal) -> tuple[DrawCount, ...]:
        """What was drawn for it since it was set, arm by arm."""

    async def newest_draws(self, goal: Goal, limit: int) -> tuple[Draw, ...]:
        """The generations that were drawn for it last, the newest first."""
