"""Budgets and how they stand, for admins; operators set them on the command line."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AliasPath, Field

from tales.application import budgets as use_cases
from tales.domain import budgets, errors
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Dollars, Moment
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths

router = APIRouter(
    prefix=paths.ADMIN_BUDGETS,
    tags=["admin"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.Unavailable),
)


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
    found = await use_cases.list_budgets_as_admin(services.transactions, actor, services.clock.now())
    return BudgetList.model_validate({"items": found})
