"""Whether a process is ready is asked of the database, and of what works in the background."""

from __future__ import annotations

import asyncio

import pytest

from tales.bootstrap import _check_ready
from tales.domain.errors import Unavailable


async def test_a_process_whose_background_work_has_gone_is_not_ready() -> None:
    async def database() -> None:
        """It answers."""

    working = asyncio.create_task(asyncio.Event().wait(), name="tales reaper")
    other = asyncio.create_task(asyncio.sleep(0), name="anybody's")
    check = _check_ready(database, [working, other])
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
        await _check_ready(database, [])()
