"""The schema of the database, and the move of a legacy one.

Each function imports what it needs: `tales migrate status` waits for no part of the move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tales.administration.database import find_database
from tales.settings import Settings

if TYPE_CHECKING:
    from tales.infrastructure.migrations.migrate import Migration
    from tales.infrastructure.postgres.open_schema import OpenSchema
    from tales.legacy.migrate import Archive, MigrationOptions
    from tales.legacy.report import CheckOptions, Report
    from tales.legacy.verify import Verification


def status(settings: Settings) -> tuple[Migration, ...]:
    """Every migration there is, in order."""
    from tales.infrastructure.migrations.migrate import migration_status

    return migration_status(find_database(settings).owner_url)


def check(settings: Settings, options: CheckOptions) -> Report:
    """Look at a legacy database before it is migrated; nothing is kept. Raises: UnknownShape, Unavailable."""
    from tales.legacy.check.check import check_migration

    return check_migration(find_database(settings).owner_url, options)


def verify(settings: Settings) -> Verification:
    """Whether every story is linked to the attempt that wrote it, and the same as before."""
    from tales.legacy.verify import verify

    return verify(find_database(settings).owner_url)


def open_schema(settings: Settings) -> OpenSchema | None:
    """What others may create in, of what the database searches by default."""
    from tales.infrastructure.postgres.open_schema import find_open_schema

    return find_open_schema(find_database(settings).owner_url)


def ends_the_old_application(settings: Settings, to: str | None) -> bool:
    """Whether migrating up to `to` goes past the point from which an application that has written stories fails."""
    from tales.infrastructure.migrations.steps import newest_revision
    from tales.legacy.migrate import CONTRACT, has_legacy_stories

    is_beyond = (to or newest_revision()) >= CONTRACT[0]
    return is_beyond and has_legacy_stories(find_database(settings).owner_url)


def options(
    choices: Mapping[str, str],
    report: Callable[[str, int], None],
    *,
    until_expand: bool,
    consents: bool,
    max_rate: float | None,
) -> MigrationOptions:
    """How `up` is to go. `max_rate` in stories a second."""
    from tales.legacy.migrate import MigrationOptions
    from tales.legacy.pace import Pace

    pace = Pace(max_rate=max_rate)
    return MigrationOptions(choices, until_expand=until_expand, drops_not_null=consents, pace=pace, report=report)


def up(settings: Settings, to: str | None, options: MigrationOptions) -> str:
    """Migrate up. The migration that the database is at then."""
    from tales.infrastructure.embedded.server import allow_app_login
    from tales.infrastructure.migrations.migrate import current_revision
    from tales.legacy.migrate import migrate_up

    database = find_database(settings)
    migrate_up(database.owner_url, to, options)
    if database.is_embedded:
        allow_app_login(database.owner_url)
    return current_revision(database.owner_url)


def down(settings: Settings, to: str, archive: str | None) -> tuple[str, tuple[str, ...]]:
    """Migrate down; `archive` is "table" or a file. The migration reached, and what could not be made as it was."""
    from tales.infrastructure.migrations.migrate import current_revision
    from tales.legacy.migrate import ARCHIVE_TABLE, migrate_down

    database = find_database(settings)
    place: Archive | None = ARCHIVE_TABLE if archive == ARCHIVE_TABLE else Path(archive) if archive else None
    warnings = migrate_down(database.owner_url, to, place)
    return current_revision(database.owner_url), warnings


def finish(settings: Settings) -> tuple[str, ...]:
    """Give up the way down and drop what it needed. Sentences on what was done and what stays."""
    from tales.legacy.migrate import finish

    return finish(find_database(settings).owner_url)
