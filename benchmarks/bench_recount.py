"""Setting the first budgets of a month: how long its attempts take to be counted.

`python -m benchmarks.bench_recount [--attempts 1000000] [--home FOLDER]`

Fills the month of now up to this day (with --home only the first time), sets prices, and then a budget of each scope,
as `tales budgets set` does. Nobody can ask for a story meanwhile, and a recount may take 120 seconds: where one takes
longer, it exits with 1. What was counted is printed beside a plain sum of the known costs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.history import HistoryPlan, fill_history
from benchmarks.history.plan import MODELS, SWIFT
from benchmarks.measuring import BenchServer, bench_server, say_machine, say_table
from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope
from tales.domain.prices import Price, PriceSource
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.legacy.migrate import migrate_up

DATABASE = "month"
LONGEST = 120.0
# The known costs, and nothing else: what was counted is no less.
_KNOWN = """
    select coalesce(sum(coalesce(cost_usd, reconciled_cost_usd)), 0) from tales.generations
    where origin = 'live' and created_at >= date_trunc('month', now(), 'UTC')
"""
_SPENT = """
    select coalesce(sum(s.spent_usd), 0) from tales.budget_spending as s
    join tales.budgets as b on b.id = s.budget_id where b.scope = 'all' and b.period = 'month'
"""


def main() -> int:
    """Print the table; 1 where a recount takes too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_recount", description=__doc__)
    parser.add_argument("--attempts", type=int, default=1_000_000, help="in this month")
    parser.add_argument("--home", type=Path, help="keep the server and its database in this folder, or find them there")
    options = parser.parse_args()
    with bench_server(options.home) as place:
        say_machine(place)
        _fill(place, options.attempts)
        took = asyncio.run(_measure(place.url(DATABASE)))
    say_table(("the first budget", "seconds"), [(name, f"{seconds:.1f}") for name, seconds in took.items()])
    print(f"Load {os.getloadavg()[0]:.1f} at the end.")
    return int(max(took.values()) > LONGEST)


def _fill(place: BenchServer, attempts: int) -> None:
    if not place.has(DATABASE):
        place.execute("create database {}", DATABASE)
        url = place.url(DATABASE)
        migrate_up(url)
        today = datetime.now(UTC).date()
        fill_history(url, HistoryPlan(attempts=attempts, until=today + timedelta(days=1), days=today.day))
    with psycopg.connect(place.url(DATABASE), autocommit=True) as connection:
        connection.execute("alter role tales_app login")
        connection.execute("delete from tales.budgets")
        connection.execute("delete from tales.budget_reservations")
        connection.execute("vacuum (analyze) tales.budgets, tales.budget_spending, tales.budget_reservations")
        (found,) = connection.execute("select count(*) from tales.generations").fetchone() or (0,)
        print(f"{found:,} attempts\n", flush=True)


async def _measure(url: str) -> dict[str, float]:
    engine = make_engine(url)
    transactions = SqlTransactions(engine, SystemClock())
    prices = [
        Price(
            model=model.name,
            valid_from=datetime(2020, 1, 1, tzinfo=UTC),
            prompt_usd_per_million=Decimal(str(model.prompt_price)),
            completion_usd_per_million=Decimal(str(model.completion_price)),
            source=PriceSource.OPERATOR,
        )
        for model in MODELS.values()
    ]
    took: dict[str, float] = {}
    try:
        async with transactions.as_service() as work:
            await work.prices.put(prices)
            await work.commit()
        for name, budget in _budgets().items():
            begun = time.perf_counter()
            async with transactions.as_service() as work:
                await work.budgets.put(budget)
                await work.commit()
            took[name] = time.perf_counter() - begun
            print(f"{name}: {took[name]:.1f} s", flush=True)
    finally:
        await engine.dispose()
    with psycopg.connect(url) as connection:
        (known,), (spent,) = (connection.execute(query).fetchone() or (0,) for query in (_KNOWN, _SPENT))
    print(f"Known costs of the month: {known:,.2f} USD; counted as spent, with estimates: {spent:,.2f} USD.\n")
    return took


def _budgets() -> dict[str, Budget]:
    """The first one also counts what attempts of unknown cost are charged with."""
    budget = partial(Budget, period=BudgetPeriod.MONTH, limit_usd=Decimal(1_000_000))
    return {
        "of everything": budget(scope=BudgetScope.ALL),
        "of a model": budget(scope=BudgetScope.MODEL, model=SWIFT.name),
        "of each user": budget(scope=BudgetScope.EACH_USER),
    }


if __name__ == "__main__":
    raise SystemExit(main())
