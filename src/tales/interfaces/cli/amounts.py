"""Amounts as somebody writes them on the command line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from tales.domain.errors import InvalidInput


def amount(option: str, written: str) -> Decimal:
    """The number that was written. Raises: InvalidInput naming the option."""
    try:
        return Decimal(written)
    except InvalidOperation:
        raise InvalidInput(option, f"{option} is no amount. Write a number, such as 0.15.") from None
