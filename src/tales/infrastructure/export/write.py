"""Streams an export out of the database into a file, by COPY: nothing of it is kept in memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from tales.infrastructure.export.tables import Column, Export, Kind, select
from tales.infrastructure.postgres.errors import translated_errors
from tales.infrastructure.postgres.session import connect
from tales.infrastructure.postgres.urls import libpq_url

Report = Callable[[int], None]
"""Is told how many rows have been written so far."""

_STEP = 5_000
# Characters that JSON never holds as they are, so that COPY has nothing to quote or escape.
_PLAIN = "format csv, delimiter E'\\x02', quote E'\\x01'"


def write_csv(url: str, export: Export, to: BinaryIO, report: Report) -> int:
    """Write the rows to `to` as CSV with a line of names; how many there were. Unknown is empty, `""` an empty text.

    Raises: Unavailable, Forbidden.
    """
    _, query = select(export, harmless=True)
    with _copying(url, sql.SQL("copy ({}) to stdout (format csv, header)").format(query)) as rows:
        return max(0, _pass_on(rows, to, report) - 1)


def write_jsonl(url: str, export: Export, to: BinaryIO, report: Report) -> int:
    """The same with an object on each line; unknown is null."""
    _, query = select(export, harmless=False)
    statement = sql.SQL("copy (select row_to_json(line) from ({}) as line) to stdout ({})")
    with _copying(url, statement.format(query, sql.SQL(_PLAIN))) as rows:
        return _pass_on(rows, to, report)


def write_parquet(url: str, export: Export, to: BinaryIO, report: Report) -> int:
    """The same as Parquet with its types: times in UTC, money as decimals."""
    import pyarrow as pa  # noqa: PLC0415 -- for this form alone
    from pyarrow import csv, parquet  # noqa: PLC0415 -- as above

    columns, query = select(export, harmless=False)
    types = {column.name: _arrow_type(pa, column) for column in columns}
    options = csv.ConvertOptions(
        column_types=types,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
    )
    written = 0
    with _copying(url, sql.SQL("copy ({}) to stdout (format csv, header)").format(query)) as rows:
        parsing = csv.ParseOptions(newlines_in_values=True)
        reading = csv.ReadOptions(block_size=1 << 24)
        batches = csv.open_csv(io.BufferedReader(_Stream(rows), 1 << 20), reading, parsing, options)
        with parquet.ParquetWriter(to, pa.schema(types.items()), compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
                written += batch.num_rows
                report(written)
    return written


@contextmanager
def _copying(url: str, statement: sql.Composed) -> Iterator[Iterator[bytes]]:
    """The rows of a COPY as the service sees them: all families', and nothing else of the database."""
    with translated_errors(), connect(libpq_url(url)) as connection:
        connection.execute("set transaction read only")
        connection.execute("select set_config('timezone', 'UTC', true), set_config('role', 'service_role', true)")
        with connection.cursor().copy(statement) as copy:
            yield _rows(copy)


def _rows(copy: psycopg.Copy) -> Iterator[bytes]:
    for row in copy:
        yield bytes(row)


def _pass_on(rows: Iterator[bytes], to: BinaryIO, report: Report) -> int:
    """One message of COPY is one row."""
    passed = 0
    for row in rows:
        to.write(row)
        passed += 1
        if passed % _STEP == 0:
            report(passed)
    report(passed)
    return passed


class _Stream(io.RawIOBase):
    """Rows as a file that is read."""

    def __init__(self, rows: Iterator[bytes]) -> None:
        self._rows = rows
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- typeshed's Buffer has no length
        """Fill the buffer as far as rows come; 0 at their end."""
        parts, size = [self._rest], len(self._rest)
        while size < len(buffer) and (row := next(self._rows, b"")):
            parts.append(row)
            size += len(row)
        found = b"".join(parts)
        given, self._rest = found[: len(buffer)], found[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)


def _arrow_type(pa: Any, column: Column) -> object:  # noqa: ANN401 -- pyarrow has no types
    return {
        Kind.TEXT: pa.string(),
        Kind.NUMBER: pa.int64(),
        Kind.SECONDS: pa.float64(),
        Kind.DOLLARS: pa.decimal128(18, 12),
        Kind.TIME: pa.timestamp("us", "UTC"),
        Kind.YES_NO: pa.bool_(),
    }[column.kind]
