"""Whether the service's writes can be tried in a database, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import namedtuple_row

from tales.legacy.check.own_writes import OLD_COLUMNS

_ROLES = ("authenticated", "service_role", "tales_requester")
_PLACE = """
    select
        pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as is_read_only,
        current_setting('session_replication_role') <> 'origin' as is_muted,
        quote_ident(current_user) as this_role,
        to_regprocedure('tales.finish_attempts(jsonb)') is not null as has_queue,
        exists (
            select from pg_attribute
            where attrelid = to_regclass('tales.stories') and attname = any (%(old)s) and not attisdropped
        ) as has_old_columns,
        array(
            select wanted.name from unnest(%(roles)s::text[]) as wanted (name)
            where to_regrole(wanted.name) is null or not pg_has_role(
                current_user, to_regrole(wanted.name),
                case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end
            )
        ) as foreign_roles
"""
# As 012 to 014 make them, and 018 where they are missing.
_SERVED = """
    select not exists (
        select from (values ('stories'), ('children'), ('heroes')) as t (name)
        cross join (values
            ('authenticated', 'insert', 'users add their own %%s'),
            ('authenticated', 'update', 'users change their own %%s'),
            ('authenticated', 'delete', 'users delete their own %%s'), ('authenticated', 'select', null),
            ('service_role', 'select', 'the service reads %%s'), ('service_role', 'insert', 'the service adds %%s')
        ) as w (grantee, privilege, policy)
        join pg_class as c on c.oid = to_regclass('tales.' || t.name)
        join pg_roles as r on r.rolname = w.grantee
        where (w.grantee, w.privilege, t.name) not in (
                ('service_role', 'insert', 'children'), ('service_role', 'insert', 'heroes'))
            and not (
                has_schema_privilege(w.grantee, 'tales', 'usage') and has_table_privilege(w.grantee, c.oid, w.privilege)
                and (not c.relrowsecurity or r.rolsuper or r.rolbypassrls or w.policy is null or exists (
                    select from pg_policy where polrelid = c.oid and polname = format(w.policy, t.name)))
            )
    ) and not exists (
        select from pg_depend as d
        join pg_attrdef as f on f.oid = d.objid
        join pg_class as s on s.oid = d.refobjid and s.relkind = 'S'
        where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
            and f.adrelid in (to_regclass('tales.stories'), to_regclass('tales.children'), to_regclass('tales.heroes'))
            and not (has_sequence_privilege('authenticated', s.oid, 'usage')
                and has_sequence_privilege('service_role', s.oid, 'usage'))
    ) as is_served
"""
_UNWRITABLE = """
    select string_agg(c.oid::regclass::text, ', ' order by 1) as tables
    from pg_class as c
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes') and not (
        has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
        and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')
        and not row_security_active(c.oid)
    )
"""
_SEES_USERS = """
    select has_schema_privilege('auth', 'usage') and has_table_privilege(oid, 'select')
        and not row_security_active(oid) as sees
    from pg_class
    where relnamespace = to_regnamespace('auth') and relname = 'users'
"""
_OWNER_OF_ANY = """
    select user_id as id
    from (
        (select user_id from tales.stories where user_id is not null limit 1)
        union all (select user_id from tales.children where user_id is not null limit 1)
        union all (select user_id from tales.heroes where user_id is not null limit 1)
    ) as known
    limit 1
"""
_KNOWN_USER = """
    select id
    from (
        (select s.user_id as id from tales.stories as s join auth.users as u on u.id = s.user_id limit 1)
        union all (select id from auth.users limit 1)
    ) as known
    limit 1
"""
_KNOWN_TO_US = "select user_id from tales.generations limit 1"
_ADD_USER = "insert into auth.users (id) values (%s)"
_INTERRUPTIONS = {
    "55P03": "somebody has locked what they need. Try again",
    "40P01": "they and somebody else waited for each other. Try again",
    "57014": "they took longer than {seconds} s: a trigger is slow, or the database is busy. Try again",
    "25006": "the database is read-only",
    "53100": "the disk of the database is full",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the writes are tried: for which user, and as whom."""

    user: UUID
    has_queue: bool
    """Attempts and stories are written by the queue's own functions. Otherwise as the old application writes them."""
    is_served: bool
    """The service's roles have their rights. Otherwise whoever checks writes in their place."""


class OutOfReach(Exception):
    """The writes cannot be tried; the message is the reason, the end of a sentence."""


def find_place(connection: psycopg.Connection) -> Place:
    """Where and as whom to try the writes, in the transaction in which they will be. Raises: OutOfReach."""
    place = _row(connection, _PLACE, {"old": list(OLD_COLUMNS), "roles": list(_ROLES)})
    if place.is_read_only:
        raise OutOfReach("the database is read-only here.")
    if place.is_muted:
        raise OutOfReach("session_replication_role mutes the triggers here.")
    if not place.has_queue and not place.has_old_columns:
        raise OutOfReach("the migrations have not all been taken. Run `tales migrate up` first.")
    if place.has_queue:
        if place.foreign_roles:
            roles = ", ".join(place.foreign_roles)
            raise OutOfReach(f"{place.this_role} may not take on {roles}. Run the check as the owner.")
        # The policies bind the owner as well.
        connection.execute("set local role service_role")
        found = _row(connection, _KNOWN_TO_US, {})
        user = UUID(str(found.user_id)) if found else _user(connection)
        connection.execute("reset role")
        return Place(user, has_queue=True, is_served=True)
    is_served = set(place.foreign_roles) <= {"tales_requester"} and _row(connection, _SERVED, {}).is_served
    if not is_served and (tables := _row(connection, _UNWRITABLE, {}).tables):
        raise OutOfReach(f"{place.this_role} may not write {tables}. Run the check as the owner.")
    return Place(_user(connection), has_queue=False, is_served=is_served)


def interruption(error: psycopg.Error, seconds: float) -> str | None:
    """Why the writes could not be tried to their end; None where that is something else's fault."""
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        return "the connection was lost. Try again."
    reason = _INTERRUPTIONS.get(error.sqlstate or "")
    return f"{reason.format(seconds=f'{seconds:g}')}." if reason else None


def _user(connection: psycopg.Connection) -> UUID:
    """A user that there is; where there is none, a new one, who goes with the transaction. Raises: OutOfReach."""
    rights = _row(connection, _SEES_USERS, {})
    try:
        found = _row(connection, _KNOWN_USER if rights and rights.sees else _OWNER_OF_ANY, {})
    except psycopg.errors.UndefinedColumn:
        raise OutOfReach("a table lacks a column that the service needs.") from None
    if found is not None:
        return UUID(str(found.id))
    try:
        with connection.transaction():
            connection.execute(_ADD_USER, [user := uuid4()])
    except psycopg.Error:
        raise OutOfReach("there is no user to whom a story could belong. Try again when there is one.") from None
    return user


def _row(connection: psycopg.Connection, query: LiteralString, parameters: dict[str, object]) -> Any:  # noqa: ANN401 -- a row's columns are the query's
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, parameters).fetchone()
