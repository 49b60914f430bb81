"""Rows as they are kept: what the service cannot show to a family, and what it shows but would not take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from tales.domain.family import MAX_INTEREST, MAX_INTERESTS
from tales.legacy.check.specification import LONGEST, TYPES
from tales.legacy.report import Finding, Severity

_EXAMPLES = 5
_COLUMNS = text("""
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
""")
_FILLED_WITH = {
    "children": {"name": "''", "age": "0", "interests": "'{}'", "created_at": "now()"},
    "heroes": {"name": "''", "created_at": "now()"},
}
"""What the service never finds empty, and what to write where it is."""

_EARLIEST, _LATEST = "'0001-01-02Z'", "'9999-12-30Z'"
_CLAMPED = "update tales.{0} set {1} = least(greatest({1}, {2}), {3}) where {1} not between {2} and {3};"


@dataclass(frozen=True, slots=True)
class _Odd:
    """A value that 024 lets nobody write any more. `broken` is SQL over the table."""

    table: str
    name: str
    broken: str
    what: str
    becomes: str
    statements: tuple[str, ...] = ()


def judge_family_rows(connection: Connection, later: Severity) -> Iterator[Finding]:
    """Rows without something that the service shows, and rows that it shows and would not take.

    By rows, as columns may stay NULL where none is empty.
    """
    types = {(row.table, row.name): row.type for row in connection.execute(_COLUMNS)}
    usual = {column for column, type_ in types.items() if TYPES[column[0]].get(column[1]) == type_}
    for table, columns in _FILLED_WITH.items():
        for name, value in columns.items():
            if (table, name) not in usual:
                continue
            count = text(f"select count(*) from tales.{table} where {name} is null")  # noqa: S608 -- tables, columns and conditions are constants of this module
            if rows := connection.execute(count).scalar_one():
                sentence = f"{rows} rows of tales.{table} have no {name}, which the service shows. Fill it."
                fill = f"update tales.{table} set {name} = {value} where {name} is null;"  # noqa: S608 -- tables, columns and conditions are constants of this module
                yield Finding("family_row_incomplete", later, sentence, (fill,))
    for odd in _odd_values():
        if {(odd.table, odd.name), (odd.table, "id")} <= usual:
            yield from _odd_rows(connection, odd)


def _odd_values() -> Iterator[_Odd]:
    for table, name in (("children", "created_at"), ("heroes", "created_at"), ("stories", "updated_at")):
        clamped = _CLAMPED.format(table, name, _EARLIEST, _LATEST)
        broken = f"{name} not between {_EARLIEST} and {_LATEST}"
        yield _Odd(table, name, broken, "that no calendar has", "as the nearest that one has", (clamped,))
    for table, names in (("children", ("name", "gender")), ("heroes", ("name", "appearance")), ("stories", ("title",))):
        for name in names:
            what = f"of more than {LONGEST[table][name]} characters"
            yield _Odd(table, name, f"length({name}) > {LONGEST[table][name]}", what, "as it is")
    broken = (
        f"cardinality(interests) > {MAX_INTERESTS} or array_ndims(interests) > 1 or exists "
        f"(select from unnest(interests) as item where item is null or length(item) > {MAX_INTEREST})"
    )
    yield _Odd("children", "interests", broken, "that are no list of a few short texts", "as far as they are texts")


def _odd_rows(connection: Connection, odd: _Odd) -> Iterator[Finding]:
    counting = f"""
        select count(*) as rows, (array_agg(id::text order by id))[1:{_EXAMPLES}] as examples
        from tales.{odd.table} where {odd.broken}
    """  # noqa: S608 -- tables, columns and conditions are constants of this module
    found = connection.execute(text(counting)).one()
    if found.rows:
        sentence = (
            f"{found.rows} rows of tales.{odd.table} have {odd.name} {odd.what}, such as {', '.join(found.examples)}. "
            f"The service shows it {odd.becomes}, and takes no such value from anybody. Mend them if you like."
        )
        yield Finding("family_row_odd", Severity.WARNING, sentence, odd.statements)
