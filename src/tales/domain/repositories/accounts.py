"""Where users and their passwords' hashes are kept, when Tales itself signs users in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Account:
    """A user who signs in with an address and a password."""

    user_id: UUID
    email: str
    password_hash: str
    is_admin: bool


class AccountRepository(Protocol):
    """Accounts; only the service itself may reach them."""

    async def add(self, account: Account) -> None:
        """Insert a user and the account. Raises: Conflict when the address is taken."""

    async def find(self, email: str) -> Account | None:
        """The account of an address, whatever its case."""

    async def ensure_user(self, user_id: UUID) -> None:
        """Insert a user without an account, unless there is one."""
