"""Which database the service works on, and whether it is ready for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tales.infrastructure.embedded.server import find_embedded, start_embedded
from tales.infrastructure.migrations.steps import newest_revision
from tales.infrastructure.postgres.errors import translated_errors
from tales.infrastructure.postgres.session import CONNECT_TIMEOUT, FOR_TRANSACTION
from tales.infrastructure.postgres.urls import connection_parameters

# A session behind a pooler is everybody's: nothing is set in it, and this names nothing that others could have made.
_REVISION = "select version_num from tales_internal.schema_version"
_PASSES_POLICIES = """
    select login.rolsuper or login.rolbypassrls or pg_has_role(login.oid, stories.relowner, 'member')
    from pg_roles as login
    cross join pg_class as stories
    join pg_namespace as n on n.oid = stories.relnamespace
    where login.rolname = current_user and n.nspname = 'tales' and stories.relname = 'stories'
"""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the data are: URLs for the owner, who migrates, for the service, and for its workers."""

    owner_url: str
    app_url: str
    queue_url: str
    is_embedded: bool


def find_database(home: Path, url: str | None, queue_url: str | None) -> Database:
    """The database at `url`, or the embedded server of `home`, started if it does not run. Blocks until it answers."""
    if url is not None:
        return Database(url, url, queue_url or url, is_embedded=False)
    server = start_embedded(home)
    return Database(server.owner_url, server.app_url, server.app_url, is_embedded=True)


def find_ready_database(home: Path, url: str | None, queue_url: str | None) -> Database | None:
    """The database, when it answers with the schema that this version needs: one connection, and nothing is started."""
    if url is not None:
        database = Database(url, url, queue_url or url, is_embedded=False)
    elif server := find_embedded(home):
        database = Database(server.owner_url, server.app_url, server.app_url, is_embedded=True)
    else:
        return None
    try:
        with _connect(database.app_url, autocommit=True) as connection:
            found = connection.execute(_REVISION).fetchone()
    except psycopg.Error:
        return None
    return database if found is not None and found[0] >= newest_revision() else None


def bypasses_rls(url: str) -> bool:
    """Whether the role that signs in at `url` could go round row-level security, as superusers and owners can.

    Each transaction takes on its request's role all the same; a mistake before that would see every family's rows.
    Raises: Unavailable.
    """
    with translated_errors(), _connect(url) as connection:
        connection.execute(FOR_TRANSACTION)
        found = connection.execute(_PASSES_POLICIES).fetchone()
    return found is not None and bool(found[0])


def _connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, **connection_parameters(url)}
    return psycopg.connect(autocommit=autocommit, **options)
