"""Stories with a model name that no index of generations could hold: a choice moves them, and back."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits
from typing import Any, LiteralString
from uuid import UUID

import pytest

from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.legacy.check.looking import look
from tests.legacy.library import add_story, add_user

pytestmark = pytest.mark.sampled(3)

LONGEST = 1600
# Nothing in either of them repeats: PostgreSQL finds nothing to compress.
TOO_LONG, ALSO_TOO_LONG = ("".join(Random(n).choices(ascii_letters + digits, k=LONGEST + n)) for n in (1, 1000))
SERVED = "".join(map(chr, Random(1).sample(range(0x20000, 0x2A000), 300)))
RESPONSE: Any = {"model": SERVED, "usage": {"prompt_tokens": 700, "completion_tokens": 900}}

LEGACY: LiteralString = "select id, model_used, created_at, full_response from tales.stories order by id"
MOVED: LiteralString = """
    select s.id, g.model_used, g.served_model from tales.stories as s
    join tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
"""
NULL = MigrationOptions({"tales.invalid": "null"})
QUARANTINE = MigrationOptions({"tales.invalid": "quarantine"})


def test_the_longest_names_that_pass_the_check_fit_into_every_index(legacy_database: Database) -> None:
    longest = TOO_LONG[:LONGEST]
    add_story(legacy_database, add_user(legacy_database), model_used=longest, full_response=RESPONSE)
    assert look(legacy_database).causes == ()
    migrate_up(legacy_database.owner_url)
    (moved,) = legacy_database.rows(MOVED)
    assert (moved["model_used"], moved["served_model"]) == (longest, SERVED[:200])


@pytest.mark.parametrize("name", [TOO_LONG, ALSO_TOO_LONG], ids=["by a byte", "by far"])
def test_longer_ones_need_a_choice(legacy_database: Database, name: str) -> None:
    story = add_story(legacy_database, add_user(legacy_database), model_used=name, full_response=RESPONSE)
    (cause,) = look(legacy_database).causes
    assert (cause.name, cause.examples, cause.rule) == ("model_used_too_long", (str(story),), None)
    with pytest.raises(MigrationFailed, match=r"1 stories have a model_used that no index can hold. Choose --invalid"):
        migrate_up(legacy_database.owner_url)


@pytest.mark.parametrize("options", [NULL, QUARANTINE], ids=["null", "quarantine"])
def test_they_are_moved_by_either_choice_and_come_back_exactly(
    legacy_database: Database, options: MigrationOptions
) -> None:
    user = add_user(legacy_database)
    plain = add_story(legacy_database, user, full_response=RESPONSE)
    odd = add_story(legacy_database, user, model_used=ALSO_TOO_LONG, full_response=RESPONSE)
    before = legacy_database.rows(LEGACY)
    migrate_up(legacy_database.owner_url, options=options)
    assert verify(legacy_database.owner_url).problems == ()
    names = {row["id"]: row["model_used"] for row in legacy_database.rows(MOVED)}
    assert names == {plain: "openai/gpt-4o-mini"} | ({odd: "unknown"} if options is NULL else {})
    migrate_down(legacy_database.owner_url, "014")
    assert legacy_database.rows(LEGACY) == before


@pytest.mark.parametrize("options", [NULL, QUARANTINE], ids=["null", "quarantine"])
@pytest.mark.parametrize("at", ["015", "016", "expand"])
def test_the_old_application_goes_on_writing_them(
    legacy_database: Database, at: str, options: MigrationOptions
) -> None:
    user = add_user(legacy_database)
    plain, shortened = (add_story(legacy_database, user, model_used=name) for name in ("a", TOO_LONG))
    url, choices = legacy_database.owner_url, options.choices
    migrate_up(url, None if at == "expand" else at, MigrationOptions(choices, until_expand=at == "expand"))

    written: dict[UUID, Any] = {plain: ALSO_TOO_LONG, shortened: "b"}
    aside = {shortened} if options is QUARANTINE and at != "015" else set()
    for id_, name in written.items():
        changed = legacy_database.execute("update tales.stories set model_used = %s where id = %s", name, id_)
        assert changed == (id_ not in aside)
    written |= dict.fromkeys(aside, TOO_LONG)
    written[add_story(legacy_database, user, model_used=TOO_LONG, full_response=RESPONSE)] = TOO_LONG

    migrate_up(url, options=options)
    assert verify(url).problems == ()
    assert all(len(row["model_used"]) <= LONGEST for row in legacy_database.rows(MOVED))
    migrate_down(url, "014")
    assert {row["id"]: row["model_used"] for row in legacy_database.rows(LEGACY)} == written
