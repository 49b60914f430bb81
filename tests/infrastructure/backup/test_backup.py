"""A backup holds all of one moment, and comes back whole or not at all."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tales.domain.errors import Conflict, Forbidden
from tales.infrastructure.backup.connection import program_options
from tales.infrastructure.backup.contents import contents_of
from tales.infrastructure.backup.dump import BackupFailed, make_backup
from tales.infrastructure.backup.programs import NoPrograms, programs_to_dump, programs_to_restore
from tales.infrastructure.backup.restore import RestoreFailed, open_archive, restore_backup
from tales.legacy.migrate import migrate_up
from tests.fixtures import rows
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.server import Server

ODD = "a\tb\\c\r\nd\n\\.\n\\N 'q\" \u2028 \U0001f409 COPY tales.stories (id) FROM stdin;"


def _rights(column: str, kind: str, owner: str) -> str:
    """SQL for who may do what: what is granted by default may be written down or not, in any order."""
    granted = f"unnest(coalesce({column}, acldefault('{kind}', {owner})))"
    return f"(select array_agg(one::text order by one::text) from {granted} as one) as rights"


GUARDS = (
    "select schemaname, tablename, policyname, roles::text, cmd, qual, with_check from pg_policies order by 1, 2, 3",
    (
        "select c.oid::regclass::text as name, relrowsecurity, relforcerowsecurity,"
        f" {_rights('relacl', 'r', 'relowner')} from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname in ('tales', 'tales_internal', 'auth') and relkind in ('r', 'v') order by 1"
    ),
    (
        "select attrelid::regclass::text as name, attname, attacl::text from pg_attribute"
        " where attacl is not null and attrelid >= 16384 order by 1, 2"
    ),
    (
        f"select p.oid::regprocedure::text as name, prosecdef, proconfig, prosrc, {_rights('proacl', 'f', 'proowner')}"
        " from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace"
        " where n.nspname in ('tales', 'auth') order by 1"
    ),
    (
        "select tgenabled::text, translate(pg_get_triggerdef(oid), '()', '') as definition"
        " from pg_trigger where not tgisinternal order by 2"
    ),
    (
        "select conrelid::regclass::text as name, conname, convalidated, pg_get_constraintdef(oid) as definition"
        " from pg_constraint where connamespace = 'tales'::regnamespace order by 1, 2"
    ),
    (
        f"select nspname, {_rights('nspacl', 'n', 'nspowner')} from pg_namespace"
        " where nspname in ('tales', 'tales_internal', 'auth') order by 1"
    ),
)
"""What guards the rows: policies, rights, functions, triggers, constraints, and whether the owner is bound as well.

A condition may have more brackets or fewer after a restore.
"""


def guards(database: Database) -> list[Any]:
    return [database.rows(query) for query in GUARDS]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def everything(database: Database) -> list[Any]:
    tables = ("auth.users", "tales.heroes", "tales.generations", "tales.stories", "tales_internal.schema_version")
    return [database.rows(f"select * from {table} order by 1") for table in tables]


def back(database: Database, path: Path) -> None:
    restore_backup(database.owner_url, open_archive(database.owner_url, path))


def add_story(database: Database, words: str = "Once upon a time ...") -> None:
    with database.connect() as connection, connection.transaction():
        # A row of before: nobody can write such a title any more.
        connection.execute("set local session_replication_role = replica")
        attempt = rows.insert(connection, "generations", rows.ended(rows.add_user(connection), prompt=words))
        rows.insert(connection, "stories", rows.story(attempt, title=words, content=words))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tales.backup"


@pytest.fixture
def written(database: Database) -> Database:
    """A database with a story whose words are hard to write down."""
    add_story(database, ODD)
    return database


@pytest.fixture
def empty(server: Server, newest_template: str) -> Iterator[Database]:
    """Another database with all migrations, and without users."""
    with copy_of(server, newest_template) as database:
        yield database


def test_everything_comes_back_with_what_guards_it(written: Database, empty: Database, file: Path) -> None:
    make_backup(written.owner_url, file)
    back(empty, file)

    assert everything(empty) == everything(written)
    for found, expected in zip(guards(empty), guards(written), strict=True):
        assert found == expected
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names_in(file.parent) == [file.name], "nothing is left beside it"


def test_a_backup_is_of_one_moment_while_others_write(written: Database, empty: Database, file: Path) -> None:
    ended = threading.Event()

    def write_on() -> None:
        while not ended.is_set():
            add_story(written)

    writing = threading.Thread(target=write_on)
    writing.start()
    try:
        contents = make_backup(written.owner_url, file)
    finally:
        ended.set()
        writing.join()
    back(empty, file)

    assert contents["tales.stories"].rows == contents["tales.generations"].rows == contents["auth.users"].rows
    assert len(empty.rows("select from tales.stories")) == contents["tales.stories"].rows


def test_one_letter_more_in_a_row_is_noticed(written: Database) -> None:
    with psycopg.connect(written.owner_url, autocommit=True) as connection:
        before = contents_of(connection, ["tales"])
        connection.execute("update tales.stories set content = content || ' '")
        after = contents_of(connection, ["tales"])

    assert {name for name in before if before[name] != after[name]} == {"tales.stories"}


@pytest.mark.parametrize("is_link", [False, True])
def test_no_file_is_overwritten_and_no_link_followed(written: Database, file: Path, *, is_link: bool) -> None:
    other = file.with_name("other")
    if is_link:
        file.symlink_to(other)
    else:
        file.write_text("kept")

    with pytest.raises(Conflict, match=r"exists already\. Name another file"):
        make_backup(written.owner_url, file)

    assert names_in(file.parent) == [file.name]
    assert is_link or file.read_text() == "kept"


def test_a_folder_that_is_not_there_is_named(written: Database, file: Path) -> None:
    with pytest.raises(BackupFailed, match="No such file or directory"):
        make_backup(written.owner_url, file / "a")


def test_a_database_with_a_users_rows_is_left_alone(written: Database, empty: Database, file: Path) -> None:
    make_backup(written.owner_url, file)
    add_story(empty)
    before = everything(empty)

    with pytest.raises(Conflict, match="holds users' rows already"):
        back(empty, file)

    assert everything(empty) == before


def test_a_file_that_breaks_off_changes_nothing(written: Database, empty: Database, file: Path) -> None:
    make_backup(written.owner_url, file)
    whole, before = file.read_bytes(), (everything(empty), guards(empty))
    # Its table of contents is whole; the rows of the last table are not.
    file.write_bytes(whole[:-1])

    with pytest.raises(RestoreFailed):
        back(empty, file)

    assert (everything(empty), guards(empty)) == before


def test_what_the_server_refuses_changes_nothing_and_names_no_row(
    written: Database, empty: Database, file: Path
) -> None:
    written.execute("create role visitor")
    try:
        written.execute("grant select on tales.heroes to visitor")
        make_backup(written.owner_url, file)
        written.execute("drop owned by visitor")
    finally:
        written.execute("drop role visitor")
    before = guards(empty)

    with pytest.raises(RestoreFailed, match="nothing has changed: it names a role that this server does not have"):
        back(empty, file)

    assert guards(empty) == before


@pytest.mark.parametrize("content", [b"", b"PGDMP", b"select 1;"])
def test_a_file_that_is_no_backup_is_refused(empty: Database, file: Path, content: bytes) -> None:
    file.write_bytes(content)

    with pytest.raises(RestoreFailed, match="cannot be read as a backup"):
        back(empty, file)


def test_a_role_that_sees_no_rows_is_refused(managed_database: ManagedDatabase, file: Path) -> None:
    migrate_up(managed_database.owner_url)

    with pytest.raises(Forbidden, match="BYPASSRLS"):
        make_backup(managed_database.owner_url, file)

    assert not file.exists()


def test_a_platforms_users_stay_with_the_platform(
    managed_database: ManagedDatabase, written: Database, file: Path
) -> None:
    migrate_up(managed_database.owner_url)
    platform = Database(managed_database.name, managed_database.superuser_url, "")
    add_story(platform)

    contents = make_backup(platform.owner_url, file)

    assert contents["tales.stories"].rows == 1
    assert "auth.users" not in contents
    make_backup(written.owner_url, file.with_name("ours"))
    platform.execute("delete from auth.users")
    with pytest.raises(RestoreFailed, match="rows of users who are not in this database"):
        back(platform, file.with_name("ours"))


def test_an_empty_database_has_nothing_to_back_up(empty_database: Database, file: Path) -> None:
    with pytest.raises(Conflict, match="nothing to back up"):
        make_backup(empty_database.owner_url, file)

    assert names_in(file.parent) == []


def test_no_password_is_among_the_arguments_of_a_program() -> None:
    where, variables = program_options("postgresql://ada:hunter%202@db.example.org:5433/tales?sslmode=require")

    assert "hunter" not in where
    assert "host=db.example.org" in where
    assert variables["PGPASSWORD"] == "hunter 2"


def test_programs_suit_the_server_or_the_version_is_named() -> None:
    assert (programs_to_dump(18) / "pg_dump").exists()
    assert (programs_to_restore(15) / "psql").exists()
    with pytest.raises(NoPrograms, match=r"The server is PostgreSQL 99: .*version 99 or later, and this machine has"):
        programs_to_dump(99)
