"""How models, retries, timeouts, costs and prompts do, for admins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tales.application import reports as use_cases
from tales.application.reports import reports_for
from tales.domain import errors
from tales.domain.reports import figures
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Dollars, ErrorType, Interval, Moment
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.prompt_rows import Comparison, PromptRow
from tales.interfaces.api.v3.report_query import WhichAttempts, WhichPolicy

router = APIRouter(
    prefix=paths.ANALYTICS,
    tags=["analytics"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.InvalidInput, errors.Unavailable),
)


_ESTIMATED = "An estimate by the price list of what some of the unknown may have cost: no part of `cost_usd`."


class ModelRow(Answer):
    """How one model does. Of migrated attempts tokens, cost and ratings alone count; null is "not known"."""

    model_used: str
    attempts: int
    success: int
    failed: int
    timeout: int
    pending: int
    migrated: int
    success_rate: Annotated[float | None, Field(description="Of the attempts that have ended, from 0 to 1.")]
    success_interval: Interval | None
    failed_interval: Interval | None
    timeout_interval: Interval | None
    seconds_p50: float | None
    seconds_p95: float | None
    seconds_p99: float | None
    first_token_seconds_p50: float | None
    first_token_seconds_p95: float | None
    first_token_seconds_p99: float | None
    tokens_per_second: Annotated[float | None, Field(description="Written tokens, by the time of the whole calls.")]
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Dollars | None
    cost_unknown: Annotated[int, Field(description="Attempts that have ended and whose cost nobody knows.")]
    cost_per_call_usd: Dollars | None
    cost_per_story_usd: Dollars | None
    cost_per_good_story_usd: Annotated[Dollars | None, Field(description="By the stories that were rated 8 or better.")]
    ratings: int
    mean_rating: float | None
    good_stories: int
    estimated_cost_usd: Annotated[Dollars | None, Field(description=_ESTIMATED)]
    estimated: Annotated[int, Field(description="Attempts of unknown cost that the estimate is of.")]


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


class FirstFailure(Answer):
    """How first attempts failed, how many were tried again, and how many of those gave a story in the end."""

    error_type: ErrorType
    generations: int
    retried: int
    rescued: int
    rescued_interval: Interval | None


class Rescue(Answer):
    """What the attempts with one number gave, and what they added. `seconds_mean`: the pause before, and the call."""

    attempt_number: int
    attempts: int
    rescued: int
    rescued_interval: Interval | None
    seconds_mean: float | None
    cost_usd: Dollars | None
    cost_unknown: int


class Outcome(Answer):
    """What a retry policy gave. `undecided`: generations of which the record does not say what it would have given.

    Seconds and cost are those of the attempts that are known. `estimated`: the stories of the undecided, by the
    recorded rates of their next models.
    """

    generations: int
    succeeded: int
    failed: int
    pending: int
    undecided: int
    estimated: float | None
    success_low: Annotated[float | None, Field(description="If none of the undecided gives a story.")]
    success_high: Annotated[float | None, Field(description="If each of them does.")]
    attempts: int
    seconds: float
    cost_usd: Dollars | None
    cost_unknown: int


class TimeoutRow(Answer):
    """How often a model's attempts timed out for one reason. `share` of all that have ended, from 0 to 1."""

    model_used: str
    error_type: ErrorType
    timeouts: int
    share: float
    seconds_p50: float | None


class FailureRow(Answer):
    """What failed or timed out of the attempts with one thing in common, here and in the period before.

    `dimension`: `model_used`, `error_type`, `hour`, `weekday` (1 is Monday) or `prompt_length` (characters). `change`
    without 0 in it: more than by chance.
    """

    dimension: str
    value: str
    ended: int
    failed: int
    timeout: int
    rate: float | None
    interval: Interval | None
    before_ended: int
    before_failed: int
    before_timeout: int
    before_rate: float | None
    change: Interval | None


class CostRow(Answer):
    """What a model cost on a day, as far as anybody knows."""

    day: date
    model_used: str
    attempts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Dollars | None
    cost_unknown: int
    estimated_cost_usd: Annotated[Dollars | None, Field(description=_ESTIMATED)]
    estimated: Annotated[int, Field(description="Attempts of unknown cost that the estimate is of.")]


class CostShare(Answer):
    """What attempts cost by `dimension`: `all`, `user_id` (the dearest 20), `model_used`, `story_type`."""

    dimension: str
    value: str
    attempts: int
    cost_usd: Dollars | None
    failed_cost_usd: Annotated[Dollars | None, Field(description="What those without a story cost.")]
    cost_unknown: int
    estimated_cost_usd: Annotated[Dollars | None, Field(description=_ESTIMATED)]
    estimated: Annotated[int, Field(description="Attempts of unknown cost that the estimate is of.")]


class Forecast(Answer):
    """US dollars of the month of now: so far, and by its end with the interval at 95 %, out of whole `days` before.

    `spent` null: there are too many attempts to count the month's days one by one.
    """

    month: date
    spent: float | None
    expected: float | None
    low: float | None
    high: float | None
    days: int


class Report(Answer):
    """Which attempts were counted: from `since` on and before `until`; days and hours are those of `zone`."""

    since: Moment
    until: Moment
    zone: str
    migrated_left_out: Annotated[int, Field(description="Migrated attempts of the period that are not counted.")]
    rolled_up_until: Annotated[
        Moment | None,
        Field(description="Up to when it comes from rollups: counts and sums exact, percentiles within 1 %."),
    ]
    not_counted: Annotated[
        list[str],
        Field(
            description="Dimensions left out: too many attempts to count, narrowed as they are; `estimate`: too many to"
            " estimate what they cost; `all`: one user's attempts that are too many to count."
        ),
    ]


class ModelReport(Report):
    """The busiest model first."""

    items: list[ModelRow]


class RetryReport(Report):
    """The fewest attempts first; `reasons` and `first_failures` by frequency, `rescues` by the attempt's number."""

    items: list[RetryRow]
    reasons: list[Reason]
    first_failures: list[FirstFailure]
    rescues: list[Rescue]


class ReplayReport(Report):
    """What happened, and what another policy would have given on the same attempts."""

    recorded: Outcome
    replayed: Outcome


class TimeoutReport(Report):
    """The most frequent first; hours, weekdays and lengths in their own order."""

    items: list[TimeoutRow]
    failures: list[FailureRow]


class CostReport(Report):
    """The newest day first; of `shares` the dearest."""

    items: list[CostRow]
    shares: list[CostShare]
    forecast: Forecast


class PromptReport(Report):
    """The busiest first; `comparisons` are of what was drawn in experiments."""

    items: list[PromptRow]
    comparisons: list[Comparison]


Which = Annotated[WhichAttempts, Query()]


def _with_period(report: use_cases.Report) -> Mapping[str, object]:
    """A report with its period beside its rows."""
    wanted = report.wanted
    return figures(report) | {"since": wanted.since, "until": wanted.until, "zone": wanted.zone}


@router.get("/models", summary="How each model does")
async def report_models(which: Which, actor: CurrentActor, services: UseCases) -> ModelReport:
    """Attempts by outcome, rates with intervals, latency, tokens, cost and ratings of each model, the busiest first."""
    wanted = which.filter(services.clock.now())
    async with reports_for(services.transactions, actor) as reports:
        return ModelReport.model_validate(_with_period(await use_cases.report_models(reports, wanted)))


@router.get("/retries", summary="How many attempts stories take")
async def report_retries(which: Which, actor: CurrentActor, services: UseCases) -> RetryReport:
    """Generations by their number of attempts, why attempts failed, and what each retry rescued and added."""
    wanted = which.filter(services.clock.now())
    async with reports_for(services.transactions, actor) as reports:
        return RetryReport.model_validate(_with_period(await use_cases.report_retries(reports, wanted)))


@router.get("/replay", summary="What another retry policy would have given")
async def report_replay(
    which: Annotated[WhichPolicy, Query()], actor: CurrentActor, services: UseCases
) -> ReplayReport:
    """The recorded attempts under another policy; what was not recorded is counted as `undecided`."""
    wanted = which.filter(services.clock.now())
    async with reports_for(services.transactions, actor) as reports:
        return ReplayReport.model_validate(_with_period(await use_cases.report_replay(reports, wanted, which.policy())))


@router.get("/timeouts", summary="Which models time out, and when")
async def report_timeouts(which: Which, actor: CurrentActor, services: UseCases) -> TimeoutReport:
    """Timeouts by model and reason; failures by model, reason, hour, weekday and length, beside the period before."""
    wanted = which.filter(services.clock.now())
    async with reports_for(services.transactions, actor) as reports:
        return TimeoutReport.model_validate(_with_period(await use_cases.report_timeouts(reports, wanted)))


@router.get("/costs", summary="What each day cost")
async def report_costs(which: Which, actor: CurrentActor, services: UseCases) -> CostReport:
    """Cost and tokens by day and model, shares by user, model and story type, and the forecast of this month."""
    wanted = which.filter(services.clock.now())
    async with reports_for(services.transactions, actor) as reports:
        return CostReport.model_validate(
            _with_period(await use_cases.report_costs(reports, wanted, services.clock.now()))
        )


@router.get("/prompts", summary="How each prompt does")
async def report_prompts(which: Which, actor: CurrentActor, services: UseCases) -> PromptReport:
    """Success, refusals, length, rating, latency and cost by version and model; and experiments, compared."""
    wanted = which.filter(services.clock.now())
    async with reports_for(services.transactions, actor) as reports:
        return PromptReport.model_validate(_with_period(await use_cases.report_prompts(reports, wanted)))
