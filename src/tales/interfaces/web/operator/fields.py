"""Fields of the operator's forms -> values. An empty field chooses nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from tales.domain.checks import is_countable
from tales.domain.errors import InvalidInput
from tales.interfaces.web.languages import Language

E = TypeVar("E", bound=StrEnum)
_LARGEST = 1_000_000
"""Of a whole number: no field takes more."""


def chosen_id(field: str, typed: str) -> UUID | None:
    """An id. Raises: InvalidInput."""
    try:
        return UUID(typed.strip()) if typed.strip() else None
    except ValueError:
        raise InvalidInput(field, f"{field} is no id. Copy it from a page.") from None


def chosen_moment(field: str, typed: str) -> datetime | None:
    """A time; without an offset, and a date's first moment, in UTC. Raises: InvalidInput."""
    if not typed.strip():
        return None
    try:
        moment = datetime.fromisoformat(typed.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(field, f"{field} is no time. Write one such as 2026-11-01T18:00.") from None


def one_of(kind: type[E], field: str, typed: str) -> E | None:
    """One of a set of words. Raises: InvalidInput."""
    try:
        return kind(typed) if typed else None
    except ValueError:
        raise InvalidInput(field, f"{field} is none of: {', '.join(kind)}.") from None


def chosen_number(field: str, typed: str, language: Language) -> Decimal | None:
    """A number, also with a comma for its point. Raises: InvalidInput."""
    if not typed.strip():
        return None
    # What is a thousand to the reader of this language would be taken for one.
    thousands = re.search(rf"[1-9]\d*{re.escape(language.separators[1])}\d{{3}}(?!\d)", typed)
    number = None if thousands else _decimal(typed)
    if number is None:
        raise InvalidInput(field, f"{field} is no number. Write one such as 1500 or 0.05.")
    return number


def chosen_whole(field: str, typed: str, usual: int) -> int:
    """A whole number; `usual` where nothing is typed. Raises: InvalidInput."""
    if not typed.strip():
        return usual
    # A mark may stand before decimals or between thousands: here neither is meant.
    number = None if set(typed) & {",", "."} else _decimal(typed)
    if number is None or abs(number) > _LARGEST or number % 1:
        raise InvalidInput(field, f"{field} is no whole number. Write one such as 6.")
    return int(number)


def _decimal(typed: str) -> Decimal | None:
    """None where it is no number that can be counted with."""
    try:
        number = Decimal(typed.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if is_countable(number) else None
