"""Every kind of row, every command, everybody, in plain SQL: docs/security.md is generated from the same lines.

On a database of the superuser's, and on one of an ordinary role that the policies bind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

import psycopg
import pytest

from tales.legacy.migrate import migrate_up
from tests.fixtures.actors import (
    ANONYMOUS,
    SERVICE,
    Actor,
    acting,
    admin,
    fake_admin,
    requester,
    user,
)
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.managed import make_managed
from tests.fixtures.rows import (
    THEN,
    Connection,
    Row,
    add_user,
    attempt,
    budget,
    budget_reservation,
    child,
    cost_question,
    ended,
    goal_snapshot,
    hero,
    idempotency_key,
    insert,
    live_text,
    login_attempt,
    look,
    price,
    prompt_choice,
    prompt_goal,
    prompt_template,
    rating,
    replaced_token,
    rollup_cell,
    rollup_course,
    rollup_mark,
    rollup_user,
    session,
    story,
    worker,
)
from tests.fixtures.server import Server
from tests.infrastructure.postgres.security_matrix import (
    COMMANDS,
    EVERY_COLUMN,
    FUNCTIONS,
    LINES,
    ROLES,
    SCHEMA_USERS,
    SCHEMAS,
    Line,
)

REACHES, FINDS_NONE, REFUSED = "+", ".", "-"
ASIDE: Row = {"title": "t", "content": "c", "story_type": "child"}


Kind = Literal["superuser", "ordinary"]
KINDS: tuple[Kind, ...] = ("superuser", "ordinary")


def lines_of(kind: Kind) -> list[Line]:
    """The lines for a database's owner: an ordinary one finds an `auth` that the platform has made."""
    return [line for line in LINES if kind == "superuser" or not line.relation.startswith("auth.")]


EVERY_LINE = pytest.mark.parametrize(
    ("world", "line"),
    [pytest.param(kind, line, id=f"{kind}-{line.name}") for kind in KINDS for line in lines_of(kind)],
    indirect=["world"],
)


@dataclass(frozen=True, slots=True)
class World:
    """Two families with a row of every kind each, and everybody who may come by."""

    kind: Kind
    connection: Connection
    family: UUID
    other: UUID
    owner: Actor

    @property
    def visitors(self) -> dict[str, Actor]:
        """Everybody by the name that the matrix has for them."""
        return {
            "anonymous": ANONYMOUS,
            "family": user(self.family),
            "another family": user(self.other),
            "admin": admin(),
            "service": SERVICE,
            "login": Actor("login", "tales_app"),
        }

    @property
    def lines(self) -> list[Line]:
        """The lines for what is ours here."""
        return lines_of(self.kind)

    @property
    def schemas(self) -> list[str]:
        """The schemas that are ours here."""
        return list(SCHEMAS) if self.kind == "superuser" else [schema for schema in SCHEMAS if schema != "auth"]


def _sequel(connection: Connection, family: UUID) -> Row:
    earlier, attempt_row = (insert(connection, "generations", ended(family)) for _ in range(2))
    told = insert(connection, "stories", story(earlier))
    return {"generation_id": attempt_row["generation_id"], "user_id": family, "sequel_of": told["id"]}


# A new row of a family's, whole.
NEW: dict[str, Callable[[Connection, UUID], Row]] = {
    "auth.users": lambda _connection, _family: {"id": uuid4()},
    "tales.accounts": lambda connection, _family: {
        "user_id": add_user(connection),
        "email": f"{uuid4()}@example.org",
        "password_hash": "$",
    },
    "tales.sessions": lambda _connection, family: session(family),
    "tales.replaced_refresh_tokens": lambda connection, family: replaced_token(
        insert(connection, "sessions", session(family))
    ),
    "tales.login_attempts": lambda _connection, _family: login_attempt(),
    "tales.children": lambda _connection, family: child(family),
    "tales.heroes, a family's own": lambda _connection, family: hero(family),
    "tales.heroes, ready-made": lambda _connection, _family: hero(None),
    "tales.stories": lambda connection, family: story(insert(connection, "generations", ended(family))),
    "tales.generations, in flight": lambda _connection, family: attempt(family),
    "tales.idempotency_keys": lambda connection, family: idempotency_key(
        insert(connection, "generations", ended(family))
    ),
    "tales.request_rates": lambda connection, _family: {"user_id": add_user(connection), "next_at": THEN},
    "tales.generations, ended": lambda _connection, family: ended(family),
    "tales.live_text": lambda connection, family: live_text(insert(connection, "generations", attempt(family))),
    "tales.turns": lambda _connection, family: {"queue": f"queue {uuid4()}", "user_id": family, "turn": 1},
    "tales.audit_log": lambda _connection, family: look(family),
    "tales.workers": lambda _connection, _family: worker(),
    "tales.sequels": _sequel,
    "tales.rollup_cells": lambda _connection, _family: rollup_cell(),
    "tales.rollup_marks": lambda _connection, _family: rollup_mark(),
    "tales.rollup_courses": lambda _connection, _family: rollup_course(),
    "tales.rollup_users": lambda _connection, family: rollup_user(family),
    "tales.cost_questions": lambda connection, family: cost_question(insert(connection, "generations", ended(family))),
    "tales.rollup_changes": lambda _connection, _family: {"hour": THEN},
    "tales.prices, in force": lambda _connection, _family: price(),
    "tales.prices, not in force yet": lambda _connection, _family: price(valid_from=datetime(3000, 1, 1, tzinfo=UTC)),
    "tales.prompt_templates": lambda _connection, _family: prompt_template(),
    "tales.prompt_choices": lambda connection, family: prompt_choice(
        insert(connection, "generations", ended(family, prompt_version="child-en-1"))
    ),
    "tales.prompt_goals": lambda _connection, _family: prompt_goal(),
    "tales.goal_snapshots": lambda connection, _family: goal_snapshot(
        insert(connection, "prompt_goals", prompt_goal(id=uuid4()))
    ),
    "tales.budgets": lambda _connection, _family: {name: fact for name, fact in budget().items() if name != "id"},
    "tales.budget_reservations": lambda connection, family: budget_reservation(
        insert(connection, "generations", ended(family))
    ),
    "tales.budget_spending": lambda connection, family: {
        "budget_id": insert(connection, "budgets", budget())["id"],
        "user_id": family,
        "begins": THEN.date(),
    },
    "tales.ratings": lambda connection, family: rating(insert(connection, "generations", ended(family))),
}

# What to change of it, where anybody may.
CHANGES = {
    "tales.prices, in force": "request_usd = 1",
    "tales.prices, not in force yet": "request_usd = 1",
    "tales.prompt_templates": "note = 'shorter'",
    "tales.prompt_goals": "ended_at = now()",
    "tales.budgets": "limit_usd = 6",
    "tales.budget_spending": "spent_usd = 1",
    "tales.budget_reservations": "charged_usd = 1",
    "tales.cost_questions": "asked = asked + 1",
    "tales.rollup_state": "complete_until = now()",
    "auth.users": "email = 'e@f'",
    "tales.accounts": "is_admin = true",
    "tales.sessions": "expires_at = now() + interval '1 day'",
    "tales.login_attempts": "attempts = attempts + 1",
    "tales.children": "age = 7",
    "tales.heroes, a family's own": "name = 'Sun'",
    "tales.heroes, ready-made": "name = 'Sun'",
    "tales.stories": "rating = 3",
    "tales.generations, in flight": "status = 'failed', completed_at = now(), error_message = 'No.'",
    "tales.generations, ended": "status = 'failed', completed_at = now(), error_message = 'No.'",
    "tales.live_text": "text = 'Twice'",
    "tales.request_rates": "next_at = now()",
    "tales.turns": "turn = turn + 1",
    "tales.workers": "heartbeat_at = now()",
}


def fill(connection: Connection) -> tuple[UUID, UUID]:
    """Two families with a row of every kind each, and a row in whatever is nobody's."""
    families = add_user(connection), add_user(connection)
    for family in families:
        address = {"email": f"{family}@example.org", "password_hash": "$"}
        insert(connection, "accounts", {"user_id": family} | address)
        for name, new in NEW.items():
            if name not in {"auth.users", "tales.accounts", "tales.heroes, ready-made", "tales.request_rates"}:
                insert(connection, name.partition(",")[0], new(connection, family))
        insert(connection, "request_rates", {"user_id": family, "next_at": THEN})
        tokens = {"usage": {"prompt_tokens": 10, "completion_tokens": 100}}
        uncosted = ended(family, full_response=tokens, model_used=f"model of {family}")
        insert(connection, "generations", uncosted)
        insert(connection, "prices", price(model=uncosted["model_used"]))
    insert(connection, "heroes", hero(None))
    connection.execute("create table if not exists tales.generations_archive (like tales.generations)")
    connection.execute("alter table tales.generations_archive enable row level security")
    connection.execute("create table if not exists tales_internal.archive_file (path text)")
    for table in ("stories_unowned", "stories_quarantined"):
        connection.execute(
            f"create table if not exists tales.{table} (id uuid, title text, content text, story_type text)"
        )
        connection.execute(f"alter table tales.{table} enable row level security")
        insert(connection, table, ASIDE | {"id": uuid4()})
    return families


@pytest.fixture(scope="module")
def superusers(server: Server, newest_template: str) -> Iterator[World]:
    with copy_of(server, newest_template) as database, database.connect() as connection:
        yield World("superuser", connection, *fill(connection), Actor("owner", None))


@pytest.fixture(scope="module")
def ordinary(server: Server, newest_template: str) -> Iterator[World]:
    assert newest_template  # it has made the roles
    with make_managed(server) as managed:
        migrate_up(managed.owner_url)
        platform = Database(managed.name, managed.superuser_url, managed.app_url)
        with platform.connect() as connection:
            yield World("ordinary", connection, *fill(connection), Actor("owner", f"{managed.name}_owner"))


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue({"superuser": "superusers", "ordinary": "ordinary"}[request.param])
    return found


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


@pytest.mark.parametrize("command", COMMANDS)
@EVERY_LINE
def test_everybody_reaches_what_the_matrix_says_and_nothing_else(world: World, line: Line, command: str) -> None:
    found = {name: _try(world, visitor, line, command) for name, visitor in world.visitors.items()}
    assert found == line.marks(command)


@EVERY_LINE
@pytest.mark.parametrize("command", COMMANDS)
def test_who_calls_themselves_an_admin_is_any_other_family(world: World, line: Line, command: str) -> None:
    assert _try(world, fake_admin(), line, command) == line.marks(command)["another family"]


@EVERY_LINE
@pytest.mark.parametrize("command", COMMANDS)
def test_the_service_that_asks_in_a_users_name_reaches_what_that_user_reaches(
    world: World, line: Line, command: str
) -> None:
    for name in ("family", "another family", "admin"):
        assert _try(world, requester(world.visitors[name]), line, command) == line.marks(command)[name], name


def _count(world: World, line: Line, family: UUID) -> int:
    query = f"select from {line.relation} where {line.where}"
    return world.connection.execute(query, {"family": family} if "%(" in query else None).rowcount


def _visible(world: World, visitor: str, line: Line) -> int:
    """How many of the line's rows a visitor sees who asks for all there are."""
    if visitor in {"family", "another family"}:
        own = _count(world, line, world.family if visitor == "family" else world.other)
        return own if line.marks("select")["family"] == REACHES else 0
    families = (world.family, world.other) if "%(" in line.where else (world.family,)
    return sum(_count(world, line, family) for family in families) if line.marks("select")[visitor] == REACHES else 0


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
            there = _count(ordinary, line, ordinary.family)
            with acting(ordinary.connection, ordinary.owner):
                seen = _count(ordinary, line, ordinary.family)
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


# What the catalog holds is what the matrix names.


def _relations(world: World) -> set[str]:
    """Every table and view of ours."""
    query = (
        "select format('%%s.%%s', relnamespace::regnamespace, relname) as name from pg_class"
        " where relnamespace::regnamespace::text = any (%s) and relkind in ('r', 'p', 'v', 'm', 'f')"
    )
    return {row["name"] for row in world.connection.execute(query, [world.schemas])}


def test_every_relation_has_its_line(world: World) -> None:
    assert _relations(world) == {line.relation for line in world.lines}


def test_row_level_security_is_on_and_binds_the_owner_where_the_matrix_says_so(world: World) -> None:
    query = "select relrowsecurity, relforcerowsecurity from pg_class where oid = %s::regclass and relkind <> 'v'"
    for line in world.lines:
        for row in world.connection.execute(query, [line.relation]):
            assert tuple(row.values()) == (line.is_secured, line.binds_owner), line.name


def test_a_view_reads_as_whoever_asks(world: World) -> None:
    views = world.connection.execute(
        "select relname from pg_class where relnamespace::regnamespace::text = any (%s) and (relkind = 'm' or"
        " relkind = 'v' and not coalesce('security_invoker=true' = any (reloptions), false))",
        [world.schemas],
    )
    assert views.fetchall() == []


@EVERY_LINE
@pytest.mark.parametrize("role", ["authenticated", "tales_requester"])
def test_a_signed_in_user_fills_and_changes_these_columns_only(world: World, line: Line, role: str) -> None:
    columns = world.connection.execute(
        "select attname, has_column_privilege(%(role)s, attrelid, attnum, 'insert') as inserted,"
        " has_column_privilege(%(role)s, attrelid, attnum, 'update') as updated"
        " from pg_attribute where attrelid = %(relation)s::regclass and attnum > 0 and not attisdropped",
        {"role": role, "relation": line.relation},
    ).fetchall()
    inserted = line.inserted | line.requested if role == "tales_requester" else line.inserted
    for right, wanted in (("inserted", inserted), ("updated", line.updated)):
        every = frozenset(column["attname"] for column in columns)
        found = frozenset(column["attname"] for column in columns if column[right])
        assert found == (every if wanted == EVERY_COLUMN else wanted), right


def test_nobody_has_another_right_and_everybody_together_has_none(world: World) -> None:
    rights = world.connection.execute(
        "select c.oid::regclass::text as name, coalesce(r.rolname, 'public') as who, acl.privilege_type as right"
        " from pg_class as c cross join aclexplode(c.relacl) as acl left join pg_roles as r on r.oid = acl.grantee"
        " where relnamespace::regnamespace::text = any (%s) and relkind not in ('i', 'I', 'S')"
        " and acl.grantee <> c.relowner",
        [world.schemas],
    ).fetchall()
    assert {right["who"] for right in rights} <= set(ROLES)
    assert {right["right"] for right in rights} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}


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


@pytest.mark.parametrize("role", ["anon", "authenticated", "tales_requester", "tales_app"])
@EVERY_LINE
def test_a_relation_is_locked_whole_by_those_alone_who_may_delete_from_it(world: World, line: Line, role: str) -> None:
    users = role in {"authenticated", "tales_requester"}
    commands = {command for command in COMMANDS if users and line.marks(command)["family"] != REFUSED}
    if role == "tales_app" and line.marks("select")["login"] != REFUSED:
        commands.add("select")
    weak = {"access share"} if "select" in commands else set()
    if "insert" in commands and line.inserted == EVERY_COLUMN:
        # Which holds nobody up who reads or writes.
        weak.add("row exclusive")
    allowed = set(_locks(world.connection, role, line.relation))
    assert allowed == (set(LOCKS) if "delete" in commands else weak)


def test_no_right_comes_by_default_with_a_new_table(world: World) -> None:
    with world.connection.transaction(force_rollback=True):
        world.connection.execute("create table tales.toys (id integer)")
        rights = world.connection.execute(
            "select role from unnest(%s::text[]) as role"
            " where has_table_privilege(role, 'tales.toys', 'select, insert, update, delete, truncate')",
            [list(ROLES)],
        )
        assert rights.fetchall() == []
        assert "tales.toys" in _relations(world), "and it has no line"


def test_there_is_no_sequence_that_tells_how_much_others_do(world: World) -> None:
    found = world.connection.execute(
        "select from pg_class where relnamespace::regnamespace::text = any (%s) and relkind = 'S'", [world.schemas]
    )
    assert found.rowcount == 0


def test_every_function_that_is_open_or_has_its_owners_rights_has_its_line(world: World) -> None:
    found = world.connection.execute(
        "with f as (select oid, proname, pronamespace::regnamespace::text as schema, prosecdef, proconfig,"
        " array(select role from unnest(%s::text[]) as role"
        " where has_function_privilege(role, oid, 'execute')) as callers"
        " from pg_proc where pronamespace::regnamespace::text = any (%s))"
        " select schema || '.' || proname as name, callers, prosecdef as is_definer,"
        " coalesce('search_path=\"\"' = any (proconfig), false) as is_fixed"
        " from f where prosecdef or callers <> '{}'",
        [list(ROLES), world.schemas],
    ).fetchall()
    wanted = {line.name: line for line in FUNCTIONS if line.name.partition(".")[0] in world.schemas}
    assert {row["name"]: frozenset(row["callers"]) for row in found} == {
        name: line.callers for name, line in wanted.items()
    }
    for row in found:
        assert row["is_definer"] == bool(wanted[row["name"]].why_definer), row["name"]
        assert row["is_fixed"] or not row["is_definer"], f"a search_path could lead {row['name']} astray"


def test_every_function_looks_names_up_where_they_were_meant(world: World) -> None:
    # A body that was parsed when it was made (`return ...`) looks up no name any more.
    query = """
        select p.oid::regprocedure::text as name from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = any (%s) and p.prosqlbody is null
            and not exists (select from unnest(p.proconfig) as setting where starts_with(setting, 'search_path='))
    """
    assert world.connection.execute(query, [world.schemas]).fetchall() == []


def test_a_schema_is_open_to_these_roles_and_nobody_makes_anything_in_it(world: World) -> None:
    for schema, wanted in SCHEMA_USERS.items():
        rights = world.connection.execute(
            "select role, has_schema_privilege(role, %(schema)s, 'usage') as looks,"
            " has_schema_privilege(role, %(schema)s, 'create') as makes from unnest(%(roles)s::text[]) as role",
            {"schema": schema, "roles": list(ROLES)},
        ).fetchall()
        assert {right["role"] for right in rights if right["looks"]} == wanted, schema
        assert [right["role"] for right in rights if right["makes"]] == [], schema


def test_every_policy_names_its_role_and_looks_at_nothing_that_a_user_writes(world: World) -> None:
    policies = world.connection.execute(
        "select policyname, roles::text[] as roles, coalesce(qual, '') || coalesce(with_check, '') as rule"
        " from pg_policies where schemaname = any (%s)",
        [world.schemas],
    ).fetchall()
    assert policies
    for policy in policies:
        assert set(policy["roles"]) <= {"anon", "authenticated", "service_role"}, policy["policyname"]
        assert "user_metadata" not in policy["rule"], policy["policyname"]
        # Asked once a statement, not once a row.
        rule = policy["rule"].replace("( SELECT auth.uid() AS uid)", "").replace("( SELECT auth.jwt() AS jwt)", "")
        assert "auth." not in rule, policy["policyname"]


# The role that the service signs in with.


def test_a_colleague_who_may_read_every_table_sees_no_familys_row(world: World) -> None:
    with world.connection.transaction(force_rollback=True):
        world.connection.execute("create role colleague; grant pg_read_all_data to colleague")
        there = {line.relation: _count(world, line, world.family) for line in world.lines if line.is_secured}
        world.connection.execute("set local role colleague")
        seen = {relation: world.connection.execute(f"select from {relation}").rowcount for relation in there}
    assert any(there.values())
    assert seen == dict.fromkeys(there, 0)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_the_service_goes_round_the_policies(world: World, role: str) -> None:
    (facts,) = world.connection.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolinherit"
        " from pg_roles where rolname = %s",
        [role],
    ).fetchall()
    inherits = facts.pop("rolinherit")
    assert inherits == (role == "tales_requester"), "it is the user, and the others are nobody by themselves"
    assert not any(facts.values())
    memberships = world.connection.execute(
        "select r.rolname from pg_auth_members as m join pg_roles as r on r.oid = m.roleid"
        " join pg_roles as own on own.oid = m.member where own.rolname = %s",
        [role],
    )
    allowed = {
        "tales_app": {"anon", "authenticated", "service_role", "tales_requester"},
        "tales_requester": {"authenticated"},
    }
    assert {row["rolname"] for row in memberships} == allowed.get(role, set())
    owned = world.connection.execute(
        "select from pg_class where relowner = %(role)s::regrole"
        " union all select from pg_proc where proowner = %(role)s::regrole"
        " union all select from pg_namespace where nspowner = %(role)s::regrole",
        {"role": role},
    )
    assert owned.rowcount == 0


def test_the_services_login_cannot_become_the_owner(database: Database) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        for statement in (
            "set role postgres",
            "set session authorization postgres",
            "alter role tales_app bypassrls",
            "alter table tales.stories disable row level security",
            "create policy forged on tales.stories using (true)",
            "grant select on tales.stories to tales_app",
            "set session_replication_role = replica",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("set row_security = off; select from tales.stories")
