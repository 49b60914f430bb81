"""Prices in `tales.prices`, and estimates in `tales.attempt_estimates` (migration 029)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.generation import AttemptId
from tales.domain.prices import Price, PriceSource
from tales.domain.repositories.prices import PriceRepository

_IN_FORCE = text("""
    select distinct on (model)
        model, valid_from, prompt_usd_per_million, completion_usd_per_million, request_usd, source
    from tales.prices where valid_from <= :at order by model, valid_from desc
""")
_OF_MODEL = text("""
    select model, valid_from, prompt_usd_per_million, completion_usd_per_million, request_usd, source
    from tales.prices where model = :model order by valid_from desc
""")
_PUT = text("""
    insert into tales.prices (
        model, valid_from, prompt_usd_per_million, completion_usd_per_million, request_usd, source
    )
    values (:model, :valid_from, :prompt_usd_per_million, :completion_usd_per_million, :request_usd, :source)
    on conflict on constraint prices_pkey do update set
        prompt_usd_per_million = excluded.prompt_usd_per_million,
        completion_usd_per_million = excluded.completion_usd_per_million,
        request_usd = excluded.request_usd, source = excluded.source
""")
_TAKE_BACK = text("select tales.take_back_price(:model, :valid_from)")
_ESTIMATES = text("""
    select attempt_number, estimated_cost_usd from tales.attempt_estimates where generation_id = :generation_id
""")


class SqlPriceRepository(PriceRepository):
    """Prices over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def in_force(self, at: datetime) -> tuple[Price, ...]:
        rows = await self._session.execute(_IN_FORCE, {"at": at})
        return tuple(_price(row) for row in rows.mappings())

    async def of_model(self, model: str) -> tuple[Price, ...]:
        rows = await self._session.execute(_OF_MODEL, {"model": model})
        return tuple(_price(row) for row in rows.mappings())

    async def put(self, prices: Collection[Price]) -> None:
        if prices:
            await self._session.execute(_PUT, [asdict(price) for price in prices])

    async def take_back(self, model: str, valid_from: datetime) -> bool:
        return bool(await self._session.scalar(_TAKE_BACK, {"model": model, "valid_from": valid_from}))

    async def estimates(self, generation_id: UUID) -> Mapping[AttemptId, Decimal]:
        rows = await self._session.execute(_ESTIMATES, {"generation_id": generation_id})
        return {AttemptId(generation_id, row.attempt_number): row.estimated_cost_usd for row in rows}


def _price(row: RowMapping) -> Price:
    return Price(**dict(row) | {"source": PriceSource(row["source"])})
