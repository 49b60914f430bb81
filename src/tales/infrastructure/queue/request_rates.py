"""Requests, counted by a function of migration 021: many to a statement and a commit."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tales.domain.repositories.limits import RequestRates
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.batches import Batches

_MOST_IN_A_BATCH = 256
_COUNT = "select * from tales.count_requests(%s::uuid[], %s)"


class SqlRequestRates(RequestRates):
    """What comes in while the database counts is counted together."""

    def __init__(self, transactions: SqlTransactions) -> None:
        self._transactions = transactions
        self._asked = Batches(self._count, most=_MOST_IN_A_BATCH, at_once=1)

    async def take(self, user_id: UUID, per_minute: int) -> float:
        return await self._asked.submit((user_id, per_minute))

    async def _count(self, asked: Sequence[tuple[UUID, int]]) -> Sequence[float]:
        # What one process allows is the same for everybody.
        ((_, per_minute), *_) = asked
        rows = await self._transactions.call(_COUNT, ([user_id for user_id, _ in asked], per_minute))
        waits: dict[UUID, list[float]] = {}
        for row in rows:
            waits.setdefault(row["user_id"], []).append(row["wait"])
        # Of several requests of one user, those that came first are let in.
        return [waits[user_id].pop(0) for user_id, _ in asked]
