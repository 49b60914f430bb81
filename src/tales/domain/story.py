"""What a family reads: a story, and what it thinks of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tales.domain.checks import checked_text, checked_whole_number
from tales.domain.generation import Attempt, AttemptId
from tales.domain.titles import MAX_TITLE

BEST_RATING = 10


@dataclass(frozen=True, slots=True)
class Rating:
    """How much a family liked a story, from 1 to 10.

    Raises: InvalidInput.
    """

    value: int

    def __post_init__(self) -> None:
        checked_whole_number("rating", self.value, 1, BEST_RATING)


@dataclass(frozen=True, slots=True)
class Title:
    """What a family calls a story.

    Raises: InvalidInput.
    """

    value: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", checked_text("title", self.value, MAX_TITLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStory:
    """A story as it comes out of the attempt that wrote it."""

    id: UUID
    user_id: UUID
    title: str
    content: str
    attempt: AttemptId
    child_id: UUID | None = None
    hero_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story in a family's library. `attempt` names the very call that wrote it (decision 1).

    `version` is another after each change of it.
    """

    id: UUID
    user_id: UUID
    title: str
    content: str
    attempt: AttemptId
    created_at: datetime
    updated_at: datetime
    version: int
    child_id: UUID | None = None
    hero_id: UUID | None = None
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class WrittenStory:
    """A story and the attempt that wrote it: with its response, without its prompt."""

    story: Story
    attempt: Attempt
