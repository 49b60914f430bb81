"""How fast a live database is asked to move its rows."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

_SMALLEST, _LARGEST = 50, 20_000
_LOOK_SECONDS = 1.0
_LONGEST_LAG = 10.0
"""Seconds that a replica may be behind before the migration waits for it."""

# Without the rights of pg_monitor the lag is NULL, and nothing is known of it.
_BURDEN = text("""
    select
        coalesce((select max(extract(epoch from replay_lag)) from pg_catalog.pg_stat_replication), 0) as lag,
        (select count(*) from pg_catalog.pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()) as waiting
""")


@dataclass(slots=True)
class Pace:
    """Sizes batches so that each takes about `batch_seconds`, and waits when the database is busy with others.

    A batch holds locks on the rows that it moves, so its length is the longest that a writer waits. `max_rate` is in
    rows a second.
    """

    batch_seconds: float = 0.05
    max_rate: float | None = None
    sleep: Callable[[float], None] = time.sleep
    rows: int = 500
    _looked_at: float = field(default=0.0, init=False)

    def after_batch(self, connection: Connection, moved: int, seconds: float) -> None:
        """Wait as long as the database needs, and choose how many `rows` the next batch has."""
        self.rows = min(_LARGEST, max(_SMALLEST, int(self.rows * min(2.0, self.batch_seconds / max(seconds, 1e-6)))))
        if self.max_rate is not None:
            self.rows = min(self.rows, max(1, int(self.max_rate)))
            self.sleep(max(0.0, moved / self.max_rate - seconds))
        self._wait_for_others(connection)

    def may_halve(self) -> bool:
        """Choose half as many `rows` for the next batch; False where there is one already."""
        if self.rows == 1:
            return False
        self.rows //= 2
        return True

    def _wait_for_others(self, connection: Connection) -> None:
        while time.monotonic() - self._looked_at > _LOOK_SECONDS:
            with connection.begin():
                burden = connection.execute(_BURDEN).one()
            if burden.lag <= _LONGEST_LAG and not burden.waiting:
                self._looked_at = time.monotonic()
            else:
                self.sleep(random.uniform(0.05, 0.2) if burden.waiting else 1.0)
                if burden.waiting:
                    self._looked_at = time.monotonic()
