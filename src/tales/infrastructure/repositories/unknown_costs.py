"""Attempts whose cost nobody knows, and that the provider has given an id: what it charged can still be asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import text

from tales.domain.generation import AttemptId
from tales.infrastructure.postgres.escaping import unescape_text
from tales.infrastructure.postgres.unit_of_work import SqlTransactions

SETTLED_SECONDS = 15.0
"""After its end, a provider knows what a call cost."""

MOST_AT_ONCE = 50
"""Asked for in one round: each is put off as soon as somebody is about to ask for it."""

ASKED_FOR = timedelta(days=7)
"""How far back the background asks, and how many questions a second."""
BACKGROUND_RATE = 2.0

# A provider says what a call cost some moments after it has ended. One whose cost it did not know is asked for again
# after a minute, then after twice as long each time, up to a day; and after those that nobody has asked for yet. Of
# two processes, the second one finds it put off already.
_CLAIM = text("""
    with due as (
        select g.generation_id, g.attempt_number, g.provider_generation_id
        from tales.generations as g
        left join tales.cost_questions as q
            on q.generation_id = g.generation_id and q.attempt_number = g.attempt_number
        where g.queue = :queue and g.status <> 'pending' and g.provider_generation_id is not null
            and g.cost_usd is null and g.reconciled_cost_usd is null
            and g.created_at >= :since and g.completed_at < now() - make_interval(secs => :age)
            and (q.ask_again_at is null or q.ask_again_at <= now())
        order by coalesce(q.asked, 0), g.created_at desc
        limit :most
    ),
    claimed as (
        insert into tales.cost_questions as q (generation_id, attempt_number, asked, ask_again_at)
        select generation_id, attempt_number, 1, now() + interval '1 minute' from due
        on conflict on constraint cost_questions_pkey do update
        -- After eleven questions it is a day anyway, and after forty the power is longer than an interval can be.
        set asked = q.asked + 1,
            ask_again_at = now() + least(interval '1 day', interval '1 minute' * 2.0 ^ least(q.asked, 11))
        where q.ask_again_at <= now()
        returning generation_id, attempt_number, asked
    )
    select generation_id, attempt_number, provider_generation_id, claimed.asked
    from due join claimed using (generation_id, attempt_number)
""")
_GIVE_BACK = text("""
    update tales.cost_questions set asked = asked - 1, ask_again_at = now()
    where generation_id = :generation_id and attempt_number = :attempt_number and asked = :asked
""")
_LEARN = text("""
    update tales.generations set reconciled_cost_usd = :cost
    where generation_id = :generation_id and attempt_number = :attempt_number
        and cost_usd is null and reconciled_cost_usd is null
""")


@dataclass(frozen=True, slots=True)
class UnknownCost:
    """An attempt, what its provider calls it, and the how many-th time it is asked for."""

    attempt: AttemptId
    provider_generation_id: str
    asked: int


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
        """Ask `cost_of` for each that is due, at most `rate` a second. Raises: what `cost_of` does."""
        done = Reconciled(0, 0, Decimal(0))
        while (found := await self.reconcile_some(cost_of, since, rate)).asked:
            done = Reconciled(done.asked + found.asked, done.learned + found.learned, done.dollars + found.dollars)
            report(done.asked)
        return done

    async def reconcile_some(
        self, cost_of: Callable[[str], Awaitable[Decimal | None]], since: datetime, rate: float
    ) -> Reconciled:
        """Ask for the newest that are due, some of them; each is kept at once. Raises: what `cost_of` does."""
        learned: list[Decimal] = []
        unknown = await self._claim(since)
        begun = 0
        try:
            for call in unknown:
                # Whom an error meets stays put off: it would stand in the way of all others.
                begun += 1
                _, cost = await asyncio.gather(asyncio.sleep(1 / rate), cost_of(call.provider_generation_id))
                if cost is not None:
                    await self._learn(call.attempt, cost)
                    learned.append(cost)
        finally:
            if unasked := unknown[begun:]:
                await self._give_back(unasked)
        return Reconciled(len(unknown), len(learned), sum(learned, Decimal(0)))

    async def ask(self, cost_of: Callable[[str], Awaitable[Decimal | None]]) -> tuple[int, int]:
        """For the background: some of the last days, slowly. How many were asked for, and how many learned."""
        found = await self.reconcile_some(cost_of, datetime.now(UTC) - ASKED_FOR, BACKGROUND_RATE)
        return found.asked, found.learned

    async def _claim(self, since: datetime) -> Sequence[UnknownCost]:
        wanted = {"queue": self.queue, "since": since, "age": SETTLED_SECONDS, "most": MOST_AT_ONCE}
        async with self.transactions.as_service() as work:
            rows = (await work.session.execute(_CLAIM, wanted)).all()
            await work.commit()
        return [
            UnknownCost(
                AttemptId(row.generation_id, row.attempt_number), unescape_text(row.provider_generation_id), row.asked
            )
            for row in rows
        ]

    async def _give_back(self, unasked: Sequence[UnknownCost]) -> None:
        """Nobody has asked for these: they are due as they were, unless another process has asked meanwhile."""
        facts = [
            {
                "generation_id": call.attempt.generation_id,
                "attempt_number": call.attempt.attempt_number,
                "asked": call.asked,
            }
            for call in unasked
        ]
        async with self.transactions.as_service() as work:
            await work.session.execute(_GIVE_BACK, facts)
            await work.commit()

    async def _learn(self, attempt: AttemptId, cost: Decimal) -> None:
        """Keep what the provider says; an attempt whose cost has come to be known meanwhile stays as it is."""
        facts = {"generation_id": attempt.generation_id, "attempt_number": attempt.attempt_number, "cost": cost}
        async with self.transactions.as_service() as work:
            await work.session.execute(_LEARN, facts)
            await work.commit()
