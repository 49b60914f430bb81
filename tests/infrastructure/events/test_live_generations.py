"""Workers tell, and those who follow hear, in the same process and in others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import structlog
from tales.infrastructure.events.live_generations import LiveGenerations
from tales.infrastructure.events.teller import MOST_TEXT, LiveTeller

from tales.domain.generation import AttemptId
from tales.domain.progress import Progress
from tales.domain.repositories.live_texts import Change
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.infrastructure.events import live_generations
from tales.infrastructure.events import teller as teller_module
from tales.infrastructure.events.listener import NoticeListener
from tales.infrastructure.persistence.errors import DatabaseUnavailable
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tests.factories import add_user, attempt_request, failure, finish_attempt
from tests.fixtures.databases import Database

LOG = structlog.get_logger("test")


class Interrupted:
    """Transactions of a database that goes away now and then (`is_away`)."""

    def __init__(self, inner: SqlTransactions) -> None:
        self._inner = inner
        self.is_away = False

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[UnitOfWork]:
        if self.is_away:
            raise DatabaseUnavailable
        async with self._inner.as_service() as work:
            yield work


@dataclass
class Processes:
    """A worker that tells, one who follows beside it, and one in another process."""

    transactions: SqlTransactions
    interrupted: Interrupted
    teller: LiveTeller
    nearby: LiveGenerations
    far: LiveGenerations
    attempt: AttemptId

    async def start(self) -> None:
        async with self.transactions.as_service() as work:
            await work.generations.start_attempt(self.attempt)
            await work.commit()
        self.teller.begin(self.attempt)

    async def end(self) -> None:
        async with self.transactions.as_service() as work:
            await finish_attempt(work, self.attempt, failure())
            await work.commit()
        self.teller.finish(self.attempt)


@pytest.fixture
async def processes(transactions: SqlTransactions, database: Database) -> AsyncIterator[Processes]:
    """A worker that is about to begin, and two who may follow."""
    request = attempt_request(await add_user(transactions))
    async with transactions.as_service() as work:
        await work.generations.create_attempt(request)
        await work.commit()
    interrupted = Interrupted(transactions)
    nearby, far = LiveGenerations(transactions, LOG), LiveGenerations(transactions, LOG)
    told: Transactions = interrupted  # type: ignore[assignment] -- a worker tells as the service alone
    teller = LiveTeller(told, nearby, LOG)
    async with AsyncExitStack() as stack:
        for running in (nearby.running(), far.running(), NoticeListener(database.owner_url, far, LOG).running()):
            await stack.enter_async_context(running)
        await stack.enter_async_context(teller.running())
        await until(lambda: far.is_told)
        yield Processes(transactions, interrupted, teller, nearby, far, request.id)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- what it looks at tells nobody
            await asyncio.sleep(0.01)


async def heard(live: LiveGenerations, attempt: AttemptId, wanted: Callable[[Progress], bool]) -> Progress:
    """What one who follows from now on hears, once it is what is wanted."""
    with live.follow(attempt.generation_id, with_text=True) as follower:
        async with asyncio.timeout(5):
            while True:
                progress = await follower.next()
                assert progress is not None
                if wanted(progress):
                    return progress


def has_text(text: str) -> Callable[[Progress], bool]:
    return lambda progress: progress.text == text


async def test_text_is_heard_near_and_far_early_and_late(processes: Processes) -> None:
    await processes.start()
    early = [
        asyncio.create_task(heard(live, processes.attempt, has_text("Once upon a time")))
        for live in (processes.nearby, processes.far)
    ]
    for piece in ("Once", " upon", " a", " time"):
        processes.teller.publish(processes.attempt, piece)
        await asyncio.sleep(0.08)
    await asyncio.gather(*early)

    for live in (processes.nearby, processes.far):
        await heard(live, processes.attempt, has_text("Once upon a time"))


async def test_who_comes_back_in_the_middle_of_a_piece_has_it_whole(processes: Processes) -> None:
    await processes.start()
    with processes.nearby.follow(processes.attempt.generation_id, with_text=False):
        reading = asyncio.create_task(heard(processes.nearby, processes.attempt, has_text("Once")))
        await asyncio.sleep(0.1)
        processes.teller.publish(processes.attempt, "Once")
        await reading
        # While nobody reads, one piece in the database comes to hold what was heard and what was not.
        processes.teller.publish(processes.attempt, " upon a time")
        await asyncio.sleep(0.3)
        processes.teller.publish(processes.attempt, ", far away")

        await heard(processes.nearby, processes.attempt, has_text("Once upon a time, far away"))


async def test_an_end_is_heard_near_and_far(processes: Processes) -> None:
    await processes.start()
    ends = [
        asyncio.create_task(heard(live, processes.attempt, lambda progress: progress.generation.status.is_final))
        for live in (processes.nearby, processes.far)
    ]
    await asyncio.sleep(0.1)

    await processes.end()

    await asyncio.gather(*ends)


async def test_a_database_that_is_away_costs_no_word_and_holds_nobody_up(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teller_module, "RETRY_SECONDS", 0.05)
    await processes.start()
    reading = asyncio.create_task(heard(processes.far, processes.attempt, has_text("Once upon a time")))
    processes.teller.publish(processes.attempt, "Once")
    await asyncio.sleep(0.2)
    processes.interrupted.is_away = True
    for piece in (" upon", " a"):
        processes.teller.publish(processes.attempt, piece)
        await asyncio.sleep(0.15)
    processes.interrupted.is_away = False
    processes.teller.publish(processes.attempt, " time")

    await reading


async def test_after_a_crash_of_the_database_nothing_is_told_behind_a_hole(
    processes: Processes, database: Database
) -> None:
    await processes.start()
    processes.teller.publish(processes.attempt, "Once")
    await until(lambda: bool(database.rows("select from tales.live_text")))
    database.execute("truncate tales.live_text")  # as a crash does to an unlogged table
    processes.teller.publish(processes.attempt, " upon a time")
    await until(lambda: bool(database.rows("select from tales.live_text")))

    progress = await heard(processes.far, processes.attempt, lambda _: True)
    await asyncio.sleep(0.3)

    assert progress.text == ""


async def test_an_attempt_without_end_is_shown_to_a_limit(processes: Processes, database: Database) -> None:
    await processes.start()
    for _ in range(3):
        processes.teller.publish(processes.attempt, "x" * (MOST_TEXT // 2 + 1))
    await until(lambda: bool(database.rows("select from tales.live_text")))
    await asyncio.sleep(0.3)

    assert database.rows("select sum(length(text)) as kept from tales.live_text") == [{"kept": MOST_TEXT}]


async def test_what_an_ended_attempt_has_written_is_gone_at_once(processes: Processes, database: Database) -> None:
    await processes.start()
    processes.teller.publish(processes.attempt, "Once")
    await until(lambda: bool(database.rows("select from tales.live_text")))

    await processes.end()
    processes.teller.publish(processes.attempt, " too late")

    await until(lambda: not database.rows("select from tales.live_text"))
    await asyncio.sleep(0.3)
    assert database.rows("select from tales.live_text") == []


async def test_the_end_of_an_attempt_is_watched_from_another_process(processes: Processes) -> None:
    await processes.start()
    with processes.far.watch_end(processes.attempt) as ended:
        processes.teller.publish(processes.attempt, "Once")
        await asyncio.sleep(0.2)
        assert not ended.is_set()
        await processes.end()
        async with asyncio.timeout(2):
            await ended.wait()

    assert not processes.far._ends


async def test_an_attempt_that_is_no_more_has_ended(processes: Processes) -> None:
    """After an erasure, somebody else may have a generation of this very id, with fewer attempts."""
    with processes.far.watch_end(processes.attempt.next) as ended:
        processes.far.hear(Change(processes.attempt.next, has_ended=True))
        async with asyncio.timeout(0.5):
            await ended.wait()


async def test_those_who_are_dismissed_hear_that_nothing_more_comes(processes: Processes) -> None:
    with processes.far.follow(processes.attempt.generation_id, with_text=True) as follower:
        assert await follower.next() is not None
        processes.far.dismiss()
        async with asyncio.timeout(1):
            assert await follower.next() is None

    assert not processes.far._followed


async def test_a_lost_notice_is_made_up_for_however_busy_the_process_is(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_generations, "POLL_SECONDS", 0.5)
    await processes.start()

    async def keep_busy() -> None:
        while True:
            processes.far.hear(Change(processes.attempt, has_ended=False))
            await asyncio.sleep(0.02)

    with processes.far.follow(processes.attempt.generation_id, with_text=True) as follower:
        await follower.next()
        with processes.far.watch_end(processes.attempt) as ended:
            keeping = asyncio.create_task(keep_busy())
            async with processes.transactions.as_service() as work:
                await finish_attempt(work, processes.attempt, failure())
                await work.commit()
            async with asyncio.timeout(3):
                await ended.wait()
            keeping.cancel()
