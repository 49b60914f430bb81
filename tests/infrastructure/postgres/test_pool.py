"""Connections that lie in the pool: nothing is asked of one on the way out, and one that has died is noticed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
from psycopg.waiting import MAX_BUSY_TIME
from sqlalchemy import QueuePool, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tales.administration.transactions import open_transactions
from tales.domain.errors import Unavailable
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.embedded.server import allow_app_login, start_embedded, stop_embedded
from tales.infrastructure.postgres.engine import POOL_SIZE, make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.legacy.migrate import migrate_up
from tales.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.server import run_folder
from tests.fixtures.waiting import until

POOLED = 5
_PIDS = "select pid from pg_stat_activity where application_name = 'tales' and datname = current_database()"


async def fill(engine: AsyncEngine) -> set[int]:
    """Let so many connections lie in the pool; the processes that serve them."""
    together = asyncio.Barrier(POOLED)

    async def use() -> int:
        async with engine.connect() as connection:
            pid = await connection.scalar(text("select pg_backend_pid()"))
            await together.wait()
            return int(pid)

    pids = set(await asyncio.gather(*(use() for _ in range(POOLED))))
    assert len(pids) == POOLED
    return pids


async def call(transactions: SqlTransactions) -> None:
    assert len(await transactions.call("select 1 as one", ())) == 1


async def work(transactions: SqlTransactions) -> None:
    async with transactions.as_service() as unit:
        assert await unit.accounts.find("ada@example.org") is None
        await unit.commit()


async def use_all(transactions: SqlTransactions) -> None:
    """As many users of the service as lie in the pool, both ways at once; none may hear of what was."""
    together = asyncio.Barrier(2 * POOLED)

    async def work_together() -> None:
        async with transactions.as_service() as unit:
            await together.wait()
            assert await unit.accounts.find("ada@example.org") is None

    async def call_together() -> None:
        await together.wait()
        await call(transactions)

    await asyncio.gather(*(work_together() for _ in range(POOLED)), *(call_together() for _ in range(POOLED)))


async def test_nothing_is_asked_of_a_connection_that_is_taken_out(database: Database, engine: AsyncEngine) -> None:
    await fill(engine)
    last = "select query, state_change from pg_stat_activity where application_name = 'tales' and datname = %s"
    before = database.rows(f"{last} order by pid", database.name)
    assert len(before) == POOLED

    together = asyncio.Barrier(POOLED)

    async def take() -> None:
        async with engine.connect() as connection:
            await connection.get_raw_connection()
            await together.wait()

    await asyncio.gather(*(take() for _ in range(POOLED)))

    # A rollback of nothing is not sent either.
    assert database.rows(f"{last} order by pid", database.name) == before


async def test_a_connection_that_was_terminated_in_the_pool_is_replaced(
    database: Database, engine: AsyncEngine
) -> None:
    transactions = SqlTransactions(engine, SystemClock())
    for _ in range(3):
        old = await fill(engine)
        for pid in old:
            database.execute("select pg_terminate_backend(%s, 10000)", pid)
        await use_all(transactions)
        new = {row["pid"] for row in database.rows(_PIDS)}
        assert new
        assert not new & old


async def test_one_connection_that_was_terminated_costs_the_others_nothing(
    database: Database, engine: AsyncEngine
) -> None:
    transactions = SqlTransactions(engine, SystemClock())
    ended, *kept = await fill(engine)
    database.execute("select pg_terminate_backend(%s, 10000)", ended)
    await use_all(transactions)
    left = {row["pid"] for row in database.rows(_PIDS)}
    assert set(kept) <= left
    assert ended not in left


async def test_a_connection_that_dies_in_the_middle_costs_its_user_alone(
    database: Database, engine: AsyncEngine
) -> None:
    """Oftener than there are places in the pool."""
    transactions = SqlTransactions(engine, SystemClock())
    end = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'tales' and datname = current_database()"
    )
    for _ in range(POOL_SIZE + 2):
        with pytest.raises(Unavailable):
            await transactions.call("select pg_terminate_backend(pg_backend_pid())", ())
        with pytest.raises(Unavailable):
            async with transactions.as_service() as work:
                await work.accounts.find(f"{database.rows(end)}")
        assert len(await transactions.call("select 1 as one", ())) == 1
    await use_all(transactions)
    assert len(database.rows(_PIDS)) <= 2 * POOL_SIZE


@pytest.mark.parametrize("use", [call, work])
async def test_whoever_is_cancelled_on_a_busy_machine_gives_the_connection_back(
    engine: AsyncEngine, transactions: SqlTransactions, use: Callable[[SqlTransactions], Coroutine[None, None, None]]
) -> None:
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    await use(transactions)
    ended: list[BaseException | None] = []
    while None not in ended:
        using = asyncio.create_task(use(transactions))
        for _ in ended:
            # After so long the driver lets others go first, also where it need not wait for an answer.
            time.sleep(2 * MAX_BUSY_TIME)  # noqa: ASYNC251 -- a busy machine is what is tried
            await asyncio.sleep(0)
        using.cancel()
        ended += await asyncio.gather(using, return_exceptions=True)
        await until(lambda: pool.checkedout() == 0)
        # Nor does whoever comes next work without a role, or without a transaction.
        async with transactions.as_service() as unit:
            who = await unit.session.scalar(text("select current_user || pg_current_xact_id()"))
            assert await unit.session.scalar(text("select current_user || pg_current_xact_id()")) == who
            assert str(who).startswith("service_role")

    assert len(ended) > 2
    assert all(isinstance(end, asyncio.CancelledError) for end in ended[:-1])


async def test_no_more_connections_are_opened_than_the_operator_allows(database: Database) -> None:
    settings = Settings(database_url=database.app_url, pool_size=1, pool_overflow=2)
    async with open_transactions(settings) as transactions:
        async with AsyncExitStack() as crowd:
            for _ in range(3):
                await crowd.enter_async_context(transactions.as_service())
            waiting = asyncio.ensure_future(transactions.call("select 1 as one", ()))
            await until(lambda: len(database.rows(_PIDS)) == 3)
            assert not waiting.done()
        await waiting
        await until(lambda: len(database.rows(_PIDS)) == 1)


async def test_a_connection_that_the_driver_has_given_up_is_replaced(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    await driver.close()
    await use_all(SqlTransactions(engine, SystemClock()))


# A server of the test's own, to be stopped and killed.


@pytest.fixture
def home() -> Iterator[Path]:
    home = run_folder() / f"pool-{uuid4().hex[:8]}"
    server = start_embedded(home, durable=False)
    migrate_up(server.owner_url)
    allow_app_login(server.owner_url)
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute("checkpoint")  # commits do not wait for the disk here, and must outlive a crash
    yield home
    stop_embedded(home)


@pytest.fixture
async def own_engine(home: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(start_embedded(home, durable=False).app_url)
    yield engine
    await engine.dispose()


def _stop(home: Path) -> None:
    assert stop_embedded(home)


def _crash(home: Path) -> None:
    """One server process is killed: the others are ended by the postmaster, which starts anew."""
    with psycopg.connect(start_embedded(home, durable=False).owner_url, autocommit=True) as connection:
        found = connection.execute("select pid from pg_stat_activity where application_name = 'tales'").fetchall()
    victims = [psutil.Process(pid) for (pid,) in found]
    os.kill(victims[0].pid, signal.SIGKILL)
    psutil.wait_procs(victims, timeout=30)


def _kill_everything(home: Path) -> None:
    postmaster = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
    processes = [postmaster, *postmaster.children()]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=30)


@pytest.mark.parametrize("end", [_stop, _crash, _kill_everything], ids=["stopped", "crashed", "killed"])
async def test_a_server_that_was_away_while_connections_lay_in_the_pool_is_not_felt(
    home: Path, own_engine: AsyncEngine, end: Callable[[Path], None]
) -> None:
    old = await fill(own_engine)
    await asyncio.to_thread(end, home)
    server = await asyncio.to_thread(start_embedded, home, durable=False)

    await use_all(SqlTransactions(own_engine, SystemClock()))

    def pids() -> set[int]:
        with psycopg.connect(server.owner_url) as connection:
            return {pid for (pid,) in connection.execute(_PIDS)}

    await until(lambda: pids() and not pids() & old)
