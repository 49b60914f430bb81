"""Every table, every operation, everybody: who sees and changes which rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.fixtures.databases import Database
from tests.infrastructure.persistence.actors import ANONYMOUS, SERVICE, Actor, acting, admin, fake_admin, refused, user
from tests.infrastructure.persistence.rows import Connection, add_user, attempt, child, ended, hero, insert, story

Outcome = int | Literal["denied"]
LOGIN = Actor("login", "tales_app")


def outcome(connection: Connection, actor: Actor, statement: str, parameters: dict[str, Any] | None = None) -> Outcome:
    """How many rows a statement of the actor sees or changes; nothing of it stays."""
    try:
        with acting(connection, actor), connection.transaction(force_rollback=True):
            return connection.execute(statement, parameters).rowcount
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation):
        return "denied"  # by a policy, or because a trigger did not see what the statement names


@dataclass(frozen=True, slots=True)
class Family:
    """A family with one row in each table; the success has no story yet, the attempt is in flight."""

    user: UUID
    success: UUID


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection


@pytest.fixture
def family(connection: Connection) -> Family:
    user_id = add_user(connection)
    insert(connection, "children", child(user_id))
    insert(connection, "heroes", hero(user_id))
    insert(connection, "stories", story(insert(connection, "generations", ended(user_id))))
    account = {"user_id": user_id, "email": "ada@example.org", "password_hash": "$"}
    insert(connection, "accounts", account)
    success = insert(connection, "generations", ended(user_id))["generation_id"]
    insert(connection, "generations", attempt(user_id))
    for table in ("stories_unowned", "stories_quarantined"):
        aside = {"id": uuid4(), "title": "t", "content": "c", "story_type": "child"}
        insert(connection, table, aside)
    connection.execute("insert into tales.migration_notes values (%s, 'moral', %s)", [uuid4(), Jsonb(None)])
    connection.execute("create table tales.generations_archive (like tales.generations)")
    connection.execute("alter table tales.generations_archive enable row level security")
    return Family(user_id, success)


STATEMENTS = {
    ("children", "insert"): "insert into tales.children (user_id, name, age) values (%(user)s, 'Tom', 4)",
    ("heroes", "insert"): "insert into tales.heroes (user_id, name) values (%(user)s, 'Sun')",
    ("stories", "insert"): "insert into tales.stories (user_id, title, content, generation_id, generation_attempt)"
    " values (%(user)s, 't', 'c', %(success)s, 1)",
    (
        "generations",
        "insert",
    ): "insert into tales.generations (generation_id, attempt_number, model_used, status, prompt,"
    " user_id, story_type, moral) values (gen_random_uuid(), 1, 'sim/ok', 'pending', 'p', %(user)s, 'child', 'm')",
    ("accounts", "insert"): "insert into tales.accounts (user_id, email, password_hash) values (%(new)s, 'b@c', '$')",
    ("users", "insert"): "insert into auth.users (id) values (gen_random_uuid())",
    ("children", "update"): "update tales.children set age = 7",
    ("heroes", "update"): "update tales.heroes set name = 'Sun'",
    ("stories", "update"): "update tales.stories set rating = 3",
    (
        "generations",
        "update",
    ): "update tales.generations set status = 'failed', completed_at = now(), error_message = 'No'"
    " where status = 'pending'",
    ("accounts", "update"): "update tales.accounts set is_admin = true",
    ("users", "update"): "update auth.users set email = 'e@f'",
    **{(table, "delete"): f"delete from tales.{table}" for table in ("children", "heroes", "stories", "accounts")},
    ("generations", "delete"): "delete from tales.generations where status = 'pending'",
    ("users", "delete"): "delete from auth.users",
}
TABLES = ("children", "heroes", "stories", "generations", "accounts", "users")
KEPT_ASIDE = (
    "migration_notes",
    "migration_state",
    "relaxed_columns",
    "legacy_columns",
    "stories_unowned",
    "stories_quarantined",
    "generations_archive",
)

# The actors that are not named are denied.
EXPECTED: dict[tuple[str, str], dict[str, Outcome]] = {
    ("children", "select"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0, "service": 1},
    ("children", "insert"): {"parent": 1},
    ("children", "update"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0},
    ("children", "delete"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0},
    ("heroes", "select"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0, "service": 1},
    ("heroes", "insert"): {"parent": 1},
    ("heroes", "update"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0},
    ("heroes", "delete"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0},
    ("stories", "select"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0, "service": 1},
    ("stories", "insert"): {"parent": 1, "service": 1},
    ("stories", "update"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0},
    ("stories", "delete"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0},
    # Three attempts: one with a story, one without, one in flight.
    ("generations", "select"): {"parent": 3, "stranger": 0, "admin": 3, "fake admin": 0, "service": 3},
    ("generations", "insert"): {"parent": 1, "service": 1},
    ("generations", "update"): {"parent": 1, "stranger": 0, "admin": 0, "fake admin": 0, "service": 1},
    ("generations", "delete"): {},
    ("accounts", "select"): {"service": 1},
    ("accounts", "insert"): {"service": 1},
    ("accounts", "update"): {},
    ("accounts", "delete"): {},
    ("users", "select"): {"service": 2},
    ("users", "insert"): {"service": 1},
    ("users", "update"): {},
    ("users", "delete"): {},
    **{(table, operation): {} for table in KEPT_ASIDE for operation in ("select", "delete")},
}


@pytest.mark.parametrize(("table", "operation"), EXPECTED)
def test_everybody_reaches_what_is_theirs(connection: Connection, family: Family, table: str, operation: str) -> None:
    actors = [user(family.user, "parent"), user(uuid4(), "stranger"), admin(), fake_admin(), ANONYMOUS, SERVICE, LOGIN]
    verb = "select from" if operation == "select" else "delete from"
    default = f"{verb} {'auth' if table == 'users' else 'tales'}.{table}"
    statement = STATEMENTS.get((table, operation), default)
    parameters = {"user": family.user, "success": family.success, "new": add_user(connection)}
    found = {actor.name: outcome(connection, actor, statement, parameters) for actor in actors}
    assert found == dict.fromkeys(found, "denied") | EXPECTED[table, operation]


def test_the_matrix_has_every_table(database: Database) -> None:
    tables = database.rows("select relname from pg_class where relnamespace = 'tales'::regnamespace and relkind = 'r'")
    assert {row["relname"] for row in tables} <= {table for table, _ in EXPECTED}


def test_the_helper_sees_what_is_open_and_what_is_closed(connection: Connection) -> None:
    connection.execute("create table tales.open (n integer); insert into tales.open values (1), (2)")
    somebody = user(uuid4())
    assert outcome(connection, somebody, "select from tales.open") == "denied"
    connection.execute("grant select, delete on tales.open to authenticated")
    assert outcome(connection, somebody, "delete from tales.open") == 2
    assert outcome(connection, somebody, "select from tales.open") == 2, "nothing stays of what it tries"
    connection.execute("alter table tales.open enable row level security")
    assert outcome(connection, somebody, "select from tales.open") == 0


def test_every_table_has_row_level_security(database: Database) -> None:
    assert (
        database.rows(
            "select relname from pg_class where relnamespace = 'tales'::regnamespace and relkind in ('r', 'p')"
            " and not relrowsecurity"
        )
        == []
    )


def test_a_view_would_not_lend_its_owners_rights(database: Database) -> None:
    assert (
        database.rows(
            "select relname from pg_class where relnamespace = 'tales'::regnamespace and relkind = 'v'"
            " and not coalesce(reloptions, '{}') @> '{security_invoker=true}'"
        )
        == []
    )


def test_nothing_is_granted_to_everybody_or_to_the_anonymous(database: Database) -> None:
    assert (
        database.rows(
            "select table_name, grantee from information_schema.role_table_grants"
            " where table_schema = 'tales' and grantee in ('PUBLIC', 'anon', 'tales_app', 'tales_queue')"
        )
        == []
    )


def test_policies_ask_who_it_is_once_a_statement(database: Database) -> None:
    policies = database.rows(
        "select policyname, coalesce(qual, '') || coalesce(with_check, '') as rule from pg_policies"
    )
    for policy in policies:
        rule = policy["rule"].replace("( SELECT auth.uid() AS uid)", "").replace("( SELECT auth.jwt() AS jwt)", "")
        assert "auth." not in rule, policy["policyname"]


def test_ready_made_heroes_are_seen_by_everybody_and_changed_by_nobody(connection: Connection) -> None:
    insert(connection, "heroes", hero(None))
    somebody = user(add_user(connection))
    assert outcome(connection, somebody, "select from tales.heroes") == 1
    assert outcome(connection, somebody, "update tales.heroes set name = 'mine'") == 0
    assert outcome(connection, somebody, "delete from tales.heroes") == 0
    assert outcome(connection, somebody, "insert into tales.heroes (name) values ('for all')") == "denied"


def test_nothing_can_be_given_away(connection: Connection, family: Family) -> None:
    parent, other = user(family.user), {"other": add_user(connection)}
    for table in ("children", "heroes"):
        assert outcome(connection, parent, f"update tales.{table} set user_id = %(other)s", other) == "denied"
    with refused("stories_written_by_success"), acting(connection, parent):
        connection.execute("update tales.stories set user_id = %(other)s", other)
