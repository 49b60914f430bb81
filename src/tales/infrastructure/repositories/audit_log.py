"""Looks at others' contents in `tales.audit_log`, which only the service reaches."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.audit import AuditEntry
from tales.domain.repositories.audit_log import AuditLog
from tales.infrastructure.postgres.models import AuditLogDB
from tales.infrastructure.postgres.roles import SERVICE, acting_as


class SqlAuditLog(AuditLog):
    """Looks over one session; `role` is the transaction's own."""

    def __init__(self, session: AsyncSession, role: str) -> None:
        self._session = session
        self._role = role

    async def add(self, entry: AuditEntry) -> None:
        async with acting_as(self._session, SERVICE, then=self._role):
            await self._session.execute(
                insert(AuditLogDB).values(
                    via=entry.via,
                    viewer_id=entry.viewer_id,
                    generation_id=entry.generation_id,
                    user_id=entry.user_id,
                )
            )
