"""A statement or two within a user's transaction that the user has no right to: as another role, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SERVICE = "service_role"
_BECOME = text("select set_config('role', :role, true)")


@asynccontextmanager
async def acting_as(session: AsyncSession, role: str, *, then: str) -> AsyncIterator[None]:
    """Inside, the session's statements are `role`'s; afterwards those of `then`. A transaction that fails ends both."""
    if role != then:
        await session.execute(_BECOME, {"role": role})
    yield
    if role != then:
        await session.execute(_BECOME, {"role": then})
