"""Generations and stories as JSON for machines, in the forms of the API: names of columns, unknown is null."""

from __future__ import annotations

from uuid import UUID

from tales.domain.generation import Json
from tales.interfaces.cli.records import (
    AnyAttempt,
    AnyGeneration,
    AnyStory,
    cost_of,
    estimate_of,
    prompt_of,
    request_of,
    response_of,
    written_by,
)
from tales.interfaces.json_values import decimal_json, time_json


def generation_json(generation: AnyGeneration, user_id: UUID, *, whole: bool) -> dict[str, Json]:
    """A user's generation with its attempts; `whole` with prompts and responses, where they are known."""
    return {
        "generation_id": str(generation.generation_id),
        "user_id": str(user_id),
        "status": generation.status,
        "story_id": str(story_id) if (story_id := getattr(generation, "story_id", None)) else None,
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
        "created_at": time_json(attempt.created_at),
        "started_at": time_json(attempt.started_at),
        "first_token_at": time_json(attempt.first_token_at),
        "completed_at": time_json(attempt.completed_at),
        "prompt_tokens": attempt.prompt_tokens,
        "completion_tokens": attempt.completion_tokens,
        "cost_usd": None if cost is None else decimal_json(cost),
        "story_type": request.story_type,
        "story_length": request.story_length,
        "language": request.language,
        "prompt_version": attempt.prompt_version,
    }
    if whole:
        # What a family wrote, and what was written for it: no list shows it.
        for words in ("moral", "hero_appearance", "relationship_description"):
            shown[words] = getattr(request, words, None)
        estimate = estimate_of(attempt)
        shown["estimated_cost_usd"] = None if estimate is None else decimal_json(estimate)
        shown["worker_id"] = str(worker) if (worker := getattr(attempt, "worker_id", None)) else None
        shown["prompt"] = prompt_of(attempt)
        shown["full_response"] = response_of(attempt)
    return shown


def story_json(story: AnyStory) -> dict[str, Json]:
    """A story, and the attempt that wrote it."""
    generation_id, attempt_number = written_by(story)
    return {
        "id": str(story.id),
        "title": story.title,
        "content": story.content,
        "rating": story.rating,
        "child_id": str(story.child_id) if story.child_id else None,
        "hero_id": str(story.hero_id) if story.hero_id else None,
        "generation_id": str(generation_id),
        "generation_attempt": attempt_number,
        "created_at": time_json(story.created_at),
        "updated_at": time_json(story.updated_at),
    }
