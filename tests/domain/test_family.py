from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput
from tales.domain.family import MAX_AGE, MAX_APPEARANCE, MAX_INTEREST, MAX_INTERESTS, MAX_NAME, NewChild, NewHero
from tests.domain.factories import USER_ID


def test_a_child_needs_no_more_than_a_name_and_an_age() -> None:
    child = NewChild("Mia", 6)
    assert (child.interests, child.gender) == ((), None)


def test_what_a_parent_types_about_a_child_is_tidied() -> None:
    child = NewChild("  Mia\nRose ", 6, (" dragons", "the\tmoon "), " girl ")
    assert child == NewChild("Mia Rose", 6, ("dragons", "the moon"), "girl")


@pytest.mark.parametrize("age", [0, MAX_AGE])
def test_a_child_is_from_0_to_17_years_old(age: int) -> None:
    assert NewChild("Mia", age).age == age


@pytest.mark.parametrize("age", [-1, MAX_AGE + 1, True, 3.5, 3.0, float("nan"), "6", None])
def test_no_other_age_is_a_childs(age: Any) -> None:
    with pytest.raises(InvalidInput, match="Use a whole number of years from 0 to 17") as refused:
        NewChild("Mia", age)
    assert refused.value.field == "age"


def test_a_child_has_at_most_12_interests() -> None:
    assert len(NewChild("Mia", 6, ("owls",) * MAX_INTERESTS).interests) == MAX_INTERESTS
    with pytest.raises(InvalidInput, match=r"There are 13 interests\. Use at most 12") as refused:
        NewChild("Mia", 6, ("owls",) * (MAX_INTERESTS + 1))
    assert refused.value.field == "interests"


@pytest.mark.parametrize(
    ("field", "child"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * (MAX_NAME + 1)}),
        ("interests", {"interests": ("owls", " ")}),
        ("interests", {"interests": ("x" * (MAX_INTEREST + 1),)}),
        ("gender", {"gender": ""}),
        ("gender", {"gender": "x" * (MAX_NAME + 1)}),
    ],
)
def test_a_wrong_field_of_a_child_is_named(field: str, child: dict[str, Any]) -> None:
    mia = NewChild("Mia", 6)
    with pytest.raises(InvalidInput) as refused:
        replace(mia, **child)
    assert refused.value.field == field


def test_a_hero_needs_no_more_than_a_name() -> None:
    assert NewHero(" Captain  Fox ") == NewHero("Captain Fox", None)


def test_what_a_hero_looks_like_is_tidied() -> None:
    assert NewHero("Fox", " a red\ncoat ").appearance == "a red coat"


@pytest.mark.parametrize(
    ("field", "hero"),
    [
        ("name", {"name": " "}),
        ("appearance", {"appearance": ""}),
        ("appearance", {"appearance": "x" * (MAX_APPEARANCE + 1)}),
    ],
)
def test_a_wrong_field_of_a_hero_is_named(field: str, hero: dict[str, Any]) -> None:
    fox = NewHero("Fox")
    with pytest.raises(InvalidInput) as refused:
        replace(fox, **hero)
    assert refused.value.field == field


def test_nobody_is_an_admin_unless_it_is_said() -> None:
    assert not Actor(USER_ID).is_admin
