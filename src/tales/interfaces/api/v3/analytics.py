"""How models, retries, timeouts, costs and prompts do, for admins."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tales.domain import errors
from tales.domain.period import parse_period
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Text
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import answers, paths

router = APIRouter(
    prefix=paths.ANALYTICS,
    tags=["analytics"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.InvalidInput, errors.Unavailable),
)


async def _period(
    since: Annotated[Text, Query(description="How far back: hours, days or weeks.", examples=["30d", "12h"])] = "30d",
) -> timedelta:
    return parse_period("since", since)


Period = Annotated[timedelta, Depends(_period)]


@router.get("/models", summary="How each model does")
async def report_models(period: Period, actor: CurrentActor, services: UseCases) -> answers.ModelReport:
    """Attempts by outcome, success rate, latency, tokens and cost of each model, the busiest first."""
    return answers.ModelReport.model_validate({"items": await services.read_reports.models(actor, period)})


@router.get("/retries", summary="How many attempts stories take")
async def report_retries(period: Period, actor: CurrentActor, services: UseCases) -> answers.RetryReport:
    """Generations by their number of attempts, and the reasons why attempts failed."""
    rows, reasons = await services.read_reports.retries(actor, period)
    return answers.RetryReport.model_validate({"items": rows, "reasons": reasons})


@router.get("/timeouts", summary="Which models time out")
async def report_timeouts(period: Period, actor: CurrentActor, services: UseCases) -> answers.TimeoutReport:
    """Timeouts by model and reason, the most frequent first."""
    return answers.TimeoutReport.model_validate({"items": await services.read_reports.timeouts(actor, period)})


@router.get("/costs", summary="What each day cost")
async def report_costs(period: Period, actor: CurrentActor, services: UseCases) -> answers.CostReport:
    """Cost and tokens by day and model, the newest day first, and how many calls have no known cost."""
    return answers.CostReport.model_validate({"items": await services.read_reports.costs(actor, period)})


@router.get("/prompts", summary="How each prompt does")
async def report_prompts(period: Period, actor: CurrentActor, services: UseCases) -> answers.PromptReport:
    """Success, unusable answers and cost by version of the prompt and model, the busiest first."""
    return answers.PromptReport.model_validate({"items": await services.read_reports.prompts(actor, period)})
