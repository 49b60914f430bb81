"""Every generation ends, also those that no worker will ever run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tales.application.sweep import GRACE, PATIENCE, Sweep

from tales.domain.generation import Status
from tales.domain.repositories.live_texts import LivePiece
from tests.application.conftest import Workshop
from tests.factories import attempt_request, failure, finish_attempt
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock


@pytest.fixture
def sweep(workshop: Workshop, clock: FakeClock) -> Sweep:
    """The sweep, some time after everything that a test does."""
    clock.set(datetime.now(UTC) + timedelta(seconds=GRACE + 5))
    return Sweep(workshop.transactions, workshop.end_attempt, clock, workshop.texts, workshop.log)


async def test_a_row_that_came_in_beside_the_service_is_never_sent_to_a_model(workshop: Workshop, sweep: Sweep) -> None:
    request = attempt_request(workshop.actor.user_id)
    async with workshop.transactions.as_user(workshop.actor) as work:
        await work.generations.create_attempt(request)
        await work.commit()

    assert await sweep() == 1

    generation = await workshop.look(request.id.generation_id)
    assert [(a.status, a.error_type) for a in generation.attempts] == [(Status.FAILED, "not_enqueued")]
    assert workshop.provider.calls == []


async def test_a_young_attempt_is_left_alone(workshop: Workshop, sweep: Sweep, clock: FakeClock) -> None:
    request = attempt_request(workshop.actor.user_id)
    async with workshop.transactions.as_user(workshop.actor) as work:
        await work.generations.create_attempt(request)
        await work.commit()
    clock.set(datetime.now(UTC))

    assert await sweep() == 0


async def test_an_attempt_whose_job_waits_is_left_alone(workshop: Workshop, sweep: Sweep) -> None:
    generation = await workshop.ask()

    assert await sweep() == 0
    assert (await workshop.look(generation.generation_id)).status is Status.PENDING


async def test_a_started_attempt_whose_job_is_gone_is_lost_and_tried_again(
    workshop: Workshop, sweep: Sweep, database: Database
) -> None:
    generation = await workshop.ask()
    async with workshop.transactions.as_service() as work:
        await work.generations.start_attempt(generation.latest.id)
        await work.commit()
    database.execute("delete from tales_queue.pgqueuer")

    assert await sweep() == 1

    lost, following = (await workshop.look(generation.generation_id)).attempts
    assert (lost.status, lost.error_type) == (Status.TIMEOUT, "worker_lost")
    assert following.status is Status.PENDING
    assert (await workshop.jobs_of(generation))[0] is False


async def test_a_job_that_nobody_takes_for_an_hour_ends_its_generation(
    workshop: Workshop, sweep: Sweep, database: Database
) -> None:
    generation = await workshop.ask()
    database.execute(
        "update tales_queue.pgqueuer set execute_after = now() - make_interval(secs => %s), "
        "updated = now() - make_interval(secs => %s)",
        PATIENCE + 1,
        PATIENCE + 1,
    )

    assert await sweep() == 1

    ended = await workshop.look(generation.generation_id)
    assert [(a.status, a.error_type) for a in ended.attempts] == [(Status.TIMEOUT, "worker_lost")]


async def test_an_attempt_in_the_hands_of_a_live_worker_is_left_alone_however_old_it_is(
    workshop: Workshop, sweep: Sweep, database: Database
) -> None:
    await workshop.ask()
    database.execute(
        "update tales_queue.pgqueuer set status = 'picked', heartbeat = now(), "
        "execute_after = now() - interval '1 day', updated = now() - interval '1 day'"
    )

    assert await sweep() == 0


async def test_the_text_that_a_dead_worker_left_goes(workshop: Workshop, sweep: Sweep, database: Database) -> None:
    generation = await workshop.ask()
    async with workshop.transactions.as_service() as work:
        await work.live_texts.add([LivePiece(generation.latest.id, 0, "Once")])
        await finish_attempt(work, generation.latest.id, failure())
        await work.commit()

    await sweep()

    assert database.rows("select from tales.live_text") == []


async def test_listeners_are_told_of_what_is_swept(workshop: Workshop, sweep: Sweep, database: Database) -> None:
    generation = await workshop.ask()
    database.execute("delete from tales_queue.pgqueuer")

    assert await sweep() == 1

    assert workshop.texts.finished == [generation.latest.id]
