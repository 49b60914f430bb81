"""Whoever guesses is slowed down, wherever the guesses come from, and a family with the right password is let in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import cycle

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tales.application.passwords import Passwords
from tales.application.services import Services
from tales.domain.throttle import FREE, NEWCOMERS
from tales.infrastructure.auth.password_rules import StandardPasswordRules
from tales.interfaces.api.app import create_app
from tales.interfaces.api.client_address import distinct
from tests.factories import NoHashes
from tests.fixtures.databases import Database
from tests.fixtures.depth import more_when_deep
from tests.fixtures.time import FakeClock
from tests.interfaces.api.world import PASSWORD, client_of, problem

EMAIL = "ada@example.org"
TOKEN = "/api/v3/auth/token"


async def sign_up(client: AsyncClient, email: str = EMAIL) -> Response:
    return await client.post("/api/v3/auth/signup", json={"email": email, "password": PASSWORD})


async def get_token(client: AsyncClient, password: str = PASSWORD) -> Response:
    return await client.post(TOKEN, data={"username": EMAIL, "password": password})


class Guessers:
    """Ten guesses a second at the family's address, from each of these network addresses in turn.

    In a long wait they come in bursts, so that a test sends no more than it needs.
    """

    def __init__(self, clients: list[AsyncClient], clock: FakeClock) -> None:
        self._clients = cycle(clients)
        self._clock = clock
        self.tried = 0

    async def guess(self, seconds: float) -> None:
        """Guess for so long."""
        pause = max(0.1, seconds / 40)
        for _ in range(round(seconds / pause)):
            answer = await get_token(next(self._clients), "wrong password")
            assert answer.status_code in {401, 429}
            self.tried += answer.status_code == 401
            self._clock.advance(pause)


@asynccontextmanager
async def attack(app: FastAPI, clock: FakeClock, addresses: list[str]) -> AsyncIterator[tuple[AsyncClient, Guessers]]:
    """A family with an account, far from those who guess."""
    async with AsyncExitStack() as stack:
        family = await stack.enter_async_context(client_of(app, client="192.0.2.1"))
        assert (await sign_up(family)).status_code == 201
        guessers = [await stack.enter_async_context(client_of(app, client=address)) for address in addresses]
        yield family, Guessers(guessers, clock)


ONE, TWENTY = ["198.51.100.1"], [f"198.51.100.{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("addresses", "mistakes"), more_when_deep([(ONE, 0), (TWENTY, FREE - 1)], [(ONE, FREE - 1), (TWENTY, 0)])
)
async def test_a_family_that_waits_as_it_is_told_gets_in_while_others_guess_ten_times_a_second(
    throttled_app: FastAPI, clock: FakeClock, addresses: list[str], mistakes: int
) -> None:
    async with attack(throttled_app, clock, addresses) as (family, guessers):
        for _ in range(mistakes):
            await get_token(family, "mistyped password")
        await guessers.guess(3)

        answer = await get_token(family)
        if answer.status_code == 429:
            await guessers.guess(int(answer.headers["Retry-After"]))
            answer = await get_token(family)

        assert answer.status_code == 200, answer.text


async def test_who_has_mistyped_often_still_gets_in_at_the_first_wait(throttled_app: FastAPI, clock: FakeClock) -> None:
    async with attack(throttled_app, clock, ONE) as (family, guessers):
        await guessers.guess(2)
        while (answer := await get_token(family, "mistyped password")).status_code == 401 or guessers.tried < FREE + 3:
            await guessers.guess(int(answer.headers.get("Retry-After", "0")))
        clock.advance(int(answer.headers["Retry-After"]))
        assert (await get_token(family, "mistyped password")).status_code == 401

        answer = await get_token(family)
        await guessers.guess(int(answer.headers["Retry-After"]))

        assert (await get_token(family)).status_code == 200


async def test_twenty_guessers_together_are_as_slow_as_one(throttled_app: FastAPI, clock: FakeClock) -> None:
    async with attack(throttled_app, clock, TWENTY) as (_, guessers):
        await guessers.guess(3)
        for _ in range(6):
            await guessers.guess(2)
            clock.advance(20)

    # 10 at will, then after 1, 2, 4, 8 and every 10 seconds.
    assert 16 < guessers.tried <= NEWCOMERS.free + 4 + 135 / NEWCOMERS.longest_pause


async def test_a_turn_lets_in_once(throttled_app: FastAPI, clock: FakeClock) -> None:
    async with attack(throttled_app, clock, TWENTY) as (family, guessers):
        await guessers.guess(2)
        clock.advance(int((await get_token(family, "wrong password")).headers["Retry-After"]))

        answers = [(await get_token(family, "wrong password")).status_code for _ in range(3)]

    assert answers == [401, 429, 429]


async def test_an_endless_line_is_not_kept(throttled_app: FastAPI, clock: FakeClock, database: Database) -> None:
    async with attack(throttled_app, clock, TWENTY) as (family, guessers):
        await guessers.guess(2)
        database.execute("update tales.login_attempts set turn_at = %s", clock.now() + timedelta(hours=1))

        problem(await get_token(family), 429, "too_many_requests")

    assert database.rows("select from tales.login_attempts where kind = 'sign_in'") == [{}] * len(TWENTY)


@pytest.fixture
def throttled_app(services: Services, clock: FakeClock) -> FastAPI:
    """The whole application, with a clock that stands still and hashes that cost nothing."""
    return create_app(
        replace(
            services,
            sign_in=replace(services.sign_in, passwords=Passwords(NoHashes(), StandardPasswordRules()), clock=clock),
        )
    )


async def test_too_many_wrong_passwords_say_when_to_try_again(throttled_app: FastAPI) -> None:
    async with client_of(throttled_app) as client:
        await sign_up(client)
        answers = [await get_token(client, "wrong password") for _ in range(11)]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert problem(answers[-1], 429, "too_many_requests")["limit"] == "sign_in_attempts"
        assert answers[-1].headers["Retry-After"] == "1"
        problem(await get_token(client), 429, "too_many_requests")


@pytest.mark.parametrize(
    ("many", "another"),
    [
        (["203.0.113.7"] * 20, "203.0.113.8"),
        ([f"2001:db8:0:1::{number}" for number in range(20)], "2001:db8:0:2::1"),
    ],
)
async def test_sign_ups_from_one_place_are_throttled(throttled_app: FastAPI, many: list[str], another: str) -> None:
    for number, address in enumerate(many):
        async with client_of(throttled_app, client=address) as client:
            assert (await sign_up(client, f"user{number}@example.org")).status_code == 201

    async with client_of(throttled_app, client=many[0]) as client:
        answer = await sign_up(client)
        problem(answer, 429, "too_many_requests")
        assert answer.headers["Retry-After"] == "60"
    async with client_of(throttled_app, client=another) as client:
        assert (await sign_up(client)).status_code == 201


async def test_a_proxy_that_does_not_name_its_clients_slows_nobody_down(throttled_app: FastAPI) -> None:
    async with client_of(throttled_app, client="127.0.0.1") as client:
        for number in range(60):
            assert (await sign_up(client, f"user{number}@example.org")).status_code == 201


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.8.8.8", "127.8.8.8"),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("testclient", None),
        ("", None),
    ],
)
def test_clients_are_told_apart_by_their_network(host: str, client: str | None) -> None:
    assert distinct(host) == client
