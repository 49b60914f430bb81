"""Fields of the operator's forms -> values. An empty field chooses nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from tales.domain.checks import is_countable
from tales.domain.errors import InvalidInput

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


def chosen_number(field: str, typed: str) -> Decimal | None:
    """A number, also with a comma for its point. Raises: InvalidInput."""
    try:
        number = Decimal(typed.strip().replace(",", ".")) if typed.strip() else None
    except InvalidOperation:
        number = Decimal("nan")
    if number is not None and not is_countable(number):
        raise InvalidInput(field, f"{field} is no number. Write one such as 0.05.")
    return number


def chosen_whole(field: str, typed: str, usual: int) -> int:
    """A whole number; `usual` where nothing is typed. Raises: InvalidInput."""
    number = chosen_number(field, typed)
    if number is None:
        return usual
    if abs(number) > _LARGEST or number % 1:
        raise InvalidInput(field, f"{field} is no whole number. Write one such as 6.")
    return int(number)
