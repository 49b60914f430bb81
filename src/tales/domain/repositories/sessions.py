"""Sessions: what began with a sign-in, is prolonged by refresh tokens, and ends with a sign-out at the latest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Session:
    """A user's session. `client` is the network address that it began from, None when that says nothing."""

    id: UUID
    user_id: UUID
    client: str | None
    created_at: datetime
    expires_at: datetime


class SessionRepository(Protocol):
    """Open sessions; only the service itself may reach them. Refresh tokens are kept as hashes only."""

    async def open(self, session: Session, refresh_token: str) -> None:
        """Insert a session with its first refresh token."""

    async def hold(self, refresh_token: str) -> Session | None:
        """The session whose present refresh token this is, held against others until the transaction ends."""

    async def find(self, refresh_token: str) -> Session | None:
        """The session whose present refresh token this is."""

    async def prolong(self, session_id: UUID, expires_at: datetime) -> None:
        """Have a session end at `expires_at`, by the token that it has."""

    async def replace_token(self, session: Session, refresh_token: str, new_token: str, expires_at: datetime) -> None:
        """From now on it is `new_token` that prolongs this session, until `expires_at`."""

    async def find_replaced(self, refresh_token: str) -> UUID | None:
        """The open session whose refresh token this was once, before another replaced it."""

    async def is_open(self, session_id: UUID) -> bool:
        """Whether the session has not ended."""

    async def close(self, session_id: UUID) -> None:
        """End a session, if it has not ended."""

    async def close_all(self, user_id: UUID, *, but: UUID | None = None) -> None:
        """End all sessions of a user, `but` this one."""

    async def forget_expired(self) -> None:
        """Delete some of the sessions that nobody has prolonged in time."""
