"""Generations and stories as they are shown: those of this machine's database, or those that the API has answered."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from tales.domain.generation import Attempt, Generation, Json
from tales.domain.story import Story

if TYPE_CHECKING:
    # The database's own are shown without it.
    from tales import client

AnyAttempt: TypeAlias = "Attempt | client.Attempt"
AnyGeneration: TypeAlias = "Generation | client.Generation | client.ListedGeneration"
AnyStory: TypeAlias = "Story | client.Story"


def request_of(generation: AnyGeneration) -> Attempt | client.Generation | client.ListedGeneration:
    """What holds the request: the API answers it once, the database keeps it with each attempt."""
    return generation.latest if isinstance(generation, Generation) else generation


def cost_of(attempt: AnyAttempt) -> Decimal | None:
    """What the call cost as far as anybody knows, in US dollars."""
    return attempt.known_cost_usd if isinstance(attempt, Attempt) else attempt.cost_usd


def estimate_of(attempt: AnyAttempt) -> Decimal | None:
    """What the price list says that it cost, where nobody knows and somebody has asked, in US dollars."""
    estimate: Decimal | None = getattr(attempt, "estimated_cost_usd", None)
    return estimate


def written_by(story: AnyStory) -> tuple[UUID | None, int | None]:
    """The generation of a story, and the number of the attempt that wrote it."""
    if isinstance(story, Story):
        return story.attempt.generation_id, story.attempt.attempt_number
    return story.generation_id, story.generation_attempt


def prompt_of(attempt: AnyAttempt) -> str | None:
    """The prompt, where it is shown: by this machine's database, and by a server to its admins."""
    prompt: str | None = getattr(attempt, "prompt", None)
    return prompt


def response_of(attempt: AnyAttempt) -> Json:
    """The complete response, where it is shown."""
    response: Json = getattr(attempt, "full_response", None)
    return response
