"""Attempts to get in, counted in `tales.entry_attempts`."""

from __future__ import annotations

from sqlalchemy import and_, case, delete, exists, false, func, not_, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tales.application.ports import Clock
from tales.domain.throttle import FORGOTTEN_AFTER, EntryKind, Tally
from tales.infrastructure.persistence.fingerprints import fingerprint
from tales.infrastructure.persistence.models import AccountDB, EntryAttemptDB, SessionDB
from tales.infrastructure.persistence.session_repository import FORGOTTEN_AT_ONCE

# The classes of advisory locks by which attempts on one address, and those of one client, wait for each other.
_ADDRESS_LOCK = 0x7A11
_CLIENT_LOCK = 0x7A12


class SqlEntryAttemptRepository:
    """See `tales.domain.repositories.entry_attempts.EntryAttemptRepository`."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def tally(self, kind: EntryKind, address: str, client: str | None) -> tuple[Tally, Tally]:
        """The attempts for `address`, and those of `client`; others wait until the transaction ends."""
        of_address = EntryAttemptDB.address_hash == fingerprint(address)
        of_client = EntryAttemptDB.client_hash == fingerprint(client)
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
            func.coalesce(func.sum(EntryAttemptDB.attempts).filter(by_address), 0),
            func.max(EntryAttemptDB.last_at).filter(by_address),
            func.coalesce(func.sum(EntryAttemptDB.attempts).filter(of_client), 0),
            func.max(EntryAttemptDB.last_at).filter(of_client),
        ).where(
            EntryAttemptDB.kind == kind,
            or_(of_address, of_client),
            EntryAttemptDB.last_at > self._clock.now() - FORGOTTEN_AFTER,
        )
        address_attempts, address_last, client_attempts, client_last = (await self._session.execute(query)).one()
        return Tally(int(address_attempts), address_last), Tally(int(client_attempts), client_last)

    async def count(self, kind: EntryKind, address: str, client: str | None) -> None:
        """One attempt more."""
        now = self._clock.now()
        first = insert(EntryAttemptDB).values(
            kind=kind, address_hash=fingerprint(address), client_hash=fingerprint(client), attempts=1, last_at=now
        )
        is_forgotten = EntryAttemptDB.last_at <= now - FORGOTTEN_AFTER
        await self._session.execute(
            first.on_conflict_do_update(
                constraint="entry_attempts_pkey",
                set_={"attempts": case((is_forgotten, 1), else_=EntryAttemptDB.attempts + 1), "last_at": now},
            )
        )
        await self._forget_old()

    async def clear(self, kind: EntryKind, address: str) -> None:
        """Forget the attempts for `address`: one has succeeded."""
        await self._session.execute(
            delete(EntryAttemptDB).where(
                EntryAttemptDB.kind == kind, EntryAttemptDB.address_hash == fingerprint(address)
            )
        )

    async def _forget_old(self) -> None:
        key = tuple_(EntryAttemptDB.kind, EntryAttemptDB.address_hash, EntryAttemptDB.client_hash)
        old = (
            select(EntryAttemptDB.kind, EntryAttemptDB.address_hash, EntryAttemptDB.client_hash)
            .where(EntryAttemptDB.last_at <= self._clock.now() - FORGOTTEN_AFTER)
            .order_by(EntryAttemptDB.last_at)
            .limit(FORGOTTEN_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await self._session.execute(delete(EntryAttemptDB).where(key.in_(old)))
