"""When nobody wants to go back, nothing of the move stays; where there was no move, there never was anything."""

from __future__ import annotations

import pytest

from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.legacy.migrate import ARCHIVE_TABLE, MigrationOptions, finish, migrate_down, migrate_up
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database
from tests.legacy.library import add_story, add_user, add_varied_stories

WORDS = ("legacy", "migrat", "sync", "copies", "moving", "old application")
# What tells the origin of an attempt is decision 3's.
ALLOWED = ("'migrated'",)


def test_a_new_database_has_nothing_about_legacy_stories_or_moving(database: Database) -> None:
    schemas = [row["nspname"] for row in database.rows("select nspname from pg_namespace where nspname like 'tales%'")]
    assert set(schemas) == {"tales", "tales_internal"}
    told = [
        line
        for line in catalog(database.owner_url, ("tales", "auth"))
        if any(word in _without(line, ALLOWED).lower() for word in WORDS)
    ]
    assert told == []


def test_finishing_leaves_what_a_new_database_has(legacy_database: Database, database: Database) -> None:
    add_varied_stories(legacy_database, add_user(legacy_database))
    migrate_up(legacy_database.owner_url)

    assert finish(legacy_database.owner_url) == ("The way down is given up, and what it needed is dropped.",)

    assert catalog(legacy_database.owner_url, ("tales", "tales_migration", "auth")) == catalog(
        database.owner_url, ("tales", "tales_migration", "auth")
    )
    assert finish(legacy_database.owner_url) == ("There is nothing to finish: nothing is kept for a way down.",)


def test_after_that_there_is_no_way_down(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))
    migrate_up(legacy_database.owner_url)
    finish(legacy_database.owner_url)

    with pytest.raises(MigrationFailed, match="the way down was given up by `tales migrate finish`"):
        migrate_down(legacy_database.owner_url, "014", ARCHIVE_TABLE)
    assert legacy_database.rows("select count(*) from tales.stories") == [{"count": 1}]


def test_stories_that_were_set_aside_stay_and_are_named(legacy_database: Database) -> None:
    add_story(legacy_database, None)
    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.orphans": "quarantine"}))

    assert "1 stories that were set aside stay in tales.stories_unowned" in finish(legacy_database.owner_url)[1]
    assert legacy_database.rows("select count(*) from tales.stories_unowned") == [{"count": 1}]


def test_a_move_that_is_not_over_cannot_be_finished(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))
    migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))

    with pytest.raises(MigrationFailed, match="stands at 016, and its stories are not moved yet"):
        finish(legacy_database.owner_url)
    migrate_down(legacy_database.owner_url, "014")


def _without(line: str, parts: tuple[str, ...]) -> str:
    for part in parts:
        line = line.replace(part, "")
    return line
