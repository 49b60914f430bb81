"""Which objects PostgreSQL itself has noted down as depending on a column of stories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

_HITS = text("""
    select d.classid::regclass::text as catalog, d.objid as oid,
        array_agg(distinct a.attname::text order by a.attname::text) as columns
    from pg_depend as d
    join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass('tales.stories')
        and a.attname = any (:columns)
    group by d.classid, d.objid
""")
_ALL_COLUMNS = text("""
    select array_agg(distinct a.attname::text)
    from pg_depend as d
    join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.objid = :oid and d.classid = cast(:catalog as regclass)
        and d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass('tales.stories')
""")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """By catalog (`pg_rewrite`, `pg_policy`, ...): an object's oid, and the dropped columns that it depends on."""

    by_catalog: Mapping[str, Mapping[int, tuple[str, ...]]]

    def of(self, catalog: str) -> Mapping[int, tuple[str, ...]]:
        """The objects of one catalog."""
        return self.by_catalog.get(catalog, {})


def find_dependencies(connection: Connection, columns: Sequence[str]) -> Dependencies:
    """Every object that depends on one of `columns`."""
    by_catalog: dict[str, dict[int, tuple[str, ...]]] = {}
    for catalog, oid, names in connection.execute(_HITS, {"columns": list(columns)}):
        by_catalog.setdefault(catalog, {})[oid] = tuple(names)
    return Dependencies(by_catalog)


def columns_of(connection: Connection, catalog: str, oid: int) -> frozenset[str]:
    """All columns of stories that an object depends on, dropped or not."""
    return frozenset(connection.execute(_ALL_COLUMNS, {"catalog": catalog, "oid": oid}).scalar_one() or ())
