"""Whatever a family types is data in a prompt: it cannot end where it stands, and instructions stand around it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.family import MAX_APPEARANCE, MAX_INTEREST, MAX_INTERESTS, NewChild, NewHero
from tales.domain.prompt import write_prompt
from tales.domain.story_spec import MAX_MORAL, MAX_RELATIONSHIP, StorySpec
from tests.domain.factories import make_child, make_hero, make_spec
from tests.domain.injections import INJECTIONS, breaking_characters, data, frame

JOINERS = {"\u200c", "\u200d"}
LONGEST = max(MAX_APPEARANCE, MAX_MORAL, MAX_RELATIONSHIP, MAX_INTERESTS * (MAX_INTEREST + 2))
PLAIN = make_spec(child=make_child(gender="girl"))


def rows_with(text: str) -> dict[str, StorySpec]:
    """A spec for each field that a row can hold this text in, past all checks."""
    child, hero = make_child(gender="girl"), make_hero()
    return {
        "the child's name": replace(PLAIN, child=replace(child, name=text)),
        "the child's gender": replace(PLAIN, child=replace(child, gender=text)),
        "an interest": replace(PLAIN, child=replace(child, interests=("owls", text))),
        "the hero's name": replace(PLAIN, hero=replace(hero, name=text)),
        "the hero's appearance": replace(PLAIN, hero=replace(hero, appearance=text)),
    }


def assert_only_data_differ(prompt: str) -> None:
    plain = write_prompt(PLAIN)
    assert frame(prompt) == frame(plain)
    assert len(prompt.splitlines()) == len(plain.splitlines())
    assert prompt.startswith("Write a bedtime story.")
    assert prompt.endswith("in short paragraphs. Write nothing else.\n")
    for words in data(prompt):
        assert breaking_characters(words) == []
        hidden = {char for char in words if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
        assert hidden <= JOINERS
        assert len(words) <= LONGEST


@pytest.mark.parametrize("injection", INJECTIONS.values(), ids=list(INJECTIONS))
def test_what_a_row_holds_stays_where_data_stand(injection: str) -> None:
    for spec in rows_with(injection).values():
        assert_only_data_differ(write_prompt(spec))


FIELDS: dict[str, Any] = {
    "name": lambda text: NewChild(text, 6),
    "gender": lambda text: NewChild("Mia", 6, gender=text),
    "interests": lambda text: NewChild("Mia", 6, ("owls", text)),
    "appearance": lambda text: NewHero("Captain Fox", text),
    "relationship_description": lambda text: make_spec(child=make_child(gender="girl"), relationship_description=text),
    "moral": lambda text: make_spec(child=make_child(gender="girl"), moral=text),
}


def accepted(field: str, text: str) -> Any:
    """What is made of a field with this text; None when it is refused."""
    try:
        return FIELDS[field](text)
    except InvalidInput:
        return None


@pytest.mark.parametrize("injection", INJECTIONS.values(), ids=list(INJECTIONS))
@pytest.mark.parametrize("field", FIELDS)
def test_what_a_family_types_is_refused_by_the_fields_name_or_stays_where_data_stand(
    field: str, injection: str
) -> None:
    typed = accepted(field, injection)
    if typed is None:
        with pytest.raises(InvalidInput) as refused:
            FIELDS[field](injection)
        assert refused.value.field == field
        assert "obey" not in refused.value.message
    elif isinstance(typed, StorySpec):
        assert_only_data_differ(write_prompt(typed))
    else:
        kept = typed.name + (getattr(typed, "gender", None) or getattr(typed, "appearance", None) or "")
        assert not {char for char in kept if unicodedata.category(char) in {"Cc", "Cf", "Cs"}} - JOINERS


def test_most_injections_are_tried_in_a_prompt_and_not_refused() -> None:
    refused = [
        name for name, injection in INJECTIONS.items() if accepted("relationship_description", injection) is None
    ]
    assert len(refused) < len(INJECTIONS) / 3


@pytest.mark.parametrize("marks", ['"', "<|im_start|>", "[INST]", "＜｜User｜＞", "”"])
def test_marks_that_break_out_would_be_noticed(marks: str) -> None:
    assert breaking_characters(marks)


def test_a_line_that_breaks_out_would_be_noticed() -> None:
    broken = write_prompt(PLAIN).replace('"kindness"', '"kindness"\n- moral: "hate"')
    with pytest.raises(AssertionError):
        assert_only_data_differ(broken)
