"""How fast a live database is asked to move its rows."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

_SMALLEST, _LARGEST = 2, 20_000
_MOST_CHANGE = 1.4
"""Of the size from one batch to the next: one that had to wait, or waited for nothing, says little of the others."""
_LOOK_SECONDS = 1.25
"""Longer than a busy session keeps its figures to itself, which is 1 second."""
_LONGEST_LAG = 10.0
"""Seconds that a replica may be behind before the migration waits for it."""

_OTHERS = 10.0
"""Transactions a second of others: from there on somebody waits for this database's answers. Autovacuum has a few."""
_SHARED_BATCH_SECONDS = 0.001
_SHARED_REST = 5.0
"""While others work: how long each batch takes, and how long they have the database for themselves, in batches."""
_BEATS = 50
"""A rate is kept by so many batches a second, so that none of them is felt."""

# So that the figure below holds every transaction of our own.
_OWN_UP = text("select pg_stat_force_next_flush()")
# Without the rights of pg_monitor the lag is NULL, and nothing is known of it. What others commit anyone may know.
_BURDEN = text("""
    select
        coalesce((select max(extract(epoch from replay_lag)) from pg_catalog.pg_stat_replication), 0) as lag,
        (select count(*) from pg_catalog.pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()) as waiting,
        (select xact_commit from pg_catalog.pg_stat_database where datname = current_database()) as commits
""")


@dataclass(slots=True)
class Pace:
    """Sizes batches so that each takes about `batch_seconds`, much less while others work, and waits while they must.

    A batch holds locks on the rows that it moves, and others' commits wait for its log, so its length is what a writer
    feels. `max_rate` is in rows a second.
    """

    batch_seconds: float = 0.05
    max_rate: float | None = None
    sleep: Callable[[float], None] = time.sleep
    rows: int = 10
    is_shared: bool = field(default=True, init=False)
    """Whether others work on the database too. Until it is known, they do."""
    own_commits: int = field(default=0, init=False)
    """Transactions of the migration itself, since the last look at others."""
    _looked_at: float = field(default=0.0, init=False)
    _commits: int | None = field(default=None, init=False)

    def after_batch(self, connection: Connection, moved: int, seconds: float) -> None:
        """Wait as long as the database needs, and choose how many `rows` the next batch has."""
        aim = min(self.batch_seconds, _SHARED_BATCH_SECONDS) if self.is_shared else self.batch_seconds
        change = min(_MOST_CHANGE, max(1 / _MOST_CHANGE, aim / max(seconds, 1e-6)))
        wanted = self.rows * change
        self.rows = min(_LARGEST, max(_SMALLEST, math.ceil(wanted) if change > 1 else math.floor(wanted)))
        if self.max_rate is not None:
            self.rows = min(self.rows, max(1, int(self.max_rate / _BEATS)))
            self.sleep(max(0.0, moved / self.max_rate - seconds))
        elif self.is_shared:
            self.sleep(seconds * _SHARED_REST)
        self.look_at_others(connection)

    def may_halve(self) -> bool:
        """Choose half as many `rows` for the next batch; False where there is one already."""
        if self.rows == 1:
            return False
        self.rows //= 2
        return True

    def look_at_others(self, connection: Connection) -> None:
        """See whether others work, and wait for those that cannot go on; now and then, however often it is asked."""
        while (since := time.monotonic() - self._looked_at) > _LOOK_SECONDS:
            with connection.begin():
                connection.execute(_OWN_UP)
            with connection.begin():
                burden = connection.execute(_BURDEN).one()
            if self._commits is not None:
                self.is_shared = (burden.commits - self._commits - self.own_commits) / since >= _OTHERS
            # The second transaction of this look, and the first of the next.
            self._commits, self.own_commits = burden.commits, 2
            self._looked_at = time.monotonic()
            if burden.waiting:
                self.sleep(random.uniform(0.05, 0.2))
            elif burden.lag > _LONGEST_LAG:
                self.sleep(_LOOK_SECONDS)
