"""One generation that is followed: what is known of it, which all its subscribers share."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from tales.application import ports
from tales.domain.generation import Attempt, AttemptId, Generation, Status
from tales.domain.progress import Snapshot
from tales.domain.repositories.attempt_queue import EndedAttempt


class Subscription(ports.Subscription):
    """One who follows a generation, with its text or without."""

    def __init__(self, topic: Topic, *, with_text: bool) -> None:
        self._topic = topic
        self.with_text = with_text
        self.changed = asyncio.Event()

    async def next(self) -> Snapshot | None:
        """How it stands, once that has changed since the last time; None when nothing more will be told."""
        await self.changed.wait()
        self.changed.clear()
        return self._topic.progress


class Topic:
    """A generation that somebody follows."""

    def __init__(self) -> None:
        self.subscriptions: set[Subscription] = set()
        self.readers = 0
        """How many of them want the text."""
        self.progress: Snapshot | None = None

    def add(self, *, with_text: bool) -> Subscription:
        """One more follows it; what the others know already is told at once."""
        subscription = Subscription(self, with_text=with_text)
        self.subscriptions.add(subscription)
        self.readers += with_text
        if self.progress is not None:
            subscription.changed.set()
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """It no longer follows."""
        self.subscriptions.discard(subscription)
        self.readers -= subscription.with_text

    @property
    def generation(self) -> Generation | None:
        """The generation as far as it is known."""
        return self.progress.generation if self.progress is not None else None

    @property
    def in_flight(self) -> AttemptId | None:
        """The attempt whose text is followed."""
        if self.readers == 0 or self.progress is None or self.progress.generation.status is not Status.PENDING:
            return None
        return self.progress.generation.latest.id

    @property
    def length(self) -> int:
        """How many characters of the text are known."""
        return len(self.progress.text) if self.progress is not None else 0

    def belongs_to(self, user_id: UUID) -> bool:
        """Whether the generation, as far as it is known, is this user's."""
        return self.progress is not None and self.progress.generation.user_id == user_id

    def set_generation(self, generation: Generation | None) -> None:
        """How it stands; None when it is no more."""
        before = self.progress
        if generation is None:
            self.progress = None
        else:
            self.progress = Snapshot(generation, before.text if before and _same_attempt(before, generation) else "")
        if self.progress is None or self.progress != before:
            self.wake()

    def add_text(self, attempt: AttemptId, begins_at: int, text: str) -> bool:
        """Append what is not known yet; False when something is missing in between."""
        if attempt != self.in_flight or self.progress is None or begins_at > self.length:
            return False
        if piece := text[self.length - begins_at :]:
            self.progress = Snapshot(self.progress.generation, self.progress.text + piece)
            self.wake()
        return True

    def wake(self) -> None:
        """Tell all who follow it."""
        for subscription in self.subscriptions:
            subscription.changed.set()


def with_attempt(generation: Generation, attempt: Attempt) -> Generation | None:
    """`generation` with an attempt as it stands now; None where it cannot be told from these two."""
    place = attempt.id.attempt_number - 1
    attempts = generation.attempts
    if attempt.user_id != generation.user_id or place != len(attempts) - 1 or attempts[place].status.is_final:
        return None
    return replace(generation, attempts=(*attempts[:place], replace(attempt, prompt=None)))


def with_end(generation: Generation, ended: EndedAttempt) -> Generation | None:
    """`generation` with an attempt that has ended, and the one that follows; None as in `with_attempt`."""
    after = with_attempt(generation, ended.attempt)
    if after is None:
        return None
    following = (ended.following,) if ended.following is not None else ()
    return replace(after, attempts=(*after.attempts, *following), story_id=ended.story_id)


def _same_attempt(before: Snapshot, generation: Generation) -> bool:
    """Whether the text so far goes on. After an erasure, somebody else may have a generation of this very id."""
    latest = before.generation.latest
    return (latest.id, latest.user_id) == (generation.latest.id, generation.user_id)
