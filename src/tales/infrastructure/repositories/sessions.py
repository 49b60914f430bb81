"""Sessions in `tales.sessions`, and the refresh tokens that they have left behind."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tales.application.ports import Clock
from tales.domain.repositories.sessions import Session, SessionRepository
from tales.infrastructure.postgres.fingerprints import address_fingerprint, fingerprint
from tales.infrastructure.postgres.models import ReplacedRefreshTokenDB, SessionDB

FORGOTTEN_AT_ONCE = 10
"""Rows that one transaction clears away: more than it makes, and too few to be felt."""


class SqlSessionRepository(SessionRepository):
    """Sign-ins over one session of the database."""

    def __init__(self, session: AsyncSession, clock: Clock, key: bytes) -> None:
        self._session = session
        self._clock = clock
        self._key = key

    async def open(self, session: Session, refresh_token: str) -> None:
        await self._session.execute(
            insert(SessionDB).values(
                id=session.id,
                user_id=session.user_id,
                refresh_token_hash=fingerprint(refresh_token),
                client_hash=address_fingerprint(self._key, session.client),
                created_at=session.created_at,
                expires_at=session.expires_at,
            )
        )

    async def hold(self, refresh_token: str) -> Session | None:
        return await self._session_of(self._of(refresh_token).with_for_update(key_share=True))

    async def find(self, refresh_token: str) -> Session | None:
        return await self._session_of(self._of(refresh_token))

    async def prolong(self, session_id: UUID, expires_at: datetime) -> None:
        await self._session.execute(update(SessionDB).where(SessionDB.id == session_id).values(expires_at=expires_at))

    async def replace_token(self, session: Session, refresh_token: str, new_token: str, expires_at: datetime) -> None:
        await self._session.execute(
            insert(ReplacedRefreshTokenDB).values(
                token_hash=fingerprint(refresh_token), session_id=session.id, replaced_at=self._clock.now()
            )
        )
        await self._session.execute(
            update(SessionDB)
            .where(SessionDB.id == session.id)
            .values(refresh_token_hash=fingerprint(new_token), expires_at=expires_at)
        )

    async def find_replaced(self, refresh_token: str) -> UUID | None:
        return await self._session.scalar(
            select(ReplacedRefreshTokenDB.session_id).where(
                ReplacedRefreshTokenDB.token_hash == fingerprint(refresh_token)
            )
        )

    async def is_open(self, session_id: UUID) -> bool:
        return bool(await self._session.scalar(select(exists().where(SessionDB.id == session_id))))

    async def close(self, session_id: UUID) -> None:
        await self._session.execute(delete(SessionDB).where(SessionDB.id == session_id))

    async def close_all(self, user_id: UUID, *, but: UUID | None = None) -> None:
        of_user = delete(SessionDB).where(SessionDB.user_id == user_id)
        await self._session.execute(of_user if but is None else of_user.where(SessionDB.id != but))

    async def forget_expired(self) -> None:
        expired = (
            select(SessionDB.id)
            .where(SessionDB.expires_at <= self._clock.now())
            .order_by(SessionDB.expires_at)
            .limit(FORGOTTEN_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        await self._session.execute(delete(SessionDB).where(SessionDB.id.in_(expired)))

    def _of(self, refresh_token: str) -> Select[SessionDB]:
        """The session of a refresh token, if it has not expired."""
        return select(SessionDB).where(
            SessionDB.refresh_token_hash == fingerprint(refresh_token), SessionDB.expires_at > self._clock.now()
        )

    async def _session_of(self, which: Select[SessionDB]) -> Session | None:
        row = await self._session.scalar(which)
        return Session(row.id, row.user_id, None, row.created_at, row.expires_at) if row else None
