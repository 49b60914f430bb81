"""The price list, as an operator keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.prices import Price, PriceSource
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork


async def list_prices(transactions: Transactions, now: datetime, model: str | None = None) -> tuple[Price, ...]:
    """The prices that are in force; of one `model`, every version of its price, the newest first."""
    async with transactions.as_service() as work:
        return await _found(work, now, model)


async def list_prices_as_admin(
    transactions: Transactions, actor: Actor, now: datetime, model: str | None = None
) -> tuple[Price, ...]:
    """The same as this admin sees them. Raises: Forbidden for anybody else."""
    if not actor.is_admin:
        raise Forbidden("Prices are for admins. Ask an operator to make you one.")
    async with transactions.as_user(actor) as work:
        return await _found(work, now, model)


async def _found(work: UnitOfWork, now: datetime, model: str | None) -> tuple[Price, ...]:
    return await (work.prices.in_force(now) if model is None else work.prices.of_model(model))


async def set_price(transactions: Transactions, price: Price) -> None:
    """Keep a price that the operator says."""
    async with transactions.as_service() as work:
        await work.prices.put([price])
        await work.commit()


async def take_over(
    transactions: Transactions, offered: Sequence[Price], now: datetime, *, replace: bool
) -> tuple[tuple[Price, ...], int]:
    """Keep those of a provider's prices that differ from what is in force; those, and how many were left out.

    What the operator has set stays, and is left out, unless `replace`.
    """
    async with transactions.as_service() as work:
        known = {price.model: price for price in await work.prices.in_force(now)}
        differing = [
            price for price in offered if price.model not in known or known[price.model].amounts != price.amounts
        ]
        taken = tuple(
            price
            for price in differing
            if replace or price.model not in known or known[price.model].source is PriceSource.PROVIDER
        )
        await work.prices.put(taken)
        await work.commit()
    return taken, len(differing) - len(taken)
