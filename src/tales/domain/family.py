"""Who stories are about: a family's children, and heroes, its own or ready-made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from tales.domain.checks import checked_text, checked_whole_number
from tales.domain.errors import InvalidInput

MAX_NAME = 80
MAX_AGE = 17
MAX_INTERESTS = 12
MAX_INTEREST = 60
MAX_APPEARANCE = 400


class ChildChanges(TypedDict, total=False):
    """What is to change of a child; what is not named stays."""

    name: str
    age: int
    interests: tuple[str, ...]
    gender: str | None


class HeroChanges(TypedDict, total=False):
    """What is to change of a hero; what is not named stays."""

    name: str
    appearance: str | None


def checked_child(changes: ChildChanges) -> ChildChanges:
    """`changes` as they are kept. Raises: InvalidInput."""
    checked: ChildChanges = {}
    if "name" in changes:
        checked["name"] = checked_text("name", changes["name"], MAX_NAME)
    if "age" in changes:
        checked["age"] = checked_whole_number("age", changes["age"], 0, MAX_AGE, "years")
    if "interests" in changes:
        checked["interests"] = _checked_interests(changes["interests"])
    if "gender" in changes:
        gender = changes["gender"]
        checked["gender"] = None if gender is None else checked_text("gender", gender, MAX_NAME)
    return checked


def checked_hero(changes: HeroChanges) -> HeroChanges:
    """`changes` as they are kept. Raises: InvalidInput."""
    checked: HeroChanges = {}
    if "name" in changes:
        checked["name"] = checked_text("name", changes["name"], MAX_NAME)
    if "appearance" in changes:
        looks = changes["appearance"]
        checked["appearance"] = None if looks is None else checked_text("appearance", looks, MAX_APPEARANCE)
    return checked


def _checked_interests(interests: tuple[str, ...]) -> tuple[str, ...]:
    if len(interests) > MAX_INTERESTS:
        raise InvalidInput("interests", f"There are {len(interests)} interests. Use at most {MAX_INTERESTS}.")
    return tuple(checked_text("interests", item, MAX_INTEREST) for item in interests)


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
        changes = ChildChanges(name=self.name, age=self.age, interests=self.interests, gender=self.gender)
        for name, value in checked_child(changes).items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Child:
    """A child of a family. `version` is another after each change of it."""

    id: UUID
    user_id: UUID
    name: str
    age: int
    interests: tuple[str, ...]
    gender: str | None
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class NewHero:
    """A hero as a parent describes it.

    Raises: InvalidInput.
    """

    name: str
    appearance: str | None = None

    def __post_init__(self) -> None:
        for name, value in checked_hero(HeroChanges(name=self.name, appearance=self.appearance)).items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Hero:
    """A hero. `user_id` is None for the ready-made ones, which every family sees and none can change.

    `version` is another after each change of it.
    """

    id: UUID
    user_id: UUID | None
    name: str
    appearance: str | None
    created_at: datetime
    version: int
