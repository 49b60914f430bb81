"""Attempts whose cost nobody knows, and that the provider has given an id: what it charged can still be asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from tales.domain.generation import AttemptId
from tales.infrastructure.postgres.escaping import unescape_text
from tales.infrastructure.postgres.unit_of_work import SqlTransactions

SETTLED_SECONDS = 15.0
"""After its end, a provider knows what a call cost."""

MOST_AT_ONCE = 10_000

# A provider says what a call cost some moments after it has ended.
_UNKNOWN = text("""
    select generation_id, attempt_number, provider_generation_id
    from tales.generations
    where queue = :queue and status <> 'pending' and provider_generation_id is not null
        and cost_usd is null and reconciled_cost_usd is null
        and created_at >= :since and completed_at < now() - make_interval(secs => :age)
    order by created_at desc
    limit :most
""")
_LEARN = text("""
    update tales.generations set reconciled_cost_usd = :cost
    where generation_id = :generation_id and attempt_number = :attempt_number
        and cost_usd is null and reconciled_cost_usd is null
""")


@dataclass(frozen=True, slots=True)
class UnknownCost:
    """An attempt, and what its provider calls it."""

    attempt: AttemptId
    provider_generation_id: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many costs were asked for, how many the provider knew, and their sum in US dollars."""

    asked: int
    learned: int
    dollars: Decimal


@dataclass(frozen=True, slots=True)
class UnknownCosts:
    """Those of one provider."""

    transactions: SqlTransactions
    queue: str

    async def reconcile(
        self,
        cost_of: Callable[[str], Awaitable[Decimal | None]],
        since: datetime,
        rate: float,
        report: Callable[[int], None],
    ) -> Reconciled:
        """Ask `cost_of` for each, at most `rate` a second; each is kept at once. Raises: what `cost_of` does."""
        learned: list[Decimal] = []
        unknown = await self._find(since)
        for asked, one in enumerate(unknown, 1):
            _, cost = await asyncio.gather(asyncio.sleep(1 / rate), cost_of(one.provider_generation_id))
            if cost is not None:
                await self._learn(one.attempt, cost)
                learned.append(cost)
            report(asked)
        return Reconciled(len(unknown), len(learned), sum(learned, Decimal(0)))

    async def _find(self, since: datetime) -> Sequence[UnknownCost]:
        """The newest that were asked for since then."""
        wanted = {"queue": self.queue, "since": since, "age": SETTLED_SECONDS, "most": MOST_AT_ONCE}
        async with self.transactions.as_service() as work:
            rows = (await work.session.execute(_UNKNOWN, wanted)).all()
        return [
            UnknownCost(AttemptId(row.generation_id, row.attempt_number), unescape_text(row.provider_generation_id))
            for row in rows
        ]

    async def _learn(self, attempt: AttemptId, cost: Decimal) -> None:
        """Keep what the provider says; an attempt whose cost has come to be known meanwhile stays as it is."""
        facts = {"generation_id": attempt.generation_id, "attempt_number": attempt.attempt_number, "cost": cost}
        async with self.transactions.as_service() as work:
            await work.session.execute(_LEARN, facts)
            await work.commit()
