"""A claim lasts as long as its worker's lease: who has been silent for long does nothing, and is taken over."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tales.domain.errors import Unavailable
from tales.domain.generation import Generation, Status
from tales.domain.repositories.attempt_queue import LEASE, STRAY_AGE, ClaimedAttempt, WorkerInfo
from tests.application.conftest import PATIENT, Between, Flow, Hold, worker_info
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.time import FakeClock, stand_still
from tests.fixtures.waiting import until

LOOKS_FOR_STRANDED = "as reason"
LOOKS_FOR_STRAYS = "g.started_at <"


def heartbeat(database: Database, info: WorkerInfo) -> object:
    """When the worker has said last that it lives."""
    return database.rows("select heartbeat_at from tales.workers where id = %s", info.id)


def silence(database: Database, info: WorkerInfo) -> None:
    """The worker has been silent for longer than its lease."""
    database.execute(
        "update tales.workers set heartbeat_at = now() - make_interval(secs => %s) where id = %s", LEASE + 1, info.id
    )


def make_strays_old(clock: FakeClock) -> None:
    """As if what is claimed by now had been claimed long ago."""
    clock.set(datetime.now(UTC) + timedelta(seconds=STRAY_AGE + 1))


async def live_for_a_lease(database: Database, *workers: WorkerInfo) -> None:
    """Let workers renew their leases for so long that they may look for those of others that have run out."""
    for _ in range(2):
        before = [heartbeat(database, info) for info in workers]
        stand_still(0.6 * LEASE)
        for info, last in zip(workers, before, strict=True):
            await until(lambda info=info, last=last: heartbeat(database, info) != last)


async def stranded_attempt(flow: Flow, database: Database) -> Generation:
    """An attempt in the hands of a worker that is dead."""
    generation, dead = await flow.ask(), worker_info()
    await flow.claim(generation, dead)
    silence(database, dead)
    return generation


async def test_a_worker_says_that_it_lives_while_its_calls_go_on(flow: Flow, database: Database) -> None:
    hold, info = Hold(), worker_info()
    flow.provider.meanwhile = hold
    async with flow.worker(info, times=PATIENT) as worker:
        generation = await flow.ask(worker)
        await until(lambda: hold.now == 1)
        for _ in range(3):
            before = heartbeat(database, info)
            await until(lambda before=before: heartbeat(database, info) != before)
        # So nobody takes its attempts, however long they last.
        assert await flow.reaper() == 0
        hold.release()
        await flow.end_of(generation)

    assert len((await flow.look(generation.generation_id)).attempts) == 1


async def test_a_killed_workers_attempt_is_lost_and_the_next_one_begins(flow: Flow, database: Database) -> None:
    generation, info = await stranded_attempt(flow, database), worker_info()
    async with flow.worker(info):
        await live_for_a_lease(database, info)
        ended = await flow.end_of(generation)

    lost, following = ended.attempts
    assert (lost.status, lost.error_type) == (Status.TIMEOUT, "worker_lost")
    assert str(lost.error_message).startswith("worker lost")
    assert (following.status, following.model_used) == (Status.SUCCESS, lost.model_used)
    assert len(flow.provider.calls) == 1


async def test_a_late_answer_of_a_worker_that_was_cut_off_is_refused(flow: Flow, database: Database) -> None:
    generation, info = await flow.ask(), worker_info()
    claimed = await flow.claim(generation, info)
    given = await flow.run_attempt.call(claimed)
    silence(database, info)
    assert await flow.reaper() == 1

    assert await flow.run_attempt.save(claimed, given) is None

    lost, following = (await flow.look(generation.generation_id)).attempts
    assert (lost.status, following.status) == (Status.TIMEOUT, Status.PENDING)
    assert flow.log.has("warning", "answer came too late")
    assert flow.publisher.ended == [claimed.attempt.id] * 2
    assert database.rows("select from tales.stories") == []


async def test_a_worker_that_stood_still_between_claim_and_call_makes_no_call(flow: Flow) -> None:
    async def claim_and_stand_still(
        worker: WorkerInfo, most: int, among: Collection[UUID] | None
    ) -> tuple[ClaimedAttempt, ...]:
        claimed = await flow.queue.claim(worker, most, among)
        if claimed and claimed[0].attempt.id.attempt_number == 1:
            stand_still(LEASE + 1)
        return claimed

    generation = await flow.ask()
    async with flow.worker(queue=Between(flow.queue, claim=claim_and_stand_still)):
        lost, following = (await flow.end_of(generation)).attempts

    assert (lost.status, lost.error_type) == (Status.TIMEOUT, "worker_lost")
    assert following.status is Status.SUCCESS
    assert flow.publisher.begun == [following.id]
    assert len(flow.provider.calls) == 1


async def test_a_worker_without_a_lease_takes_nothing_until_it_has_one_again(flow: Flow) -> None:
    claims, renewals, is_away = 0, 0, False

    async def renew(info: WorkerInfo) -> None:
        nonlocal renewals
        renewals += 1
        if is_away:
            raise Unavailable
        await flow.queue.renew_lease(info)

    async def claim(*asked: object) -> tuple[ClaimedAttempt, ...]:
        nonlocal claims
        claims += 1
        return await flow.queue.claim(*asked)  # type: ignore[arg-type]

    async with flow.worker(queue=Between(flow.queue, renew_lease=renew, claim=claim)) as worker:
        await until(lambda: claims > 0)
        is_away = True
        stand_still(LEASE + 1)
        assert worker.reserve() is None
        generation = await flow.ask(worker)
        before, tried = claims, renewals
        await until(lambda: renewals >= tried + 2)
        assert claims == before
        is_away = False
        ended = await flow.end_of(generation)

    assert [attempt.status for attempt in ended.attempts] == [Status.SUCCESS]


async def test_nobody_is_taken_for_lost_until_everybody_had_the_time_to_say_that_he_lives(
    flow: Flow, database: Database
) -> None:
    generation, info = await stranded_attempt(flow, database), worker_info()
    hold = Hold()
    flow.provider.meanwhile = hold
    with statements_of(flow.transactions) as sent:

        async def renewals() -> None:
            for _ in range(2):
                before = heartbeat(database, info)
                await until(lambda before=before: heartbeat(database, info) != before)

        async with flow.worker(info):
            await renewals()
            assert LOOKS_FOR_STRANDED not in "".join(sent)
            await live_for_a_lease(database, info)
            await until(lambda: hold.now == 1)
            assert LOOKS_FOR_STRANDED in "".join(sent)
            # The database was away for a while: nobody could say anything.
            stand_still(LEASE + 1)
            await renewals()
            sent.clear()
            await renewals()
            assert LOOKS_FOR_STRANDED not in "".join(sent)
            await live_for_a_lease(database, info)
            await until(lambda: LOOKS_FOR_STRANDED in "".join(sent))
            hold.release()
            await flow.end_of(generation)


async def test_an_attempt_whose_claim_was_never_answered_is_tried_again_after_a_while(
    flow: Flow, database: Database, clock: FakeClock
) -> None:
    lost_answers = 0

    async def lose_the_first_answer(
        worker: WorkerInfo, most: int, among: Collection[UUID] | None
    ) -> tuple[ClaimedAttempt, ...]:
        nonlocal lost_answers
        claimed = await flow.queue.claim(worker, most, among)
        if claimed and not lost_answers:
            lost_answers += 1
            raise Unavailable
        return claimed

    generation, info = await flow.ask(), worker_info()
    async with flow.worker(info, queue=Between(flow.queue, claim=lose_the_first_answer)):
        await until(lambda: lost_answers == 1)
        await live_for_a_lease(database, info)
        with statements_of(flow.transactions) as sent:
            await until(lambda: "".join(sent).count(LOOKS_FOR_STRAYS) > 1)
        assert (await flow.look(generation.generation_id)).status is Status.PENDING
        make_strays_old(clock)
        stray, following = (await flow.end_of(generation)).attempts

    assert (stray.status, stray.error_type) == (Status.TIMEOUT, "worker_lost")
    assert following.status is Status.SUCCESS


async def test_a_long_call_is_no_stray(flow: Flow, database: Database, clock: FakeClock) -> None:
    hold, info = Hold(), worker_info()
    flow.provider.meanwhile = hold
    async with flow.worker(info) as worker:
        generation = await flow.ask(worker)
        await until(lambda: hold.now == 1)
        make_strays_old(clock)
        await live_for_a_lease(database, info)
        with statements_of(flow.transactions) as sent:
            await until(lambda: "".join(sent).count(LOOKS_FOR_STRAYS) > 1)
        hold.release()
        ended = await flow.end_of(generation)

    assert [attempt.status for attempt in ended.attempts] == [Status.SUCCESS]


async def test_a_request_that_is_given_up_while_its_attempt_is_inserted_ends_as_a_stray(
    flow: Flow, database: Database, clock: FakeClock
) -> None:
    inserted = asyncio.Event()

    async def insert_and_hang(*asked: object) -> None:
        await flow.queue.enqueue(*asked)  # type: ignore[arg-type]
        inserted.set()
        await asyncio.Event().wait()

    flow.request_generation = replace(flow.request_generation, attempts=Between(flow.queue, enqueue=insert_and_hang))
    info = worker_info(concurrency=1)
    async with flow.worker(info) as worker:
        asking = asyncio.create_task(flow.ask(worker))
        await inserted.wait()
        asking.cancel()
        await asyncio.wait([asking])
        # Its place is free again, but for the moment of a claim.
        await until(lambda: worker.reserve() == info.id)
        worker.release()
        ((generation_id, worker_id),) = [
            row.values() for row in database.rows("select generation_id, worker_id from tales.generations")
        ]
        assert worker_id == info.id
        make_strays_old(clock)
        await live_for_a_lease(database, info)
        ended = await flow.end_of(await flow.look(generation_id))

    assert [attempt.error_type for attempt in ended.attempts] == ["worker_lost", None]
