"""Amounts as somebody writes them on the command line, and as they are shown there."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from tales.domain.errors import InvalidInput

_LEAST_SHOWN = 0.00001
"""US dollars: what is less, and not nothing, is said to be less."""


def amount(option: str, written: str) -> Decimal:
    """The number that was written. Raises: InvalidInput naming the option."""
    try:
        return Decimal(written)
    except InvalidOperation:
        raise InvalidInput(option, f"{option} is no amount. Write a number, such as 0.15.") from None


def dollars(value: Decimal | float | None) -> str:
    """A sum: cents where it is large, and what can be told apart where it is small."""
    if value is None:
        return "unknown"
    value = float(value)
    if 0 < value < _LEAST_SHOWN:
        return f"<${_LEAST_SHOWN:.5f}"
    return f"${value:,.2f}" if abs(value) >= 1 or value == 0 else f"${value:.5f}"


def cost_of_a_call(value: Decimal | float) -> str:
    """What calls cost, mostly a small part of a cent."""
    return f"${value:.6f}"
