"""A generation and its attempts: one wish for a story, and every call made to a model for it.

An attempt is one call. It begins `pending` and ends once, as `success`, `failed` or `timeout`; what has ended
never changes. A retry is a new attempt with the next number (decision 7). The database holds the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from tales.domain.errors import IllegalTransition
from tales.domain.experiments import PromptChoice
from tales.domain.story_spec import StoryType

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class Status(StrEnum):
    """Where an attempt stands."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"

    @property
    def is_final(self) -> bool:
        """Whether an attempt in this state has ended."""
        return self is not Status.PENDING


# The states that another attempt may follow.
_RETRIED = frozenset({Status.FAILED, Status.TIMEOUT})


class Origin(StrEnum):
    """Where a row comes from: a call that Tales made, or a legacy story."""

    LIVE = "live"
    MIGRATED = "migrated"


def check_transition(before: Status, after: Status) -> None:
    """Pass when an attempt may go from `before` to `after`.

    Raises: IllegalTransition.
    """
    if before.is_final or not after.is_final:
        raise IllegalTransition(f"An attempt that is {before} cannot become {after}.")


@dataclass(frozen=True, slots=True)
class AttemptId:
    """Names one attempt: its generation, and its number from 1."""

    generation_id: UUID
    attempt_number: int

    def __str__(self) -> str:
        return f"{self.generation_id}/{self.attempt_number}"

    @classmethod
    def parse(cls, text: str) -> AttemptId:
        """The inverse of `str`. Raises: ValueError."""
        generation_id, _, number = text.partition("/")
        return cls(UUID(generation_id), int(number))

    @property
    def next(self) -> AttemptId:
        """The attempt after this one."""
        return AttemptId(self.generation_id, self.attempt_number + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """What one attempt asks of a model: everything that is known before the call.

    `story_length` in minutes. `prompt` is the complete prompt as it is sent. `queue` is where it waits: the provider
    whose workers may take it. `prompt_choice` says why it got its prompt version, where there was a choice.
    """

    id: AttemptId
    user_id: UUID
    model_used: str
    prompt: str
    prompt_version: str
    queue: str
    story_type: StoryType
    moral: str
    language: str | None = None
    story_length: int | None = None
    hero_appearance: str | None = None
    relationship_description: str | None = None
    child_id: UUID | None = None
    hero_id: UUID | None = None
    prompt_choice: PromptChoice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptOutcome:
    """How one attempt ended. `full_response` is what arrived, complete or not.

    `error_type` is a value of `FailureKind`, `http_status` the provider's.
    Raises: IllegalTransition when the status is not a final one.
    """

    status: Status
    full_response: Json = None
    error_type: str | None = None
    error_message: str | None = None
    http_status: int | None = None
    provider_generation_id: str | None = None
    first_token_at: datetime | None = None

    def __post_init__(self) -> None:
        check_transition(Status.PENDING, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One row of `tales.generations`: a call to a model, with all that is known of it.

    Times are in UTC, tokens are counts, costs are US dollars; None is "not known", never 0. `available_at` is when a
    worker may take it at the earliest, and `worker_id` the one that has taken it. `estimated_cost_usd` is what the
    price list says, where it was asked because nobody has said the cost.
    """

    id: AttemptId
    user_id: UUID
    model_used: str
    status: Status
    origin: Origin
    story_type: StoryType
    moral: str
    created_at: datetime
    prompt: str | None = None
    prompt_version: str | None = None
    language: str | None = None
    story_length: int | None = None
    hero_appearance: str | None = None
    relationship_description: str | None = None
    child_id: UUID | None = None
    hero_id: UUID | None = None
    full_response: Json = None
    generation_info: Json = None
    error_type: str | None = None
    error_message: str | None = None
    http_status: int | None = None
    provider_generation_id: str | None = None
    available_at: datetime | None = None
    worker_id: UUID | None = None
    started_at: datetime | None = None
    first_token_at: datetime | None = None
    completed_at: datetime | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Decimal | None = None
    reconciled_cost_usd: Decimal | None = None
    provider: str | None = None
    served_model: str | None = None
    estimated_cost_usd: Decimal | None = None

    @property
    def attempt_number(self) -> int:
        """Its number within its generation, from 1."""
        return self.id.attempt_number

    @property
    def known_cost_usd(self) -> Decimal | None:
        """What the call cost as far as anybody knows, in US dollars (decision 11)."""
        return self.cost_usd if self.cost_usd is not None else self.reconciled_cost_usd


@dataclass(frozen=True, slots=True)
class Generation:
    """One wish and its attempts, in order, without a gap. `story_id` is set once a story came of it.

    `sequel_of` is the story that it carries on, while there is that.

    Raises: ValueError for attempts that the rules of this module cannot have led to: such rows were put together
    wrongly, or come from a database without our triggers.
    """

    generation_id: UUID
    user_id: UUID
    attempts: tuple[Attempt, ...]
    story_id: UUID | None = None
    sequel_of: UUID | None = None

    def __post_init__(self) -> None:
        ids = [attempt.id for attempt in self.attempts]
        if not ids or ids != [AttemptId(self.generation_id, number) for number in range(1, len(ids) + 1)]:
            raise ValueError(f"The attempts of generation {self.generation_id} are not numbered from 1 without a gap.")
        if any(attempt.user_id != self.user_id for attempt in self.attempts):
            raise ValueError(f"Generation {self.generation_id} has an attempt of another user.")
        if any(attempt.status not in _RETRIED for attempt in self.attempts[:-1]):
            raise ValueError(f"Generation {self.generation_id} goes on after a success or beside a call in flight.")

    @property
    def latest(self) -> Attempt:
        """The last attempt: it speaks for the generation."""
        return self.attempts[-1]

    @property
    def status(self) -> Status:
        """The state of the latest attempt; a retry is inserted by the commit that ends the one before."""
        return self.latest.status
