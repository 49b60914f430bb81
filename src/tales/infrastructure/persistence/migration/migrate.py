"""Takes a database up and down the numbered migrations, step by step, while others go on using it.

A command that is killed or fails goes on where it stopped when it is run again. The same files run in order under
`psql -v ON_ERROR_STOP=1 -f`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psycopg
from sqlalchemy import Connection, NullPool, create_engine, text

from tales.domain.errors import InvalidInput
from tales.infrastructure.persistence.errors import translated_errors
from tales.infrastructure.persistence.migration import version_table
from tales.infrastructure.persistence.migration.pace import Pace
from tales.infrastructure.persistence.migration.run_step import (
    MigrationFailed,
    Report,
    StepRunner,
    collected_warnings,
    explained,
)
from tales.infrastructure.persistence.migration.session import acquire_lock, prepare_session
from tales.infrastructure.persistence.migration.steps import BASE, Revision, Step, newest_revision, revisions
from tales.infrastructure.persistence.migration.unsettled import refuse_unsettled_stories
from tales.infrastructure.persistence.urls import driver_url

FIRST_MOVE = "015"
"""The first migration that touches legacy stories."""

ARCHIVE_TABLE: Final = "table"
Archive = Literal["table"] | Path
"""Where the way back keeps what the legacy table cannot hold."""

CHOICES = ("tales.orphans", "tales.invalid")

POINT_OF_NO_RETURN = ("017", "contract")
"""From this step on, the old application no longer works."""

APP_ROLE_SINCE = "018"
"""The migration that makes the service's role."""

_ARCHIVE_RETURNS = "016"
_STORIES_SINCE = "005"
_HAS_STORIES = text("select exists (select from tales.stories)")
_HAS_STATE = text("select to_regclass('tales.migration_state') is not null")
_CHOOSE = text(
    "update tales.migration_state set orphans = coalesce(:orphans, orphans), invalid = coalesce(:invalid, invalid)"
)
_COUNT_ARCHIVED = text("select count(*) from tales.generations_archive")
_EMPTY_ARCHIVE = text("delete from tales.generations_archive")
_SET = text("select set_config(:name, :value, false)")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: its number, its name, and whether the database has taken it."""

    number: str
    name: str
    applied: bool


def _report_nothing(_step: str, _moved: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """How a migration goes. `choices` are the operator's, such as `{"tales.orphans": "quarantine"}` (decision 5).

    `until_expand` stops before the point from which the old application no longer works. `relax` takes NOT NULL from
    columns of others that would refuse every new row.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    until_expand: bool = False
    relax: bool = False
    pace: Pace = field(default_factory=Pace)
    report: Report = _report_nothing


def migrate_up(url: str, to: str | None = None, options: MigrationOptions | None = None) -> None:
    """Bring the database at `url` (its owner's) to revision `to`, or to the newest.

    Raises: MigrationFailed, UnknownShape, InvalidInput.
    """
    options = options or MigrationOptions()
    destination = _known(to) if to else newest_revision()
    with _migrator(url, {**options.choices, "tales.relax": "on" if options.relax else "off"}) as connection:
        runner = StepRunner(connection, options.pace, options.report)
        with connection.begin():
            current = version_table.current_revision(connection)
        if current < FIRST_MOVE <= destination and current != BASE:
            with explained("The look for stories that have no place"):
                runner.with_lock_retries(lambda: refuse_unsettled_stories(connection, options.choices))
        runner.with_lock_retries(lambda: version_table.ensure(connection))
        runner.with_lock_retries(lambda: _save_choices(connection, options.choices))
        for revision in revisions():
            if current < revision.number <= destination:
                if revision.number == _ARCHIVE_RETURNS:
                    runner.with_lock_retries(lambda: _fetch_archive(connection))
                if not _take(runner, revision, options):
                    return
        # Also where psql ran the files.
        if destination >= APP_ROLE_SINCE:
            runner.with_lock_retries(lambda: version_table.show_to_service(connection))


def migrate_down(url: str, to: str, archive: Archive | None = None) -> tuple[str, ...]:
    """Take the database at `url` (its owner's) back to revision `to`; "000" is before the first.

    `archive` is where to keep what the legacy table cannot hold: a table, or a Parquet file. Also from the middle of a
    revision. All of it happens, or nothing. Returns warnings: what could not be made as it was.
    Raises: MigrationFailed, ArchiveUnusable, InvalidInput.
    """
    destination = to if to == BASE else _known(to)
    with _migrator(url, {}) as connection:
        runner = StepRunner(connection, Pace(), _report_nothing)
        with explained(f"The way back to {destination}"), collected_warnings(connection) as warnings:
            runner.with_lock_retries(lambda: _go_back(connection, destination, archive))
    return tuple(warnings)


def migration_status(url: str) -> tuple[Migration, ...]:
    """Every migration there is, in order."""
    current = current_revision(url)
    return tuple(Migration(r.number, r.name, r.number <= current) for r in revisions())


def current_revision(url: str) -> str:
    """Where the database at `url` stands; "000" before the first migration."""
    with _connection(url) as connection:
        return version_table.current_revision(connection)


def has_legacy_stories(url: str) -> bool:
    """Whether an application of before generations has stories in the database at `url`, which it still can read."""
    with _connection(url) as connection:
        current = version_table.current_revision(connection)
        return BASE < current < POINT_OF_NO_RETURN[0] and bool(connection.execute(_HAS_STORIES).scalar_one())


def _take(runner: StepRunner, revision: Revision, options: MigrationOptions) -> bool:
    """Do what is left of a revision; False when it stops before the point of no return."""
    connection, steps = runner.connection, revision.steps
    with connection.begin():
        done = version_table.finished_steps(connection, revision.number)
    for place, step in enumerate(steps):
        # What is done again is no longer, once something after it is done.
        if any(this_or_later.name in done for this_or_later in steps[place:]):
            continue
        if options.until_expand and (revision.number, step.name) == POINT_OF_NO_RETURN:
            return False

        def finish(step: Step = step) -> None:
            if step.name == steps[-1].name:
                version_table.stamp(connection, revision.number)
                version_table.forget_steps(connection, revision.number)
            elif not step.again:
                version_table.finish_step(connection, revision.number, step.name)

        with explained(f"{revision.path.name} ({step.name})", whole=step.function is None):
            runner.run(step, finish)
    return True


def _save_choices(connection: Connection, choices: Mapping[str, str]) -> None:
    """What the operator chooses when a migration goes on replaces what was chosen when it began (016)."""
    if choices and connection.execute(_HAS_STATE).scalar_one():
        connection.execute(_CHOOSE, {name.removeprefix("tales."): choices.get(name) for name in CHOICES})


def _go_back(connection: Connection, destination: str, archive: Archive | None) -> None:
    current = version_table.current_revision(connection)
    for revision in reversed(revisions()):
        begun = bool(version_table.finished_steps(connection, revision.number))
        if destination < revision.number and (revision.number <= current or begun):
            connection.connection.cursor().execute(revision.way_back)
            # Where the stories go as well, nothing is left that attempts could come back to.
            if revision.number == POINT_OF_NO_RETURN[0] and destination >= _STORIES_SINCE:
                _save_archive(connection, archive)
    if current != BASE:
        version_table.ensure(connection)
        version_table.forget_steps(connection, destination)
        version_table.stamp(connection, min(current, destination))


def _save_archive(connection: Connection, archive: Archive | None) -> None:
    """What the way back has set aside goes where the operator wants it, and nowhere without a word of theirs."""
    rows = connection.execute(_COUNT_ARCHIVED).scalar_one()
    if rows == 0 or archive == ARCHIVE_TABLE:
        return
    if archive is None:
        raise MigrationFailed(
            f"{rows} attempts have no place in the legacy table. "
            "Keep them with --archive table or --archive FILE.parquet, and the way up brings them back."
        )
    from tales.infrastructure.persistence.migration.archive import write_archive

    write_archive(_driver(connection), archive)
    version_table.record_archive(connection, str(archive.resolve()))
    connection.execute(_EMPTY_ARCHIVE)


def _fetch_archive(connection: Connection) -> None:
    """Bring back the file that the way down has written. Raises: ArchiveUnusable."""
    if path := version_table.archive_file(connection):
        from tales.infrastructure.persistence.migration.archive import read_archive

        read_archive(_driver(connection), Path(path))
        version_table.forget_archive(connection)


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _known(revision: str) -> str:
    known = [r.number for r in revisions()]
    if revision not in known:
        raise InvalidInput("to", f"There is no migration {revision}. Use a number from {known[0]} to {known[-1]}.")
    return revision


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(driver_url(url), poolclass=NullPool, hide_parameters=True)
    with translated_errors(), engine.connect() as connection:
        yield connection
    engine.dispose()


@contextmanager
def _migrator(url: str, choices: Mapping[str, str]) -> Iterator[Connection]:
    """The one migrator of a database: the lock is held until the connection closes."""
    with _connection(url) as connection:
        prepare_session(connection)
        if not acquire_lock(connection):
            raise MigrationFailed("Another migration of this database is running. Wait for its end, then try again.")
        with connection.begin():
            for name, value in choices.items():
                connection.execute(_SET, {"name": name, "value": value})
        yield connection
