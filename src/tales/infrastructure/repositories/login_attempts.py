"""Attempts to get in, counted in `tales.login_attempts`."""

from __future__ import annotations

from sqlalchemy import and_, case, delete, exists, false, func, not_, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tales.application.ports import Clock
from tales.domain.repositories.login_attempts import LoginAttemptRepository
from tales.domain.throttle import FORGOTTEN_AFTER, Counts, LoginKind
from tales.infrastructure.postgres.fingerprints import fingerprint
from tales.infrastructure.postgres.models import AccountDB, LoginAttemptDB, SessionDB
from tales.infrastructure.repositories.sessions import FORGOTTEN_AT_ONCE

# The classes of advisory locks by which attempts on one address, and those of one client, wait for each other.
_ADDRESS_LOCK = 0x7A11
_CLIENT_LOCK = 0x7A12


class SqlLoginAttemptRepository(LoginAttemptRepository):
    """Counts over one session."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def tally(self, kind: LoginKind, address: str, client: str | None) -> tuple[Counts, Counts]:
        of_address = LoginAttemptDB.address_hash == fingerprint(address)
        of_client = LoginAttemptDB.client_hash == fingerprint(client)
        # Always in this order, so that no two wait for each other.
        for lock, text in ((_ADDRESS_LOCK, address), (_CLIENT_LOCK, client)):
            if text is not None:
                key = int.from_bytes(fingerprint(text)[:4], signed=True)
                await self._session.execute(select(func.pg_advisory_xact_lock(lock, key)))
        is_at_home = (
            exists().where(
                SessionDB.user_id == AccountDB.user_id,
                AccountDB.email == address,
                SessionDB.client_hash == fingerprint(client),
                SessionDB.expires_at > self._clock.now(),
            )
            if client is not None
            else false()
        )
        by_address = and_(of_address, or_(of_client, not_(is_at_home)))
        query = select(
            func.coalesce(func.sum(LoginAttemptDB.attempts).filter(by_address), 0),
            func.max(LoginAttemptDB.last_at).filter(by_address),
            func.coalesce(func.sum(LoginAttemptDB.attempts).filter(of_client), 0),
            func.max(LoginAttemptDB.last_at).filter(of_client),
        ).where(
            LoginAttemptDB.kind == kind,
            or_(of_address, of_client),
            LoginAttemptDB.last_at > self._clock.now() - FORGOTTEN_AFTER,
        )
        address_attempts, address_last, client_attempts, client_last = (await self._session.execute(query)).one()
        return Counts(int(address_attempts), address_last), Counts(int(client_attempts), client_last)

    async def count(self, kind: LoginKind, address: str, client: str | None) -> None:
        now = self._clock.now()
        first = insert(LoginAttemptDB).values(
            kind=kind, address_hash=fingerprint(address), client_hash=fingerprint(client), attempts=1, last_at=now
        )
        is_forgotten = LoginAttemptDB.last_at <= now - FORGOTTEN_AFTER
        await self._session.execute(
            first.on_conflict_do_update(
                constraint="login_attempts_pkey",
                set_={"attempts": case((is_forgotten, 1), else_=LoginAttemptDB.attempts + 1), "last_at": now},
            )
        )
        await self._forget_old()

    async def clear(self, kind: LoginKind, address: str) -> None:
        await self._session.execute(
            delete(LoginAttemptDB).where(
                LoginAttemptDB.kind == kind, LoginAttemptDB.address_hash == fingerprint(address)
            )
        )

    async def _forget_old(self) -> None:
        key = tuple_(LoginAttemptDB.kind, LoginAttemptDB.address_hash, LoginAttemptDB.client_hash)
        old = (
            select(LoginAttemptDB.kind, LoginAttemptDB.address_hash, LoginAttemptDB.client_hash)
            .where(LoginAttemptDB.last_at <= self._clock.now() - FORGOTTEN_AFTER)
            .order_by(LoginAttemptDB.last_at)
            .limit(FORGOTTEN_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await self._session.execute(delete(LoginAttemptDB).where(key.in_(old)))
