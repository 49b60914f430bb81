"""What models charge, in versions with dates, for admins: the same as `tales prices`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, status
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from tales.application import prices as use_cases
from tales.application.prices import prices_for
from tales.domain import errors, prices
from tales.domain.checks import MAX_MODEL, check_model
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Amount, Answer, Body, Dollars, Instant, Moment, Shown, Text
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths

router = APIRouter(
    prefix=paths.ADMIN_PRICES,
    tags=["admin"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.Unavailable, errors.InvalidInput),
)

_EXAMPLE: JsonDict = {
    "model": "openai/gpt-4o-mini",
    "prompt_usd_per_million": "0.15",
    "completion_usd_per_million": "0.6",
}
Model = Annotated[Text, Shown(minLength=1, maxLength=MAX_MODEL)]


class NewPrice(Body):
    """What a model charges from `valid_from` on, or from now on, until its next price: US dollars."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    model: Model
    valid_from: Annotated[Instant | None, Field(description="Not before now (RFC 3339).")] = None
    prompt_usd_per_million: Amount
    completion_usd_per_million: Amount
    request_usd: Amount = prices.NOTHING


class WhichPrices(Body):
    """Without a `model`, the price of each that is in force."""

    model: Annotated[Text | None, Field(description="Every version of this model's price, the newest first.")] = None


class WhichPrice(Body):
    """The version of a model's price that is good from `valid_from` on."""

    model: Model
    valid_from: Instant


class Price(Answer):
    """A version, in US dollars. `source`: `provider` where its list says so, else `operator`."""

    model: str
    valid_from: Moment
    prompt_usd_per_million: Dollars
    completion_usd_per_million: Dollars
    request_usd: Dollars
    source: prices.PriceSource


class PriceList(Answer):
    """Prices by their models' names, or the versions of one."""

    items: list[Price]


@router.get("", summary="List the prices")
async def list_prices(which: Annotated[WhichPrices, Query()], actor: CurrentActor, services: UseCases) -> PriceList:
    """The prices in force; of one model, every version, also those of times to come."""
    if which.model is not None:
        check_model(which.model)
    async with prices_for(services.transactions, actor) as work:
        found = await use_cases.list_prices(work, services.clock.now(), which.model)
    return PriceList.model_validate({"items": found})


@router.put("", summary="Set a price", response_model=Price, responses=problems(body=True))
async def set_price(body: NewPrice, actor: CurrentActor, services: UseCases) -> prices.Price:
    """Set what a model charges from now on, or from a time to come on. What was in force before stays as it was."""
    now = services.clock.now()
    fields = body.model_dump() | {"valid_from": body.valid_from or now, "source": prices.PriceSource.OPERATOR}
    price = prices.Price(**fields)
    async with prices_for(services.transactions, actor) as work:
        await use_cases.set_price_from_now_on(work, price, now)
    return price


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Take back a price",
    responses=problems(errors.NotFound, errors.Conflict),
)
async def take_back_price(which: Annotated[WhichPrice, Query()], actor: CurrentActor, services: UseCases) -> None:
    """Take back a price that is not in force yet. One that is, or was, stays: calls have been estimated by it."""
    check_model(which.model)
    async with prices_for(services.transactions, actor) as work:
        await use_cases.take_back_price(work, which.model, which.valid_from, services.clock.now())
