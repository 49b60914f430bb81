"""Accounts, and the machine's local user."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from statistics import median

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from tales.application.passwords import LONGEST_PASSWORD, Passwords
from tales.application.sign_in import LOCAL_USER, SignIn
from tales.domain.errors import Conflict, InvalidInput, Unauthenticated
from tales.infrastructure.auth.password_rules import StandardPasswordRules
from tales.infrastructure.auth.passwords import Argon2Passwords
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock, FakeIds

PASSWORD = "correct horse battery"


@pytest.fixture
def sign_in(transactions: SqlTransactions, ids: FakeIds, passwords: Passwords, clock: FakeClock) -> SignIn:
    """Signing in, over a real database."""
    return SignIn(transactions, ids, passwords, clock)


@pytest.fixture
def slow_sign_in(sign_in: SignIn) -> SignIn:
    """The same with hashes that cost as much as the service's."""
    return replace(sign_in, passwords=Passwords(Argon2Passwords(), StandardPasswordRules()))


async def test_who_signed_up_signs_in_whatever_the_case_of_the_address(sign_in: SignIn) -> None:
    account = await sign_in.sign_up("Ada@Example.org", PASSWORD)

    actor = (await sign_in.sign_in(" ada@example.ORG", PASSWORD)).actor

    assert actor.user_id == account.user_id
    assert not actor.is_admin


async def test_the_password_is_kept_as_a_hash_only(sign_in: SignIn, database: Database) -> None:
    await sign_in.sign_up("ada@example.org", PASSWORD)

    (row,) = database.rows("select * from tales.accounts")
    assert row["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in repr(row)


@pytest.mark.parametrize(("email", "password"), [("ada@example.org", "wrong password"), ("eve@example.org", PASSWORD)])
async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    sign_in: SignIn, email: str, password: str
) -> None:
    await sign_in.sign_up("ada@example.org", PASSWORD)

    with pytest.raises(Unauthenticated) as caught:
        await sign_in.sign_in(email, password)

    assert caught.value.message == "The address or the password is wrong. Check both, or sign up first."


async def test_an_address_has_one_account(sign_in: SignIn) -> None:
    await sign_in.sign_up("ada@example.org", PASSWORD)

    with pytest.raises(Conflict, match="account already"):
        await sign_in.sign_up("ADA@example.org", PASSWORD)


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.org", "ada@example", "a da@example.org", "a@b.c" * 60])
async def test_what_is_no_address_is_refused(sign_in: SignIn, email: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await sign_in.sign_up(email, PASSWORD)

    assert caught.value.field == "email"


@pytest.mark.parametrize("password", ["", "fourteen chars", "fourteen chars\u0301", "x" * 257])
async def test_a_password_too_short_or_too_long_is_refused_and_not_repeated(sign_in: SignIn, password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await sign_in.sign_up("ada@example.org", password)

    assert caught.value.field == "password"
    assert not password or password not in caught.value.message


@pytest.mark.parametrize(
    "password", ["passwordpassword", "PasswordPassword1", "qwerty123456789", "AdaLovelaceAdaLovelace"]
)
async def test_a_password_that_others_would_try_first_is_refused(sign_in: SignIn, password: str) -> None:
    with pytest.raises(InvalidInput, match="first that others would try") as caught:
        await sign_in.sign_up("AdaLovelace@example.org", password)

    assert password not in caught.value.message


@pytest.mark.parametrize("password", ["short", "drag\x00on", "dragone\u0301", "password"])
async def test_a_password_of_before_is_taken_as_it_was_typed(
    sign_in: SignIn, database: Database, password: str
) -> None:
    await sign_in.sign_up("ada@example.org", PASSWORD)
    kept = Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)
    database.execute("update tales.accounts set password_hash = %s", kept)

    assert await sign_in.sign_in("ada@example.org", password)
    with pytest.raises(Unauthenticated):
        await sign_in.sign_in("ada@example.org", password + "!")


async def test_the_operator_says_how_short_a_password_may_be(sign_in: SignIn) -> None:
    hasher = Argon2Passwords(Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1))
    lenient = replace(sign_in, passwords=Passwords(hasher, StandardPasswordRules(), shortest=8))

    with pytest.raises(InvalidInput, match="8 to 256 characters"):
        await lenient.sign_up("ada@example.org", "seven77")
    await lenient.sign_up("ada@example.org", "eight 88")


async def test_the_machines_local_user_is_created_on_first_use_and_found_again(
    sign_in: SignIn, database: Database
) -> None:
    assert await sign_in.local_user() == await sign_in.local_user() == LOCAL_USER
    assert database.rows("select count(*) from auth.users") == [{"count": 1}]


async def test_nothing_may_be_written_behind_the_longest_password(sign_in: SignIn) -> None:
    longest = "x" * LONGEST_PASSWORD
    await sign_in.sign_up("ada@example.org", longest)

    with pytest.raises(Unauthenticated):
        await sign_in.sign_in("ada@example.org", longest + "y")
    assert await sign_in.sign_in("ada@example.org", longest)


async def test_a_hash_of_outdated_strength_is_made_anew_at_the_next_sign_in(
    slow_sign_in: SignIn, database: Database
) -> None:
    await slow_sign_in.sign_up("ada@example.org", PASSWORD)
    weak = Argon2Hasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    database.execute("update tales.accounts set password_hash = %s", weak)

    await slow_sign_in.sign_in("ada@example.org", PASSWORD)

    (row,) = database.rows("select password_hash from tales.accounts")
    assert not Argon2Passwords().is_outdated(row["password_hash"])
    await slow_sign_in.sign_in("ada@example.org", PASSWORD)
    assert database.rows("select password_hash from tales.accounts") == [row]


Attempt = Callable[[], Awaitable[object]]


async def _medians(**attempts: Attempt) -> dict[str, float]:
    """Seconds that each attempt takes to be refused: all of them in turn, so that a busy machine is busy for all."""
    taken: dict[str, list[float]] = {name: [] for name in attempts}
    for _ in range(3):
        for name, attempt in attempts.items():
            begin = time.perf_counter()
            with suppress(Unauthenticated, Conflict):
                await attempt()
            taken[name].append(time.perf_counter() - begin)
    return {name: median(seconds) for name, seconds in taken.items()}


async def test_who_has_an_account_cannot_be_told_by_the_time_that_an_answer_takes(slow_sign_in: SignIn) -> None:
    await slow_sign_in.sign_up("ada@example.org", PASSWORD)

    took = await _medians(
        hash_alone=lambda: slow_sign_in.passwords.hash(PASSWORD, None),
        wrong_password=lambda: slow_sign_in.sign_in("ada@example.org", "wrong password"),
        unknown_address=lambda: slow_sign_in.sign_in("eve@example.org", PASSWORD),
        endless_password=lambda: slow_sign_in.sign_in("ada@example.org", "x" * 60_000),
        taken_address=lambda: slow_sign_in.sign_up("ada@example.org", PASSWORD),
    )

    # Loose bounds are enough: to leave the hash out would be twenty times as quick.
    assert min(took.values()) > max(took.values()) / 4, took
