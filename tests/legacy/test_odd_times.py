"""Stories of times that no calendar has (infinity, before the year 1, after 9999): a choice moves them, and back."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

import pytest

from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.legacy.library import TOLD, add_story, add_user

pytestmark = pytest.mark.sampled(3)

TIMES = (
    *("infinity", "-infinity", "0044-03-15 12:00:00.000001+00 BC", "56972-06-11 01:02:03.4+00"),
    *("0001-01-01 12:00+00", "9999-12-31 12:00+00"),
)
AS_TEXT: LiteralString = (
    "select id, (created_at at time zone 'UTC')::text as created_at, title, story_length from tales.stories order by id"
)
MOVED: LiteralString = """
    select s.id, s.created_at, g.created_at as attempted_at, g.completed_at from tales.stories as s
    join tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
"""
NULL = MigrationOptions({"tales.invalid": "null"})
QUARANTINE = MigrationOptions({"tales.invalid": "quarantine"})


def _add(database: Database, user: UUID) -> list[UUID]:
    ids = [add_story(database, user, created_at=time, story_length=0) for time in TIMES]
    # That of its last change is none either.
    ids.append(add_story(database, user, created_at="infinity", updated_at="-infinity"))
    add_story(database, user)
    return ids


def test_they_need_a_choice(legacy_database: Database) -> None:
    _add(legacy_database, add_user(legacy_database))
    legacy_database.execute("update tales.stories set story_length = 3")
    with pytest.raises(MigrationFailed, match=r"7 stories have a created_at that no calendar has. Choose --invalid"):
        migrate_up(legacy_database.owner_url)


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_they_get_the_time_of_their_last_change_and_come_back_exactly(legacy_database: Database, zone: str) -> None:
    user = add_user(legacy_database)
    *odd, neither = _add(legacy_database, user)
    legacy_database.execute(f"alter database {legacy_database.name} set timezone = '{zone}'")
    before = legacy_database.rows(AS_TEXT)
    migrate_up(legacy_database.owner_url, options=NULL)
    assert verify(legacy_database.owner_url).problems == ()
    moved = {row["id"]: row for row in legacy_database.rows(MOVED)}
    assert len(moved) == len(before)
    assert all((row["attempted_at"], row["completed_at"]) == (row["created_at"],) * 2 for row in moved.values())
    assert {moved[id_]["created_at"] for id_ in odd} == {TOLD}
    assert moved[neither]["created_at"].timestamp() == 0
    migrate_down(legacy_database.owner_url, "014")
    assert legacy_database.rows(AS_TEXT) == before


def test_they_are_set_aside_and_come_back_exactly(legacy_database: Database) -> None:
    odd = _add(legacy_database, add_user(legacy_database))
    before = legacy_database.rows(AS_TEXT)
    migrate_up(legacy_database.owner_url, options=QUARANTINE)
    assert {row["id"] for row in legacy_database.rows("select id from tales.stories_quarantined")} == set(odd)
    migrate_down(legacy_database.owner_url, "014")
    assert legacy_database.rows(AS_TEXT) == before


@pytest.mark.parametrize("options", [NULL, QUARANTINE], ids=["null", "quarantine"])
@pytest.mark.parametrize("at", ["015", "016", "expand"])
def test_the_old_application_goes_on_writing_them(
    legacy_database: Database, at: str, options: MigrationOptions
) -> None:
    user = add_user(legacy_database)
    plain, odd, mended = (add_story(legacy_database, user, created_at=time) for time in (TOLD, "infinity", "infinity"))
    url, choices = legacy_database.owner_url, options.choices
    migrate_up(url, None if at == "expand" else at, MigrationOptions(choices, until_expand=at == "expand"))

    written: dict[UUID, Any] = {plain: "infinity", odd: "-infinity", mended: "2020-01-01 00:00:00"}
    aside = {odd, mended} if options is QUARANTINE and at != "015" else set()
    for id_, time in written.items():
        changed = legacy_database.execute("update tales.stories set created_at = %s where id = %s", time, id_)
        assert changed == (id_ not in aside)
    written |= dict.fromkeys(aside, "infinity")
    written[add_story(legacy_database, user, created_at="0044-03-15 00:00+00 BC")] = "0044-03-15 00:00:00 BC"

    migrate_up(url, options=options)
    assert verify(url).problems == ()
    assert legacy_database.rows("select from tales.stories where not isfinite(created_at)") == []
    migrate_down(url, "014")
    assert {row["id"]: row["created_at"] for row in legacy_database.rows(AS_TEXT)} == written
