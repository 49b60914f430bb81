from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.checks import check_model, checked_text, checked_whole_number, is_countable
from tales.domain.errors import InvalidInput

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)


@pytest.mark.parametrize(
    "name",
    [
        "Mia",
        "Zoë-Ann O’Hara",
        "李小龙",
        "ともこ",
        "민준",
        "يوسف",
        "שירה",
        "अनुष्का",
        "நிலா",
        "علی‌رضا",  # Persian, with a zero-width non-joiner
        "ක්‍රිෂ්",  # Sinhala, with a zero-width joiner
        "👨‍👩‍👧‍👦",  # four people and three joiners
        "🧑🏽‍🚀 Nova",
        "❤️",
        "🇺🇦",
        "\U0001fae9",  # an emoji that is younger than some Pythons
        "-",
        "R2-D2",
    ],
)
def test_names_as_families_write_them_stay_as_they_are(name: str) -> None:
    assert checked_text("name", name, 80) == name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Mia  ", "Mia"),
        ("Mia\tthe\r\nbrave", "Mia the brave"),
        ("Mia\u2028Rose", "Mia Rose"),
        ("Mia\u00a0\u3000Rose", "Mia Rose"),
        ("Zoe\u0308", "Zoë"),
        ("\u1112\u1161\u11ab", "한"),
        ("\ufeffMia", "Mia"),
        ("Mi\u00ada", "Mia"),
        ("\u2068Mia\u2069", "Mia"),
        ("\u202eaiM\u202c", "aiM"),
        ("\u200fيوسف", "يوسف"),
        ("Mia\u200b \u200bRose", "Mia Rose"),
        ("Mia\U000e0069\U000e0067\U000e006e", "Mia"),  # words in invisible tags
    ],
)
def test_white_space_and_invisible_marks_do_not_get_in_the_way(typed: str, kept: str) -> None:
    assert checked_text("name", typed, 80) == kept


@pytest.mark.parametrize("typed", ["", " ", "\n\t", "\u3000", "\u200b", "\ufeff", "\u200d", "\u200c \u200d"])
def test_text_that_shows_nothing_is_empty(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"moral is empty\. Write at least one character") as refused:
        checked_text("moral", typed, 80)
    assert refused.value.field == "moral"


@pytest.mark.parametrize("typed", ["Mi\x00a", "\x1b[31mMia", "Mia\x7f", "Mia\x80", "Mia\ud83d", "\udc80"])
def test_control_characters_and_lone_surrogates_are_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="control characters"):
        checked_text("name", typed, 80)


def test_the_limit_counts_characters_not_bytes_and_after_composing() -> None:
    assert checked_text("name", " 龍" * 2, 3) == "龍 龍"
    assert checked_text("name", "e\u0301" * 80, 80) == "é" * 80


def test_one_character_too_many_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidInput, match=r"name has 81 characters\. Use at most 80"):
        checked_text("name", "x" * 81, 80)


def test_a_refusal_does_not_repeat_what_was_typed() -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_text("name", "secret" * 20, 80)
    assert "secret" not in refused.value.message


@given(ANY_TEXT)
def test_checked_text_is_one_composed_line_within_its_limit_that_every_page_can_show(typed: str) -> None:
    try:
        text = checked_text("name", typed, 20)
    except InvalidInput:
        return
    assert 1 <= len(text) <= 20
    assert text == text.strip()
    assert text.splitlines() == [text]
    assert unicodedata.is_normalized("NFC", text)
    assert text.encode().decode() == text


@given(ANY_TEXT)
def test_checking_twice_changes_nothing(typed: str) -> None:
    try:
        text = checked_text("name", typed, 60)
    except InvalidInput:
        return
    assert checked_text("name", text, 60) == text


@given(st.integers(-3, 12))
def test_a_whole_number_is_allowed_from_the_least_to_the_most(value: int) -> None:
    if 1 <= value <= 10:
        assert checked_whole_number("rating", value, 1, 10) == value
    else:
        with pytest.raises(InvalidInput):
            checked_whole_number("rating", value, 1, 10)


@pytest.mark.parametrize("value", [True, False, 3.0, 3.5, float("nan"), float("inf"), "3", None])
def test_what_only_looks_like_a_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="Use a whole number of years from 0 to 17") as refused:
        checked_whole_number("age", value, 0, 17, "years")
    assert refused.value.field == "age"


@pytest.mark.parametrize("number", ["nan", "snan", "-inf", "1E-999999", "0E-31", "0E999999", "1E31"])
def test_what_no_column_can_hold_is_not_countable(number: str) -> None:
    assert not is_countable(Decimal(number))


@given(st.floats(1e-12, 1e12))
def test_any_float_that_says_a_sum_is_countable(number: float) -> None:
    assert is_countable(Decimal(str(number)))


@pytest.mark.parametrize("name", ["m", "openai/gpt-4o-mini", "llama3.2:1b", "m" * 200])
def test_what_providers_call_their_models_is_a_models_name(name: str) -> None:
    check_model(name)


@pytest.mark.parametrize("name", ["", "m" * 201, "gpt\u200b-4o", "gpt\n4o", "\ud800"])
def test_what_nobody_could_type_or_see_is_no_models_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="no model's name") as raised:
        check_model(name, "models")
    assert raised.value.field == "models"
