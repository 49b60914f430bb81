"""How models, retries, timeouts, costs and prompts do: each report whole, for whatever interface asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from tales.application.admins import as_admin
from tales.domain import courses, forecast
from tales.domain.actor import Actor
from tales.domain.comparison import ComparisonRow, compare
from tales.domain.prices import NO_ESTIMATE, Estimate
from tales.domain.replay import Outcome, ReplayPolicy, replay
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import (
    CostRow,
    CostShareRow,
    FailureRow,
    FirstFailureRow,
    ModelRow,
    PromptRow,
    ReasonRow,
    RescueRow,
    RetryRow,
    TimeoutRow,
    with_estimate,
)
from tales.domain.repositories.reports import ReportRepository
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What every report says of itself. `migrated_left_out`: attempts of the period that it does not count.

    `rolled_up_until`: up to when it was answered by rollups, whose counts and sums are exact and whose percentiles are
    within 1 %; the rest, or all of it, was counted attempt by attempt. `not_counted`: dimensions that are left out, as
    there are too many attempts to count them one by one, and rollups do not know them so narrowed; or `estimate`; or
    `all`, of a user with too many attempts.
    """

    wanted: ReportFilter
    migrated_left_out: int
    rolled_up_until: datetime | None = None
    not_counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport(Report):
    """The busiest model first."""

    items: Sequence[ModelRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryReport(Report):
    """Generations by their number of attempts, why attempts failed, and what each retry rescued."""

    items: Sequence[RetryRow]
    reasons: Sequence[ReasonRow]
    first_failures: Sequence[FirstFailureRow]
    rescues: Sequence[RescueRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport(Report):
    """What happened, and what `policy` would have given."""

    policy: ReplayPolicy
    recorded: Outcome
    replayed: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutReport(Report):
    """Timeouts by model and reason; failures and timeouts by everything else, beside the period before."""

    items: Sequence[TimeoutRow]
    failures: Sequence[FailureRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport(Report):
    """By day and model, the newest day first; by user, model and story type; and the month's forecast."""

    items: Sequence[CostRow]
    shares: Sequence[CostShareRow]
    forecast: forecast.Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptReport(Report):
    """The busiest first; `comparisons` are of what was drawn in experiments."""

    items: Sequence[PromptRow]
    comparisons: Sequence[ComparisonRow]


@asynccontextmanager
async def reports_for(transactions: Transactions, actor: Actor) -> AsyncIterator[ReportRepository]:
    """The reports as this admin, so that the policies decide what is counted. Raises: Forbidden for anybody else."""
    async with as_admin(transactions, actor, "Reports are") as work:
        yield work.reports


async def report_models(reports: ReportRepository, wanted: ReportFilter) -> ModelReport:
    """How each model does."""
    return ModelReport(
        wanted=wanted,
        migrated_left_out=await _left_out(reports, wanted),
        rolled_up_until=await reports.rolled_up_until(wanted),
        not_counted=_of(await reports.not_counted(wanted), "all", "estimate"),
        items=await _estimated_models(reports, wanted),
    )


async def report_retries(reports: ReportRepository, wanted: ReportFilter) -> RetryReport:
    """How many attempts stories take. Of migrated stories it is not known: they are left out, asked for or not."""
    found = await reports.courses(wanted)
    return RetryReport(
        wanted=wanted,
        migrated_left_out=await reports.migrated(wanted),
        rolled_up_until=await reports.rolled_up_until(wanted),
        not_counted=await _nothing_counted(reports, wanted),
        items=courses.by_attempts(found),
        reasons=courses.by_reason(found),
        first_failures=courses.by_first_failure(found),
        rescues=courses.by_attempt_number(found),
    )


async def report_replay(reports: ReportRepository, wanted: ReportFilter, policy: ReplayPolicy) -> ReplayReport:
    """What another retry policy would have given."""
    found = await reports.courses(wanted)
    return ReplayReport(
        wanted=wanted,
        migrated_left_out=await reports.migrated(wanted),
        rolled_up_until=await reports.rolled_up_until(wanted),
        not_counted=await _nothing_counted(reports, wanted),
        policy=policy,
        recorded=replay(found, ReplayPolicy()),
        replayed=replay(found, policy),
    )


async def report_timeouts(reports: ReportRepository, wanted: ReportFilter) -> TimeoutReport:
    """When, where and why calls fail. Migrated attempts have all succeeded, and are left out, asked for or not."""
    return TimeoutReport(
        wanted=wanted,
        migrated_left_out=await reports.migrated(wanted),
        rolled_up_until=await reports.rolled_up_until(wanted),
        not_counted=_of(await reports.not_counted(wanted), "all", "hour", "weekday", "prompt_length"),
        items=await reports.timeouts(wanted),
        failures=await reports.failures(wanted),
    )


async def report_costs(reports: ReportRepository, wanted: ReportFilter, now: datetime) -> CostReport:
    """What was spent, and what the month will have cost."""
    shares = await reports.cost_shares(wanted)
    found = await reports.estimates(wanted, [row.value for row in shares if row.dimension == "user_id"])
    return CostReport(
        wanted=wanted,
        migrated_left_out=await _left_out(reports, wanted),
        rolled_up_until=await reports.rolled_up_until(wanted),
        not_counted=_of(await reports.not_counted(wanted), "all", "day", "user_id", "estimate"),
        items=[with_estimate(row, found.days.get((row.day, row.model_used))) for row in await reports.costs(wanted)],
        shares=[with_estimate(row, found.shares.get((row.dimension, row.value))) for row in shares],
        forecast=await forecast_month(reports, wanted, now),
    )


async def forecast_month(reports: ReportRepository, wanted: ReportFilter, now: datetime) -> forecast.Forecast:
    """What the month of `now` will have cost, whatever period the filter is for."""
    zone = ZoneInfo(wanted.zone)
    today = now.astimezone(zone).date()
    since = datetime.combine(forecast.first_day(today), time(), tzinfo=zone).astimezone(UTC)
    days = await reports.daily_costs(replace(wanted, since=since, until=now))
    return forecast.unknown(today) if days is None else forecast.forecast(days, today, min(days, default=today))


async def report_prompts(reports: ReportRepository, wanted: ReportFilter) -> PromptReport:
    """How each version of the prompt does. Migrated attempts have none, and are left out, asked for or not."""
    return PromptReport(
        wanted=wanted,
        migrated_left_out=await reports.migrated(wanted),
        rolled_up_until=await reports.rolled_up_until(wanted),
        not_counted=await _nothing_counted(reports, wanted),
        items=await reports.prompts(wanted),
        comparisons=compare(await reports.drawn(wanted)),
    )


async def _estimated_models(reports: ReportRepository, wanted: ReportFilter) -> Sequence[ModelRow]:
    found: dict[str, Estimate] = {}
    for (_, model), estimate in (await reports.estimates(wanted)).days.items():
        before = found.get(model, NO_ESTIMATE)
        found[model] = Estimate(before.usd + estimate.usd, before.attempts + estimate.attempts)
    return [with_estimate(row, found.get(row.model_used)) for row in await reports.models(wanted)]


async def _left_out(reports: ReportRepository, wanted: ReportFilter) -> int:
    return 0 if wanted.migrated else await reports.migrated(wanted)


async def _nothing_counted(reports: ReportRepository, wanted: ReportFilter) -> tuple[str, ...]:
    """For reports of which nothing else is left out: only a user may have too many attempts."""
    return _of(await reports.not_counted(wanted), "all") if wanted.user_id else ()


def _of(not_counted: frozenset[str], *dimensions: str) -> tuple[str, ...]:
    return tuple(name for name in dimensions if name in not_counted)
