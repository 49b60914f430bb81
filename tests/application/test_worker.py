"""Workers take attempts, make their calls, and leave nothing behind when they stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tales.application.generations import cancel
from tales.application.worker import NoWorker
from tales.domain.errors import Unavailable
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Status
from tales.infrastructure.events.listener import NoticeListener
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tests.application.conftest import PATIENT, QUEUE, Between, Flow, Hold, answer, worker_info
from tests.fixtures.databases import Database, cut_connections, outage
from tests.fixtures.server import Server
from tests.fixtures.waiting import until

BROKEN = Failure(FailureKind.SERVER_ERROR, "The provider failed.")


@asynccontextmanager
async def another_process(flow: Flow) -> AsyncIterator[NoWorker]:
    """A process without a worker, which tells the others of what is asked of it."""
    publisher = ProgressPublisher(flow.transactions, ProgressHub(flow.transactions, flow.log), flow.log)
    async with publisher.running():
        yield NoWorker(publisher)


@asynccontextmanager
async def hearing(flow: Flow, database: Database, wake: Callable[[], None]) -> AsyncIterator[None]:
    """The worker's process hears notices."""
    async with NoticeListener(database.owner_url, flow.hub, wake, flow.log).running():
        await until(lambda: flow.hub.connected)
        yield


async def test_an_attempt_that_another_process_tells_of_is_taken_at_once(flow: Flow, database: Database) -> None:
    async with (
        another_process(flow) as other,
        flow.worker(times=PATIENT) as worker,
        hearing(flow, database, worker.wake),
    ):
        generation = await flow.end_of(await flow.ask(other))

    assert generation.status is Status.SUCCESS


async def test_an_attempt_that_nobody_tells_of_is_found(flow: Flow) -> None:
    async with flow.worker():
        generation = await flow.end_of(await flow.ask())

    assert generation.status is Status.SUCCESS


async def test_a_retry_is_made_when_it_is_due_and_not_before(flow: Flow, database: Database) -> None:
    flow.run_attempt = replace(flow.run_attempt, jitter=lambda _low, _high: 0.3)
    flow.provider.answers = [answer(failure=BROKEN), answer()]
    were_due: list[object] = []

    async def look() -> None:
        were_due.extend(
            row["due"]
            for row in database.rows(
                "select available_at <= clock_timestamp() as due from tales.generations where status = 'pending'"
            )
        )

    flow.provider.meanwhile = look
    # It looks at nothing by itself, and knows its own retries.
    async with flow.worker(times=PATIENT) as worker:
        generation = await flow.end_of(await flow.ask(worker))

    first, second = generation.attempts
    assert second.available_at is not None
    assert (second.available_at - second.created_at).total_seconds() == pytest.approx(0.3)
    assert were_due == [True, True]
    assert (first.status, second.status) == (Status.FAILED, Status.SUCCESS)


async def test_of_two_workers_one_makes_the_call(flow: Flow) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with flow.worker(), flow.worker():
        asked = [await flow.ask() for _ in range(8)]
        await until(lambda: hold.now == len(asked))
        # Both go on looking for more.
        hold.release(len(asked))
        for generation in asked:
            assert len((await flow.end_of(generation)).attempts) == 1

    assert sorted(map(str, flow.publisher.begun)) == sorted(str(generation.latest.id) for generation in asked)
    assert len(flow.provider.calls) == len(asked)


async def test_another_providers_attempts_are_left_alone(flow: Flow) -> None:
    elsewhere = replace(flow, request_generation=replace(flow.request_generation, queue="another"))
    ours = await flow.ask(moral="patience")

    async with flow.worker(worker_info("another")):
        for _ in range(3):
            assert (await flow.end_of(await elsewhere.ask(moral="courage"))).status is Status.SUCCESS
    waiting = await flow.look(ours.generation_id)
    assert (waiting.status, waiting.latest.worker_id) == (Status.PENDING, None)
    assert not [call for call in flow.provider.calls if "patience" in call.prompt]

    assert (await flow.finish(ours)).status is Status.SUCCESS


async def test_a_retry_waits_for_the_same_providers_workers(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN)]
    generation = await flow.ask()
    await flow.run(generation)

    assert await flow.queue.claim(worker_info("another"), 9) == ()
    assert len(await flow.queue.claim(worker_info(QUEUE), 9)) == 1


async def test_no_more_calls_are_made_at_once_than_the_operator_allows(flow: Flow) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    asked = [await flow.ask() for _ in range(7)]
    async with flow.worker(worker_info(concurrency=3)) as worker:
        for done in range(len(asked)):
            await until(lambda done=done: hold.ended == done and hold.now == min(3, len(asked) - done))
            worker.wake()
            hold.release()
        for generation in asked:
            await flow.end_of(generation)

    assert hold.most == 3


async def test_a_worker_that_cannot_reach_the_database_does_not_begin(
    flow: Flow, server: Server, database: Database
) -> None:
    with outage(server, database), pytest.raises(Unavailable):
        async with flow.worker():
            pytest.fail("it began")


async def test_a_worker_goes_on_after_the_database_was_away(flow: Flow, server: Server, database: Database) -> None:
    async with flow.worker():
        with outage(server, database):
            await until(lambda: flow.log.has("warning", "background work failed"))
        generation = await flow.end_of(await flow.ask())

    assert generation.status is Status.SUCCESS


async def test_a_worker_comes_back_after_its_connections_were_cut(
    flow: Flow, server: Server, database: Database
) -> None:
    async with (
        another_process(flow) as other,
        flow.worker(times=PATIENT) as worker,
        hearing(flow, database, worker.wake),
    ):
        cut_connections(server, database)
        await until(lambda: flow.log.has("warning", "notices lost"))
        await until(lambda: flow.hub.connected)
        generation = await flow.end_of(await flow.ask(other))

    assert generation.status is Status.SUCCESS


async def test_what_breaks_when_an_answer_is_kept_is_logged_by_its_type_alone_and_frees_the_place(flow: Flow) -> None:
    async def fail(_: object) -> None:
        raise ValueError("Mia and the dragon")

    generation = await flow.ask()
    async with flow.worker(worker_info(concurrency=1), queue=Between(flow.queue, finish=fail)) as worker:
        await until(lambda: flow.log.has("error", "attempt not kept"))
        await until(lambda: worker.reserve() is not None)
        worker.release()

    said = ("error", "attempt not kept", {"attempt": str(generation.latest.id), "error": "ValueError"})
    assert said in flow.log.events
    assert "dragon" not in repr(flow.log.events)
    # Whoever follows it looks for itself.
    assert flow.publisher.ended == [generation.latest.id]


async def test_a_worker_that_stops_finishes_what_it_has_in_hand(flow: Flow, database: Database) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    generation = await flow.ask()
    async with flow.worker():
        await until(lambda: hold.now == 1)
        asyncio.get_running_loop().call_soon(hold.release)

    assert (await flow.look(generation.generation_id)).status is Status.SUCCESS
    assert database.rows("select from tales.workers") == []


async def test_a_worker_that_stops_takes_nothing_more(flow: Flow) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    in_hand, waiting = await flow.ask(), await flow.ask()
    async with flow.worker(worker_info(concurrency=1)) as worker:
        await until(lambda: hold.now == 1)
        asyncio.get_running_loop().call_soon(hold.release, 2)

    assert worker.reserve() is None
    ended = [(await flow.look(generation.generation_id)).status for generation in (in_hand, waiting)]
    assert sorted(ended) == [Status.PENDING, Status.SUCCESS]
    assert len(flow.provider.calls) == 1


async def test_a_worker_that_stops_does_not_wait_for_ever_and_hands_the_rest_back(flow: Flow) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    generation = await flow.ask()
    async with flow.worker(times=replace(PATIENT, poll=0.05, grace=0.05)):
        await until(lambda: hold.now == 1)
    assert hold.ended == 1

    stopped, following = (await flow.look(generation.generation_id)).attempts
    assert (stopped.status, stopped.error_type) == (Status.TIMEOUT, "worker_lost")
    assert following.status is Status.PENDING
    flow.provider.meanwhile = None
    assert (await flow.finish(generation)).status is Status.SUCCESS


async def test_an_answer_that_has_come_is_kept_by_a_worker_that_stops_while_it_keeps_the_providers_id(
    flow: Flow,
) -> None:
    """The database is slow: the call is over, and paid for."""
    is_over, waits_for_ever = asyncio.Event(), asyncio.Event()

    async def take_long(*_: object) -> None:
        is_over.set()
        await waits_for_ever.wait()

    flow.provider.meanwhile = is_over.wait
    generation = await flow.ask()
    async with flow.worker(
        run=replace(flow.run_attempt, provider_id_delay=0.0),
        queue=Between(flow.queue, save_provider_id=take_long),
        times=replace(PATIENT, poll=0.05, grace=0.05),
    ):
        await is_over.wait()
        await until(lambda: flow.publisher.pieces)
    waits_for_ever.set()

    assert [one.status for one in (await flow.look(generation.generation_id)).attempts] == [Status.SUCCESS]


async def test_a_worker_that_cannot_keep_an_answer_stops_all_the_same_and_the_next_attempt_begins(flow: Flow) -> None:
    async def find_no_database(_: object) -> None:
        raise Unavailable

    generation = await flow.ask()
    queue = Between(flow.queue, finish=find_no_database)
    async with flow.worker(queue=queue, times=replace(PATIENT, poll=0.05, grace=0.05, last_grace=0.05)):
        await until(lambda: flow.log.has("warning", "answer not kept yet"))
    # As at the end of a process.
    for task in asyncio.all_tasks():
        if task.get_name() == "tales attempt":
            task.cancel()

    assert await flow.reaper() == 1
    assert (await flow.finish(generation)).status is Status.SUCCESS


async def test_a_call_whose_attempt_was_cancelled_is_given_up_at_once(flow: Flow, database: Database) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with flow.worker(times=PATIENT) as worker, hearing(flow, database, worker.wake):
        generation = await flow.ask(worker)
        await until(lambda: hold.now == 1)
        await cancel(flow.transactions, flow.actor, generation.generation_id)
        await until(lambda: hold.ended == 1)
        await until(lambda: flow.publisher.ended == [generation.latest.id])

    (attempt,) = (await flow.look(generation.generation_id)).attempts
    assert (attempt.status, attempt.error_type) == (Status.FAILED, "cancelled")
    assert flow.log.has("info", "call given up")


async def test_a_call_whose_attempt_was_cancelled_is_given_up_though_nobody_says_so(flow: Flow) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with flow.worker():
        generation = await flow.ask()
        await until(lambda: hold.now == 1)
        await cancel(flow.transactions, flow.actor, generation.generation_id)
        await until(lambda: flow.publisher.ended == [generation.latest.id])

    assert flow.log.has("info", "call given up")


async def test_a_call_whose_user_was_erased_is_given_up(flow: Flow, database: Database) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    async with flow.worker():
        generation = await flow.ask()
        await until(lambda: hold.now == 1)
        database.execute("delete from auth.users where id = %s", flow.actor.user_id)
        await until(lambda: flow.publisher.ended == [generation.latest.id])

    assert flow.log.has("info", "call given up")
    assert database.rows("select from tales.generations") == []
