"""Rows that break a new rule: found by cause, with the rule or the choice to make."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tales.legacy.migrate import MigrationOptions, migrate_up
from tests.fixtures.databases import Database
from tests.legacy.check.looking import look, the_finding
from tests.legacy.library import add_story, add_user, add_varied_stories

pytestmark = pytest.mark.sampled(3)


def test_a_library_without_oddities_has_no_cause(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))
    report = look(legacy_database)
    assert (report.rows, report.causes, report.problems) == (1, (), ())


def test_what_has_a_rule_anyway_is_told_and_is_no_problem(legacy_database: Database) -> None:
    add_varied_stories(legacy_database, add_user(legacy_database))
    report = look(legacy_database)
    assert {cause.name: cause.rows for cause in report.causes} == {
        "model_used_missing": 1,
        "moral_missing": 1,
        "created_at_missing": 2,
    }
    assert all(cause.rule for cause in report.causes)
    assert report.problems == ()


# By cause: a story that breaks the rule, what has to be altered to have it, and which choices solve it.
_BREAKS: dict[str, tuple[dict[str, Any], str | None, list[dict[str, str]]]] = {
    "story_length_not_positive": ({"story_length": 0}, None, [{"invalid": "null"}, {"invalid": "quarantine"}]),
    "created_at_out_of_range": (
        {"created_at": "infinity"},
        None,
        [{"invalid": "null"}, {"invalid": "quarantine"}],
    ),
    "story_type_unknown": ({"story_type": "sequel"}, None, [{"invalid": "quarantine"}]),
    "story_type_missing": (
        {"story_type": None},
        "alter table tales.stories alter story_type drop not null",
        [{"invalid": "quarantine"}],
    ),
    "title_missing": ({"title": None}, "alter table tales.stories alter title drop not null", []),
    "content_missing": ({"content": None}, "alter table tales.stories alter content drop not null", []),
    "model_used_too_long": ({"model_used": "x" * 1601}, None, [{"invalid": "null"}, {"invalid": "quarantine"}]),
}


@pytest.mark.parametrize("cause", _BREAKS)
def test_each_cause_is_found_and_solved_by_its_choices_alone(legacy_database: Database, cause: str) -> None:
    changes, alteration, choices = _BREAKS[cause]
    if alteration:
        legacy_database.execute(alteration)
    user = add_user(legacy_database)
    add_story(legacy_database, user)
    story = add_story(legacy_database, user, **changes)

    for options in ({}, {"orphans": "quarantine"}, {"invalid": "null"}, {"invalid": "quarantine"}):
        report = look(legacy_database, **options)
        (found,) = report.causes
        assert (found.name, found.rows, found.examples) == (cause, 1, (str(story),))
        assert (found.rule is not None) == (options in choices), options
        assert bool(report.problems) == (options not in choices)
        assert found.todo


@pytest.mark.parametrize("cause", ["title_missing", "content_missing"])
def test_what_has_no_rule_is_mended_by_its_statement(legacy_database: Database, cause: str) -> None:
    changes, alteration, _ = _BREAKS[cause]
    if alteration:
        legacy_database.execute(alteration)
    add_story(legacy_database, add_user(legacy_database), **changes)
    for statement in look(legacy_database).causes[0].statements:
        legacy_database.execute(statement)
    assert look(legacy_database).problems == ()
    migrate_up(legacy_database.owner_url)


def _unhinge(database: Database) -> None:
    """A legacy table whose references nobody checks."""
    for name in ("user", "child", "hero"):
        database.execute(f"alter table tales.stories drop constraint stories_{name}_id_fkey")


def test_stories_without_a_user_and_of_an_unknown_one_need_the_same_choice(legacy_database: Database) -> None:
    _unhinge(legacy_database)
    add_story(legacy_database, None)
    add_story(legacy_database, uuid4())
    report = look(legacy_database)
    assert [(cause.name, cause.rule) for cause in report.causes] == [
        ("user_id_missing", None),
        ("user_id_unknown", None),
    ]
    assert len(report.problems) == 2
    assert look(legacy_database, orphans="quarantine").problems == ()
    user = add_user(legacy_database)
    assert look(legacy_database, orphans=f"assign={user}").problems == ()


def test_stories_are_assigned_to_somebody_who_exists(legacy_database: Database) -> None:
    report = look(legacy_database, orphans=f"assign={uuid4()}")
    assert report.problems == (the_finding(report, "no_such_user").sentence,)


@pytest.mark.parametrize("column", ["child_id", "hero_id"])
def test_an_unknown_child_or_hero_has_a_rule_unless_its_story_is_set_aside(
    legacy_database: Database, column: str
) -> None:
    _unhinge(legacy_database)
    changes: dict[str, Any] = {column: uuid4(), "story_type": "sequel"}
    add_story(legacy_database, add_user(legacy_database), **{column: uuid4()})
    story = add_story(legacy_database, add_user(legacy_database), **changes)
    kept = {cause.name: cause for cause in look(legacy_database).causes}
    assert (kept[f"{column}_unknown"].rows, kept[f"{column}_unknown"].rule is not None) == (2, True)

    report = look(legacy_database, invalid="quarantine")
    (stuck,) = [cause for cause in report.causes if cause.name == f"{column}_keeps_from_quarantine"]
    assert (stuck.rows, stuck.examples, stuck.rule) == (1, (str(story),), None)
    for statement in stuck.statements:
        legacy_database.execute(statement)
    assert look(legacy_database, invalid="quarantine").problems == ()


def test_five_examples_are_enough_and_the_same_each_time(legacy_database: Database) -> None:
    stories = sorted(add_story(legacy_database, None) for _ in range(7))
    (cause,) = look(legacy_database).causes
    assert cause.rows == 7
    assert cause.examples == tuple(map(str, stories[:5]))


@pytest.mark.parametrize(
    "choices",
    [
        {"orphans": "quarantine", "invalid": "quarantine"},
        {"orphans": "assign", "invalid": "quarantine"},
    ],
)
def test_what_the_check_calls_settled_goes_through(legacy_database: Database, choices: dict[str, str]) -> None:
    _unhinge(legacy_database)
    user = add_user(legacy_database)
    add_varied_stories(legacy_database, user)
    unknown: list[UUID | None] = [None, uuid4()]
    for owner in unknown:
        add_story(legacy_database, owner)
    add_story(legacy_database, user, child_id=uuid4(), hero_id=uuid4())
    add_story(legacy_database, user, story_type="sequel")
    add_story(legacy_database, user, story_length=-5)
    add_story(legacy_database, user, model_used="x" * 1601)
    if choices["orphans"] == "assign":
        choices = choices | {"orphans": f"assign={user}"}
    assert look(legacy_database, **choices).problems == ()
    migrate_up(
        legacy_database.owner_url,
        options=MigrationOptions({f"tales.{name}": choice for name, choice in choices.items()}),
    )


def test_many_stories_are_counted(legacy_database: Database) -> None:
    legacy_database.execute("""
        insert into tales.stories (title, content, story_length, moral)
        select 'A title', 'A story', n % 10, case when n % 2 = 0 then 'kindness' end
        from generate_series(1, 100000) as n
    """)
    report = look(legacy_database)
    assert report.rows == 100_000
    counts = {cause.name: cause.rows for cause in report.causes}
    assert counts["user_id_missing"] == 100_000
    assert (counts["story_length_not_positive"], counts["moral_missing"]) == (10_000, 50_000)
