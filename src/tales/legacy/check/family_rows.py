"""Children and heroes as they are kept: what the service cannot show to a family."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from tales.legacy.check.specification import TYPES
from tales.legacy.report import Finding, Severity

_COLUMNS = text("""
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('children', 'heroes')
""")
_FILLED_WITH = {
    "children": {"name": "''", "age": "0", "interests": "'{}'", "created_at": "now()"},
    "heroes": {"name": "''", "created_at": "now()"},
}
"""What the service never finds empty, and what to write where it is."""


def judge_family_rows(connection: Connection, later: Severity) -> Iterator[Finding]:
    """Rows without something that the service shows; by rows, as columns may stay NULL where none is empty."""
    types = {(row.table, row.name): row.type for row in connection.execute(_COLUMNS)}
    for table, columns in _FILLED_WITH.items():
        for name, value in columns.items():
            if types.get((table, name)) != TYPES[table][name]:
                continue
            count = text(f"select count(*) from tales.{table} where {name} is null")  # noqa: S608 -- names of ours
            if rows := connection.execute(count).scalar_one():
                sentence = f"{rows} rows of tales.{table} have no {name}, which the service shows. Fill it."
                fill = f"update tales.{table} set {name} = {value} where {name} is null;"  # noqa: S608 -- names of ours
                yield Finding("family_row_incomplete", later, sentence, (fill,))
