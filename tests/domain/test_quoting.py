"""Data in quotation marks that cannot be ended from inside, and are still the family's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.quoting import quoted
from tests.domain.injections import breaking_characters


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Mia", "Mia"),
        ("Zoë-Ann O’Hara", "Zoë-Ann O’Hara"),
        ("R2-D2 & C-3PO", "R2-D2 & C-3PO"),
        ('Theodora "Teddy" Bell', "Theodora 'Teddy' Bell"),
        ("“Teddy”", "'Teddy'"),
        ("勇気「と」友情", "勇気「と」友情"),
        ("<3 owls", "(3 owls"),
        ("C:\\games", "C:/games"),
        ("<|im_start|>", "(/im_start/)"),
        ("＜｜User｜＞", "(/User/)"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("ක්\u200dරිෂ්", "ක්\u200dරිෂ්"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("葛\U000e0100城", "葛\U000e0100城"),
        ("Mi\u200da", "Mia"),
        ("\u200dعلی\u200c", "علی"),
        ("ع\u200c\u200c\u200cر", "ع\u200cر"),
        ("葛\U000e0101\U000e0102\U000e0103", "葛\U000e0101"),
        ("😀\U000e0101\U000e0102\U000e0103", "😀"),
        ("Mia\r\n\tRose\u2028 ", "Mia Rose"),
        ("\x1b[31mMia", "(31mMia"),
        ("", ""),
    ],
)
def test_words_stay_readable(typed: str, written: str) -> None:
    assert quoted(typed, 80) == f'"{written}"'


@pytest.mark.parametrize("maximum", [1, 5, 80])
def test_it_is_never_longer_than_it_may_be(maximum: int) -> None:
    assert len(quoted("word " * 100_000, maximum)) <= maximum + 2


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_nothing_ends_it(typed: str) -> None:
    text = quoted(typed, 40)

    assert (text[0], text[-1]) == ('"', '"')
    assert breaking_characters(text[1:-1]) == []
    assert text.splitlines() == [text]
    assert len(text) <= 42
    text.encode()


@given(st.text(max_size=60))
def test_quoting_what_was_quoted_changes_nothing(typed: str) -> None:
    once = quoted(typed, 40)[1:-1]

    assert quoted(once, 40) == f'"{once}"'
