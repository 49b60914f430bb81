"""Views and rules over dropped columns, and the views over those views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, RowMapping, text

from tales.application.migration_report import Dependent, Impact
from tales.infrastructure.persistence.preflight.dependencies import Dependencies
from tales.infrastructure.persistence.preflight.rewrite import join_generations

# From the views that read a dropped column to the views over them.
_VIEWS = text("""
    with recursive reading as (
        select ev_class as oid, ev_class as root, null::oid as parent
        from pg_rewrite
        where oid = any (:rules)
        union
        select r.ev_class, reading.root, reading.oid
        from reading
        join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = reading.oid
            and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite as r on r.oid = d.objid and r.ev_class <> reading.oid
    )
    select v.oid, v.relkind, v.oid::regclass::text as name, bool_or(parent is null) as is_direct,
        min(parent::regclass::text) as through,
        coalesce(bool_or(base.relkind = 'm'), false) as is_behind_materialized,
        array_to_string(v.reloptions, ', ') as options, rtrim(pg_get_viewdef(v.oid), ';') as definition,
        (pg_relation_is_updatable(v.oid, false) & 28) > 0 as is_written_through,
        array(
            select pg_get_indexdef(indexrelid) || ';' from pg_index where indrelid = v.oid order by indexrelid
        ) as indexes,
        (select oid from pg_rewrite where ev_class = v.oid and rulename = '_RETURN') as rule
    from reading
    join pg_class as v on v.oid = reading.oid and v.relkind in ('v', 'm')
    join pg_class as base on base.oid = reading.root
    group by v.oid
    order by is_direct desc, name
""")
_RULES = text("""
    select r.oid, quote_ident(rulename) as rule, ev_class::regclass::text as on_table
    from pg_rewrite as r
    join pg_class as c on c.oid = r.ev_class
    where r.oid = any (:rules) and c.relkind in ('r', 'p')
    order by 2
""")
_BY_HAND = "Write it anew so that it joins tales.generations on generation_id and generation_attempt."


def views(connection: Connection, dependencies: Dependencies, columns: Sequence[str]) -> Iterator[Dependent]:
    """Views and materialized views, those that read stories first."""
    by_rule = dependencies.of("pg_rewrite")
    for row in connection.execute(_VIEWS, {"rules": list(by_rule)}).mappings():
        kind = "materialized view" if row["relkind"] == "m" else "view"
        if row["is_direct"]:
            yield _direct(kind, row, by_rule[row["rule"]], columns)
        else:
            yield _behind(kind, row)


def _direct(kind: str, row: RowMapping, hit: tuple[str, ...], columns: Sequence[str]) -> Dependent:
    name = str(row["name"])
    body = join_generations(str(row["definition"]), columns)
    if body is None:
        return Dependent(kind, name, hit, Impact.STOPS, _BY_HAND, ())
    advice = "Replace it between expand and the dropping of columns: it then reads the moved columns from generations."
    if row["is_written_through"]:
        advice += " Nothing can be written through it then, unless it gets an INSTEAD OF trigger."
    if kind == "materialized view":
        advice += " Views over it have to be dropped before, and its grants given again."
        create = f"create materialized view {name}{_with(row)} as{body};"
        return Dependent(
            kind, name, hit, Impact.STOPS, advice, (f"drop materialized view {name};", create, *_indexes(row))
        )
    return Dependent(kind, name, hit, Impact.STOPS, advice, (f"create or replace view {name}{_with(row)} as{body};",))


def _behind(kind: str, row: RowMapping) -> Dependent:
    name, through = str(row["name"]), str(row["through"])
    advice = f"It reads {through}, and stays as it is when that is replaced."
    if row["is_behind_materialized"]:
        advice = f"It reads {through}: drop it before that is dropped, and make it again afterwards."
        create = f"create {kind} {name}{_with(row)} as{row['definition']};"
        return Dependent(kind, name, (), Impact.FOLLOWS, advice, (f"drop {kind} {name};", create, *_indexes(row)))
    return Dependent(kind, name, (), Impact.FOLLOWS, advice, ())


def _with(row: RowMapping) -> str:
    """The options, such as security_invoker: a replaced view would lose them."""
    return f" with ({row['options']})" if row["options"] else ""


def _indexes(row: RowMapping) -> tuple[str, ...]:
    return tuple(row["indexes"])


def rules(connection: Connection, dependencies: Dependencies) -> Iterator[Dependent]:
    """Rewrite rules on tables."""
    by_rule = dependencies.of("pg_rewrite")
    for oid, rule, table in connection.execute(_RULES, {"rules": list(by_rule)}):
        advice = "Drop it, and make it again without those columns."
        drop = f"drop rule {rule} on {table};"
        yield Dependent("rule", f"{rule} on {table}", by_rule[oid], Impact.STOPS, advice, (drop,))
