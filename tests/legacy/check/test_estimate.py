"""How long and how much: the figures are plausible, and lie around what the migration then takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tales.legacy.check.estimate import judge_room
from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.pace import Pace
from tests.fixtures.databases import Database
from tests.legacy.check.looking import look
from tests.legacy.library import add_user

_STORIES = """
    insert into tales.stories (title, content, user_id, model_used, moral, full_response)
    select 'A title', repeat('Once upon a time. ', 50), %s, 'openai/gpt-4o-mini', 'kindness',
        jsonb_build_object('usage', jsonb_build_object('cost', 0.1), 'words',
            (select jsonb_agg(md5((n * 1000 + m)::text)) from generate_series(1, 60) as m))
    from generate_series(1, 4000) as n
"""


def test_room_and_log_lie_around_what_the_migration_takes(legacy_database: Database) -> None:
    legacy_database.execute(_STORIES, add_user(legacy_database))
    legacy_database.execute("analyze tales.stories")
    size = "select coalesce(pg_total_relation_size(to_regclass('tales.generations')), 0)"
    size += " + pg_total_relation_size('tales.stories') as size"
    (before,) = legacy_database.rows(size)
    estimate = look(legacy_database, sample_rows=1000).estimate
    assert estimate is not None
    assert estimate.rows == 4000
    assert 500 < estimate.sampled_rows < 2000
    assert 0 < estimate.seconds[0] < estimate.seconds[1]
    assert estimate.stories_bytes == before["size"]
    # A batch that gives way on a busy machine leaves its rows behind as dead ones: a small one leaves few.
    migrate_up(legacy_database.owner_url, options=MigrationOptions(pace=Pace(batch_seconds=0.01)))
    (after,) = legacy_database.rows(size)
    assert estimate.new_bytes[0] * 0.7 < after["size"] - before["size"] < estimate.new_bytes[1]


def test_an_empty_table_takes_no_time(legacy_database: Database) -> None:
    estimate = look(legacy_database).estimate
    assert estimate is not None
    assert (estimate.rows, estimate.sampled_rows, estimate.seconds) == (0, 0, (0, 0))


def test_a_sample_that_meets_no_row_becomes_the_whole(legacy_database: Database) -> None:
    legacy_database.execute("insert into tales.stories (title, content) values ('a', 'b')")
    estimate = look(legacy_database, sample_rows=0).estimate
    assert estimate is not None
    assert estimate.sampled_rows == 1


@pytest.mark.parametrize(("free", "is_short"), [(None, False), (10**6, True), (10**15, False)])
def test_a_disk_that_may_be_too_small_is_told(legacy_database: Database, free: int | None, is_short: bool) -> None:
    legacy_database.execute(_STORIES, add_user(legacy_database))
    estimate = look(legacy_database).estimate
    assert estimate is not None
    found = list(judge_room(replace(estimate, free_bytes=free)))
    assert [finding.name for finding in found] == (["disk_short"] if is_short else [])
