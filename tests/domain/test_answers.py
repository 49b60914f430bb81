from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.answers import clean


@pytest.mark.parametrize(
    ("answer", "cleaned"),
    [
        ("Mia\n\nOnce.", "Mia\n\nOnce."),
        ("\n  Mia\r\n\r\nOnce.\r\n", "Mia\n\nOnce."),
        ("Mia\r\rOnce.", "Mia\n\nOnce."),
        ("Mia\u2028Once.\u2029Then.", "Mia\nOnce.\nThen."),
        ("Mia  \n \n\n\n\nOnce.", "Mia\n\nOnce."),
        ("\ufeffMia", "Mia"),
        ("Mi\x00a\x1b[0m\x7f\x9f", "Mia[0m"),
        ("a\tb", "a\tb"),
        ("لینا و علی‌رضا 👨‍👩‍👧", "لینا و علی‌رضا 👨‍👩‍👧"),
    ],
)
def test_an_answer_becomes_readable_lines(answer: str, cleaned: str) -> None:
    assert clean(answer) == cleaned


@pytest.mark.parametrize(
    "answer",
    ["```\nMia\n\nOnce.\n```", "```markdown\nMia\n\nOnce.\n```\n", "Mia\n\n```text\nOnce.\n```", "```\nMia\n\nOnce."],
)
def test_a_story_is_no_code(answer: str) -> None:
    assert clean(answer) == "Mia\n\nOnce."


def test_a_code_mark_inside_a_line_is_the_storys_own() -> None:
    assert clean("He said ``` and left.") == "He said ``` and left."


@pytest.mark.parametrize(
    "answer",
    ["<think>A moon,\nI think.</think>\n\nMia\n\nOnce.", "A moon,\nI think.\n</think>\n\nMia\n\nOnce."],
)
def test_nobody_reads_what_a_model_thought(answer: str) -> None:
    assert clean(answer) == "Mia\n\nOnce."


def test_a_model_that_only_thought_wrote_nothing() -> None:
    assert clean("<think>\nA moon") == ""


def test_two_halves_of_a_character_that_arrived_apart_are_one_and_lone_ones_are_dropped() -> None:
    assert clean("a\ud83d\ude00b\ud83dc\ude00") == "a😀bc"


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_a_clean_answer_can_be_shown_and_cleaning_it_again_changes_nothing(answer: str) -> None:
    cleaned = clean(answer)
    assert cleaned.encode().decode() == cleaned
    assert cleaned == cleaned.strip()
    assert "\n\n\n" not in cleaned
    assert clean(cleaned) == cleaned
