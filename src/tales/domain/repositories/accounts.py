"""Where users and their passwords' hashes are kept, when Tales itself signs users in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tales.domain.page import Page, PageRequest
from tales.domain.profile import Holdings, UserSummary


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

    async def get(self, user_id: UUID) -> Account | None:
        """The account of a user."""

    async def emails(self, user_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """The addresses of those of them that have an account."""

    async def hold(self, account: Account) -> bool:
        """Keep the password as it is until the transaction ends; False when it has been changed since `account`."""

    async def change_password(self, account: Account, password_hash: str) -> bool:
        """Replace the hash of the password; False when it has been changed since `account`."""

    async def change_address(self, account: Account, email: str) -> bool:
        """Replace the address; False when `account` has changed. Raises: Conflict when it is taken."""

    async def set_admin(self, user_id: UUID, *, is_admin: bool) -> None:
        """Make the user an admin, or one no longer."""

    async def has_admin(self) -> bool:
        """Whether there is any admin."""

    async def created_at(self, user_id: UUID) -> datetime | None:
        """When the user's account was opened."""

    async def holdings(self, user_id: UUID) -> Holdings:
        """How many things the user has, as far as the actor may see them."""

    async def list(self, page: PageRequest, email: str | None = None) -> Page[UserSummary]:
        """Users with an account, the newest first; `email`: the one with this address."""

    async def erase(self, user_id: UUID) -> bool:
        """Delete a user with all that is theirs; False when there is none. Raises: Forbidden."""

    async def ensure_user(self, user_id: UUID) -> None:
        """Insert a user without an account, unless there is one."""
