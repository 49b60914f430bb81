"""Jobs commit with the rows they belong to, and lanes keep providers apart."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pgqueuer.domain.errors import DuplicateJobError
from psycopg.errors import InsufficientPrivilege
from tales.infrastructure.queue.jobs import Lane

from tales.domain.actor import Actor
from tests.factories import add_user, attempt_request
from tests.fixtures.time import FakeClock
from tests.infrastructure.queue.conftest import LANE, Queue


async def test_a_job_that_is_not_committed_was_never_there(queue: Queue) -> None:
    request = attempt_request(await add_user(queue.transactions))
    async with queue.transactions.as_service() as work:
        await work.generations.create_attempt(request)
        await work.jobs.enqueue(request.id, request.user_id)

    assert queue.jobs() == []


async def test_a_user_enqueues_with_the_attempt_and_is_the_user_again_afterwards(queue: Queue) -> None:
    request = attempt_request(await add_user(queue.transactions))
    async with queue.transactions.as_user(Actor(request.user_id)) as work:
        await work.generations.create_attempt(request)
        await work.jobs.enqueue(request.id, request.user_id)
        # Only a user's own rows are seen: the queue's role would see none, the service all.
        assert await work.generations.get_attempt(request.id) is not None
        await work.commit()

    assert [job["dedupe_key"] for job in queue.jobs()] == [str(request.id)]


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_no_request_reaches_the_queue_by_itself(queue: Queue, role: str) -> None:
    with queue.database.connect() as connection:
        connection.execute(f"set role {role}")
        with pytest.raises(InsufficientPrivilege):
            connection.execute("select * from tales_queue.pgqueuer")


async def test_an_attempt_has_one_job_at_a_time(queue: Queue) -> None:
    attempt = await queue.enqueue()

    with pytest.raises(DuplicateJobError):
        async with queue.transactions.as_service() as work:
            await work.jobs.enqueue(attempt, uuid4())


async def test_a_dead_processs_own_jobs_move_to_the_shared_lane(queue: Queue, clock: FakeClock) -> None:
    async with queue.transactions_of(Lane("test", "gone"), clock) as own:
        await queue.enqueue(transactions=own)
    assert [job["entrypoint"] for job in queue.jobs()] == ["attempts:test#gone"]
    queue.database.execute("update tales_queue.pgqueuer set execute_after = now() - interval '1 minute'")

    async with queue.transactions.as_service() as work:
        assert await work.jobs.adopt_orphans() == 1
        await work.commit()

    assert [job["entrypoint"] for job in queue.jobs()] == [LANE.entrypoint]


async def test_a_live_processs_own_jobs_stay_its_own(queue: Queue, clock: FakeClock) -> None:
    async with queue.transactions_of(Lane("test", "alive"), clock) as own:
        await queue.enqueue(transactions=own)
        await queue.enqueue(transactions=own)
    queue.database.execute(
        "update tales_queue.pgqueuer "
        "set status = 'picked', heartbeat = now(), execute_after = now() - interval '1 minute' "
        "where id = (select min(id) from tales_queue.pgqueuer)"
    )

    async with queue.transactions.as_service() as work:
        assert await work.jobs.adopt_orphans() == 0


async def test_another_providers_orphans_are_not_adopted(queue: Queue, clock: FakeClock) -> None:
    async with queue.transactions_of(Lane("test2", "gone"), clock) as own:
        await queue.enqueue(transactions=own)
    queue.database.execute("update tales_queue.pgqueuer set execute_after = now() - interval '1 minute'")

    async with queue.transactions.as_service() as work:
        assert await work.jobs.adopt_orphans() == 0
