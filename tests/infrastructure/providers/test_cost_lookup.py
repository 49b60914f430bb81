"""What a provider says of the cost of a call, and what is made of anything else that it could say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tales.domain.errors import Unavailable
from tales.infrastructure.providers.cost_lookup import CostLookup
from tales.infrastructure.providers.endpoint import Endpoint


@asynccontextmanager
async def saying(body: Any = None, *, status: int = 200, text: str | None = None) -> AsyncIterator[CostLookup]:
    """A provider that gives one answer to whoever has its key, and a lookup of it."""

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key"
        assert request.query["id"] == "gen-1&x=2"
        if text is not None:
            return web.Response(status=status, text=text, headers={"Location": "/elsewhere"})
        return web.json_response(body, status=status)

    application = web.Application()
    application.router.add_get("/v1/generation", answer)
    async with TestServer(application) as server, CostLookup(Endpoint(f"{server.make_url('/v1')}", "key")) as lookup:
        yield lookup


@pytest.mark.parametrize(
    ("data", "cost"),
    [
        ({"total_cost": 0.00042}, "0.00042"),
        ({"total_cost": 0}, "0"),
        ({"total_cost": 0, "is_byok": True, "upstream_inference_cost": 0.5}, "0.5"),
        ({"total_cost": 0.025, "is_byok": True, "upstream_inference_cost": 0.5}, "0.525"),
        ({"total_cost": 0, "is_byok": True, "upstream_inference_cost": 0}, None),
        ({"total_cost": 0, "is_byok": True}, None),
        ({"total_cost": -1}, None),
        ({"total_cost": 1e300}, None),
        ({"total_cost": True}, None),
        ({"total_cost": "free"}, None),
        ({"total_cost": [1]}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
async def test_an_amount_is_taken_and_nothing_else(data: Any, cost: str | None) -> None:
    async with saying({"data": data}) as lookup:
        assert await lookup.cost("gen-1&x=2") == (None if cost is None else Decimal(cost))


async def test_an_answer_that_comes_in_many_pieces_is_read_to_its_end() -> None:
    async with saying({"data": {"padding": "x" * 500_000, "total_cost": 0.5}}) as lookup:
        assert await lookup.cost("gen-1&x=2") == Decimal("0.5")


async def test_an_answer_without_an_end_in_sight_says_nothing() -> None:
    async with saying({"data": {"padding": "x" * 3_000_000, "total_cost": 0.5}}) as lookup:
        assert await lookup.cost("gen-1&x=2") is None


@pytest.mark.parametrize("text", ["", "no json", "[" * 100_000, '{"data": {"total_cost": NaN}}', "7"])
async def test_what_is_no_answer_says_nothing(text: str) -> None:
    async with saying(text=text) as lookup:
        assert await lookup.cost("gen-1&x=2") is None


@pytest.mark.parametrize("status", [404, 400, 302])
async def test_a_call_that_the_provider_does_not_know_has_no_cost(status: int) -> None:
    async with saying(status=status, text="{}") as lookup:
        assert await lookup.cost("gen-1&x=2") is None


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_a_provider_that_will_not_say_now_is_left_alone(status: int) -> None:
    async with saying(status=status, text="{}") as lookup:
        with pytest.raises(Unavailable, match=f"HTTP {status}"):
            await lookup.cost("gen-1&x=2")


async def test_no_connection_is_said_without_the_address() -> None:
    async with CostLookup(Endpoint("http://127.0.0.1:1/v1", "key")) as lookup:
        with pytest.raises(Unavailable, match="no connection") as refused:
            await lookup.cost("gen-1")
    assert "127.0.0.1" not in refused.value.message
