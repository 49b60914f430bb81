"""Whether others work on the database while it is migrated, and waiting for those that cannot go on."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

_LOOK_SECONDS = 1.25
"""Longer than a busy session keeps its figures to itself, which is 1 second."""
_LONGEST_LAG = 10.0
"""Seconds that a replica may be behind before the migration waits for it."""
_OTHERS = 10.0
"""Transactions a second of others: from there on somebody waits for this database's answers. Autovacuum has a few."""

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
class OtherWork:
    """What others do on the database. Until it is known, they work."""

    sleep: Callable[[float], None] = time.sleep
    is_going_on: bool = True
    own_commits: int = 0
    """Transactions of the migration itself, since the last look at others."""
    looked_at: float = field(default=0.0, init=False)
    """By the monotonic clock."""
    _commits: int | None = field(default=None, init=False)

    def look(self, connection: Connection) -> None:
        """See whether others work, and wait for those that cannot go on; now and then, however often it is asked."""
        while (since := time.monotonic() - self.looked_at) > _LOOK_SECONDS:
            with connection.begin():
                connection.execute(_OWN_UP)
            with connection.begin():
                burden = connection.execute(_BURDEN).one()
            if self._commits is not None:
                self.is_going_on = (burden.commits - self._commits - self.own_commits) / since >= _OTHERS
            # The second transaction of this look, and the first of the next.
            self._commits, self.own_commits = burden.commits, 2
            self.looked_at = time.monotonic()
            if burden.waiting:
                self.sleep(random.uniform(0.05, 0.2))
            elif burden.lag > _LONGEST_LAG:
                self.sleep(_LOOK_SECONDS)
