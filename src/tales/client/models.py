"""What version 3 answers, as objects that do not change.

A field that a newer server adds is ignored, and one that an older server leaves out is None: so a client and a
server may be updated one after the other. Times are in UTC, costs in US dollars; None is "not known", never 0.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

PENDING = "pending"
SUCCESS = "success"


class Model(BaseModel):
    """Anything that the service answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


AnyModel = TypeVar("AnyModel", bound=Model)


class Tagged(Model):
    """What can be edited. `etag` names the state that was read: give it back as `if_match` to change no other one."""

    etag: str | None = Field(default=None, repr=False)


class SignedUp(Model):
    """A new account."""

    user_id: UUID
    email: str


class Holdings(Model):
    """How much of each kind a family has."""

    children: int
    heroes: int
    generations: int
    stories: int


class Me(Model):
    """Who is signed in. `email` and `created_at` are None where the account is kept elsewhere."""

    id: UUID
    email: str | None = None
    is_admin: bool
    created_at: datetime | None = None
    holdings: Holdings | None = None


class Child(Tagged):
    """A child of the family. `age` in years."""

    id: UUID
    name: str
    age: int
    interests: tuple[str, ...] = ()
    gender: str | None = None
    created_at: datetime | None = None


class Hero(Tagged):
    """A hero. `user_id` is None for the ready-made ones, which every family sees and none can change."""

    id: UUID
    name: str
    user_id: UUID | None = None
    appearance: str | None = None
    created_at: datetime | None = None


class Attempt(Model):
    """One call to a model. `status` is pending, success, failed or timeout.

    `origin` is live, or migrated for what was written before calls were kept.
    """

    attempt_number: int
    status: str
    model_used: str
    served_model: str | None = None
    provider: str | None = None
    provider_generation_id: str | None = None
    origin: str = "live"
    prompt_version: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    http_status: int | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    first_token_at: datetime | None = None
    completed_at: datetime | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Decimal | None = None


class Generation(Model):
    """A wish for a story and the calls made for it; its `status` is that of the latest one.

    `story_length` in minutes of reading aloud.
    """

    generation_id: UUID
    status: str
    story_id: UUID | None = None
    sequel_of: UUID | None = None
    story_type: str | None = None
    story_length: int | None = None
    moral: str | None = None
    language: str | None = None
    relationship_description: str | None = None
    hero_appearance: str | None = None
    child_id: UUID | None = None
    hero_id: UUID | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether there will be no more calls: `story_id` names the story, or there is none."""
        return self.status != PENDING


class ListedGeneration(Model):
    """A family's generation without its words, as an admin's list has it."""

    generation_id: UUID
    user_id: UUID
    status: str
    story_type: str | None = None
    story_length: int | None = None
    language: str | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()


class CompleteAttempt(Attempt):
    """One call to a model, with all that was sent and came back, and the worker that made it."""

    prompt: str | None = Field(default=None, repr=False)
    full_response: object = Field(default=None, repr=False)
    generation_info: object = Field(default=None, repr=False)
    available_at: datetime | None = None
    worker_id: UUID | None = None
    estimated_cost_usd: Decimal | None = None


class CompleteGeneration(Generation):
    """A family's generation with every prompt and response, as an admin sees it."""

    user_id: UUID
    attempts: tuple[CompleteAttempt, ...] = ()


class StoryGeneration(Attempt):
    """The attempt that wrote a story, with what was asked for; `attempts` holds all of them when asked for."""

    generation_id: UUID
    story_type: str | None = None
    story_length: int | None = None
    moral: str | None = None
    language: str | None = None
    relationship_description: str | None = None
    hero_appearance: str | None = None
    attempts: tuple[Attempt, ...] = ()


class Story(Tagged):
    """A story in the family's library. `rating` from 1 to 10; `generation` where it was asked for."""

    id: UUID
    title: str
    content: str
    rating: int | None = None
    child_id: UUID | None = None
    hero_id: UUID | None = None
    generation_id: UUID | None = None
    generation_attempt: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    generation: StoryGeneration | None = None


class Token(Model):
    """What the service gives for a password or a refresh token. `expires_in` seconds."""

    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(default=None, repr=False)
    expires_in: float | None = None
