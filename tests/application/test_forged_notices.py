"""Anybody who may connect may notify: whatever they say, no attempt is cancelled, stopped or delayed by it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest
from psycopg import sql
from uuid_utils.compat import uuid7

from tales.application.generations import cancel
from tales.application.worker import Worker, WorkerTimes
from tales.domain.generation import AttemptId, Status
from tales.domain.repositories.live_texts import Change
from tales.infrastructure.events.listener import NoticeListener
from tales.infrastructure.events.notices import CHANNEL, QUEUE_CHANNEL
from tests.application.conftest import PATIENT, Flow, Hold, worker_info
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.server import APP_PASSWORD, Server
from tests.fixtures.waiting import until

CHECK = "unnest("


@pytest.fixture
def forger_url(server: Server, database: Database) -> Iterator[str]:
    """The URL of a login that has no rights at all."""
    name = f"{database.name}_forger"
    server.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(name), sql.Literal(APP_PASSWORD)))
    yield server.url(database.name, name, APP_PASSWORD)
    server.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def forge(url: str, payload: str, count: int = 1) -> None:
    """Say so on both channels, `count` times."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_notify(channel, %s || repeat(' ', n))"
            " from generate_series(1, %s) as n, unnest(%s::text[]) as channel",
            [payload, count, [CHANNEL, QUEUE_CHANNEL]],
        )


@contextmanager
def flood(url: str, *payloads: str) -> Iterator[None]:
    """Say so without a pause while the block runs."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            for payload in payloads:
                forge(url, payload, 200)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@asynccontextmanager
async def worker_that_hears(
    flow: Flow, database: Database, concurrency: int = 4, times: WorkerTimes = PATIENT
) -> AsyncIterator[Worker]:
    """A worker whose process hears notices, and depends on them."""
    async with (
        flow.worker(worker_info(concurrency=concurrency), times=times) as worker,
        NoticeListener(database.owner_url, flow.hub, worker.wake, flow.log).running(),
    ):
        await until(lambda: flow.hub.connected)
        yield worker


async def heard_everything(flow: Flow, url: str) -> None:
    """Whatever was said up to now has arrived."""
    marker, heard = AttemptId(uuid7(), 1), []
    flow.hub.watch(marker, heard.append)
    forge(url, f"{marker}!")
    await until(lambda: heard)
    flow.hub.unwatch(marker)


async def test_a_forged_end_stops_no_call(flow: Flow, database: Database, forger_url: str) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with worker_that_hears(flow, database) as worker:
        generation = await flow.ask(worker)
        await until(lambda: hold.now == 1)
        with statements_of(flow.transactions) as sent:
            forge(forger_url, f"{generation.latest.id}! {generation.latest.id.next}!", 3)
            await until(lambda: CHECK in "".join(sent))  # it has been a reason to look
        await heard_everything(flow, forger_url)
        assert hold.ended == 0
        hold.release()
        ended = await flow.end_of(generation)

    assert [attempt.status for attempt in ended.attempts] == [Status.SUCCESS]
    assert not flow.log.has("info", "call given up")


async def test_a_forged_notice_makes_no_call(flow: Flow, database: Database, forger_url: str) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with worker_that_hears(flow, database, concurrency=2) as worker:
        first = await flow.ask(worker)
        await until(lambda: hold.now == 1)
        forge(forger_url, f"{first.latest.id}", 20)
        await heard_everything(flow, forger_url)
        second = await flow.ask(worker)
        await until(lambda: hold.now == 2)
        hold.release(2)
        for generation in (first, second):
            await flow.end_of(generation)

    assert len(flow.provider.calls) == 2


async def test_a_flood_delays_no_attempt_and_costs_few_looks(flow: Flow, database: Database, forger_url: str) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with worker_that_hears(flow, database, times=WorkerTimes(poll=3600.0, check=3600.0)) as worker:
        held = await flow.ask(worker)
        await until(lambda: hold.now == 1)
        flow.provider.meanwhile = None
        # One payload may name many attempts.
        others = " ".join(f"{AttemptId(uuid7(), 1)}!" for _ in range(100))
        with flood(forger_url, f"{held.latest.id}! {others}"), statements_of(flow.transactions) as sent:
            began = time.monotonic()
            await until(lambda: "".join(sent).count(CHECK) > 3)
            for _ in range(5):
                await flow.end_of(await flow.ask(worker))
            seconds = time.monotonic() - began
        looks = "".join(sent).count(CHECK)
        claims = "".join(sent).count("claim_attempts")
        hold.release()
        ended = await flow.end_of(held)

    assert [attempt.status for attempt in ended.attempts] == [Status.SUCCESS]
    # However much is said: a look of each kind in 20 milliseconds.
    assert max(looks, claims) <= seconds / 0.02 + 2 + len(flow.provider.calls)


async def test_whatever_strangers_say_every_story_is_written_and_nothing_of_it_is_logged(
    flow: Flow, database: Database, forger_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with worker_that_hears(flow, database) as worker:
        asked = [await flow.ask(worker) for _ in range(2)]
        ids = [f"{generation.latest.id}" for generation in asked]
        commands = json.dumps({"type": "cancellation_event", "ids": [*range(200)], "attempts": ids, "say": "MARK"})
        words = f"{ids[0]}! @{flow.hub.process} {ids[1]}!MARK {ids[1].partition('/')[0]}/{'9' * 5000} MARK! / ! @"
        kinds = (commands, words, "no JSON MARK {", "MARK" * 1900, "", "0/0! 1/1! \n\x1b[31mMARK \u202e")
        with flood(forger_url, *kinds):
            for _ in range(9):
                asked += [await flow.ask(worker), await flow.ask(worker)]
                assert [(await flow.end_of(generation)).status for generation in asked[-2:]] == [Status.SUCCESS] * 2
            assert [(await flow.end_of(generation)).status for generation in asked[:2]] == [Status.SUCCESS] * 2
        await heard_everything(flow, forger_url)

    assert len(asked) == len(flow.provider.calls) == 20
    assert "MARK" not in repr(flow.log.events) + caplog.text
    assert [level for level, *_ in flow.log.events if level != "info"] == []


async def test_an_attempt_is_cancelled_at_once_in_the_middle_of_a_flood(
    flow: Flow, database: Database, forger_url: str
) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with worker_that_hears(flow, database) as worker:
        wanted, unwanted = await flow.ask(worker), await flow.ask(worker)
        await until(lambda: hold.now == 2)
        with flood(forger_url, f"{wanted.latest.id}!"):
            await cancel(flow.transactions, flow.actor, unwanted.generation_id)
            await until(lambda: hold.ended == 1)
        hold.release()
        assert (await flow.end_of(wanted)).status is Status.SUCCESS

    assert [attempt.error_type for attempt in (await flow.look(unwanted.generation_id)).attempts] == ["cancelled"]


async def test_a_lost_notice_is_made_up_for_in_the_middle_of_a_flood(flow: Flow) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with flow.worker() as worker:  # it hears nothing
        wanted, unwanted = await flow.ask(worker), await flow.ask(worker)
        await until(lambda: hold.now == 2)

        async def doubt_without_end() -> None:
            while True:
                flow.hub.on_change(Change(wanted.latest.id, has_ended=True))
                await asyncio.sleep(0)

        doubting = asyncio.create_task(doubt_without_end())
        await cancel(flow.transactions, flow.actor, unwanted.generation_id)
        await until(lambda: hold.ended == 1)
        doubting.cancel()
        hold.release()
        assert (await flow.end_of(wanted)).status is Status.SUCCESS
