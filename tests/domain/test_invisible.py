"""Characters that nobody sees: they stay where a script or an emoji needs them, and nowhere else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.checks import checked_text
from tales.domain.invisible import without_invisible
from tales.domain.quoting import quoted

# Mostly of what this is about: a text of any characters would hardly ever hold two of them.
HIDING = st.text(
    st.one_of(
        st.sampled_from("aÄж1 ا葛ᠠ❤\U0001f3f4\u0301\u094d\u20e3\u2800\u212a"),
        st.sampled_from(
            "\u200c\u200d\ufe00\ufe0e\ufe0f\u180b\u180e\u034f\u3164\u115f\u2065\U000e0101\U000e0067\U000e007f"
        ),
        st.characters(exclude_categories=()),
    ),
    max_size=24,
)
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "Zoë 李小龙 민준 يوسف अनुष्का",
        "علی\u200cرضا",  # Persian, with a zero-width non-joiner
        "ක්\u200dරිෂ්",  # Sinhala, with a zero-width joiner
        "രാജന്\u200d",  # Malayalam, which ends with one
        "ᠨᠠᠷ\u180e\u1820",  # Mongolian, with its vowel separator
        "ᠭ\u180bᠠ",
        "👨\u200d👩\u200d👧\u200d👦",
        "🧑🏽\u200d🚀",
        "❤\ufe0f\u200d🔥",
        "👁\ufe0f\u200d🗨\ufe0f",
        "☺\ufe0e",
        "1\ufe0f\u20e3",
        "ℹ\ufe0f",
        "葛\U000e0100城",
        ENGLAND,
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert without_invisible(text) == text
    assert checked_text("name", text, 80) == text
    assert quoted(text, 80) == f'"{text}"'


@pytest.mark.parametrize(
    ("hidden", "kept"),
    [
        ("Ig\u200bn\u2060o\ufeffre", "Ignore"),
        ("Mi\u00ada", "Mia"),
        ("\u202eaiM\u202c \u2067x\u2069\u200e\u200f\u061c", "aiM x"),
        ("Mia\U000e006f\U000e0062\U000e0065\U000e0079", "Mia"),
        ("\U0001f3f4\U000e006f\U000e0062\U000e0065\U000e0079\U000e007f", "\U0001f3f4"),
        (ENGLAND + "\U000e006f", ENGLAND),
        ("M\ufe01i\ufe05a\U000e0161", "Mia"),  # a byte behind each letter
        ("1\ufe0f2", "12"),
        ("葛\U000e0100\U000e0101\U000e0102", "葛\U000e0100"),
        ("❤\ufe0f\ufe0f\u200d\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("Mi\u200da", "Mia"),
        ("\u200dعلی\u200c", "علی"),
        ("ع\u200c\u200c\u200cر", "ع\u200cر"),
        ("M\u034fi\u115fa\u1160\u3164\uffa0", "Mia"),
        ("Mia\u17b4\u17b5\u2065\ufff0\U000e0fff\U0001d173", "Mia"),
        ("Mia\u180b\u180e", "Mia"),
    ],
)
def test_what_only_hides_something_is_gone(hidden: str, kept: str) -> None:
    assert without_invisible(hidden) == kept
    assert checked_text("name", hidden, 80) == kept
    assert quoted(hidden, 80) == f'"{kept}"'


def test_no_format_character_that_unicode_has_stands_between_letters() -> None:
    hidden = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) == "Cf"]
    assert len(hidden) > 150
    assert [char for char in hidden if without_invisible(f"M{char}a") != "Ma"] == []


@given(HIDING)
def test_whatever_comes_in_nothing_is_hidden_between_two_letters(typed: str) -> None:
    text = without_invisible(typed)

    assert without_invisible(text) == text
    hidden = [char for char in text if unicodedata.category(char) == "Cf"]
    assert set(hidden) <= set("\u200c\u200d\u180e") | {chr(n) for n in range(0xE0000, 0xE0080)}
    assert len(without_invisible("".join(char + "\ufe01\u200b\U000e0161" for char in "Mia"))) == 3
