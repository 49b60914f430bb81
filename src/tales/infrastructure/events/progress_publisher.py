"""A worker tells what becomes of its attempts: at once in its own process, a few times a second in the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from tales.application import ports
from tales.application.background import forever
from tales.application.ports import Log
from tales.domain.errors import TalesError
from tales.domain.generation import Attempt, AttemptId
from tales.domain.repositories.attempt_queue import EndedAttempt
from tales.domain.repositories.live_texts import Change, LivePiece
from tales.domain.repositories.unit_of_work import Transactions
from tales.infrastructure.events.progress_hub import ProgressHub

ROUND_SECONDS = 0.1
"""How long pieces of text gather before they are written, for all attempts by one transaction."""

MOST_TEXT = 200_000
"""Characters of an attempt that are shown while they come; the longest story has a tenth of that."""


@dataclass(slots=True)
class _Draft:
    """An attempt in flight. `written` characters of its `length` are in the database."""

    user_id: UUID
    pieces: list[str] = field(default_factory=list)
    written: int = 0
    length: int = 0
    is_new: bool = True


class ProgressPublisher(ports.ProgressPublisher):
    """Tells the hub of this process at once, and the others by notices."""

    def __init__(self, transactions: Transactions, hub: ProgressHub, log: Log) -> None:
        self._transactions = transactions
        self._hub = hub
        self._log = log
        self._drafts: dict[AttemptId, _Draft] = {}
        self._ended: dict[AttemptId, bool] = {}
        """Attempts that have ended, and whether text of theirs was written."""
        self._enqueued = 0
        self._wake = asyncio.Event()

    def begin(self, attempt: Attempt) -> None:
        self._drafts[attempt.id] = _Draft(attempt.user_id)
        self._hub.on_begin(attempt)
        self._wake.set()

    def publish(self, attempt: AttemptId, text: str) -> None:
        draft = self._drafts.get(attempt)
        if draft is None:
            return  # it has ended
        if piece := text[: MOST_TEXT - draft.length]:
            self._hub.on_text(attempt, draft.length, piece)
            draft.pieces.append(piece)
            draft.length += len(piece)
            self._wake.set()

    def end(self, attempt: AttemptId, ended: EndedAttempt | None = None) -> None:
        draft = self._drafts.pop(attempt, None)
        # Where it ends twice, the second time finds no draft.
        self._ended[attempt] = self._ended.get(attempt, False) or (draft is not None and draft.written > 0)
        self._hub.on_end(attempt, ended)
        self._wake.set()

    def enqueued(self) -> None:
        self._enqueued += 1
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell while the body runs, and what is left when it ends."""
        telling = asyncio.create_task(
            forever("progress to others", self._publish_next, self._log), name="tales publisher"
        )
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            with suppress(TalesError):
                await self._publish()

    async def _publish_next(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        try:
            await self._publish()
        except BaseException:  # a cancellation that nobody asked for as well: see `forever`
            self._wake.set()
            raise
        await asyncio.sleep(ROUND_SECONDS)

    async def _publish(self) -> None:
        """One round: what has come since the last one, in one transaction."""
        pieces = [
            LivePiece(attempt, draft.written, "".join(draft.pieces), draft.user_id)
            for attempt, draft in self._drafts.items()
            if draft.pieces
        ]
        counts = {piece.attempt: len(self._drafts[piece.attempt].pieces) for piece in pieces}
        begun = {attempt for attempt, draft in self._drafts.items() if draft.is_new}
        ended = dict(self._ended)
        enqueued = self._enqueued
        if not (pieces or begun or ended or enqueued):
            return
        async with self._transactions.as_service() as work:
            await work.live_texts.add(pieces)
            await work.live_texts.forget([attempt for attempt, was_written in ended.items() if was_written])
            changes = {Change(attempt, has_ended=False) for attempt in begun | counts.keys()}
            changes |= {Change(attempt, has_ended=True) for attempt in ended}
            await work.live_texts.announce(changes, sender=self._hub.process, has_enqueued=enqueued > 0)
            await work.commit()
        self._enqueued -= enqueued
        for attempt in ended:
            self._ended.pop(attempt, None)
        for piece in pieces:
            self._set_written(piece, counts[piece.attempt])
        for attempt in begun & self._drafts.keys():
            self._drafts[attempt].is_new = False

    def _set_written(self, piece: LivePiece, count: int) -> None:
        if draft := self._drafts.get(piece.attempt):
            # For whoever came after it, and looked before it was written.
            self._hub.on_text(piece.attempt, piece.begins_at, piece.text)
            del draft.pieces[:count]
            draft.written = piece.begins_at + len(piece.text)
        elif piece.attempt in self._ended:
            self._ended[piece.attempt] = True  # while it was written
