"""Generations and stories as JSON for machines: field names are the columns' names, unknown is null."""

from __future__ import annotations

from datetime import datetime

from tales.domain.generation import Attempt, Generation, Json
from tales.interfaces.cli.places import WrittenStory


def generation_json(generation: Generation, *, whole: bool) -> dict[str, Json]:
    """A generation with its attempts; `whole` with prompts and responses."""
    return {
        "generation_id": str(generation.generation_id),
        "user_id": str(generation.user_id),
        "status": generation.status,
        "story_id": str(generation.story_id) if generation.story_id else None,
        "attempts": [attempt_json(attempt, whole=whole) for attempt in generation.attempts],
    }


def attempt_json(attempt: Attempt, *, whole: bool) -> dict[str, Json]:
    """One attempt. Times in UTC, costs in US dollars as decimal strings."""
    shown: dict[str, Json] = {
        "generation_id": str(attempt.id.generation_id),
        "attempt_number": attempt.id.attempt_number,
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
        "cost_usd": str(attempt.known_cost_usd) if attempt.known_cost_usd is not None else None,
        "story_type": attempt.story_type,
        "story_length": attempt.story_length,
        "language": attempt.language,
        "moral": attempt.moral,
        "hero_appearance": attempt.hero_appearance,
        "relationship_description": attempt.relationship_description,
        "prompt_version": attempt.prompt_version,
    }
    if whole:
        shown |= {"prompt": attempt.prompt, "full_response": attempt.full_response}
    return shown


def story_json(story: WrittenStory) -> dict[str, Json]:
    """A story, and the attempt that wrote it."""
    return {
        "id": str(story.id),
        "title": story.title,
        "content": story.content,
        "rating": story.rating,
        "child_id": str(story.child_id) if story.child_id else None,
        "hero_id": str(story.hero_id) if story.hero_id else None,
        "generation_id": str(story.attempt.generation_id),
        "generation_attempt": story.attempt.attempt_number,
        "created_at": _time(story.created_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
