"""What becomes of generations while somebody in this process follows them, or makes their calls.

One loop reads for all of them: whatever has changed since its last round, in one transaction. It is woken by notices of
other processes and by the worker in this one; without any it looks by itself, now and then.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

from tales.application.ports import Log
from tales.domain.generation import AttemptId, Generation, Status
from tales.domain.progress import Progress
from tales.domain.repositories.live_texts import Change
from tales.domain.repositories.unit_of_work import Transactions

POLL_SECONDS = 5.0
"""How often everything is looked at while notices come: one may have been lost with its process."""

UNTOLD_POLL_SECONDS = 0.5
"""The same while no notices come."""

ROUND_SECONDS = 0.03
"""How long changes gather before the next round."""

RETRY_SECONDS = 1.0


class Follower:
    """One who follows a generation."""

    def __init__(self, followed: _Followed) -> None:
        self._followed = followed
        self.changed = asyncio.Event()

    async def next(self) -> Progress | None:
        """How it stands, once that has changed since the last time; None when nothing more will be told."""
        await self.changed.wait()
        self.changed.clear()
        return self._followed.progress


class _Followed:
    """A generation that somebody follows. What is known of it, all its followers share."""

    def __init__(self) -> None:
        self.followers: set[Follower] = set()
        self.readers = 0
        """How many of them want the text."""
        self.progress: Progress | None = None

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
            self.progress = Progress(generation, before.text if before and _same_attempt(before, generation) else "")
        if self.progress is None or self.progress != before:
            self.wake()

    def add_text(self, attempt: AttemptId, begins_at: int, text: str) -> bool:
        """Append what is not known yet; False when something is missing in between."""
        if attempt != self.in_flight or self.progress is None or begins_at > self.length:
            return False
        if piece := text[self.length - begins_at :]:
            self.progress = Progress(self.progress.generation, self.progress.text + piece)
            self.wake()
        return True

    def wake(self) -> None:
        for follower in self.followers:
            follower.changed.set()


def _same_attempt(before: Progress, generation: Generation) -> bool:
    """Whether the text so far goes on. After an erasure, somebody else may have a generation of this very id."""
    latest = before.generation.latest
    return (latest.id, latest.user_id) == (generation.latest.id, generation.user_id)


def _is_pending(attempt: AttemptId, generation: Generation | None) -> bool:
    """Whether `attempt` is still in flight. After an erasure, its generation may be gone, or another one of its id."""
    attempts = generation.attempts if generation is not None else ()
    return any(known.id == attempt and not known.status.is_final for known in attempts)


class LiveGenerations:
    """See `Followers` and `AttemptEnds` in `tales.application.ports`."""

    def __init__(self, transactions: Transactions, log: Log) -> None:
        self._transactions = transactions
        self._log = log
        self._followed: dict[UUID, _Followed] = {}
        self._ends: defaultdict[AttemptId, set[asyncio.Event]] = defaultdict(set)
        self._states: set[UUID] = set()
        """Generations whose state is to be read in the next round."""
        self._texts: set[UUID] = set()
        self._wake = asyncio.Event()
        self._is_told = False

    @contextmanager
    def follow(self, generation_id: UUID, *, with_text: bool) -> Iterator[Follower]:
        """What becomes of a generation from now on, as the service sees it."""
        followed = self._followed.setdefault(generation_id, _Followed())
        follower = Follower(followed)
        followed.followers.add(follower)
        followed.readers += with_text
        self._look_at(generation_id)
        # What the others know already is told at once.
        if followed.progress is not None:
            follower.changed.set()
        try:
            yield follower
        finally:
            followed.followers.discard(follower)
            followed.readers -= with_text
            if not followed.followers and self._followed.get(generation_id) is followed:
                del self._followed[generation_id]

    @contextmanager
    def watch_end(self, attempt: AttemptId) -> Iterator[asyncio.Event]:
        """An event that is set when an attempt ends that is in flight now."""
        ended = asyncio.Event()
        self._ends[attempt].add(ended)
        try:
            yield ended
        finally:
            self._ends[attempt].discard(ended)
            if not self._ends[attempt]:
                del self._ends[attempt]

    def hear(self, change: Change) -> None:
        """Something has become of an attempt."""
        followed = self._followed.get(change.attempt.generation_id)
        if change.has_ended and (followed is not None or change.attempt in self._ends):
            self._look_at(change.attempt.generation_id)
        elif followed is not None:
            latest = followed.progress.generation.latest if followed.progress is not None else None
            if latest is None or latest.id != change.attempt or latest.started_at is None:
                self._look_at(change.attempt.generation_id)
            elif followed.readers:
                self._texts.add(change.attempt.generation_id)
                self._wake.set()

    def hear_text(self, attempt: AttemptId, begins_at: int, text: str) -> None:
        """This very process has got a piece of text."""
        followed = self._followed.get(attempt.generation_id)
        if followed is not None and followed.readers and not followed.add_text(attempt, begins_at, text):
            self.hear(Change(attempt, has_ended=False))

    @property
    def is_told(self) -> bool:
        """Whether notices of other processes come in."""
        return self._is_told

    @is_told.setter
    def is_told(self, value: bool) -> None:
        # Either way some may have been missed.
        self._is_told = value
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        self._states |= self._followed.keys() | {attempt.generation_id for attempt in self._ends}
        self._wake.set()

    def dismiss(self) -> None:
        """The service stops: those who follow are told that no more will come, and may come back."""
        for followed in self._followed.values():
            followed.progress = None
            followed.wake()
        self._followed.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep what is known up to date while the body runs."""
        reading = asyncio.create_task(self._read_for_ever(), name="tales live generations")
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _look_at(self, generation_id: UUID) -> None:
        self._states.add(generation_id)
        self._wake.set()

    async def _read_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            # However much else there is to read meanwhile.
            due = looked + (POLL_SECONDS if self._is_told else UNTOLD_POLL_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._wake.wait()
            if loop.time() >= due:
                looked = loop.time()
                self._look_at_everything()
            self._wake.clear()
            try:
                await self._read()
            except Exception as error:  # noqa: BLE001 -- whatever it is, all who follow depend on the next round
                self._log.warning("progress not read", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                self._look_at_everything()
            await asyncio.sleep(ROUND_SECONDS)

    async def _read(self) -> None:
        """One round."""
        awaited = {attempt.generation_id for attempt in self._ends}
        states = self._states & (self._followed.keys() | awaited)
        texts = (self._texts | states) & self._followed.keys()
        self._states, self._texts = set(), set()
        if not states and not texts:
            return
        async with self._transactions.as_service() as work:
            if states:
                found = {g.generation_id: g for g in await work.generations.get_generations(states)}
                for generation_id in states:
                    self._set_generation(generation_id, found.get(generation_id))
            offsets = {
                attempt: followed.length
                for generation_id in texts
                if (followed := self._followed.get(generation_id)) and (attempt := followed.in_flight)
            }
            for user_id, piece in await work.live_texts.read(offsets):
                followed = self._followed.get(piece.attempt.generation_id)
                # Between the two looks the user may have been erased, and somebody else have taken the id.
                if followed is not None and followed.belongs_to(user_id):
                    followed.add_text(piece.attempt, piece.begins_at, piece.text)

    def _set_generation(self, generation_id: UUID, generation: Generation | None) -> None:
        if followed := self._followed.get(generation_id):
            followed.set_generation(generation)
        for attempt, ended in self._ends.items():
            if attempt.generation_id == generation_id and not _is_pending(attempt, generation):
                for event in ended:
                    event.set()
