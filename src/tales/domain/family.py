"""Who stories are about: a family's children, and heroes, its own or ready-made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tales.domain.checks import checked_text, checked_whole_number
from tales.domain.errors import InvalidInput

MAX_NAME = 80
MAX_AGE = 17
MAX_INTERESTS = 12
MAX_INTEREST = 60
MAX_APPEARANCE = 400


@dataclass(frozen=True, slots=True)
class NewChild:
    """A child as a parent describes it. `age` in years.

    Raises: InvalidInput.
    """

    name: str
    age: int
    interests: tuple[str, ...] = ()
    gender: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", checked_text("name", self.name, MAX_NAME))
        checked_whole_number("age", self.age, 0, MAX_AGE, "years")
        if len(self.interests) > MAX_INTERESTS:
            raise InvalidInput("interests", f"There are {len(self.interests)} interests. Use at most {MAX_INTERESTS}.")
        interests = tuple(checked_text("interests", item, MAX_INTEREST) for item in self.interests)
        object.__setattr__(self, "interests", interests)
        if self.gender is not None:
            object.__setattr__(self, "gender", checked_text("gender", self.gender, MAX_NAME))


@dataclass(frozen=True, slots=True)
class Child:
    """A child of a family."""

    id: UUID
    user_id: UUID
    name: str
    age: int
    interests: tuple[str, ...]
    gender: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewHero:
    """A hero as a parent describes it.

    Raises: InvalidInput.
    """

    name: str
    appearance: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", checked_text("name", self.name, MAX_NAME))
        if self.appearance is not None:
            object.__setattr__(self, "appearance", checked_text("appearance", self.appearance, MAX_APPEARANCE))


@dataclass(frozen=True, slots=True)
class Hero:
    """A hero. `user_id` is None for the ready-made ones, which every family sees."""

    id: UUID
    user_id: UUID | None
    name: str
    appearance: str | None
    created_at: datetime
