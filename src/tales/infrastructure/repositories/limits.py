"""What bounds a user: idempotency keys and request rates, in tables that no user reaches."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.idempotency import IdempotencyRecord
from tales.domain.repositories.limits import IdempotencyKeyRepository, RequestRateRepository
from tales.infrastructure.postgres.models import IdempotencyKeyDB, RequestRateDB
from tales.infrastructure.postgres.roles import SERVICE, acting_as


class SqlIdempotencyKeyRepository(IdempotencyKeyRepository):
    """Keys over one session; `role` is the transaction's own."""

    def __init__(self, session: AsyncSession, role: str) -> None:
        self._session = session
        self._role = role

    async def claim(self, use: IdempotencyRecord) -> IdempotencyRecord:
        take = (
            insert(IdempotencyKeyDB)
            .values(user_id=use.user_id, key=use.key, fingerprint=use.fingerprint, generation_id=use.generation_id)
            .on_conflict_do_nothing(constraint="idempotency_keys_pkey")
            .returning(IdempotencyKeyDB.key)
        )
        find = select(IdempotencyKeyDB).where(IdempotencyKeyDB.user_id == use.user_id, IdempotencyKeyDB.key == use.key)
        async with acting_as(self._session, SERVICE, then=self._role):
            while True:
                if await self._session.scalar(take) is not None:
                    return use
                # A statement of its own sees what the transaction that it waited for has committed.
                row = await self._session.scalar(find)
                if row is not None:
                    return IdempotencyRecord(row.user_id, row.key, row.fingerprint, row.generation_id)
                # In between, the reaper has forgotten it: it is free again.

    async def forget_before(self, before: datetime) -> None:
        async with acting_as(self._session, SERVICE, then=self._role):
            await self._session.execute(delete(IdempotencyKeyDB).where(IdempotencyKeyDB.created_at < before))


class SqlRequestRateRepository(RequestRateRepository):
    """Rates over one session; `role` is the transaction's own."""

    def __init__(self, session: AsyncSession, role: str) -> None:
        self._session = session
        self._role = role

    async def forget_idle(self) -> None:
        # Whoever has locked one counts a request just now: a batch of those and this might wait for each other.
        idle = select(RequestRateDB.user_id).where(RequestRateDB.next_at < func.now()).with_for_update(skip_locked=True)
        async with acting_as(self._session, SERVICE, then=self._role):
            await self._session.execute(delete(RequestRateDB).where(RequestRateDB.user_id.in_(idle)))
