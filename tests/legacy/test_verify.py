"""What was moved is compared with what was there, in the database, at any time."""

from __future__ import annotations

import pytest

from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.legacy.library import add_story, add_user, add_varied_stories

EXPAND = MigrationOptions(until_expand=True)


@pytest.fixture
def legacy(legacy_database: Database) -> Database:
    """A legacy database with stories of every kind."""
    user = add_user(legacy_database)
    add_varied_stories(legacy_database, user)
    add_story(legacy_database, user)
    return legacy_database


def test_each_stage_of_a_good_migration_is_well(legacy: Database) -> None:
    before = verify(legacy.owner_url)
    assert (before.stands_at, before.linked) == ("014", 0)

    for to in ("016", None):
        migrate_up(legacy.owner_url, to, EXPAND)
        found = verify(legacy.owner_url)
        assert (found.stories, found.linked, found.problems) == (before.stories, before.stories, ())
    assert found.differing == 0

    migrate_up(legacy.owner_url)
    after = verify(legacy.owner_url)
    assert (after.stands_at, after.problems) == (newest_revision(), ())
    assert (after.stories, after.linked) == (before.stories, before.stories)


def test_the_checksum_is_that_of_the_same_rows(legacy: Database) -> None:
    migrate_up(legacy.owner_url, options=EXPAND)
    before = verify(legacy.owner_url).checksum
    assert verify(legacy.owner_url).checksum == before

    legacy.execute("update tales.stories set moral = 'another' where moral = 'kindness'")

    assert verify(legacy.owner_url).checksum != before


def test_a_copy_that_differs_stops_the_migration_before_anything_is_dropped(legacy: Database) -> None:
    migrate_up(legacy.owner_url, "016")
    legacy.execute(
        "update tales.generations set moral = 'spoilt' where generation_id = "
        "(select generation_id from tales.generations where moral = 'kindness' limit 1)"
    )

    with pytest.raises(MigrationFailed, match=r"verify.*1 of \d+ stories differ from their attempts"):
        migrate_up(legacy.owner_url)

    found = verify(legacy.owner_url)
    assert found.differing == 1
    assert found.problems[0] == "1 stories differ from their attempts."
    assert len(found.examples) == 1


@pytest.mark.parametrize(
    "damage",
    [
        *(
            f"update tales.generations set {column} = {value} where model_used = 'right'"
            for column, value in {
                "model_used": "'wrong'",
                "full_response": "'[1]'",
                "generation_info": "'[1]'",
                "story_type": "'hero'",
                "story_length": "99",
                "moral": "'wrong'",
                "hero_appearance": "'wrong'",
                "relationship_description": "'wrong'",
            }.items()
        ),
        "delete from tales.generations where model_used = 'right'",
    ],
)
def test_whatever_differs_of_an_attempt_is_found_also_that_there_is_none(legacy: Database, damage: str) -> None:
    story = add_story(legacy, add_user(legacy), model_used="right", story_type="child")
    migrate_up(legacy.owner_url, options=EXPAND)

    legacy.execute(f"begin; set local session_replication_role = 'replica'; {damage}; commit")

    assert verify(legacy.owner_url).examples == (str(story),)


def test_stories_that_were_set_aside_are_counted(legacy: Database) -> None:
    add_story(legacy, None)
    add_story(legacy, add_user(legacy), story_type="saga")
    migrate_up(
        legacy.owner_url, options=MigrationOptions({"tales.orphans": "quarantine", "tales.invalid": "quarantine"})
    )

    found = verify(legacy.owner_url)

    assert (found.unowned, found.quarantined, found.problems) == (1, 1, ())
