"""Budgets, as an operator and an admin keep them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from tales.application.admins import as_admin
from tales.domain.actor import Actor
from tales.domain.budgets import Budget, UnpricedModels
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork


def budgets_for(transactions: Transactions, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
    """A unit of work as this admin. Raises: Forbidden for anybody else."""
    return as_admin(transactions, actor, "Budgets are")


async def set_budget(work: UnitOfWork, budget: Budget, models: Sequence[str], now: datetime) -> None:
    """Keep a budget. `models`: those that stories are written by, and that must have a price.

    Raises: UnpricedModels where one has none, InvalidInput.
    """
    priced = {price.model for price in await work.prices.in_force(now)}
    concerned = models if budget.model is None else [budget.model]
    if unpriced := [model for model in concerned if model not in priced]:
        raise UnpricedModels(unpriced)
    await work.budgets.put(budget)
    await work.commit()


async def remove_budget(work: UnitOfWork, budget: Budget) -> bool:
    """Forget the budget of this scope, subject and period; False where there is none."""
    found = await work.budgets.remove(budget)
    await work.commit()
    return found
