"""How far a generation has come, as events that a client follows, and can come back to without a loss.

An event's id says what its client then has: `2:1834` the first 1,834 characters of attempt 2, `2:ended` how it ended.
So what a client still has to be told follows from the id of its last event and from how the generation stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from tales.domain.generation import Attempt, Generation, Status


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A generation, and the text that its latest attempt has written so far."""

    generation: Generation
    text: str = ""


class Position(StrEnum):
    """What a client has been told of an attempt, beside its text."""

    QUEUED = "queued"  # it is there, and waits for a worker
    ENDED = "ended"
    RETRY = "retry"  # and which attempt comes next
    END = "end"  # and that none does


_ORDER = (Position.QUEUED, None, Position.ENDED, Position.RETRY, Position.END)
_FORM = re.compile(r"(?P<number>[0-9]{1,9}):(?:(?P<offset>[0-9]{1,9})|(?P<position>queued|ended|retry|end))")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a client stands: its attempt, and either `position` or how many characters of the text it has."""

    attempt_number: int
    offset: int = 0
    position: Position | None = None

    def __str__(self) -> str:
        return f"{self.attempt_number}:{self.offset if self.position is None else self.position}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The inverse of `str`. Raises: ValueError."""
        found = _FORM.fullmatch(text)
        if found is None or int(found["number"]) == 0:
            raise ValueError("no event has such an id")
        position = Position(found["position"]) if found["position"] else None
        return cls(int(found["number"]), int(found["offset"] or 0), position)

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.position is Position.END

    def is_before(self, position: Position) -> bool:
        """Whether a client that stands here has not been told this yet."""
        return _ORDER.index(self.position) < _ORDER.index(position)


@dataclass(frozen=True, slots=True)
class AttemptEvent:
    """An attempt has begun, or has ended."""

    cursor: Cursor
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of an attempt's text; `cursor.offset` is where it ends."""

    cursor: Cursor
    text: str


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """An attempt gave no story, and the `following` one comes."""

    cursor: Cursor
    ended: Attempt
    following: Attempt

    @property
    def due_at(self) -> datetime | None:
        """When the following attempt may begin at the earliest, or has begun, if that is known."""
        return self.following.started_at or self.following.available_at


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """No more will come."""

    cursor: Cursor
    generation_id: UUID
    status: Status
    story_id: UUID | None


Event: TypeAlias = AttemptEvent | TextDelta | RetryEvent | GenerationEnded


def events_after(cursor: Cursor | None, progress: Snapshot) -> Iterator[Event]:
    """What a client that stands at `cursor` has to be told; None: it knows nothing yet.

    Of attempts that have ended, the text of the one that became the story is told, and that of a failed one to nobody.
    """
    attempts = progress.generation.attempts
    first = cursor.attempt_number if cursor is not None else 1
    for attempt in attempts[first - 1 :]:
        number = attempt.id.attempt_number
        here = cursor if cursor is not None and cursor.attempt_number == number else None
        if attempt.status is Status.PENDING:
            yield from _of_pending(here, attempt, progress.text)
        else:
            following = attempts[number] if number < len(attempts) else None
            yield from _of_ended(here, attempt, following, progress)


def has_text_to_come(cursor: Cursor | None, generation: Generation) -> bool:
    """Whether a client that stands at `cursor` has not been told the end of an attempt which has become the story."""
    latest = generation.latest
    return latest.status is Status.SUCCESS and (
        cursor is None or cursor.attempt_number < latest.id.attempt_number or cursor.is_before(Position.ENDED)
    )


def _of_pending(here: Cursor | None, attempt: Attempt, text: str) -> Iterator[Event]:
    has_begun = attempt.started_at is not None or bool(text)
    beginning = Cursor(attempt.id.attempt_number, position=None if has_begun else Position.QUEUED)
    if here is None or (here.position is Position.QUEUED and has_begun):
        yield AttemptEvent(beginning, attempt)
        here = beginning
    yield from _text(here, text)


def _of_ended(here: Cursor | None, attempt: Attempt, following: Attempt | None, progress: Snapshot) -> Iterator[Event]:
    here = here or Cursor(attempt.id.attempt_number)
    if here.is_before(Position.ENDED) and attempt.status is Status.SUCCESS:
        yield from _text(here, progress.text)
    if here.is_before(Position.ENDED):
        yield AttemptEvent(replace(here, position=Position.ENDED), attempt)
    if following is not None and here.is_before(Position.RETRY):
        yield RetryEvent(replace(here, position=Position.RETRY), attempt, following)
    if following is None and here.is_before(Position.END):
        generation = progress.generation
        yield GenerationEnded(
            replace(here, position=Position.END), generation.generation_id, generation.status, generation.story_id
        )


def _text(here: Cursor, text: str) -> Iterator[Event]:
    if piece := text[here.offset :]:
        yield TextDelta(Cursor(here.attempt_number, len(text)), piece)
