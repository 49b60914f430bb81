"""Every kind of row, every command, everybody, in plain SQL: docs/security.md is generated from the same lines.

On a database of the superuser's, and on one of an ordinary role that the policies bind.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.fixtures.actors import (
    Actor,
    acting,
    fake_admin,
    requester,
)
from tests.fixtures.rows import (
    Connection,
    insert,
)
from tests.infrastructure.postgres.matrix_world import (
    CHANGES,
    EVERY_LINE,
    FINDS_NONE,
    NEW,
    REACHES,
    REFUSED,
    World,
    count,
)
from tests.infrastructure.postgres.security_matrix import (
    COMMANDS,
    EVERY_COLUMN,
    LINES,
    Line,
)


def _statement(world: World, line: Line, command: str) -> Callable[[], int]:
    """What a visitor tries with the family's rows; how many rows it reached. The owner prepares it."""
    parameters = {"family": world.family}
    if command == "insert" and line.name in NEW:
        row = NEW[line.name](world.connection, world.family)

        def add() -> int:
            insert(world.connection, line.relation, row)
            return 1

        return add
    text = {
        "select": f"select from {line.relation} where {line.where}",
        "insert": f"insert into {line.relation} select * from {line.relation} where false",
        "update": f"update {line.relation} set {_change(world, line)} where {line.where}",
        "delete": f"delete from {line.relation} where {line.where}",
        "truncate": f"truncate {line.relation}",
    }[command]
    return lambda: max(0, world.connection.execute(text, parameters if "%(" in text else None).rowcount)


def _change(world: World, line: Line) -> str:
    """A change that somebody may make, or one of the first column, which changes nothing."""
    columns = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
    first = world.connection.execute(f"{columns} order by attnum", [line.relation]).fetchone()
    return CHANGES.get(line.name) or "{attname} = {attname}".format(**first or {})


def _try(world: World, actor: Actor, line: Line, command: str) -> str:
    """The mark that the visitor earns; nothing of it stays."""
    with world.connection.transaction(force_rollback=True):
        attempted = _statement(world, line, command)
        try:
            with acting(world.connection, actor):
                reached = attempted()
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation):
            return REFUSED  # by a privilege, by a policy, or by a trigger
        except (
            *(psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.WrongObjectType),
            psycopg.errors.FeatureNotSupported,
        ):
            return REFUSED  # nobody writes a view of sums, nor what one computes
    # Without row-level security, the right to a command is the right to every row, were there any.
    return REACHES if reached or not line.is_secured else FINDS_NONE


@EVERY_LINE
def test_everybody_reaches_what_the_matrix_says_and_nothing_else(world: World, line: Line) -> None:
    found = {
        command: {name: _try(world, visitor, line, command) for name, visitor in world.visitors.items()}
        for command in COMMANDS
    }
    assert found == {command: line.marks(command) for command in COMMANDS}


@EVERY_LINE
def test_who_calls_themselves_an_admin_is_any_other_family(world: World, line: Line) -> None:
    found = {command: _try(world, fake_admin(), line, command) for command in COMMANDS}
    assert found == {command: line.marks(command)["another family"] for command in COMMANDS}


@EVERY_LINE
def test_the_service_that_asks_in_a_users_name_reaches_what_that_user_reaches(world: World, line: Line) -> None:
    for name in ("family", "another family", "admin"):
        found = {command: _try(world, requester(world.visitors[name]), line, command) for command in COMMANDS}
        assert found == {command: line.marks(command)[name] for command in COMMANDS}, name


def _visible(world: World, visitor: str, line: Line) -> int:
    """How many of the line's rows a visitor sees who asks for all there are."""
    if visitor in {"family", "another family"}:
        own = count(world, line, world.family if visitor == "family" else world.other)
        return own if line.marks("select")["family"] == REACHES else 0
    families = (world.family, world.other) if "%(" in line.where else (world.family,)
    return sum(count(world, line, family) for family in families) if line.marks("select")[visitor] == REACHES else 0


@pytest.mark.parametrize("relation", sorted({line.relation for line in LINES if line.is_secured}))
def test_a_select_without_a_where_shows_everybody_their_own(world: World, relation: str) -> None:
    lines = [line for line in world.lines if line.relation == relation]
    for name, visitor in world.visitors.items():
        if lines and all(line.marks("select")[name] != REFUSED for line in lines):
            with world.connection.transaction(force_rollback=True):
                wanted = sum(_visible(world, name, line) for line in lines)
                with acting(world.connection, visitor):
                    assert world.connection.execute(f"select from {relation}").rowcount == wanted, name


def test_the_owner_is_bound_where_the_matrix_says_so(ordinary: World) -> None:
    for line in filter(lambda line: line.is_permanent, ordinary.lines):
        with ordinary.connection.transaction(force_rollback=True):
            there = count(ordinary, line, ordinary.family)
            with acting(ordinary.connection, ordinary.owner):
                seen = count(ordinary, line, ordinary.family)
        assert there or not line.is_secured or not line.binds_owner, f"nothing to see in {line.name}"
        assert seen == (0 if line.binds_owner else there), line.name


def test_a_leak_would_be_noticed(superusers: World) -> None:
    (stories,) = (line for line in LINES if line.relation == "tales.stories")
    stranger = superusers.visitors["another family"]
    with superusers.connection.transaction(force_rollback=True):
        superusers.connection.execute("create policy leak on tales.stories for update using (true)")
        assert _try(superusers, stranger, stories, "update") == FINDS_NONE, "what it may not see, it cannot change"
        superusers.connection.execute("create policy another_leak on tales.stories for select using (true)")
        assert [_try(superusers, stranger, stories, command) for command in ("select", "update")] == [REACHES] * 2
    with superusers.connection.transaction(force_rollback=True):
        superusers.connection.execute("revoke select on tales.stories from authenticated")
        assert _try(superusers, superusers.visitors["family"], stories, "select") == REFUSED


@EVERY_LINE
def test_a_signed_in_user_fills_and_changes_these_columns_only(world: World, line: Line) -> None:
    for role, inserted in (("authenticated", line.inserted), ("tales_requester", line.inserted | line.requested)):
        columns = world.connection.execute(
            "select attname, has_column_privilege(%(role)s, attrelid, attnum, 'insert') as inserted,"
            " has_column_privilege(%(role)s, attrelid, attnum, 'update') as updated"
            " from pg_attribute where attrelid = %(relation)s::regclass and attnum > 0 and not attisdropped",
            {"role": role, "relation": line.relation},
        ).fetchall()
        every = frozenset(column["attname"] for column in columns)
        for right, wanted in (("inserted", inserted), ("updated", line.updated)):
            found = frozenset(column["attname"] for column in columns if column[right])
            assert found == (every if wanted == EVERY_COLUMN else wanted), (role, right)


LOCKS = ("access share", "row exclusive", "share update exclusive", "access exclusive")
"""From the weakest to the strongest; what `row share` asks for depends on the version of PostgreSQL."""


def _locks(connection: Connection, role: str, relation: str) -> list[str]:
    """How a role may lock a relation whole."""
    allowed = []
    for mode in LOCKS:
        with connection.transaction(force_rollback=True):
            connection.execute(f"set local role {role}")
            try:
                connection.execute(f"lock table {relation} in {mode} mode nowait")
            except psycopg.errors.InsufficientPrivilege:
                continue
            allowed.append(mode)
    return allowed


def _locked_by(line: Line, role: str) -> set[str]:
    """How a role may lock the line's relation whole, by the commands that it may give."""
    users = role in {"authenticated", "tales_requester"}
    commands = {command for command in COMMANDS if users and line.marks(command)["family"] != REFUSED}
    if role == "tales_app" and line.marks("select")["login"] != REFUSED:
        commands.add("select")
    if "delete" in commands:
        return set(LOCKS)
    weak = {"access share"} if "select" in commands else set()
    if "insert" in commands and line.inserted == EVERY_COLUMN:
        # Which holds nobody up who reads or writes.
        weak.add("row exclusive")
    return weak


@EVERY_LINE
def test_a_relation_is_locked_whole_by_those_alone_who_may_delete_from_it(world: World, line: Line) -> None:
    roles = ("anon", "authenticated", "tales_requester", "tales_app")
    found = {role: set(_locks(world.connection, role, line.relation)) for role in roles}
    assert found == {role: _locked_by(line, role) for role in roles}
