"""Runs the migrations: Alembic keeps the books, plain `.sql` files do the work.

Each `NNN_name.sql` beside its `NNN_name.down.sql` is one revision. What one command runs is one transaction: all of it
happens, or nothing. The same files run in order under `psql -v ON_ERROR_STOP=1 -f`. Alembic's version table lives in a
schema of its own, out of reach of Supabase's REST endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import psycopg
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

from tales.domain.errors import InvalidInput, TalesError
from tales.infrastructure.persistence.errors import translated_errors
from tales.infrastructure.persistence.legacy_shape import detect_revision
from tales.infrastructure.persistence.urls import driver_url
from tales.infrastructure.queue.schema import QUEUE_SINCE, drop_queue, install_queue

MIGRATIONS = Path(__file__).parent / "migrations"
BOOKS = "tales_internal"
BASE = "000"
LOCK_TIMEOUT = "5s"
# The service looks whether the schema is the one that it needs.
_OPEN_BOOKS = text(f"grant usage on schema {BOOKS} to tales_app")
_SHOW_VERSION = text(f"grant select on {BOOKS}.schema_version to tales_app")
_ADVISORY_LOCK = 0x7A1E5
_FILE_NAME = re.compile(r"(\d{3})_(\w+)\.sql")


class MigrationFailed(TalesError):
    """A migration could not be run, and nothing was changed."""

    code = "migration_failed"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: its number, its name, and whether the database has taken it."""

    number: str
    name: str
    applied: bool


class SqlScripts(ScriptDirectory):
    """Alembic's revisions, read from the numbered `.sql` files instead of Python modules."""

    def __init__(self) -> None:
        super().__init__(str(MIGRATIONS))

    def _load_revisions(self) -> Iterator[Script]:
        previous: str | None = None
        for path in sorted(MIGRATIONS.glob("*.sql")):
            if match := _FILE_NAME.fullmatch(path.name):
                number = match[1]
                yield Script(_module(path, previous), number, str(path))
                previous = number


class _SqlModule(ModuleType):
    """What Alembic expects of a revision's module."""

    def __init__(self, path: Path, previous: str | None) -> None:
        super().__init__(path.stem, path.stem.partition("_")[2].replace("_", " "))
        self.down_revision = previous
        self._path = path

    def upgrade(self, *, connection: Connection) -> None:
        _run_file(connection, self._path)

    def downgrade(self, *, connection: Connection) -> None:
        _run_file(connection, self._path.with_suffix(".down.sql"))


def _module(path: Path, previous: str | None) -> ModuleType:
    return _SqlModule(path, previous)


def _run_file(connection: Connection, path: Path) -> None:
    """Without parameters the driver sends the whole file at once, in the transaction of the command."""
    connection.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT}'"))
    try:
        connection.connection.cursor().execute(path.read_text(encoding="utf-8"))
    except psycopg.errors.LockNotAvailable:
        raise MigrationFailed(f"{path.name} waited too long for others. Nothing was changed. Try again.") from None
    except psycopg.Error as error:
        # The first line only: the details may quote a row.
        reason = error.diag.message_primary or type(error).__name__
        raise MigrationFailed(f"{path.name} failed, and nothing was changed: {reason}") from None


def migrate_up(url: str, to: str | None = None, settings: Mapping[str, str] | None = None) -> None:
    """Bring the database at `url` (its owner's) to revision `to`, or to the newest.

    `settings` are the operator's choices, such as `{"tales.orphans": "quarantine"}` (decision 5).
    """
    scripts = SqlScripts()
    destination = _known(scripts, to) if to else scripts.get_current_head() or BASE

    def steps(heads: tuple[str, ...], _: MigrationContext) -> list[RevisionStep]:
        return scripts._upgrade_revs(destination, heads[0] if heads else "base")

    with _owner_connection(url, settings or {}) as connection:
        _run(connection, steps)
        # Still behind the lock: whoever finds the newest revision finds the queue as well.
        if destination >= QUEUE_SINCE:
            install_queue(url)
            connection.execute(_OPEN_BOOKS)
            connection.execute(_SHOW_VERSION)
            connection.commit()


def migrate_down(url: str, to: str) -> None:
    """Take the database at `url` (its owner's) back to revision `to`; "000" is before the first."""
    scripts = SqlScripts()
    destination = "base" if to == BASE else _known(scripts, to)

    def steps(heads: tuple[str, ...], _: MigrationContext) -> list[RevisionStep]:
        return scripts._downgrade_revs(destination, heads[0]) if heads and heads[0] > to else []

    with _owner_connection(url, {}) as connection:
        _run(connection, steps)
        if to < QUEUE_SINCE:
            drop_queue(url)


def migration_status(url: str) -> tuple[Migration, ...]:
    """Every migration there is, in order."""
    with _owner_connection(url, {}) as connection:
        current = _context(connection).get_current_revision() or detect_revision(connection) or BASE
    scripts = SqlScripts()
    ordered = reversed(list(scripts.walk_revisions()))
    return tuple(Migration(s.revision, s.doc, s.revision <= current) for s in ordered)


def current_revision(url: str) -> str:
    """Where the database at `url` stands; "000" before the first migration."""
    applied = [migration.number for migration in migration_status(url) if migration.applied]
    return applied[-1] if applied else BASE


def newest_revision() -> str:
    """The number of the last migration that this version of Tales brings."""
    return SqlScripts().get_current_head() or BASE


def _known(scripts: SqlScripts, revision: str) -> str:
    known = [s.revision for s in scripts.walk_revisions()]
    if revision not in known:
        raise InvalidInput("to", f"There is no migration {revision}. Use a number from {known[-1]} to {known[0]}.")
    return revision


@contextmanager
def _owner_connection(url: str, settings: Mapping[str, str]) -> Iterator[Connection]:
    engine = create_engine(driver_url(url), poolclass=NullPool, hide_parameters=True)
    with translated_errors(), engine.connect() as connection:
        # Held until the connection closes: one migrator at a time.
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
        for name, value in settings.items():
            connection.execute(text("select set_config(:name, :value, false)"), {"name": name, "value": value})
        connection.commit()
        yield connection
    engine.dispose()


def _context(connection: Connection, steps: object = None) -> MigrationContext:
    return MigrationContext.configure(
        connection, opts={"version_table": "schema_version", "version_table_schema": BOOKS, "fn": steps}
    )


def _run(connection: Connection, steps: object) -> None:
    """All of the steps, or none."""
    with connection.begin():
        context = _context(connection, steps)
        unbooked = detect_revision(connection) if context.get_current_revision() is None else None
        connection.execute(text(f"create schema if not exists {BOOKS}"))
        if unbooked:
            context.stamp(SqlScripts(), unbooked)
        context.run_migrations(connection=connection)
