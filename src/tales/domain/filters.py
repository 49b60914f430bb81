"""Which stories and which generations somebody looks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tales.domain.checks import checked_text, checked_whole_number, is_countable
from tales.domain.errors import InvalidInput
from tales.domain.generation import Status
from tales.domain.story import BEST_RATING

MAX_WORDS = 200
"""Characters."""

MOST = 1_000_000
"""Dollars, or seconds: more than any call takes."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Generations of every family by what their latest attempt says, and by when that was made.

    `cost_over` in US dollars, `slower_than` in seconds from its start to its end. Raises: InvalidInput.
    """

    status: Status | None = None
    model: str | None = None
    error_type: str | None = None
    user_id: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    cost_over: Decimal | None = None
    slower_than: float | None = None

    def __post_init__(self) -> None:
        for field, value in (("cost_over", self.cost_over), ("slower_than", self.slower_than)):
            if value is None:
                continue
            if (isinstance(value, Decimal) and not is_countable(value)) or not 0 <= value <= MOST:
                raise InvalidInput(field, f"{field} cannot be that. Use a number from 0 to {MOST}.")


ANY_STORY = StoryFilter()
ANY_CALL = CallFilter()
ANY_GENERATION = GenerationFilter()
