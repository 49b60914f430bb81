"""The schema that this version needs: made where there is none, and never where an operator has to decide."""

from __future__ import annotations

from tales.domain.errors import TalesError
from tales.infrastructure.embedded.server import allow_app_login
from tales.infrastructure.migrations.migrate import current_revision, migrate_up
from tales.infrastructure.migrations.steps import BASE, newest_revision
from tales.infrastructure.postgres.database import Database

FIRST_WITHOUT_LEGACY = "017"


class SchemaTooOld(TalesError):
    """The database is not at the schema that this version needs."""

    code = "schema_too_old"

    def __init__(self, current: str, needed: str) -> None:
        super().__init__(
            f"The database stands at migration {current}, and this version needs {needed}. "
            "Look with `tales migrate status`, then run `tales migrate up`."
        )


def prepare_empty(database: Database) -> None:
    """Make the schema in an empty database; any other is left as it is."""
    if current_revision(database.owner_url) == BASE:
        prepare_schema(database)


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
