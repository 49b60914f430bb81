"""Amounts as the command line shows them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tales.interfaces.cli.amounts import dollars


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "unknown"),
        (Decimal(0), "$0.00"),
        (Decimal("0.0000042"), "<$0.00001"),
        (Decimal("0.00001"), "$0.00001"),
        (Decimal("0.015"), "$0.01500"),
        (1234.5, "$1,234.50"),
    ],
)
def test_an_amount_is_never_shown_as_nothing_unless_it_is(amount: Decimal | float | None, shown: str) -> None:
    assert dollars(amount) == shown
