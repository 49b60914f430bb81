"""What a call cost, asked of the provider afterwards by the id that it gave it (OpenRouter's `GET /generation`), and
what its models charge (`GET /models`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

import aiohttp
from yarl import URL

from tales.domain.errors import Unavailable
from tales.domain.prices import Price
from tales.infrastructure.providers.endpoint import Endpoint
from tales.infrastructure.providers.price_list import read_prices

_TIMEOUT = aiohttp.ClientTimeout(total=20)
_MOST_BYTES = 1 << 20
_MOST_BYTES_OF_MODELS = 1 << 24
_MOST_DOLLARS = 999_999


class CostLookup:
    """Asks one provider. Nothing is tried again, and no redirect is followed: the key is for this address alone."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._endpoint.request_headers(),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=_TIMEOUT,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def cost(self, provider_generation_id: str) -> Decimal | None:
        """US dollars; None where the provider does not know the call, or says nothing that is an amount.

        Raises: Unavailable when it cannot be asked now.
        """
        url = self._endpoint.generation_url.update_query(id=provider_generation_id)
        return _cost(await self._get(url, _MOST_BYTES, "what calls cost"))

    async def prices(self, now: datetime) -> tuple[Price, ...]:
        """What each model of its list charges from now on, as far as the list says so.

        Raises: Unavailable when it cannot be asked now.
        """
        return read_prices(await self._get(self._endpoint.models_url, _MOST_BYTES_OF_MODELS, "what models charge"), now)

    async def _get(self, url: URL, most: int, what: str) -> bytes:
        """The body of its answer; an empty one where it says that there is none. Raises: Unavailable."""
        assert self._session is not None  # it was entered
        proxy = self._endpoint.proxy
        try:
            async with self._session.get(url, allow_redirects=False, proxy=proxy.url if proxy else None) as answer:
                if answer.status in {401, 403, 408, 429} or answer.status >= 500:
                    raise Unavailable(f"The provider does not say now {what} (HTTP {answer.status}).")
                return await _read(answer, most) if answer.status == 200 else b""
        except (aiohttp.ClientError, OSError):
            raise Unavailable(f"The provider cannot be asked {what}: no connection to it.") from None


async def _read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body, in however many pieces it comes; of one that is too long, as much as shows that it is."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > most:
            break
    return bytes(body)


def _cost(body: bytes) -> Decimal | None:
    """With the operator's own key at the provider behind it, what that one charges is part of it, and 0 is not free."""
    try:
        data = _object(_object(json.loads(body)).get("data"))
    except (ValueError, RecursionError):
        return None
    fee, charge = (_amount(data.get(name)) for name in ("total_cost", "upstream_inference_cost"))
    if data.get("is_byok") is not True:
        return fee
    return charge + (fee or 0) if charge else None


def _amount(value: Any) -> Decimal | None:  # noqa: ANN401 -- a stranger's JSON
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(Decimal(str(value)), 12) if math.isfinite(value) and 0 <= value <= _MOST_DOLLARS else None


def _object(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 -- as above
    return value if isinstance(value, dict) else {}
