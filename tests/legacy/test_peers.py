"""What users of comparable tools suffered from when they migrated, by the name of the thread that tells of it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.migrate import migrate_up
from tales.legacy.pace import Pace
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.legacy.concurrency import QUARANTINE, stop_at, transaction
from tests.legacy.library import add_story, add_user

ALIKE = """
    insert into tales.stories (id, title, content, user_id, story_type, created_at, updated_at)
    select gen_random_uuid(), 't', 'c', %s, 'child', '2025-01-01', '2025-01-01' from generate_series(1, 500)
"""
WAITING = """
    select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""


def test_langfuse_7117_equal_times_neither_loop_nor_skip(legacy_database: Database) -> None:
    legacy_database.execute(ALIKE, add_user(legacy_database))
    batches: list[int] = []

    def report(step: str, moved: int) -> None:
        if step == "copy" and moved:
            batches.append(moved)

    migrate_up(legacy_database.owner_url, options=replace(QUARANTINE, report=report, pace=Pace(rows=10)))

    assert batches == sorted(set(batches))
    assert batches[-1] == 500
    assert verify(legacy_database.owner_url).problems == ()


def test_langfuse_4662_a_migration_that_cannot_go_on_says_so(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))

    with transaction(legacy_database) as other:
        other.execute("lock table tales.stories in access exclusive mode")
        with pytest.raises(MigrationFailed, match=r"^The look for .* waited too long for others\..*Try again\.$"):
            migrate_up(legacy_database.owner_url, options=replace(QUARANTINE, lock_patience_seconds=1.0))


def test_langfuse_8448_a_migration_that_fails_says_why_and_what_to_do(legacy_database: Database) -> None:
    add_story(legacy_database, None)

    with pytest.raises(MigrationFailed, match=r"1 stories have no user\. Choose --orphans quarantine"):
        migrate_up(legacy_database.owner_url)


@pytest.mark.parametrize("step", ["copy", "link", "index", "contract"])
def test_langfuse_6679_no_version_is_dirty_after_an_interruption(legacy_database: Database, step: str) -> None:
    add_story(legacy_database, add_user(legacy_database))
    stop_at(legacy_database, step)

    assert current_revision(legacy_database.owner_url) in {"015", "016"}
    migrate_up(legacy_database.owner_url, options=QUARANTINE)

    assert current_revision(legacy_database.owner_url) == newest_revision()


def test_phoenix_11526_an_index_is_built_without_locking_the_table(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    add_story(legacy_database, user)
    stop_at(legacy_database, "index")
    migrator = threading.Thread(target=migrate_up, args=(legacy_database.owner_url, None, QUARANTINE))

    with transaction(legacy_database) as other:
        # An index waits for whoever has begun to write; others do not wait behind it.
        other.execute("update tales.stories set rating = 2")
        migrator.start()
        while not legacy_database.rows(WAITING)[0]["waiting"]:
            assert migrator.is_alive()
        with transaction(legacy_database) as writer:
            writer.execute("set local lock_timeout = '1s'")
            writer.execute("insert into tales.stories (id, title, content, user_id, story_type) "
                "values (gen_random_uuid(), 't', 'c', %s, 'child')", [user])  # fmt: skip
            writer.commit()
        other.commit()
    migrator.join(60)

    assert current_revision(legacy_database.owner_url) == newest_revision()
    assert verify(legacy_database.owner_url).problems == ()
