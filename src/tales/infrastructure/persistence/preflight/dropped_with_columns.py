"""What PostgreSQL drops with a column, without a word: indexes, constraints, extended statistics."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from tales.application.migration_report import Dependent, Impact
from tales.infrastructure.persistence.preflight.dependencies import Dependencies, columns_of
from tales.infrastructure.persistence.preflight.rewrite import on_generations, quoted, renamed
from tales.infrastructure.persistence.preflight.specification import IN_BOTH, ours

# A foreign key of another table that points at a dropped column stops; all others go with the column.
_CONSTRAINTS = text("""
    select oid, format('%I on %s', conname, conrelid::regclass) as name, quote_ident(conname) as bare, contype,
        conrelid::regclass::text as on_table, conrelid = to_regclass('tales.stories') as is_on_stories,
        pg_get_constraintdef(oid) as definition
    from pg_constraint
    where oid = any (:oids) and contype <> 'n'
    order by name
""")
_INDEXES = text("""
    select i.indexrelid as oid, c.relname as bare, c.oid::regclass::text as name, i.indisunique as is_unique,
        pg_get_indexdef(i.indexrelid) as definition
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indexrelid = any (:oids)
    order by name
""")
_STATISTICS = text("""
    select oid, format('%I.%I', stxnamespace::regnamespace::text, stxname) as name, stxname as bare,
        pg_get_statisticsobjdef(oid) as definition
    from pg_statistic_ext
    where oid = any (:oids)
    order by name
""")
_IN_TWO_TABLES = "It goes with the column. Its columns are in two tables then: nothing single can take its place."
_NONE: tuple[str, ...] = ()
_UNIQUE = "Not as a unique one: failed attempts are there as well."


def constraints(connection: Connection, dependencies: Dependencies) -> Iterator[Dependent]:
    """Checks, keys and foreign keys; NOT NULL goes with its column and is no loss."""
    found = dependencies.of("pg_constraint")
    for row in connection.execute(_CONSTRAINTS, {"oids": list(found)}).mappings():
        fate, advice, statements = Impact.LOST, _IN_TWO_TABLES, _NONE
        if not row["is_on_stories"]:
            fate, advice = Impact.STOPS, "It points at a column that goes. Drop it."
            statements = (f"alter table {row['on_table']} drop constraint {row['bare']};",)
        elif row["contype"] not in {"c", "f"}:
            advice = f"It goes with the column. {_UNIQUE}"
        elif columns_of(connection, "pg_constraint", row["oid"]) <= IN_BOTH:
            advice = "It goes with the column. Generations can have it, for new rows at least."
            definition = row["definition"].removesuffix(" NOT VALID")
            statements = (f"alter table tales.generations add constraint {row['bare']} {definition} not valid;",)
        yield Dependent("constraint", row["name"], found[row["oid"]], fate, advice, statements)


def indexes(connection: Connection, dependencies: Dependencies) -> Iterator[Dependent]:
    """PostgreSQL drops an index with any column that it has, in its keys, expressions or predicate."""
    found, known = dependencies.of("pg_class"), ours("index")
    for row in connection.execute(_INDEXES, {"oids": list(found)}).mappings():
        advice, statements = _IN_TWO_TABLES, _NONE
        if columns_of(connection, "pg_class", row["oid"]) <= IN_BOTH:
            advice = f"It goes with the column. Generations can have it. {_UNIQUE if row['is_unique'] else ''}".rstrip()
            rest = on_generations(row["definition"]).partition(" ON tales.generations ")[2]
            statements = (
                f"create index concurrently {quoted(renamed(row['bare'], known))} on tales.generations {rest};",
            )
        yield Dependent("index", row["name"], found[row["oid"]], Impact.LOST, advice, statements)


def statistics(connection: Connection, dependencies: Dependencies) -> Iterator[Dependent]:
    """Extended statistics; they go with the column when fewer than two are left."""
    found = dependencies.of("pg_statistic_ext")
    for row in connection.execute(_STATISTICS, {"oids": list(found)}).mappings():
        advice, statements = _IN_TWO_TABLES, _NONE
        if columns_of(connection, "pg_statistic_ext", row["oid"]) <= IN_BOTH:
            advice = "They go with the column. Generations can have them."
            name = f"tales.{quoted(renamed(row['bare']))}"
            rest = on_generations(row["definition"]).removeprefix(f"CREATE STATISTICS {row['name']}")
            statements = (f"create statistics {name}{rest};",)
        yield Dependent("statistics", row["name"], found[row["oid"]], Impact.LOST, advice, statements)
