"""How models, retries, timeouts, costs and prompts do, for admins."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from tales.application.reports import reports_for
from tales.domain import errors
from tales.domain.period import parse_period
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Dollars, ErrorType, Text
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths

router = APIRouter(
    prefix=paths.ANALYTICS,
    tags=["analytics"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.InvalidInput, errors.Unavailable),
)


class ModelRow(Answer):
    """How one model does. Migrated attempts count for tokens and cost alone; null is "not known"."""

    model_used: str
    attempts: int
    success: int
    failed: int
    timeout: int
    pending: int
    migrated: int
    success_rate: Annotated[float | None, Field(description="Of the attempts that have ended, from 0 to 1.")]
    seconds_p50: float | None
    seconds_p95: float | None
    first_token_seconds_p50: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Dollars | None
    cost_unknown: Annotated[int, Field(description="Attempts that have ended and whose cost nobody knows.")]


class RetryRow(Answer):
    """How many generations took so many attempts, and how many of them gave a story."""

    attempts: int
    generations: int
    succeeded: int


class Reason(Answer):
    """Why attempts gave no story, how many were tried again, and how many of their generations gave one."""

    error_type: ErrorType
    attempts: int
    retried: int
    recovered: int


class TimeoutRow(Answer):
    """How often a model's attempts timed out for one reason. `share` of all that have ended, from 0 to 1."""

    model_used: str
    error_type: ErrorType
    timeouts: int
    share: float
    seconds_p50: float | None


class CostRow(Answer):
    """What a model cost on a day (UTC), as far as anybody knows."""

    day: date
    model_used: str
    attempts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Dollars | None
    cost_unknown: int


class PromptRow(Answer):
    """How one version of the prompt does with one model. `unusable`: empty, cut off, too short, or a refusal."""

    prompt_version: str | None
    model_used: str
    attempts: int
    success: int
    unusable: int
    success_rate: float | None
    completion_tokens_p50: float | None
    cost_usd: Dollars | None
    cost_unknown: int


class ModelReport(Answer):
    """The busiest model first."""

    items: list[ModelRow]


class RetryReport(Answer):
    """The fewest attempts first; `reasons` by frequency."""

    items: list[RetryRow]
    reasons: list[Reason]


class TimeoutReport(Answer):
    """The most frequent first."""

    items: list[TimeoutRow]


class CostReport(Answer):
    """The newest day first."""

    items: list[CostRow]


class PromptReport(Answer):
    """The busiest first."""

    items: list[PromptRow]


async def _since(
    services: UseCases,
    since: Annotated[Text, Query(description="How far back: hours, days or weeks.", examples=["30d", "12h"])] = "30d",
) -> datetime:
    return services.clock.now() - parse_period("since", since)


Since = Annotated[datetime, Depends(_since)]


@router.get("/models", summary="How each model does")
async def report_models(since: Since, actor: CurrentActor, services: UseCases) -> ModelReport:
    """Attempts by outcome, success rate, latency, tokens and cost of each model, the busiest first."""
    async with reports_for(services.transactions, actor) as reports:
        return ModelReport.model_validate({"items": await reports.models(since)})


@router.get("/retries", summary="How many attempts stories take")
async def report_retries(since: Since, actor: CurrentActor, services: UseCases) -> RetryReport:
    """Generations by their number of attempts, and the reasons why attempts failed."""
    async with reports_for(services.transactions, actor) as reports:
        found = {"items": await reports.retries(since), "reasons": await reports.reasons(since)}
    return RetryReport.model_validate(found)


@router.get("/timeouts", summary="Which models time out")
async def report_timeouts(since: Since, actor: CurrentActor, services: UseCases) -> TimeoutReport:
    """Timeouts by model and reason, the most frequent first."""
    async with reports_for(services.transactions, actor) as reports:
        return TimeoutReport.model_validate({"items": await reports.timeouts(since)})


@router.get("/costs", summary="What each day cost")
async def report_costs(since: Since, actor: CurrentActor, services: UseCases) -> CostReport:
    """Cost and tokens by day and model, the newest day first, and how many calls have no known cost."""
    async with reports_for(services.transactions, actor) as reports:
        return CostReport.model_validate({"items": await reports.costs(since)})


@router.get("/prompts", summary="How each prompt does")
async def report_prompts(since: Since, actor: CurrentActor, services: UseCases) -> PromptReport:
    """Success, unusable answers and cost by version of the prompt and model, the busiest first."""
    async with reports_for(services.transactions, actor) as reports:
        return PromptReport.model_validate({"items": await reports.prompts(since)})
