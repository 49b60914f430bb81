"""Every generation ends, also those that no worker will ever run."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tales.application.reaper import WORKER_LOST
from tales.domain.generation import AttemptId, Generation, Status
from tales.domain.repositories.attempt_queue import GRACE, LEASE, QUEUE_TIMEOUT, WorkerInfo
from tales.domain.repositories.live_texts import LivePiece
from tests.application.conftest import Flow, worker_info
from tests.factories import failure, finish_attempt
from tests.fixtures import rows
from tests.fixtures.databases import Database


def make_older(database: Database, table: str, column: str, seconds: float) -> None:
    """As if that much time had passed since; guards are for the service, and time is not."""
    with database.connect() as connection, connection.transaction():
        connection.execute("set local session_replication_role = replica")
        connection.execute(f"update tales.{table} set {column} = {column} - make_interval(secs => %s)", [seconds])


def row_beside_the_service(flow: Flow, database: Database) -> AttemptId:
    """What a family inserts by another way than the API."""
    with database.connect() as connection:
        row = rows.insert(connection, "generations", rows.attempt(flow.actor.user_id))
    return AttemptId(row["generation_id"], 1)


async def lost_attempt(flow: Flow, database: Database, info: WorkerInfo | None = None) -> Generation:
    """An attempt whose worker has been silent for longer than its lease."""
    generation = await flow.ask()
    await flow.claim(generation, info)
    make_older(database, "workers", "heartbeat_at", LEASE + 1)
    return generation


async def test_a_row_that_came_in_beside_the_service_is_never_sent_to_a_model_and_ends(
    flow: Flow, database: Database
) -> None:
    attempt = row_beside_the_service(flow, database)
    async with flow.worker():
        # The worker is at work, and takes what is older and what is younger.
        await flow.end_of(await flow.ask())
    assert len(flow.provider.calls) == 1
    make_older(database, "generations", "created_at", GRACE + 1)

    assert await flow.reaper() == 1

    generation = await flow.look(attempt.generation_id)
    assert [(a.status, a.error_type) for a in generation.attempts] == [(Status.FAILED, "not_enqueued")]
    assert len(flow.provider.calls) == 1


async def test_a_young_row_beside_the_service_is_left_alone(flow: Flow, database: Database) -> None:
    row_beside_the_service(flow, database)
    make_older(database, "generations", "created_at", GRACE - 20)

    assert await flow.reaper() == 0


async def test_an_attempt_that_waits_is_left_alone(flow: Flow, database: Database) -> None:
    generation = await flow.ask()
    make_older(database, "generations", "available_at", QUEUE_TIMEOUT - 60)

    assert await flow.reaper() == 0
    assert (await flow.finish(generation)).status is Status.SUCCESS


async def test_an_attempt_that_nobody_takes_for_an_hour_ends_its_generation(flow: Flow, database: Database) -> None:
    generation = await flow.ask()
    make_older(database, "generations", "available_at", QUEUE_TIMEOUT + 1)

    assert await flow.reaper() == 1

    ended = await flow.look(generation.generation_id)
    assert [(a.status, a.error_type) for a in ended.attempts] == [(Status.TIMEOUT, "queue_timeout")]
    assert "has waited for 3600 seconds" in str(ended.latest.error_message)
    assert flow.provider.calls == []


async def test_how_long_a_story_may_wait_is_said_by_a_setting(flow: Flow, database: Database) -> None:
    generation = await flow.ask()
    make_older(database, "generations", "available_at", 61)

    assert await replace(flow.reaper, queue_timeout=60)() == 1

    ended = await flow.look(generation.generation_id)
    assert "has waited for 60 seconds" in str(ended.latest.error_message)


async def test_a_row_without_a_job_is_ended_whatever_else_is_pending(flow: Flow, database: Database) -> None:
    waiting, overdue = await flow.ask(), await flow.ask()
    with database.connect() as connection:
        for generation, available_at in ((waiting, "now()"), (overdue, "now() - interval '1 day'")):
            connection.execute(
                "insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt,"
                " story_type, moral, queue, available_at, created_at)"
                " select gen_random_uuid(), 1, user_id, status, model_used, prompt, story_type, moral, queue,"
                f" {available_at}, created_at - interval '1 day'"
                " from tales.generations, generate_series(1, 250) where generation_id = %s",
                [generation.generation_id],
            )
    attempt = row_beside_the_service(flow, database)
    make_older(database, "generations", "created_at", GRACE + 1)

    await flow.reaper()

    assert (await flow.look(attempt.generation_id)).latest.error_type == "not_enqueued"
    assert (await flow.look(waiting.generation_id)).status is Status.PENDING


async def test_an_attempt_that_cannot_be_ended_keeps_no_other_one_from_it(flow: Flow, database: Database) -> None:
    """A trigger of somebody's refuses the oldest one."""
    refused, ended = row_beside_the_service(flow, database), row_beside_the_service(flow, database)
    make_older(database, "generations", "created_at", GRACE + 1)
    database.execute(
        "create function tales.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$"
    )
    database.execute(
        "create trigger refuse before update on tales.generations for each row"
        f" when (old.generation_id = '{refused.generation_id}') execute function tales.refuse()"
    )

    assert await flow.reaper() == 1
    assert (await flow.look(ended.generation_id)).latest.error_type == "not_enqueued"
    assert flow.log.has("warning", "attempt not reaped")


async def test_an_attempt_in_the_hands_of_a_live_worker_is_left_alone_however_old_it_is(
    flow: Flow, database: Database
) -> None:
    generation, info = await flow.ask(), worker_info()
    claimed = await flow.claim(generation, info)
    for column in ("created_at", "available_at", "started_at"):
        make_older(database, "generations", column, 24 * QUEUE_TIMEOUT)
    make_older(database, "workers", "heartbeat_at", LEASE - 5)

    assert await flow.reaper() == 0

    await flow.run_attempt.save(claimed, await flow.run_attempt.call(claimed))
    assert (await flow.look(generation.generation_id)).status is Status.SUCCESS


async def test_an_attempt_whose_worker_is_silent_is_lost_and_tried_again(flow: Flow, database: Database) -> None:
    generation = await lost_attempt(flow, database)

    assert await flow.reaper() == 1

    lost, following = (await flow.look(generation.generation_id)).attempts
    assert (lost.status, lost.error_type) == (Status.TIMEOUT, "worker_lost")
    assert (following.status, following.worker_id) == (Status.PENDING, None)
    assert (await flow.finish(generation)).status is Status.SUCCESS


async def test_an_attempt_whose_worker_has_signed_off_is_lost_at_once(flow: Flow) -> None:
    generation, info = await flow.ask(), worker_info()
    await flow.claim(generation, info)
    assert await flow.reaper() == 0

    await flow.queue.sign_off(info.id)

    assert await flow.reaper() == 1


async def test_a_generation_whose_every_worker_is_lost_ends(flow: Flow, database: Database) -> None:
    generation = await lost_attempt(flow, database)
    assert await flow.reaper() == 1
    for _ in range(2):
        await flow.claim(generation)
        make_older(database, "workers", "heartbeat_at", LEASE + 1)
        assert await flow.reaper() == 1

    ended = await flow.look(generation.generation_id)
    assert [attempt.error_type for attempt in ended.attempts] == ["worker_lost"] * 3


async def test_a_lost_attempt_of_another_provider_is_tried_again_by_that_one(flow: Flow, database: Database) -> None:
    """Whoever finds it: the provider's own workers may all be gone."""
    elsewhere = worker_info("another")
    database_row = rows.attempt(flow.actor.user_id, queue="another", model_used="their/model")
    with database.connect() as connection, connection.transaction():
        connection.execute("set local session_replication_role = replica")
        rows.insert(connection, "generations", database_row | {"available_at": rows.THEN, "created_at": rows.THEN})
    database.execute("update tales.generations set worker_id = %s, started_at = now()", elsewhere.id)

    assert await flow.reaper() == 1

    assert await flow.queue.claim(worker_info(), 9) == ()
    (claimed,) = await flow.queue.claim(elsewhere, 9)
    assert (claimed.attempt.id.attempt_number, claimed.attempt.model_used) == (2, "their/model")


async def test_of_two_reapers_one_ends_an_attempt(flow: Flow, database: Database) -> None:
    lost = [await lost_attempt(flow, database) for _ in range(3)]

    assert sum(await asyncio.gather(flow.reaper(), flow.reaper())) == len(lost)

    for generation in lost:
        assert len((await flow.look(generation.generation_id)).attempts) == 2


async def test_an_attempt_that_a_worker_takes_in_the_last_moment_is_left_to_it(flow: Flow, database: Database) -> None:
    generation = await flow.ask()
    make_older(database, "generations", "available_at", QUEUE_TIMEOUT + 1)
    (stranded,) = (await flow.queue.stranded(9)).queue_timeout
    await flow.claim(generation)

    assert await flow.reaper.end(stranded, WORKER_LOST) is False
    assert (await flow.look(generation.generation_id)).status is Status.PENDING


async def test_workers_that_are_long_gone_are_forgotten(flow: Flow, database: Database) -> None:
    gone, silent, alive = (worker_info() for _ in range(3))
    for info, seconds in ((gone, 3600), (silent, 60), (alive, 0)):
        await flow.queue.renew_lease(info)
        database.execute(
            "update tales.workers set heartbeat_at = now() - make_interval(secs => %s) where id = %s", seconds, info.id
        )

    await flow.reaper()

    assert {state.worker.id for state in await flow.queue.workers()} == {silent.id, alive.id}


async def test_the_text_that_a_dead_worker_left_goes(flow: Flow, database: Database) -> None:
    generation = await flow.ask()
    async with flow.transactions.as_service() as work:
        await work.live_texts.add([LivePiece(generation.latest.id, 0, "Once", flow.actor.user_id)])
        await finish_attempt(work, generation.latest.id, failure())
        await work.commit()
    assert database.rows("select from tales.live_text") != []

    await flow.reaper()

    assert database.rows("select from tales.live_text") == []


async def test_subscribers_are_told_of_what_is_reaped(flow: Flow, database: Database) -> None:
    generation = await lost_attempt(flow, database)

    assert await flow.reaper() == 1

    assert flow.publisher.ended == [generation.latest.id]
    assert flow.log.has("warning", "attempt reaped")
