"""A backup of everything in the database, and its restore."""

from __future__ import annotations

from pathlib import Path

from tales.administration.database import find_database
from tales.infrastructure.backup.contents import Contents
from tales.infrastructure.backup.dump import make_backup
from tales.infrastructure.backup.restore import RestoreFailed, open_archive, restore_backup
from tales.infrastructure.embedded.server import allow_app_login
from tales.infrastructure.migrations.prepare import prepare_empty
from tales.infrastructure.migrations.steps import newest_revision
from tales.settings import Settings


def back_up(settings: Settings, to: Path) -> Contents:
    """Write all that Tales keeps to the new file `to`. Raises: what `make_backup` does."""
    return make_backup(find_database(settings).owner_url, to)


def restore(settings: Settings, path: Path) -> Contents:
    """Restore a backup into a database that holds no user's rows. Raises: what `restore_backup` does, SchemaTooOld."""
    database = find_database(settings)
    archive = open_archive(database.owner_url, path)
    if archive.revision > newest_revision():
        raise RestoreFailed(f"{path} is of migration {archive.revision}, which this version of Tales does not know.")
    # For what belongs to no schema: the roles, and what they may be.
    prepare_empty(database)
    contents = restore_backup(database.owner_url, archive)
    if database.is_embedded:
        allow_app_login(database.owner_url)
    return contents
