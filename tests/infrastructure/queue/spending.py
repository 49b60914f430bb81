"""Budgets and prices that tests set, stories asked for under them, and what was spent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope, BudgetState
from tales.domain.errors import TooManyRequests
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Attempt, AttemptOutcome, Status
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.prices import Price, PriceSource
from tales.domain.repositories.attempt_queue import NOBODY, AttemptResult, EndedAttempt, StoryText
from tales.domain.retry import NextAttempt
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.providers.openai_client import max_tokens
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import attempt_request
from tests.infrastructure.queue.conftest import WORKER

PROMPT = "Write a bedtime story about Mia."
# For a story of 3 minutes, at 1,000 dollars a million tokens written and nothing for the prompt.
MOST = Decimal(max_tokens(3)) / 1000
MANY = GenerationLimits(per_day=1000, concurrent=1000)


def price(model: str = "sim/ok", per_thousand: str = "1") -> Price:
    free = {"prompt_usd_per_million": Decimal(0), "valid_from": datetime(2026, 1, 1, tzinfo=UTC)}
    written = Decimal(per_thousand) * 1000
    return Price(model=model, completion_usd_per_million=written, source=PriceSource.OPERATOR, **free)  # type: ignore[arg-type]


async def put(transactions: SqlTransactions, *budgets: Budget, prices: tuple[Price, ...] = (price(),)) -> None:
    async with transactions.as_service() as work:
        await work.prices.put(prices)
        for budget in budgets:
            await work.budgets.put(budget)
        await work.commit()


def budget(limit: Decimal | str, scope: BudgetScope = BudgetScope.ALL, **changes: Any) -> Budget:
    return Budget(**{"scope": scope, "period": BudgetPeriod.MONTH, "limit_usd": Decimal(limit)} | changes)


async def states(transactions: SqlTransactions) -> tuple[BudgetState, ...]:
    async with transactions.as_service() as work:
        return await work.budgets.states(datetime.now(UTC))


async def used(transactions: SqlTransactions) -> tuple[Decimal, Decimal]:
    """What is spent and reserved of the one budget."""
    (state,) = await states(transactions)
    return state.spent_usd, state.reserved_usd


async def ask(
    queue: SqlAttemptQueue, user: UUID, limits: GenerationLimits = NO_LIMITS, **changes: Any
) -> Attempt | None:
    """An attempt; None where a budget refuses it."""
    request = attempt_request(user, prompt=PROMPT, **changes)
    try:
        return await queue.enqueue(Actor(user), request, NOBODY, limits=limits)
    except TooManyRequests as refusal:
        if refusal.limit not in {"budget", "model_budget", "user_budget"}:
            raise
        return None


async def end(
    queue: SqlAttemptQueue, usage: Any = None, *, kind: str | None = None, following: NextAttempt | None = None
) -> EndedAttempt | None:
    """Take the first attempt in the queue, and end it: with a story, or by a failure of that kind."""
    (claimed,) = await queue.claim(WORKER, 1)
    body = {"usage": usage} if usage is not None else None
    if kind is not None:
        status = Failure(FailureKind(kind), "").status
        outcome = AttemptOutcome(status=status, full_response=body, error_type=kind)
        return await queue.finish(AttemptResult(claimed.attempt, outcome, following=following))
    outcome = AttemptOutcome(status=Status.SUCCESS, full_response=body)
    return await queue.finish(AttemptResult(claimed.attempt, outcome, StoryText(uuid7(), "T", "C")))
