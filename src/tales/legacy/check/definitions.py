"""Tries what the migrations define, on a table of its own: an event trigger of somebody's may refuse it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from tales.legacy.report import Finding, Severity

_EVENT_TRIGGERS = """
    select 'event trigger ' || quote_ident(e.evtname) as words, format('alter event trigger %I disable;', e.evtname)
        as disable, p.oid::regprocedure::text as function
    from pg_event_trigger as e
    join pg_proc as p on p.oid = e.evtfoid
    where e.evtenabled in ('O', 'A') and e.evtevent <> 'login'
    order by 1
"""
_MAY_DEFINE = """
    select has_schema_privilege('tales', 'create') and has_database_privilege(current_database(), 'create') as may
"""
_DEFINITIONS = (
    "create schema {schema}",
    "create table {table} (id uuid primary key, note text)",
    "comment on table {table} is 'Of a trial'",
    "alter table {table} add column at timestamptz not null default now(), add constraint {name} check (note <> '')",
    "create index on {table} (at)",
    "create function {table}() returns trigger language plpgsql as 'begin return new; end'",
    "create trigger {name} before insert on {table} for each row execute function {table}()",
    "alter table {table} enable row level security",
    "create policy {name} on {table} using (true)",
    "grant select on {table} to public",
    "drop policy {name} on {table}",
    "drop trigger {name} on {table}",
    "drop function {table}()",
    "alter table {table} drop column note",
    "drop table {table}",
    "drop schema {schema}",
)


def refused_definitions(connection: psycopg.Connection) -> list[Finding]:
    """What event triggers have against what the migrations define, in the transaction that is rolled back.

    Raises: psycopg.Error, where it is something else.
    """
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        events: list[Any] = cursor.execute(_EVENT_TRIGGERS).fetchall()
        rights: Any = cursor.execute(_MAY_DEFINE).fetchone()
    if not events or not rights.may:
        return []
    name = f"check_{uuid4().hex}"
    names = {"schema": sql.Identifier(name), "table": sql.Identifier("tales", name), "name": sql.Identifier(name)}
    try:
        with connection.transaction():
            for definition in _DEFINITIONS:
                connection.execute(sql.SQL(definition).format(**names))
    except psycopg.Error as error:
        # The words of a context are in any language, and the names in it are not.
        named = [event for event in events if event.function in (error.diag.context or "")] or events
        if error.sqlstate in {"55P03", "57014"}:
            raise
        words = " or the ".join(event.words for event in named)
        sentence = (
            f"The {words} refuses what the migrations define (SQLSTATE {error.sqlstate}): `up` would stop. Disable it "
            "while the migration runs."
        )
        return [Finding("event_trigger_refuses", Severity.PROBLEM, sentence, tuple(e.disable for e in named))]
    return []
