"""What the legacy table cannot hold, in a Parquet file instead of a table: written on the way down, read on the way up.

Each column is kept as the text that PostgreSQL writes for it, so nothing depends on how Parquet or Python would round a
number or a time; a file that is complete ends with Parquet's own mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from tales.domain.errors import TalesError
from tales.files import new_file

BATCH = 500
"""Rows in memory at a time: a response may have megabytes."""

_COLUMNS = """
    select attname from pg_catalog.pg_attribute
    where attrelid = 'tales.generations_archive'::regclass and attnum > 0 and not attisdropped
    order by attnum
"""


class ArchiveUnusable(TalesError):
    """An archive cannot be written or read."""

    code = "archive_unusable"


def write_archive(connection: psycopg.Connection, path: Path) -> int:
    """Write the rows of tales.generations_archive to `path`, which must not exist; how many they were.

    Raises: ArchiveUnusable.
    """
    names = _columns(connection)
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    rows = 0
    try:
        with new_file(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in _batches(connection, names):
                rows += len(batch)
                columns = [pa.array(values, pa.string()) for values in zip(*batch, strict=True)]
                writer.write_batch(pa.record_batch(columns, schema=schema))
    except FileExistsError:
        raise ArchiveUnusable(f"{path} exists already. Choose another name for the archive.") from None
    except OSError as error:
        raise ArchiveUnusable(f"The archive {path} cannot be written: {error.strerror}. Nothing was changed.") from None
    return rows


def read_archive(connection: psycopg.Connection, path: Path) -> int:
    """Fill the empty tales.generations_archive from `path`; how many rows they were.

    What belonged to a user who has been erased since stays out, and a child or hero that is gone is forgotten.
    Raises: ArchiveUnusable.
    """
    connection.execute("create temporary table loaded (like tales.generations_archive) on commit drop")
    try:
        with pq.ParquetFile(path) as file:
            _load(connection, file, path)
    except (OSError, pa.ArrowException):
        raise ArchiveUnusable(f"The archive {path} cannot be read. Put the file back where it was.") from None
    names = sql.SQL(", ").join(map(sql.Identifier, _columns(connection)))
    connection.execute("""
        update loaded set
            child_id = (select c.id from tales.children as c where c.id = child_id),
            hero_id = (select h.id from tales.heroes as h where h.id = hero_id)
        where child_id is not null or hero_id is not null
    """)
    statement = sql.SQL(
        "insert into tales.generations_archive ({0}) select {0} from loaded where tales_migration.is_user(user_id)"
    ).format(names)
    return connection.execute(statement).rowcount


def _load(connection: psycopg.Connection, file: pq.ParquetFile, path: Path) -> None:
    names = file.schema_arrow.names
    if set(names) != set(_columns(connection)):
        raise ArchiveUnusable(f"{path} is no archive of Tales: it has other columns.")
    copy = sql.SQL("copy loaded ({}) from stdin").format(sql.SQL(", ").join(map(sql.Identifier, names)))
    with connection.cursor().copy(copy) as target:
        for batch in file.iter_batches(BATCH):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                target.write_row(row)


def _columns(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in connection.execute(_COLUMNS).fetchall()]


def _batches(connection: psycopg.Connection, names: list[str]) -> Iterator[list[tuple[str | None, ...]]]:
    """The archive's rows as text, some at a time."""
    as_text = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    with connection.cursor("archive") as cursor:
        cursor.execute(sql.SQL("select {} from tales.generations_archive").format(as_text))
        while batch := cursor.fetchmany(BATCH):
            yield batch
