"""What a value that somebody typed must be, whatever field it stands in."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from tales.domain.errors import InvalidInput
from tales.domain.invisible import without_invisible

MAX_MODEL = 200
"""Characters of a model's name."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# It looks like a space, and is one in Braille.
_BLANK = "\u2800"

_LARGEST_EXPONENT = 30
"""Of ten, either way: the digits of any float that says a sum fit. PostgreSQL takes no number like 1E-999999."""


def checked_text(field: str, value: str, maximum: int) -> str:
    """`value` on one line, composed (Unicode NFC), without outer white space; 1 to `maximum` characters.

    A character is a Unicode code point. Invisible ones (byte order marks, soft hyphens, marks of direction, which
    come along with copied text) are left out in silence, for nobody could find them to remove them.
    Raises: InvalidInput.
    """
    visible = without_invisible(unicodedata.normalize("NFC", value.replace(_BLANK, " ")))
    text = " ".join(unicodedata.normalize("NFC", visible).split())
    if not text:
        raise InvalidInput(field, f"{field} is empty. Write at least one character.")
    if len(text) > maximum:
        raise InvalidInput(field, f"{field} has {len(text)} characters. Use at most {maximum}.")
    # Not `isprintable`: it refuses the joiners, and emoji that are newer than this Python.
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise InvalidInput(field, f"{field} holds control characters. Use letters, digits and punctuation.")
    return text


def is_uuid(text: str) -> bool:
    """Whether it is written as RFC 9562 writes ids: Python and PostgreSQL read other forms, each its own."""
    return _UUID.fullmatch(text) is not None


def checked_whole_number(field: str, value: int, least: int, most: int, of_what: str = "") -> int:
    """`value`, which is an int from `least` to `most`; True and 3.0 are none. `of_what` names the unit.

    Raises: InvalidInput.
    """
    if type(value) is not int or not least <= value <= most:
        unit = f" of {of_what}" if of_what else ""
        raise InvalidInput(field, f"{field} is {value}. Use a whole number{unit} from {least} to {most}.")
    return value


def check_model(name: str, field: str = "model") -> None:
    """Pass for what can be a model's name. Raises: InvalidInput."""
    if not (1 <= len(name) <= MAX_MODEL and name.isprintable()):
        raise InvalidInput(field, f"This is no model's name. Use 1 to {MAX_MODEL} printable characters.")


def is_countable(number: Decimal) -> bool:
    """Whether it can be compared, counted with and kept: it is finite, and has at most 30 digits after the point."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and abs(exponent) <= _LARGEST_EXPONENT
