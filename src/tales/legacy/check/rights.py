"""Whether this server and this role can run `up`. The check itself may be run by another role: these are warnings."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from tales.legacy.check.specification import ours
from tales.legacy.report import Finding, Severity

OLDEST, NEWEST = 15, 18

_SERVER = text("""
    select current_setting('server_version_num')::int / 10000 as version, pg_is_in_recovery() as is_standby,
        current_setting('default_transaction_read_only') = 'on' as is_read_only,
        current_setting('session_replication_role') as replication_role,
        current_setting('server_encoding') as encoding, quote_ident(current_database()) as database
""")
_RIGHTS = text("""
    select
        quote_ident(current_user) as role,
        (select quote_ident(current_database())) as database,
        array(
            select format('%s %s', case relkind when 'S' then 'sequence' else 'table' end, oid::regclass)
            from pg_class
            where relnamespace = to_regnamespace('tales') and relname in ('stories', 'children', 'heroes')
                and not pg_has_role(relowner, 'usage')
            order by 1
        ) as owned_by_others,
        has_schema_privilege('tales', 'create') as may_add_tables,
        has_database_privilege(current_database(), 'create') as may_add_schemas,
        coalesce((
            select has_schema_privilege('auth', 'usage') and has_table_privilege(oid, 'references')
            from pg_class where relnamespace = to_regnamespace('auth') and relname = 'users'
        ), false) as may_reference_users,
        (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as may_add_roles,
        array(
            select wanted.name
            from unnest(array['anon', 'authenticated', 'service_role', 'tales_requester', 'tales_app']) as wanted (name)
            where to_regrole(wanted.name) is null
        ) as missing_roles,
        has_parameter_privilege('session_replication_role', 'set') as may_mute_triggers
""")
# The migration updates stories twice at most; others' triggers that fire then write what nobody asked for.
_FIRED_BY_UPDATE = text("""
    select quote_ident(tgname)
    from pg_trigger
    where tgrelid = to_regclass('tales.stories') and not tgisinternal and tgtype & 16 > 0
        and tgname <> all (:ours) and tgenabled in ('O', 'A')
    order by 1
""")


def judge_server(connection: Connection) -> Iterator[Finding]:
    """The version of the server, and the state that it is in."""
    server = connection.execute(_SERVER).one()
    yield from judge_version(server.version)
    if server.encoding != "UTF8":
        sentence = (
            f"The database is in {server.encoding}, which cannot hold what models write: UTF8 is needed. "
            "Make a database in UTF8, and restore a dump of this one into it."
        )
        make = f"create database {server.database}_utf8 template template0 encoding 'UTF8';"
        yield Finding("encoding", Severity.PROBLEM, sentence, (make,))
    if server.is_standby or server.is_read_only:
        what = "is a standby" if server.is_standby else "makes transactions read-only"
        yield Finding("read_only", Severity.WARNING, f"This server {what}: `up` has to run where it can write.")
    if server.replication_role != "origin":
        sentence = (
            f"session_replication_role is {server.replication_role} here: no trigger and no foreign key would work."
        )
        yield Finding("replication_role", Severity.WARNING, sentence, ("set session_replication_role = origin;",))


def judge_version(version: int) -> Iterator[Finding]:
    """Whether Tales runs on this major version of PostgreSQL."""
    if version < OLDEST:
        sentence = f"PostgreSQL {version} is too old: {OLDEST} or later is needed."
        yield Finding("version", Severity.PROBLEM, sentence)
    elif version > NEWEST:
        sentence = f"PostgreSQL {version} is newer than what Tales was tried on ({OLDEST} to {NEWEST})."
        yield Finding("version", Severity.WARNING, sentence)


def judge_rights(connection: Connection) -> Iterator[Finding]:
    """What this role would lack for `up`."""
    rights = connection.execute(_RIGHTS).one()
    lacking = [
        (bool(rights.owned_by_others), f"own the {', '.join(rights.owned_by_others)}", ()),
        (not rights.may_add_tables, "create in the schema tales", (f"grant create on schema tales to {rights.role};",)),
        (
            not rights.may_add_schemas,
            "create schemas",
            (f"grant create on database {rights.database} to {rights.role};",),
        ),
        (
            not rights.may_reference_users,
            "refer to auth.users",
            (f"grant usage on schema auth to {rights.role};", f"grant references on auth.users to {rights.role};"),
        ),
        (
            bool(rights.missing_roles) and not rights.may_add_roles,
            f"make the missing roles {', '.join(rights.missing_roles)}",
            tuple(statement for name in rights.missing_roles for statement in _role_statements(name, rights.role)),
        ),
    ]
    for is_lacking, what, statements in lacking:
        if is_lacking:
            sentence = f"`up` cannot run as {rights.role}: it must {what}."
            yield Finding("right_missing", Severity.WARNING, sentence, statements)
    if rights.may_mute_triggers:
        return
    for trigger in connection.execute(_FIRED_BY_UPDATE, {"ours": ours("trigger")}).scalars():
        sentence = (
            f"{rights.role} may not mute the trigger {trigger} on stories, which fires when the migration links a "
            "story. The story stays as it is; what the trigger writes elsewhere is written."
        )
        grant = f"grant set on parameter session_replication_role to {rights.role};"
        yield Finding("trigger_not_muted", Severity.WARNING, sentence, (grant,))


def _role_statements(name: str, owner: str) -> Iterator[str]:
    """How somebody who may do so makes a role as the migrations make it (001, 018)."""
    inherits = name == "tales_requester"
    yield f"create role {name} nologin {'inherit' if inherits else 'noinherit'};"
    if inherits:
        yield f"grant authenticated to {name};"
    if name == "tales_app":
        yield f"grant anon, authenticated, service_role, tales_requester to {name};"
    yield f"grant {name} to {owner};"
