"""Which passwords are taken, and how they are hashed: each hash takes 64 MB and up to four cores, so there is a bound.

NIST SP 800-63B-4, section 3.1.1.2: a password that is the only factor has at least 15 characters, and no more than its
length is asked of it, but that it is none of those that are tried first; at least 64 characters are taken.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

from tales.application.fair_threads import Bounds, FairThreads
from tales.application.ports import PasswordHasher, PasswordRules
from tales.domain.errors import InvalidInput, TooManyRequests, Unavailable
from tales.domain.repositories.accounts import Account

SHORTEST_PASSWORD = 15
"""Characters, unless the operator says otherwise."""
SHORTEST_EVER = 8
"""And the least that an operator may ask for, as NIST names for a password that is one of two factors."""
LONGEST_PASSWORD = 256

BOUNDS = Bounds("passwords", at_a_time=2 if (os.cpu_count() or 1) > 4 else 1, waiting=64, per_client=32)
"""Hashes that a process makes at a time, each of which keeps four cores at work where there are so many; and those that
may wait for that, some seconds at most."""

REFUSED_AFTER = 1.0
"""Seconds until one too many is told: else who asks again at once would keep the process busy with refusals."""

T = TypeVar("T")


class Passwords:
    """Checks passwords by `rules`, and hashes them by a `hasher`, in threads of its own.

    `shortest`: characters of a new password at least. Whoever has a shorter one of before signs in with it.
    `client`: as in `SignIn`; clients take turns.
    """

    def __init__(self, hasher: PasswordHasher, rules: PasswordRules, shortest: int = SHORTEST_PASSWORD) -> None:
        self._hasher = hasher
        self._rules = rules
        self.shortest = shortest
        self._threads = FairThreads(BOUNDS)

    async def check_room(self, client: str | None) -> None:
        """Pass when one more hash may wait: before anything else is done for it. Raises late what `hash` raises."""
        try:
            self._threads.check_room(client)
        except (TooManyRequests, Unavailable):
            await asyncio.sleep(REFUSED_AFTER)
            raise

    async def checked(self, field: str, password: str, address: str) -> str:
        """A new `password`, if the user of `address` may have it. Raises: InvalidInput, which does not repeat it."""
        # The first time, the commonest passwords are read.
        return await asyncio.to_thread(self._check, field, password, address)

    def _check(self, field: str, password: str, address: str) -> str:
        if not self.shortest <= len(password) <= LONGEST_PASSWORD:
            raise self._wrong_length(field)
        prepared = self._rules.prepare(password)
        if prepared is None:
            raise InvalidInput(field, "This password holds characters that cannot be typed. Leave them out.")
        if len(prepared) < self.shortest:
            raise self._wrong_length(field)
        if self._rules.is_common(prepared, address):
            raise InvalidInput(field, "This password is among the first that others would try. Choose another one.")
        return prepared

    def _wrong_length(self, field: str) -> InvalidInput:
        return InvalidInput(field, f"Use a password of {self.shortest} to {LONGEST_PASSWORD} characters.")

    async def hash(self, password: str, client: str | None) -> str:
        """A salted hash of a `password`, in whatever form it was typed.

        Raises: TooManyRequests when too many of the client's wait, Unavailable when too many wait in all.
        """
        return await self._run(client, lambda: self._hasher.hash(self._prepared(password)))

    async def matches(self, password: str, account: Account | None, client: str | None) -> bool:
        """Whether it is the password of `account`; takes as long without one, and for one that nobody can have.

        Raises as `hash` does.
        """
        known = account.password_hash if account else None
        fits = await self._run(client, lambda: self._verify(password[:LONGEST_PASSWORD], known))
        return fits and len(password) <= LONGEST_PASSWORD

    def _prepared(self, password: str) -> str:
        return self._rules.prepare(password) or password

    def _verify(self, password: str, known: str | None) -> bool:
        prepared = self._prepared(password)
        if self._hasher.verify(prepared, known):
            return True
        # A hash of before may be of the password as it was typed.
        return prepared != password and self._hasher.verify(password, known)

    async def renewed(self, password: str, account: Account, client: str | None) -> str | None:
        """A better hash of the account's password, when the one that is kept is outdated."""
        if not self._hasher.is_outdated(account.password_hash):
            return None
        return await self.hash(password, client)

    async def _run(self, client: str | None, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._threads.submit(client, work))
