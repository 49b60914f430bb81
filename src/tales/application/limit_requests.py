"""How many requests one user may send: the same count for every process, as it is kept in the database."""

from __future__ import annotations

from dataclasses import dataclass

from tales.domain.actor import Actor
from tales.domain.limits import check_request_rate
from tales.domain.repositories.limits import RequestRates


@dataclass(frozen=True, slots=True)
class LimitRequests:
    """Counts requests. `per_minute` is what one user may send; None: as many as they like, and nothing is counted."""

    rates: RequestRates
    per_minute: int | None = None

    async def __call__(self, actor: Actor) -> None:
        """Count one request. Raises: TooManyRequests."""
        if self.per_minute is not None:
            check_request_rate(self.per_minute, await self.rates.take(actor.user_id, self.per_minute))
