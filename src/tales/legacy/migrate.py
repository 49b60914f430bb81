"""Moves a legacy database to generations while it serves, and takes it back; finishes when nobody wants to go back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psycopg
from sqlalchemy import Connection, text

from tales.infrastructure.migrations import migrate, version_table
from tales.infrastructure.migrations.migrate import (
    apply_revisions,
    connected,
    known_revision,
    migrator,
    take,
)
from tales.infrastructure.migrations.run_step import (
    MigrationFailed,
    Report,
    StepRunner,
    explained,
    report_nothing,
)
from tales.infrastructure.migrations.steps import Revision, newest_revision, revisions
from tales.legacy.batches import Batches
from tales.legacy.online import MOVE, has_stories, keeps_copies, online_steps
from tales.legacy.pace import Pace
from tales.legacy.verify import count_set_aside

ARCHIVE_TABLE: Final = "table"
Archive = Literal["table"] | Path
"""Where the way down keeps what the legacy table cannot hold."""

CHOICES = ("tales.orphans", "tales.invalid")

CONTRACT = ("017", "contract")
"""The revision and the step from which on the old application no longer works."""

STORIES_SINCE = "005"
_GENERATIONS, _COPIES = "015", "016"
_HAS_CHOICES = text("select to_regclass('tales_migration.choices') is not null")
_CHOOSE = text(
    "update tales_migration.choices set orphans = coalesce(:orphans, orphans), invalid = coalesce(:invalid, invalid)"
)
_COUNT_ARCHIVED = text("select count(*) from tales.generations_archive")
_EMPTY_ARCHIVE = text("delete from tales.generations_archive")
_HAS_SCHEMA = text("select to_regnamespace('tales_migration') is not null")
_DROP_SCHEMA = text("drop schema tales_migration cascade")


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """How a migration goes. `choices` are the operator's, such as `{"tales.orphans": "quarantine"}` (decision 5).

    `until_expand` stops before the point from which the old application no longer works. `drops_not_null` takes NOT
    NULL from columns of others that would refuse every new row.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    until_expand: bool = False
    drops_not_null: bool = False
    pace: Pace = field(default_factory=Pace)
    report: Report = report_nothing
    lock_patience_seconds: float = 120.0


def migrate_up(url: str, to: str | None = None, options: MigrationOptions | None = None) -> None:
    """Bring the database at `url` (its owner's) to revision `to`, or to the newest; legacy stories move online.

    Raises: MigrationFailed, UnknownShape, InvalidInput, ArchiveUnusable.
    """
    options = options or MigrationOptions()
    destination = known_revision(to) if to else newest_revision()
    settings = {**options.choices, "tales.drop_not_null": "on" if options.drops_not_null else "off"}
    with migrator(url, settings) as connection:
        runner = StepRunner(
            connection,
            options.report,
            lock_patience_seconds=options.lock_patience_seconds,
            repeat=Batches(url, options.pace).repeat,
        )
        with explained("The look for legacy stories"):
            is_legacy = runner.with_lock_retries(lambda: _has_legacy_stories(connection, expands=options.until_expand))
        if destination > _COPIES:
            with explained("To begin anew"):
                runner.with_lock_retries(lambda: _forget_stale_copies(connection))
        waiting = None
        if is_legacy and destination >= MOVE[0]:
            _move(runner, destination, options)
            # Before its `contract` the new application serves beside the old one, with all that comes after.
            waiting = CONTRACT[0] if options.until_expand else None
        apply_revisions(runner, destination, waiting)


def migrate_down(url: str, to: str, archive: Archive | None = None) -> tuple[str, ...]:
    """Take the database at `url` (its owner's) back to revision `to`; "000" is before the first.

    `archive` is where to keep what the legacy table cannot hold: a table, or a Parquet file. All of it happens, or
    nothing. Returns warnings: what could not be made as it was. Raises: MigrationFailed, ArchiveUnusable, InvalidInput.
    """

    def save_archive(connection: Connection, revision: Revision) -> None:
        # Where the stories go as well, nothing is left that attempts could come back to.
        if revision.number == CONTRACT[0] and to >= STORIES_SINCE:
            _save_archive(connection, archive)

    return migrate.migrate_down(url, to, save_archive)


def has_legacy_stories(url: str) -> bool:
    """Whether an application of before generations has stories in the database at `url`, which it still can read."""
    with connected(url) as connection:
        return _has_legacy_stories(connection)


def finish(url: str) -> tuple[str, ...]:
    """Give up the way down of the database at `url` (its owner's), and drop all that only the move needed.

    Stories that were set aside stay where they are. Returns sentences on what was done and what stays.
    Raises: MigrationFailed, where the move is not over.
    """
    with migrator(url) as connection:
        runner = StepRunner(connection)
        with explained("To finish the move"):
            return runner.with_lock_retries(lambda: _finish(connection))


def _has_legacy_stories(connection: Connection, *, expands: bool = False) -> bool:
    """Also where a move has begun, an archive waits, or (`expands`) an application is about to write some."""
    current = version_table.current_revision(connection)
    return STORIES_SINCE <= current < CONTRACT[0] and (
        expands
        or has_stories(connection)
        or keeps_copies(connection)
        or version_table.archive_file(connection) is not None
    )


def _move(runner: StepRunner, destination: str, options: MigrationOptions) -> None:
    """Take the revisions of the move, step by step, beside whoever writes, or all up to `contract`."""
    connection = runner.connection
    with connection.begin():
        current = version_table.current_revision(connection)
    if current < "014":
        apply_revisions(runner, "014")
    if current < MOVE[0]:
        with explained("The look for stories that have no place"):
            runner.with_lock_retries(lambda: _refuse_misfits(connection))
    runner.with_lock_retries(lambda: version_table.ensure(connection))
    runner.with_lock_retries(lambda: _save_choices(connection, options.choices))
    for revision in (r for r in revisions() if r.number in MOVE and r.number <= destination):
        with connection.begin():
            current = version_table.current_revision(connection)
        if revision.number <= current:
            continue
        if revision.number == _COPIES:
            runner.with_lock_retries(lambda: _fetch_archive(connection))
        stop_before = CONTRACT[1] if options.until_expand else None
        take(runner, revision, online_steps(revision, revisions()), stop_before)


def _refuse_misfits(connection: Connection) -> None:
    """Stop where a story does not fit and nothing was chosen, before anything is changed: 016's own rules, undone."""
    if connection.execute(_HAS_CHOICES).scalar_one():
        return
    (copies,) = (revision for revision in revisions() if revision.number == _COPIES)
    rules, check = (step.sql for step in copies.steps if step.name in {"rules", "check"})
    savepoint = connection.begin_nested()
    connection.connection.cursor().execute(rules + check)
    savepoint.rollback()


def _save_choices(connection: Connection, choices: Mapping[str, str]) -> None:
    """What the operator chooses when a migration goes on replaces what was chosen when it began (016)."""
    if choices and connection.execute(_HAS_CHOICES).scalar_one():
        connection.execute(_CHOOSE, {name.removeprefix("tales."): choices.get(name) for name in CHOICES})


def _forget_stale_copies(connection: Connection) -> None:
    """Where nothing has kept copies in step (psql ran 016, or a `down` ended here), they are made anew."""
    if version_table.current_revision(connection) != _COPIES or keeps_copies(connection):
        return
    for revision in reversed([r for r in revisions() if r.number in {_GENERATIONS, _COPIES}]):
        connection.connection.cursor().execute(revision.down)
    version_table.ensure(connection)
    version_table.forget_steps(connection, _GENERATIONS)
    version_table.stamp(connection, "014")


def _finish(connection: Connection) -> tuple[str, ...]:
    current = version_table.current_revision(connection)
    if current < CONTRACT[0]:
        raise MigrationFailed(
            f"The database stands at {current}, and its stories are not moved yet. Run `tales migrate up` first."
        )
    if not connection.execute(_HAS_SCHEMA).scalar_one():
        return ("There is nothing to finish: nothing is kept for a way down.",)
    connection.execute(_DROP_SCHEMA)
    sentences = ["The way down is given up, and what it needed is dropped."]
    sentences.extend(
        f"{rows} stories that were set aside stay in tales.{table}. Export or drop it when you like."
        for table in ("stories_unowned", "stories_quarantined")
        if (rows := count_set_aside(connection, table))
    )
    return tuple(sentences)


def _save_archive(connection: Connection, archive: Archive | None) -> None:
    """What the way down has set aside goes where the operator wants it, and nowhere without a word of theirs."""
    rows = connection.execute(_COUNT_ARCHIVED).scalar_one()
    if rows == 0 or archive == ARCHIVE_TABLE:
        return
    if archive is None:
        raise MigrationFailed(
            f"{rows} attempts have no place in the legacy table. "
            "Keep them with --archive table or --archive FILE.parquet, and the way up brings them back."
        )
    # Whoever needs no file waits for no library.
    from tales.legacy.archive import write_archive

    write_archive(_driver(connection), archive)
    version_table.record_archive(connection, str(archive.resolve()))
    connection.execute(_EMPTY_ARCHIVE)


def _fetch_archive(connection: Connection) -> None:
    """Bring back the file that the way down has written. Raises: ArchiveUnusable."""
    if path := version_table.archive_file(connection):
        from tales.legacy.archive import read_archive

        read_archive(_driver(connection), Path(path))
        version_table.forget_archive(connection)


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
