"""An admin looks at how models, retries, timeouts, costs and prompts do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.repositories.reports import ReportRepository
from tales.domain.repositories.unit_of_work import Transactions


@asynccontextmanager
async def reports_for(transactions: Transactions, actor: Actor) -> AsyncIterator[ReportRepository]:
    """The reports as this admin, so that the policies decide what is counted. Raises: Forbidden for anybody else."""
    if not actor.is_admin:
        raise Forbidden("Reports are for admins. Ask an operator to make you one.")
    async with transactions.as_user(actor) as work:
        yield work.reports
