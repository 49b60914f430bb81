"""Columns of stories, children and heroes that differ from the specification's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from tales.legacy.check.specification import (
    ADDED,
    LONGEST,
    MOVED,
    TYPES,
    WRITTEN_AS_NULL,
    add_column,
)
from tales.legacy.report import Column, Finding, Severity

# A column that fills itself refuses nothing: attgenerated is set for generated ones, attidentity for identity columns.
_COLUMNS = text("""
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
        a.attnotnull as is_not_null,
        a.atthasdef or a.attgenerated <> '' or a.attidentity <> '' or t.typdefault is not null as is_filled,
        a.attgenerated <> '' or a.attidentity = 'a' as is_computed,
        case when t.typtype = 'd' and t.typnotnull and t.typdefault is null and not a.atthasdef
            then format('alter domain %s drop not null;', t.oid::regtype) end as strict_domain,
        array(
            select distinct pg_describe_object(d.classid, d.objid, 0)
            from pg_depend as d
            where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum
                and (d.classid in ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass)
                    or d.classid = 'pg_attrdef'::regclass
                        and a.attnum <> (select adnum from pg_attrdef where oid = d.objid))
            order by 1
        ) as users,
        case when a.atttypid = 'varchar'::regtype and a.atttypmod > 4 then a.atttypmod - 4 end as length,
        format('alter table %s alter column %I drop not null;', c.oid::regclass, a.attname) as relax,
        format('alter table %s alter column %I type %s using %2$I::%3$s;', c.oid::regclass, a.attname, '%s') as retype
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type as t on t.oid = a.atttypid
    where c.relnamespace = to_regnamespace('tales') and c.relkind in ('r', 'p')
        and c.relname in ('stories', 'children', 'heroes')
    order by array_position(array['stories', 'children', 'heroes'], c.relname::text), a.attnum
""")
_AS_TEXT = ("character varying", "character(", "citext")


@dataclass(frozen=True, slots=True)
class _Found:
    table: str
    name: str
    type: str
    is_not_null: bool
    is_filled: bool
    is_computed: bool
    strict_domain: str | None
    length: int | None
    users: list[str]
    """What keeps the column's type from being changed."""
    relax: str
    retype: str

    @property
    def wanted_type(self) -> str | None:
        return TYPES[self.table].get(self.name)

    @property
    def refuses_new_rows(self) -> bool:
        """NOT NULL, where the new service writes nothing (an extra column) or NULL (one of ours)."""
        if not self.is_not_null:
            return False
        return not self.is_filled if self.wanted_type is None else self.name in WRITTEN_AS_NULL[self.table]


@dataclass(frozen=True, slots=True)
class Columns:
    """What was found. `readable`: the types let rows be compared with the rules."""

    columns: tuple[Column, ...]
    findings: tuple[Finding, ...]
    order: tuple[str, ...]
    """The columns of stories, as they stand in the table."""

    @property
    def readable(self) -> bool:
        """Whether rows can be compared with the rules at all."""
        return not any(
            finding.severity is Severity.PROBLEM and finding.name in {"column_type", "name_taken"}
            for finding in self.findings
        )


def inspect_columns(connection: Connection, *, is_legacy: bool, later: Severity = Severity.PROBLEM) -> Columns:
    """Columns beyond the specification, types that differ, names that are in the way.

    `is_legacy`: nothing of ours is there yet, so that a column called generation_id is somebody else's. `later` is how
    much it matters what only stops the new service.
    """
    found = [_Found(**row) for row in connection.execute(_COLUMNS).mappings()]
    differing = tuple(
        Column(
            f.table,
            f.name,
            f.type,
            f.wanted_type is not None,
            f.refuses_new_rows,
            f.relax if f.refuses_new_rows else None,
        )
        for f in found
        if (f.wanted_type is None and (is_legacy or f.name not in ADDED)) or f.refuses_new_rows
    )
    findings = (
        *_types(found),
        *_missing(found, later),
        *_unwritable(found, later),
        *(_in_the_way(found) if is_legacy else ()),
    )
    return Columns(differing, findings, tuple(f.name for f in found if f.table == "stories"))


def _types(found: list[_Found]) -> Iterator[Finding]:
    for column in found:
        wanted = column.wanted_type
        if wanted is None or column.type == wanted:
            continue
        where = f"tales.{column.table}.{column.name} is {column.type}, and {wanted} is needed."
        if wanted == "text" and column.type.startswith(_AS_TEXT):
            longest = LONGEST[column.table].get(column.name)
            if column.length is not None and (longest is None or column.length < longest):
                what = "texts of any length" if longest is None else f"up to {longest} characters"
                where = f"{where} The service writes {what} there."
            elif not column.type.startswith("character("):
                if column.name in MOVED:
                    yield Finding("column_type", Severity.WARNING, f"{where} It moves as it is.")
                continue
        change = f"{where} Change it first."
        if column.users:
            change += f" That needs what uses it to be dropped, and made again afterwards: {', '.join(column.users)}."
        yield Finding("column_type", Severity.PROBLEM, change, (column.retype.replace("%s", wanted),))


def _missing(found: list[_Found], later: Severity) -> Iterator[Finding]:
    names = {(column.table, column.name) for column in found}
    for table, columns in TYPES.items():
        for name in columns:
            if (table, name) not in names:
                # The migration itself needs no more of children and heroes than their ids; 018 and 022 need the rest.
                sentence = f"The service needs tales.{table}.{name}, which is not there. Add it first."
                yield Finding("column_missing", later, sentence, (add_column(table, name),))


def _unwritable(found: list[_Found], later: Severity) -> Iterator[Finding]:
    """Columns that refuse what the service writes whatever NOT NULL says."""
    for column in found:
        where = f"tales.{column.table}.{column.name}"
        if column.wanted_type is not None and column.is_computed and column.name not in MOVED:
            drop = "identity" if column.type != column.wanted_type else "expression"
            statement = f"alter table tales.{column.table} alter column {column.name} drop {drop} if exists;"
            yield Finding("column_computed", later, f"{where} is computed, and the service writes it.", (statement,))
        if column.strict_domain is not None and column.wanted_type is None:
            sentence = f"{where} is of a domain that is NOT NULL without a default, and would refuse every new row."
            yield Finding("column_domain", later, sentence, (column.strict_domain,))


def _in_the_way(found: list[_Found]) -> Iterator[Finding]:
    for column in found:
        if column.table == "stories" and column.name in ADDED:
            sentence = f"017 adds a column stories.{column.name}, and another one has that name. Rename it."
            statement = f"alter table tales.stories rename column {column.name} to legacy_{column.name};"
            yield Finding("name_taken", Severity.PROBLEM, sentence, (statement,))
