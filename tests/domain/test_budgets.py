"""How a budget stands."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope, BudgetState

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "warned_at", "is_warned"),
    [("5", None, True), ("12.5", None, True), ("12.51", None, False), ("100", NOON, True), ("0", None, False)],
)
def test_a_budget_set_below_what_is_spent_is_nearly_used_though_no_call_has_come_since(
    limit: str, warned_at: datetime | None, is_warned: bool
) -> None:
    state = BudgetState(
        budget=Budget(scope=BudgetScope.ALL, period=BudgetPeriod.MONTH, limit_usd=Decimal(limit)),
        begins=date(2026, 11, 1),
        opens_at=datetime(2026, 12, 1, tzinfo=UTC),
        spent_usd=Decimal(9),
        reserved_usd=Decimal(1),
        warned_at=warned_at,
    )
    assert state.is_warned is is_warned
