"""The database that a command works on: where it is, whether it is ready, and its server."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from tales.infrastructure.embedded.cluster import programs
from tales.infrastructure.embedded.server import stop_embedded
from tales.infrastructure.postgres import database
from tales.infrastructure.postgres.database import Database
from tales.infrastructure.postgres.urls import for_program, libpq_url
from tales.settings import Settings


def find_database(settings: Settings) -> Database:
    """The database; the embedded server is started. Whatever schema it has is left alone."""
    return database.find_database(settings.home, settings.database_url, settings.queue_database_url)


def ready_database(settings: Settings) -> Database:
    """The database with the schema that this version needs; an empty one gets it. Raises: Unavailable, SchemaTooOld."""
    ready = database.find_ready_database(settings.home, settings.database_url, settings.queue_database_url)
    if ready is not None:
        return ready
    from tales.infrastructure.migrations.prepare import prepare_schema  # noqa: PLC0415 -- where it is not ready alone

    found = find_database(settings)
    prepare_schema(found)
    return found


def owner_url(settings: Settings) -> str:
    """The URL of the database's owner. The embedded server is started; an empty database gets its schema."""
    from tales.infrastructure.migrations.prepare import prepare_empty  # noqa: PLC0415 -- not for `tales db stop`

    found = find_database(settings)
    prepare_empty(found)
    return libpq_url(found.owner_url)


def psql_command(settings: Settings) -> tuple[list[str], Mapping[str, str]]:
    """Psql for the database's owner, the machine's or the one that comes along: its arguments, and its variables."""
    where, secret = for_program(owner_url(settings))
    return [shutil.which("psql") or str(programs() / "psql"), where], secret


def stop_database(settings: Settings) -> bool:
    """Stop the embedded server; False when it did not run."""
    return stop_embedded(settings.home)
