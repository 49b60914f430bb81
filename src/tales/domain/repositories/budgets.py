"""Where budgets are kept, and how they stand."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tales.domain.budgets import Budget, BudgetState


class BudgetRepository(Protocol):
    """At most one budget of a scope, its subject and a period."""

    async def put(self, budget: Budget) -> None:
        """Keep it, in the place of the one of the same scope, subject and period.

        What the current day or month has cost so far is counted, if it is new. Raises: InvalidInput where there is no
        such user.
        """

    async def remove(self, budget: Budget) -> bool:
        """Forget the one of the same scope, subject and period; False where there is none."""

    async def forget_past(self) -> None:
        """Forget what was spent before the last month."""

    async def states(self, now: datetime) -> tuple[BudgetState, ...]:
        """How each stands in the day or month of `now`."""
