"""What Tales knows of a user, in short."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many things a family has; heroes are its own."""

    children: int
    heroes: int
    generations: int
    stories: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A user. `email` and `created_at` are None where the account is kept elsewhere."""

    id: UUID
    email: str | None
    is_admin: bool
    created_at: datetime | None
    holdings: Holdings


@dataclass(frozen=True, slots=True)
class UserSummary:
    """A user as an operator sees them: how much they have, and nothing of what it says.

    `last_asked_at`: when they asked for a story last. Generations are counted, not attempts.
    """

    id: UUID
    email: str
    is_admin: bool
    created_at: datetime
    generations: int
    stories: int
    last_asked_at: datetime | None
