"""Looks at others' contents in `tales.looks`, which only the service reaches."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.looks import Look
from tales.domain.repositories.looks import LookRepository
from tales.infrastructure.postgres.models import LookDB
from tales.infrastructure.postgres.roles import acting_as


class SqlLookRepository(LookRepository):
    """Looks over one session; `role` is the transaction's own."""

    def __init__(self, session: AsyncSession, role: str) -> None:
        self._session = session
        self._role = role

    async def add(self, look: Look) -> None:
        async with acting_as(self._session, "service_role", then=self._role):
            await self._session.execute(
                insert(LookDB).values(
                    via=look.via,
                    viewer_id=look.viewer_id,
                    generation_id=look.generation_id,
                    user_id=look.user_id,
                )
            )
