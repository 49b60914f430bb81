"""Budgets and how they stand, for admins: the same as `tales budgets`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import AliasPath, ConfigDict, Field
from pydantic.config import JsonDict

from tales.application import budgets as use_cases
from tales.application.budgets import budgets_for
from tales.domain import budgets, errors
from tales.domain.checks import MAX_MODEL
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Amount, Answer, Body, Dollars, Id, Moment, Shown, Text
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths

router = APIRouter(
    prefix=paths.ADMIN_BUDGETS,
    tags=["admin"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.Unavailable),
)

_EXAMPLE: JsonDict = {"scope": "all", "period": "month", "limit_usd": "20"}


class WhichBudget(Body):
    """The one budget of this scope and period. `user_id` and `model` for the scope of that name alone."""

    scope: budgets.BudgetScope
    period: budgets.BudgetPeriod
    user_id: Id | None = None
    model: Annotated[Text, Shown(minLength=1, maxLength=MAX_MODEL)] | None = None

    def budget(
        self, limit_usd: Decimal = Decimal(0), warn_share: Decimal = budgets.DEFAULT_WARN_SHARE
    ) -> budgets.Budget:
        """The same in the domain's terms. Raises: InvalidInput."""
        return budgets.Budget(
            scope=self.scope,
            period=self.period,
            limit_usd=limit_usd,
            warn_share=warn_share,
            user_id=self.user_id,
            model=self.model,
        )


class NewBudget(WhichBudget):
    """What may be spent in each day or month of UTC. From `warn_share` of it on there is a warning."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    limit_usd: Amount
    warn_share: Amount = budgets.DEFAULT_WARN_SHARE


class Budget(Answer):
    """What may be spent in a day or a month of UTC, and what is. `scope`: `all`, `model`, `user`, `each_user`.

    Of the budget that each user has, what the user has spent who has used most of it: the `spender`.
    """

    scope: Annotated[budgets.BudgetScope, Field(validation_alias=AliasPath("budget", "scope"))]
    user_id: Annotated[UUID | None, Field(validation_alias=AliasPath("budget", "user_id"))]
    model: Annotated[str | None, Field(validation_alias=AliasPath("budget", "model"))]
    period: Annotated[budgets.BudgetPeriod, Field(validation_alias=AliasPath("budget", "period"))]
    limit_usd: Annotated[Dollars, Field(validation_alias=AliasPath("budget", "limit_usd"))]
    warn_share: Annotated[float, Field(validation_alias=AliasPath("budget", "warn_share"))]
    begins: date
    opens_at: Annotated[Moment, Field(description="When the next day or month begins.")]
    spent_usd: Dollars
    reserved_usd: Annotated[Dollars, Field(description="What the calls in flight may cost at most.")]
    used_share: Annotated[float | None, Field(description="Spent and reserved, of the whole; null for a budget of 0.")]
    warned_at: Annotated[Moment | None, Field(description="When the share to warn from was reached.")]
    spender: UUID | None


class BudgetList(Answer):
    """Every budget there is."""

    items: list[Budget]


@router.get("", summary="List the budgets")
async def list_budgets(actor: CurrentActor, services: UseCases) -> BudgetList:
    """What may be spent in a day and a month, and how that stands now."""
    async with budgets_for(services.transactions, actor) as work:
        return BudgetList.model_validate({"items": await work.budgets.states(services.clock.now())})


@router.put("", summary="Set a budget", response_model=BudgetList, responses=problems(body=True))
async def set_budget(body: NewBudget, actor: CurrentActor, services: UseCases) -> BudgetList:
    """Set a budget, in the place of the one of the same scope, subject and period; then how all of them stand.

    What the period has cost so far counts. Each model that stories are written by must have a price.
    """
    budget = body.budget(body.limit_usd, body.warn_share)
    models = services.request_generation.priced_models
    async with budgets_for(services.transactions, actor) as work:
        await use_cases.set_budget(work, budget, models, services.clock.now())
    return await list_budgets(actor, services)


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a budget",
    responses=problems(errors.NotFound, errors.InvalidInput),
)
async def remove_budget(which: Annotated[WhichBudget, Query()], actor: CurrentActor, services: UseCases) -> None:
    """Remove a budget: its calls are no longer bounded by it."""
    async with budgets_for(services.transactions, actor) as work:
        if not await use_cases.remove_budget(work, which.budget()):
            raise errors.NotFound("budget", f"of {which.scope} a {which.period}")
