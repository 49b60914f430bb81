"""Where a database stands, as the preflight sees it."""

from __future__ import annotations

import pytest

from tales.infrastructure.migrations.shape import UnknownShape
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.migrate import MigrationOptions, migrate_up
from tests.fixtures.databases import Database
from tests.legacy.check.looking import look
from tests.legacy.library import add_story, add_user


def test_a_legacy_database_is_known_by_its_version_table(legacy_database: Database) -> None:
    report = look(legacy_database)
    assert (report.revision, report.recognised_by) == ("014", "version table")
    numbers = [step.number for step in report.steps]
    assert (numbers[:3], numbers[-1]) == (["015", "016", "017"], newest_revision())
    assert all(step.summary.endswith(".") for step in report.steps)


def test_a_legacy_database_is_known_by_its_shape(legacy_database: Database) -> None:
    legacy_database.execute("drop schema tales_internal cascade")
    report = look(legacy_database)
    assert (report.revision, report.recognised_by) == ("014", "shape")


def test_a_legacy_database_can_be_said_to_be_one(legacy_database: Database) -> None:
    legacy_database.execute("update tales_internal.schema_version set version_num = '019'")
    report = look(legacy_database, from_revision="014")
    assert (report.revision, report.recognised_by) == ("014", "--from")


def test_what_is_said_by_hand_must_agree_with_the_shape(database: Database) -> None:
    with pytest.raises(UnknownShape, match=r"it has no stories\.full_response"):
        look(database, from_revision="014")


def test_a_shape_that_is_none_is_refused_with_what_is_missing(legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.stories drop column moral, drop column rating")
    for options in ({}, {"from_revision": "014"}):
        with pytest.raises(UnknownShape, match=r"neither .* it has no stories.moral, stories.rating"):
            look(legacy_database, **options)


def test_a_schema_that_is_half_made_is_brought_to_014_first(empty_database: Database) -> None:
    migrate_up(empty_database.owner_url, "006")
    with pytest.raises(UnknownShape, match=r"stands at 006. Run `tales migrate up --to 014` first"):
        look(empty_database)


def test_a_version_table_that_is_wrong_is_told(legacy_database: Database) -> None:
    legacy_database.execute("update tales_internal.schema_version set version_num = '019'")
    with pytest.raises(UnknownShape, match=r"says 019, but there is no table tales.generations"):
        look(legacy_database)


def test_what_is_migrated_already_has_nothing_to_move(database: Database) -> None:
    report = look(database)
    assert (report.revision, report.problems) == (newest_revision(), ())
    assert report.nothing_to_move
    database.execute("drop table tales_internal.schema_version")
    assert look(database).recognised_by == "shape"


def test_an_empty_database_has_nothing_to_move(empty_database: Database) -> None:
    report = look(empty_database)
    assert (report.revision, report.problems) == ("000", ())
    assert report.nothing_to_move


def test_a_table_that_happens_to_be_called_like_ours_deceives_nobody(legacy_database: Database) -> None:
    legacy_database.execute("drop schema tales_internal cascade")
    legacy_database.execute("create table tales.accounts (user_id uuid)")
    report = look(legacy_database)
    assert (report.revision, report.nothing_to_move) == ("014", None)
    assert report.problems == (
        "There is a table tales.accounts, a name that the migrations need. Rename it, or move it to another schema.",
    )


@pytest.mark.parametrize("to", ["015", "016", None])
def test_a_migration_under_way_can_be_looked_at(legacy_database: Database, to: str | None) -> None:
    add_story(legacy_database, add_user(legacy_database))
    migrate_up(legacy_database.owner_url, to, MigrationOptions(until_expand=True))
    report = look(legacy_database)
    assert (report.revision, report.rows) == (to or "016", 1)
    assert (report.problems, report.dependents, report.columns) == ((), (), ())
    with pytest.raises(UnknownShape, match="Leave out --from"):
        look(legacy_database, from_revision="014")
