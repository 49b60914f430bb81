"""Nobody finds a password by trying, and nobody locks a family out for ever: all processes count together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from hmac import digest

import pytest

from tales.application.erase_family import EraseFamily
from tales.application.passwords import Passwords
from tales.application.sign_in import SignIn
from tales.domain.errors import Conflict, TooManyRequests, Unauthenticated
from tales.domain.throttle import BY_CLIENT, FORGOTTEN_AFTER, FREE, LoginKind
from tales.infrastructure.auth.password_rules import StandardPasswordRules
from tales.infrastructure.auth.passwords import Argon2Passwords
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.factories import NoHashes
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock, FakeIds

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
HOME, SOMEWHERE = "203.0.113.7", "198.51.100.1"
FREE_FOR_CLIENT = BY_CLIENT[LoginKind.SIGN_IN].free
FREE_SIGN_UPS = BY_CLIENT[LoginKind.SIGN_UP].free


@pytest.fixture
def sign_in(transactions: SqlTransactions, ids: FakeIds, clock: FakeClock) -> SignIn:
    """Signing in, in one process."""
    return SignIn(transactions, ids, Passwords(NoHashes(), StandardPasswordRules()), clock)


@pytest.fixture
async def another(database: Database, ids: FakeIds, clock: FakeClock) -> AsyncIterator[SignIn]:
    """Signing in, in another process over the same database."""
    engine = make_engine(database.app_url)
    yield SignIn(SqlTransactions(engine, clock), ids, Passwords(NoHashes(), StandardPasswordRules()), clock)
    await engine.dispose()


async def fail(sign_in: SignIn, times: int = 1, email: str = EMAIL, client: str | None = None) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            await sign_in.sign_in(email, "wrong password", client)


async def pause(sign_in: SignIn, email: str = EMAIL, password: str = PASSWORD, client: str | None = None) -> int:
    """Seconds that an attempt is told to wait."""
    with pytest.raises(TooManyRequests) as caught:
        await sign_in.sign_in(email, password, client)
    assert str(caught.value.retry_after) in caught.value.message
    return caught.value.retry_after


async def test_after_some_failures_each_attempt_must_wait_twice_as_long(sign_in: SignIn, clock: FakeClock) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD)
    await fail(sign_in, FREE)

    waited = []
    for _ in range(12):
        seconds = await pause(sign_in)
        waited.append(seconds)
        clock.advance(seconds)
        await fail(sign_in)

    assert waited == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


async def test_whoever_waits_gets_in_and_begins_anew(sign_in: SignIn, clock: FakeClock) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD)
    await fail(sign_in, FREE)
    for _ in range(20):
        assert await pause(sign_in) == 1, "an attempt that is refused makes nobody wait longer"
    clock.advance(1)

    assert await sign_in.sign_in(EMAIL, PASSWORD)

    await fail(sign_in, FREE)


async def test_an_address_without_an_account_is_throttled_like_one_with(sign_in: SignIn) -> None:
    await fail(sign_in, FREE)

    assert await pause(sign_in) == 1


async def test_other_addresses_are_not_concerned(sign_in: SignIn) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD)
    await fail(sign_in, FREE, "eve@example.org", SOMEWHERE)

    assert await sign_in.sign_in(EMAIL, PASSWORD, SOMEWHERE)


async def test_processes_count_together(sign_in: SignIn, another: SignIn) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD)
    await fail(sign_in, FREE // 2)
    await fail(another, FREE - FREE // 2)

    assert await pause(sign_in) == await pause(another) == 1


async def test_attempts_at_the_same_moment_do_not_slip_through(sign_in: SignIn, another: SignIn) -> None:
    guesses = [
        (sign_in, another)[number % 2].sign_in(EMAIL, f"guess {number}", f"198.51.100.{number}") for number in range(40)
    ]

    answers = Counter(type(answer) for answer in await asyncio.gather(*guesses, return_exceptions=True))

    assert answers == {Unauthenticated: FREE, TooManyRequests: 40 - FREE}


async def test_a_client_that_tries_many_addresses_must_wait_too(sign_in: SignIn) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD, HOME)
    for number in range(FREE_FOR_CLIENT):
        await fail(sign_in, 1, f"user{number}@example.org", SOMEWHERE)

    assert await pause(sign_in, client=SOMEWHERE) == 1
    assert await sign_in.sign_in(EMAIL, PASSWORD, HOME)


async def test_an_account_of_ones_own_does_not_wash_a_client_clean(sign_in: SignIn) -> None:
    await sign_in.sign_up("eve@example.org", PASSWORD, SOMEWHERE)
    for number in range(FREE_FOR_CLIENT):
        await fail(sign_in, 1, f"user{number}@example.org", SOMEWHERE)
        if number % 10 == 0:
            await sign_in.sign_in("eve@example.org", PASSWORD, SOMEWHERE)

    assert await pause(sign_in, "user@example.org", client=SOMEWHERE) == 1


async def test_nobody_keeps_a_family_out_of_its_own_home(sign_in: SignIn) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD, HOME)
    await sign_in.sign_in(EMAIL, PASSWORD, HOME)
    for number in range(FREE):
        await fail(sign_in, 1, EMAIL, f"198.51.100.{number}")

    assert await pause(sign_in, client="192.0.2.1") == 1
    assert await sign_in.sign_in(EMAIL, PASSWORD, HOME)


async def test_at_home_too_a_password_cannot_be_found_by_trying(sign_in: SignIn) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD, HOME)
    await sign_in.sign_in(EMAIL, PASSWORD, HOME)
    await fail(sign_in, FREE, EMAIL, HOME)

    assert await pause(sign_in, client=HOME) == 1


async def test_sign_ups_of_one_client_are_throttled(sign_in: SignIn, clock: FakeClock) -> None:
    for number in range(FREE_SIGN_UPS):
        await sign_in.sign_up(f"user{number}@example.org", PASSWORD, SOMEWHERE)

    with pytest.raises(TooManyRequests) as caught:
        await sign_in.sign_up(EMAIL, PASSWORD, SOMEWHERE)
    assert caught.value.retry_after == 60
    await sign_in.sign_up(EMAIL, PASSWORD, HOME)
    clock.advance(60)
    await sign_in.sign_up("one.more@example.org", PASSWORD, SOMEWHERE)


async def test_to_ask_for_an_account_by_signing_up_is_throttled(sign_in: SignIn) -> None:
    await sign_in.sign_up(EMAIL, PASSWORD)
    for _ in range(FREE - 1):
        with pytest.raises(Conflict):
            await sign_in.sign_up(EMAIL, PASSWORD)

    with pytest.raises(TooManyRequests):
        await sign_in.sign_up(EMAIL, PASSWORD)


async def test_what_is_long_ago_is_forgotten_and_cleared_away(
    sign_in: SignIn, clock: FakeClock, database: Database
) -> None:
    await fail(sign_in, FREE)
    await fail(sign_in, 1, "eve@example.org")
    clock.advance(FORGOTTEN_AFTER.total_seconds())

    await fail(sign_in, 1)

    assert database.rows("select attempts from tales.login_attempts") == [{"attempts": 1}]


async def test_addresses_are_kept_neither_to_be_read_nor_to_be_guessed(
    sign_in: SignIn, database: Database, clock: FakeClock
) -> None:
    engine = make_engine(database.app_url)
    await fail(replace(sign_in, transactions=SqlTransactions(engine, clock, b"a secret")), 1, EMAIL, HOME)
    await engine.dispose()

    (kept,) = database.rows("select address_hash, client_hash from tales.login_attempts")
    guessed = {digest(b"", value.encode(), "sha256") for value in (EMAIL, HOME)}
    guessed |= {sha256(value.encode()).digest() for value in (EMAIL, HOME)}
    assert guessed.isdisjoint(kept.values())


async def test_nothing_of_an_erased_familys_address_is_kept(
    sign_in: SignIn, transactions: SqlTransactions, database: Database, clock: FakeClock
) -> None:
    account = await sign_in.sign_up(EMAIL, PASSWORD, HOME)
    await fail(sign_in, 2, EMAIL, SOMEWHERE)
    await fail(sign_in, FREE, "eve@example.org", SOMEWHERE)
    before = database.rows("select distinct address_hash from tales.login_attempts")

    await EraseFamily(transactions, sign_in.passwords, clock).by_operator(account.user_id)

    (left,) = database.rows("select distinct address_hash from tales.login_attempts")
    assert left in before
    assert database.rows("select attempts from tales.login_attempts") == [{"attempts": FREE}]


async def test_a_real_hash_is_not_computed_for_an_attempt_that_must_wait(
    transactions: SqlTransactions, ids: FakeIds, clock: FakeClock, sign_in: SignIn
) -> None:
    computed: list[str] = []

    class Counting(Argon2Passwords):
        def verify(self, password: str, password_hash: str | None) -> bool:
            computed.append(password)
            return super().verify(password, password_hash)

    await fail(sign_in, FREE)
    await pause(SignIn(transactions, ids, Passwords(Counting(), StandardPasswordRules()), clock))

    assert computed == []
