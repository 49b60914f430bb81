"""What depends on a column that 017 drops, each with the statement that would mend it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from tales.application.migration_report import Dependent, Unaffected
from tales.infrastructure.persistence.preflight.blocking import (
    generated_columns,
    policies,
    publications,
    triggers,
)
from tales.infrastructure.persistence.preflight.dependencies import Dependencies, find_dependencies
from tales.infrastructure.persistence.preflight.dropped_with_columns import constraints, indexes, statistics
from tales.infrastructure.persistence.preflight.functions import functions
from tales.infrastructure.persistence.preflight.specification import MOVED, ours
from tales.infrastructure.persistence.preflight.views import rules, views

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
    order by 1, 2
""")


def find_dependents(connection: Connection, columns: Sequence[str]) -> tuple[Dependent, ...]:
    """All of them; `columns` are those of stories, in order. The search path is empty, so that names are whole."""
    dependencies: Dependencies = find_dependencies(connection, MOVED)
    return (
        *views(connection, dependencies, columns),
        *rules(connection, dependencies),
        *policies(connection, dependencies, columns),
        *triggers(connection, dependencies),
        *generated_columns(connection, dependencies),
        *constraints(connection, dependencies),
        *publications(connection, dependencies),
        *functions(connection, dependencies, columns),
        *indexes(connection, dependencies),
        *statistics(connection, dependencies),
    )


def find_unaffected(connection: Connection, dependents: Sequence[Dependent]) -> tuple[Unaffected, ...]:
    """What is on the three tables beside ours, and depends on nothing that goes."""
    known = {"indexes": ours("index"), "triggers": ours("trigger"), "policies": ours("policy")}
    going = {(dependent.kind, dependent.name) for dependent in dependents}
    found = connection.execute(_BESIDE_OURS, known)
    return tuple(Unaffected(kind, name) for kind, name in found if (kind, name) not in going)
