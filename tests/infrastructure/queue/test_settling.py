"""What was reserved of a budget becomes what was spent, whoever ends the attempt and whenever its cost is learned."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from tales.domain.actor import Actor
from tales.domain.budgets import BudgetScope
from tales.infrastructure.postgres.connection import REPORT_TIMEOUT
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.waiting import until
from tests.infrastructure.queue.spending import MOST, ask, budget, end, price, put, states, used


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


async def test_to_count_a_long_month_has_the_time_of_a_report(transactions: SqlTransactions) -> None:
    async with transactions.as_service() as work:
        await work.budgets.put(budget(MOST))
        driver: Any = (await (await work.session.connection()).get_raw_connection()).driver_connection
        assert driver.answer_timeout == REPORT_TIMEOUT
