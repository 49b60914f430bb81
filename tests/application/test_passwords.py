"""Passwords are hashed a few at a time; clients take turns, and beyond a bound they are told at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import cast

import pytest
from uuid_utils.compat import uuid7

from tales.application.change_address import ChangeAddress
from tales.application.change_password import ChangePassword
from tales.application.erase_family import EraseFamily
from tales.application.mail_codes import MailCodes
from tales.application.passwords import BOUNDS, Passwords
from tales.application.reset_password import ResetPassword
from tales.application.sign_in import SignIn
from tales.domain.actor import Actor
from tales.domain.errors import TooManyRequests, Unavailable
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions
from tales.infrastructure.auth.password_rules import StandardPasswordRules
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.ids import Uuid7Maker
from tales.infrastructure.mail.smtp import SmtpMailer, SmtpServer
from tests.factories import NoHashes
from tests.fixtures.recording import RecordingLog
from tests.fixtures.waiting import until

FLOODER, FAMILY = "192.0.2.1", "192.0.2.2"


class Held(NoHashes):
    """Hashes that take until so many may end, and note their order."""

    def __init__(self) -> None:
        self.may_end = threading.Semaphore(0)
        self.begun: list[str] = []
        self.at_work = self.most = 0
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        with self._lock:
            self.begun.append(password)
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        self.may_end.acquire(timeout=30)
        with self._lock:
            self.at_work -= 1
        return password

    def end_all(self) -> None:
        """Whatever has begun or begins."""
        self.may_end.release(10_000)


@pytest.fixture
def held() -> Iterator[Held]:
    hashes = Held()
    yield hashes
    hashes.end_all()


@pytest.fixture
def passwords(held: Held) -> Passwords:
    return Passwords(held, StandardPasswordRules())


def crowd_of(passwords: Passwords, count: int, client: str | None, name: str = "password") -> list[asyncio.Task[str]]:
    return [asyncio.create_task(passwords.hash(f"{name} {number}", client)) for number in range(count)]


async def test_a_crowd_waits_and_one_too_many_is_told_at_once(held: Held, passwords: Passwords) -> None:
    crowd = crowd_of(passwords, BOUNDS.at_a_time + BOUNDS.waiting, None)
    await until(lambda: held.at_work == BOUNDS.at_a_time)

    with pytest.raises(Unavailable, match="Too many"):
        await passwords.hash("one too many", None)
    held.end_all()

    assert await asyncio.gather(*crowd) == [f"password {number}" for number in range(len(crowd))]
    assert held.most == BOUNDS.at_a_time
    assert await passwords.hash("afterwards", None) == "afterwards"


async def test_those_who_have_gone_leave_their_places(held: Held, passwords: Passwords) -> None:
    crowd = crowd_of(passwords, BOUNDS.at_a_time + BOUNDS.waiting, None)
    await until(lambda: held.at_work == BOUNDS.at_a_time)

    for one in crowd:
        one.cancel()
    await asyncio.wait(crowd)
    others = crowd_of(passwords, BOUNDS.waiting, None)
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        # What has begun goes on, and counts.
        await passwords.hash("one too many", None)
    held.end_all()

    assert len(await asyncio.gather(*others)) == BOUNDS.waiting


async def test_who_comes_from_elsewhere_is_the_next_however_many_wait(held: Held, passwords: Passwords) -> None:
    flood = crowd_of(passwords, BOUNDS.at_a_time + BOUNDS.per_client, FLOODER, "flood")
    await until(lambda: held.at_work == BOUNDS.at_a_time)
    family = crowd_of(passwords, 2, FAMILY, "family")
    await asyncio.sleep(0)

    held.end_all()
    await asyncio.gather(*flood, *family)

    later = held.begun[BOUNDS.at_a_time :]
    assert later[0] == "family 0"
    # And then by turns.
    assert "family 1" in later[: 2 + BOUNDS.at_a_time]
    assert [name for name in held.begun if "flood" in name] == [f"flood {number}" for number in range(len(flood))]


async def test_of_one_client_few_wait_and_the_others_are_told_of_the_limit(held: Held, passwords: Passwords) -> None:
    flood = crowd_of(passwords, BOUNDS.at_a_time + BOUNDS.per_client, FLOODER)
    await until(lambda: held.at_work == BOUNDS.at_a_time)

    with pytest.raises(TooManyRequests, match=str(BOUNDS.per_client)) as refused:
        await passwords.hash("one too many", FLOODER)
    assert (refused.value.limit, refused.value.retry_after) == ("passwords_per_client", 5)
    elsewhere = crowd_of(passwords, 1, FAMILY)
    held.end_all()
    await asyncio.gather(*flood, *elsewhere)


async def test_who_has_fewest_waiting_comes_in_where_the_places_are_taken(held: Held, passwords: Passwords) -> None:
    clients = [f"192.0.2.{number}" for number in range(BOUNDS.waiting // BOUNDS.per_client)]
    at_work = crowd_of(passwords, BOUNDS.at_a_time, "198.51.100.1")
    await until(lambda: held.at_work == BOUNDS.at_a_time)
    crowds = [crowd_of(passwords, BOUNDS.per_client, client) for client in clients]
    await asyncio.sleep(0)

    family = crowd_of(passwords, 1, "198.51.100.2")
    await asyncio.sleep(0)
    held.end_all()
    outcomes = [await asyncio.gather(*crowd, return_exceptions=True) for crowd in crowds]

    assert await asyncio.gather(*family, *at_work)
    refused = [outcome for crowd in outcomes for outcome in crowd if isinstance(outcome, BaseException)]
    assert [type(one) for one in refused] == [Unavailable]
    assert [crowd[-1] for crowd in outcomes].count(refused[0]) == 1, "the last of whoever has most"


async def test_a_hash_that_fails_is_heard_of_and_leaves_its_place() -> None:
    class Broken(NoHashes):
        def hash(self, password: str) -> str:
            raise MemoryError(password)

    passwords = Passwords(Broken(), StandardPasswordRules())

    for _ in range(2 * BOUNDS.at_a_time):
        with pytest.raises(MemoryError):
            await asyncio.wait_for(passwords.hash("password", FAMILY), 30)


async def test_one_too_many_waits_for_its_refusal_and_does_not_reach_the_database(
    held: Held, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tales.application.passwords.REFUSED_AFTER", 0.1)
    flood = crowd_of(passwords, BOUNDS.at_a_time + BOUNDS.per_client, FLOODER)
    await until(lambda: held.at_work == BOUNDS.at_a_time)
    # Without a database: any use of it would be another error.
    clock, nothing = SystemClock(), cast("Transactions", None)
    sign_in = SignIn(nothing, Uuid7Maker(), passwords, clock)
    codes = MailCodes(b"secret", clock)
    mailer = SmtpMailer(SmtpServer.at("smtp://127.0.0.1:1"), "tales@example.org", RecordingLog())
    mia, long = Account(uuid7(), "mia@example.org", "", is_admin=False), "a long enough password"
    actor = Actor(mia.user_id)

    begun = time.monotonic()
    with pytest.raises(TooManyRequests):
        await sign_in.sign_in("mia@example.org", "password", FLOODER)
    assert time.monotonic() - begun >= 0.1
    for refused in (
        sign_in.sign_up("mia@example.org", long, FLOODER),
        ChangePassword(nothing, passwords, clock)(actor, "password", long, FLOODER),
        ChangeAddress(nothing, passwords, codes, mailer, clock).request(actor, "m@example.org", long, FLOODER),
        ResetPassword(nothing, passwords, codes, mailer, clock).confirm("mia@example.org", "code", long, FLOODER),
        # Who has no password here is asked for none: so the account is known by then.
        EraseFamily(nothing, passwords, clock)._check(mia, long, FLOODER),
    ):
        with pytest.raises(TooManyRequests):
            await refused
    held.end_all()
    await asyncio.gather(*flood)
