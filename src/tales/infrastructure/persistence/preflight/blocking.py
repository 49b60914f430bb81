"""What keeps a column from being dropped: policies, triggers, generated columns, publications."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text

from tales.application.migration_report import Dependent, Impact
from tales.infrastructure.persistence.preflight.dependencies import Dependencies, columns_of
from tales.infrastructure.persistence.preflight.rewrite import (
    join_generations,
    on_generations,
    quoted,
    read_from_generations,
)
from tales.infrastructure.persistence.preflight.specification import IN_BOTH, MOVED, ours

_POLICIES = text("""
    select oid, format('%I on %s', polname, polrelid::regclass) as name,
        polrelid = to_regclass('tales.stories') as is_on_stories,
        pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as check
    from pg_policy
    where oid = any (:oids)
    order by name
""")
_TRIGGERS = text("""
    select t.oid, tgname as bare, format('%I on %s', tgname, tgrelid::regclass) as name,
        pg_get_triggerdef(t.oid) as definition
    from pg_trigger as t
    where t.oid = any (:oids) and not tgisinternal
    order by name
""")
_GENERATED = text("""
    select d.oid, format('%s.%I', a.attrelid::regclass, a.attname) as name, a.attname as column,
        quote_ident(a.attname) as bare, a.attrelid::regclass::text as on_table, a.attgenerated = 's' as is_stored,
        format_type(a.atttypid, a.atttypmod) as type, pg_get_expr(d.adbin, d.adrelid) as expression
    from pg_attrdef as d
    join pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where d.oid = any (:oids) and a.attgenerated <> '' and a.attname <> all (:moved)
    order by name
""")
_PUBLICATIONS = text("""
    select r.oid, quote_ident(p.pubname) as name, pg_get_expr(r.prqual, r.prrelid) as filter,
        array(
            select a.attname::text
            from unnest(r.prattrs::smallint[]) with ordinality as k (attnum, at)
            join pg_attribute as a on a.attrelid = r.prrelid and a.attnum = k.attnum
            order by k.at
        ) as columns
    from pg_publication_rel as r
    join pg_publication as p on p.oid = r.prpubid
    where r.oid = any (:oids)
    order by name
""")


def policies(connection: Connection, dependencies: Dependencies, columns: Sequence[str]) -> Iterator[Dependent]:
    """Row-level security that looks at a dropped column, on stories or from another table."""
    found = dependencies.of("pg_policy")
    for row in connection.execute(_POLICIES, {"oids": list(found)}).mappings():
        clauses = []
        for clause, expression in (("using", row["using"]), ("with check", row["check"])):
            if expression is not None:
                mended = read_from_generations(expression) if row["is_on_stories"] else expression
                clauses.append(f"{clause} ({join_generations(mended, columns) or mended})")
        advice = "Let it look the columns up in generations, between expand and the dropping of columns."
        statement = f"alter policy {row['name']} {' '.join(clauses)};"
        yield Dependent("policy", row["name"], found[row["oid"]], Impact.STOPS, advice, (statement,))


def triggers(connection: Connection, dependencies: Dependencies) -> Iterator[Dependent]:
    """Triggers that fire for a dropped column (UPDATE OF), or look at one (WHEN)."""
    found, known = dependencies.of("pg_trigger"), ours("trigger")
    for row in connection.execute(_TRIGGERS, {"oids": list(found)}).mappings():
        if row["bare"] in known:
            continue
        advice = "Drop it. Generations can have it instead, if its function finds there what it reads."
        again: tuple[str, ...] = (f"{on_generations(row['definition'])};",)
        if not columns_of(connection, "pg_trigger", row["oid"]) <= IN_BOTH:
            advice, again = "Drop it, and make it again without those columns.", ()
        yield Dependent(
            "trigger", row["name"], found[row["oid"]], Impact.STOPS, advice, (f"drop trigger {row['name']};", *again)
        )


def generated_columns(connection: Connection, dependencies: Dependencies) -> Iterator[Dependent]:
    """Columns that are computed from a dropped one."""
    found = dependencies.of("pg_attrdef")
    for row in connection.execute(_GENERATED, {"oids": list(found), "moved": list(MOVED)}).mappings():
        alter = f"alter table {row['on_table']}"
        statements = [f"{alter} alter column {row['bare']} drop expression;"]
        advice = "Its values stay when it becomes an ordinary column; new stories have NULL there."
        if not row["is_stored"]:
            statements, advice = [f"{alter} drop column {row['bare']};"], "It holds no values of its own: drop it."
        if columns_of(connection, "pg_attrdef", row["oid"]) - {row["column"]} <= IN_BOTH:
            advice += " Generations can compute it for old and new ones."
            kept = f"{row['type']} generated always as ({row['expression']}) stored"
            statements.append(f"alter table tales.generations add column {row['bare']} {kept};")
        yield Dependent("generated column", row["name"], found[row["oid"]], Impact.STOPS, advice, tuple(statements))


def publications(connection: Connection, dependencies: Dependencies) -> Iterator[Dependent]:
    """Logical replication with a list of columns, or a filter on rows, that names a dropped one."""
    found = dependencies.of("pg_publication_rel")
    for row in connection.execute(_PUBLICATIONS, {"oids": list(found)}).mappings():
        alter = f"alter publication {row['name']}"
        listed = [name for name in row["columns"] if name not in MOVED]
        only = f" ({', '.join(map(quoted, listed))})" if listed else ""
        statements = (
            f"{alter} drop table tales.stories;",
            f"{alter} add table tales.stories{only};",
            f"{alter} add table tales.generations;",
        )
        advice = "Publish what is left, and generations beside it. Subscribers need the same columns first."
        if row["filter"]:
            advice += " Its filter on rows is left out of the statement: write it without those columns."
        yield Dependent("publication", row["name"], found[row["oid"]], Impact.STOPS, advice, statements)
