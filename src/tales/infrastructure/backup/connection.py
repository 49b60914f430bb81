"""How PostgreSQL's programs reach a database: no password is among their arguments, which everybody can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tales.domain.errors import Forbidden
from tales.infrastructure.backup.contents import SESSION
from tales.infrastructure.postgres.errors import translated_errors
from tales.infrastructure.postgres.urls import connection_parameters, libpq_url

_SECRET = {"password": "PGPASSWORD"}
_SEES_ALL = "select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user"


@contextmanager
def owner_session(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session that reads values as pg_dump does. Raises: Unavailable, Forbidden for a role that sees no rows."""
    with translated_errors(), psycopg.connect(libpq_url(url), autocommit=True, client_encoding="UTF8") as connection:
        connection.execute(SESSION)
        if connection.execute(_SEES_ALL).fetchone() != (True,):
            raise Forbidden(
                "Row-level security hides the families' rows from this database role. Name a superuser, or a role with "
                "BYPASSRLS, in TALES_DATABASE_URL for this command."
            )
        yield connection


def arguments(url: str) -> list[str]:
    """Of a program that connects to `url`."""
    said = {name: str(value) for name, value in connection_parameters(url).items() if name not in _SECRET}
    return [f"--dbname={make_conninfo(**said)}"]


def environment(url: str) -> dict[str, str]:
    """Of the same program: its password, and values written the same everywhere."""
    said = connection_parameters(url)
    secrets = {variable: str(said[name]) for name, variable in _SECRET.items() if name in said}
    return os.environ | secrets | {"PGTZ": "UTC", "PGCLIENTENCODING": "UTF8", "LC_ALL": "C"}
