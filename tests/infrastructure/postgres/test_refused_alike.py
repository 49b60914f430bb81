"""What a user may not name is refused as what does not exist is: no answer tells which ids there are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from tales.legacy.migrate import migrate_up
from tests.fixtures.actors import acting, refused, requester, user
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.managed import make_managed
from tests.fixtures.rows import Connection, Row, add_user, attempt, change, child, ended, hero, insert, story
from tests.fixtures.server import Server
from tests.fixtures.waiting import until

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


@pytest.fixture(scope="module")
def ordinary(server: Server, newest_template: str) -> Iterator[Connection]:
    """Of a database whose owner is bound by the policies."""
    assert newest_template  # it has made the roles
    with make_managed(server) as managed:
        migrate_up(managed.owner_url)
        with psycopg.connect(managed.superuser_url, autocommit=True, row_factory=dict_row) as connection:
            yield connection


def test_a_child_goes_though_its_story_has_a_hero_too(ordinary: Connection) -> None:
    # The foreign key's own update comes as the table's owner.
    parent = add_user(ordinary)
    mia, moon = insert(ordinary, "children", child(parent)), insert(ordinary, "heroes", hero(parent))
    both = {"child_id": mia["id"], "hero_id": moon["id"]}
    insert(ordinary, "stories", story(insert(ordinary, "generations", ended(parent)), **both))
    insert(ordinary, "generations", attempt(parent, **both))
    with acting(ordinary, user(parent)):
        ordinary.execute("delete from tales.children where id = %s", [mia["id"]])
    left = ordinary.execute(
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


def _rows(connection: Connection, parent: UUID) -> dict[str, Row]:
    """A new row of a family's for each table in which a user chooses the id."""
    return {
        "children": child(parent),
        "heroes": hero(parent),
        "stories": story(insert(connection, "generations", ended(parent))),
        "generations": attempt(parent),
    }


TABLES = pytest.mark.parametrize("table", ["children", "heroes", "stories", "generations"])
USERS = pytest.mark.parametrize("who", ["the user", "a role that inherits the user's"])
REFUSED = "new row violates row-level security policy for table"


@USERS
@TABLES
@pytest.mark.parametrize("on_conflict", ["", " on conflict do nothing"])
def test_an_id_of_another_familys_is_refused_as_any_row_is(
    connection: Connection, parent: UUID, who: str, table: str, on_conflict: str
) -> None:
    other = add_user(connection)
    row, theirs = _rows(connection, parent)[table], insert(connection, table, _rows(connection, other)[table])
    key = "generation_id" if table == "generations" else "id"

    def add(row: Row) -> Callable[[], object]:
        return lambda: insert(connection, table, row, on_conflict)

    told = _answer(connection, WHO[who](connection, parent), add(row | {key: theirs[key]}))
    assert (told[0], told[4]) == ("42501", f'{REFUSED} "{table}"')
    if table != "stories":  # of which the trigger has told already that the attempt is another's
        assert told == _answer(connection, WHO[who](connection, parent), add(row | {"user_id": other}))
    with connection.transaction(force_rollback=True), WHO[who](connection, parent):
        insert(connection, table, row, on_conflict)


@USERS
@pytest.mark.parametrize("table", ["children", "heroes", "stories"])
def test_a_row_is_given_no_other_id(connection: Connection, parent: UUID, who: str, table: str) -> None:
    theirs = insert(connection, table, _rows(connection, add_user(connection))[table])
    row = insert(connection, table, _rows(connection, parent)[table])
    told = [
        _answer(connection, WHO[who](connection, parent), lambda id_=id_: change(connection, table, row, id=id_))
        for id_ in (theirs["id"], uuid4())
    ]
    assert told[0] == told[1]
    assert (told[0][0], told[0][4]) == ("42501", f'{REFUSED} "{table}"')
    with connection.transaction(force_rollback=True), WHO[who](connection, parent):
        assert change(connection, table, row, id=row["id"], user_id=parent) == 1


@TABLES
def test_a_family_is_told_of_its_own_id(connection: Connection, parent: UUID, table: str) -> None:
    row = insert(connection, table, _rows(connection, parent)[table])
    again = _rows(connection, parent)[table] | ({"id": row["id"]} if "id" in row else row)
    with refused(f"{table}_pkey"), acting(connection, user(parent)):
        insert(connection, table, again)


async def test_an_id_that_is_only_just_taken_is_refused_as_well(database: Database) -> None:
    with database.connect() as other, database.connect() as mine:
        theirs, parent = child(add_user(other)), add_user(mine)
        asking = acting(mine, user(parent))
        with other.transaction():
            insert(other, "children", theirs)
            add = lambda: insert(mine, "children", theirs | {"user_id": parent})  # noqa: E731
            told = asyncio.create_task(asyncio.to_thread(_answer, mine, asking, add))
            await until(lambda: database.rows("select from pg_stat_activity where wait_event = 'transactionid'"))
        assert (await told)[0] == "42501"


def test_an_ids_owner_is_not_told_where_policies_bind_the_databases_owner(ordinary: Connection) -> None:
    theirs, parent = insert(ordinary, "children", child(add_user(ordinary))), add_user(ordinary)
    told = _answer(
        ordinary, acting(ordinary, user(parent)), lambda: insert(ordinary, "children", theirs | {"user_id": parent})
    )
    assert told[0] == "42501"


@EVERYBODY
@pytest.mark.parametrize("column", ["generation_id", "sequel_of"])
def test_a_sequel_names_nothing_of_another_familys(connection: Connection, parent: UUID, who: str, column: str) -> None:
    def linked(family: UUID) -> Row:
        told = insert(connection, "stories", story(insert(connection, "generations", ended(family))))
        asked = insert(connection, "generations", attempt(family))
        return {"generation_id": asked["generation_id"], "user_id": family, "sequel_of": told["id"]}

    row, theirs = linked(parent), insert(connection, "sequels", linked(add_user(connection)))
    told = [
        _answer(connection, WHO[who](connection, parent), lambda id_=id_: insert(connection, "sequels", row | id_))
        for id_ in ({column: theirs[column]}, {column: uuid4()})
    ]
    assert told[0] == told[1]
