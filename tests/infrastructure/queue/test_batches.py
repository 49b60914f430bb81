"""Work that is done together: nobody waits for company, and nobody suffers by another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tales.domain.errors import Conflict, Unavailable
from tales.infrastructure.queue.batches import Batches
from tests.fixtures.waiting import until


class Kitchen:
    """Doubles numbers, as many at once as come. It may wait until it is `open`, and has something against some."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.at_once = self.most_at_once = 0
        self.refused: dict[int, Exception] = {}
        self.refused_with_all: dict[int, BaseException] = {}

    async def __call__(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append(tuple(numbers))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
            for number in numbers:
                if number in self.refused_with_all:
                    raise self.refused_with_all[number]
            return [self.refused.get(number, 2 * number) for number in numbers]
        finally:
            self.at_once -= 1


@pytest.fixture
async def kitchen() -> Kitchen:
    """One that is open."""
    return Kitchen()


@pytest.fixture
async def batches(kitchen: Kitchen) -> Batches[int, int]:
    """One batch after the other, of three at most."""
    return Batches(kitchen, most=3, at_once=1)


async def test_one_item_waits_for_no_company(kitchen: Kitchen, batches: Batches[int, int]) -> None:
    assert [await batches.submit(number) for number in (1, 2)] == [2, 4]
    assert kitchen.batches == [(1,), (2,)]


async def test_what_comes_at_the_same_time_is_done_together_and_in_order(
    kitchen: Kitchen, batches: Batches[int, int]
) -> None:
    assert await asyncio.gather(*map(batches.submit, range(8))) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert kitchen.batches == [(0, 1, 2), (3, 4, 5), (6, 7)]


async def test_what_comes_while_a_batch_is_under_way_makes_the_next_one(
    kitchen: Kitchen, batches: Batches[int, int]
) -> None:
    kitchen.open.clear()
    first = asyncio.create_task(batches.submit(1))
    await until(lambda: kitchen.batches == [(1,)])
    others = [asyncio.create_task(batches.submit(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    assert kitchen.batches == [(1,)]
    kitchen.open.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert kitchen.batches == [(1,), (2, 3)]


async def test_no_more_batches_than_allowed_are_under_way(kitchen: Kitchen) -> None:
    batches = Batches(kitchen, most=1, at_once=2)
    kitchen.open.clear()
    tasks = [asyncio.create_task(batches.submit(number)) for number in range(7)]
    await until(lambda: kitchen.batches == [(0,), (1,)])
    kitchen.open.set()

    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10, 12]
    assert kitchen.most_at_once == 2


async def test_an_error_for_one_is_raised_for_that_one_alone(kitchen: Kitchen, batches: Batches[int, int]) -> None:
    kitchen.refused[2] = Conflict("2 is taken")

    first, second, third = await asyncio.gather(*map(batches.submit, (1, 2, 3)), return_exceptions=True)

    assert (first, third) == (2, 6)
    assert second is kitchen.refused[2]
    assert kitchen.batches == [(1, 2, 3)]


async def test_a_batch_that_is_refused_is_tried_item_by_item(kitchen: Kitchen, batches: Batches[int, int]) -> None:
    kitchen.refused_with_all[2] = Conflict("2 is taken")

    first, second, third = await asyncio.gather(*map(batches.submit, (1, 2, 3)), return_exceptions=True)

    assert (first, third) == (2, 6)
    assert second is kitchen.refused_with_all[2]
    assert kitchen.batches == [(1, 2, 3), (1,), (2,), (3,)]


async def test_where_nothing_answers_all_hear_of_it_and_nothing_is_tried_again(
    kitchen: Kitchen, batches: Batches[int, int]
) -> None:
    kitchen.refused_with_all[2] = Unavailable()

    assert (
        await asyncio.gather(*map(batches.submit, (1, 2, 3)), return_exceptions=True)
        == [kitchen.refused_with_all[2]] * 3
    )
    assert kitchen.batches == [(1, 2, 3)]
    # And it goes on.
    assert await batches.submit(4) == 8


async def test_a_cancellation_that_nobody_asked_for_leaves_nobody_waiting(
    kitchen: Kitchen, batches: Batches[int, int]
) -> None:
    kitchen.refused_with_all[2] = asyncio.CancelledError()

    async with asyncio.timeout(30):
        told = await asyncio.gather(*map(batches.submit, range(1, 5)), return_exceptions=True)

    assert [type(one) for one in told[:3]] == [Unavailable] * 3
    assert told[3] == 8


async def test_a_caller_that_is_cancelled_stops_neither_its_item_nor_the_others(
    kitchen: Kitchen, batches: Batches[int, int]
) -> None:
    kitchen.open.clear()
    tasks = [asyncio.create_task(batches.submit(number)) for number in (1, 2, 3, 4)]
    await until(lambda: kitchen.batches == [(1, 2, 3)])
    for cancelled in (tasks[1], tasks[3]):
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
    kitchen.open.set()

    assert (await tasks[0], await tasks[2]) == (2, 6)
    await until(lambda: kitchen.batches == [(1, 2, 3), (4,)])


async def test_a_caller_that_is_cancelled_is_not_told_of_an_error_either(
    kitchen: Kitchen, batches: Batches[int, int]
) -> None:
    kitchen.refused_with_all[1] = Conflict("1 is taken")
    kitchen.open.clear()
    task = asyncio.create_task(batches.submit(1))
    await until(lambda: kitchen.batches == [(1,)])
    task.cancel()
    await asyncio.wait([task])
    kitchen.open.set()

    assert task.cancelled()
    assert await batches.submit(2) == 4


async def test_what_was_submitted_is_done_before_it_stops(kitchen: Kitchen, batches: Batches[int, int]) -> None:
    kitchen.open.clear()
    async with batches.running():
        tasks = [asyncio.create_task(batches.submit(number)) for number in range(5)]
        await until(lambda: len(kitchen.batches) == 1)
        asyncio.get_running_loop().call_soon(kitchen.open.set)

    assert kitchen.batches == [(0, 1, 2), (3, 4)]
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8]
