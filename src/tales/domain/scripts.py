"""Which scripts a text is written in."""

from __future__ import annotations

import re

LATIN, CYRILLIC, GREEK = "latin", "cyrillic", "greek"
_RANGES = {
    LATIN: r"A-Za-zÀ-ÖØ-öø-ʯḀ-ỿ",
    CYRILLIC: r"Ѐ-ԯ",
    GREEK: r"Ͱ-Ͽἀ-῿",
    "arabic": r"؀-ۿݐ-ݿࢠ-ࣿ",
    "hebrew": r"֐-׿",
    "devanagari": r"ऀ-ॿ",
    "hangul": r"ᄀ-ᇿ㄰-㆏가-힯",
    "kana": r"぀-ヿ",
    "han": r"㐀-䶿一-鿿",
    "thai": r"฀-๿",
}
_LETTERS = {script: re.compile(rf"[{ranges}]") for script, ranges in _RANGES.items()}
_OTHERWISE = {
    "ar": {"arabic"},
    "hi": {"devanagari"},
    "ja": {"kana", "han"},
    "ko": {"hangul", "han"},
    "ru": {CYRILLIC},
    "uk": {CYRILLIC},
    "zh": {"han"},
}
# A word in letters that look alike; Korean and Japanese put their endings to names of other scripts.
_MIXED_WORD = re.compile(
    rf"[{_RANGES[LATIN]}][^\W\d_]*[{_RANGES[CYRILLIC]}{_RANGES[GREEK]}]"
    rf"|[{_RANGES[CYRILLIC]}{_RANGES[GREEK]}][^\W\d_]*[{_RANGES[LATIN]}]"
)


def scripts_of(text: str) -> set[str]:
    """The scripts that `text` has letters of, as far as they are known here."""
    text = "".join(set(text))  # each letter once: a story has few
    return {script for script, letter in _LETTERS.items() if letter.search(text)}


def scripts_of_language(language: str) -> set[str]:
    """What `language` is written in."""
    return _OTHERWISE.get(language, {LATIN})


def has_mixed_word(text: str) -> bool:
    """Whether a word of `text` is put together from Latin and Cyrillic or Greek letters."""
    return len(scripts_of(text) & {LATIN, CYRILLIC, GREEK}) > 1 and _MIXED_WORD.search(text) is not None
