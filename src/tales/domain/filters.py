"""Which stories and which generations somebody looks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tales.domain.checks import checked_text, checked_whole_number
from tales.domain.errors import InvalidInput
from tales.domain.generation import Status
from tales.domain.story import BEST_RATING

MAX_WORDS = 200
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFilter:
    """Stories that hold every one of `words`, the last of which may be the beginning of one, and so on.

    Raises: InvalidInput.
    """

    words: str | None = None
    child_id: UUID | None = None
    hero_id: UUID | None = None
    min_rating: int | None = None

    def __post_init__(self) -> None:
        if self.words is not None:
            words = checked_text("q", self.words, MAX_WORDS)
            if not any(char.isalnum() for char in words):
                raise InvalidInput("q", "q holds no word. Write one, or leave q out.")
            object.__setattr__(self, "words", words)
        if self.min_rating is not None:
            checked_whole_number("min_rating", self.min_rating, 1, BEST_RATING)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationFilter:
    """Generations by what the latest attempt says (`status`, `model`), and by when they were asked for.

    `created_after` is the first moment that counts, `created_before` the first that no longer does.
    """

    status: Status | None = None
    model: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


ANY_STORY = StoryFilter()
ANY_GENERATION = GenerationFilter()
