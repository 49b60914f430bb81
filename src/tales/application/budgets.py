"""Budgets, as an operator keeps them and an admin sees them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tales.domain.actor import Actor
from tales.domain.budgets import Budget, BudgetState
from tales.domain.errors import Forbidden, InvalidInput
from tales.domain.repositories.unit_of_work import Transactions


async def set_budget(transactions: Transactions, budget: Budget, models: Sequence[str], now: datetime) -> None:
    """Keep a budget. `models`: those that stories are written by, and that must have a price.

    Raises: InvalidInput where one has none: what it may cost cannot be said, so its calls would be refused.
    """
    async with transactions.as_service() as work:
        priced = {price.model for price in await work.prices.in_force(now)}
        concerned = models if budget.model is None else [budget.model]
        if unpriced := [model for model in concerned if model not in priced]:
            raise InvalidInput(
                "model",
                f"No price is known of {', '.join(unpriced)}, so no budget can hold. Run `tales prices pull`, or "
                "`tales prices set MODEL`, first.",
            )
        await work.budgets.put(budget)
        await work.commit()


async def remove_budget(transactions: Transactions, budget: Budget) -> bool:
    """Forget the budget of this scope, subject and period; False where there is none."""
    async with transactions.as_service() as work:
        found = await work.budgets.remove(budget)
        await work.commit()
    return found


async def list_budgets(transactions: Transactions, now: datetime) -> tuple[BudgetState, ...]:
    """How each budget stands, for the operator."""
    async with transactions.as_service() as work:
        return await work.budgets.states(now)


async def list_budgets_as_admin(transactions: Transactions, actor: Actor, now: datetime) -> tuple[BudgetState, ...]:
    """The same as this admin sees them. Raises: Forbidden for anybody else."""
    if not actor.is_admin:
        raise Forbidden("Budgets are for admins. Ask an operator to make you one.")
    async with transactions.as_user(actor) as work:
        return await work.budgets.states(now)
