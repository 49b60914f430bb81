"""What version 3 answers: the fields are named as the columns are, and what is not known is null."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasPath, Field

from tales.domain.generation import Origin, Status
from tales.domain.story_spec import StoryType
from tales.interfaces.api.fields import Answer, AnyJson, Dollars, Moment, Quoted


def _of_latest(name: str) -> Any:  # noqa: ANN401 -- what Field itself returns
    return Field(validation_alias=AliasPath("latest", name))


class SignedUp(Answer):
    """A new account."""

    user_id: UUID
    email: str


class Token(Answer):
    """A token for the header `Authorization: Bearer`. `expires_in` seconds; then `refresh_token` gets the next one."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 -- the kind of token, as RFC 6750 names it
    expires_in: int
    refresh_token: str


class Holdings(Answer):
    """How many things the family has; heroes are its own."""

    children: int
    heroes: int
    generations: int
    stories: int


class Me(Answer):
    """Who is signed in. `email` and `created_at` are null where the account is kept elsewhere."""

    id: UUID
    email: str | None
    is_admin: bool
    created_at: Moment | None
    holdings: Holdings


class Child(Answer):
    """A child of the family. `age` in years."""

    id: UUID
    name: str
    age: int
    interests: list[str]
    gender: str | None
    created_at: Moment


class ChildPage(Answer):
    """Some of the family's children, newest first. `next_cursor` is null on the last page."""

    items: list[Child]
    next_cursor: str | None


class Hero(Answer):
    """A hero. `user_id` is null for the ready-made ones, which every family sees and none can change."""

    id: UUID
    user_id: UUID | None
    name: str
    appearance: str | None
    created_at: Moment


class HeroPage(Answer):
    """Some of the family's own heroes and the ready-made ones, newest first. `next_cursor` is null on the last page."""

    items: list[Hero]
    next_cursor: str | None


class Attempt(Answer):
    """One call to a model. Tokens are counts, costs US dollars; null is "not known", never 0."""

    attempt_number: Annotated[int, Field(validation_alias=AliasPath("id", "attempt_number"))]
    status: Status
    model_used: Annotated[str, Field(description="The model that was asked for.")]
    served_model: Annotated[Quoted | None, Field(description="The model that answered, as the provider says.")]
    provider: Quoted | None
    provider_generation_id: Annotated[Quoted | None, Field(description="What the provider calls it.")]
    origin: Annotated[Origin, Field(description="`migrated` when it was made before calls were kept.")]
    prompt_version: str | None
    error_type: Annotated[str | None, Field(description="Why it gave no story, for programs.")]
    error_message: Annotated[Quoted | None, Field(description="Why it gave no story, in a sentence.")]
    http_status: Annotated[int | None, Field(description="The provider's.")]
    created_at: Moment
    started_at: Annotated[Moment | None, Field(description="When a worker took it.")]
    first_token_at: Moment | None
    completed_at: Moment | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Annotated[Dollars | None, Field(validation_alias="known_cost_usd")]


class Generation(Answer):
    """A wish for a story and the calls made for it; the latest attempt speaks for it.

    `story_length` in minutes of reading aloud, null when the family did not say.
    """

    generation_id: UUID
    status: Status
    story_id: Annotated[UUID | None, Field(description="The story, once there is one.")]
    sequel_of: Annotated[UUID | None, Field(description="The story that it carries on.")]
    story_type: Annotated[StoryType, _of_latest("story_type")]
    story_length: Annotated[int | None, _of_latest("story_length")]
    moral: Annotated[str, _of_latest("moral")]
    language: Annotated[str | None, _of_latest("language")]
    relationship_description: Annotated[str | None, _of_latest("relationship_description")]
    hero_appearance: Annotated[str | None, _of_latest("hero_appearance")]
    child_id: Annotated[UUID | None, _of_latest("child_id")]
    hero_id: Annotated[UUID | None, _of_latest("hero_id")]
    created_at: Annotated[Moment, Field(validation_alias=AliasPath("attempts", 0, "created_at"))]
    completed_at: Annotated[Moment | None, _of_latest("completed_at")]
    attempts: list[Attempt]


class GenerationPage(Answer):
    """Some of the family's generations, newest first. `next_cursor` is null on the last page."""

    items: list[Generation]
    next_cursor: str | None


class Retry(Answer):
    """An attempt gave no story, and another one comes, not before `next_at` if that is known."""

    attempt_number: Annotated[int, Field(validation_alias=AliasPath("ended", "id", "attempt_number"))]
    status: Annotated[Status, Field(validation_alias=AliasPath("ended", "status"))]
    error_type: Annotated[str | None, Field(validation_alias=AliasPath("ended", "error_type"))]
    error_message: Annotated[Quoted | None, Field(validation_alias=AliasPath("ended", "error_message"))]
    next_attempt_number: Annotated[int, Field(validation_alias=AliasPath("following", "id", "attempt_number"))]
    next_model_used: Annotated[str, Field(validation_alias=AliasPath("following", "model_used"))]
    next_at: Annotated[Moment | None, Field(validation_alias="due_at")]


class GenerationEnd(Answer):
    """A generation has ended. `story_id` is null when no story came of it."""

    generation_id: UUID
    status: Status
    story_id: UUID | None


class StoryGeneration(Attempt):
    """The attempt that wrote a story, with what was asked for. `story_length` in minutes of reading aloud."""

    generation_id: Annotated[UUID, Field(validation_alias=AliasPath("id", "generation_id"))]
    story_type: StoryType
    story_length: int | None
    moral: str
    language: str | None
    relationship_description: str | None
    hero_appearance: str | None
    attempts: Annotated[tuple[Attempt, ...], Field(description="Present with `include=generation.attempts`.")] = ()


class Story(Answer):
    """A story in the family's library. `rating` from 1 to 10; `generation_attempt` wrote it."""

    id: UUID
    title: str
    content: str
    rating: int | None
    child_id: UUID | None
    hero_id: UUID | None
    generation_id: Annotated[UUID, Field(validation_alias=AliasPath("attempt", "generation_id"))]
    generation_attempt: Annotated[int, Field(validation_alias=AliasPath("attempt", "attempt_number"))]
    created_at: Moment
    updated_at: Moment
    generation: Annotated[StoryGeneration | None, Field(description="Present with `include`.")] = None


class StoryPage(Answer):
    """Some of the family's stories, newest first. `next_cursor` is null on the last page."""

    items: list[Story]
    next_cursor: str | None


class WholeAttempt(Attempt):
    """One call to a model with all that was sent and came back; null is "not kept"."""

    prompt: str | None
    full_response: AnyJson
    generation_info: AnyJson


class WholeGeneration(Generation):
    """A wish for a story, and every call made for it, whole."""

    attempts: list[WholeAttempt]  # type: ignore[assignment]  # each of them is an Attempt


class Export(Answer):
    """Everything of the family's. What lies very deep in a response is given as text that holds it."""

    user: Me
    children: list[Child]
    heroes: list[Hero]
    stories: list[Story]
    generations: list[WholeGeneration]


class ModelRow(Answer):
    """How one model does. Migrated attempts count for tokens and cost alone; null is "not known"."""

    model_used: str
    attempts: int
    success: int
    failed: int
    timeout: int
    pending: int
    migrated: int
    success_rate: Annotated[float | None, Field(description="Of the attempts that have ended, from 0 to 1.")]
    seconds_p50: float | None
    seconds_p95: float | None
    first_token_seconds_p50: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Dollars | None
    cost_unknown: Annotated[int, Field(description="Attempts that have ended and whose cost nobody knows.")]


class RetryRow(Answer):
    """How many generations took so many attempts, and how many of them gave a story."""

    attempts: int
    generations: int
    succeeded: int


class Reason(Answer):
    """Why attempts gave no story, how many were tried again, and how many of their generations gave one."""

    error_type: str | None
    attempts: int
    retried: int
    recovered: int


class TimeoutRow(Answer):
    """How often a model's attempts timed out for one reason. `share` of all that have ended, from 0 to 1."""

    model_used: str
    error_type: str | None
    timeouts: int
    share: float
    seconds_p50: float | None


class CostRow(Answer):
    """What a model cost on a day (UTC), as far as anybody knows."""

    day: date
    model_used: str
    attempts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Dollars | None
    cost_unknown: int


class PromptRow(Answer):
    """How one version of the prompt does with one model. `unusable`: empty, cut off, too short, or a refusal."""

    prompt_version: str | None
    model_used: str
    attempts: int
    success: int
    unusable: int
    success_rate: float | None
    completion_tokens_p50: float | None
    cost_usd: Dollars | None
    cost_unknown: int


class ModelReport(Answer):
    """The busiest model first."""

    items: list[ModelRow]


class RetryReport(Answer):
    """The fewest attempts first; `reasons` by frequency."""

    items: list[RetryRow]
    reasons: list[Reason]


class TimeoutReport(Answer):
    """The most frequent first."""

    items: list[TimeoutRow]


class CostReport(Answer):
    """The newest day first."""

    items: list[CostRow]


class PromptReport(Answer):
    """The busiest first."""

    items: list[PromptRow]
