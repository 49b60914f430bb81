"""Runs one step of a migration on a live database: never a long wait for a lock, and never a batch lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tales.domain.errors import TalesError
from tales.infrastructure.persistence.migration.pace import Pace
from tales.infrastructure.persistence.migration.steps import Step

LOCK_TIMEOUT_MS = 200
"""Whoever comes after a statement that waits for a lock waits as well, so it gives up soon and tries again."""

LOCK_PATIENCE_SECONDS = 120.0

BATCH_TIMEOUT_MS = 200
"""A batch that takes longer, because it waits or moves more than expected, gives way and is tried with fewer rows."""

_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_LOCK_TIMEOUT = text("select set_config('lock_timeout', :milliseconds, true)")
_FOR_BATCHES: LiteralString = """
    select set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false),
        set_config('synchronous_commit', case when %s then 'off' else reset_val end, false)
    from pg_catalog.pg_settings where name = 'synchronous_commit'
"""
# A long look at every row leaves the other processors to whoever works meanwhile.
_ALONE = text("set local max_parallel_workers_per_gather = 0")
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


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Runs steps over the owner's connection, at a pace that the database can bear."""

    connection: Connection
    pace: Pace
    report: Report

    def run(self, step: Step, finish: Callable[[], None]) -> None:
        """Do `step`, and `finish` by its last commit. What was done of it before is not done again."""
        self.report(step.name, 0)
        self.pace.look_at_others(self.connection)
        if step.function is not None:
            self._repeat(step.name, step.function)
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

        return self._until_free(in_transaction)

    def _until_free(self, action: Callable[[], T]) -> T:
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                done = action()
            except (DBAPIError, psycopg.Error) as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                if not isinstance(cause, _BUSY) or time.monotonic() > deadline:
                    raise
            else:
                self.pace.own_commits += 1
                return done
            # What waits behind this migration gets its turn.
            time.sleep(random.uniform(0.1, 0.5))

    def _do(self, statements: str, finish: Callable[[], None]) -> None:
        if self.pace.is_shared:
            self.connection.execute(_ALONE)
        # Without parameters the driver sends all statements at once.
        self.connection.connection.cursor().execute(statements)
        finish()

    def _repeat(self, name: str, function: str) -> None:
        moved = 0
        call = sql.SQL("select {}(%s)").format(sql.Identifier(*function.split(".")))
        with self._autocommitting() as driver, _set_for_batches(driver) as settings:
            while True:
                settings.follow(self.pace)
                begun = time.monotonic()
                try:
                    ((batch,),) = self._until_free(lambda: driver.execute(call, [self.pace.rows]).fetchall())
                except psycopg.errors.QueryCanceled:
                    # Sooner, it was an operator who cancelled it.
                    is_late = (time.monotonic() - begun) * 1000 >= BATCH_TIMEOUT_MS
                    if is_late and self.pace.may_halve():
                        continue
                    raise
                if batch == 0:
                    return
                moved += batch
                self.report(name, moved)
                self.pace.after_batch(self.connection, batch, time.monotonic() - begun)

    def _build_index(self, statements: str) -> None:
        """Outside a transaction: an index that is built concurrently waits for those of others."""
        unfinished = self.with_lock_retries(
            lambda: self.connection.execute(_UNFINISHED, {"sql": statements}).scalars().all()
        )
        with self._autocommitting() as driver:
            driver.execute(_INDEX_ALONE if self.pace.is_shared else _INDEX_TOGETHER)
            for statement in (
                *unfinished,
                statements.replace("index if not exists", "index concurrently if not exists"),
            ):
                driver.execute(statement)
                self.pace.own_commits += _INDEX_COMMITS

    @contextmanager
    def _autocommitting(self) -> Iterator[psycopg.Connection]:
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


@dataclass(slots=True)
class _BatchSettings:
    """What the session is told before a batch: rarely, as it takes a message of its own."""

    driver: psycopg.Connection
    told: tuple[str, str, bool] | None = None

    def follow(self, pace: Pace) -> None:
        """As `pace` has it. A single row may take as long as it takes.

        A batch that a crash of the server loses is lost with its cursor, and moved again; but others' commits would
        wait for the log of many batches at once.
        """
        self.tell(str(LOCK_TIMEOUT_MS), str(BATCH_TIMEOUT_MS) if pace.rows > 1 else "0", not pace.is_shared)

    def tell(self, lock_timeout: str, statement_timeout: str, may_be_late: bool) -> None:
        """Both in milliseconds. `may_be_late`: a commit need not wait for its log."""
        wanted = (lock_timeout, statement_timeout, may_be_late)
        if wanted != self.told:
            self.driver.execute(_FOR_BATCHES, wanted)
            self.told = wanted


@contextmanager
def _set_for_batches(driver: psycopg.Connection) -> Iterator[_BatchSettings]:
    settings = _BatchSettings(driver)
    try:
        yield settings
    finally:
        if not driver.closed:
            settings.tell("0", "0", False)


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
