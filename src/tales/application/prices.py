"""The price list, as an operator and an admin keep it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from tales.application.admins import as_admin
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, InvalidInput, NotFound
from tales.domain.natural_order import natural_order
from tales.domain.prices import Price, PriceSource
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork


def prices_for(transactions: Transactions, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
    """A unit of work as this admin. Raises: Forbidden for anybody else."""
    return as_admin(transactions, actor, "Prices are")


async def list_prices(work: UnitOfWork, now: datetime, model: str | None = None) -> tuple[Price, ...]:
    """The prices that are in force; of one `model`, every version of its price, the newest first."""
    if model is not None:
        return await work.prices.of_model(model)
    return tuple(sorted(await work.prices.in_force(now), key=lambda price: natural_order(price.model)))


async def set_price(work: UnitOfWork, price: Price) -> None:
    """Keep a price that the operator says."""
    await work.prices.put([price])
    await work.commit()


async def set_price_from_now_on(work: UnitOfWork, price: Price, now: datetime) -> None:
    """Keep a price that an admin says. Raises: InvalidInput for one of before: calls have been estimated by that."""
    if price.valid_from < now:
        raise InvalidInput(
            "valid_from", "A price is set from now on. The command tales prices set --from corrects an earlier one."
        )
    await set_price(work, price)


async def take_back_price(work: UnitOfWork, model: str, valid_from: datetime, now: datetime) -> None:
    """Forget a price that is not in force yet. Raises: NotFound, Conflict for one that is in force, or was."""
    if valid_from <= now:
        raise Conflict("This price is in force, or was, so it stays. Set another one from now on.")
    if not await work.prices.take_back(model, valid_from):
        raise NotFound("price", f"of {model} from {valid_from.isoformat()} on")
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
