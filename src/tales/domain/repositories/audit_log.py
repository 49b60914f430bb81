"""Where it is kept who has looked at another family's contents."""

from __future__ import annotations

from typing import Protocol

from tales.domain.audit import AuditEntry


class AuditLog(Protocol):
    """Looks, which nobody changes or deletes."""

    async def add(self, entry: AuditEntry) -> None:
        """Record a look, by the transaction that reads what is looked at."""
