"""What bounds a user: idempotency keys and request rates, in tables that no user reaches, and what was asked for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.idempotency import IdempotencyRecord
from tales.domain.limits import DAY, Usage
from tales.domain.repositories.limits import IdempotencyKeyRepository, RequestRateRepository, UsageRepository
from tales.infrastructure.postgres.models import IdempotencyKeyDB, RequestRateDB
from tales.infrastructure.postgres.roles import acting_as

SERVICE = "service_role"

# One statement: an update that is not allowed changes nothing, and the second part then says how long to wait. `bucket`
# is what may come at once. The clock's time, not the transaction's: a statement may have waited for another one's row.
_TAKE = text("""
    with rate as (
        select make_interval(secs => 60 / cast(:per_minute as float8)) as gap, interval '1 minute' as bucket
    ),
    taken as (
        insert into tales.request_rates as r (user_id, next_at)
        select :user_id, clock_timestamp() + gap from rate
        on conflict (user_id) do update
            set next_at = greatest(r.next_at, clock_timestamp()) + (select gap from rate)
            where greatest(r.next_at, clock_timestamp()) + (select gap from rate)
                <= clock_timestamp() + (select bucket from rate)
        returning next_at
    )
    select case when exists (select from taken) then 0 else (
        select greatest(0.001, extract(epoch from coalesce(
            (select gap + (next_at - bucket - clock_timestamp()) from tales.request_rates where user_id = :user_id), gap
        )))
        from rate
    ) end
""")
# Two users of one hash wait for each other now and then, no more.
_LOCK_USAGE = text("select pg_advisory_xact_lock(hashtext('tales.generations'), hashtext(:user_id))")
# No attempt is in flight for a day, so the index on the user and the time finds all of it. Not the clock's own time: no
# index is searched with that.
_USAGE = text("""
    select
        count(*) filter (where attempt_number = 1) as asked,
        count(*) filter (where status = 'pending') as in_flight,
        coalesce(extract(epoch from
            min(created_at) filter (where attempt_number = 1) + cast(:day as interval) - now()
        ), 0) as oldest_leaves_in
    from tales.generations
    where user_id = :user_id and created_at > now() - cast(:day as interval)
""")


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

    async def take(self, user_id: UUID, per_minute: int) -> float:
        async with acting_as(self._session, SERVICE, then=self._role):
            wait = await self._session.scalar(_TAKE, {"user_id": user_id, "per_minute": per_minute})
        return float(wait or 0)

    async def forget_idle(self) -> None:
        async with acting_as(self._session, SERVICE, then=self._role):
            await self._session.execute(delete(RequestRateDB).where(RequestRateDB.next_at < func.now()))


class SqlUsageRepository(UsageRepository):
    """Counts of attempts over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_user(self, user_id: UUID) -> Usage:
        await self._session.execute(_LOCK_USAGE, {"user_id": str(user_id)})
        # A statement of its own: it sees what the transaction that was waited for has committed.
        row = (await self._session.execute(_USAGE, {"user_id": user_id, "day": DAY})).one()
        return Usage(row.asked, row.in_flight, float(row.oldest_leaves_in))
