"""The migrator's own session: what a server or a role sets for everybody would get in its way."""

from __future__ import annotations

import time

from sqlalchemy import Connection, text

_ADVISORY_LOCK = 0x7A1E5
_LOCK = text("select pg_try_advisory_lock(:key)")
_PATIENCE_SECONDS = 3.0
"""A migrator that was killed holds its lock until the server notices."""

# Its waits are bounded by lock_timeout; an index is built for as long as there are stories, and would be so again.
# - client_connection_check_interval: a statement whose migrator was killed ends, and lets go of its locks.
# - deadlock_timeout: an autovacuum steps aside only after this time, and lock_timeout is shorter than its default. Only
#   a superuser may set it; others wait until it has ended.
# - search_path: names are found where they are written, and what others have made in another schema is not.
# What a server does not know, or a role may not set, is left as it is.
_SETTINGS = text("""
    do $$
    declare
        wanted record;
    begin
        for wanted in
            select * from (values
                ('search_path', 'pg_catalog, pg_temp'),
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
