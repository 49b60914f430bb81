"""Where what bounds a user is kept. Only the service itself reaches keys and rates."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from tales.domain.idempotency import IdempotencyRecord


class IdempotencyKeyRepository(Protocol):
    """What users' keys stand for."""

    async def claim(self, use: IdempotencyRecord) -> IdempotencyRecord:
        """What the key stands for: `use`, unless it was taken before.

        Waits for a transaction that is taking the same key.
        """

    async def forget_before(self, before: datetime) -> None:
        """Delete keys that were taken before `before`."""


class RequestRates(Protocol):
    """How fast users send requests. Each call is one statement and one commit, which many may share."""

    async def take(self, user_id: UUID, per_minute: int) -> float:
        """Count one request of this user: 0, or the seconds to wait when there were too many, and it is not counted."""


class RequestRateRepository(Protocol):
    """The same, as it is kept."""

    async def forget_idle(self) -> None:
        """Delete what no longer makes anybody wait."""
