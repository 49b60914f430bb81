"""Up, down and up again leaves the same schema, whoever runs the files."""

from __future__ import annotations

import subprocess

import pytest

from tales.domain.errors import InvalidInput
from tales.infrastructure.embedded.cluster import programs
from tales.infrastructure.migrations.migrate import current_revision, migration_status
from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.infrastructure.migrations.shape import UnknownShape
from tales.infrastructure.migrations.steps import MIGRATIONS, newest_revision
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database

NEWEST = newest_revision()
ALL_SCHEMAS = ("tales", "auth", "tales_internal")


def _run_by_psql(database: Database, *, after: str = "000", to: str = NEWEST) -> None:
    files = [path for path in sorted(MIGRATIONS.glob("???_*.sql")) if not path.name.endswith(".down.sql")]
    wanted = [part for path in files if after < path.name[:3] <= to for part in ("-f", path)]
    command = [programs() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.owner_url, *wanted]
    subprocess.run(command, check=True, capture_output=True)


def test_every_migration_has_its_way_back() -> None:
    numbered = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    ups = [name for name in numbered if not name.endswith(".down.sql")]
    assert [name[:3] for name in ups] == [f"{number:03}" for number in range(1, len(ups) + 1)]
    assert numbered == sorted(ups + [name.replace(".sql", ".down.sql") for name in ups])


def test_the_migrations_of_the_specification_have_its_names() -> None:
    names = [path.name for path in sorted(MIGRATIONS.glob("01[567]_*.sql")) if not path.name.endswith(".down.sql")]
    assert names == [
        "015_create_generations_table.sql",
        "016_migrate_story_generation_data.sql",
        "017_update_stories_table_structure.sql",
    ]


def test_up_down_to_the_legacy_schema_and_up_leaves_the_same(legacy_database: Database) -> None:
    url = legacy_database.owner_url
    legacy = catalog(url)
    migrate_up(url)
    newest = catalog(url, ALL_SCHEMAS)

    migrate_down(url, "014")
    assert catalog(url) == legacy

    migrate_up(url)
    assert catalog(url, ALL_SCHEMAS) == newest


def test_down_to_nothing_leaves_nothing(database: Database) -> None:
    newest = catalog(database.owner_url)
    migrate_down(database.owner_url, "000")
    assert catalog(database.owner_url, ("tales", "auth")) == []
    migrate_up(database.owner_url)
    assert catalog(database.owner_url) == newest


def test_each_step_down_undoes_its_step_up(empty_database: Database) -> None:
    url = empty_database.owner_url
    numbers = [migration.number for migration in migration_status(url)]
    before = {}
    for number in numbers:
        before[number] = catalog(url)
        migrate_up(url, number)
    for previous, number in reversed(list(zip(["000", *numbers], numbers, strict=False))):
        migrate_down(url, previous)
        assert catalog(url) == before[number], number


def test_psql_makes_the_same_schema(empty_database: Database, database: Database) -> None:
    _run_by_psql(empty_database)
    assert catalog(empty_database.owner_url) == catalog(database.owner_url)


def test_the_version_table_says_where_a_database_stands(legacy_database: Database) -> None:
    applied = [migration.number for migration in migration_status(legacy_database.owner_url) if migration.applied]
    assert (applied[0], applied[-1]) == ("001", "014")
    assert current_revision(legacy_database.owner_url) == "014"


def test_a_version_table_of_alembics_is_our_own(database: Database) -> None:
    """As it is in databases that an earlier version of Tales has made."""
    made_here = catalog(database.owner_url, ("tales_internal",))
    database.execute("drop table tales_internal.schema_version")
    database.execute(
        "create table tales_internal.schema_version"
        " (version_num varchar(32) not null, constraint schema_version_pkc primary key (version_num))"
    )
    database.execute("insert into tales_internal.schema_version values ('014')")
    database.execute("grant select on tales_internal.schema_version to tales_app")

    assert catalog(database.owner_url, ("tales_internal",)) == made_here
    assert current_revision(database.owner_url) == "014"


@pytest.mark.parametrize("number", ["014", "015", "016", "017", NEWEST])
def test_a_database_that_psql_built_is_recognised(empty_database: Database, database: Database, number: str) -> None:
    _run_by_psql(empty_database, to=number)
    assert current_revision(empty_database.owner_url) == number
    migrate_up(empty_database.owner_url)
    assert catalog(empty_database.owner_url, ALL_SCHEMAS) == catalog(database.owner_url, ALL_SCHEMAS)


def test_an_empty_database_stands_before_the_first(empty_database: Database) -> None:
    assert current_revision(empty_database.owner_url) == "000"


def test_a_schema_of_unknown_shape_is_refused_by_what_it_lacks(empty_database: Database) -> None:
    empty_database.execute("create schema tales; create table tales.stories (id uuid, title text)")
    before = catalog(empty_database.owner_url, ALL_SCHEMAS)
    with pytest.raises(UnknownShape, match=r"stories\.moral"):
        migrate_up(empty_database.owner_url)
    assert catalog(empty_database.owner_url, ALL_SCHEMAS) == before


def test_a_database_of_an_unreleased_version_is_told_the_way(empty_database: Database) -> None:
    migrate_up(empty_database.owner_url, "024")
    empty_database.execute(
        "alter table tales.generations"
        " drop column queue cascade, drop column available_at cascade, drop column worker_id cascade,"
        " drop column if exists turn cascade"
    )
    before = catalog(empty_database.owner_url)
    with pytest.raises(MigrationFailed, match="migrate down --to 014 --archive table"):
        migrate_up(empty_database.owner_url)
    assert catalog(empty_database.owner_url) == before


def test_a_step_that_fails_takes_the_others_with_it(legacy_database: Database) -> None:
    legacy_database.execute("create table tales.generations ()")
    before = catalog(legacy_database.owner_url)
    with pytest.raises(MigrationFailed, match=r"015_.*nothing of it was done"):
        migrate_up(legacy_database.owner_url)
    assert catalog(legacy_database.owner_url) == before
    assert current_revision(legacy_database.owner_url) == "014"


def test_a_step_does_not_wait_for_others_for_ever(legacy_database: Database) -> None:
    with legacy_database.connect() as reader, reader.transaction():
        reader.execute("lock table tales.stories in access share mode")
        with pytest.raises(MigrationFailed, match="Try again"):
            migrate_up(legacy_database.owner_url, options=MigrationOptions(lock_patience_seconds=0.3))


def test_what_is_there_already_is_not_done_again(database: Database) -> None:
    before = catalog(database.owner_url, ALL_SCHEMAS)
    migrate_up(database.owner_url)
    migrate_up(database.owner_url, "014")
    migrate_down(database.owner_url, NEWEST)
    assert catalog(database.owner_url, ALL_SCHEMAS) == before


def test_a_number_that_no_migration_has_is_refused(database: Database) -> None:
    for move in (migrate_up, migrate_down):
        with pytest.raises(InvalidInput, match="no migration 999"):
            move(database.owner_url, "999")
