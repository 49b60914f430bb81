"""A worker: claims attempts of one queue, makes their calls, a number of them at a time, and renews its lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from tales.application.background import forever
from tales.application.ports import Dispatcher, EndWatch, ProgressPublisher
from tales.application.reaper import WORKER_LOST, Reaper
from tales.application.run_attempt import stopped, too_late
from tales.domain.errors import TalesError
from tales.domain.generation import AttemptId, Generation
from tales.domain.repositories.attempt_queue import LEASE, ClaimedAttempt, WorkerInfo

MOST_AT_A_TIME = 256
"""Attempts that one statement claims or looks at."""


@dataclass(frozen=True, slots=True)
class WorkerTimes:
    """Seconds. How often things happen, and how long a worker that stops goes on with what it has in hand."""

    renewal: float = LEASE / 3
    poll: float = 2.0
    shortest_pause: float = 0.02
    check: float = 5.0
    grace: float = 10.0
    last_grace: float = 5.0


@dataclass(slots=True)
class _Call:
    claimed: ClaimedAttempt
    task: asyncio.Task[None] | None = None
    in_flight: bool = True
    ended_elsewhere: bool = False


class Worker(Dispatcher):
    """Works while `running`. With `own_only`, it takes the attempts of generations that were asked for here alone."""

    def __init__(
        self,
        info: WorkerInfo,
        reaper: Reaper,
        ends: EndWatch,
        *,
        own_only: bool = False,
        times: WorkerTimes = WorkerTimes(),
    ) -> None:
        self.info = info
        self._queue = reaper.queue
        self._run = reaper.run
        self._log = reaper.log
        self._ends = ends
        self._reaper = reaper
        self._among: set[UUID] | None = set() if own_only else None
        self._times = times
        self._calls: dict[AttemptId, _Call] = {}
        self._reserved = 0
        self._renewed_at = self._renewed_since = float("-inf")
        self._has_backlog = False
        self._stopping = False
        self._wake = asyncio.Event()
        self._doubtful: set[AttemptId] = set()
        self._doubt = asyncio.Event()
        self._checked_at = float("-inf")

    # What a request asks of it.

    def reserve(self) -> UUID | None:
        if self._stopping or self._has_backlog or self._free <= 0 or not self._holds_lease:
            return None
        self._reserved += 1
        return self.info.id

    def release(self) -> None:
        self._reserved -= 1
        self._wake.set()

    def start(self, generation: Generation) -> None:
        self._reserved -= 1
        self._ends.add(generation)
        attempt = generation.latest
        self._begin(ClaimedAttempt(attempt, (attempt.model_used,)))

    def enqueued(self, generation_id: UUID) -> None:
        if self._among is not None:
            self._among.add(generation_id)
        self._wake.set()
        if self._free <= 0:
            self._run.publisher.enqueued()

    def wake(self) -> None:
        """There may be something to claim."""
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the body runs; then finish what is in hand, for some seconds at most.

        Raises: Unavailable when the database does not answer at the beginning.
        """
        await self._renew()
        renewing = asyncio.create_task(forever("lease", self._renew_in_time, self._log), name="tales lease")
        loops = [
            asyncio.create_task(forever(name, step, self._log), name=f"tales {name}")
            for name, step in (("claims", self._claim), ("check", self._check), ("reaper", self._reap))
        ]
        try:
            yield
        finally:
            await self._stop(loops)
            await _cancelled([renewing])
            with suppress(TalesError):
                await self._queue.sign_off(self.info.id)

    async def _stop(self, loops: list[asyncio.Task[None]]) -> None:
        self._stopping = True
        await _cancelled(loops)
        await self._wait_for_calls(self._times.grace)
        for call in self._calls.values():
            if call.in_flight and call.task is not None:
                # It ends as lost, and the attempt that follows waits for another worker.
                call.task.cancel()
        await self._wait_for_calls(self._times.last_grace)

    async def _wait_for_calls(self, seconds: float) -> None:
        tasks = [call.task for call in self._calls.values() if call.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    # Its lease.

    @property
    def _holds_lease(self) -> bool:
        return asyncio.get_running_loop().time() - self._renewed_at < LEASE

    async def _renew(self) -> None:
        asked_at = asyncio.get_running_loop().time()
        await self._queue.renew_lease(self.info)
        if asked_at - self._renewed_at >= LEASE:
            self._renewed_since = asked_at
        self._renewed_at = asked_at

    async def _renew_in_time(self) -> None:
        await asyncio.sleep(self._times.renewal)
        await self._renew()

    # Claims and calls.

    @property
    def _free(self) -> int:
        return self.info.concurrency - len(self._calls) - self._reserved

    async def _claim(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._times.poll):
                await self._wake.wait()
        self._wake.clear()
        most = min(self._free, MOST_AT_A_TIME)
        if most <= 0 or not self._holds_lease or self._among == set():
            self._has_backlog = self._free <= 0
            return
        # A place that is promised to these is not given away meanwhile.
        self._reserved += most
        try:
            claimed = await self._queue.claim(self.info, most, self._among)
        finally:
            self._reserved -= most
        for attempt in claimed:
            self._begin(attempt)
        self._has_backlog = len(claimed) == most
        if self._has_backlog:
            self._wake.set()
        # Notices come from anybody, and as often as they like.
        await asyncio.sleep(self._times.shortest_pause if not claimed else 0)

    def _begin(self, claimed: ClaimedAttempt) -> None:
        call = self._calls[claimed.attempt.id] = _Call(claimed)
        if self._among is not None:
            self._among.add(claimed.attempt.id.generation_id)
        self._ends.watch(claimed.attempt.id, self._on_doubt)
        call.task = asyncio.create_task(self._make(call), name="tales attempt")

    async def _make(self, call: _Call) -> None:
        attempt_id = call.claimed.attempt.id
        try:
            try:
                # One that was claimed before a long stop of this process may have been given to another since.
                answer = await self._run.call(call.claimed) if self._holds_lease else too_late()
            except asyncio.CancelledError:
                if call.ended_elsewhere:
                    self._log.info("call given up", attempt=str(attempt_id))
                    self._run.publisher.end(attempt_id)
                    return
                answer = stopped()
            finally:
                call.in_flight = False
            ended = await self._run.save(call.claimed, answer)
            if ended is not None and ended.following is not None and ended.following.available_at is not None:
                self._wake_at(ended.following.available_at.timestamp() - ended.following.created_at.timestamp())
        except Exception as error:  # noqa: BLE001 -- whatever it is, its words must not reach a log
            self._log.error("attempt not kept", attempt=str(attempt_id), error=type(error).__name__)
            # Who follows it must not wait for what this process will not tell.
            self._run.publisher.end(attempt_id)
        finally:
            self._ends.unwatch(attempt_id)
            del self._calls[attempt_id]
            if self._has_backlog:
                self._wake.set()

    def _wake_at(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(max(seconds, 0.0), self._wake.set)

    # Attempts that have ended elsewhere: nobody waits for their answers any more.

    def _on_doubt(self, attempt: AttemptId) -> None:
        self._doubtful.add(attempt)
        self._doubt.set()

    async def _check(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._checked_at + self._times.check
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._doubt.wait()
        asked = [id_ for id_, call in self._calls.items() if call.in_flight]
        if loop.time() >= due:
            # However much is said: of one of them nobody may have heard.
            self._checked_at = loop.time()
        else:
            asked = [id_ for id_ in asked if id_ in self._doubtful]
        self._doubt.clear()
        self._doubtful.clear()
        for place in range(0, len(asked), MOST_AT_A_TIME):
            for attempt in await self._queue.ended_among(self.info.id, asked[place : place + MOST_AT_A_TIME]):
                self._give_up(attempt)
        await asyncio.sleep(self._times.shortest_pause)

    def _give_up(self, attempt: AttemptId) -> None:
        call = self._calls.get(attempt)
        if call is not None and call.in_flight and call.task is not None:
            call.ended_elsewhere = True
            call.task.cancel()

    async def _reap(self) -> None:
        await asyncio.sleep(self._times.check)
        # After the database was away, every worker gets the time to say that it lives.
        if self._holds_lease and self._renewed_at - self._renewed_since >= LEASE:
            await self._reaper()
            in_hand = [id_.generation_id for id_ in self._calls]
            for stray in await self._queue.strays(self.info, in_hand):
                if stray.attempt.id not in self._calls:
                    await self._reaper.end(stray, WORKER_LOST)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class NoWorker(Dispatcher):
    """Where no worker is: every attempt waits for one of another process."""

    def __init__(self, publisher: ProgressPublisher) -> None:
        self._publisher = publisher

    def reserve(self) -> UUID | None:
        return None

    def release(self) -> None:
        raise AssertionError("no place was reserved")

    def start(self, generation: Generation) -> None:
        raise AssertionError("no place was reserved")

    def enqueued(self, generation_id: UUID) -> None:
        self._publisher.enqueued()
