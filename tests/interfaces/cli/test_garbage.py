"""What nobody refers to any more is searched for when there is time."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from tales.interfaces.cli import garbage
from tales.interfaces.cli.garbage import FEW_TASKS, garbage_at_quiet_moments
from tests.fixtures.waiting import until


class Knot:
    """Refers to itself, and is old."""

    def __init__(self) -> None:
        self.itself = self
        gc.collect(0)
        gc.collect(1)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "LOOK_SECONDS", 0.01)
    yield
    gc.unfreeze()


def grow() -> None:
    """Let enough live on that the oldest are worth a look."""
    gc.collect(1)


async def test_it_is_found_when_little_is_under_way() -> None:
    async with garbage_at_quiet_moments():
        knot = weakref.ref(Knot())
        grow()
        await until(lambda: knot() is None)


async def test_it_is_left_alone_while_much_is() -> None:
    async with garbage_at_quiet_moments():
        crowd = [asyncio.create_task(asyncio.sleep(60)) for _ in range(FEW_TASKS)]
        knot = weakref.ref(Knot())
        grow()
        await asyncio.sleep(0.2)
        assert knot() is not None

        for task in crowd:
            task.cancel()
        await until(lambda: knot() is None)


async def test_afterwards_all_is_as_it_was() -> None:
    before = gc.get_threshold()

    async with garbage_at_quiet_moments():
        assert gc.get_threshold() != before

    assert gc.get_threshold() == before
