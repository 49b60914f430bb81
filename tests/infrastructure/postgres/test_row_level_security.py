"""What could get round the policies: strange claims, leaky functions, rows that are given away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.fixtures.actors import ANONYMOUS, acting, refused, user
from tests.fixtures.databases import Database
from tests.fixtures.rows import (
    Connection,
    add_user,
    attempt,
    change,
    child,
    ended,
    hero,
    insert,
    story,
)

TABLES = ("children", "heroes", "stories", "generations")
WORD = "Zephyrine"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection


@pytest.fixture
def parent(connection: Connection) -> UUID:
    """A family with a row in each table, and the word in each row."""
    user_id = add_user(connection)
    insert(connection, "children", child(user_id, name=WORD))
    insert(connection, "heroes", hero(user_id, name=WORD))
    insert(connection, "stories", story(insert(connection, "generations", ended(user_id, prompt=WORD)), title=WORD))
    insert(connection, "generations", attempt(user_id, prompt=WORD))
    return user_id


def strange_claims(family: UUID) -> dict[str, str]:
    """What could stand where a request's claims stand, and is nobody's: `family` is in many of them."""
    somebody, me = str(uuid4()), str(family)
    claims: dict[str, Any] = {
        "an array": [me],
        "an array of claims": [{"sub": me, "app_metadata": {"role": "admin"}}],
        "a string": me,
        "a number": 1,
        "null": None,
        "true": True,
        "no user": {},
        "nobody": {"sub": None},
        "an empty id": {"sub": ""},
        "a blank id": {"sub": " "},
        "no id": {"sub": "nobody"},
        "an id in an object": {"sub": {"id": me}},
        "an id in an array": {"sub": [me]},
        "a number for an id": {"sub": 42},
        "SQL": {"sub": f"{somebody}' or user_id = '{me}"},
        "a list of ids": {"sub": f"{somebody},{me}"},
        "another key": {"SUB": me, "user_id": me, "id": me},
        "another user last": f'{{"sub": "{me}", "sub": "{somebody}"}}',
        "an admin as text": {"sub": somebody, "app_metadata": '{"role": "admin"}'},
        "an admin in an array": {"sub": somebody, "app_metadata": [{"role": "admin"}]},
        "an admin among roles": {"sub": somebody, "app_metadata": {"role": ["admin"]}},
        "roles of an admin": {"sub": somebody, "app_metadata": {"roles": ["admin"]}},
        "a loud admin": {"sub": somebody, "app_metadata": {"role": "ADMIN"}},
        "nearly an admin": {"sub": somebody, "app_metadata": {"role": "admin "}},
        "an admin in user_metadata": {"sub": somebody, "user_metadata": {"role": "admin"}},
        "an admin outside": {"sub": somebody, "role": "admin", "raw_app_meta_data": {"role": "admin"}},
        "the service": {"sub": somebody, "role": "service_role"},
        "the owner": {"sub": somebody, "role": "postgres"},
        "deep": {"sub": somebody, "deep": None},
        "huge": {"sub": somebody, "padding": "x" * 2**20},
    }
    texts = {name: value if name == "another user last" else json.dumps(value) for name, value in claims.items()}
    texts["deep"] = texts["deep"].replace("null", "[" * 20_000 + "]" * 20_000)
    return texts | {"nothing": "", "no JSON": "{", "not JSON": f"sub={me}"}


KINDS = list(strange_claims(uuid4()))


@pytest.mark.parametrize("role", ["authenticated", "anon"])
@pytest.mark.parametrize("kind", KINDS)
def test_claims_that_are_nobodys_show_nobodys_rows(connection: Connection, parent: UUID, kind: str, role: str) -> None:
    claims = strange_claims(parent)[kind]
    for table in TABLES:
        try:
            with connection.transaction():
                connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
                connection.execute("select set_config('role', %s, true)", [role])
                assert connection.execute(f"select from tales.{table} where user_id is not null").rowcount == 0
                assert connection.execute(f"delete from tales.{table} where true").rowcount == 0
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.DataError, psycopg.errors.StatementTooComplex):
            pass  # an error shows nothing either
    assert len(connection.execute("select from tales.generations").fetchall()) == 2


@pytest.mark.parametrize("claims", ["", "{}", '{"sub": null}', '{"sub": ""}'])
def test_a_request_without_an_id_is_nobodys_and_no_error(connection: Connection, claims: str) -> None:
    with connection.transaction():
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute("set local role authenticated")
        assert connection.execute("select auth.uid() as uid").fetchall() == [{"uid": None}]
        assert connection.execute("select from tales.children").rowcount == 0


def test_a_users_own_claims_show_their_own_rows(connection: Connection, parent: UUID) -> None:
    for sub in (str(parent), str(parent).upper(), parent.hex):
        with acting(connection, user(parent, sub=sub)):
            own = "select from tales.{} where user_id is not null"
            assert [connection.execute(own.format(table)).rowcount for table in TABLES] == [1, 1, 1, 2]


def test_a_condition_of_a_users_own_sees_no_row_before_the_policies_do(connection: Connection, parent: UUID) -> None:
    heard: list[str] = []
    connection.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
    with acting(connection, user(uuid4())):
        connection.execute(
            "create function pg_temp.tells(word text) returns boolean language plpgsql cost 0.0000001"
            " as $$ begin raise notice '%', word; return true; end $$"
        )
        for table, column in (
            ("children", "name"),
            ("heroes", "name"),
            ("stories", "title"),
            ("generations", "prompt"),
        ):
            connection.execute(f"select from tales.{table} where pg_temp.tells({column})")
            connection.execute(f"select from tales.{table} where 1 / (length({column}) - {len(WORD)}) > 0")
    assert WORD not in heard
    heard.clear()
    with acting(connection, user(parent)):
        connection.execute(
            "create function pg_temp.hears(word text) returns boolean language plpgsql"
            " as $$ begin raise notice '%', word; return true; end $$"
        )
        connection.execute("select from tales.stories where pg_temp.hears(title)")
    assert heard == [WORD], "or there was nothing to hear"


def test_what_the_planner_has_learned_of_rows_is_not_shown(connection: Connection, parent: UUID) -> None:
    for _ in range(20):
        insert(connection, "children", child(parent, name=WORD))
    connection.execute("analyze tales.children")
    learned = "select from pg_stats where schemaname = 'tales' and most_common_vals::text like %s"
    assert connection.execute(learned, [f"%{WORD}%"]).rowcount > 0
    for actor in (user(parent), user(uuid4()), ANONYMOUS):
        with acting(connection, actor):
            assert connection.execute(learned, [f"%{WORD}%"]).rowcount == 0


def test_nothing_can_be_given_away(connection: Connection, parent: UUID) -> None:
    other = add_user(connection)
    for table in ("children", "heroes"):
        with refused(error=psycopg.errors.InsufficientPrivilege), acting(connection, user(parent)):
            connection.execute(f"update tales.{table} set user_id = %s", [other])
    with refused("stories_written_by_success"), acting(connection, user(parent)):
        connection.execute("update tales.stories set user_id = %s", [other])


def test_a_hero_of_ones_own_is_not_made_everybodys(connection: Connection, parent: UUID) -> None:
    (row,) = connection.execute("select id from tales.heroes where user_id is not null").fetchall()
    with refused(error=psycopg.errors.InsufficientPrivilege), acting(connection, user(parent)):
        change(connection, "heroes", row, user_id=None)
