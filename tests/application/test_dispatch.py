"""A new attempt goes to the worker of the same process if it has a place free, and waits for any worker if not."""

from __future__ import annotations

import asyncio

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from tales.domain.generation import Generation, Status
from tales.domain.repositories.attempt_queue import ClaimedAttempt
from tests.application.conftest import PATIENT, Between, Flow, Hold, worker_info
from tests.factories import new_child
from tests.fixtures.databases import Database, outage, statements_of
from tests.fixtures.server import Server
from tests.fixtures.waiting import until


async def test_an_attempt_is_claimed_by_the_statement_that_inserts_it(flow: Flow) -> None:
    info = worker_info()
    async with flow.worker(info, times=PATIENT) as worker:
        await flow.end_of(await flow.ask(worker))  # its child is known from now on
        with statements_of(flow.transactions) as sent:
            generation = await flow.ask(worker)
        ended = await flow.end_of(generation)

    assert (generation.latest.worker_id, generation.status) == (info.id, Status.PENDING)
    assert ended.latest.worker_id == info.id
    assert ended.status is Status.SUCCESS
    assert len([statement for statement in sent if "renew_lease" not in statement]) == 1
    assert flow.publisher.enqueued_count == 0


async def test_an_attempt_that_finds_no_place_waits_for_any_worker(flow: Flow) -> None:
    hold, info = Hold(), worker_info(concurrency=1)
    flow.provider.meanwhile = hold
    async with flow.worker(info, times=PATIENT) as worker:
        first = await flow.ask(worker)
        second = await flow.ask(worker)
        assert (first.latest.worker_id, second.latest.worker_id) == (info.id, None)
        # Other processes are told as well.
        assert flow.publisher.enqueued_count == 1
        hold.release(2)
        # And this one takes it as soon as it can, without being told.
        ended = await flow.end_of(second)

    assert (ended.status, ended.latest.worker_id) == (Status.SUCCESS, info.id)


async def test_who_waits_longer_is_served_first(flow: Flow) -> None:
    hold, info = Hold(), worker_info(concurrency=1)
    flow.provider.meanwhile = hold
    served_when_there_was_a_place: list[int] = []
    async with flow.worker(info, times=PATIENT) as worker:
        waiting = [await flow.ask(worker) for _ in range(4)]

        async def look_for_a_place() -> None:
            while not served_when_there_was_a_place:
                if worker.reserve() is not None:
                    served_when_there_was_a_place.append(len(flow.provider.calls))
                    worker.release()
                await asyncio.sleep(0)

        looking = asyncio.create_task(look_for_a_place())
        hold.release(len(waiting))
        for generation in waiting:
            await flow.end_of(generation)
        await looking

    assert served_when_there_was_a_place == [len(waiting)]


async def test_a_place_that_a_claim_may_need_is_nobody_elses_meanwhile(flow: Flow) -> None:
    claiming, may_claim = asyncio.Event(), asyncio.Event()

    async def claim_slowly(*asked: object) -> tuple[ClaimedAttempt, ...]:
        claiming.set()
        await may_claim.wait()
        return await flow.queue.claim(*asked)  # type: ignore[arg-type]

    info = worker_info(concurrency=1)
    async with flow.worker(info, times=PATIENT, queue=Between(flow.queue, claim=claim_slowly)) as worker:
        assert worker.reserve() == info.id
        worker.release()  # it looks whether somebody waits for the place
        await claiming.wait()
        assert worker.reserve() is None
        may_claim.set()
        await until(lambda: worker.reserve() == info.id)
        worker.release()


async def test_a_place_that_is_reserved_is_nobody_elses(flow: Flow) -> None:
    info = worker_info(concurrency=2)
    async with flow.worker(info, times=PATIENT) as worker:
        assert (worker.reserve(), worker.reserve(), worker.reserve()) == (info.id, info.id, None)
        waiting = await flow.ask(worker)
        assert waiting.latest.worker_id is None
        worker.release()
        # What is free again is for those who wait.
        assert (await flow.end_of(waiting)).status is Status.SUCCESS
        worker.release()


@pytest.mark.parametrize("reason", ["model", "child", "user", "database"])
async def test_a_request_that_is_refused_takes_no_place(
    flow: Flow, server: Server, database: Database, reason: str
) -> None:
    info = worker_info(concurrency=1)
    await flow.ask()  # its child is known from now on
    known = flow.actor
    async with flow.worker(info, times=PATIENT) as worker:
        if reason == "model":
            with pytest.raises(InvalidInput):
                await flow.ask(worker, model="dear/model")
        elif reason == "child":
            with pytest.raises(NotFound):
                await flow.ask(worker, child_id=uuid7())
        elif reason == "user":
            flow.actor = Actor(uuid7())
            async with flow.transactions.as_service() as work:
                await work.accounts.ensure_user(flow.actor.user_id)
                await work.commit()
            async with flow.transactions.as_user(flow.actor) as work:
                flow.child_id = (await work.children.add(uuid7(), flow.actor.user_id, new_child())).id
                await work.commit()
            await flow.ask()
            database.execute("delete from auth.users where id = %s", flow.actor.user_id)
            with pytest.raises((NotFound, Unauthenticated)):
                await flow.ask(worker)
        else:
            with outage(server, database), pytest.raises(Unavailable):
                await flow.ask(worker)
        flow.actor = known
        await until(lambda: worker.reserve() == info.id)
        assert worker.reserve() is None
        worker.release()


async def test_many_who_ask_at_once_are_all_served(flow: Flow) -> None:
    async with flow.worker(worker_info(concurrency=3), times=PATIENT) as worker:
        asked = await asyncio.gather(*(flow.ask(worker) for _ in range(40)))
        for generation in asked:
            assert [attempt.status for attempt in (await flow.end_of(generation)).attempts] == [Status.SUCCESS]

    assert len(flow.provider.calls) == len(asked)


async def test_a_worker_of_its_own_process_alone_leaves_other_attempts_to_others(flow: Flow) -> None:
    theirs = await flow.ask(moral="patience")
    async with flow.worker(worker_info(concurrency=1), own_only=True) as own:
        ours = await asyncio.gather(*(flow.ask(own, moral="courage") for _ in range(4)))
        for generation in ours:
            assert (await flow.end_of(generation)).status is Status.SUCCESS
        assert (await flow.look(theirs.generation_id)).latest.worker_id is None
        assert not [call for call in flow.provider.calls if "patience" in call.prompt]
        async with flow.worker():
            assert (await flow.end_of(theirs)).status is Status.SUCCESS


async def test_what_a_process_of_its_own_has_left_is_taken_by_any_worker(flow: Flow) -> None:
    hold = Hold()
    flow.provider.meanwhile = hold
    left: list[Generation] = []
    async with flow.worker(worker_info(concurrency=1), own_only=True) as own:
        left += [await flow.ask(own), await flow.ask(own)]
        await until(lambda: hold.now == 1)
        asyncio.get_running_loop().call_soon(hold.release, 2)

    async with flow.worker():
        for generation in left:
            assert (await flow.end_of(generation)).status is Status.SUCCESS
