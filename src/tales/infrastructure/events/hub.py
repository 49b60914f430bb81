"""The text of attempts while it is written, for whoever listens in this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from tales.application.ports import TextPiece
from tales.domain.generation import AttemptId


class TextHub:
    """See `TextSink` and `TextSource` in `tales.application.ports`. Nothing is kept for those who come later."""

    def __init__(self) -> None:
        self._listeners: defaultdict[UUID, list[asyncio.Queue[TextPiece]]] = defaultdict(list)

    def publish(self, attempt: AttemptId, text: str) -> None:
        """Hand a piece of text to whoever listens; never waits."""
        self._send(TextPiece(attempt, text))

    def finish(self, attempt: AttemptId) -> None:
        """No more text will come of this attempt."""
        self._send(TextPiece(attempt, None))

    @contextmanager
    def listen(self, generation_id: UUID) -> Iterator[asyncio.Queue[TextPiece]]:
        """What is written for a generation from now on."""
        queue: asyncio.Queue[TextPiece] = asyncio.Queue()
        self._listeners[generation_id].append(queue)
        try:
            yield queue
        finally:
            self._listeners[generation_id].remove(queue)
            if not self._listeners[generation_id]:
                del self._listeners[generation_id]

    def _send(self, piece: TextPiece) -> None:
        for queue in self._listeners.get(piece.attempt.generation_id, ()):
            queue.put_nowait(piece)
