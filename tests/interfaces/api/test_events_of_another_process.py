"""Following and cancelling a generation whose call another process makes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep

import pytest

from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.depth import more_when_deep
from tests.fixtures.forking import Forked, fork
from tests.interfaces.api.serving import SECRET, Served, tales, text_of

MODELS = "sim/ok,sim/slow-5,sim/slow-20,sim/hang,sim/stall,sim/hang-after-headers"
pytestmark = pytest.mark.timeout(90)


@contextmanager
def worker(database: Database, simulator: Simulator, concurrency: int = 4) -> Iterator[Forked]:
    """A process of its own that makes calls, and has said so."""
    environment = os.environ | {
        "TALES_DATABASE_URL": database.owner_url,
        "TALES_LLM_BASE_URL": simulator.url,
        "TALES_MODELS": MODELS,
        "TALES_JWT_SECRET": SECRET,
        "TALES_CONCURRENCY": str(concurrency),
    }
    process = fork(["serve", "--port", "0"], environment)
    known = "select from tales.workers where process_id = %s"
    try:
        with database.connect() as connection:
            while not connection.execute(known, [process.pid]).rowcount:
                assert process.poll() is None, "it has not even started"
                sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait for it; how many seconds that took."""
    begun = monotonic()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- what it looks at tells nobody
            await asyncio.sleep(0.02)
    return monotonic() - begun


@pytest.fixture
async def family(database: Database, simulator: Simulator) -> AsyncIterator[Served]:
    """A process that serves, and makes no calls."""
    async with tales(database, simulator, MODELS, with_worker=False) as family:
        yield family


@pytest.fixture
def other(database: Database, simulator: Simulator) -> Iterator[Forked]:
    """A process that makes calls."""
    with worker(database, simulator) as process:
        yield process


@pytest.fixture
async def same(database: Database, simulator: Simulator) -> AsyncIterator[Served]:
    """A process that serves, and makes one call at a time."""
    async with tales(database, simulator, MODELS, concurrency=1) as family:
        yield family


async def test_the_text_of_another_process_comes_as_it_is_written(
    family: Served, simulator: Simulator, database: Database
) -> None:
    generation_id = await family.ask("sim/slow-20")
    waiting = await family.first(generation_id, "attempt")
    assert (waiting[0].id, waiting[0].data["started_at"]) == ("1:queued", None)

    with worker(database, simulator) as other:
        heard = waiting + await family.first(generation_id, "delta", waiting[-1].id, count=5)
        seen_while_pending = (await family.generation(generation_id))["status"]
        heard += await family.events(generation_id, heard[-1].id)
        assert other.poll() is None

    assert seen_while_pending == "pending"
    assert [event.id for event in heard][:2] == ["1:queued", "1:0"]
    (row,) = database.rows(
        "select full_response #>> '{choices,0,message,content}' as text from tales.generations "
        "where generation_id = %s",
        generation_id,
    )
    assert text_of(heard) == row["text"]
    assert heard[-1].data["status"] == "success"


async def test_a_worker_that_dies_is_told_as_a_retry(family: Served, database: Database, simulator: Simulator) -> None:
    generation_id = await family.ask("sim/stall")
    with worker(database, simulator) as first:
        heard = await family.first(generation_id, "delta")
        first.send_signal(signal.SIGKILL)
        first.wait()
    with worker(database, simulator):
        heard += await family.first(generation_id, "retry", heard[-1].id)

    assert heard[-1].data["error_type"] == "worker_lost"
    await family.client.post(f"/generations/{generation_id}/cancel")


@pytest.mark.parametrize("model", more_when_deep(["sim/stall", "sim/slow-20"], ["sim/hang", "sim/hang-after-headers"]))
async def test_cancelling_ends_the_call_in_the_same_process(same: Served, simulator: Simulator, model: str) -> None:
    await cancel_and_go_on(same, simulator, model)


@pytest.mark.parametrize("model", more_when_deep(["sim/hang"], ["sim/slow-20"]))
async def test_cancelling_ends_the_call_in_another_process(
    family: Served, database: Database, simulator: Simulator, model: str
) -> None:
    with worker(database, simulator, concurrency=1):
        await cancel_and_go_on(family, simulator, model)


async def cancel_and_go_on(family: Served, simulator: Simulator, model: str) -> None:
    """Cancel the only call that may be made at a time, while another one waits."""
    cancelled, following = await family.ask(model), await family.ask("sim/ok")
    await until(lambda: len(simulator.requests) == 1)
    await asyncio.sleep(0.3)

    answer = await family.client.post(f"/generations/{cancelled}/cancel")

    assert answer.status_code == 202
    assert await until(lambda: simulator.requests[0].client_hung_up) < 1, "the provider is not kept at it"
    assert await until(lambda: len(simulator.requests) == 2) < 1, "the place is free"
    assert (await family.until_ended(following))["status"] == "success"
    (attempt,) = (await family.generation(cancelled))["attempts"]
    assert (attempt["status"], attempt["error_type"]) == ("failed", "cancelled")


async def test_cancelling_in_plain_sql_ends_the_call_as_well(
    same: Served, simulator: Simulator, database: Database
) -> None:
    generation_id = await same.ask("sim/hang")
    await until(lambda: len(simulator.requests) == 1)

    with database.connect() as connection, connection.transaction():
        (user,) = connection.execute("select user_id from tales.generations").fetchall()
        claims = f'{{"sub": "{user["user_id"]}"}}'
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute("set local role authenticated")
        connection.execute(
            "update tales.generations set status = 'failed', completed_at = now() where generation_id = %s",
            [generation_id],
        )

    assert await until(lambda: simulator.requests[0].client_hung_up) < 1


async def test_a_worker_that_hears_no_notice_ends_a_cancelled_call_all_the_same(
    same: Served, simulator: Simulator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tales.infrastructure.events.listener.FIRST_DELAY", 60.0)
    generation_id = await same.ask("sim/hang")
    await until(lambda: len(simulator.requests) == 1)
    listening = "from pg_stat_activity where application_name = 'tales notices' and datname = current_database()"
    database.rows(f"select pg_terminate_backend(pid) {listening}")
    await until(lambda: not database.rows(f"select {listening}"))

    await same.client.post(f"/generations/{generation_id}/cancel")

    assert await until(lambda: simulator.requests[0].client_hung_up) < 1.5


@pytest.mark.usefixtures("other")
async def test_a_wait_ends_with_a_generation_of_another_process(family: Served, database: Database) -> None:
    wish = {"story_type": "child", "child_id": family.child_id, "moral": "kindness", "story_length": 1}

    answer = await family.client.post("/generations", json=wish, headers={"Prefer": "wait=18"})
    (late,) = database.rows("select clock_timestamp() - completed_at as by from tales.generations")

    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    assert late["by"] < timedelta(seconds=1)


async def test_a_server_that_stops_ends_its_streams_and_they_go_on_at_another(
    family: Served, database: Database, simulator: Simulator
) -> None:
    """Streams must not keep a server from stopping; what it tells is not lost."""
    generation_id = await family.ask("sim/slow-20")
    with worker(database, simulator):
        heard = await family.first(generation_id, "delta")
        async with tales(database, simulator, MODELS, with_worker=False) as stopping:
            streaming = asyncio.create_task(stopping.events(generation_id, heard[-1].id))
            await asyncio.sleep(0.5)
            stopping.app.close_subscriptions()
            async with asyncio.timeout(1):
                heard += await streaming
        assert heard[-1].name == "delta"

        heard += await family.events(generation_id, heard[-1].id)

    (row,) = database.rows("select full_response #>> '{choices,0,message,content}' as text from tales.generations")
    assert text_of(heard) == row["text"]
