"""A worker tells what becomes of its attempts: at once in its own process, a few times a second in the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tales.application.ports import Log
from tales.domain.generation import AttemptId
from tales.domain.repositories.live_texts import Change, LivePiece
from tales.domain.repositories.unit_of_work import Transactions
from tales.infrastructure.events.live_generations import LiveGenerations

ROUND_SECONDS = 0.1
"""How long pieces of text gather before they are written, for all attempts by one transaction."""

RETRY_SECONDS = 1.0
MOST_TEXT = 200_000
"""Characters of an attempt that are shown while they come; the longest story has a tenth of that."""


@dataclass(slots=True)
class _Draft:
    """An attempt in flight. `written` characters of its `length` are in the database."""

    pieces: list[str] = field(default_factory=list)
    written: int = 0
    length: int = 0
    is_new: bool = True


class LiveTeller:
    """See `AttemptListener` in `tales.application.ports`. Nothing here waits, and nothing fails a call."""

    def __init__(self, transactions: Transactions, nearby: LiveGenerations, log: Log) -> None:
        self._transactions = transactions
        self._nearby = nearby
        self._log = log
        self._drafts: dict[AttemptId, _Draft] = {}
        self._ended: set[AttemptId] = set()
        self._wake = asyncio.Event()

    def begin(self, attempt: AttemptId) -> None:
        """A worker has taken it."""
        self._drafts[attempt] = _Draft()
        self._nearby.hear(Change(attempt, has_ended=False))
        self._wake.set()

    def publish(self, attempt: AttemptId, text: str) -> None:
        """A piece of its text has come."""
        draft = self._drafts.setdefault(attempt, _Draft())
        piece = text[: MOST_TEXT - draft.length]
        if piece:
            self._nearby.hear_text(attempt, draft.length, piece)
            draft.pieces.append(piece)
            draft.length += len(piece)
            self._wake.set()

    def finish(self, attempt: AttemptId) -> None:
        """It has ended, and how is in the database."""
        self._drafts.pop(attempt, None)
        self._ended.add(attempt)
        self._nearby.hear(Change(attempt, has_ended=True))
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell while the body runs, and what is left when it ends."""
        telling = asyncio.create_task(self._tell_for_ever(), name="tales teller")
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await self._tell()

    async def _tell_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(ROUND_SECONDS if await self._tell() else RETRY_SECONDS)

    async def _tell(self) -> bool:
        """One round. False when it is to be done again."""
        pieces = [
            LivePiece(attempt, draft.written, "".join(draft.pieces))
            for attempt, draft in self._drafts.items()
            if draft.pieces
        ]
        counts = {piece.attempt: len(self._drafts[piece.attempt].pieces) for piece in pieces}
        begun = {attempt for attempt, draft in self._drafts.items() if draft.is_new}
        ended = frozenset(self._ended)
        if not (pieces or begun or ended):
            return True
        try:
            async with self._transactions.as_service() as work:
                await work.live_texts.add(pieces)
                await work.live_texts.forget(ended)
                changes = {Change(attempt, has_ended=False) for attempt in begun | counts.keys()}
                await work.live_texts.announce(changes | {Change(attempt, has_ended=True) for attempt in ended})
                await work.commit()
        except Exception as error:  # noqa: BLE001 -- whatever it is, no call must fail by it
            self._log.warning("progress not told", error=type(error).__name__)
            self._wake.set()
            return False
        self._ended -= ended
        for piece in pieces:
            self._note_written(piece, counts[piece.attempt])
        for attempt in begun & self._drafts.keys():
            self._drafts[attempt].is_new = False
        return True

    def _note_written(self, piece: LivePiece, count: int) -> None:
        if draft := self._drafts.get(piece.attempt):
            del draft.pieces[:count]
            draft.written = piece.begins_at + len(piece.text)
