"""Functions over dropped columns: those that PostgreSQL understands, and those whose text names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text

from tales.application.migration_report import Dependent, Impact
from tales.infrastructure.persistence.preflight.dependencies import Dependencies
from tales.infrastructure.persistence.preflight.rewrite import join_generations
from tales.infrastructure.persistence.preflight.specification import MOVED, ours

_PARSED = text("""
    select oid, oid::regprocedure::text as name, pg_get_functiondef(oid) as definition
    from pg_proc
    where oid = any (:oids) and proname <> all (:ours)
    order by name
""")
# A body that is text is not parsed before it runs: only its words can be looked at, comments and strings included.
_NAMING = text(r"""
    select p.oid::regprocedure::text as name, named.columns, exists (
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
        and p.pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
        and not (p.pronamespace = to_regnamespace('tales') and p.proname = any (:ours))
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


def functions(connection: Connection, dependencies: Dependencies, columns: Sequence[str]) -> Iterator[Dependent]:
    """First those whose body PostgreSQL has parsed (BEGIN ATOMIC): they keep a column from being dropped."""
    by_oid = dependencies.of("pg_proc")
    known = ours("function")
    for oid, name, definition in connection.execute(_PARSED, {"oids": list(by_oid), "ours": known}):
        mended = join_generations(definition, columns)
        advice = (
            "Replace it between expand and the dropping of columns: it then reads the moved columns from generations."
        )
        if mended is None:
            advice = "It does more with stories than to read them: write it anew, or drop it."
        yield Dependent("function", name, by_oid[oid], Impact.STOPS, advice, (f"{mended.rstrip()};",) if mended else ())
    for name, named, is_trigger in connection.execute(_NAMING, {"moved": list(MOVED), "ours": known}):
        advice = "Its text may name them, and would fail when it runs. Read them from tales.generations."
        if is_trigger:
            advice += " It is the function of a trigger on stories: every write that fires it would fail."
        yield Dependent("function", name, tuple(named), Impact.FAILS, advice, ())
