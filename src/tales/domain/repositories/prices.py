"""Where the price list is kept, and what it says of calls that nobody has said the cost of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from tales.domain.generation import AttemptId
from tales.domain.prices import Price


class PriceRepository(Protocol):
    """Prices in versions: each is good until the next one of its model."""

    async def in_force(self, at: datetime) -> tuple[Price, ...]:
        """The price of each model that has one at that time, by its name."""

    async def of_model(self, model: str) -> tuple[Price, ...]:
        """Every version, the newest first."""

    async def put(self, prices: Collection[Price]) -> None:
        """Keep these; one that is of the same model and time as another takes its place."""

    async def take_back(self, model: str, valid_from: datetime) -> bool:
        """Forget the version of that time where it is not in force yet; False where there is none."""

    async def estimates(self, generation_id: UUID) -> Mapping[AttemptId, Decimal]:
        """US dollars of the attempts whose cost nobody has said, and whose tokens and price are known."""
