"""A child or hero that is deleted leaves every attempt and story; a user who is erased leaves nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from tales.legacy.migrate import migrate_up
from tests.fixtures.actors import acting, user
from tests.fixtures.databases import Database, drop_database, make_database
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.rows import (
    THEN,
    Connection,
    add_user,
    attempt,
    child,
    ended,
    hero,
    idempotency_key,
    insert,
    retry,
    story,
)
from tests.fixtures.server import Server

OWNED = ("children", "heroes", "generations", "stories", "accounts", "idempotency_keys", "request_rates")


def _live_a_life(connection: Connection) -> UUID:
    """A user with everything that a user can have."""
    user_id = add_user(connection)
    mia = insert(connection, "children", child(user_id))["id"]
    moon = insert(connection, "heroes", hero(user_id))["id"]
    family = {"child_id": mia, "hero_id": moon, "story_type": "combined"}
    failed = insert(connection, "generations", ended(user_id, "failed", **family))
    insert(connection, "generations", retry(failed, **family))
    success = insert(connection, "generations", ended(user_id, **family))
    insert(connection, "stories", story(success, child_id=mia, hero_id=moon))
    insert(connection, "idempotency_keys", idempotency_key(insert(connection, "generations", attempt(user_id))))
    insert(connection, "request_rates", {"user_id": user_id, "next_at": THEN})
    account = {"user_id": user_id, "email": f"{user_id}@example.org", "password_hash": "$"}
    insert(connection, "accounts", account)
    return user_id


def _owned_by(database: Database, user_id: UUID) -> dict[str, int]:
    with database.connect() as connection:
        return {
            table: connection.execute(f"select from tales.{table} where user_id = %s", [user_id]).rowcount
            for table in OWNED
        }


EVERYTHING = {
    "children": 1,
    "heroes": 1,
    "generations": 4,
    "stories": 1,
    "accounts": 1,
    "idempotency_keys": 1,
    "request_rates": 1,
}
NOTHING = dict.fromkeys(EVERYTHING, 0)


@contextmanager
def _restored_from(server: Server, url: str) -> Iterator[Database]:
    """A database that was dumped and restored."""
    dump = subprocess.run([server.program("pg_dump"), "-Fc", url], check=True, capture_output=True)
    copy = make_database(server)
    try:
        restore = [str(server.program("pg_restore")), "--exit-on-error", "-d", copy.owner_url]
        subprocess.run(restore, input=dump.stdout, check=True, capture_output=True)
        yield copy
    finally:
        drop_database(server, copy)


@pytest.fixture
def restored(server: Server, database: Database) -> Iterator[Database]:
    """A database that was dumped after a user's life, and restored."""
    with database.connect() as connection:
        _live_a_life(connection)
    with _restored_from(server, database.owner_url) as copy:
        yield copy


@pytest.mark.parametrize("table", ["children", "heroes"])
def test_every_attempt_and_story_outlives_a_child_and_a_hero(database: Database, table: str) -> None:
    with database.connect() as connection:
        parent = _live_a_life(connection)
        with acting(connection, user(parent)):
            assert connection.execute(f"delete from tales.{table}").rowcount == 1
        column = {"children": "child_id", "heroes": "hero_id"}[table]
        named = f"select from tales.{{}} where {column} is not null"
        assert [connection.execute(named.format(t)).rowcount for t in ("generations", "stories")] == [0, 0]
        left = connection.execute("select status, count(*) from tales.generations group by 1 order by 1").fetchall()
    assert [tuple(row.values()) for row in left] == [("failed", 1), ("pending", 2), ("success", 1)], "none is cancelled"
    assert _owned_by(database, parent) == EVERYTHING | {table: 0}


def test_a_user_who_is_erased_leaves_nothing(database: Database) -> None:
    with database.connect() as connection:
        erased, other = _live_a_life(connection), _live_a_life(connection)
        connection.execute("delete from auth.users where id = %s", [erased])
    assert _owned_by(database, erased) == NOTHING
    assert _owned_by(database, other) == EVERYTHING


def test_a_user_is_erased_from_a_restored_database(restored: Database) -> None:
    (row,) = restored.rows("select id from auth.users")
    assert _owned_by(restored, row["id"]) == EVERYTHING
    restored.execute("delete from auth.users")
    assert _owned_by(restored, row["id"]) == NOTHING


def test_a_user_is_erased_where_the_owner_is_bound_by_the_policies(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url)
    platform = Database(managed_database.name, managed_database.superuser_url, "")
    with platform.connect() as connection:
        erased = _live_a_life(connection)
    with managed_database.connect() as owner:
        assert owner.execute("select from tales.generations").rowcount == 0, "the owner sees no family's rows"
    managed_database.as_platform("delete from auth.users")
    assert _owned_by(platform, erased) == NOTHING


def test_a_child_is_deleted_where_the_owner_is_bound_by_the_policies(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url)
    platform = Database(managed_database.name, managed_database.superuser_url, "")
    with platform.connect() as connection:
        parent = _live_a_life(connection)
        with acting(connection, user(parent)):
            connection.execute("delete from tales.children")
    assert _owned_by(platform, parent) == EVERYTHING | {"children": 0}


def test_a_managed_database_is_restored_with_its_guards(server: Server, managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url)
    platform = Database(managed_database.name, managed_database.superuser_url, "")
    with platform.connect() as connection:
        erased = _live_a_life(connection)
    with _restored_from(server, managed_database.superuser_url) as copy:
        copy.execute("delete from auth.users")
        assert _owned_by(copy, erased) == NOTHING
