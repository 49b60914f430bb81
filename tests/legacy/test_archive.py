"""What the legacy table cannot hold is kept while a migration is taken back, and returns with it."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.archive import ArchiveUnusable
from tales.legacy.migrate import ARCHIVE_TABLE, migrate_down, migrate_up
from tests.fixtures.databases import Database
from tests.fixtures.rows import (
    THEN,
    Row,
    add_user,
    attempt,
    change,
    child,
    ended,
    hero,
    insert,
    queued,
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
        for in_the_queue in (
            queued(user),
            queued(user, worker_id=uuid4(), started_at=THEN),
            ended(user, "failed", queue="test", available_at=THEN, worker_id=uuid4()),
        ):
            insert(connection, "generations", in_the_queue)
    return database


def test_attempts_and_prompts_come_back_on_the_way_up(lively_database: Database) -> None:
    before = lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)
    migrate_down(lively_database.owner_url, "014", ARCHIVE_TABLE)
    migrate_up(lively_database.owner_url)
    assert (lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)) == before


def claim(database: Database) -> list[Row]:
    """What a worker of the queue gets, as the service."""
    with psycopg.connect(database.app_url, autocommit=True) as service:
        rows = service.execute("select generation_id from tales.claim_attempts(%s, 'test', 10, now())", [uuid4()])
        return [{"generation_id": generation_id} for (generation_id,) in rows]


@pytest.mark.parametrize("to", ["014", "016", "017", "024"])
def test_what_waited_in_the_queue_is_claimed_after_the_way_back_and_up(lively_database: Database, to: str) -> None:
    waiting = lively_database.rows(
        "select generation_id from tales.generations where status = 'pending' and queue = 'test' and worker_id is null"
    )
    assert len(waiting) == 1
    migrate_down(lively_database.owner_url, to, ARCHIVE_TABLE)
    migrate_up(lively_database.owner_url)

    assert claim(lively_database) == waiting


def test_an_archive_of_before_the_queue_comes_back_as_well(lively_database: Database) -> None:
    """Unreleased versions had the queue elsewhere; 025 tells their users to come this way."""
    before = lively_database.rows(ATTEMPTS)
    migrate_down(lively_database.owner_url, "014", ARCHIVE_TABLE)
    lively_database.execute(
        "alter table tales.generations_archive drop column queue, drop column available_at, drop column worker_id,"
        " drop column turn"
    )

    migrate_up(lively_database.owner_url)

    lost = {"queue": None, "available_at": None, "worker_id": None}
    assert lively_database.rows(ATTEMPTS) == [row | lost for row in before]


def test_the_legacy_table_shows_what_the_new_service_wrote(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014", ARCHIVE_TABLE)
    (row,) = lively_database.rows("select model_used, story_type, moral, full_response, rating from tales.stories")
    assert (row["model_used"], row["story_type"], row["moral"], row["rating"]) == ("sim/ok", "child", "kindness", 9)
    assert row["full_response"]["id"] == "gen-1"


def test_the_archive_opens_to_nobody(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014", ARCHIVE_TABLE)
    (row,) = lively_database.rows(
        "select relrowsecurity, relacl from pg_class where oid = 'tales.generations_archive'::regclass"
    )
    assert row == {"relrowsecurity": True, "relacl": None}


def test_the_archive_is_erased_with_its_user(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014", ARCHIVE_TABLE)
    lively_database.execute("delete from auth.users")
    assert lively_database.rows("select from tales.generations_archive") == []
    migrate_up(lively_database.owner_url)
    assert lively_database.rows(ATTEMPTS) == []


def test_the_archive_forgets_a_child_and_a_hero_that_are_gone(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014", ARCHIVE_TABLE)
    lively_database.execute("delete from tales.children")
    lively_database.execute("delete from tales.heroes")
    migrate_up(lively_database.owner_url)
    attempts = lively_database.rows(ATTEMPTS)
    assert len(attempts) == 9
    assert {(row["child_id"], row["hero_id"]) for row in attempts} == {(None, None)}


def test_a_story_that_was_deleted_meanwhile_leaves_its_attempts(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "014", ARCHIVE_TABLE)
    lively_database.execute("delete from tales.stories")
    migrate_up(lively_database.owner_url)
    assert len(lively_database.rows(ATTEMPTS)) == 9


def test_the_cost_that_was_learned_of_a_legacy_story_stays(legacy_database: Database) -> None:
    with legacy_database.connect() as connection:
        user = add_user(connection)
        insert(connection, "stories", {"user_id": user, "title": "t", "content": "c"})
    migrate_up(legacy_database.owner_url)
    with legacy_database.connect() as connection:
        (row,) = connection.execute("select * from tales.generations").fetchall()
        change(connection, "generations", row, reconciled_cost_usd=3)
    before = legacy_database.rows(ATTEMPTS)
    migrate_down(legacy_database.owner_url, "014", ARCHIVE_TABLE)
    migrate_up(legacy_database.owner_url)
    assert legacy_database.rows(ATTEMPTS) == before


def test_below_the_stories_there_is_no_archive_either(lively_database: Database) -> None:
    migrate_down(lively_database.owner_url, "000")
    assert lively_database.rows("select to_regnamespace('tales') as schema") == [{"schema": None}]


# In a file instead of a table.


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where an operator wants the archive."""
    return tmp_path / "generations_archive_1.parquet"


def test_the_way_back_is_refused_until_the_operator_says_where_to_keep_what_it_cannot_hold(
    lively_database: Database,
) -> None:
    before = lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)

    with pytest.raises(MigrationFailed, match=r"9 attempts have no place .* --archive table or --archive FILE"):
        migrate_down(lively_database.owner_url, "014")

    assert (lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)) == before


def test_a_file_brings_everything_back_as_well(lively_database: Database, archive: Path) -> None:
    before = lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)

    migrate_down(lively_database.owner_url, "014", archive)
    assert archive.stat().st_size > 0
    assert lively_database.rows("select to_regclass('tales.generations_archive') as archive") == [{"archive": None}]
    migrate_up(lively_database.owner_url)

    assert (lively_database.rows(ATTEMPTS), lively_database.rows(STORIES)) == before


def test_a_file_that_is_gone_stops_the_way_up_before_stories_move(lively_database: Database, archive: Path) -> None:
    migrate_down(lively_database.owner_url, "014", archive)
    archive.rename(elsewhere := archive.with_suffix(".away"))

    with pytest.raises(ArchiveUnusable, match="Put the file back"):
        migrate_up(lively_database.owner_url)
    assert current_revision(lively_database.owner_url) == "015"

    elsewhere.rename(archive)
    migrate_up(lively_database.owner_url)
    assert len(lively_database.rows(ATTEMPTS)) == 9


def test_a_file_is_never_written_over(lively_database: Database, archive: Path) -> None:
    archive.write_text("precious")

    with pytest.raises(ArchiveUnusable, match="exists already"):
        migrate_down(lively_database.owner_url, "014", archive)

    assert archive.read_text() == "precious"
    assert current_revision(lively_database.owner_url) == newest_revision()


def test_a_file_brings_nothing_back_of_a_user_who_was_erased(lively_database: Database, archive: Path) -> None:
    migrate_down(lively_database.owner_url, "014", archive)
    lively_database.execute("delete from auth.users")

    migrate_up(lively_database.owner_url)

    assert lively_database.rows(ATTEMPTS) == []
