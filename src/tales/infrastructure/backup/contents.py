"""What tables hold, as a number of rows and a sum over them, so that a backup can be held against a database."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

_COPY = re.compile(rb"COPY (\S+|\"[^\"]+\"\.\S+) \(.*\) FROM stdin;\n")
_END = b"\\.\n"
_DIGEST = 16
_MODULUS = 2 ** (8 * _DIGEST)

# As pg_dump has them, so that the same value is the same text.
SESSION = """
    set search_path = ''; set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres';
    set extra_float_digits = 3; set bytea_output = 'hex'; set row_security = off; set statement_timeout = 0;
    set idle_in_transaction_session_timeout = 0
"""
_TABLES = """
    select c.oid::pg_catalog.regclass::text as name,
        array_agg(a.attname::text order by a.attnum) filter (where a.attgenerated = '') as columns
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = any(%s) and c.relkind = 'r'
    group by c.oid
    order by 1
"""


@dataclass
class Content:
    """The rows of one table; their order makes no difference."""

    rows: int = 0
    digest: int = 0

    def add(self, line: bytes) -> None:
        """One more row, as COPY writes it."""
        self.rows += 1
        number = int.from_bytes(hashlib.blake2b(line, digest_size=_DIGEST).digest())
        self.digest = (self.digest + number) % _MODULUS


Contents = dict[str, Content]


def contents_of(connection: psycopg.Connection[Any], schemas: Iterable[str]) -> Contents:
    """What each table of these schemas holds, by its name. Raises: psycopg.Error."""
    found: Contents = {}
    for name, columns in connection.execute(_TABLES, [list(schemas)]).fetchall():
        content = found[name] = Content()
        # The name is written by PostgreSQL, with quotation marks where it needs them.
        query = sql.SQL("copy {} ({}) to stdout").format(
            sql.SQL(name), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
        )
        with connection.cursor().copy(query) as rows:
            for line in rows:
                content.add(bytes(line))
    return found


def noting(script: Iterable[bytes], contents: Contents) -> Iterator[bytes]:
    """The lines of a script of pg_restore's; what its tables hold is noted in `contents` by the way."""
    current: Content | None = None
    for line in script:
        if current is None:
            if begins := _COPY.fullmatch(line):
                current = contents.setdefault(begins[1].decode(), Content())
        elif line == _END:
            current = None
        else:
            current.add(line)
        yield line
