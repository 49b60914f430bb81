"""Moves stories batch by batch: never a long wait for a lock, and never a batch lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from psycopg import sql

from tales.infrastructure.migrations.run_step import StepRunner
from tales.infrastructure.migrations.steps import Step
from tales.infrastructure.postgres.urls import libpq_url
from tales.legacy.pace import Pace
from tales.legacy.probe import Probe

BATCH_TIMEOUT_MS = 200
"""A batch that takes longer gives way, and is tried with fewer rows."""

_LOCK_TIMEOUT_MS = 50
"""A batch that waits for others for longer gives way, and is tried as it is: sooner than one with too many rows."""

_SETTINGS: LiteralString = """
    select set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false),
        set_config('synchronous_commit', case when %s then 'off' else reset_val end, false)
    from pg_catalog.pg_settings where name = 'synchronous_commit'
"""


@dataclass(frozen=True, slots=True)
class Batches:
    """Repeats a step's function until it returns 0, at a pace that the database can bear."""

    url: str
    pace: Pace
    batch_timeout_ms: int = BATCH_TIMEOUT_MS

    def repeat(self, runner: StepRunner, step: Step) -> None:
        """Do all of a step's batches."""
        assert step.function is not None
        call = sql.SQL("select {}(%s)").format(sql.Identifier(*step.function.split(".")))
        probe, moved, counted = Probe(), 0, 0
        with (
            probe.measuring(libpq_url(self.url)),
            runner.autocommitting() as driver,
            self._set_for_batches(driver) as settings,
        ):
            while True:
                settings.follow(self.pace.rows, is_shared=runner.others.is_going_on)
                begun = time.monotonic()
                probe.is_in_batch = True
                try:
                    ((batch,),) = runner.until_free(lambda: driver.execute(call, [self.pace.rows]).fetchall())
                except psycopg.errors.QueryCanceled:
                    # Sooner, it was an operator who cancelled it.
                    is_late = (time.monotonic() - begun) * 1000 >= self.batch_timeout_ms
                    if is_late and self.pace.may_halve():
                        continue
                    raise
                finally:
                    probe.is_in_batch = False
                if batch == 0:
                    break
                moved += batch
                runner.report(step.name, moved)
                is_shared = runner.others.is_going_on
                self.pace.after_batch(batch, time.monotonic() - begun, is_shared=is_shared, is_felt=probe.is_felt())
                runner.others.own_commits += probe.commits - counted
                counted = probe.commits
                runner.others.look(runner.connection)
        runner.others.own_commits += probe.commits - counted

    @contextmanager
    def _set_for_batches(self, driver: psycopg.Connection) -> Iterator[_BatchSettings]:
        settings = _BatchSettings(driver, str(self.batch_timeout_ms))
        try:
            yield settings
        finally:
            if not driver.closed:
                settings.set_timeouts("0", "0", may_be_late=False)


@dataclass(slots=True)
class _BatchSettings:
    """What the session is told before a batch: rarely, as it takes a message of its own."""

    driver: psycopg.Connection
    batch_timeout: str
    in_force: tuple[str, str, bool] | None = field(default=None, init=False)

    def follow(self, rows: int, *, is_shared: bool) -> None:
        """A single row may take as long as it takes.

        A batch that a crash of the server loses is lost with its cursor, and moved again; but others' commits would
        wait for the log of many batches at once.
        """
        self.set_timeouts(str(_LOCK_TIMEOUT_MS), self.batch_timeout if rows > 1 else "0", may_be_late=not is_shared)

    def set_timeouts(self, lock_timeout: str, statement_timeout: str, *, may_be_late: bool) -> None:
        """Both in milliseconds. `may_be_late`: a commit need not wait for its log."""
        wanted = (lock_timeout, statement_timeout, may_be_late)
        if wanted != self.in_force:
            self.driver.execute(_SETTINGS, wanted)
            self.in_force = wanted
