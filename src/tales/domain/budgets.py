"""What may be spent on stories in a day and in a month (UTC): in all, for a model, for one user, for each user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tales.domain.checks import check_model, is_countable
from tales.domain.errors import InvalidInput, Unavailable
from tales.domain.prices import MOST_USD

DEFAULT_WARN_SHARE = Decimal("0.8")

FREE_QUEUE = "local"
"""Of the model on this machine, whose calls cost nothing: `tales.most_cost` knows it by this name."""

REFUSALS = {
    "budget": "The budget for stories is used up. It opens again when Retry-After says.",
    "model_budget": "The budget of this model is used up. Ask for another model, or again when Retry-After says.",
    "user_budget": "Your budget for stories is used up. It opens again when Retry-After says.",
}
"""What is told when a budget has no room for another attempt, by the limit's name."""


class PriceUnknown(Unavailable):
    """A budget is about this model, and it has no price. Run `tales prices pull`, or `tales prices set MODEL`."""

    code = "price_unknown"


class UnpricedModels(InvalidInput):
    """No budget can hold that is about these `models`: what their calls may cost at most cannot be said."""

    def __init__(self, models: Sequence[str]) -> None:
        self.models = tuple(models)
        super().__init__(
            "model",
            f"No price is known of {', '.join(models)}, so no budget can hold. Run `tales prices pull`, or "
            "`tales prices set MODEL`, first.",
        )


class BudgetScope(StrEnum):
    """Whose calls a budget is about."""

    ALL = "all"
    MODEL = "model"
    USER = "user"
    EACH_USER = "each_user"


class BudgetPeriod(StrEnum):
    """How long a budget is for."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """US dollars that may be spent in each day or month; from `warn_share` of it on there is a warning.

    `user_id` and `model` for the scope of that name alone. Raises: InvalidInput.
    """

    scope: BudgetScope
    period: BudgetPeriod
    limit_usd: Decimal
    warn_share: Decimal = DEFAULT_WARN_SHARE
    user_id: UUID | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        if not is_countable(self.limit_usd) or not 0 <= self.limit_usd <= MOST_USD:
            raise InvalidInput("limit_usd", f"A budget is from 0 to {MOST_USD:,} US dollars.")
        if not is_countable(self.warn_share) or not Decimal("0.001") <= self.warn_share <= 1:
            raise InvalidInput("warn_share", "The share to warn from is from 0.001 to 1, such as 0.8.")
        if self.model is not None:
            check_model(self.model)
        if (self.user_id is not None) != (self.scope is BudgetScope.USER):
            raise InvalidInput("user_id", "The budget of one user names that user, and no other budget does.")
        if (self.model is not None) != (self.scope is BudgetScope.MODEL):
            raise InvalidInput("model", "The budget of a model names that model, and no other budget does.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """How a budget stands in the day or month that `begins`: US dollars, and when it opens anew.

    `reserved_usd` is what the calls in flight may cost at most. Of the budget that each user has, those of the user who
    has used most of it (`spender`).
    """

    budget: Budget
    begins: date
    opens_at: datetime
    spent_usd: Decimal
    reserved_usd: Decimal
    warned_at: datetime | None
    spender: UUID | None = None

    @property
    def used_share(self) -> Decimal | None:
        """What is spent and reserved, of the whole; None for a budget of 0."""
        whole = self.budget.limit_usd
        return round((self.spent_usd + self.reserved_usd) / whole, 4) if whole else None

    @property
    def is_warned(self) -> bool:
        """Whether its share to warn from was reached: by a call, or as the budget was set below what is spent."""
        budget, used = self.budget, self.spent_usd + self.reserved_usd
        return self.warned_at is not None or used >= budget.limit_usd * budget.warn_share > 0
