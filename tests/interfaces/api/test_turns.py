"""A crowd of requests is let in a few at a time, in its order, and keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.types import Message, Receive, Scope, Send

from tales.interfaces.api.middleware.turns import MOST_IN_A_ROUND, Turns
from tests.fixtures.waiting import until

CROWD = 10 * MOST_IN_A_ROUND


class Rounds:
    """An application that notes in which round of the event loop each request begins."""

    def __init__(self) -> None:
        self.number = 0
        self.begun: list[tuple[int, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append((self.number, scope["path"]))

    async def count(self) -> None:
        """Count the rounds until cancelled."""
        while True:
            await asyncio.sleep(0)
            self.number += 1

    @property
    def paths(self) -> list[str]:
        """In the order in which they began."""
        return [path for _, path in self.begun]


async def nothing() -> Message:
    raise AssertionError


async def no_one(_: Message) -> None:
    raise AssertionError


def request(app: Turns, path: str, address: str = "192.0.2.1") -> asyncio.Task[None]:
    """A request that has come in."""
    return asyncio.create_task(app({"type": "http", "path": path, "client": (address, 1)}, nothing, no_one))


async def test_a_crowd_begins_a_few_in_each_round_and_in_its_order() -> None:
    rounds = Rounds()
    counting = asyncio.create_task(rounds.count())
    app = Turns(rounds)

    crowd = [request(app, f"/api/v3/{number}") for number in range(CROWD)]
    await asyncio.gather(*crowd)
    counting.cancel()

    assert rounds.paths == [f"/api/v3/{number}" for number in range(CROWD)]
    assert max(Counter(number for number, _ in rounds.begun).values()) <= MOST_IN_A_ROUND


async def test_who_comes_from_elsewhere_waits_for_one_of_a_crowd_and_not_for_all() -> None:
    rounds = Rounds()
    app = Turns(rounds)

    crowd = [request(app, f"/api/v3/{number}") for number in range(CROWD)]
    await asyncio.sleep(0)
    await asyncio.gather(*(request(app, f"/api/v3/{name}", name) for name in ("192.0.2.2", "192.0.2.3")))

    assert {path for path in rounds.paths if "192" in path} <= set(rounds.paths[: 3 * MOST_IN_A_ROUND])
    await asyncio.gather(*crowd)
    assert len(rounds.paths) == CROWD + 2


async def test_a_crowd_of_one_network_is_one_client_and_pages_wait_too() -> None:
    rounds = Rounds()
    app = Turns(rounds)

    crowd = [request(app, f"/stories/{number}", f"2001:db8::{number:x}") for number in range(CROWD)]
    await asyncio.sleep(0)
    await request(app, "/stories", "2001:db8:0:1::1")

    assert rounds.paths.index("/stories") <= 3 * MOST_IN_A_ROUND
    await asyncio.gather(*crowd)


async def test_a_health_check_does_not_wait_for_the_crowd() -> None:
    rounds = Rounds()
    app = Turns(rounds)

    crowd = [request(app, f"/api/v3/{number}") for number in range(CROWD)]
    await request(app, "/health/live")

    assert rounds.paths.index("/health/live") <= MOST_IN_A_ROUND
    await asyncio.gather(*crowd)


async def test_who_has_left_takes_nobodys_turn() -> None:
    rounds = Rounds()
    app = Turns(rounds)

    crowd = [request(app, f"/api/v3/{number}") for number in range(CROWD)]
    await asyncio.sleep(0)
    for task in crowd[MOST_IN_A_ROUND:-1]:
        task.cancel()
    await until(crowd[-1].done)

    assert rounds.paths == [f"/api/v3/{number}" for number in [*range(MOST_IN_A_ROUND), CROWD - 1]]


async def test_a_later_request_begins_at_once() -> None:
    rounds = Rounds()
    app = Turns(rounds)
    await asyncio.gather(*(request(app, "/api/v3/early") for _ in range(CROWD)))

    await asyncio.sleep(0)
    late = request(app, "/api/v3/late")
    await asyncio.sleep(0)

    assert late.done()
