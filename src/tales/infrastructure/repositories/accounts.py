"""Users in `auth.users`, and their accounts in `tales.accounts`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.page import Page, PageKey, PageRequest
from tales.domain.profile import Holdings, UserSummary
from tales.domain.repositories.accounts import Account, AccountRepository
from tales.infrastructure.postgres.keyset import page_of
from tales.infrastructure.postgres.models import AccountDB

# `auth.users` is Supabase's table where there is one: nothing is known of it but its id.
_ADD_USER = text("insert into auth.users (id, email) values (:id, :email)")
_CHANGE_USER = text("update auth.users set email = :email where id = :id")
_ERASE_USER = text("delete from auth.users where id = :id returning id")
# Whoever ends an attempt takes this lock before its row, and would wait for ours.
_LOCK_BUDGETS = text("select tales.lock_budgets()")
_HOLDINGS = text("""
    select
        (select count(*) from tales.children where user_id = :id),
        (select count(*) from tales.heroes where user_id = :id),
        (select count(*) from tales.generations where user_id = :id and attempt_number = 1),
        (select count(*) from tales.stories where user_id = :id)
""")
# A user's id begins with the time at which it was made (RFC 9562, version 7), so the key itself has them in order.
_LIST = text("""
    select account.user_id as id, account.email, account.is_admin, account.created_at,
        made.generations, kept.stories, made.last_asked_at
    from (
        select user_id, email, is_admin, created_at from tales.accounts
        where user_id < :after and (cast(:email as text) is null or email = :email)
        order by user_id desc limit :most
    ) as account
    cross join lateral (
        select count(*) filter (where attempt_number = 1) as generations, max(created_at) as last_asked_at
        from tales.generations where user_id = account.user_id
    ) as made
    cross join lateral (select count(*) as stories from tales.stories where user_id = account.user_id) as kept
    order by account.user_id desc
""")
_LATEST_ID = UUID(int=2**128 - 1)
_ENSURE_USER = text("insert into auth.users (id) values (:id) on conflict (id) do nothing")


class SqlAccountRepository(AccountRepository):
    """Accounts over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, account: Account) -> None:
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
        return await self._find(AccountDB.email == email.lower())

    async def get(self, user_id: UUID) -> Account | None:
        return await self._find(AccountDB.user_id == user_id)

    async def emails(self, user_ids: Collection[UUID]) -> Mapping[UUID, str]:
        known = select(AccountDB.user_id, AccountDB.email).where(AccountDB.user_id.in_(user_ids))
        return {row.user_id: row.email for row in await self._session.execute(known)}

    async def hold(self, account: Account) -> bool:
        unchanged = select(AccountDB.user_id).where(_is(account)).with_for_update(read=True)
        return await self._session.scalar(unchanged) is not None

    async def change_password(self, account: Account, password_hash: str) -> bool:
        changed = update(AccountDB).where(_is(account)).values(password_hash=password_hash).returning(AccountDB.user_id)
        return await self._session.scalar(changed) is not None

    async def change_address(self, account: Account, email: str) -> bool:
        mine = _is(account), AccountDB.email == account.email
        changed = update(AccountDB).where(*mine).values(email=email).returning(AccountDB.user_id)
        if await self._session.scalar(changed) is None:
            return False
        await self._session.execute(_CHANGE_USER, {"id": account.user_id, "email": email})
        return True

    async def set_admin(self, user_id: UUID, *, is_admin: bool) -> None:
        await self._session.execute(update(AccountDB).where(AccountDB.user_id == user_id).values(is_admin=is_admin))

    async def has_admin(self) -> bool:
        return bool(await self._session.scalar(select(exists().where(AccountDB.is_admin))))

    async def created_at(self, user_id: UUID) -> datetime | None:
        return await self._session.scalar(select(AccountDB.created_at).where(AccountDB.user_id == user_id))

    async def holdings(self, user_id: UUID) -> Holdings:
        return Holdings(*(await self._session.execute(_HOLDINGS, {"id": user_id})).one())

    async def list(self, page: PageRequest, email: str | None = None) -> Page[UserSummary]:
        which = {"after": page.after.id if page.after else _LATEST_ID, "email": email.lower() if email else None}
        rows = (await self._session.execute(_LIST, which | {"most": page.limit + 1})).mappings().all()
        users = [UserSummary(**row) for row in rows]
        return page_of(users, page, lambda user: PageKey(user.created_at, user.id), lambda user: user)

    async def erase(self, user_id: UUID) -> bool:
        await self._session.execute(_LOCK_BUDGETS)
        return await self._session.scalar(_ERASE_USER, {"id": user_id}) is not None

    async def ensure_user(self, user_id: UUID) -> None:
        await self._session.execute(_ENSURE_USER, {"id": user_id})

    async def _find(self, which: ColumnElement[bool]) -> Account | None:
        row = await self._session.scalar(select(AccountDB).where(which))
        return Account(row.user_id, row.email, row.password_hash, row.is_admin) if row else None


def _is(account: Account) -> ColumnElement[bool]:
    """The account's row, unless its password has been changed."""
    return and_(AccountDB.user_id == account.user_id, AccountDB.password_hash == account.password_hash)
