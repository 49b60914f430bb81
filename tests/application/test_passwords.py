"""Passwords are hashed a few at a time, whoever asks, and beyond a bound it is said at once that there are too many."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tales.application.passwords import AT_A_TIME, WAITING, Passwords
from tales.domain.errors import Unavailable
from tales.infrastructure.auth.password_rules import StandardPasswordRules
from tests.factories import NoHashes
from tests.fixtures.waiting import until


class Held(NoHashes):
    """Hashes that take until they may end."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.at_work = self.most = 0
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        with self._lock:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        self.may_end.wait(30)
        with self._lock:
            self.at_work -= 1
        return password


async def test_a_crowd_waits_and_one_too_many_is_told_at_once() -> None:
    held = Held()
    passwords = Passwords(held, StandardPasswordRules())
    crowd = [asyncio.create_task(passwords.hash(f"password {number}")) for number in range(AT_A_TIME + WAITING)]
    await until(lambda: held.at_work == AT_A_TIME)

    with pytest.raises(Unavailable, match="Too many"):
        await passwords.hash("one too many")
    held.may_end.set()

    assert await asyncio.gather(*crowd) == [f"password {number}" for number in range(AT_A_TIME + WAITING)]
    assert held.most == AT_A_TIME
    assert await passwords.hash("afterwards") == "afterwards"


async def test_those_who_have_gone_leave_their_places() -> None:
    held = Held()
    passwords = Passwords(held, StandardPasswordRules())
    crowd = [asyncio.create_task(passwords.hash("password")) for _ in range(AT_A_TIME + WAITING)]
    await until(lambda: held.at_work == AT_A_TIME)

    for one in crowd:
        one.cancel()
    await asyncio.wait(crowd)
    others = [asyncio.create_task(passwords.hash("password")) for _ in range(WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        # What has begun goes on, and counts.
        await passwords.hash("one too many")
    held.may_end.set()

    assert await asyncio.gather(*others) == ["password"] * WAITING
