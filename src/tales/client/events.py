"""What is heard of a generation while it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from pydantic import SkipValidation, ValidationError

from tales.client.errors import UnexpectedAnswer
from tales.client.models import Model


class AttemptChanged(Model):
    """An attempt has begun, was taken by a worker, or has ended: its `status` says it."""

    attempt_number: int
    status: str
    model_used: str | None = None
    error_type: str | None = None
    error_message: str | None = None


class Delta(Model):
    """The next piece of the text of an attempt."""

    attempt_number: int
    text: SkipValidation[str]  # a piece may end in the middle of a surrogate pair, which meets its other half later


class Retrying(Model):
    """An attempt gave no story, and another one follows: what was heard of its text is no story.

    `next_at` is when the other one begins at the earliest.
    """

    attempt_number: int
    error_type: str | None = None
    error_message: str | None = None
    next_attempt_number: int | None = None
    next_model_used: str | None = None
    next_at: datetime | None = None


class Ended(Model):
    """The generation has ended. `story_id` is None when there is no story."""

    status: str
    story_id: UUID | None = None


Event: TypeAlias = AttemptChanged | Delta | Retrying | Ended

_KINDS: Mapping[str, type[AttemptChanged | Delta | Retrying | Ended]] = {
    "attempt": AttemptChanged,
    "delta": Delta,
    "retry": Retrying,
    "end": Ended,
}


def read_event(kind: str, data: str) -> Event | None:
    """The event of this kind; None for a kind that this client does not know. Raises: UnexpectedAnswer."""
    model = _KINDS.get(kind)
    if model is None:
        return None
    try:
        return model.model_validate(json.loads(data))
    except (ValueError, ValidationError):
        raise UnexpectedAnswer(f"The server sent an event '{kind}' that cannot be read.") from None
