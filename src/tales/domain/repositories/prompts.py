"""Prompt templates, and why generations got theirs, as the application asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from tales.domain.experiments import PromptChoice
from tales.domain.goals import Goal
from tales.domain.prompt_templates import PromptTemplate, Slot, TemplateState
from tales.domain.story_spec import StoryType


@dataclass(frozen=True, slots=True)
class PromptsInUse:
    """What prompts are written by. `templates`: those that are active, and those that came along, whatever their state,
    as they stand in for what fails. `goals`: those that are set, with their newest snapshots.
    """

    templates: tuple[PromptTemplate, ...]
    goals: tuple[Goal, ...]


class PromptRepository(Protocol):
    """Templates, by their versions."""

    async def in_use(self) -> PromptsInUse:
        """What prompts are written by now."""

    async def get(self, version: str) -> PromptTemplate | None:
        """One version."""

    async def list(
        self,
        story_type: StoryType | None = None,
        language: str | None = None,
        model: str | None = None,
        state: TemplateState | None = None,
    ) -> tuple[PromptTemplate, ...]:
        """Those that fit all that is said, slot by slot and in the order in which they were made."""

    async def lock(self, slot: Slot) -> None:
        """Let nobody else change the versions of its story type and language until the transaction ends."""

    async def add(self, slot: Slot, template: str, note: str) -> PromptTemplate:
        """A new draft, under the next free number of its story type and language."""

    async def change(self, version: str, template: str, note: str) -> None:
        """Change a draft."""

    async def set_state(self, version: str, state: TemplateState, weight: int) -> None:
        """Activate or retire a version, or give it another weight."""

    async def choice_of(self, generation_id: UUID) -> PromptChoice | None:
        """Why a generation got its version; None where it was the only active one."""
