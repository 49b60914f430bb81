#!/usr/bin/env python3
"""Draws the data model into the README, from the catalog of a migrated database (`make docs`).

Usage: docs/data_model.py [URL]     without a URL: of a throw-away embedded server, migrated by this checkout
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from tales.infrastructure.embedded.server import start_embedded, stop_embedded
from tales.legacy.migrate import migrate_up

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- data model: drawn by `make docs`, do not edit -->"
END = "<!-- end of the data model -->"

# Of a table that is not ours (auth.users), only what we refer to is shown. What the migrations set aside (their notes,
# legacy rows without a place) the service cannot read, and it is no part of the model.
_COLUMNS = """
    select
        c.oid::int8 as table_id,
        case when n.nspname = 'tales' then c.relname else n.nspname || '.' || c.relname end as table_name,
        a.attname as name,
        case when atttypid = 'timestamptz'::regtype then 'timestamptz' else format_type(atttypid, null) end as type,
        n.nspname <> 'tales' or has_table_privilege('service_role', c.oid, 'select') as is_served,
        a.attgenerated <> '' as is_computed,
        exists (select from pg_constraint where contype = 'p' and conrelid = c.oid and attnum = any (conkey)) as is_pk,
        exists (select from pg_constraint where contype = 'f' and conrelid = c.oid and attnum = any (conkey)) as is_fk
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and (
        n.nspname = 'tales'
        or exists (
            select from pg_constraint
            where contype = 'f' and confrelid = c.oid and connamespace = 'tales'::regnamespace
                and attnum = any (confkey)
        )
    )
    order by n.nspname <> 'auth', c.relname, a.attnum
"""

# A child has at most one row for a parent where a unique index covers columns of the foreign key alone.
_RELATIONS = """
    select
        f.conrelid::int8 as child,
        f.confrelid::int8 as parent,
        array_to_string(array(
            select attname from unnest(f.conkey) with ordinality as k (number, place)
            join pg_attribute on attrelid = f.conrelid and attnum = number
            order by place
        ), ', ') as label,
        not exists (
            select from pg_attribute where attrelid = f.conrelid and attnum = any (f.conkey) and not attnotnull
        ) as is_required,
        exists (
            select from pg_index as i
            where i.indrelid = f.conrelid and i.indisunique and i.indpred is null and i.indkey::int2[] <@ f.conkey
        ) as is_single
    from pg_constraint as f
    join pg_class as p on p.oid = f.confrelid
    join pg_class as c on c.oid = f.conrelid
    where f.contype = 'f' and f.connamespace = 'tales'::regnamespace
    order by p.relname, c.relname, label
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    table_id: int
    table_name: str
    name: str
    type: str
    is_served: bool
    is_computed: bool
    is_pk: bool
    is_fk: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A foreign key: `child` refers to `parent`. `is_single`: at most one row of the child for each of the parent."""

    child: int
    parent: int
    label: str
    is_required: bool
    is_single: bool


def draw(url: str) -> str:
    """The data model of the migrated database at `url`, as Markdown with a Mermaid diagram."""
    with psycopg.connect(url) as connection:
        columns = connection.cursor(row_factory=class_row(Column)).execute(_COLUMNS).fetchall()
        relations = connection.cursor(row_factory=class_row(Relation)).execute(_RELATIONS).fetchall()
    tables: defaultdict[int, list[Column]] = defaultdict(list)
    for column in columns:
        tables[column.table_id].append(column)
    names = {id_: table[0].table_name for id_, table in tables.items()}
    served = {id_ for id_, table in tables.items() if table[0].is_served}
    lines = ["```mermaid", "erDiagram"]
    lines += [f"    {_relation(relation, names)}" for relation in relations if relation.child in served]
    for id_, table in tables.items():
        if id_ in served:
            lines += [f"    {_entity(names[id_])} {{", *(f"        {_attribute(column)}" for column in table), "    }"]
    lines.append("```")
    apart = ", ".join(f"`{name}`" for id_, name in names.items() if id_ not in served)
    return "\n".join([*lines, "", f"Only the database's owner reaches {apart}." if apart else ""]).rstrip()


def _entity(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _relation(relation: Relation, names: dict[int, str]) -> str:
    one = "||" if relation.is_required else "|o"
    many = "o|" if relation.is_single else "o{"
    parent, child = _entity(names[relation.parent]), _entity(names[relation.child])
    return f'{parent} {one}--{many} {child} : "{relation.label}"'


def _attribute(column: Column) -> str:
    keys = ", ".join(key for key, is_key in (("PK", column.is_pk), ("FK", column.is_fk)) if is_key)
    return " ".join(filter(None, [column.type, column.name, keys, '"computed"' if column.is_computed else ""]))


def embedded(readme: str, picture: str) -> str:
    """The text `readme` with `picture` between its markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{picture}\n{END}{after}"


def draw_throw_away() -> str:
    """The data model as the migrations of this checkout make it."""
    with tempfile.TemporaryDirectory(prefix="tales-docs-") as folder:
        home = Path(folder)
        try:
            server = start_embedded(home, durable=False)
            migrate_up(server.owner_url)
            return draw(server.owner_url)
        finally:
            stop_embedded(home)


def main(arguments: list[str]) -> None:
    """Write the picture into the README."""
    picture = draw(arguments[0]) if arguments else draw_throw_away()
    README.write_text(embedded(README.read_text(encoding="utf-8"), picture), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
