"""What the legacy table cannot hold is kept while a migration is taken back, and returns with it."""

from __future__ import annotations

import pytest

from tales.infrastructure.persistence.migration.migrate import migrate_down, migrate_up
from tests.fixtures.databases import Database
from tests.infrastructure.persistence.rows import (
    Row,
    add_user,
    attempt,
    change,
    child,
    ended,
    hero,
    insert,
    retry,
    story,
)

ATTEMPTS = "select * from tales.generations order by generation_id, attempt_number"
STORIES = "select * from tales.stories order by id"


@pytest.fixture
def lively_database(database: Database) -> Database:
    """A database with generations in every state, of a family with a child and a hero."""
    with database.connect() as connection:
        user = add_user(connection)
        family: Row = {
            "child_id": insert(connection, "children", child(user))["id"],
            "hero_id": insert(connection, "heroes", hero(user))["id"],
        }
        first = insert(connection, "generations", ended(user, "failed", story_type="combined", **family))
        second = insert(
            connection, "generations", retry(first) | {"status": "timeout", "completed_at": first["created_at"]}
        )
        third = insert(
            connection, "generations", ended(user) | {"generation_id": first["generation_id"]} | {"attempt_number": 3}
        )
        insert(connection, "stories", story(third, rating=9, **family))
        assert second["attempt_number"] == 2
        insert(connection, "generations", ended(user))  # a success whose story was deleted
        insert(connection, "generations", attempt(user))
        insert(connection, "generations", ended(user, "failed"))
    return database


def test_attempts_and_prompts_come_back_on_the_way_up(lively_database: Database) -> None:
    before = lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)
    migrate_down(lively_database.owner_url, "014")
    migrate_up(lively_database.owner_url)
    assert (lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)) == before


def test_the_legacy_table_shows_what_the_new_service_wrote(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014")
    (row,) = lively_database.rows("select model_used, story_type, moral, full_response, rating from tales.stories")
    assert (row["model_used"], row["story_type"], row["moral"], row["rating"]) == ("sim/ok", "child", "kindness", 9)
    assert row["full_response"]["id"] == "gen-1"


def test_the_archive_opens_to_nobody(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014")
    (row,) = lively_database.rows(
        "select relrowsecurity, relacl from pg_class where oid = 'tales.generations_archive'::regclass"
    )
    assert row == {"relrowsecurity": True, "relacl": None}


def test_the_archive_is_erased_with_its_user(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014")
    lively_database.execute("delete from auth.users")
    assert lively_database.rows("select from tales.generations_archive") == []
    migrate_up(lively_database.owner_url)
    assert lively_database.rows(ATTEMPTS) == []


def test_the_archive_forgets_a_child_and_a_hero_that_are_gone(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014")
    lively_database.execute("delete from tales.children")
    lively_database.execute("delete from tales.heroes")
    migrate_up(lively_database.owner_url)
    attempts = lively_database.rows(ATTEMPTS)
    assert len(attempts) == 6
    assert {(row["child_id"], row["hero_id"]) for row in attempts} == {(None, None)}


def test_a_story_that_was_deleted_meanwhile_leaves_its_attempts(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014")
    lively_database.execute("delete from tales.stories")
    migrate_up(lively_database.owner_url)
    assert len(lively_database.rows(ATTEMPTS)) == 6


def test_the_cost_that_was_learned_of_a_legacy_story_stays(legacy_database: Database) -> None:
    with legacy_database.connect() as connection:
        user = add_user(connection)
        insert(connection, "stories", {"user_id": user, "title": "t", "content": "c"})
    migrate_up(legacy_database.owner_url)
    with legacy_database.connect() as connection:
        (row,) = connection.execute("select * from tales.generations").fetchall()
        change(connection, "generations", row, reconciled_cost_usd=3)
    before = legacy_database.rows(ATTEMPTS)
    migrate_down(legacy_database.owner_url, "014")
    migrate_up(legacy_database.owner_url)
    assert legacy_database.rows(ATTEMPTS) == before


def test_below_the_stories_there_is_no_archive_either(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "000")
    assert lively_database.rows("select to_regnamespace('tales') as schema") == [{"schema": None}]
