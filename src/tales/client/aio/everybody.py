"""Every family's generations, for admins."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal

from tales.client import wire
from tales.client.aio.pages import each
from tales.client.aio.transport import Transport
from tales.client.models import CompleteGeneration, ListedGeneration
from tales.client.wire import Id, path_of


class EverybodysGenerations:
    """The generations of every family. Raises: Forbidden for whoever is no admin."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        status: str | None = None,
        model: str | None = None,
        error_type: str | None = None,
        user_id: Id | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        cost_over: Decimal | float | None = None,
        slower_than: float | None = None,
        page_size: int | None = None,
    ) -> AsyncGenerator[ListedGeneration]:
        """Those whose latest attempt fits all that is said, the newest first; no word of a family.

        `cost_over` in US dollars, `slower_than` in seconds.
        """
        query: wire.Query = {
            "status": status,
            "model": model,
            "error_type": error_type,
            "user_id": user_id and str(user_id),
            "created_after": created_after,
            "created_before": created_before,
            "cost_over": None if cost_over is None else format(Decimal(str(cost_over)), "f"),
            "slower_than": None if slower_than is None else str(slower_than),
        }
        return each(self._transport, "/admin/generations", ListedGeneration, query, page_size)

    async def get(self, generation_id: Id) -> CompleteGeneration:
        """One with every prompt and response. The service records the look. Raises: NotFound."""
        request = wire.Request(method="GET", path=path_of("admin", "generations", generation_id))
        return wire.read(CompleteGeneration, await self._transport.send(request))
