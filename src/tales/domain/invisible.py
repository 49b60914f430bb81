"""Characters that nobody sees, in what somebody typed: they can carry words past every reader but a model.

Left out is what Unicode calls default ignorable or a format character: marks of direction, soft hyphens, tags, fillers,
and so on. What a script or an emoji cannot do without stays, where it does something:

- a joiner between two characters that are not ASCII, or after a virama (names in Persian and in Indic scripts, families
  of emoji);
- one variation selector, after what can be written in several ways (emoji, ideographs, Mongolian letters);
- the tags of the flags of England, Scotland and Wales.
"""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_MONGOLIAN_SEPARATOR = "\u180e"
# DerivedCoreProperties.txt of Unicode 16, "Default_Ignorable_Code_Point", and all of category Cf, as far as Python
# knows it: what is shown of those that are shown stands around numbers, and not in names.
_NOTES = "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
_FORMAT = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f"
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_MARKS = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
_TAGS_AND_SELECTORS = "\u180b-\u180f\ufe00-\ufe0f\U000e0000-\U000e0fff"
_RUN = re.compile(f"[{_FORMAT}{_NOTES}{_FILLERS}{_MARKS}{_TAGS_AND_SELECTORS}]+")
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_BLACK_FLAG = "\U0001f3f4"
_FLAGS = tuple(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)
_KEYCAP = "\u20e3"
_VIRAMA = 9
_TEXT_AND_EMOJI = "\ufe0e\ufe0f"


def without_invisible(text: str) -> str:
    """`text` without characters that show nothing, but where a script or an emoji needs one.

    Of a text that has passed once it changes nothing.
    """
    return _RUN.sub(_needed, text)


def _needed(run: re.Match[str]) -> str:
    """What stays of characters that nobody sees, between those that somebody does."""
    text, start, end = run.string, run.start(), run.end()
    hidden, before, after = run[0], text[max(0, start - 1) : start], text[end : end + 1]
    if before == _BLACK_FLAG:
        return next((flag for flag in _FLAGS if hidden.startswith(flag)), "")
    kept = hidden[0] if _selects(before, hidden[0], after) else ""
    if _MONGOLIAN_SEPARATOR in hidden and _is_mongolian(before) and _is_mongolian(after):
        return kept + _MONGOLIAN_SEPARATOR
    joiner = next((char for char in hidden if char in _JOINERS), "")
    is_needed = (_can_be_joined(before) and _can_be_joined(after)) or _ends_with_virama(before)
    return kept + (joiner if is_needed else "")


def _selects(before: str, selector: str, after: str) -> bool:
    """Whether it can choose between two forms of the character before it."""
    if not before or not _SELECTOR.match(selector):
        return False
    if selector in _TEXT_AND_EMOJI:
        is_symbol = not before.isascii() and not before.isspace() and unicodedata.category(before)[0] not in "LM"
        return is_symbol or before == "ℹ" or (before in "0123456789#*" and after == _KEYCAP)
    if "\u180b" <= selector <= "\u180f":
        return _is_mongolian(before)
    return "\u3400" <= before <= "\u9fff" or "\uf900" <= before <= "\ufaff" or "\U00020000" <= before <= "\U0003ffff"


def _is_mongolian(char: str) -> bool:
    return "\u1820" <= char <= "\u18aa"


def _can_be_joined(char: str) -> bool:
    return bool(char) and not char.isascii() and not char.isspace()


def _ends_with_virama(char: str) -> bool:
    return bool(char) and unicodedata.combining(char) == _VIRAMA
