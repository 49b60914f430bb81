"""Whatever somebody makes up in SQL, every other family's rows stay as they were, and nobody is shown one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fixtures.actors import ANONYMOUS, Actor, admin, user
from tests.fixtures.databases import copy_of
from tests.fixtures.depth import DEEP
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
    live_text,
    login_attempt,
    look,
    replaced_token,
    session,
    story,
    worker,
)
from tests.fixtures.server import Server
from tests.infrastructure.postgres.security_functions import FUNCTIONS
from tests.infrastructure.postgres.security_matrix import LINES, ROLES, SCHEMAS
from tests.infrastructure.postgres.statements import Names, statements

AT_A_TIME = 25
BATCHES = 200 if DEEP else 20
"""500 statements of each visitor in every run, as rows are compared after each batch, and 5,000 in a deep one."""

_NOBODYS = {"tales.rollup_changes"}
"""Which hours have to be counted anew: a family's own change adds one, and no row of it says whose."""

_ADMINS = frozenset(
    line.relation for line in LINES if "+" in {line.marks(command)["admin"] for command in ("insert", "update")}
) | {"tales.change_log"}
"""What admins set, such as prompts and budgets, and what keeps that they did."""

_RELATIONS = """
    select c.oid::regclass::text as name, array_agg(a.attname::text order by a.attnum) as columns,
        relkind in ('r', 'p') as is_table
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where relnamespace::regnamespace::text = any (%s) and relkind in ('r', 'p', 'v', 'm') group by c.oid
"""
_FUNCTIONS = """
    select pronamespace::regnamespace::text || '.' || quote_ident(proname) as name,
        array(select format_type(type, null) from unnest(proargtypes) as type) as types
    from pg_proc
    where pronamespace::regnamespace::text = any (%s) and prokind = 'f' and prorettype <> 'trigger'::regtype
"""
# What of the catalog says who may do what.
_RIGHTS = """
    select line from (
        select (oid, relname, relnamespace, relowner, relacl, relrowsecurity, relforcerowsecurity, reloptions)::text
        from pg_class where relnamespace::regnamespace::text = any (%s)
        union all select (attrelid, attname, attacl)::text from pg_attribute where attacl is not null
        union all select p::text from pg_policy as p
        union all select (oid, tgrelid, tgname, tgenabled)::text from pg_trigger
        union all select (oid, proowner, proacl, prosecdef, proconfig, prosrc)::text
        from pg_proc where pronamespace::regnamespace::text = any (%s)
        union all select (oid, nspname, nspowner, nspacl)::text from pg_namespace
        where nspname not like 'pg_temp%%' and nspname not like 'pg_toast%%'
        union all select (rolname, rolsuper, rolbypassrls, rolcreaterole)::text from pg_roles where rolname = any (%s)
        union all select (roleid, member)::text from pg_auth_members where member::regrole::text = any (%s)
        union all select (d.datname, d.datacl, datdba)::text from pg_database as d where datname = current_database()
    ) as line (line)
"""
# Which take the service's role on, for the service's login alone.
_QUEUE = {line.name for line in FUNCTIONS if "tales_app" in line.callers and "anon" not in line.callers}
_TELL = """
    create function pg_temp.tell(value text) returns boolean language plpgsql cost 0.0001 as $$
    begin
        raise notice '%', value;
        return true;
    end
    $$
"""


@dataclass(frozen=True, slots=True)
class World:
    """Two families. A family's words stand in all that is its own; `told` stand in attempts, which admins read.

    `member` is the role that a visitor comes with: a cluster has it once.
    """

    connection: Connection
    member: str
    names: Names
    tables: tuple[str, ...]
    families: tuple[UUID, UUID]
    private: tuple[str, str]
    told: tuple[str, str]
    heard: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who makes statements up. `spared` is the family whose rows are theirs to change, by number.

    `sets`: the relations of the service's own settings that are theirs to change.
    """

    actor: Actor
    spared: int | None = None
    reads_attempts: bool = False
    is_member: bool = False
    sets: frozenset[str] = frozenset()


def _visitors(world: World) -> dict[str, Visitor]:
    first, second = world.families
    return {
        "anonymous": Visitor(ANONYMOUS),
        "family": Visitor(user(first), 0),
        "another family": Visitor(user(second), 1),
        "admin": Visitor(admin(), reads_attempts=True, sets=_ADMINS),
        "login": Visitor(Actor("login", "tales_app")),
        "a role that inherits the user's": Visitor(user(first), 0, is_member=True),
    }


VISITORS = ("anonymous", "family", "another family", "admin", "login", "a role that inherits the user's")


def _fill(connection: Connection, private: str, told: str) -> tuple[UUID, list[UUID]]:
    """A family that has a row of every kind, and its ids."""
    family = add_user(connection)
    insert(connection, "accounts", {"user_id": family, "email": f"{private}@example.org", "password_hash": private})
    mia = insert(connection, "children", child(family, name=private, gender=private, interests=[private]))
    moon = insert(connection, "heroes", hero(family, name=private, appearance=private))
    words = {"prompt": told, "moral": told, "hero_appearance": told, "relationship_description": told}
    cast = {"child_id": mia["id"], "hero_id": moon["id"]}
    success = insert(connection, "generations", ended(family, full_response={"text": told}, **words, **cast))
    tale = insert(connection, "stories", story(success, title=private, content=private, rating=9, **cast))
    failed = insert(connection, "generations", ended(family, "failed", error_message=told, **words, **cast))
    asked = insert(connection, "generations", attempt(family, **words, **cast))
    insert(connection, "sequels", {"generation_id": asked["generation_id"], "user_id": family, "sequel_of": tale["id"]})
    insert(connection, "live_text", live_text(asked, text=private))
    insert(connection, "idempotency_keys", idempotency_key(success, key=private))
    insert(connection, "request_rates", {"user_id": family, "next_at": THEN})
    insert(connection, "replaced_refresh_tokens", replaced_token(insert(connection, "sessions", session(family))))
    insert(connection, "login_attempts", login_attempt())
    insert(connection, "turns", {"queue": "one", "user_id": family, "turn": 1})
    insert(connection, "audit_log", look(family))
    insert(connection, "workers", worker(host=private))
    rows = (mia["id"], moon["id"], tale["id"], success["generation_id"], failed["generation_id"])
    return family, [family, *rows, asked["generation_id"]]


@pytest.fixture(scope="module")
def world(server: Server, newest_template: str) -> Iterator[World]:
    with copy_of(server, newest_template) as database, database.connect() as connection:
        private, told = ("amaryllis", "bellflower"), ("campanula", "delphinium")
        first, second = (_fill(connection, *words) for words in zip(private, told, strict=True))
        connection.execute("analyze")
        relations = connection.execute(_RELATIONS, [list(SCHEMAS)]).fetchall()
        found = {row["name"]: tuple(row["columns"]) for row in relations}
        tables = tuple(sorted(row["name"] for row in relations if row["is_table"] and row["name"] not in _NOBODYS))
        called = {
            row["name"]: tuple(row["types"])
            for row in connection.execute(_FUNCTIONS, [list(SCHEMAS)])
            if row["name"] not in _QUEUE
        }
        ids = tuple(map(str, (*first[1], *second[1], uuid4())))
        names = Names(found, called, ids, (*ROLES, "postgres"))
        world = World(connection, f"{database.name}_member", names, tables, (first[0], second[0]), private, told)
        connection.add_notice_handler(lambda notice: world.heard.append(str(notice.message_primary)))
        yield world


def _state(world: World, spared: int | None) -> dict[str, object]:
    """Every row that is not the visitor's own, with its version."""
    parts = []
    for relation in world.tables:
        whose = "true"
        if spared is not None and "user_id" in world.names.relations[relation]:
            whose = f"user_id is distinct from '{world.families[spared]}'"
        parts.append(
            f"select '{relation}' as name, string_agg(md5(xmin::text || t::text), ',' order by t::text) as rows"
            f" from {relation} as t where {whose}"
        )
    return {row["name"]: row["rows"] for row in world.connection.execute(" union all ".join(parts))}


def _rights(world: World) -> set[str]:
    """Who may do what, and what stands in the way."""
    schemas, roles = [*SCHEMAS, "public", "tales_migration"], [*ROLES, world.member]
    return {row["line"] for row in world.connection.execute(_RIGHTS, [schemas, schemas, roles, roles])}


def _run(connection: Connection, statement: str) -> str:
    """All that somebody is told who sends it; the rest of the transaction goes on."""
    with connection.cursor() as cursor, connection.transaction():
        if statement.startswith("copy "):
            with cursor.copy(statement.encode()) as copied:
                return "" if statement.endswith("from stdin") else str([bytes(piece) for piece in copied])
        cursor.execute(statement.encode())
        return str(cursor.fetchall()) if cursor.description else ""


def _try(world: World, visitor: Visitor, batch: list[str]) -> int:
    """Have the visitor send these; nothing of it stays. How many of them were obeyed."""
    connection, obeyed = world.connection, 0
    others = [number for number in (0, 1) if number != visitor.spared]
    secrets = [world.private[number] for number in others]
    secrets += [] if visitor.reads_attempts else [world.told[number] for number in others]
    with connection.transaction(force_rollback=True):
        connection.execute("set local statement_timeout = '5s'")
        connection.execute(_TELL)
        connection.execute(f"create role {world.member} in role {visitor.actor.role}")
        before, rights = _state(world, visitor.spared), _rights(world)
        connection.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps(visitor.actor.claims)])
        connection.execute(f"set local session authorization {world.member}")
        if not visitor.is_member:
            connection.execute(f"set local role {visitor.actor.role}")
        for statement in batch:
            if visitor.actor.role == "tales_app" and "set role" in statement.replace("local ", ""):
                continue  # it may, and is somebody else then
            world.heard.clear()
            try:
                told = _run(connection, statement)
                obeyed += 1
            except psycopg.Error as error:
                assert not connection.closed, statement
                told = f"{error} {error.diag.message_detail} {error.diag.context}"
            told += str(world.heard)
            assert not [secret for secret in secrets if secret in told], statement
        connection.execute("reset session authorization; reset row_security; reset session_replication_role")
        connection.execute("reset search_path")
        after, rights_after = _state(world, visitor.spared), _rights(world)
    assert {name for name in before if before[name] != after[name]} <= visitor.sets, batch
    assert rights ^ rights_after == set(), batch
    return obeyed


def _make_up(world: World, visitor: Visitor, batches: int = BATCHES) -> int:
    """Have the visitor make statements up; how many of them were obeyed."""
    obeyed: list[int] = []

    @given(st.lists(statements(world.names), min_size=AT_A_TIME, max_size=AT_A_TIME))
    # A failure names its statement: to look for a shorter one would take minutes.
    @settings(max_examples=batches, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    def make_up(batch: list[str]) -> None:
        obeyed.append(_try(world, visitor, batch))

    make_up()
    return sum(obeyed)


@pytest.mark.parametrize("name", VISITORS)
def test_whatever_somebody_makes_up_no_other_familys_row_is_changed_or_shown(world: World, name: str) -> None:
    assert _make_up(world, _visitors(world)[name]) > BATCHES, "or nothing was tried that could have worked"


def test_what_an_admin_may_set_is_no_leak(world: World) -> None:
    statements = ["update tales.prompt_templates set note = 'x'", "update tales.budgets set limit_usd = 7"]
    assert _try(world, _visitors(world)["admin"], statements) == 2


@pytest.mark.parametrize("leak", ["for select to authenticated using (true)", "for all to authenticated using (true)"])
def test_a_leak_would_be_found(world: World, leak: str) -> None:
    with world.connection.transaction(force_rollback=True):
        for table in ("children", "stories"):
            world.connection.execute(f"create policy leak on tales.{table} {leak}")
        with pytest.raises(AssertionError):
            # It ends with the first statement that shows it, and must not depend on which are made up first.
            _make_up(world, _visitors(world)["family"], batches=10 * BATCHES)
