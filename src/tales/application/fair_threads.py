"""Threads for work that takes a core: clients take turns at them, and what waits is bounded."""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from tales.domain.errors import TooManyRequests, Unavailable
from tales.domain.limits import SOON

_NICENESS = 5
"""By so much the work gives way to what answers requests, where both want a core."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Pieces of work: so many are done `at_a_time`, `waiting` wait in all, and `per_client` of one client.

    `what` is the word for several of them, in messages and in the name of the limit.
    """

    what: str
    at_a_time: int
    waiting: int
    per_client: int


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    client: str | None
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


class FairThreads:
    """Does work in threads of its own, within `bounds`.

    The next is the client that has least in hand and whose work has ended longest ago. So whoever comes waits for one
    piece of each other client's at most, however many those have. A client is a user or a network address; None is
    whoever has none that tells, and may be many.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._lock = threading.Lock()
        self._lines: OrderedDict[str | None, deque[_Piece]] = OrderedDict()
        """What waits, by client. No line is empty."""
        self._in_hand: Counter[str | None] = Counter()
        name = f"tales {bounds.what}"
        self._threads = ThreadPoolExecutor(bounds.at_a_time, thread_name_prefix=name, initializer=_give_way)

    def check_room(self, client: str | None) -> None:
        """Pass when one more piece of the client's may wait. Raises: TooManyRequests, Unavailable."""
        with self._lock:
            self._in_the_way(client)

    def submit(self, client: str | None, work: Callable[[], T]) -> Future[T]:
        """Do `work` in the client's turn. One that is cancelled while it waits leaves its place.

        Where no more may wait, the last of whoever has most waiting ends as Unavailable, and makes room.
        Raises: TooManyRequests, Unavailable.
        """
        piece = _Piece(client, work)
        with self._lock:
            in_the_way = self._in_the_way(client)
            if in_the_way:
                self._remove(in_the_way)
            self._lines.setdefault(client, deque()).append(piece)
        if in_the_way and in_the_way.future.set_running_or_notify_cancel():
            in_the_way.future.set_exception(self._no_room())
        piece.future.add_done_callback(lambda future: self._leave(piece) if future.cancelled() else None)
        self._begin()
        return piece.future

    def _in_the_way(self, client: str | None) -> _Piece | None:
        """What has to go for one more piece of this client's; None where there is room."""
        own = len(self._lines.get(client, ()))
        if client is not None and own >= self._bounds.per_client:
            what = self._bounds.what
            message = f"{own} {what} of yours wait for their turn. More may not: try again soon."
            raise TooManyRequests(SOON, message, limit=f"{what.lower()}_per_client")
        if sum(map(len, self._lines.values())) < self._bounds.waiting:
            return None
        longest = max(self._lines.values(), key=len)
        if len(longest) <= own + 1:
            raise self._no_room()
        return longest[-1]

    def _no_room(self) -> Unavailable:
        return Unavailable(f"Too many {self._bounds.what} wait at this moment. Try again in a few seconds.")

    def _leave(self, piece: _Piece) -> None:
        with self._lock:
            self._remove(piece)

    def _remove(self, piece: _Piece) -> None:
        line = self._lines.get(piece.client, deque())
        if piece in line:
            line.remove(piece)
            if not line:
                del self._lines[piece.client]

    def _begin(self) -> None:
        """Keep the threads at work."""
        while piece := self._take():
            try:
                done = self._threads.submit(piece.work)
            except (RuntimeError, MemoryError) as error:
                # No thread can be started, or the pool is broken or shut: whoever waits hears of it.
                done = Future()
                done.set_exception(error)
            done.add_done_callback(partial(self._end, piece))

    def _take(self) -> _Piece | None:
        with self._lock:
            while self._lines and self._in_hand.total() < self._bounds.at_a_time:
                piece = self._lines[min(self._lines, key=self._in_hand.__getitem__)][0]
                self._remove(piece)
                if piece.future.set_running_or_notify_cancel():
                    self._in_hand[piece.client] += 1
                    return piece
        return None

    def _end(self, piece: _Piece, done: Future[Any]) -> None:
        with self._lock:
            self._in_hand[piece.client] -= 1
            if not self._in_hand[piece.client]:
                del self._in_hand[piece.client]
            # Behind those who came meanwhile.
            if piece.client in self._lines:
                self._lines.move_to_end(piece.client)
        self._begin()
        if error := done.exception():
            piece.future.set_exception(error)
        else:
            piece.future.set_result(done.result())


def _give_way() -> None:
    # Linux has a priority for each thread, which those that it starts take over; elsewhere there is none to set, or no
    # such function. Any error here would break the pool for good.
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
