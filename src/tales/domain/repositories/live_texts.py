"""Where the text of attempts is kept while they are in flight, for whoever follows them from another process."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from tales.domain.generation import AttemptId


@dataclass(frozen=True, slots=True)
class LivePiece:
    """A piece of an attempt's text; `begins_at` counts the characters before it. It was written for `user_id`."""

    attempt: AttemptId
    begins_at: int
    text: str
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Change:
    """Something has become of an attempt: it has begun, has written more, or `has_ended`."""

    attempt: AttemptId
    has_ended: bool


class LiveTextRepository(Protocol):
    """Text of attempts in flight. It goes when they end: what lasts is the response that they keep."""

    async def add(self, pieces: Sequence[LivePiece]) -> None:
        """Keep pieces of attempts that are pending; those of others are dropped. The last word on a piece counts.

        After an erasure somebody else may have an attempt of this very id: a piece is kept for its own user alone.
        """

    async def read(self, offsets: Mapping[AttemptId, int]) -> tuple[LivePiece, ...]:
        """The pieces of each attempt from the one on that holds its offset, in their order."""

    async def forget(self, attempts: Collection[AttemptId]) -> None:
        """Remove the text of these attempts."""

    async def forget_ended(self) -> int:
        """Remove the text of attempts that are not pending, or not there; how many pieces it was."""

    async def announce(self, changes: Collection[Change], *, sender: str = "", has_enqueued: bool = False) -> None:
        """Tell every process of these changes, once this transaction commits; `sender` is the one that knows them.

        `has_enqueued`: an attempt waits for a worker.
        """
