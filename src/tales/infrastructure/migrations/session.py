"""The migrator's own session: what a server or a role sets for everybody would get in its way."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from tales.infrastructure.postgres.session import connect
from tales.infrastructure.postgres.urls import connection_parameters

_ADVISORY_LOCK = 0x7A1E5
_LOCK = text("select pg_try_advisory_lock(:key)")
_PATIENCE_SECONDS = 3.0
"""A migrator that was killed holds its lock until the server notices."""

# Its waits are bounded by lock_timeout; an index is built for as long as there are stories, and would be so again.
# - client_connection_check_interval: a statement whose migrator was killed ends, and lets go of its locks.
# - deadlock_timeout: an autovacuum steps aside only after this time, and lock_timeout is shorter than its default. Only
#   a superuser may set it; others wait until it has ended.
# What a server does not know, or a role may not set, is left as it is.
_SETTINGS = text("""
    do $$
    declare
        wanted record;
    begin
        for wanted in
            select * from (values
                ('statement_timeout', '0'),
                ('transaction_timeout', '0'),
                ('idle_in_transaction_session_timeout', '0'),
                ('client_connection_check_interval', '1s'),
                ('deadlock_timeout', '100ms')
            ) as settings (name, value)
        loop
            begin
                perform set_config(wanted.name, wanted.value, false);
            exception when others then
                null;
            end;
        end loop;
    end
    $$
""")


def session_engine(url: str) -> Engine:
    """What connects a command to the database at `url`, each time anew. Raises: InvalidInput."""
    # A database without an encoding would answer with bytes.
    options: dict[str, Any] = {"client_encoding": "UTF8", **connection_parameters(url)}
    return create_engine(
        "postgresql+psycopg://", creator=lambda: connect(**options), poolclass=NullPool, hide_parameters=True
    )


def prepare_session(connection: Connection) -> None:
    """Free the session from what would end its statements."""
    with connection.begin():
        connection.execute(_SETTINGS)


def acquire_lock(connection: Connection) -> bool:
    """Whether this session is the database's one migrator from here on, until it closes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with connection.begin():
            if connection.execute(_LOCK, {"key": _ADVISORY_LOCK}).scalar_one():
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
