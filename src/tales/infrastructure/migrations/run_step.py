"""Runs one step of a migration on a live database, and never waits long for a lock."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString, TypeVar

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tales.domain.errors import TalesError
from tales.infrastructure.migrations.other_work import OtherWork
from tales.infrastructure.migrations.steps import Step

LOCK_TIMEOUT_MS = 200
"""Whoever comes after a statement that waits for a lock waits as well, so it gives up soon and tries again."""

LOCK_PATIENCE_SECONDS = 120.0

_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_LOCK_TIMEOUT = text("select set_config('lock_timeout', :milliseconds, true)")
# A long look at every row leaves the other processors to whoever works meanwhile.
_ALONE = text("set local max_parallel_workers_per_gather = 0")
# Autovacuum gives way to whoever waits for a lock, but not at once; and who waits for a strong lock holds up everybody.
# This one conflicts with autovacuum, and with nobody who reads or writes. Asked for on what a step changes: a function
# or a view that names a table takes no lock on it.
_AFTER_AUTOVACUUM = text("""
    select format('lock table tales.%I in share update exclusive mode', relname) from pg_catalog.pg_class
    where relnamespace = to_regnamespace('tales') and relkind = 'r' and relname = any (:changed)
        and pg_has_role(current_user, relowner, 'usage')
    order by relname
""")
_BODY = re.compile(r"--[^\n]*|\$\$.*?\$\$", re.DOTALL)
_CHANGED = re.compile(r"\b(?:table|on|references) tales\.(stories|generations|children|heroes)\b")
_INDEX_ALONE: LiteralString = "set max_parallel_maintenance_workers = 0"
_INDEX_TOGETHER: LiteralString = "reset max_parallel_maintenance_workers"
_INDEX_COMMITS = 4
"""What an index that is built concurrently takes."""
# One that a killed migrator left unfinished would pass for the finished one.
_UNFINISHED = text("""
    select format('drop index concurrently %s', i.indexrelid::regclass)
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indrelid
    join pg_catalog.pg_class as index on index.oid = i.indexrelid
    where c.relnamespace = to_regnamespace('tales') and not i.indisvalid and strpos(:sql, index.relname) > 0
""")

T = TypeVar("T")
Report = Callable[[str, int], None]
"""Is told the name of a step that begins, and how many rows of it have been moved."""


class MigrationFailed(TalesError):
    """A step of a migration could not be done, and nothing of it was. What was done before it stays."""

    code = "migration_failed"


def report_nothing(_step: str, _moved: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Runs steps over the owner's connection."""

    connection: Connection
    report: Report = report_nothing
    others: OtherWork = field(default_factory=OtherWork)
    lock_patience_seconds: float = LOCK_PATIENCE_SECONDS
    repeat: Callable[[StepRunner, Step], None] | None = None
    """Does a step that goes batch by batch. Without it, such a step is done by its own SQL, all at once."""

    def run(self, step: Step, finish: Callable[[], None]) -> None:
        """Do `step`, and `finish` by its last commit. What was done of it before is not done again."""
        self.report(step.name, 0)
        self.others.look(self.connection)
        if step.function is not None and self.repeat is not None:
            self.repeat(self, step)
            self.with_lock_retries(finish)
        elif step.concurrently:
            self._build_index(step.sql)
            self.with_lock_retries(finish)
        else:
            self.with_lock_retries(lambda: self._do(step.sql, finish))

    def with_lock_retries(self, action: Callable[[], T]) -> T:
        """`action` in a transaction of its own, again and again while others hold the locks that it needs."""

        def in_transaction() -> T:
            with self.connection.begin():
                self.connection.execute(_LOCK_TIMEOUT, {"milliseconds": str(LOCK_TIMEOUT_MS)})
                return action()

        return self.until_free(in_transaction)

    def until_free(self, action: Callable[[], T]) -> T:
        """`action`, again and again while others hold the locks that it needs."""
        deadline = time.monotonic() + self.lock_patience_seconds
        while True:
            try:
                done = action()
            except (DBAPIError, psycopg.Error) as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                if not isinstance(cause, _BUSY) or time.monotonic() > deadline:
                    raise
            else:
                self.others.own_commits += 1
                return done
            # What waits behind this migration gets its turn.
            time.sleep(random.uniform(0.1, 0.5))

    def _do(self, statements: str, finish: Callable[[], None]) -> None:
        if self.others.is_going_on:
            changed = sorted(set(_CHANGED.findall(_BODY.sub("", statements))))
            for lock in self.connection.execute(_AFTER_AUTOVACUUM, {"changed": changed}).scalars().all():
                self.connection.execute(text(lock))
            self.connection.execute(_ALONE)
        # Without parameters the driver sends all statements at once.
        self.connection.connection.cursor().execute(statements)
        finish()

    def _build_index(self, statements: str) -> None:
        """Outside a transaction: an index that is built concurrently waits for those of others."""
        unfinished = self.with_lock_retries(
            lambda: self.connection.execute(_UNFINISHED, {"sql": statements}).scalars().all()
        )
        with self.autocommitting() as driver:
            driver.execute(_INDEX_ALONE if self.others.is_going_on else _INDEX_TOGETHER)
            for statement in (
                *unfinished,
                statements.replace("index if not exists", "index concurrently if not exists"),
            ):
                driver.execute(statement)
                self.others.own_commits += _INDEX_COMMITS

    @contextmanager
    def autocommitting(self) -> Iterator[psycopg.Connection]:
        """The driver's connection, each of whose statements is a transaction: one message to the server and back."""
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.autocommit = True
        try:
            yield driver
        finally:
            # One that was lost cannot be told.
            if not driver.closed:
                driver.autocommit = False


@contextmanager
def explained(what: str, *, whole: bool = True) -> Iterator[None]:
    """Whatever the database refuses inside leaves as one sentence about `what`. Raises: MigrationFailed.

    `whole`: it happens whole or not at all. Otherwise it goes batch by batch.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, _BUSY):
            stays = "Nothing of it was done" if whole else "What it has moved stays"
            raise MigrationFailed(f"{what} waited too long for others. {stays}. Try again.") from None
        # The first line only: the details may quote a row.
        reason = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
        if reason is None and isinstance(cause, psycopg.OperationalError):
            reason = "the connection to the database was lost"
        if isinstance(cause, psycopg.errors.DependentObjectsStillExist):
            # These details are names of objects alone.
            reason = f"{reason}: {' '.join((cause.diag.message_detail or '').splitlines())}"
        stays = ", and nothing of it was done" if whole else "; what it has moved stays"
        raise MigrationFailed(
            f"{what} failed{stays}: {(reason or type(cause).__name__).rstrip('.')}. "
            "Mend that and run the same command again: it goes on where it stopped."
        ) from None


@contextmanager
def collected_warnings(connection: Connection) -> Iterator[list[str]]:
    """The warnings that the database gives inside."""
    heard: list[str] = []

    def listen(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING" and notice.message_primary:
            heard.append(notice.message_primary)

    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.add_notice_handler(listen)
    try:
        yield heard
    finally:
        driver.remove_notice_handler(listen)
