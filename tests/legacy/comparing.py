"""All that a way back has to give back, as text: rows column by column, and what the catalog says of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tests.fixtures.catalog import catalog

Row = tuple[tuple[str, str | None], ...]

_COLUMNS = """
    select attname from pg_attribute
    where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attname
"""
# What tests/fixtures/catalog.py does not look at.
_MORE = """
    select format('comment on %s: %s', pg_describe_object(classoid, objoid, objsubid), description)
    from pg_description where classoid in ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass,
        'pg_trigger'::regclass) and pg_describe_object(classoid, objoid, objsubid) ~ 'tales'
    union all
    select format('view %s: %s', c.oid::regclass, pg_get_viewdef(c.oid)) from pg_class as c
    where relnamespace = 'tales'::regnamespace and relkind in ('v', 'm')
    union all
    select format('rule %s', pg_get_ruledef(r.oid)) from pg_rewrite as r join pg_class as c on c.oid = ev_class
    where relnamespace = 'tales'::regnamespace and rulename <> '_RETURN'
    union all
    select format('published %s by %s: %s', prrelid::regclass, p.pubname, pg_get_expr(prqual, prrelid))
    from pg_publication_rel join pg_publication as p on p.oid = prpubid
    union all
    select format('statistics %s', pg_get_statisticsobjdef(oid)) from pg_statistic_ext
    union all
    select format('table %s: replica identity %s, persistence %s', oid::regclass, relreplident, relpersistence)
    from pg_class where relnamespace = 'tales'::regnamespace and relkind = 'r'
    union all
    select format('index %s: clustered %s, identity %s', indexrelid::regclass, indisclustered, indisreplident)
    from pg_index join pg_class as c on c.oid = indrelid where relnamespace = 'tales'::regnamespace
    union all
    select format('type %s: %s', typname, typnotnull) from pg_type
    where typnamespace = 'tales'::regnamespace and typtype in ('e', 'd')
    union all
    select format('default privileges %s', d) from pg_default_acl as d
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds."""

    rows: dict[str, list[Row]]
    catalog: frozenset[str]

    def differences(self, after: Contents, allowed: Iterable[str]) -> list[str]:
        """What is not the same afterwards. A line of the catalog that has one of `allowed` in it may differ."""
        names = tuple(allowed)
        changed = [
            f"{'-' if line in self.catalog else '+'} {line}"
            for line in sorted(self.catalog ^ after.catalog)
            if not any(name in line for name in names)
        ]
        for table in self.rows:
            before, now = self.rows[table], after.rows[table]
            changed += [f"- {table} {row}" for row in before if row not in now]
            changed += [f"+ {table} {row}" for row in now if row not in before]
        return changed


def contents(url: str) -> Contents:
    """What the database at `url`, a superuser's, holds."""
    lines = catalog(url, ("tales",))
    rows: dict[str, list[Row]] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        lines += [line for (line,) in connection.execute(_MORE)]
        for table in ("stories", "children", "heroes"):
            rows[table] = _rows(connection, table)
    return Contents(rows, frozenset(lines))


def _rows(connection: psycopg.Connection, table: str) -> list[Row]:
    names = [name for (name,) in connection.execute(_COLUMNS, [f"tales.{table}"])]
    if not names:
        return []
    as_text = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    found = connection.execute(sql.SQL("select {} from tales.{}").format(as_text, sql.Identifier(table)))
    return sorted((tuple(zip(names, row, strict=True)) for row in found), key=repr)
