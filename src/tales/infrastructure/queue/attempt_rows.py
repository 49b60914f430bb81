"""Attempts as the queue's functions (migration 025) take and give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tales.domain.generation import Attempt, AttemptId, AttemptRequest, Json, Origin, Status
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.repositories.attempt_queue import NOBODY, AttemptResult, Cast, ClaimedAttempt, EndedAttempt
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.escaping import unescape_text


def request_row(request: AttemptRequest, cast: Cast = NOBODY, limits: GenerationLimits = NO_LIMITS) -> dict[str, Json]:
    """What `enqueue_within_budgets` inserts; the versions of `cast` are those that the prompt was written about."""
    return {
        "generation_id": str(request.id.generation_id),
        "attempt_number": request.id.attempt_number,
        "user_id": str(request.user_id),
        "model_used": request.model_used,
        "prompt": request.prompt,
        "prompt_version": request.prompt_version,
        "story_type": request.story_type,
        "story_length": request.story_length,
        "moral": request.moral,
        "language": request.language,
        "hero_appearance": request.hero_appearance,
        "relationship_description": request.relationship_description,
        "child_id": _id(request.child_id),
        "child_version": str(cast.child.version) if cast.child else None,
        "hero_id": _id(request.hero_id),
        "hero_version": str(cast.hero.version) if cast.hero else None,
        "queue": request.queue,
        "per_day": limits.per_day,
        "concurrent": limits.concurrent,
        "waiting": limits.waiting,
    }


def enqueued(request: AttemptRequest, created_at: datetime, worker_id: UUID | None = None) -> Attempt:
    """The attempt that `request` has become; one that `worker_id` has claimed has begun."""
    return Attempt(
        id=request.id,
        user_id=request.user_id,
        model_used=request.model_used,
        status=Status.PENDING,
        origin=Origin.LIVE,
        story_type=request.story_type,
        moral=request.moral,
        created_at=created_at,
        prompt=request.prompt,
        prompt_version=request.prompt_version,
        language=request.language,
        story_length=request.story_length,
        hero_appearance=request.hero_appearance,
        relationship_description=request.relationship_description,
        child_id=request.child_id,
        hero_id=request.hero_id,
        available_at=created_at,
        worker_id=worker_id,
        started_at=created_at if worker_id is not None else None,
    )


def claimed(row: Mapping[str, Any], worker_id: UUID | None) -> ClaimedAttempt:
    """What `claim_attempts` gives."""
    attempt = Attempt(
        id=AttemptId(row["generation_id"], row["attempt_number"]),
        user_id=row["user_id"],
        model_used=unescape_text(row["model_used"]),
        status=Status.PENDING,
        origin=Origin.LIVE,
        story_type=StoryType(row["story_type"]),
        moral=unescape_text(row["moral"]),
        created_at=row["created_at"],
        prompt=_text(row["prompt"]),
        prompt_version=_text(row["prompt_version"]),
        language=_text(row["language"]),
        story_length=row["story_length"],
        hero_appearance=_text(row["hero_appearance"]),
        relationship_description=_text(row["relationship_description"]),
        child_id=row["child_id"],
        hero_id=row["hero_id"],
        available_at=row["available_at"],
        worker_id=worker_id,
        started_at=row["started_at"],
    )
    return ClaimedAttempt(attempt, tuple(map(unescape_text, row["models_used"])))


def result_row(result: AttemptResult, completed_at: datetime) -> dict[str, Json]:
    """What `finish_within_budgets` takes."""
    attempt, outcome, story, following = result.attempt, result.outcome, result.story, result.following
    return {
        "generation_id": str(attempt.id.generation_id),
        "attempt_number": attempt.id.attempt_number,
        "user_id": str(attempt.user_id),
        "worker_id": _id(attempt.worker_id),
        "status": outcome.status,
        "completed_at": completed_at.isoformat(),
        "full_response": outcome.full_response,
        "error_type": outcome.error_type,
        "error_message": outcome.error_message,
        "http_status": outcome.http_status,
        "provider_generation_id": outcome.provider_generation_id,
        "first_token_at": outcome.first_token_at.isoformat() if outcome.first_token_at else None,
        "story_id": str(story.story_id) if story else None,
        "title": story.title if story else None,
        "content": story.content if story else None,
        "next_model": following.model if following else None,
        "next_delay": following.delay if following else None,
    }


def ended(result: AttemptResult, completed_at: datetime, row: Mapping[str, Any]) -> EndedAttempt:
    """What `finish_within_budgets` gives."""
    outcome = result.outcome
    attempt = replace(
        result.attempt,
        status=outcome.status,
        prompt=None,
        completed_at=completed_at,
        error_type=outcome.error_type,
        error_message=outcome.error_message,
        http_status=outcome.http_status,
        provider_generation_id=outcome.provider_generation_id or result.attempt.provider_generation_id,
        first_token_at=outcome.first_token_at,
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        cost_usd=row["cost_usd"],
        provider=_text(row["provider"]),
        served_model=_text(row["served_model"]),
        child_id=row["child_id"],
        hero_id=row["hero_id"],
    )
    following = None
    # One that no budget has room for was not inserted.
    if result.following is not None and row["next_created_at"] is not None:
        following = replace(
            result.attempt,
            id=attempt.id.next,
            model_used=result.following.model,
            prompt=None,
            created_at=row["next_created_at"],
            available_at=row["next_available_at"],
            worker_id=None,
            started_at=None,
            child_id=row["child_id"],
            hero_id=row["hero_id"],
        )
    return EndedAttempt(attempt, result.story.story_id if result.story else None, following)


def _id(id_: UUID | None) -> str | None:
    return str(id_) if id_ is not None else None


def _text(value: str | None) -> str | None:
    return None if value is None else unescape_text(value)
