"""Accounts, where Tales itself signs users in; and the machine's local user, who needs none."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from uuid import UUID

from tales.application.ports import IdMaker, PasswordHasher
from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput, NotSignedIn
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions

LOCAL_USER = Actor(UUID("00000000-0000-8000-8000-000000000001"))
"""Whoever types commands on this machine. A fixed id, so that each command finds the stories of the last."""

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
LONGEST_EMAIL = 254
# As lenient as HTML's own check of an e-mail field, but with a dot in the domain.
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True)
class SignIn:
    """Signs users up and in."""

    transactions: Transactions
    ids: IdMaker
    passwords: PasswordHasher

    async def sign_up(self, email: str, password: str) -> Account:
        """Open an account. Raises: InvalidInput, or Conflict when the address has one already."""
        address = _checked_email(email)
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise InvalidInput("password", f"Use a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
        # Hashing is slow on purpose: it runs beside the event loop, and before a transaction begins.
        hashed = await asyncio.to_thread(self.passwords.hash, password)
        account = Account(self.ids.new(), address, hashed, is_admin=False)
        async with self.transactions.as_service() as work:
            await work.accounts.add(account)
            await work.commit()
        return account

    async def check(self, email: str, password: str) -> Actor:
        """The user with this address and password. Raises: NotSignedIn."""
        async with self.transactions.as_service() as work:
            account = await work.accounts.find(email.strip())
        known = account.password_hash if account else None
        matches = await asyncio.to_thread(self.passwords.verify, password[:LONGEST_PASSWORD], known)
        if account is None or not matches:
            raise NotSignedIn("The address or the password is wrong. Check both, or sign up first.")
        return Actor(account.user_id, is_admin=account.is_admin)

    async def local_user(self) -> Actor:
        """The machine's local user, created on first use."""
        async with self.transactions.as_service() as work:
            await work.accounts.ensure_user(LOCAL_USER.user_id)
            await work.commit()
        return LOCAL_USER


def _checked_email(email: str) -> str:
    address = email.strip().lower()
    if len(address) > LONGEST_EMAIL or not _EMAIL.fullmatch(address) or not address.isprintable():
        raise InvalidInput("email", "This is no e-mail address. Write it like name@example.com.")
    return address
