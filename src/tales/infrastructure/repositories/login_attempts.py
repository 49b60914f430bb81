"""Attempts to get in, counted in `tales.login_attempts`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, not_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tales.application.ports import Clock
from tales.domain.repositories.login_attempts import LoginAttemptRepository
from tales.domain.throttle import FORGOTTEN_AFTER, FREE, Counts, LoginKind, Standing
from tales.infrastructure.postgres.fingerprints import address_fingerprint
from tales.infrastructure.postgres.models import AccountDB, LoginAttemptDB, SessionDB
from tales.infrastructure.repositories.sessions import FORGOTTEN_AT_ONCE

# The classes of advisory locks by which attempts on one address, and those of one client, wait for each other.
_ADDRESS_LOCK = 0x7A11
_CLIENT_LOCK = 0x7A12


class SqlLoginAttemptRepository(LoginAttemptRepository):
    """Counts over one session."""

    def __init__(self, session: AsyncSession, clock: Clock, key: bytes) -> None:
        self._session = session
        self._clock = clock
        self._key = key

    async def stand(self, kind: LoginKind, address: str, client: str | None) -> Standing:
        # Always in this order, so that no two wait for each other.
        for lock, text in ((_ADDRESS_LOCK, address), (_CLIENT_LOCK, client)):
            if text is not None:
                key = int.from_bytes(self._hash(text)[:4], signed=True)
                await self._session.execute(select(func.pg_advisory_xact_lock(lock, key)))
        row = await self._session.scalar(select(LoginAttemptDB).where(self._is(kind, address, client), self._counts()))
        own = Counts(row.attempts, row.last_at if row.attempts else None) if row else Counts(0, None)
        at_home = client is not None and bool(await self._session.scalar(select(self._is_at_home(address, client))))
        line = None if at_home else await self._line(kind, address, client, repeats=own.attempts >= FREE)
        tried = LoginAttemptDB.attempts > 0
        elsewhere = select(
            func.coalesce(func.sum(LoginAttemptDB.attempts), 0), func.max(LoginAttemptDB.last_at).filter(tried)
        ).where(LoginAttemptDB.kind == kind, LoginAttemptDB.client_hash == self._hash(client), self._counts())
        attempts, last_at = (await self._session.execute(elsewhere)).one()
        return Standing(own, row.turn_at if row else None, line, Counts(int(attempts), last_at))

    async def give_turn(self, kind: LoginKind, address: str, client: str | None, turn_at: datetime) -> None:
        await self._write(kind, address, client, attempts=0, turn_at=turn_at)

    async def count(self, kind: LoginKind, address: str, client: str | None) -> None:
        await self._write(kind, address, client, attempts=1, turn_at=None)
        await self._forget_old()

    async def clear(self, kind: LoginKind, address: str, client: str | None) -> None:
        await self._session.execute(delete(LoginAttemptDB).where(self._is(kind, address, client)))

    async def forget(self, address: str) -> None:
        of_address = LoginAttemptDB.address_hash == self._hash(address)
        await self._session.execute(delete(LoginAttemptDB).where(LoginAttemptDB.kind.in_(LoginKind), of_address))

    async def _line(self, kind: LoginKind, address: str, client: str | None, *, repeats: bool) -> Counts:
        """What newcomers have tried at an address, or those who have tried it often; a turn counts as an attempt."""
        attempts, turn_at = LoginAttemptDB.attempts, LoginAttemptDB.turn_at
        waits = and_(
            turn_at.is_not(None),
            LoginAttemptDB.client_hash != self._hash(client),
            attempts >= FREE if repeats else attempts < FREE,
        )
        counted = func.greatest(attempts - FREE, 0) if repeats else func.least(attempts, FREE)
        tried = attempts >= FREE if repeats else attempts.between(1, FREE)
        query = select(
            func.coalesce(func.sum(counted), 0) + func.count().filter(waits),
            func.greatest(func.max(LoginAttemptDB.last_at).filter(tried), func.max(turn_at).filter(waits)),
        ).where(LoginAttemptDB.kind == kind, LoginAttemptDB.address_hash == self._hash(address), self._counts())
        total, last_at = (await self._session.execute(query)).one()
        return Counts(int(total), last_at)

    async def _write(
        self, kind: LoginKind, address: str, client: str | None, *, attempts: int, turn_at: datetime | None
    ) -> None:
        """Add attempts to those of a client at an address; a turn alone is no attempt, and leaves their time alone."""
        now = self._clock.now()
        first = insert(LoginAttemptDB).values(
            kind=kind,
            address_hash=self._hash(address),
            client_hash=self._hash(client),
            attempts=attempts,
            last_at=now,
            turn_at=turn_at,
        )
        is_forgotten = not_(self._counts())
        more = case((is_forgotten, attempts), else_=LoginAttemptDB.attempts + attempts)
        last_at = now if attempts else case((is_forgotten, now), else_=LoginAttemptDB.last_at)
        await self._session.execute(
            first.on_conflict_do_update(
                constraint="login_attempts_pkey", set_={"attempts": more, "last_at": last_at, "turn_at": turn_at}
            )
        )

    def _counts(self) -> ColumnElement[bool]:
        """Whether a row has not been forgotten yet."""
        return LoginAttemptDB.last_at > self._clock.now() - FORGOTTEN_AFTER

    def _is_at_home(self, address: str, client: str) -> ColumnElement[bool]:
        """Whether a client holds a session of this address."""
        return exists().where(
            SessionDB.user_id == AccountDB.user_id,
            AccountDB.email == address,
            SessionDB.client_hash == self._hash(client),
            SessionDB.expires_at > self._clock.now(),
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

    def _is(self, kind: LoginKind, address: str, client: str | None) -> ColumnElement[bool]:
        """The row of what a client has tried at an address."""
        return and_(
            LoginAttemptDB.kind == kind,
            LoginAttemptDB.address_hash == self._hash(address),
            LoginAttemptDB.client_hash == self._hash(client),
        )

    def _hash(self, address: str | None) -> bytes:
        return address_fingerprint(self._key, address)
