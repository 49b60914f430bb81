"""What a server has answered, in the domain's terms, so that it is shown as what this machine keeps is.

Prompts and responses are not among it: the server does not give them out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tales import client
from tales.client import UnexpectedAnswer
from tales.domain.generation import Attempt, AttemptId, Generation, Origin, Status
from tales.domain.story_spec import StoryType


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredStory:
    """See `tales.interfaces.cli.places.WrittenStory`."""

    id: UUID
    title: str
    content: str
    rating: int | None
    child_id: UUID | None
    hero_id: UUID | None
    attempt: AttemptId
    created_at: datetime

    @classmethod
    def of(cls, story: client.Story) -> AnsweredStory:
        """Raises: UnexpectedAnswer."""
        if story.generation_id is None or story.generation_attempt is None or story.created_at is None:
            raise _too_old()
        return cls(
            id=story.id,
            title=story.title,
            content=story.content,
            rating=story.rating,
            child_id=story.child_id,
            hero_id=story.hero_id,
            attempt=AttemptId(story.generation_id, story.generation_attempt),
            created_at=story.created_at,
        )


def answered_generation(generation: client.Generation, user_id: UUID) -> Generation:
    """Raises: UnexpectedAnswer, also for what only a newer program knows."""
    try:
        attempts = tuple(_attempt(generation, attempt, user_id) for attempt in generation.attempts)
        return Generation(generation.generation_id, user_id, attempts, generation.story_id)
    except ValueError:
        raise _too_old() from None


def _attempt(generation: client.Generation, attempt: client.Attempt, user_id: UUID) -> Attempt:
    if attempt.created_at is None or generation.moral is None:
        raise _too_old()
    return Attempt(
        id=AttemptId(generation.generation_id, attempt.attempt_number),
        user_id=user_id,
        model_used=attempt.model_used,
        status=Status(attempt.status),
        origin=Origin(attempt.origin),
        story_type=StoryType(generation.story_type or ""),
        moral=generation.moral,
        created_at=attempt.created_at,
        prompt_version=attempt.prompt_version,
        language=generation.language,
        story_length=generation.story_length,
        hero_appearance=generation.hero_appearance,
        relationship_description=generation.relationship_description,
        child_id=generation.child_id,
        hero_id=generation.hero_id,
        error_type=attempt.error_type,
        error_message=attempt.error_message,
        http_status=attempt.http_status,
        provider_generation_id=attempt.provider_generation_id,
        started_at=attempt.started_at,
        first_token_at=attempt.first_token_at,
        completed_at=attempt.completed_at,
        prompt_tokens=attempt.prompt_tokens,
        completion_tokens=attempt.completion_tokens,
        cost_usd=attempt.cost_usd,
        provider=attempt.provider,
        served_model=attempt.served_model,
    )


def _too_old() -> UnexpectedAnswer:
    return UnexpectedAnswer("The server is of another version than this program. Use one of its version.")
