"""An admin looks at how models, retries, timeouts, costs and prompts do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from tales.application.ports import Clock
from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.reports import CostRow, ModelRow, PromptRow, ReasonRow, RetryRow, TimeoutRow
from tales.domain.repositories.reports import ReportRepository
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True)
class ReadReports:
    """Reports over the last `period`. They run as the admin, so the policies decide what is counted.

    Each raises Forbidden for anybody else.
    """

    transactions: Transactions
    clock: Clock

    async def models(self, actor: Actor, period: timedelta) -> tuple[ModelRow, ...]:
        """How each model does."""
        async with self._reports(actor) as reports:
            return await reports.models(self.clock.now() - period)

    async def retries(self, actor: Actor, period: timedelta) -> tuple[tuple[RetryRow, ...], tuple[ReasonRow, ...]]:
        """How many attempts generations take, and why another one was needed."""
        async with self._reports(actor) as reports:
            since = self.clock.now() - period
            return await reports.retries(since), await reports.reasons(since)

    async def timeouts(self, actor: Actor, period: timedelta) -> tuple[TimeoutRow, ...]:
        """Which models time out, and why."""
        async with self._reports(actor) as reports:
            return await reports.timeouts(self.clock.now() - period)

    async def costs(self, actor: Actor, period: timedelta) -> tuple[CostRow, ...]:
        """What each day cost."""
        async with self._reports(actor) as reports:
            return await reports.costs(self.clock.now() - period)

    async def prompts(self, actor: Actor, period: timedelta) -> tuple[PromptRow, ...]:
        """How each version of the prompt does."""
        async with self._reports(actor) as reports:
            return await reports.prompts(self.clock.now() - period)

    @asynccontextmanager
    async def _reports(self, actor: Actor) -> AsyncIterator[ReportRepository]:
        if not actor.is_admin:
            raise Forbidden("Reports are for admins. Ask an operator to make you one.")
        async with self.transactions.as_user(actor) as work:
            yield work.reports
