"""What operators do to the database of this machine's service, whose rights they have here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tales.administration.transactions import open_transactions
from tales.domain.repositories.unit_of_work import UnitOfWork
from tales.interfaces.cli.running import run
from tales.settings import Settings, load_settings

T = TypeVar("T")


def operate(work_on: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run `work_on` in one transaction of the service, and give back its result."""
    return run(_operate(work_on, load_settings()))


async def _operate(work_on: Callable[[UnitOfWork], Awaitable[T]], settings: Settings) -> T:
    async with open_transactions(settings) as transactions, transactions.as_service() as work:
        return await work_on(work)
