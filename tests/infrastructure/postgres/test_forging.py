"""What a user cannot write through Supabase's own REST endpoint, where no code of ours is in between (decision 13)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tales.legacy.migrate import migrate_up
from tests.fixtures.actors import SERVICE, acting, refused, requester, user
from tests.fixtures.databases import Database
from tests.fixtures.rows import (
    ENDED,
    THEN,
    Connection,
    add_user,
    attempt,
    change,
    child,
    ended,
    hero,
    insert,
    retry,
    story,
)
from tests.legacy.library import add_story

DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection


@pytest.fixture
def parent(connection: Connection) -> UUID:
    return add_user(connection)


def test_a_user_asks_for_a_story_about_their_own_child_and_hero(connection: Connection, parent: UUID) -> None:
    mine = {
        "child_id": insert(connection, "children", child(parent))["id"],
        "hero_id": insert(connection, "heroes", hero(None))["id"],
    }
    with acting(connection, user(parent)):
        insert(connection, "generations", attempt(parent, story_type="combined", language="en", **mine))


@pytest.mark.parametrize(
    "changes",
    [
        {"full_response": {"usage": {"cost": 0}}},
        {"status": "success", "completed_at": ENDED},
        {"status": "success"},
        {"status": "failed", "completed_at": ENDED},
        {"error_type": "empty"},
        {"error_message": "x"},
        {"http_status": 200},
        {"provider_generation_id": "gen-1"},
        {"reconciled_cost_usd": 0},
        {"generation_info": {"seed": 1}},
        {"started_at": THEN},
        {"queue": "test", "available_at": THEN},
        {"queue": "test"},
        {"available_at": THEN},
        {"worker_id": uuid4()},
        {"queue": "test", "available_at": THEN, "worker_id": uuid4(), "started_at": THEN},
        {"queue": None},
        {"first_token_at": THEN},
        {"created_at": THEN},
        {"created_at": THEN + timedelta(days=3650)},
        {"origin": "migrated"},
        {"origin": "migrated", "prompt": None},
    ],
    ids=",".join,
)
def test_nothing_of_an_outcome_comes_from_a_user(connection: Connection, parent: UUID, changes: dict[str, Any]) -> None:
    with refused(error=DENIED), acting(connection, user(parent)):
        insert(connection, "generations", attempt(parent, **changes))


def test_a_user_puts_nothing_where_a_legacy_story_is_to_be_moved(legacy_database: Database) -> None:
    with legacy_database.connect() as connection:
        parent = add_user(connection)
    legacy = add_story(legacy_database, parent)
    migrate_up(legacy_database.owner_url, "015")
    with legacy_database.connect() as connection:
        place = connection.execute("select tales_migration.generation_id_of(%s) as id", [legacy]).fetchone()
        assert place is not None
        with refused(error=DENIED), acting(connection, user(parent)):
            insert(connection, "generations", attempt(parent, generation_id=place["id"]))
    migrate_up(legacy_database.owner_url)


def test_a_user_makes_no_second_attempt(connection: Connection, parent: UUID) -> None:
    first = insert(connection, "generations", ended(parent, "failed"))
    with refused(error=DENIED), acting(connection, user(parent)):
        insert(connection, "generations", retry(first))


def test_a_user_makes_no_attempt_for_another(connection: Connection, parent: UUID) -> None:
    stranger = add_user(connection)
    theirs = insert(connection, "generations", ended(stranger, "failed"))
    with refused(error=DENIED), acting(connection, user(parent)):
        insert(connection, "generations", attempt(stranger))
    for forged in (retry(theirs), retry(theirs, user_id=parent)):
        # Another family's attempt is not even there.
        with refused("generations_attempts_without_gap"), acting(connection, user(parent)):
            insert(connection, "generations", forged)


@pytest.mark.parametrize(("table", "column", "make"), [("children", "child_id", child), ("heroes", "hero_id", hero)])
def test_another_familys_child_or_hero_cannot_be_named(
    connection: Connection, parent: UUID, table: str, column: str, make: Any
) -> None:
    theirs = insert(connection, table, make(add_user(connection)))["id"]
    with refused(error=DENIED), acting(connection, user(parent)):
        insert(connection, "generations", attempt(parent, **{column: theirs}))


def test_a_user_cancels_and_the_database_says_so(connection: Connection, parent: UUID) -> None:
    row = insert(connection, "generations", attempt(parent))
    with acting(connection, user(parent)):
        change(connection, "generations", row, status="failed", completed_at=THEN, error_message="Good night.")
    (found,) = connection.execute(
        "select status, error_type, completed_at > now() - interval '1 minute' as now from tales.generations"
    ).fetchall()
    assert found == {"status": "failed", "error_type": "cancelled", "now": True}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "success", "completed_at": ENDED},
        {"status": "timeout", "completed_at": ENDED},
        {"error_message": "still in flight"},
        {"status": "failed", "completed_at": ENDED, "error_type": "server_error"},
        {"status": "failed", "completed_at": ENDED, "full_response": {"usage": {"cost": 0}}},
        {"prompt": "Another prompt."},
        {"started_at": THEN},
        {"queue": "test", "available_at": THEN},
        {"queue": None, "available_at": None},
        {"available_at": THEN},
        {"worker_id": uuid4(), "started_at": THEN},
        {"worker_id": None},
        {"created_at": THEN},
        {"origin": "migrated"},
        {"model_used": "sim/other"},
        {"reconciled_cost_usd": 0},
        {"user_id": "019d0000-0000-7000-8000-00000000aaaa"},
        {"attempt_number": 2},
    ],
    ids=",".join,
)
def test_a_user_ends_an_attempt_in_no_other_way(connection: Connection, parent: UUID, changes: dict[str, Any]) -> None:
    row = insert(connection, "generations", attempt(parent))
    with refused(error=psycopg.Error), acting(connection, user(parent)):
        change(connection, "generations", row, **changes)


@pytest.mark.parametrize("status", ["success", "failed", "timeout"])
def test_a_user_changes_nothing_that_has_ended(connection: Connection, parent: UUID, status: str) -> None:
    row = insert(connection, "generations", ended(parent, status))
    with acting(connection, user(parent)):
        assert change(connection, "generations", row, status="failed", error_message="forged") == 0


@pytest.mark.parametrize("status", ["failed", "timeout", "pending"])
def test_no_story_is_made_of_an_attempt_that_gave_none(connection: Connection, parent: UUID, status: str) -> None:
    row = insert(connection, "generations", attempt(parent) if status == "pending" else ended(parent, status))
    with refused("stories_written_by_success"), acting(connection, user(parent)):
        insert(connection, "stories", story(row))


def test_no_story_is_attached_to_another_familys_generation(connection: Connection, parent: UUID) -> None:
    theirs = insert(connection, "generations", ended(add_user(connection)))
    with refused("stories_written_by_success"), acting(connection, user(parent)):
        insert(connection, "stories", story(theirs, user_id=parent))
    with refused(error=psycopg.Error), acting(connection, user(parent)):
        insert(connection, "stories", story(theirs))
    mine = insert(connection, "stories", story(insert(connection, "generations", ended(parent))))
    with refused("stories_written_by_success"), acting(connection, user(parent)):
        change(connection, "stories", mine, generation_id=theirs["generation_id"])


@pytest.mark.parametrize("asker", [user, lambda parent: requester(user(parent))], ids=["user", "requester"])
@pytest.mark.parametrize(("table", "make"), [("children", child), ("heroes", hero)])
def test_a_story_names_no_other_familys_child_or_hero(
    connection: Connection, parent: UUID, table: str, make: Any, asker: Any
) -> None:
    column = {"children": "child_id", "heroes": "hero_id"}[table]
    mine, theirs = (insert(connection, table, make(family))["id"] for family in (parent, add_user(connection)))
    success = insert(connection, "generations", ended(parent))
    for unseen in (theirs, uuid4()):
        with refused("stories_of_own_family"), acting(connection, asker(parent)):
            insert(connection, "stories", story(success, **{column: unseen}))
    with acting(connection, asker(parent)):
        row = insert(connection, "stories", story(success, **{column: mine}))
    for unseen in (theirs, uuid4()):
        with refused("stories_of_own_family"), acting(connection, asker(parent)):
            change(connection, "stories", row, **{column: unseen})
    with acting(connection, asker(parent)):
        assert change(connection, "stories", row, rating=3, **{column: None}) == 1


def test_a_hero_goes_where_its_story_names_a_child_that_is_gone(connection: Connection, parent: UUID) -> None:
    # So some old tables are: nothing tells them that the child has gone.
    connection.execute("alter table tales.stories drop constraint stories_child_id_fkey")
    people = {
        "child_id": insert(connection, "children", child(parent))["id"],
        "hero_id": insert(connection, "heroes", hero(parent))["id"],
    }
    row = insert(connection, "stories", story(insert(connection, "generations", ended(parent)), **people))
    with acting(connection, user(parent)):
        connection.execute("delete from tales.children where id = %s", [people["child_id"]])
        connection.execute("delete from tales.heroes where id = %s", [people["hero_id"]])

    (kept,) = connection.execute("select child_id, hero_id from tales.stories where id = %s", [row["id"]]).fetchall()
    assert kept == {"child_id": people["child_id"], "hero_id": None}


def test_a_success_gives_one_story_whoever_adds_it(connection: Connection, parent: UUID) -> None:
    success = insert(connection, "generations", ended(parent))
    insert(connection, "stories", story(success))
    with refused("stories_generation_id_key"), acting(connection, user(parent)):
        insert(connection, "stories", story(success))


@pytest.mark.parametrize("actor", [user, lambda _user_id: SERVICE], ids=["user", "service"])
@pytest.mark.parametrize("status", ["pending", "success", "failed"])
def test_nobody_deletes_an_attempt(connection: Connection, parent: UUID, status: str, actor: Any) -> None:
    insert(connection, "generations", attempt(parent) if status == "pending" else ended(parent, status))
    with refused(error=DENIED), acting(connection, actor(parent)):
        connection.execute("delete from tales.generations")
