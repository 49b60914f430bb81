"""What a connection is told before anything else: names mean what PostgreSQL and the migrations made, and nobody else.

Others may create in a schema that is searched by default. A function or an operator of theirs, with types that ours is
not written for, would be found in its place, and would run with the rights of whoever asked.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tales.infrastructure.postgres.urls import with_tls

CONNECT_TIMEOUT = 10

# What a server, a role or a database sets for everybody would change what our statements mean. Names are looked for in
# pg_catalog alone: ours are written whole, and what others have made in another schema is not found by accident. To
# compile one of our short statements, as a server may by default, takes a hundred times as long as to run it.
FOR_SESSION: LiteralString = """
    select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
        pg_catalog.set_config('datestyle', 'ISO', false),
        pg_catalog.set_config('intervalstyle', 'postgres', false),
        pg_catalog.set_config('default_transaction_isolation', 'read committed', false),
        pg_catalog.set_config('default_transaction_deferrable', 'off', false),
        pg_catalog.set_config('jit', 'off', false)
"""
FOR_TRANSACTION: LiteralString = "select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)"
"""For a session that may be somebody else's afterwards, as a transaction pooler's are."""


def connect(conninfo: str = "", *, autocommit: bool = False, **options: Any) -> psycopg.Connection:  # noqa: ANN401 -- libpq's and psycopg's options have no common type
    """A connection of a command, its session set up for our statements. Raises: psycopg.Error.

    A server that keeps silent is given up after `CONNECT_TIMEOUT` seconds, unless the URL says otherwise.
    """
    parameters = {"connect_timeout": CONNECT_TIMEOUT, **with_tls({**conninfo_to_dict(conninfo), **options})}
    connection = psycopg.connect(autocommit=True, **parameters)
    try:
        connection.execute(FOR_SESSION)
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection
