"""A migration that is held at a chosen moment, and whoever comes at that moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from tales.legacy.migrate import MigrationOptions, migrate_up
from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection

QUARANTINE = MigrationOptions({"tales.orphans": "quarantine", "tales.invalid": "quarantine"})
"""A choice for every row that needs one."""

_BLOCKED = "select cardinality(pg_blocking_pids(%s)) > 0"


class _ReachedError(Exception):
    """The migration has come to the step where it shall be left."""


def stop_at(database: Database, step: str, options: MigrationOptions = QUARANTINE) -> None:
    """Migrate up to the moment before `step` begins, as if the migrator had been killed then."""

    def report(name: str, _moved: int) -> None:
        if name == step:
            raise _ReachedError

    with suppress(_ReachedError):
        migrate_up(database.owner_url, options=replace(options, report=report))


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """A connection as the owner in a transaction that the test ends itself; what it leaves open is rolled back."""
    with psycopg.connect(database.owner_url, row_factory=dict_row) as connection:
        try:
            yield connection
        finally:
            connection.rollback()


class Others:
    """Statements of others, each in a thread and a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads = ThreadPoolExecutor(32)
        self._running: list[tuple[Connection, Future[Any]]] = []

    def run(self, statement: LiteralString, *parameters: object) -> None:
        """Begin a statement, which commits at its end; return when it has ended or waits for a lock."""
        connection: Connection = psycopg.connect(self._database.owner_url, row_factory=dict_row)

        def work() -> None:
            connection.execute(statement, parameters)
            connection.commit()

        future = self._threads.submit(work)
        self._running.append((connection, future))
        self._database.rows("select 1")
        with self._database.connect() as watcher:
            while not future.done() and not _blocked(watcher, connection.info.backend_pid):
                time.sleep(0.005)

    def end(self) -> None:
        """Wait until all have ended. Raises: what one of them raised."""
        try:
            for _, future in self._running:
                future.result(30)
        finally:
            for connection, _ in self._running:
                connection.close()
            self._threads.shutdown()


def _blocked(watcher: Connection, pid: int) -> bool:
    (row,) = watcher.execute(_BLOCKED, [pid]).fetchall()
    return bool(next(iter(row.values())))
