"""Makes a real database of a shape, with a few rows, and says what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tales.infrastructure.migrations.steps import revisions
from tests.fixtures.databases import Database, drop_database, make_database
from tests.fixtures.managed import ManagedDatabase, make_managed
from tests.fixtures.server import Server
from tests.legacy.oddities import EXTRA_COLUMNS, ODDITIES, TYPES
from tests.legacy.shapes import COLUMNS, Shape

ADA, BEN = UUID(int=0xADA), UUID(int=0xBE)
"""Two users. Ada has a child, a hero and two stories; Ben has a story; one story is nobody's."""

_VALUES = {
    "title": "The Kind Dragon",
    "content": "Once upon a time ...",
    "name": "Mia",
    "age": "6",
    "interests": "{dragons}",
    "gender": "girl",
    "appearance": "a silver cape",
    "created_at": "2025-11-02 19:30:00.123456+00",
    "updated_at": "2025-11-03 19:30:00+00",
    "rating": "4",
    "model_used": "openai/gpt-4o-mini",
    "full_response": '{"model": "openai/gpt-4o-mini", "usage": {"cost": 0.1}}',
    "generation_info": '{"seed": 3}',
    "story_type": "combined",
    "story_length": "5",
    "moral": "kindness",
    "hero_appearance": "a silver cape",
    "relationship_description": "old friends",
}
_EXTRA_VALUES = {
    "[]": "{}",
    "integer": "7",
    "bigint": "7",
    "boolean": "true",
    "timestamptz": "2025-01-01",
    "json": "{}",
}
_IMPOSSIBLE = (
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedObject,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.DatatypeMismatch,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateObject,
    psycopg.errors.InvalidForeignKey,
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.IntegrityError,
    # What an oddity before it refuses.
    psycopg.errors.RaiseException,
)
_OWNED = (
    ("children", "01", {"user_id": ADA}),
    ("children", "02", {"user_id": None}),
    ("heroes", "11", {"user_id": ADA}),
    ("heroes", "12", {"user_id": None}),
    ("stories", "21", {"user_id": ADA, "child_id": UUID(int=1), "hero_id": UUID(int=11)}),
    ("stories", "22", {"user_id": ADA, **dict.fromkeys(("rating", "story_length", "moral", "updated_at"))}),
    ("stories", "23", {"user_id": BEN, **dict.fromkeys(("full_response", "model_used", "generation_info"))}),
    ("stories", "24", {"user_id": None}),
)


@contextmanager
def database_of(server: Server, shape: Shape) -> Iterator[Database]:
    """A database of this shape, while the block lasts."""
    if shape.home == "managed" and shape.encoding == "UTF8":
        with make_managed(server) as database:
            _fill(database, shape)
            yield database
        return
    plain = make_database(server)
    if shape.encoding != "UTF8":
        drop_database(server, plain)
        server.execute(
            sql.SQL("create database {} template template0 encoding {} locale 'C'").format(
                sql.Identifier(plain.name), sql.Literal(shape.encoding)
            )
        )
    try:
        plain.execute(_our_auth())
        _fill(plain, shape)
        yield plain
    finally:
        drop_database(server, plain)


def platform_url(database: Database) -> str:
    """The URL of a superuser."""
    return database.superuser_url if isinstance(database, ManagedDatabase) else database.owner_url


def _our_auth() -> Any:
    (path,) = (revision.path for revision in revisions() if revision.number == "002")
    return sql.SQL(path.read_text(encoding="utf-8"))


def _fill(database: Database, shape: Shape) -> None:
    with psycopg.connect(platform_url(database), autocommit=True, client_encoding="utf8") as platform:
        for user in (ADA, BEN):
            platform.execute("insert into auth.users (id) values (%s)", [user])
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        for statement in tables(shape):
            owner.execute(statement)
        for statement in rows(shape):
            # A row that this shape would refuse is not there.
            with suppress(psycopg.errors.IntegrityError):
                owner.execute(statement)
        for oddity in shape.oddities:
            # Of something that this shape does not have, or has otherwise: all of it, or nothing.
            with suppress(*_IMPOSSIBLE), owner.transaction():
                for statement in ODDITIES[oddity]:
                    owner.execute(statement)


def tables(shape: Shape) -> Iterator[str]:
    """The statements that make schema tales, in order."""
    yield "create schema tales"
    yield from TYPES
    for table in COLUMNS:
        if table not in shape.missing_tables:
            yield f"create table tales.{table} ({', '.join(_columns(shape, table))})"


def rows(shape: Shape) -> Iterator[str]:
    """The statements that fill it."""
    for table, number, owned in _OWNED:
        if table not in shape.missing_tables | shape.empty:
            yield _insert(shape, table, UUID(int=int(number)), owned)


def _columns(shape: Shape, table: str) -> Iterator[str]:
    types = dict(shape.types)
    for column in COLUMNS[table]:
        name = f"{table}.{column.name}"
        if not shape.has(name):
            continue
        rest = column.rest
        if name in shape.plain or any(f"references tales.{gone}" in rest for gone in shape.missing_tables):
            rest = ""
        if name in shape.not_null and "not null" not in rest and "set null" not in rest:
            rest += " not null"
        yield f"{column.name} {types.get(name, column.type)} {rest}"
    for extra in sorted(shape.extras):
        if extra.startswith(table + "."):
            yield f"{extra.partition('.')[2]} {EXTRA_COLUMNS[extra]}"


def _insert(shape: Shape, table: str, key: UUID, owned: dict[str, Any]) -> str:
    row: dict[str, str | None] = {}
    for column in COLUMNS[table]:
        name = f"{table}.{column.name}"
        if not shape.has(name):
            continue
        value = str(key) if column.name == "id" else owned.get(column.name, _VALUES.get(column.name))
        gone = {"child_id": "children", "hero_id": "heroes"}.get(column.name)
        if gone in shape.missing_tables | shape.empty:
            value = None
        if value is None and (name in shape.not_null or "not null" in column.rest):
            value = _VALUES.get(column.name, ADA if column.name == "user_id" else None)
        if value is not None and column.name in {"title", "name"}:
            value = f"{value} {key.int}"
        row[column.name] = None if value is None else str(value)
    for extra in shape.extras:
        where, _, name = extra.partition(".")
        if where == table and "generated" not in EXTRA_COLUMNS[extra] and "default" not in EXTRA_COLUMNS[extra]:
            if "serial" in EXTRA_COLUMNS[extra]:
                continue
            kinds = [value for kind, value in _EXTRA_VALUES.items() if kind in EXTRA_COLUMNS[extra].split(" not")[0]]
            row[name] = kinds[0] if kinds else "extra"
    values = ", ".join("null" if value is None else f"'{value}'" for value in row.values())
    return f"insert into tales.{table} ({', '.join(row)}) values ({values})"
