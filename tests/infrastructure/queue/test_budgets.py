"""Budgets hold, however many ask at a time."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import structlog
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.budgets import BudgetPeriod, BudgetScope, PriceUnknown
from tales.domain.errors import TooManyRequests
from tales.domain.generation import AttemptOutcome, Status
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.repositories.attempt_queue import NOBODY, AttemptResult, StoryText
from tales.domain.retry import NextAttempt
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.providers.openai_client import max_tokens
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock
from tests.infrastructure.queue.conftest import WORKER
from tests.infrastructure.queue.spending import MANY, MOST, ask, budget, end, price, put, states, used


@pytest.mark.parametrize("limits", [NO_LIMITS, MANY], ids=["alone", "beside other limits"])
@pytest.mark.parametrize("seed", range(3))
async def test_parallel_requests_and_ends_cannot_pass_a_budget(
    database: Database, transactions: SqlTransactions, clock: FakeClock, seed: int, limits: GenerationLimits
) -> None:
    chance = random.Random(seed)
    users = [await add_user(transactions) for _ in range(10)]
    # Each sends statements of its own, as a process does.
    queues = [SqlAttemptQueue(transactions, clock) for _ in range(10)]
    most = {"all": MOST * chance.randint(11, 16), "each_user": MOST * 3, "user": MOST * 2}
    own = budget(most["user"], BudgetScope.USER, user_id=users[0])
    await put(transactions, budget(most["all"]), budget(most["each_user"], BudgetScope.EACH_USER), own)
    for user in users:
        assert await ask(queues[0], user, limits)

    for _ in range(3):
        asked = await asyncio.gather(*(ask(queue, user, limits) for queue, user in zip(queues, users, strict=True)))
        assert None in asked, "otherwise nothing was tried"
        for row in database.rows(
            "select b.scope, s.spent_usd + s.reserved_usd as used from tales.budget_spending as s"
            " join tales.budgets as b on b.id = s.budget_id"
        ):
            assert 0 < row["used"] <= most[row["scope"]]
        story = {"usage": {"cost": float(MOST / 2)}}
        claimed = await queues[0].claim(WORKER, chance.randint(2, 4))
        ends = [
            AttemptResult(
                claim.attempt,
                AttemptOutcome(status=Status.SUCCESS, full_response=story),
                StoryText(uuid7(), "T", "C"),
            )
            for claim in claimed
        ]
        await asyncio.gather(
            *(chance.choice(queues).finish(claim) for claim in ends),
            *(ask(chance.choice(queues), user, limits) for user in users),
        )

    spending = "select budget_id, user_id, spent_usd, reserved_usd from tales.budget_spending order by 1, 2"
    counted = database.rows(spending)
    database.execute("select tales.recount_budgets(array(select id from tales.budgets))")
    assert database.rows(spending) == counted, "and so say the attempts themselves"


async def test_who_is_refused_hears_which_budget_it_is_and_when_it_opens(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user, other = await add_user(transactions), await add_user(transactions)
    of_day = budget("0.1", BudgetScope.MODEL, model="sim/ok", period=BudgetPeriod.DAY)
    await put(
        transactions,
        budget("0.1", BudgetScope.USER, user_id=user),
        of_day,
        prices=(price(), price("sim/other"), price("sim/free", "0")),
    )

    now = datetime.now(UTC)
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # On the last day of a month both open at once.
    of_both = {"user_budget", "model_budget"} if tomorrow == next_month else {"user_budget"}
    for asker, model, limits, opens_at in (
        (user, "sim/ok", of_both, next_month),
        (user, "sim/other", {"user_budget"}, next_month),
        (other, "sim/ok", {"model_budget"}, tomorrow),
    ):
        with pytest.raises(TooManyRequests) as refusal:
            await attempt_queue.enqueue(Actor(asker), attempt_request(asker, model_used=model), NOBODY)
        assert refusal.value.limit in limits
        assert abs(refusal.value.retry_after - (opens_at - now).total_seconds()) < 60
    assert await ask(attempt_queue, other, model_used="sim/other")
    assert await ask(attempt_queue, user, model_used="sim/free"), "what costs nothing needs no room"
    with pytest.raises(PriceUnknown):
        await attempt_queue.enqueue(Actor(user), attempt_request(user, model_used="sim/unpriced"), NOBODY)


async def test_one_that_is_refused_holds_up_nobody_in_its_batch(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    poor, rich = await add_user(transactions), await add_user(transactions)
    await put(transactions, budget("0", BudgetScope.USER, user_id=poor))

    asked = await asyncio.gather(*(ask(attempt_queue, user) for user in (rich, poor, rich, poor, rich)))

    assert [attempt is None for attempt in asked] == [False, True, False, True, False]


async def test_a_retry_that_no_budget_has_room_for_is_not_made(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    await put(transactions, budget(MOST * 3 / 2))
    await ask(attempt_queue, user)

    ended = await end(attempt_queue, kind="stream_interrupted", following=NextAttempt("sim/ok", 0.0))

    assert ended is not None
    assert ended.following is None
    assert await used(transactions) == (MOST, 0)
    async with transactions.as_service() as work:
        generation = await work.generations.get_generation(ended.attempt.id.generation_id)
    assert generation is not None
    assert generation.status is Status.FAILED
    assert len(generation.attempts) == 1


async def test_what_an_attempt_has_not_used_is_room_for_its_retry(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    await put(transactions, budget(MOST * 3 / 2))
    await ask(attempt_queue, await add_user(transactions))

    ended = await end(attempt_queue, kind="connection", following=NextAttempt("sim/ok", 0.0))

    assert ended is not None
    assert ended.following is not None
    assert await used(transactions) == (0, MOST)


async def test_the_first_call_beyond_the_share_to_warn_from_is_logged_once(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    await put(transactions, budget(MOST * 4, warn_share=Decimal("0.5")))

    with structlog.testing.capture_logs() as logged:
        for expected in (0, 1, 1, 1):
            await ask(attempt_queue, user)
            assert len(logged) == expected

    assert (logged[0]["event"], logged[0]["scope"], logged[0]["period"]) == ("budget nearly used up", "all", "month")
    (state,) = await states(transactions)
    assert state.is_warned


def test_the_database_knows_what_a_call_may_write(database: Database) -> None:
    rows = database.rows("select m, tales.most_tokens(m) as most from generate_series(1, 60) as m")
    assert {row["m"]: row["most"] for row in rows} == {minutes: max_tokens(minutes) for minutes in range(1, 61)}
    assert database.rows("select tales.most_tokens(null) as most") == [{"most": max_tokens(5)}]
