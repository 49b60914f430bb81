"""What one process knows of generations: what it has done itself, and what it looks up for all who follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from tales.domain.generation import AttemptId, Generation
from tales.domain.repositories.live_texts import Change
from tales.infrastructure.events.listener import NoticeListener
from tales.infrastructure.events.notices import CHANNEL
from tales.infrastructure.events.progress_hub import KNOWN, POLL_SECONDS, ProgressHub
from tales.infrastructure.postgres.connection import open_connection
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.domain.factories import make_attempt
from tests.factories import success
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.recording import RecordingLog
from tests.fixtures.time import stand_still
from tests.fixtures.waiting import until
from tests.infrastructure.events.conftest import Processes, following

READS_STATE = "FROM tales.generations"


class SlowReads:
    """Transactions whose answers about generations take a while to arrive: until `may_arrive`."""

    def __init__(self, inner: SqlTransactions) -> None:
        self._inner = inner
        self.has_read = asyncio.Event()
        self.may_arrive = asyncio.Event()

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[Any]:
        async with self._inner.as_service() as work:
            read = work.generations.get_generations

            async def read_slowly(ids: Collection[UUID]) -> tuple[Generation, ...]:
                found = await read(ids)
                self.has_read.set()
                await self.may_arrive.wait()
                return found

            work.generations.get_generations = read_slowly  # type: ignore[method-assign]
            yield work


class RecordingHub(ProgressHub):
    """Remembers what other processes said."""

    def __init__(self, transactions: SqlTransactions) -> None:
        super().__init__(transactions, RecordingLog())
        self.changes: list[Change] = []

    def on_change(self, change: Change) -> None:
        self.changes.append(change)
        super().on_change(change)


@pytest.mark.parametrize("is_known", [True, False], ids=["asked for here", "claimed here"])
async def test_what_this_process_has_read_never_undoes_what_it_has_done(processes: Processes, is_known: bool) -> None:
    """A read that began before the end of an attempt may be answered after it."""
    slow = SlowReads(processes.transactions)
    slow.may_arrive.set()
    hub = ProgressHub(slow, RecordingLog())  # type: ignore[arg-type]
    claimed, marker = await processes.start(), await processes.start()
    attempt = claimed.attempt
    if is_known:
        hub.add(Generation(attempt.id.generation_id, attempt.user_id, (attempt,)))
    async with hub.running(), following(hub, attempt.id.generation_id) as heard:
        await until(lambda: slow.has_read.is_set() and not heard.has_ended)
        slow.may_arrive.clear()
        slow.has_read.clear()
        hub.on_change(Change(attempt.id, has_ended=True))
        await slow.has_read.wait()
        hub.on_end(attempt.id, await processes.finish(claimed, success()))
        await until(lambda: heard.has_ended)
        slow.may_arrive.set()
        # One read comes after the other: when this one has been answered, the one before has been as well.
        async with following(hub, marker.attempt.id.generation_id):
            assert heard.has_ended
        async with following(hub, attempt.id.generation_id) as late:
            assert late.has_ended


async def test_who_follows_what_is_made_here_costs_no_read(processes: Processes) -> None:
    claimed = await processes.start_at_birth()
    with statements_of(processes.transactions) as sent:
        async with following(processes.near, claimed.attempt.id.generation_id, with_text=False) as heard:
            await processes.end(claimed, success())
            await until(lambda: heard.has_ended)
        async with following(processes.near, claimed.attempt.id.generation_id) as late:
            assert late.has_ended

    assert heard.told[-1].generation == late.told[-1].generation
    assert READS_STATE not in "".join(sent)


async def test_what_was_handed_over_is_what_the_database_has(processes: Processes) -> None:
    claimed = await processes.start_at_birth()
    generation_id = claimed.attempt.id.generation_id
    async with following(processes.near, generation_id, with_text=False) as near:
        await processes.end(claimed, success())
        await until(lambda: near.has_ended)
    async with following(processes.far, generation_id, with_text=False) as far:
        await until(lambda: far.has_ended)

    assert near.told[-1].generation == far.told[-1].generation


async def test_who_follows_is_told_once_that_nothing_has_changed(processes: Processes) -> None:
    claimed = await processes.start()
    async with following(processes.far, claimed.attempt.id.generation_id) as heard:
        with statements_of(processes.transactions) as sent:
            for number in (1, 2, 3):
                processes.far.on_change(Change(claimed.attempt.id, has_ended=True))
                await until(lambda number=number: "".join(sent).count(READS_STATE) >= number)
        await processes.end(claimed)
        await until(lambda: heard.has_ended)

    assert [progress.generation.status.is_final for progress in heard.told] == [False, True]


async def test_many_who_follow_the_same_are_served_by_one_read(processes: Processes) -> None:
    claimed = await processes.start()
    generation_id = claimed.attempt.id.generation_id
    with statements_of(processes.transactions) as sent:
        subscriptions = [processes.far.subscribe(generation_id, with_text=False) for _ in range(50)]
        for subscription in subscriptions:
            assert await subscription.__enter__().next() is not None
        for subscription in subscriptions:
            subscription.__exit__(None, None, None)

    assert "".join(sent).count(READS_STATE) == 1


async def test_those_who_follow_when_the_service_stops_hear_that_nothing_more_comes(processes: Processes) -> None:
    claimed = await processes.start()
    async with following(processes.far, claimed.attempt.id.generation_id) as heard:
        processes.far.close()
        await until(lambda: heard.is_over)

    assert not heard.has_ended
    assert processes.far._topics == {}


async def test_who_comes_when_the_service_stops_hears_at_once_that_nothing_comes(processes: Processes) -> None:
    """Streams that were just ended come back before the server has closed its port: it would wait for their end."""
    claimed = await processes.start_at_birth()
    unknown = await processes.start()
    processes.near.close()
    for attempt in (claimed.attempt.id, unknown.attempt.id):
        async with following(processes.near, attempt.generation_id) as heard:
            await until(lambda heard=heard: heard.is_over)

    assert processes.near._topics == {}


async def test_a_listener_outlives_a_cancellation_that_nobody_asked_for(
    transactions: SqlTransactions, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it all that follow, and the workers, would hear of nothing until the process is started again."""
    hub, log, tries = ProgressHub(transactions, RecordingLog()), RecordingLog(), 0

    async def open_at_the_second_try(**options: Any) -> object:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise asyncio.CancelledError
        return await open_connection(**options)

    monkeypatch.setattr("tales.infrastructure.events.listener.open_connection", open_at_the_second_try)
    async with NoticeListener(database.owner_url, hub, lambda: None, log).running():
        await until(lambda: hub.connected)

    assert log.events == [("warning", "notices lost", {"error": "CancelledError"})]


async def test_what_a_cancelled_round_has_not_read_is_read_by_the_next_one(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only by the look that comes now and then."""
    claimed = await processes.start()
    monkeypatch.setattr("tales.infrastructure.events.progress_hub.POLL_SECONDS", 3600.0)
    hub, rounds = ProgressHub(processes.transactions, RecordingLog()), 0
    hub.set_connected(True)
    read = hub._read

    async def cancel_once(states: set[UUID], texts: set[UUID]) -> None:
        nonlocal rounds
        if states:
            rounds += 1
        if rounds == 1:
            raise asyncio.CancelledError
        await read(states, texts)

    monkeypatch.setattr(hub, "_read", cancel_once)
    async with hub.running(), following(hub, claimed.attempt.id.generation_id) as heard:
        assert (rounds, heard.has_ended) == (2, False)


async def test_a_generation_that_is_erased_is_told_to_be_no_more(processes: Processes, database: Database) -> None:
    claimed = await processes.start()
    async with following(processes.far, claimed.attempt.id.generation_id) as heard:
        database.execute("delete from auth.users where id = %s", processes.actor.user_id)
        processes.publisher.end(claimed.attempt.id)
        await until(lambda: heard.is_over)


async def test_a_lost_notice_is_made_up_for_however_busy_the_process_is(processes: Processes) -> None:
    busy, claimed = await processes.start(), await processes.start()

    async def keep_busy() -> None:
        while True:
            processes.far.on_change(Change(busy.attempt.id, has_ended=True))
            await asyncio.sleep(0)

    async with (
        following(processes.far, busy.attempt.id.generation_id),
        following(processes.far, claimed.attempt.id.generation_id) as heard,
    ):
        keeping = asyncio.create_task(keep_busy())
        await processes.finish(claimed)
        stand_still(POLL_SECONDS)
        await until(lambda: heard.has_ended)
        keeping.cancel()


async def test_notices_of_the_own_process_are_passed_over(transactions: SqlTransactions, database: Database) -> None:
    hub = RecordingHub(transactions)
    own, other = Change(AttemptId(uuid7(), 1), has_ended=True), Change(AttemptId(uuid7(), 2), has_ended=False)
    async with NoticeListener(database.owner_url, hub, lambda: None, RecordingLog()).running():
        await until(lambda: hub.connected)
        async with transactions.as_service() as work:
            await work.live_texts.announce([own], sender=hub.process)
            await work.live_texts.announce([other], sender="another")
            await work.commit()
        await until(lambda: hub.changes)

    assert hub.changes == [other]


async def test_what_nobody_can_read_is_passed_over(transactions: SqlTransactions, database: Database) -> None:
    hub = RecordingHub(transactions)
    enqueued: list[None] = []
    last = AttemptId(uuid7(), 1)
    async with NoticeListener(database.owner_url, hub, lambda: enqueued.append(None), RecordingLog()).running():
        await until(lambda: hub.connected)
        with psycopg.connect(database.owner_url, autocommit=True) as connection:
            for payload in ("", "!", "@", f"@{hub.process}", "x" * 7999, "{}", f"{last}!"):
                connection.execute("select pg_notify(%s, %s)", [CHANNEL, payload])
        await until(lambda: hub.changes)

    assert hub.changes == [Change(last, has_ended=True)]
    assert enqueued == []


async def test_what_nobody_follows_costs_nothing(processes: Processes) -> None:
    with statements_of(processes.transactions) as sent:
        for _ in range(1000):
            processes.far.on_change(Change(AttemptId(uuid7(), 1), has_ended=True))
            processes.far.on_change(Change(AttemptId(uuid7(), 1), has_ended=False))
        stand_still(POLL_SECONDS)
        await until(lambda: not processes.far._wake.is_set())

    assert sent == []
    assert (processes.far._topics, processes.far._states, processes.far._texts) == ({}, {}, set())


async def test_nothing_is_kept_of_those_who_have_left(processes: Processes) -> None:
    for _ in range(20):
        claimed = await processes.start_at_birth()
        async with (
            following(processes.near, claimed.attempt.id.generation_id),
            following(processes.far, claimed.attempt.id.generation_id),
        ):
            await processes.end(claimed)

    assert processes.near._topics == processes.far._topics == {}
    await until(lambda: not processes.publisher._drafts and not processes.publisher._ended)


def test_only_so_many_generations_are_remembered(transactions: SqlTransactions) -> None:
    hub = ProgressHub(transactions, RecordingLog())
    generations = [
        Generation(id_, make_attempt().user_id, (make_attempt(id=AttemptId(id_, 1)),))
        for id_ in (uuid7() for _ in range(KNOWN + 10))
    ]
    for generation in generations:
        hub.add(generation)

    assert list(hub._known) == [generation.generation_id for generation in generations[10:]]
