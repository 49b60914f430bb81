"""Users in `auth.users`, and their accounts in `tales.accounts`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.repositories.accounts import Account
from tales.infrastructure.persistence.models import AccountDB

# `auth.users` is Supabase's table where there is one: nothing is known of it but its id.
_ADD_USER = text("insert into auth.users (id, email) values (:id, :email)")
_ENSURE_USER = text("insert into auth.users (id) values (:id) on conflict (id) do nothing")


class SqlAccountRepository:
    """See `tales.domain.repositories.accounts.AccountRepository`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, account: Account) -> None:
        """Insert a user and the account."""
        await self._session.execute(_ADD_USER, {"id": account.user_id, "email": account.email})
        await self._session.execute(
            insert(AccountDB).values(
                user_id=account.user_id,
                email=account.email,
                password_hash=account.password_hash,
                is_admin=account.is_admin,
            )
        )

    async def find(self, email: str) -> Account | None:
        """The account of an address, whatever its case."""
        row = await self._session.scalar(select(AccountDB).where(AccountDB.email == email.lower()))
        return Account(row.user_id, row.email, row.password_hash, row.is_admin) if row else None

    async def ensure_user(self, user_id: UUID) -> None:
        """Insert a user without an account, unless there is one."""
        await self._session.execute(_ENSURE_USER, {"id": user_id})
