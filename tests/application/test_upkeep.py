"""What the service sees to in the background: it outlives any error, and one process does it at a time."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from tales.application.background import PAUSE as AFTER_ERROR
from tales.application.background import running
from tales.application.upkeep import PAUSE, KeepCosts, KeepRollups
from tales.domain.errors import Unavailable
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.repositories.rollups import refresh
from tales.infrastructure.repositories.unknown_costs import UnknownCosts
from tests.fixtures.databases import Database, outage
from tests.fixtures.recording import RecordingLog
from tests.fixtures.rows import add_user, ended, insert
from tests.fixtures.server import Server
from tests.fixtures.time import stand_still
from tests.fixtures.waiting import until

COMPLETE = "select from tales.rollup_state where complete_until > now() - interval '2 hours'"


def _ask(database: Database, *names: str, ago: timedelta = timedelta(days=1)) -> None:
    """Calls that were cut, each with the name that its provider has given it."""
    with database.connect() as connection:
        user = add_user(connection)
        for name in names:
            cut = {"queue": "sim", "available_at": datetime.now(UTC) - ago, "provider_generation_id": name}
            insert(connection, "generations", ended(user, "failed", created_at=datetime.now(UTC) - ago, **cut))


async def test_rollups_are_kept_whatever_goes_wrong(
    server: Server, database: Database, transactions: SqlTransactions
) -> None:
    _ask(database, "gen-1", ago=timedelta(days=3))
    log, keep = RecordingLog(), KeepRollups(partial(refresh, transactions, waits=False), pause=0.0)
    async with AsyncExitStack() as stack:
        with outage(server, database):
            await stack.enter_async_context(running({"rollups": keep}, log))
            await until(lambda: log.events)
        keep.pause = 0.0
        stand_still(AFTER_ERROR)
        await until(lambda: database.rows(COMPLETE))

    assert log.events[0][:2] == ("warning", "background work failed")
    assert log.events[0][2]["work"] == "rollups"


async def test_one_process_counts_at_a_time(database: Database, transactions: SqlTransactions) -> None:
    _ask(database, "gen-1")
    with database.connect() as connection, connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('tales.rollup_state'))")
        assert await refresh(transactions, waits=False) == 0
        assert not database.rows("select from tales.rollup_cells")
    assert await refresh(transactions, waits=False) > 0


async def test_a_provider_that_knows_nothing_is_asked_ever_less_often() -> None:
    said: list[tuple[int, int] | Exception] = [(5, 0), ValueError("not now"), (5, 0), (5, 1), (0, 0)]

    async def ask() -> tuple[int, int]:
        answer = said.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    keep, pauses = KeepCosts(ask), []
    while said:
        asking = asyncio.create_task(keep())
        await asyncio.sleep(0)
        stand_still(keep.pause)
        await asyncio.wait([asking])
        asking.exception()
        pauses.append(keep.pause / PAUSE)
    assert pauses == [2, 4, 8, 1, 1]


async def test_what_a_provider_does_not_know_is_asked_for_after_the_others(
    database: Database, transactions: SqlTransactions
) -> None:
    _ask(database, "gen-1", "gen-2")
    asked: list[str] = []

    async def cost_of(name: str) -> Decimal | None:
        asked.append(name)
        return Decimal("0.25") if name == "gen-2" else None

    costs = UnknownCosts(transactions, "sim")
    assert await costs.ask(cost_of) == (2, 1)
    assert await costs.ask(cost_of) == (0, 0), "it is put off"
    assert sorted(asked) == ["gen-1", "gen-2"]

    _ask(database, "gen-3", ago=timedelta(days=2))
    database.execute("update tales.cost_questions set ask_again_at = now()")
    asked.clear()
    assert await costs.ask(cost_of) == (2, 0)
    assert asked == ["gen-3", "gen-1"], "who was never asked for goes first"
    (again,) = database.rows(
        "select asked, ask_again_at - now() > interval '90 s' as later from tales.cost_questions q"
        " join tales.generations g using (generation_id) where provider_generation_id = 'gen-1'"
    )
    assert again == {"asked": 2, "later": True}


async def test_what_was_asked_for_each_day_for_years_is_put_off_by_a_day(
    database: Database, transactions: SqlTransactions
) -> None:
    _ask(database, "gen-1")
    database.execute(
        "insert into tales.cost_questions (generation_id, attempt_number, asked, ask_again_at)"
        " select generation_id, attempt_number, 2000, now() from tales.generations"
    )

    async def cost_of(_: str) -> Decimal | None:
        return None

    assert await UnknownCosts(transactions, "sim").ask(cost_of) == (1, 0)
    (put_off,) = database.rows(
        "select asked, ask_again_at > now() + interval '23 h' as by_a_day from tales.cost_questions"
    )
    assert put_off == {"asked": 2001, "by_a_day": True}


async def test_what_nobody_could_ask_for_is_not_put_off(database: Database, transactions: SqlTransactions) -> None:
    _ask(database, "gen-1", "gen-2", "gen-3")
    database.execute(
        "insert into tales.cost_questions (generation_id, attempt_number, asked, ask_again_at)"
        " select generation_id, 1, 9, now() from tales.generations where provider_generation_id = 'gen-3'"
    )

    async def gone(name: str) -> Decimal | None:
        raise Unavailable(f"{name} is not answered.")

    with pytest.raises(Unavailable):
        await UnknownCosts(transactions, "sim").ask(gone)

    left = database.rows("select asked from tales.cost_questions where ask_again_at <= now() order by asked")
    assert [row["asked"] for row in left] == [0, 9]
    asked: list[str] = []

    async def cost_of(name: str) -> Decimal | None:
        asked.append(name)
        return None

    assert await UnknownCosts(transactions, "sim").ask(cost_of) == (2, 0), "whom the error met has to wait"
    assert asked[1] == "gen-3", "and who was never asked for goes first"
