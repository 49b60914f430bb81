"""Work in the background outlives what goes wrong."""

from __future__ import annotations

import asyncio

import pytest

from tales.application.background import PAUSE, check_background, forever
from tales.domain.errors import Unavailable
from tests.fixtures.recording import RecordingLog
from tests.fixtures.time import stand_still
from tests.fixtures.waiting import until


async def test_it_goes_on_after_any_error_and_logs_its_type_alone() -> None:
    log, steps = RecordingLog(), 0

    async def step() -> None:
        nonlocal steps
        steps += 1
        if steps in (2, 3):
            raise ValueError("Mia and the dragon")
        await asyncio.sleep(0)

    working = asyncio.create_task(forever("stories", step, log))
    for failures in (1, 2):
        await until(lambda failures=failures: len(log.events) == failures)
        assert steps == failures + 1  # it rests after an error
        stand_still(PAUSE)
    await until(lambda: steps > 10)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert log.events == [("warning", "background work failed", {"work": "stories", "error": "ValueError"})] * 2


async def test_a_cancellation_that_nobody_asked_for_is_an_error_like_others() -> None:
    log, steps = RecordingLog(), 0

    async def step() -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    working = asyncio.create_task(forever("stories", step, log))
    await until(lambda: len(log.events) == 1)
    stand_still(PAUSE)
    await until(lambda: steps > 3)
    assert not working.done()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert log.events == [("warning", "background work failed", {"work": "stories", "error": "CancelledError"})]


async def test_a_process_whose_background_work_has_gone_is_not_ready() -> None:
    async def database() -> None:
        """It answers."""

    working = asyncio.create_task(asyncio.Event().wait(), name="tales reaper")
    other = asyncio.create_task(asyncio.sleep(0), name="anybody's")
    check = check_background([working, other], then=database)
    await other
    await check()

    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    with pytest.raises(Unavailable, match=r"Gone from the background: tales reaper\. Start this process again\."):
        await check()


async def test_a_database_that_does_not_answer_is_said() -> None:
    async def database() -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable, match="away"):
        await check_background([], then=database)()
