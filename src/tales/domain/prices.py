"""What models charge: a price list in versions with dates, out of which costs are estimated that nobody has said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from tales.domain.checks import check_model, is_countable
from tales.domain.errors import InvalidInput

MOST_USD = Decimal(1_000_000)
"""Above any price that there is."""

NOTHING = Decimal(0)

DIGITS_PER_MILLION, DIGITS_PER_REQUEST = 9, 12
"""After the point, of US dollars."""


class PriceSource(StrEnum):
    """Who says so."""

    PROVIDER = "provider"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model charges from `valid_from` on, until its next price: US dollars a million tokens, and a request.

    Raises: InvalidInput for what is no price.
    """

    model: str
    valid_from: datetime
    prompt_usd_per_million: Decimal
    completion_usd_per_million: Decimal
    request_usd: Decimal = NOTHING
    source: PriceSource

    def __post_init__(self) -> None:
        check_model(self.model)
        for field in ("prompt_usd_per_million", "completion_usd_per_million", "request_usd"):
            amount = getattr(self, field)
            if not is_countable(amount) or not 0 <= amount <= MOST_USD:
                name = field.partition("_")[0]
                raise InvalidInput(field, f"The price for {name} must be from 0 to {MOST_USD:,} US dollars.")

    @property
    def amounts(self) -> tuple[Decimal, Decimal, Decimal]:
        """What it charges, to the digits that are kept."""
        return (
            round(self.prompt_usd_per_million, DIGITS_PER_MILLION),
            round(self.completion_usd_per_million, DIGITS_PER_MILLION),
            round(self.request_usd, DIGITS_PER_REQUEST),
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What some attempts may have cost, by the price list, in US dollars; how many they were."""

    usd: Decimal
    attempts: int


@dataclass(frozen=True, slots=True)
class Estimates:
    """Those of a report: by day and model, and by a dimension and its value; of users, only those that it names."""

    days: Mapping[tuple[date, str], Estimate]
    shares: Mapping[tuple[str, str], Estimate]


NO_ESTIMATE = Estimate(NOTHING, 0)
