"""A provider's list of models -> what each charges, as far as it says so in the way of OpenRouter.

`pricing` has US dollars as decimal text: of a token of the prompt, of one of the completion, and of a request. What a
model charges for images or a web search, no story needs. -1 stands for "it depends".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tales.domain.errors import InvalidInput
from tales.domain.prices import MOST_USD, Price, PriceSource

_MILLION = 1_000_000
_LONGEST_NUMBER = 40


def read_prices(body: bytes, now: datetime) -> tuple[Price, ...]:
    """The prices in the body of an answer, in force from `now` on; a model that has no clear one is left out."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    models = read.get("data") if isinstance(read, dict) else None
    found = {price.model: price for price in _prices(models if isinstance(models, list) else [], now)}
    return tuple(found.values())


def _prices(models: list[Any], now: datetime) -> Iterator[Price]:
    for model in models:
        pricing = model.get("pricing") if isinstance(model, dict) else None
        if not isinstance(pricing, dict) or not isinstance(model.get("id"), str):
            continue
        prompt, completion = _amount(pricing.get("prompt")), _amount(pricing.get("completion"))
        request = _amount(pricing.get("request") or "0")
        if prompt is None or completion is None or request is None:
            continue
        try:
            yield Price(
                model=model["id"],
                valid_from=now,
                prompt_usd_per_million=prompt * _MILLION,
                completion_usd_per_million=completion * _MILLION,
                request_usd=request,
                source=PriceSource.PROVIDER,
            )
        except InvalidInput:
            continue


def _amount(value: Any) -> Decimal | None:  # noqa: ANN401 -- a stranger's JSON
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > _LONGEST_NUMBER:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= MOST_USD else None
