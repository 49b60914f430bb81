"""What the service does not write, and the old application's tables still want: for rows that are only tried."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from tales.legacy.check.own_writes import OLD_COLUMNS

_WANTED = """
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, t.typcategory::text as category,
        coalesce(b.typname, t.typname) as base,
        (select quote_literal(enumlabel) from pg_enum where enumtypid = t.oid order by enumsortorder limit 1) as label,
        exists (
            select from pg_constraint
            where conrelid = c.oid and contype in ('c', 'f') and a.attnum = any (conkey)
        ) as is_bound,
        a.attnotnull or t.typnotnull as is_wanted
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type as t on t.oid = a.atttypid
    left join pg_type as b on b.oid = t.typbasetype
    where c.oid = to_regclass('tales.' || %s) and a.attname <> all (%s)
        and a.attgenerated = '' and a.attidentity = ''
        and (a.attname = any (%s) or not a.atthasdef and t.typdefault is null)
"""
_BY_CATEGORY = {"N": "0", "B": "false", "D": "now()", "A": "'{}'", "T": "'0'", "I": "'::1'", "S": "md5(random()::text)"}
_BY_TYPE = {"uuid": "gen_random_uuid()", "json": "'{}'", "jsonb": "'{}'", "bytea": "''"}

Fillers = dict[str, sql.Composable]


def fillers(connection: psycopg.Connection, table: str, written: Collection[str]) -> Fillers:
    """By column of `table` that is not `written` and must be: an expression that it is likely to take.

    A new value, so that it is unique; one that is there already, where a constraint says what it may be.
    """
    old = OLD_COLUMNS if table == "stories" else {}
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        columns: list[Any] = cursor.execute(_WANTED, [table, list(written), list(old)]).fetchall()
    found: Fillers = {}
    for column in columns:
        if column.name in old:
            found[column.name] = sql.Literal(old[column.name])
        elif column.is_wanted:
            made = _BY_TYPE.get(column.base) or column.label or _BY_CATEGORY.get(column.category, "null")
            value = sql.SQL("cast({} as {})").format(sql.SQL(made), sql.SQL(column.type))
            if column.is_bound:
                value = sql.SQL("coalesce((select {0} from {1} where {0} is not null limit 1), {2})").format(
                    sql.Identifier(column.name), sql.Identifier("tales", table), value
                )
            found[column.name] = value
    return found
