"""Prices out of a provider's list of models, and nothing out of what is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tales.domain.errors import Unavailable
from tales.infrastructure.providers.cost_lookup import CostLookup
from tales.infrastructure.providers.endpoint import Endpoint
from tales.infrastructure.providers.price_list import read_prices
from tales.simulator.server import running_simulator

NOW = datetime(2026, 11, 29, tzinfo=UTC)
GOOD = {"prompt": "0.00000015", "completion": "0.0000006", "request": "0"}


def read(*pricings: Any) -> list[tuple[Decimal, Decimal, Decimal]]:
    models = [{"id": f"model-{place}", "pricing": pricing} for place, pricing in enumerate(pricings)]
    return [price.amounts for price in read_prices(json.dumps({"data": models}).encode(), NOW)]


def test_dollars_a_token_are_read_to_the_last_digit() -> None:
    assert read(GOOD, {"prompt": "0", "completion": 2e-6}, GOOD | {"request": "0.005", "image": "?"}) == [
        (Decimal("0.15"), Decimal("0.6"), Decimal(0)),
        (Decimal(0), Decimal(2), Decimal(0)),
        (Decimal("0.15"), Decimal("0.6"), Decimal("0.005")),
    ]


@pytest.mark.parametrize(
    "pricing",
    [
        *(None, [], "free", {}, {"prompt": "0.1"}),
        *(
            GOOD | {"prompt": odd}
            for odd in ("-1", -1, "cheap", "", None, True, [1], "NaN", "sNaN", "1E+999999", "Infinity", "9" * 50)
        ),
        *(GOOD | {name: "1e9"} for name in ("completion", "request")),
    ],
)
def test_a_model_without_a_clear_price_is_left_out(pricing: Any) -> None:
    assert len(read(pricing, GOOD)) == 1


@pytest.mark.parametrize("body", [b"", b"[", b"7", b"[]", b'{"data": 1}', b'{"data": [1, {}]}', b"[" * 100_000])
def test_what_is_no_list_has_no_prices(body: bytes) -> None:
    assert read_prices(body, NOW) == ()


def test_a_name_that_cannot_be_one_is_left_out() -> None:
    models = [{"id": odd, "pricing": GOOD} for odd in ("", "a\x00", 5, "m" * 300)]
    assert read_prices(json.dumps({"data": models}).encode(), NOW) == ()


async def test_the_simulator_charges_what_it_lists() -> None:
    async with running_simulator() as simulator, CostLookup(Endpoint(simulator.url)) as lookup:
        prices = {price.model: price for price in await lookup.prices(NOW)}

    assert prices["sim/ok"].amounts == (Decimal("0.15"), Decimal("0.6"), Decimal(0))
    assert prices["sim/ok"].valid_from == NOW


async def test_a_provider_that_is_away_is_said() -> None:
    async with CostLookup(Endpoint("http://127.0.0.1:1/v1")) as lookup:
        with pytest.raises(Unavailable, match="cannot be asked what models charge"):
            await lookup.prices(NOW)
