"""How a backup reaches its database: by a session, and by PostgreSQL's programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tales.domain.errors import Forbidden
from tales.infrastructure.backup.contents import SESSION
from tales.infrastructure.postgres.errors import translated_errors
from tales.infrastructure.postgres.session import connect
from tales.infrastructure.postgres.urls import for_program, libpq_url

_SEES_ALL = "select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user"


@contextmanager
def owner_session(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session that reads values as pg_dump does. Raises: Unavailable, Forbidden for a role that sees no rows."""
    with translated_errors(), connect(libpq_url(url), autocommit=True, client_encoding="UTF8") as connection:
        connection.execute(SESSION)
        if connection.execute(_SEES_ALL).fetchone() != (True,):
            raise Forbidden(
                "Row-level security hides the families' rows from this database role. Name a superuser, or a role with "
                "BYPASSRLS, in TALES_DATABASE_URL for this command."
            )
        yield connection


def program_options(url: str) -> tuple[str, dict[str, str]]:
    """An argument and the environment by which pg_dump and psql connect to `url`, and write values alike everywhere."""
    where, secret = for_program(url)
    return f"--dbname={where}", os.environ | secret | {"PGTZ": "UTC", "PGCLIENTENCODING": "UTF8", "LC_ALL": "C"}
