"""Where a database stands, without touching it: by our version table, by its shape, or said by hand."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from tales.infrastructure.migrations.shape import LEGACY_COLUMNS, UnknownShape, detect_revision
from tales.infrastructure.migrations.steps import BASE
from tales.legacy.check.specification import add_column
from tales.legacy.report import LEGACY

_COLUMNS = text("""
    select c.relname || '.' || a.attname
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = to_regnamespace('tales') and c.relkind in ('r', 'p')
""")
# A role that only reads families' tables may not see the version table.
_BOOKS = text("""
    select c.oid
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'tales_internal' and c.relname = 'schema_version'
        and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
        and exists (
            select from pg_class as s
            where s.relnamespace = n.oid and s.relname = 'finished_steps' and has_table_privilege(s.oid, 'select')
        )
""")
# A revision that has begun is not taken yet, whatever came after it (017).
_BOOKED = text("""
    select least(version_num, (
        select lpad((min(revision)::int - 1)::text, 3, '0') from tales_internal.finished_steps
    )) from tales_internal.schema_version
""")
_NEW = frozenset({"generations.generation_id", "generations.attempt_number"})
_LINK = "stories.generation_id"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revision, how it was found out, and why there is nothing to move, if there is nothing."""

    revision: str
    recognised_by: str
    nothing_to_move: str | None = None


def read_schema_state(connection: Connection, by_hand: str | None) -> SchemaState:
    """Where the database stands. What `by_hand` says goes before the version table; the shape must agree.

    Raises: UnknownShape, naming what is missing.
    """
    columns = frozenset(connection.execute(_COLUMNS).scalars())
    booked = _booked(connection) if by_hand is None else None
    if not columns and booked in {None, BASE}:
        return SchemaState(BASE, "shape", "There is no schema tales here, and so nothing to move. `up` makes it.")
    # Old columns beside a table of ours are a migration under way; without it, only a name that somebody took.
    if missing := sorted(LEGACY_COLUMNS - columns):
        if by_hand is None and _LINK in columns and columns >= _NEW:
            revision = booked or detect_revision(connection) or BASE
            return SchemaState(revision, _by(booked), "It is migrated already: stories hold no legacy column any more.")
        raise UnknownShape(_sentence(booked, missing))
    if by_hand is not None:
        if columns >= _NEW:
            raise UnknownShape(f"It does not stand at {by_hand}: there is a table tales.generations. Leave out --from.")
        return SchemaState(by_hand, "--from")
    if columns >= _NEW:
        return SchemaState(booked or detect_revision(connection) or LEGACY, _by(booked))
    if booked is not None and booked > LEGACY:
        raise UnknownShape(f"The version table says {booked}, but there is no table tales.generations of ours.")
    return SchemaState(LEGACY, _by(booked))


def _booked(connection: Connection) -> str | None:
    if connection.execute(_BOOKS).first() is None:
        return None
    revision = connection.execute(_BOOKED).scalar_one_or_none()
    return None if revision is None else str(revision)


def _by(booked: str | None) -> str:
    return "shape" if booked is None else "version table"


def _sentence(booked: str | None, missing: list[str]) -> str:
    names = ", ".join(missing)
    if booked is not None and booked < LEGACY:
        return f"The database stands at {booked}. Run `tales migrate up --to {LEGACY}` first: it has no {names}."
    add = " ".join(dict.fromkeys(add_column(*name.split(".")) for name in sorted(missing, key=_is_no_key)))
    return f"The schema tales is neither Tales' own nor the legacy one: it has no {names}. Run: {add}"


def _is_no_key(name: str) -> bool:
    return not name.endswith(".id")
