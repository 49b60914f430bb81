"""Takes a database up and down the numbered migrations, step by step, while others go on using it.

A command that is killed or fails goes on where it stopped when it is run again. The same files run in order under
`psql -v ON_ERROR_STOP=1 -f`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text

from tales.domain.errors import InvalidInput
from tales.infrastructure.migrations import version_table
from tales.infrastructure.migrations.run_step import (
    MigrationFailed,
    StepRunner,
    collected_warnings,
    explained,
)
from tales.infrastructure.migrations.session import acquire_lock, prepare_session, session_engine
from tales.infrastructure.migrations.steps import BASE, Revision, Step, newest_revision, revisions
from tales.infrastructure.postgres.errors import translated_errors

APP_ROLE_SINCE = "018"
"""The migration that makes the service's role."""

_ENCODING = text("select pg_catalog.current_setting('server_encoding')")
_SET = text("select set_config(:name, :value, false)")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: its number, its name, and whether the database has taken it."""

    number: str
    name: str
    applied: bool


def migrate_up(url: str, to: str | None = None) -> None:
    """Bring the database at `url` (its owner's) to revision `to`, or to the newest, by the files as they are.

    A database with legacy stories is moved by `tales.legacy`. Raises: MigrationFailed, UnknownShape, InvalidInput.
    """
    destination = known_revision(to) if to else newest_revision()
    with migrator(url) as connection:
        apply_revisions(StepRunner(connection), destination)


def apply_revisions(runner: StepRunner, destination: str, waiting: str | None = None) -> None:
    """Take what is left of the way up to `destination`, but for a revision that waits before its last steps."""
    runner.with_lock_retries(lambda: version_table.ensure(runner.connection))
    with runner.connection.begin():
        newest = version_table.newest_applied(runner.connection)
    for revision in revisions():
        if newest < revision.number <= destination and revision.number != waiting:
            take(runner, revision, revision.steps)
    # Also where psql ran the files.
    if destination >= APP_ROLE_SINCE:
        runner.with_lock_retries(lambda: version_table.show_to_service(runner.connection))


def take(runner: StepRunner, revision: Revision, steps: tuple[Step, ...], stop_before: str | None = None) -> bool:
    """Do what is left of a revision, by these steps; False when it stopped before the step of that name."""
    connection = runner.connection
    with connection.begin():
        done = version_table.finished_steps(connection, revision.number)
    for place, step in enumerate(steps):
        # What is done again is no longer, once something after it is done.
        if any(this_or_later.name in done for this_or_later in steps[place:]):
            continue
        if step.name == stop_before:
            return False

        def finish(step: Step = step) -> None:
            if step.name == steps[-1].name:
                version_table.stamp(connection, max(revision.number, version_table.newest_applied(connection)))
                version_table.forget_steps(connection, revision.number)
            elif not step.again:
                version_table.finish_step(connection, revision.number, step.name)

        with explained(f"{revision.path.name} ({step.name})", whole=step.function is None):
            runner.run(step, finish)
    return True


def migrate_down(url: str, to: str, after: Callable[[Connection, Revision], None] | None = None) -> tuple[str, ...]:
    """Take the database at `url` (its owner's) back to revision `to`; "000" is before the first.

    Also from the middle of a revision. `after` is called with each revision that was undone. All of it happens, or
    nothing. Returns warnings: what could not be made as it was. Raises: MigrationFailed, InvalidInput.
    """
    destination = to if to == BASE else known_revision(to)
    with migrator(url) as connection:
        runner = StepRunner(connection)
        with explained(f"The way down to {destination}"), collected_warnings(connection) as warnings:
            runner.with_lock_retries(lambda: _go_down(connection, destination, after))
    return tuple(warnings)


def migration_status(url: str) -> tuple[Migration, ...]:
    """Every migration there is, in order."""
    with connected(url) as connection:
        newest, begun = version_table.newest_applied(connection), version_table.under_way(connection)
    return tuple(Migration(r.number, r.name, r.number <= newest and r.number not in begun) for r in revisions())


def current_revision(url: str) -> str:
    """Where the database at `url` stands; "000" before the first migration."""
    with connected(url) as connection:
        return version_table.current_revision(connection)


def known_revision(revision: str) -> str:
    """`revision`, if there is one of that number. Raises: InvalidInput."""
    known = [r.number for r in revisions()]
    if revision not in known:
        raise InvalidInput("to", f"There is no migration {revision}. Use a number from {known[0]} to {known[-1]}.")
    return revision


def _go_down(connection: Connection, destination: str, after: Callable[[Connection, Revision], None] | None) -> None:
    newest, begun = version_table.newest_applied(connection), version_table.under_way(connection)
    for revision in reversed(revisions()):
        if destination < revision.number and (revision.number <= newest or revision.number in begun):
            connection.connection.cursor().execute(revision.down)
            if after is not None:
                after(connection, revision)
    if newest != BASE:
        version_table.ensure(connection)
        version_table.forget_steps(connection, destination)
        version_table.stamp(connection, min(newest, destination))


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection to the database at `url`, with its errors in our words."""
    engine = session_engine(url)
    with translated_errors(), engine.connect() as connection:
        try:
            yield connection
        finally:
            # One that was lost cannot be rolled back, and need not be.
            driver = connection.connection.driver_connection
            if driver is not None and driver.closed:
                connection.invalidate()
    engine.dispose()


@contextmanager
def migrator(url: str, settings: Mapping[str, str] | None = None) -> Iterator[Connection]:
    """The one migrator of a database, with these settings: the lock is held until the connection closes."""
    with connected(url) as connection:
        prepare_session(connection)
        with connection.begin():
            encoding = connection.execute(_ENCODING).scalar_one()
        if encoding != "UTF8":
            raise MigrationFailed(
                f"This database stores text as {encoding}, which cannot hold every story. Make one that stores UTF8 "
                "(createdb --encoding UTF8 --template template0 NAME), and load the old one's dump into it."
            )
        if not acquire_lock(connection):
            raise MigrationFailed("Another migration of this database is running. Wait for its end, then try again.")
        with connection.begin():
            for name, value in (settings or {}).items():
                connection.execute(_SET, {"name": name, "value": value})
        yield connection
