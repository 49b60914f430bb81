"""Generations and stories as JSON for machines: field names are the columns' names, unknown is null."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from tales.domain.generation import Attempt, Json
from tales.interfaces.cli.records import AnyAttempt, AnyGeneration, cost_of, request_of

if TYPE_CHECKING:
    from tales.client import Story

# Costs have as many digits as their column, whoever has written them.
_DIGITS = Decimal("1E-12")


def generation_json(generation: AnyGeneration, user_id: UUID, *, whole: bool) -> dict[str, Json]:
    """A user's generation with its attempts; `whole` with prompts and responses, where they are known."""
    return {
        "generation_id": str(generation.generation_id),
        "user_id": str(user_id),
        "status": generation.status,
        "story_id": str(generation.story_id) if generation.story_id else None,
        "attempts": [_attempt_json(generation, attempt, whole=whole) for attempt in generation.attempts],
    }


def _attempt_json(generation: AnyGeneration, attempt: AnyAttempt, *, whole: bool) -> dict[str, Json]:
    """One attempt. Times in UTC, costs in US dollars as decimal strings."""
    request, cost = request_of(generation), cost_of(attempt)
    shown: dict[str, Json] = {
        "generation_id": str(generation.generation_id),
        "attempt_number": attempt.attempt_number,
        "status": attempt.status,
        "origin": attempt.origin,
        "model_used": attempt.model_used,
        "provider": attempt.provider,
        "served_model": attempt.served_model,
        "error_type": attempt.error_type,
        "error_message": attempt.error_message,
        "http_status": attempt.http_status,
        "provider_generation_id": attempt.provider_generation_id,
        "created_at": _time(attempt.created_at),
        "started_at": _time(attempt.started_at),
        "first_token_at": _time(attempt.first_token_at),
        "completed_at": _time(attempt.completed_at),
        "prompt_tokens": attempt.prompt_tokens,
        "completion_tokens": attempt.completion_tokens,
        "cost_usd": None if cost is None else str(cost.quantize(_DIGITS)),
        "story_type": request.story_type,
        "story_length": request.story_length,
        "language": request.language,
        "moral": request.moral,
        "hero_appearance": request.hero_appearance,
        "relationship_description": request.relationship_description,
        "prompt_version": attempt.prompt_version,
    }
    if whole:
        shown["prompt"] = attempt.prompt if isinstance(attempt, Attempt) else None
        shown["full_response"] = attempt.full_response if isinstance(attempt, Attempt) else None
    return shown


def story_json(story: Story) -> dict[str, Json]:
    """A story, and the attempt that wrote it."""
    return {
        "id": str(story.id),
        "title": story.title,
        "content": story.content,
        "rating": story.rating,
        "child_id": str(story.child_id) if story.child_id else None,
        "hero_id": str(story.hero_id) if story.hero_id else None,
        "generation_id": str(story.generation_id),
        "generation_attempt": story.generation_attempt,
        "created_at": _time(story.created_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
