"""Where a database stands: the version table, and the steps of a revision that is under way.

They live in a schema of their own, out of reach of Supabase's REST endpoint. The version table has the form of
Alembic's, which made it in earlier versions of Tales: a single row, or none before the first revision.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from tales.infrastructure.migrations.shape import detect_revision
from tales.infrastructure.migrations.steps import BASE

SCHEMA = "tales_internal"

# The service may not look into this one, and needs no more than the version.
_HAS_STEPS = text(f"select coalesce(has_table_privilege(to_regclass('{SCHEMA}.finished_steps'), 'select'), false)")
_HAS_VERSION = text(f"select to_regclass('{SCHEMA}.schema_version') is not null")
_VERSION = text(f"select version_num from {SCHEMA}.schema_version")
_CLEAR = text(f"delete from {SCHEMA}.schema_version")
_STAMP = text(f"insert into {SCHEMA}.schema_version values (:revision)")
_MAKE = (
    text(f"create schema if not exists {SCHEMA}"),
    text(
        f"create table if not exists {SCHEMA}.schema_version "
        "(version_num varchar(32) constraint schema_version_pkc primary key)"
    ),
    text(
        f"create table if not exists {SCHEMA}.finished_steps "
        "(revision text not null, step text not null, primary key (revision, step))"
    ),
)
_HAS_ARCHIVE = text(f"select to_regclass('{SCHEMA}.archive_file') is not null")
_MAKE_ARCHIVE = text(f"create table if not exists {SCHEMA}.archive_file (path text primary key)")
_NOTE_ARCHIVE = text(f"insert into {SCHEMA}.archive_file values (:path) on conflict do nothing")
_ARCHIVE = text(f"select path from {SCHEMA}.archive_file")
_FORGET_ARCHIVE = text(f"delete from {SCHEMA}.archive_file")
_UNDER_WAY = text(f"select distinct revision from {SCHEMA}.finished_steps")
_FINISHED = text(f"select step from {SCHEMA}.finished_steps where revision = :revision")
_FINISH = text(f"insert into {SCHEMA}.finished_steps values (:revision, :step)")
_FORGET = text(f"delete from {SCHEMA}.finished_steps where revision >= :revision")
# The service looks whether the schema is the one that it needs.
_SHOW = (
    text(f"grant usage on schema {SCHEMA} to tales_app"),
    text(f"grant select on {SCHEMA}.schema_version to tales_app"),
)


def current_revision(connection: Connection) -> str:
    """The last revision up to which the database has taken all, and whole; BASE before the first.

    Raises: UnknownShape.
    """
    return min([newest_applied(connection), *(f"{int(revision) - 1:03}" for revision in under_way(connection))])


def newest_applied(connection: Connection) -> str:
    """The newest revision that the database has taken: one before it may wait for its last steps (017).

    Raises: UnknownShape.
    """
    stamped: str | None = None
    if connection.execute(_HAS_VERSION).scalar():
        stamped = connection.execute(_VERSION).scalar()
    return stamped or detect_revision(connection) or BASE


def ensure(connection: Connection) -> None:
    """Make the tables where there are none, and stamp where the database stands. Raises: UnknownShape."""
    revision = newest_applied(connection)
    for statement in _MAKE:
        connection.execute(statement)
    if revision != BASE:
        stamp(connection, revision)


def stamp(connection: Connection, revision: str) -> None:
    """The database stands at `revision`, with no step beyond it."""
    connection.execute(_CLEAR)
    if revision != BASE:
        connection.execute(_STAMP, {"revision": revision})


def show_to_service(connection: Connection) -> None:
    """Let the service's role read where the database stands."""
    for statement in _SHOW:
        connection.execute(statement)


def under_way(connection: Connection) -> frozenset[str]:
    """The revisions that have begun and are not through."""
    if not connection.execute(_HAS_STEPS).scalar():
        return frozenset()
    return frozenset(connection.execute(_UNDER_WAY).scalars())


def finished_steps(connection: Connection, revision: str) -> frozenset[str]:
    """The steps of a revision that is under way."""
    if not connection.execute(_HAS_STEPS).scalar():
        return frozenset()
    return frozenset(connection.execute(_FINISHED, {"revision": revision}).scalars())


def finish_step(connection: Connection, revision: str, step: str) -> None:
    """Note a step; by the same transaction that did it, where that is possible."""
    connection.execute(_FINISH, {"revision": revision, "step": step})


def forget_steps(connection: Connection, since: str) -> None:
    """No step of `since` or a later revision is under way any more."""
    connection.execute(_FORGET, {"revision": since})


def record_archive(connection: Connection, path: str) -> None:
    """Remember the file that holds what the legacy table cannot hold."""
    connection.execute(_MAKE_ARCHIVE)
    connection.execute(_NOTE_ARCHIVE, {"path": path})


def archive_file(connection: Connection) -> str | None:
    """The file that has to be read again on the way up; None where there is none."""
    if not connection.execute(_HAS_ARCHIVE).scalar():
        return None
    path: str | None = connection.execute(_ARCHIVE).scalar()
    return path


def forget_archive(connection: Connection) -> None:
    """The file has been read."""
    connection.execute(_FORGET_ARCHIVE)
