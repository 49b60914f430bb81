"""Who may do what once the new service runs: its roles, the schema auth, policies, default privileges."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from sqlalchemy import Connection, text

from tales.legacy.check.sample_rows import holds, sample_rows
from tales.legacy.report import Finding, Severity

_ROLES = text("""
    select name, quote_ident(current_user) as this_role
    from unnest(array['anon', 'authenticated', 'service_role']) as name
    where to_regrole(name) is null
""")
_AUTH = text("""
    select
        array(
            select wanted.name
            from (values ('uid', 'uuid'::regtype), ('jwt', 'jsonb')) as wanted (name, kind)
            where not exists (
                select from pg_proc
                where pronamespace = to_regnamespace('auth') and proname = wanted.name and prorettype = wanted.kind
                    and pronargs = 0
            )
            order by 1 desc
        ) as missing_functions,
        array(
            select name from unnest(array['anon', 'authenticated', 'service_role']) as name
            where to_regrole(name) is not null and to_regnamespace('auth') is not null
                and not has_schema_privilege(name, 'auth', 'usage')
        ) as kept_out
""")
# A foreign key looks its row up as the owner of the table that it leads to.
_OWNERS = text("""
    select c.oid::regclass::text as name, quote_ident(r.rolname) as owner
    from pg_class as c
    join pg_roles as r on r.oid = c.relowner
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and not has_schema_privilege(c.relowner, 'tales', 'usage')
    order by 1
""")
# What a role is granted of every new table or function, ours included.
_DEFAULTS = text("""
    select format('alter default privileges for role %I%s revoke all on %s from %s;', r.rolname,
            coalesce(format(' in schema %I', n.nspname), ''),
            case d.defaclobjtype when 'r' then 'tables' else 'functions' end,
            string_agg(distinct coalesce(quote_ident(g.rolname), 'public'), ', ')) as revoke,
        case d.defaclobjtype when 'r' then 'table' else 'function' end as kind,
        string_agg(distinct coalesce(g.rolname, 'public'), ', ') as grantees
    from pg_default_acl as d
    join pg_roles as r on r.oid = d.defaclrole
    left join pg_namespace as n on n.oid = d.defaclnamespace
    cross join aclexplode(d.defaclacl) as a
    left join pg_roles as g on g.oid = a.grantee
    where d.defaclobjtype in ('r', 'f') and (d.defaclnamespace = 0 or n.nspname = 'tales')
        and r.oid = (select relowner from pg_class where oid = to_regclass('tales.stories'))
        and a.grantee is distinct from d.defaclrole and (d.defaclobjtype = 'r' or a.grantee <> 0)
    group by r.rolname, n.nspname, d.defaclobjtype
    order by 1
""")
_POLICIES = text("""
    select format('%I on %s', p.polname, c.oid::regclass) as name, c.oid::regclass::text as on_table,
        c.relname as table, p.polpermissive as is_permissive, pg_get_expr(p.polqual, p.polrelid) as using,
        coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as check
    from pg_policy as p
    join pg_class as c on c.oid = p.polrelid
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and (p.polroles && array[0::oid, to_regrole('authenticated')::oid, to_regrole('anon')::oid]
            or (not p.polpermissive and to_regrole('service_role')::oid = any (p.polroles)))
    order by 1
""")
# 018 makes ours where there is none of that name.
_MISNAMED = text("""
    select format('%I on %s', p.polname, c.oid::regclass) as name
    from (values
        ('users read their own %s', 'r', 'authenticated'), ('users add their own %s', 'a', 'authenticated'),
        ('users change their own %s', 'w', 'authenticated'), ('users delete their own %s', 'd', 'authenticated'),
        ('users read their own and ready-made %s', 'r', 'authenticated'),
        ('the service reads %s', 'r', 'service_role'), ('the service adds %s', 'a', 'service_role')
    ) as ours (name, command, grantee)
    cross join pg_class as c
    join pg_policy as p on p.polrelid = c.oid and p.polname = format(ours.name, c.relname)
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and not (p.polcmd::text = ours.command and p.polpermissive
            and p.polroles = array[to_regrole(ours.grantee)::oid])
    order by 1
""")
_LACKING = text("""
    select string_agg(distinct format('%s to %s', w.on_table, w.grantee), ', ') as rights
    from (
        select 'tales.' || t as on_table, 'authenticated' as grantee, p as privilege
        from unnest(array['stories', 'children', 'heroes']) as t
        cross join unnest(array['select', 'insert', 'update', 'delete']) as p
        union all select 'tales.' || t, 'service_role', 'select'
        from unnest(array['stories', 'children', 'heroes']) as t
        union all select 'tales.stories', 'service_role', 'insert'
    ) as w
    where to_regrole(w.grantee) is not null and to_regclass(w.on_table) is not null
        and not has_table_privilege(w.grantee, w.on_table, w.privilege)
""")
_CLAIMS = "coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb"
_MAKE_FUNCTION = {
    "uid": f"create function auth.uid() returns uuid language sql stable return nullif({_CLAIMS} ->> 'sub', '')::uuid;",
    "jwt": f"create function auth.jwt() returns jsonb language sql stable return {_CLAIMS};",
}


def judge_access(connection: Connection, later: Severity) -> Iterator[Finding]:
    """What keeps the service's roles out, or lets its users in too far. `later`: how much that matters."""
    for name, this_role in connection.execute(_ROLES):
        sentence = f"There is no role {name}, which 015 and the service need: only 001 makes it. Make it first."
        statements = (f"create role {name} nologin noinherit;", f"grant {name} to {this_role};")
        yield Finding("role_missing", Severity.PROBLEM, sentence, statements)
    yield from _auth(connection)
    for row in connection.execute(_OWNERS):
        sentence = (
            f"{row.owner} owns {row.name} and may not use the schema tales: no foreign key to it can be checked. "
            "Grant it first."
        )
        yield Finding("owner_kept_out", Severity.PROBLEM, sentence, (f"grant usage on schema tales to {row.owner};",))
    for row in connection.execute(_DEFAULTS):
        sentence = (
            f"By default privileges, {row.grantees} would have every right on each new {row.kind}: that goes round "
            "what generations and the queue keep to the service. Revoke them first."
        )
        yield Finding("default_privileges", Severity.PROBLEM, sentence, (row.revoke,))
    for name in connection.execute(_MISNAMED).scalars():
        sentence = f"The policy {name} has the name of one of ours, and says something else. Drop it or rename it."
        yield Finding("policy_name_taken", later, sentence, (f"drop policy {name};",))
    yield from _policies(connection, later)
    if rights := connection.execute(_LACKING).scalar():
        sentence = f"018 grants what the service needs and is not granted yet: {rights}. `down` takes it back."
        yield Finding("rights_given", Severity.NOTE, sentence)


def _auth(connection: Connection) -> Iterator[Finding]:
    auth = connection.execute(_AUTH).one()
    for name in auth.missing_functions:
        sentence = f"There is no function auth.{name}() of the right type, which every policy asks. Make it."
        yield Finding("auth_function_missing", Severity.PROBLEM, sentence, (_MAKE_FUNCTION[name],))
    if auth.kept_out:
        roles = ", ".join(auth.kept_out)
        sentence = f"{roles} may not use the schema auth, whose functions every policy asks. Grant it first."
        yield Finding("auth_closed", Severity.PROBLEM, sentence, (f"grant usage on schema auth to {roles};",))


def _policies(connection: Connection, later: Severity) -> Iterator[Finding]:
    """Policies of others that show a family's rows to a stranger, or that may refuse what the service does."""
    samples = sample_rows(connection)
    for row in connection.execute(_POLICIES).all():
        drop = (f"drop policy {row.name};",)
        if not row.is_permissive:
            if {row.using, row.check} - {None, "", "true"}:
                sentence = (
                    f"The restrictive policy {row.name} narrows what families and the service may do, and nobody can "
                    "say which of their rows it refuses. Drop it."
                )
                yield Finding("policy_restrictive", later, sentence, drop)
        elif row.using not in {None, "true"} and holds(
            connection,
            f"user_id is not null and ({row.using})",
            (row.on_table, *(f"({query}) as {row.table}" for query in samples[row.table])),
            f'{{"sub": "{uuid4()}", "role": "authenticated"}}',
        ):
            sentence = f"The policy {row.name} shows rows of a family to users who are no part of it. Drop it."
            yield Finding("policy_open", later, sentence, drop)
