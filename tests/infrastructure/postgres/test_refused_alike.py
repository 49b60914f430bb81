"""What a user may not name is refused as what does not exist is: no answer tells which ids there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from tales.legacy.migrate import migrate_up
from tests.fixtures.actors import acting, requester, user
from tests.fixtures.databases import copy_of
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.rows import Connection, add_user, attempt, change, child, ended, hero, insert, story
from tests.fixtures.server import Server

MEMBER = "tales_test_inherits"
Asking = Callable[[Connection, UUID], Any]


@pytest.fixture(scope="module")
def connection(server: Server, newest_template: str) -> Iterator[Connection]:
    """The owner's. No test minds the rows of the others."""
    with copy_of(server, newest_template) as database, database.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def parent(connection: Connection) -> UUID:
    return add_user(connection)


@contextmanager
def _as_member(connection: Connection, parent: UUID) -> Iterator[None]:
    """A role that is not `authenticated` and has what that has; nothing of it stays."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"create role {MEMBER} in role authenticated")
        connection.execute(f"grant {MEMBER} to current_user")
        connection.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": str(parent)})])
        connection.execute(f"set local role {MEMBER}")
        yield


WHO: dict[str, Asking] = {
    "the user": lambda connection, parent: acting(connection, user(parent)),
    "the service in the user's name": lambda connection, parent: acting(connection, requester(user(parent))),
    "a role that inherits the user's": _as_member,
}
EVERYBODY = pytest.mark.parametrize("who", WHO)


def _answer(connection: Connection, asking: Any, do: Callable[[], object]) -> tuple[object, ...]:
    """All that somebody is told who is refused."""
    with pytest.raises(psycopg.Error) as caught, connection.transaction(force_rollback=True), asking:
        do()
    told = caught.value.diag
    said = told.message_primary, told.message_detail, told.message_hint, told.context
    return told.sqlstate, told.constraint_name, told.table_name, told.column_name, *said


@EVERYBODY
@pytest.mark.parametrize("column", ["child_id", "hero_id"])
@pytest.mark.parametrize("command", ["insert", "update"])
def test_a_story_names_no_child_or_hero_of_another_family(
    connection: Connection, parent: UUID, who: str, column: str, command: str
) -> None:
    other = add_user(connection)
    table, theirs = ("children", child(other)) if column == "child_id" else ("heroes", hero(other))
    insert(connection, table, theirs)
    row = story(insert(connection, "generations", ended(parent)))
    if command == "update":
        insert(connection, "stories", row)

    def name(id_: UUID) -> Callable[[], object]:
        if command == "update":
            return lambda: change(connection, "stories", row, **{column: id_})
        return lambda: insert(connection, "stories", row | {column: id_})

    told = [_answer(connection, WHO[who](connection, parent), name(id_)) for id_ in (theirs["id"], uuid4())]
    assert told[0] == told[1]
    assert told[0][:2] == ("23514", "stories_of_own_family")


@EVERYBODY
def test_a_story_names_whom_its_family_sees(connection: Connection, parent: UUID, who: str) -> None:
    mia, moon = insert(connection, "children", child(parent)), insert(connection, "heroes", hero(None))
    row = story(insert(connection, "generations", ended(parent)))
    with connection.transaction(force_rollback=True), WHO[who](connection, parent):
        insert(connection, "stories", row | {"child_id": mia["id"], "hero_id": moon["id"]})


def test_a_child_goes_though_its_story_has_a_hero_too(managed_database: ManagedDatabase) -> None:
    # The foreign key's own update comes as the table's owner, whom the policies bind here.
    migrate_up(managed_database.owner_url)
    with psycopg.connect(managed_database.superuser_url, autocommit=True, row_factory=dict_row) as connection:
        parent = add_user(connection)
        mia, moon = insert(connection, "children", child(parent)), insert(connection, "heroes", hero(parent))
        both = {"child_id": mia["id"], "hero_id": moon["id"]}
        insert(connection, "stories", story(insert(connection, "generations", ended(parent)), **both))
        insert(connection, "generations", attempt(parent, **both))
        with acting(connection, user(parent)):
            connection.execute("delete from tales.children where id = %s", [mia["id"]])
        left = connection.execute(
            "select child_id, hero_id from tales.stories"
            " union all select child_id, hero_id from tales.generations where status = 'pending'"
        )
        assert left.fetchall() == [{"child_id": None, "hero_id": moon["id"]}] * 2


@EVERYBODY
def test_whoever_has_a_users_rights_cancels_as_a_user(connection: Connection, parent: UUID, who: str) -> None:
    asked = insert(connection, "generations", attempt(parent))
    with connection.transaction(force_rollback=True), WHO[who](connection, parent):
        assert change(connection, "generations", asked, status="failed", error_message="No.") == 1
        (row,) = connection.execute(
            "select error_type, completed_at from tales.generations where generation_id = %s", [asked["generation_id"]]
        )
    assert row["error_type"] == "cancelled"
    assert row["completed_at"] is not None
