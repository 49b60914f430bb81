"""Workers take jobs, beat while they run them, and take over from the dead."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tales.infrastructure.queue.jobs import Lane

from tales.domain.errors import Unavailable
from tales.domain.generation import AttemptId
from tales.infrastructure.queue import worker as worker_module
from tests.infrastructure.queue.conftest import Queue, RecordingJob, until


async def test_a_job_is_taken_at_once_and_gone_afterwards(queue: Queue, job: RecordingJob) -> None:
    async with queue.worker(job):
        attempt = await queue.enqueue()
        async with asyncio.timeout(5):
            await job.done.wait()
        await until(lambda: queue.jobs() == [])

    assert job.started == [attempt]


async def test_a_delayed_job_waits(queue: Queue, job: RecordingJob) -> None:
    await queue.enqueue(delay=1.0)
    async with queue.worker(job):
        await asyncio.sleep(0.5)
        assert job.started == []
        async with asyncio.timeout(5):
            await job.done.wait()


async def test_of_two_workers_one_takes_the_job(queue: Queue) -> None:
    first, second = RecordingJob(), RecordingJob()
    async with queue.worker(first), queue.worker(second):
        await asyncio.sleep(0.3)
        attempt = await queue.enqueue()
        await until(lambda: first.done.is_set() or second.done.is_set())
        await asyncio.sleep(0.5)

    assert first.started + second.started == [attempt]


async def test_a_dead_workers_job_is_taken_over(queue: Queue, job: RecordingJob) -> None:
    attempt = await queue.enqueue()
    queue.database.execute(
        "update tales_queue.pgqueuer set status = 'picked', queue_manager_id = gen_random_uuid(), "
        "heartbeat = now() - interval '11 seconds'"
    )
    async with queue.worker(job), asyncio.timeout(8):
        await job.done.wait()

    assert job.started == [attempt]


async def test_a_slow_workers_job_is_not_taken_over(
    queue: Queue, job: RecordingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(worker_module, "POLL", timedelta(seconds=0.2))
    slow = RecordingJob(meanwhile=lambda: asyncio.sleep(3))
    async with queue.worker(slow):
        await queue.enqueue()
        await until(lambda: bool(slow.started))
        async with queue.worker(job):
            async with asyncio.timeout(8):
                await slow.done.wait()

    assert (len(slow.started), job.started) == (1, [])


async def test_a_worker_leaves_other_providers_jobs_alone(queue: Queue, job: RecordingJob) -> None:
    await queue.enqueue()
    async with queue.worker(job, Lane("another")):
        await asyncio.sleep(1)

    assert job.started == []


async def test_no_more_jobs_run_at_once_than_the_operator_allows(queue: Queue) -> None:
    running, most = 0, 0

    async def count(_attempt: AttemptId, _user_id: UUID, _job: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1

    for _ in range(6):
        await queue.enqueue()
    async with queue.worker(count, concurrency=3):
        await until(lambda: queue.jobs() == [])

    assert most == 3


async def test_a_job_is_put_back_while_the_database_is_away(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RETRY_DELAY", timedelta(seconds=0.2))
    calls: list[AttemptId] = []

    async def fail_once(attempt: AttemptId, _user_id: UUID, _job: int) -> None:
        calls.append(attempt)
        if len(calls) == 1:
            raise Unavailable

    attempt = await queue.enqueue()
    async with queue.worker(fail_once):
        await until(lambda: queue.jobs() == [])

    assert calls == [attempt, attempt]


async def test_what_a_job_raises_is_logged_by_its_type_alone(
    queue: Queue, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail(_attempt: AttemptId, _user_id: UUID, _job: int) -> None:
        raise ValueError("Mia and the dragon")

    await queue.enqueue()
    async with queue.worker(fail):
        await until(lambda: queue.jobs() == [])

    kept = repr(queue.database.rows("select * from tales_queue.pgqueuer_log"))
    written = "".join(capfd.readouterr())
    assert "ValueError" in written + caplog.text
    assert "dragon" not in written + caplog.text + kept


async def test_a_worker_that_stops_finishes_what_it_has_in_hand(queue: Queue) -> None:
    job = RecordingJob(meanwhile=lambda: asyncio.sleep(1))
    async with queue.worker(job):
        await queue.enqueue()
        await until(lambda: bool(job.started))

    assert job.done.is_set()
    assert queue.jobs() == []


async def test_a_worker_that_stops_does_not_wait_for_ever(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "STOP_GRACE_SECONDS", 0.3)
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    job = RecordingJob(meanwhile=hang)
    async with asyncio.timeout(10):
        async with queue.worker(job):
            await queue.enqueue()
            await until(lambda: bool(job.started))

    assert cancelled.is_set()


async def test_a_worker_comes_back_after_its_connection_was_cut(queue: Queue, job: RecordingJob) -> None:
    async with queue.worker(job):
        await until(
            lambda: bool(queue.database.rows("select from pg_stat_activity where application_name = 'tales worker'"))
        )
        queue.database.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tales worker'"
        )
        attempt = await queue.enqueue()
        async with asyncio.timeout(15):
            await job.done.wait()

    assert job.started == [attempt]
