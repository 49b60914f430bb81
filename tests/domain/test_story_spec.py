from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.story_spec import (
    DEFAULT_MINUTES,
    LANGUAGES,
    MAX_MINUTES,
    MAX_MORAL,
    MAX_RELATIONSHIP,
    StorySpec,
    StoryType,
)
from tests.domain.factories import make_child, make_hero, make_spec

FIELDS = ("child_id", "hero_id", "relationship_description")
CAST = {StoryType.CHILD: (True, False, False), StoryType.HERO: (False, True, False), StoryType.COMBINED: (True,) * 3}


@pytest.mark.parametrize(("story_type", "given"), list(product(StoryType, product((True, False), repeat=3))))
def test_each_type_of_story_has_its_cast_no_more_and_no_less(
    story_type: StoryType, given: tuple[bool, bool, bool]
) -> None:
    cast: dict[str, Any] = {
        "child": make_child() if given[0] else None,
        "hero": make_hero() if given[1] else None,
        "relationship_description": "best friends" if given[2] else None,
    }
    wrong = [i for i in range(3) if given[i] != CAST[story_type][i]]
    if not wrong:
        assert make_spec(story_type=story_type, **cast).story_type is story_type
        return
    with pytest.raises(InvalidInput) as refused:
        make_spec(story_type=story_type, **cast)
    first = wrong[0]
    verb = "has no" if given[first] else "needs"
    assert refused.value.field == FIELDS[first]
    assert f"A story of type {story_type} {verb} {FIELDS[first]}." in refused.value.message


def test_words_of_a_brief_are_tidied() -> None:
    spec = make_spec(moral=" be\nkind ", relationship_description=" old  friends ")
    assert (spec.moral, spec.relationship_description) == ("be kind", "old friends")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("moral", ""),
        ("moral", "x" * (MAX_MORAL + 1)),
        ("relationship_description", " "),
        ("relationship_description", "x" * (MAX_RELATIONSHIP + 1)),
        ("language", "tlh"),
        ("language", "EN"),
        ("language", ""),
    ],
)
def test_a_wrong_field_of_a_brief_is_named(field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_spec(**{field: value})
    assert refused.value.field == field


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_can_be_asked_for_in_each_language(language: str) -> None:
    assert make_spec(language=language).language == language


@pytest.mark.parametrize("minutes", [1, MAX_MINUTES])
def test_a_story_lasts_from_1_to_30_minutes(minutes: int) -> None:
    assert make_spec(story_length=minutes).minutes == minutes


@pytest.mark.parametrize("minutes", [-1, 0, MAX_MINUTES + 1, True, 2.5, 2.0, "3"])
def test_no_other_length_is_allowed(minutes: Any) -> None:
    with pytest.raises(InvalidInput, match="Use a whole number of minutes from 1 to 30") as refused:
        make_spec(story_length=minutes)
    assert refused.value.field == "story_length"


def test_a_parent_who_names_no_length_gets_5_minutes_and_the_wish_stays_unsaid() -> None:
    spec = make_spec(story_length=None)
    assert (spec.story_length, spec.minutes) == (None, DEFAULT_MINUTES)


def test_a_brief_knows_what_its_hero_looks_like() -> None:
    assert make_spec().hero_appearance == "a fox in a red coat"
    assert make_spec(hero=make_hero(appearance=None)).hero_appearance is None


def test_a_story_without_a_hero_has_no_hero_appearance() -> None:
    assert StorySpec(StoryType.CHILD, "kindness", make_child()).hero_appearance is None
