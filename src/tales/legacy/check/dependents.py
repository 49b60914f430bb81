"""What depends on a column that 017 drops, with its definition as PostgreSQL prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, text

from tales.legacy.check.dependent_kinds import (
    FOLLOWING,
    KINDS,
    NAMED_IN_TEXT,
    NAMED_IN_TRIGGER,
    VIEWS,
    Kind,
)
from tales.legacy.check.specification import MOVED, ours
from tales.legacy.report import Dependent, Impact, Unaffected

Columns = Mapping[int, tuple[str, ...]]
"""By an object's oid: the dropped columns that it names."""

_DEPENDENCIES = text("""
    select d.classid::regclass::text as catalog, d.objid as oid,
        array_agg(distinct a.attname::text order by a.attname::text) as columns
    from pg_depend as d
    join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass('tales.stories')
        and a.attname = any (:moved)
    group by d.classid, d.objid
""")
# The views over views that read a dropped column, by their rules.
_VIEWS_OVER_VIEWS = text("""
    with recursive reading as (
        select oid as rule, ev_class as view, null::oid as through
        from pg_rewrite
        where oid = any (:rules) and rulename = '_RETURN'
        union
        select r.oid, r.ev_class, reading.view
        from reading
        join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = reading.view
            and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite as r on r.oid = d.objid and r.rulename = '_RETURN' and r.ev_class <> reading.view
    )
    select rule, min(through::regclass::text) as through
    from reading
    where rule <> all (:rules)
    group by rule
""")
# A body that is text is not parsed before it runs: only its words can be looked at, comments and strings included.
_FUNCTIONS_BY_TEXT = text(r"""
    select p.oid::regprocedure::text as name, named.columns, pg_get_functiondef(p.oid) as definition, exists (
        select from pg_trigger
        where tgfoid = p.oid and tgrelid = to_regclass('tales.stories') and not tgisinternal
    ) as is_trigger
    from pg_proc as p
    join pg_language as l on l.oid = p.prolang and l.lanname not in ('c', 'internal')
    cross join lateral (
        select array_agg(moved.name order by moved.name) as columns
        from unnest(cast(:moved as text[])) as moved (name)
        where p.prosrc ~* ('\m' || moved.name || '\M')
    ) as named
    where named.columns is not null
        and p.prosqlbody is null
        and p.pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'tales_migration')
        and not (p.pronamespace = to_regnamespace('tales') and p.proname = any (:our_functions))
        and not exists (
            select from pg_depend
            where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e'
        )
        and (
            p.prosrc ~* '\mstories\M'
            or exists (select from pg_trigger where tgfoid = p.oid and tgrelid = to_regclass('tales.stories'))
            or (select reltype from pg_class where oid = to_regclass('tales.stories'))
                = any (p.proargtypes || p.prorettype)
        )
    order by name
""")
# Everything that could depend on the three tables and is not ours; an index behind a constraint counts as that.
_BESIDE_OURS = text("""
    with ours as materialized (
        select oid from pg_class
        where relnamespace = to_regnamespace('tales') and relname in ('stories', 'children', 'heroes')
    )
    select 'index' as kind, i.indexrelid::regclass::text as name
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indrelid in (select oid from ours) and c.relname <> all (:indexes)
        and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = i.indrelid)
    union all
    select 'trigger', format('%I on %s', tgname, tgrelid::regclass)
    from pg_trigger
    where tgrelid in (select oid from ours) and not tgisinternal and tgname <> all (:triggers)
    union all
    select 'policy', format('%I on %s', polname, polrelid::regclass)
    from pg_policy
    where polrelid in (select oid from ours) and polname <> all (:policies)
    union all
    select distinct case v.relkind when 'm' then 'materialized view' else 'view' end, v.oid::regclass::text
    from pg_depend as d
    join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_class as v on v.oid = r.ev_class and v.relkind in ('v', 'm')
    where d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from ours)
        and v.relnamespace is distinct from to_regnamespace('tales_migration')
    order by 1, 2
""")


def find_dependents(connection: Connection) -> tuple[Dependent, ...]:
    """All of them. The search path is empty, so that names are whole."""
    by_catalog: dict[str, dict[int, tuple[str, ...]]] = {}
    for catalog, oid, names in connection.execute(_DEPENDENCIES, {"moved": list(MOVED)}):
        by_catalog.setdefault(catalog, {})[oid] = tuple(names)
    return (
        *(found for kind in KINDS for found in _of_kind(connection, kind, by_catalog.get(kind.catalog, {}))),
        *_views_over_views(connection, by_catalog.get("pg_rewrite", {})),
        *_functions_by_text(connection),
    )


def find_unaffected(connection: Connection, dependents: Sequence[Dependent]) -> tuple[Unaffected, ...]:
    """What is on the three tables beside ours, and depends on nothing that goes."""
    known = {"indexes": ours("index"), "triggers": ours("trigger"), "policies": ours("policy")}
    going = {(dependent.kind, dependent.name) for dependent in dependents}
    found = connection.execute(_BESIDE_OURS, known)
    return tuple(Unaffected(kind, name) for kind, name in found if (kind, name) not in going)


def _of_kind(connection: Connection, kind: Kind, columns: Columns) -> Iterator[Dependent]:
    known = {"our_triggers": ours("trigger"), "our_functions": ours("function"), "moved": list(MOVED)}
    for row in connection.execute(kind.query, {"oids": list(columns), **known}):
        statements = (row.statement,) if row.statement else ()
        definition = row.definition.strip()
        yield Dependent(kind.name, row.name, columns[row.oid], kind.impact, kind.advice, definition, statements)


def _views_over_views(connection: Connection, columns: Columns) -> Iterator[Dependent]:
    found = connection.execute(_VIEWS_OVER_VIEWS, {"rules": list(columns)})
    through = {row.rule: row.through for row in found}
    for kind in VIEWS:
        for row in connection.execute(kind.query, {"oids": list(through)}):
            advice = FOLLOWING.format(through=through[row.oid])
            yield Dependent(kind.name, row.name, (), Impact.FOLLOWS, advice, row.definition.strip())


def _functions_by_text(connection: Connection) -> Iterator[Dependent]:
    for row in connection.execute(_FUNCTIONS_BY_TEXT, {"moved": list(MOVED), "our_functions": ours("function")}):
        advice = NAMED_IN_TRIGGER if row.is_trigger else NAMED_IN_TEXT
        yield Dependent("function", row.name, tuple(row.columns), Impact.FAILS, advice, row.definition.strip())
