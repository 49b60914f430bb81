"""Measures what others feel of the migration: how long a small commit takes beside it, and how long without it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from tales.infrastructure.postgres.session import connect

_EVERY_SECONDS = 0.01
_REMEMBERED = 200
_LONGEST_WAIT = 5
"""Seconds for a connection, and for the last commit at the end."""
_FEWEST = 20
"""Commits of a kind below which nothing is concluded."""
_QUANTILE = 0.95
_MOST_RATIO, _MOST_ADDED_SECONDS = 2.0, 0.003
"""What others may wait beside a batch: so many times as long as without one, or so much longer, whichever is more."""

# Writes to the log and waits for the disk, as every small write does, and needs no table. Counted at once: what is
# counted late is taken for others' work.
_COMMIT = "select pg_catalog.pg_logical_emit_message(true, 'tales', ''), pg_catalog.pg_stat_force_next_flush()"


@dataclass(slots=True)
class Probe:
    """Commits over a connection of its own, beside the batches and between them."""

    commits: int = 0
    """Transactions of the probe so far."""
    is_in_batch: bool = False
    _beside: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _between: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _judged_at: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def is_felt(self) -> bool | None:
        """Whether commits beside batches take too long; None where no more is known than at the last question."""
        if self.commits - self._judged_at < _FEWEST or min(len(self._beside), len(self._between)) < _FEWEST:
            return None
        self._judged_at = self.commits
        beside, between = _quantile(self._beside), _quantile(self._between)
        return beside > max(_MOST_RATIO * between, between + _MOST_ADDED_SECONDS)

    @contextmanager
    def measuring(self, url: str) -> Iterator[None]:
        """Measure for as long as the block lasts. Where it cannot connect, nothing is known."""
        thread = threading.Thread(target=self._measure, args=[url], daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            # One whose connection keeps silent ends with the process.
            thread.join(_LONGEST_WAIT)

    def _measure(self, url: str) -> None:
        with (
            suppress(psycopg.Error),
            connect(url, autocommit=True, connect_timeout=_LONGEST_WAIT) as connection,
        ):
            while not self._ended.wait(_EVERY_SECONDS):
                was_in_batch = self.is_in_batch
                begun = time.perf_counter()
                connection.execute(_COMMIT)
                took = time.perf_counter() - begun
                self.commits += 1
                # One that began between batches and ended beside one has felt it.
                (self._beside if was_in_batch or self.is_in_batch else self._between).append(took)


def _quantile(seconds: deque[float]) -> float:
    ordered = sorted(seconds)
    return ordered[math.ceil(_QUANTILE * len(ordered)) - 1]
