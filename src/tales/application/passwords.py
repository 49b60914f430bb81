"""Passwords at a bound: each hash takes 64 MB and a core, and a crowd that signs in must not take the others' time."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from tales.application.ports import PasswordHasher
from tales.domain.errors import InvalidInput, Unavailable
from tales.domain.repositories.accounts import Account

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256

AT_A_TIME = 2
"""Hashes that a process makes at a time."""

WAITING = 64
"""And those that may wait for that, some seconds at most: then it is said at once that there are too many."""

_NICENESS = 5
"""By so much a hash gives way to what answers requests, where both want a core."""

T = TypeVar("T")


class Passwords:
    """Checks and hashes passwords by a `hasher`, in threads of its own. Raises: Unavailable when too many wait."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._places = threading.BoundedSemaphore(AT_A_TIME + WAITING)
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="tales password", initializer=_give_way)

    async def hash(self, password: str) -> str:
        """A salted hash of `password`."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, password: str, account: Account | None) -> bool:
        """Whether it is the password of `account`; takes as long without one, and for one that nobody can have."""
        known = account.password_hash if account else None
        fits = await self._run(lambda: self._hasher.verify(password[:LONGEST_PASSWORD], known))
        return fits and len(password) <= LONGEST_PASSWORD

    async def renewed(self, password: str, account: Account) -> str | None:
        """A better hash of the account's password, when the one that is kept is outdated."""
        if not self._hasher.is_outdated(account.password_hash):
            return None
        return await self.hash(password)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Unavailable("Too many sign in at this moment. Try again in a few seconds.")
        future = self._threads.submit(work)
        # A thread that has begun goes on when its request is given up, so its place is free when it ends.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)


def checked_password(field: str, password: str) -> str:
    """`password`, if somebody may have it. Raises: InvalidInput, which does not repeat it."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(field, f"Use a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return password


def _give_way() -> None:
    # Linux has a priority for each thread, which those that it starts take over; elsewhere there is none to set.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
