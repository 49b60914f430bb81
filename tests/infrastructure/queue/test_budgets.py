"""Budgets hold, however many ask at a time; what was reserved becomes what was spent."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import structlog
from sqlalchemy import text
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope, BudgetState, PriceUnknown
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
from tests.factories import add_user, attempt_request
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.time import FakeClock
from tests.fixtures.waiting import until
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
                one.attempt,
                AttemptOutcome(status=Status.SUCCESS, full_response=story),
                StoryText(uuid7(), "T", "C"),
            )
            for one in claimed
        ]
        await asyncio.gather(
            *(chance.choice(queues).finish(one) for one in ends),
            *(ask(chance.choice(queues), user, limits) for user in users),
        )

    spending = "select budget_id, user_id, spent_usd, reserved_usd from tales.budget_spending order by 1, 2"
    counted = database.rows(spending)
    database.execute("select tales.recount_budgets(array(select id from tales.budgets))")
    assert database.rows(spending) == counted, "and so say the attempts themselves"


@pytest.mark.parametrize(
    ("usage", "kind", "spent"),
    [
        ({"cost": 0.25, "completion_tokens": 9}, None, Decimal("0.25")),
        ({"prompt_tokens": 5, "completion_tokens": 500}, None, Decimal("0.5")),
        (None, None, MOST),
        ({"cost": 0.25}, "too_short", Decimal("0.25")),
        (None, "stream_interrupted", MOST),
        (None, "deadline", MOST),
        (None, "rate_limited", 0),
        (None, "connection", 0),
    ],
)
async def test_what_was_reserved_becomes_what_was_spent(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, usage: Any, kind: str | None, spent: Decimal
) -> None:
    user = await add_user(transactions)
    await put(transactions, budget("100"))
    assert await ask(attempt_queue, user)
    assert await used(transactions) == (0, MOST)

    await end(attempt_queue, usage, kind=kind)

    assert await used(transactions) == (spent, 0)


async def test_a_call_that_nobody_made_costs_nothing_and_a_learned_cost_takes_the_place_of_what_was_reserved(
    database: Database, transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    await put(transactions, budget("100"))
    attempt = await ask(attempt_queue, user)
    assert attempt is not None
    async with transactions.as_user(Actor(user)) as work:
        assert await work.generations.cancel_attempt(attempt.id, "No.")
        await work.commit()
    assert await used(transactions) == (0, 0)

    await ask(attempt_queue, user)
    await end(attempt_queue, kind="stream_interrupted")
    assert await used(transactions) == (MOST, 0)
    database.execute("update tales.generations set reconciled_cost_usd = 0.125 where error_type = 'stream_interrupted'")
    assert await used(transactions) == (Decimal("0.125"), 0)

    await ask(attempt_queue, user)
    database.execute("delete from auth.users where id = %s", user)
    assert await used(transactions) == (Decimal("0.125"), 0), (
        "what is in flight goes with the user, what is spent stays"
    )


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
    for asker, model, limit, opens_at in (
        (user, "sim/ok", "user_budget", next_month),
        (user, "sim/other", "user_budget", next_month),
        (other, "sim/ok", "model_budget", tomorrow),
    ):
        with pytest.raises(TooManyRequests) as refusal:
            await attempt_queue.enqueue(Actor(asker), attempt_request(asker, model_used=model), NOBODY)
        assert refusal.value.limit == limit
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


@pytest.mark.parametrize("other", ["cancelled", "erased", "cost learned"])
async def test_an_end_and_whatever_else_settles_do_not_wait_for_each_other(
    database: Database, transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, other: str
) -> None:
    user = await add_user(transactions)
    await put(transactions, budget("100"))
    await ask(attempt_queue, user)
    await end(attempt_queue, kind="stream_interrupted")
    attempt = await ask(attempt_queue, user)
    assert attempt is not None

    async def change() -> None:
        async with transactions.as_service() as work:
            if other == "cancelled":
                await work.generations.cancel_attempt(attempt.id, "No.")
            elif other == "erased":
                await work.accounts.erase(user)
            else:
                learned = "update tales.generations set reconciled_cost_usd = 0.5 where status <> 'pending'"
                await work.session.execute(text(learned))
            await work.commit()

    with database.connect() as ending:
        # As an end does: the lock, then the rows.
        ending.execute("begin")
        ending.execute("select tales.lock_budgets()")
        changing = asyncio.create_task(change())
        waiting = (
            "select from pg_locks join pg_database as d on d.oid = database"
            " where datname = current_database() and not granted and locktype = 'advisory'"
        )
        await until(lambda: changing.done() or database.rows(waiting))
        assert not changing.done()
        ending.execute("set local lock_timeout = '2s'")
        ending.execute("select from tales.generations for update")
        ending.execute("select from auth.users for key share")
        ending.execute("commit")
    await changing
    expected = {"cancelled": (MOST, 0), "erased": (MOST, 0), "cost learned": (Decimal("0.5"), MOST)}
    assert await used(transactions) == expected[other]


async def test_a_cost_takes_the_place_of_what_was_charged_whatever_the_price_list_says_now(
    database: Database, transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    await ask(attempt_queue, user)
    await end(attempt_queue, {"prompt_tokens": 5, "completion_tokens": 500})
    await put(transactions, budget("100"))
    await ask(attempt_queue, user)
    await end(attempt_queue, {"prompt_tokens": 5, "completion_tokens": 500})
    assert await used(transactions) == (1, 0), "one before the budget, and one after it"

    database.execute("update tales.prices set completion_usd_per_million = 9000")
    database.execute("update tales.generations set reconciled_cost_usd = 0.125")

    assert await used(transactions) == (Decimal("0.25"), 0)


async def test_what_an_erased_family_spent_stays_whatever_is_set_and_removed_beside_it(
    database: Database, transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user, other = await add_user(transactions), await add_user(transactions)
    await put(transactions, budget("100"))
    await ask(attempt_queue, user)
    await end(attempt_queue, {"cost": 2})
    database.execute("delete from auth.users where id = %s", user)

    own = budget("9", BudgetScope.USER, user_id=other)
    await put(transactions, own, budget("50"))
    async with transactions.as_service() as work:
        assert await work.budgets.remove(own)
        await work.commit()

    assert await used(transactions) == (2, 0)


async def test_the_largest_budget_can_be_kept_and_past_months_are_forgotten(
    database: Database, transactions: SqlTransactions
) -> None:
    await put(transactions, budget("1000000"), prices=(price(per_thousand="1000"),))
    for months in (0, 1, 2):
        database.execute(
            "insert into tales.budget_spending (budget_id, begins)"
            " select id, date_trunc('month', now()) - make_interval(months => %s) from tales.budgets"
            " on conflict do nothing",
            months,
        )
    async with transactions.as_service() as work:
        await work.budgets.forget_past()
        await work.commit()
    assert len(database.rows("select from tales.budget_spending")) == 2


async def test_what_was_spent_before_there_was_a_budget_counts(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    await ask(attempt_queue, user)
    await end(attempt_queue, {"cost": 2})
    await ask(attempt_queue, user)

    await put(
        transactions, budget("2.5"), budget("100", BudgetScope.EACH_USER), budget("9", BudgetScope.USER, user_id=user)
    )

    in_all, each, own = await states(transactions)
    assert (in_all.spent_usd, in_all.reserved_usd, in_all.used_share) == (
        2,
        MOST,
        round((2 + MOST) / Decimal("2.5"), 4),
    )
    assert (each.spent_usd, own.spent_usd, own.reserved_usd) == (0, 2, MOST), "their own takes the place of each's"
    async with transactions.as_service() as work:
        assert await work.budgets.remove(own.budget)
        assert not await work.budgets.remove(own.budget)
        await work.commit()
    each = (await states(transactions))[1]
    assert (each.spent_usd, each.reserved_usd, each.spender) == (2, MOST, user)


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


async def test_without_a_budget_nothing_is_reserved_and_no_statement_more_is_sent(
    database: Database, transactions: SqlTransactions, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    await put(transactions)
    with statements_of(transactions) as statements:
        await ask(attempt_queue, user)
        await end(attempt_queue, {"cost": 2})

    assert len(statements) == 3, "asked for, claimed, ended"
    assert database.rows("select from tales.budget_reservations") == []
    assert database.rows("select from tales.budget_spending") == []


def test_the_database_knows_what_a_call_may_write(database: Database) -> None:
    rows = database.rows("select m, tales.most_tokens(m) as most from generate_series(1, 60) as m")
    assert {row["m"]: row["most"] for row in rows} == {minutes: max_tokens(minutes) for minutes in range(1, 61)}
    assert database.rows("select tales.most_tokens(null) as most") == [{"most": max_tokens(5)}]
