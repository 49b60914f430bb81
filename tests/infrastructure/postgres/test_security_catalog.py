"""What the catalog holds is what the security matrix names: relations, rights, functions, schemas, policies, roles."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.databases import Database
from tests.infrastructure.postgres.matrix_world import World, count
from tests.infrastructure.postgres.security_functions import FUNCTIONS
from tests.infrastructure.postgres.security_matrix import ROLES, SCHEMA_USERS


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


IS_ADMIN = "( SELECT (((auth.jwt() -> 'app_metadata'::text) ->> 'role'::text) = 'admin'::text))"


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
        rule = policy["rule"]
        for asked in ("( SELECT auth.uid() AS uid)", "( SELECT auth.jwt() AS jwt)", IS_ADMIN):
            rule = rule.replace(asked, "")
        assert "auth." not in rule, policy["policyname"]


# The role that the service signs in with.


def test_a_colleague_who_may_read_every_table_sees_no_familys_row(world: World) -> None:
    with world.connection.transaction(force_rollback=True):
        world.connection.execute("create role colleague; grant pg_read_all_data to colleague")
        there = {line.relation: count(world, line, world.family) for line in world.lines if line.is_secured}
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
