"""The files under psql and `tales migrate` are two ways of one move: they end in the same bytes, there and back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from benchmarks.legacy import LegacyPlan, Nastiness, Profile, fill_legacy

from tales.infrastructure.embedded.cluster import programs
from tales.infrastructure.migrations.steps import MIGRATIONS, newest_revision
from tales.legacy.migrate import ARCHIVE_TABLE, MigrationOptions, migrate_down, migrate_up
from tales.legacy.verify import verify
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.server import Server
from tests.legacy.checksums import NEW_TABLES, OLD_TABLES, checksums

NEWEST = newest_revision()
CHOICES = {"tales.orphans": "quarantine", "tales.invalid": "quarantine"}


@pytest.fixture
def twin(server: Server, legacy_template: str) -> Iterator[Database]:
    """A second legacy database."""
    with copy_of(server, legacy_template) as database:
        yield database


def fill(database: Database) -> None:
    """Everything odd that such a table may hold, the same in each database, which Tales has not seen before."""
    database.execute("drop schema tales_internal cascade")
    fill_legacy(
        database.owner_url,
        LegacyPlan(rows=200, users=4, profile=Profile.SHORT, nastiness=Nastiness.each(0.1), huge_bytes=10_000),
    )


def run_by_psql(database: Database, first: str, last: str) -> None:
    files = [path for path in sorted(MIGRATIONS.glob("???_*.sql")) if not path.name.endswith(".down.sql")]
    wanted = [part for path in files if first <= path.name[:3] <= last for part in ("-f", path)]
    settings = [part for name, value in CHOICES.items() for part in ("-c", f"set {name} = '{value}'")]
    command = [programs() / "psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", database.owner_url]
    subprocess.run([*command, *settings, *wanted], check=True, capture_output=True)


def test_both_ways_end_in_the_same_bytes_and_come_back_to_the_same(legacy_database: Database, twin: Database) -> None:
    fill(legacy_database)
    fill(twin)
    before = checksums(twin, OLD_TABLES)

    run_by_psql(legacy_database, "015", NEWEST)
    migrate_up(twin.owner_url, options=MigrationOptions(CHOICES))

    assert verify(legacy_database.owner_url).problems == ()
    assert checksums(legacy_database, NEW_TABLES) == checksums(twin, NEW_TABLES)
    assert catalog(legacy_database.owner_url) == catalog(twin.owner_url)
    for database in (legacy_database, twin):
        migrate_down(database.owner_url, "014", ARCHIVE_TABLE)
        assert checksums(database, OLD_TABLES) == before


def test_a_story_that_is_written_between_the_files_stops_them_and_is_moved_online(legacy_database: Database) -> None:
    fill(legacy_database)
    run_by_psql(legacy_database, "015", "016")
    legacy_database.execute("update tales.stories set moral = 'written meanwhile'")

    with pytest.raises(subprocess.CalledProcessError) as refused:
        run_by_psql(legacy_database, "017", "017")
    assert b"stories differ from their attempts" in refused.value.stderr

    migrate_down(legacy_database.owner_url, "014", ARCHIVE_TABLE)
    migrate_up(legacy_database.owner_url, options=MigrationOptions(CHOICES))
    assert verify(legacy_database.owner_url).problems == ()
    assert legacy_database.rows("select distinct moral from tales.generations") == [{"moral": "written meanwhile"}]


def test_what_was_written_after_psql_copied_is_copied_again_online(legacy_database: Database) -> None:
    fill(legacy_database)
    run_by_psql(legacy_database, "015", "016")
    legacy_database.execute("update tales.stories set moral = 'written meanwhile'")

    migrate_up(legacy_database.owner_url, options=MigrationOptions(CHOICES))

    assert verify(legacy_database.owner_url).problems == ()
    assert legacy_database.rows("select distinct moral from tales.generations") == [{"moral": "written meanwhile"}]
