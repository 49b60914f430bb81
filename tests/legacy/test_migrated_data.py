"""Legacy stories go up without loss, and come back as they were."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tests.fixtures.databases import Database
from tests.legacy.library import (
    TOLD,
    add_family,
    add_story,
    add_user,
    add_varied_stories,
    stories,
)


def test_each_story_gets_the_attempt_that_wrote_it(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    child = add_family(legacy_database, "children", user)
    story = add_story(legacy_database, user, child_id=child)
    migrate_up(legacy_database.owner_url)

    (row,) = legacy_database.rows(
        "select g.* from tales.stories as s join tales.generations as g"
        " on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt where s.id = %s",
        story,
    )
    assert row["generation_id"].version == 8
    assert (row["attempt_number"], row["status"], row["origin"], row["prompt"]) == (1, "success", "migrated", None)
    assert (row["created_at"], row["completed_at"], row["started_at"]) == (TOLD, TOLD, None)
    assert (row["user_id"], row["child_id"], row["story_type"], row["story_length"]) == (user, child, "combined", 5)
    assert (row["moral"], row["model_used"]) == ("kindness", "openai/gpt-4o-mini")
    assert (row["hero_appearance"], row["relationship_description"]) == ("a silver cape", "old friends")
    assert row["generation_info"] == {"seed": 3, "tries": [1, 2]}
    assert (row["prompt_tokens"], row["cost_usd"]) == (7, Decimal("0.1"))


def test_what_was_missing_becomes_unknown(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database), model_used=None, moral=None, created_at=None)
    migrate_up(legacy_database.owner_url)
    (row,) = legacy_database.rows("select model_used, moral, created_at from tales.generations")
    assert row == {"model_used": "unknown", "moral": "unknown", "created_at": TOLD}


def test_stories_come_back_exactly(legacy_database: Database) -> None:
    add_varied_stories(legacy_database, add_user(legacy_database))
    before = stories(legacy_database)
    for _ in range(2):
        migrate_up(legacy_database.owner_url)
        assert legacy_database.rows("select count(*) from tales.stories") == [{"count": len(before)}]
        migrate_down(legacy_database.owner_url, "014")
        assert stories(legacy_database) == before


def test_stories_without_a_user_need_a_choice(legacy_database: Database) -> None:
    add_story(legacy_database, None)
    before = stories(legacy_database)
    with pytest.raises(MigrationFailed, match=r"1 stories have no user. Choose --orphans"):
        migrate_up(legacy_database.owner_url)
    assert stories(legacy_database) == before
    assert current_revision(legacy_database.owner_url) == "014"


def test_an_unknown_choice_is_none(legacy_database: Database) -> None:
    add_story(legacy_database, None)
    with pytest.raises(MigrationFailed, match="Choose --orphans"):
        migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.orphans": "drop"}))


def test_stories_without_a_user_can_be_set_aside(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    child = add_family(legacy_database, "children", user)
    orphan = add_story(legacy_database, None, child_id=child, model_used=None)
    add_varied_stories(legacy_database, user)
    before = stories(legacy_database)

    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.orphans": "quarantine"}))
    assert legacy_database.rows("select id from tales.stories_unowned") == [{"id": orphan}]
    migrate_down(legacy_database.owner_url, "014")
    assert stories(legacy_database) == before


def test_stories_without_a_user_can_be_given_to_one(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    orphan = add_story(legacy_database, None)
    add_varied_stories(legacy_database, user)
    before = stories(legacy_database)

    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.orphans": f"assign={user}"}))
    assert legacy_database.rows("select user_id from tales.stories where id = %s", orphan) == [{"user_id": user}]
    migrate_down(legacy_database.owner_url, "014")
    assert stories(legacy_database) == before


def test_stories_are_not_given_to_somebody_who_does_not_exist(legacy_database: Database) -> None:
    add_story(legacy_database, None)
    with pytest.raises(MigrationFailed, match=r"There is no user .* to assign stories to"):
        migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.orphans": f"assign={uuid4()}"}))


@pytest.mark.parametrize("length", [0, -5])
def test_a_length_that_no_story_has_needs_a_choice(legacy_database: Database, length: int) -> None:
    add_story(legacy_database, add_user(legacy_database), story_length=length)
    with pytest.raises(MigrationFailed, match=r"1 stories have a story_length that is not allowed. Choose --invalid"):
        migrate_up(legacy_database.owner_url)


def test_a_length_that_no_story_has_can_become_unknown(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    add_story(legacy_database, user, story_length=0, moral=None)
    add_story(legacy_database, user, story_length=-5)
    before = stories(legacy_database)

    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.invalid": "null"}))
    assert legacy_database.rows("select distinct story_length from tales.generations") == [{"story_length": None}]
    migrate_down(legacy_database.owner_url, "014")
    assert stories(legacy_database) == before


@pytest.mark.parametrize("choice", ["", "null"])
def test_an_unknown_story_type_cannot_become_unknown(legacy_database: Database, choice: str) -> None:
    add_story(legacy_database, add_user(legacy_database), story_type="sequel")
    with pytest.raises(MigrationFailed, match=r"story_type that is not allowed. Choose --invalid quarantine"):
        migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.invalid": choice}))


def test_values_that_no_story_has_can_be_set_aside(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    add_varied_stories(legacy_database, user)
    for changes in ({"story_type": "sequel"}, {"story_length": 0}, {"story_type": "", "story_length": -1}):
        add_story(legacy_database, user, **changes)
    before = stories(legacy_database)

    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.invalid": "quarantine"}))
    assert legacy_database.rows("select count(*) from tales.stories_quarantined") == [{"count": 3}]
    migrate_down(legacy_database.owner_url, "014")
    assert stories(legacy_database) == before


def test_what_was_set_aside_comes_back_without_a_child_that_is_gone(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    child = add_family(legacy_database, "children", user)
    add_story(legacy_database, None, child_id=child)
    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.orphans": "quarantine"}))
    legacy_database.execute("delete from tales.children")
    migrate_down(legacy_database.owner_url, "014")
    assert [story["child_id"] for story in stories(legacy_database)] == [None]


def test_what_was_set_aside_is_erased_with_its_user(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    add_story(legacy_database, user, story_type="sequel")
    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.invalid": "quarantine"}))
    legacy_database.execute("delete from auth.users")
    assert legacy_database.rows("select from tales.stories_quarantined") == []


def test_the_generation_of_a_story_is_derived_from_its_id(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database), id="0196b1c2-0000-4000-8000-000000000001")
    migrate_up(legacy_database.owner_url)
    (row,) = legacy_database.rows("select generation_id from tales.stories")
    # SHA-256 of 'tales:migrated-generation:0196b1c2-...', with version 8: never to change, or 016 cannot be resumed.
    assert str(row["generation_id"]) == "1ba9a3ab-1274-809c-9612-786a839b63aa"
