"""Rows at the bounds of what the new service writes: others' checks and policies are asked about them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tales.legacy.check.specification import MOVED

_COLUMNS = text("""
    select c.relname as table, quote_ident(a.attname) as name, a.attname as bare,
        format_type(a.atttypid, a.atttypmod) as type,
        case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end as filled_with
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
    order by 1, a.attnum
""")
_LONG = "repeat('x', 60)"
_ROWS: dict[str, tuple[dict[str, str], ...]] = {
    "stories": (
        {"title": "'x'", "content": "'x'", "rating": "null"},
        {
            "title": "repeat('x', 120)",
            "content": "repeat('word ', 20000)",
            "rating": "1",
            "child_id": "gen_random_uuid()",
        },
        {"title": "'x'", "content": "'x'", "rating": "10", "hero_id": "gen_random_uuid()"},
    ),
    "children": (
        {"name": "'x'", "age": "0", "interests": "'{}'", "gender": "null"},
        {"name": "repeat('x', 80)", "age": "17", "interests": f"array_fill({_LONG}, array[12])", "gender": "'x'"},
        {"name": "'x'", "age": "9", "interests": "array['x']", "gender": "repeat('x', 80)"},
    ),
    "heroes": (
        {"name": "'x'", "appearance": "null", "user_id": "null"},
        {"name": "repeat('x', 80)", "appearance": "repeat('x', 400)"},
    ),
}
"""As SQL; what they leave out is a family's own id, or the column's default."""


def sample_rows(connection: Connection) -> dict[str, tuple[str, ...]]:
    """By table: queries, each of which gives one row as the service writes it, without the columns that 017 drops."""
    columns = connection.execute(_COLUMNS).all()
    return {
        table: tuple(
            "select "
            + ", ".join(
                f"cast({row.get(c.bare) or _default(c.bare, c.filled_with)} as {c.type}) as {c.name}"
                for c in columns
                if c.table == table and not (table == "stories" and c.bare in MOVED)
            )
            for row in rows
        )
        for table, rows in _ROWS.items()
    }


def _default(name: str, expression: str | None) -> str:
    """What a column that a row does not name would have."""
    if name in {"id", "user_id"}:
        return "gen_random_uuid()"
    # A sequence cannot be asked without being moved on.
    return expression if expression is not None and "nextval" not in expression else "null"


def holds(connection: Connection, condition: str, sources: Iterable[str], claims: str = "") -> bool:
    """Whether a row of one of these tables or queries fulfils a condition. What cannot be asked does not."""
    return any(_holds(connection, condition, source, claims) for source in sources)


def _holds(connection: Connection, condition: str, source: str, claims: str) -> bool:
    query = f"select exists (select from {source} where {condition})"  # noqa: S608 -- out of the catalog
    attempt = connection.begin_nested()
    try:
        connection.execute(text("select set_config('request.jwt.claims', :claims, true)"), {"claims": claims})
        return bool(connection.exec_driver_sql(query.replace("%", "%%")).scalar_one())
    except DBAPIError:
        return False
    finally:
        attempt.rollback()
