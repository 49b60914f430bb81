"""What becomes of generations while somebody in this process follows them, or makes their calls.

What the worker of this process does is handed on as it happens. One loop reads the rest for all of them: whatever has
changed since its last round, in one transaction. It is woken by notices of other processes; without any it looks by
itself, now and then.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

from tales.application.background import forever
from tales.application.ports import EndWatch, Log, Subscriptions
from tales.domain.generation import Attempt, AttemptId, Generation
from tales.domain.repositories.attempt_queue import EndedAttempt
from tales.domain.repositories.live_texts import Change
from tales.domain.repositories.unit_of_work import Transactions
from tales.infrastructure.events.topic import Subscription, Topic, with_attempt, with_end

POLL_SECONDS = 5.0
"""How often everything is looked at while notices come: one may have been lost with its process."""

DISCONNECTED_POLL_SECONDS = 0.5
"""The same while no notices come."""

ROUND_SECONDS = 0.03
"""How long changes gather before the next round."""

MOST_IN_A_ROUND = 100
"""Generations that one round reads, so that the process has time for others in between."""

KNOWN = 4096
"""Generations of this process that are remembered when they have ended, for whoever subscribes a moment later."""


class ProgressHub(Subscriptions, EndWatch):
    """What is followed or made here, read for all who ask by one transaction a round."""

    def __init__(self, transactions: Transactions, log: Log) -> None:
        self.process = secrets.token_hex(4)
        """What this process calls itself in its notices, which it need not read."""
        self._transactions = transactions
        self._log = log
        self._topics: dict[UUID, Topic] = {}
        self._known: OrderedDict[UUID, Generation] = OrderedDict()
        """Generations whose calls are made here, or have ended here: nobody needs to be asked about them."""
        self._watched: dict[AttemptId, Callable[[AttemptId], None]] = {}
        self._states: OrderedDict[UUID, None] = OrderedDict()
        """Generations whose state is to be read, the longest waiting first."""
        self._texts: set[UUID] = set()
        self._wake = asyncio.Event()
        self._connected = False
        self._is_closed = False
        self._looked_at = 0.0

    @contextmanager
    def subscribe(self, generation_id: UUID, *, with_text: bool) -> Iterator[Subscription]:
        if self._is_closed:
            subscription = Topic().add(with_text=with_text)
            subscription.changed.set()
            yield subscription
            return
        topic = self._topics.get(generation_id)
        if topic is None:
            topic = self._topics[generation_id] = Topic()
        known = self._known.get(generation_id)
        if known is not None:
            topic.set_generation(known)
        subscription = topic.add(with_text=with_text)
        if known is None or (with_text and not known.status.is_final):
            self._look_at(generation_id)
        try:
            yield subscription
        finally:
            topic.remove(subscription)
            if not topic.subscriptions and self._topics.get(generation_id) is topic:
                del self._topics[generation_id]

    # What happens in this very process.

    def add(self, generation: Generation) -> None:
        self._known[generation.generation_id] = generation
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)

    def on_begin(self, attempt: Attempt) -> None:
        """The worker has begun an attempt's call."""
        id_ = attempt.id.generation_id
        known = self._known.get(id_)
        if known is not None and known.latest is attempt:
            return  # claimed when it was inserted: nothing is new
        if known is not None:
            self._known[id_] = with_attempt(known, attempt) or known
        self._change(id_, lambda generation: with_attempt(generation, attempt))

    def on_text(self, attempt: AttemptId, begins_at: int, text: str) -> None:
        """It has got a piece of text."""
        topic = self._topics.get(attempt.generation_id)
        if topic is not None and topic.readers and not topic.add_text(attempt, begins_at, text):
            self.on_change(Change(attempt, has_ended=False))

    def on_end(self, attempt: AttemptId, ended: EndedAttempt | None) -> None:
        """An attempt has ended, as `ended` says, or as has to be read."""
        id_ = attempt.generation_id
        known = self._known.pop(id_, None)
        after = with_end(known, ended) if known is not None and ended is not None else None
        # The next attempt may be anybody's.
        if after is not None and after.status.is_final:
            self.add(after)
        self._change(id_, lambda generation: with_end(generation, ended) if ended is not None else None)

    def watch(self, attempt: AttemptId, on_doubt: Callable[[AttemptId], None]) -> None:
        self._watched[attempt] = on_doubt

    def unwatch(self, attempt: AttemptId) -> None:
        self._watched.pop(attempt, None)

    # What other processes say.

    def on_change(self, change: Change) -> None:
        """Something has become of an attempt, as somebody says."""
        attempt, topic = change.attempt, self._topics.get(change.attempt.generation_id)
        if change.has_ended:
            if (on_doubt := self._watched.get(attempt)) is not None:
                on_doubt(attempt)
            if topic is not None:
                self._look_at(attempt.generation_id)
        elif topic is not None:
            latest = topic.progress.generation.latest if topic.progress is not None else None
            if latest is None or latest.id != attempt or latest.started_at is None:
                self._look_at(attempt.generation_id)
            elif topic.readers:
                self._texts.add(attempt.generation_id)
                self._wake.set()

    @property
    def connected(self) -> bool:
        """Whether notices of other processes come in."""
        return self._connected

    def set_connected(self, connected: bool) -> None:
        """Notices have begun to come in, or stopped: either way some may have been missed, so all is looked at."""
        self._connected = connected
        self._look_at_everything()

    def close(self) -> None:
        """The service stops: subscribers are told that no more will come, and may come back; so are those who come yet.

        The port is closed a moment later, and every answer is waited for.
        """
        self._is_closed = True
        for topic in self._topics.values():
            topic.progress = None
            topic.wake()
        self._topics.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep what is known up to date while the body runs."""
        self._looked_at = asyncio.get_running_loop().time()
        reading = asyncio.create_task(forever("progress", self._read_next, self._log), name="tales progress")
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _change(self, generation_id: UUID, change: Callable[[Generation], Generation | None]) -> None:
        """Bring a topic up to date with what this process has done; read it where that cannot be told from here."""
        topic = self._topics.get(generation_id)
        if topic is None:
            return
        after = change(topic.progress.generation) if topic.progress is not None else None
        if after is not None:
            topic.set_generation(after)
        else:
            self._look_at(generation_id)

    def _look_at(self, generation_id: UUID) -> None:
        self._states[generation_id] = None
        self._wake.set()

    def _look_at_everything(self) -> None:
        """At what is followed, but for what is in the hands of this very process."""
        for generation_id in self._topics:
            if generation_id not in self._known:
                self._states[generation_id] = None
        self._texts.update(id_ for id_, topic in self._topics.items() if topic.readers)
        self._wake.set()
        # That one of these was cancelled may have been missed as well.
        for attempt, on_doubt in self._watched.items():
            on_doubt(attempt)

    async def _read_next(self) -> None:
        """Wait until there is something to read, and read some of it."""
        loop = asyncio.get_running_loop()
        due = self._looked_at + (POLL_SECONDS if self._connected else DISCONNECTED_POLL_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._wake.wait()
        if loop.time() >= due:
            self._looked_at = loop.time()
            self._look_at_everything()
        self._wake.clear()
        states = [self._states.popitem(last=False)[0] for _ in range(min(MOST_IN_A_ROUND, len(self._states)))]
        texts, self._texts = self._texts, set()
        try:
            await self._read({id_ for id_ in states if id_ in self._topics}, texts)
        except BaseException:  # a cancellation that nobody asked for as well: see `forever`
            self._look_at_everything()
            raise
        if self._states:
            self._wake.set()
        await asyncio.sleep(ROUND_SECONDS)

    async def _read(self, states: set[UUID], texts: set[UUID]) -> None:
        texts = (texts | states) & self._topics.keys()
        if not states and not texts:
            return
        async with self._transactions.as_service() as work:
            if states:
                before = {id_: topic.generation for id_ in states if (topic := self._topics.get(id_))}
                found = {g.generation_id: g for g in await work.generations.get_generations(states)}
                for generation_id in states & self._topics.keys():
                    topic = self._topics[generation_id]
                    if topic.generation is before.get(generation_id):
                        topic.set_generation(found.get(generation_id))
                    else:
                        # This process has done something meanwhile, which may not be in what was read.
                        self._look_at(generation_id)
            offsets = {
                attempt: topic.length
                for generation_id in texts
                if (topic := self._topics.get(generation_id)) and (attempt := topic.in_flight)
            }
            for piece in await work.live_texts.read(offsets):
                topic = self._topics.get(piece.attempt.generation_id)
                # Between the two looks the user may have been erased, and somebody else have taken the id.
                if topic is not None and topic.belongs_to(piece.user_id):
                    topic.add_text(piece.attempt, piece.begins_at, piece.text)
