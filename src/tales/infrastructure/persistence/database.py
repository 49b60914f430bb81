"""Which database the service works on, and that its schema is the one that this version needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

from tales.domain.errors import TalesError
from tales.infrastructure.persistence.embedded import allow_app_login, start_embedded
from tales.infrastructure.persistence.errors import translated_errors
from tales.infrastructure.persistence.migration.migrate import current_revision, migrate_up, newest_revision
from tales.infrastructure.persistence.migration.steps import BASE
from tales.infrastructure.persistence.urls import libpq_url

_PASSES_POLICIES = """
    select login.rolsuper or login.rolbypassrls or pg_has_role(login.oid, stories.relowner, 'member')
    from pg_roles as login
    cross join pg_class as stories
    join pg_namespace as n on n.oid = stories.relnamespace
    where login.rolname = current_user and n.nspname = 'tales' and stories.relname = 'stories'
"""
FIRST_WITHOUT_LEGACY = "017"


class SchemaTooOld(TalesError):
    """The database is not at the schema that this version needs."""

    code = "schema_too_old"

    def __init__(self, current: str, needed: str) -> None:
        super().__init__(
            f"The database stands at migration {current}, and this version needs {needed}. "
            "Look with `tales migrate status`, then run `tales migrate up`."
        )


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


def prepare_schema(database: Database) -> None:
    """Make the schema in an empty database; bring the embedded one up to date. Nothing legacy is ever moved here.

    Raises: SchemaTooOld when the operator has to decide.
    """
    current, needed = current_revision(database.owner_url), newest_revision()
    is_ours = database.is_embedded and current >= FIRST_WITHOUT_LEGACY
    if current < needed:
        if current != BASE and not is_ours:
            raise SchemaTooOld(current, needed)
        migrate_up(database.owner_url)
    if database.is_embedded:
        allow_app_login(database.owner_url)


def passes_policies(url: str) -> bool:
    """Whether the role that signs in at `url` could go round row-level security, as superusers and owners can.

    Each transaction takes on its request's role all the same; a mistake before that would see every family's rows.
    Raises: Unavailable.
    """
    with translated_errors(), psycopg.connect(libpq_url(url)) as connection:
        found = connection.execute(_PASSES_POLICIES).fetchone()
    return found is not None and bool(found[0])
