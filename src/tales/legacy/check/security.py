"""What lies open, and whether this role sees all there is."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from tales.infrastructure.postgres.open_schema import MAY_CREATE, OpenSchema
from tales.legacy.report import Finding, Severity

_VISIBLE = text("""
    select c.relname as table, c.oid::regclass::text as name, quote_ident(current_user) as this_role,
        has_table_privilege(c.oid, 'select') as may_read, row_security_active(c.oid) as is_hidden,
        c.relforcerowsecurity and pg_has_role(c.relowner, 'usage') as is_forced
    from pg_class as c
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
    order by 1
""")
_USERS = text("""
    select has_schema_privilege('auth', 'usage') and has_table_privilege(oid, 'select')
        and not row_security_active(oid)
    from pg_class
    where relnamespace = to_regnamespace('auth') and relname = 'users'
""")
_UNSECURED = text("""
    select oid::regclass::text
    from pg_class
    where relnamespace = to_regnamespace('tales') and relname in ('stories', 'children', 'heroes')
        and not relrowsecurity
    order by 1
""")
# Restrictive policies only narrow others. The service, the owner and whoever passes the policies anyway see all rows
# by design.
_OPEN = text("""
    select format('%I on %s', p.polname, c.oid::regclass) as name, c.oid::regclass::text as on_table,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
            else 'all' end as command,
        string_agg(coalesce(r.rolname, 'public'), ', ' order by r.rolname) as roles
    from pg_policy as p
    join pg_class as c on c.oid = p.polrelid
    cross join unnest(p.polroles) as role (oid)
    left join pg_roles as r on r.oid = role.oid
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and p.polpermissive
        and 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
        and (
            role.oid = 0
            or (r.rolname <> 'service_role' and not r.rolsuper and not r.rolbypassrls and r.oid <> c.relowner)
        )
    group by p.oid, c.oid
    order by 1
""")
# 017 forces the policies on the owner as well: a view that reads as such an owner then finds nothing.
_BLINDED_VIEWS = text("""
    select distinct v.oid::regclass::text as name, v.relkind = 'm' as is_materialized
    from pg_depend as d
    join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_class as v on v.oid = r.ev_class and v.relkind in ('v', 'm')
    join pg_class as s on s.oid = d.refobjid
    join pg_roles as o on o.oid = v.relowner
    where d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass('tales.stories')
        and not s.relforcerowsecurity and v.relowner = s.relowner
        and not o.rolsuper and not o.rolbypassrls
        and not coalesce(array['security_invoker=true', 'security_invoker=on'] && v.reloptions, false)
    order by 1
""")
_MAY_CREATE = text(MAY_CREATE)
_OF_SERVICE = {"public", "anon", "authenticated", "tales_requester"}
"""Roles in whose name the service reads and writes for families."""


def hidden_rows(connection: Connection) -> tuple[Finding, ...]:
    """Why this role does not see every row, if it does not."""
    return tuple(_hidden(connection))


def _hidden(connection: Connection) -> Iterator[Finding]:
    for row in connection.execute(_VISIBLE):
        if not row.may_read:
            grant = f"grant select on {row.name} to {row.this_role};"
            sentence = f"This role may not read {row.name}. Run the check as its owner."
            yield Finding("not_readable", Severity.PROBLEM, sentence, (grant,))
        elif row.is_hidden:
            unforce = (f"alter table {row.name} no force row level security;",) if row.is_forced else ()
            sentence = (
                f"Row-level security hides rows of {row.name} from this role, so that nothing can be counted. "
                "Run the check as the owner, or as a role with BYPASSRLS."
            )
            yield Finding("rows_hidden", Severity.PROBLEM, sentence, unforce)


def open_schema(connection: Connection) -> Iterator[Finding]:
    """Whether others than the owner may create where names are looked for by default."""
    if roles := tuple(connection.execute(_MAY_CREATE).scalars()):
        found = OpenSchema(roles)
        yield Finding("schema_open", Severity.WARNING, found.sentence, (found.statement,))


def sees_users(connection: Connection) -> bool:
    """Whether this role sees every row of auth.users."""
    return bool(connection.execute(_USERS).scalar())


def permissive_policies(connection: Connection, later: Severity) -> Iterator[Finding]:
    """Tables and policies that leave families' rows to everybody, and views that will see nothing.

    `later` is how much it matters what only endangers the new service: 018 lets its users in.
    """
    for name in connection.execute(_UNSECURED).scalars():
        sentence = (
            f"{name} has no row-level security: whoever may read the table reads every family's rows. 018 turns it on, "
            "with policies for families and for the service; an application that signs in as another role than the "
            "owner sees no row from then on. `down` turns it off again."
        )
        yield Finding(
            "no_row_security", Severity.WARNING, sentence, (f"alter table {name} enable row level security;",)
        )
    for row in connection.execute(_OPEN):
        sentence = f"The policy {row.name} leaves {row.command} of every family's rows to {row.roles} (true). "
        if _OF_SERVICE & set(row.roles.split(", ")):
            sentence += "The service's users come in by these roles: drop it."
            yield Finding("policy_open", later, sentence, (f"drop policy {row.name};",))
        else:
            sentence += "It stays."
            yield Finding("policy_open", Severity.WARNING, sentence, (f"drop policy {row.name};",))
    for row in connection.execute(_BLINDED_VIEWS):
        sentence = f"{row.name} reads as the owner of stories, whom 017 binds to the policies: it then finds no row. "
        owner = (f"alter materialized view {row.name} owner to service_role;",)
        if row.is_materialized:
            yield Finding("view_blinded", Severity.WARNING, sentence + "Give it to a role that sees all rows.", owner)
        else:
            invoker = (f"alter view {row.name} set (security_invoker = true);",)
            yield Finding("view_blinded", Severity.WARNING, sentence + "Let it read as whoever asks.", invoker)
