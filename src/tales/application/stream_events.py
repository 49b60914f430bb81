"""A family follows a generation while it is written, event by event."""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from tales.application.follow_generation import FollowGeneration
from tales.application.ports import Subscriptions
from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput
from tales.domain.generation import Generation, Json
from tales.domain.limits import StreamLimits
from tales.domain.progress import Cursor, Event, Snapshot, events_after, has_text_to_come
from tales.domain.repositories.unit_of_work import Transactions

QUIET_SECONDS = 15.0
"""How long nothing happens before the client is told just that: proxies close connections that are silent for long."""


class OpenStreams:
    """The streams that this process has open, within `limits`."""

    def __init__(self, limits: StreamLimits) -> None:
        self._limits = limits
        self._counts: Counter[UUID] = Counter()

    @contextmanager
    def counted(self, user_id: UUID) -> Iterator[None]:
        """One more of this user's while the block runs. Raises: TooManyRequests."""
        self._limits.check(self._counts[user_id], self._counts.total())
        self._counts[user_id] += 1
        try:
            yield
        finally:
            self._counts[user_id] -= 1
            if not self._counts[user_id]:
                del self._counts[user_id]


@dataclass(frozen=True, slots=True)
class StreamEvents:
    """Tells a family what becomes of its generation. `text_of` reads a provider's response."""

    transactions: Transactions
    follow_generation: FollowGeneration
    subscriptions: Subscriptions
    text_of: Callable[[Json], str]
    quiet_seconds: float = QUIET_SECONDS
    open_streams: OpenStreams = field(default_factory=lambda: OpenStreams(StreamLimits()))

    async def __call__(
        self, actor: Actor, generation_id: UUID, last: Cursor | None = None
    ) -> AsyncGenerator[Event | None]:
        """The events after `last`, as they happen; None when nothing has happened for a while.

        They end with `GenerationEnded`; without it, the service stops, and the client may come back.
        Raises: NotFound, also for another family's; InvalidInput for a `last` that this generation cannot have given;
        TooManyRequests where the user, or everybody, follows as many as they may.
        """
        with ExitStack() as stack:
            # Before anything is waited for: of those who ask at the same moment, none is let in beside the limit.
            stack.enter_context(self.open_streams.counted(actor.user_id))
            generation = await self.follow_generation.get(actor, generation_id)
            if last is not None and last.attempt_number > len(generation.attempts):
                message = "No event of this generation has this id. Leave it out to start anew."
                raise InvalidInput("Last-Event-ID", message)
            counted = stack.pop_all()
        events = self._events(actor, generation, last, counted)
        # A stream whose client has left before the first event never comes to its end.
        weakref.finalize(events, counted.close)
        return events

    async def _events(
        self, actor: Actor, asked: Generation, cursor: Cursor | None, counted: ExitStack
    ) -> AsyncGenerator[Event | None]:
        if asked.status.is_final:
            # As it was just read: what this process remembers of it is older, and its story may be gone since.
            with counted:
                for event in await self._events_after(actor, cursor, Snapshot(asked)):
                    yield event
            return
        with counted, self.subscriptions.subscribe(asked.generation_id, with_text=True) as subscription:
            while cursor is None or not cursor.is_last:
                try:
                    async with asyncio.timeout(self.quiet_seconds):
                        progress = await subscription.next()
                except TimeoutError:
                    yield None
                    continue
                # After an erasure, somebody else may have a generation of this very id.
                if progress is None or progress.generation.user_id != asked.user_id:
                    return
                for event in await self._events_after(actor, cursor, progress):
                    yield event
                    cursor = event.cursor

    async def _events_after(self, actor: Actor, cursor: Cursor | None, progress: Snapshot) -> Iterator[Event]:
        if has_text_to_come(cursor, progress.generation):
            progress = await self._with_whole_text(actor, progress)
        return events_after(cursor, progress)

    async def _with_whole_text(self, actor: Actor, progress: Snapshot) -> Snapshot:
        """The story's text out of the response: it lasts, and what was shown of it is its beginning."""
        async with self.transactions.as_user(actor) as work:
            attempt = await work.generations.get_attempt(progress.generation.latest.id)
        return replace(progress, text=self.text_of(attempt.full_response) if attempt is not None else "")
