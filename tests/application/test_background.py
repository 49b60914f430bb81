"""Work in the background outlives what goes wrong."""

from __future__ import annotations

import asyncio

import pytest

from tales.application.background import PAUSE, forever
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
