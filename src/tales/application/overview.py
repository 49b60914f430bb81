"""How things are going, at a glance: a period beside the one before, and what today and this month have cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tales.application.reports import Report
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import CostRow, ModelRow, total
from tales.domain.repositories.reports import ReportRepository
from tales.domain.statistics import Interval, difference, share


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How the attempts of a period have ended. A success is a story."""

    attempts: int
    success: int
    failed: int
    timeout: int
    pending: int

    @property
    def ended(self) -> int:
        """Those that are not pending."""
        return self.success + self.failed + self.timeout

    @property
    def success_rate(self) -> float | None:
        """Of what has ended."""
        return share(self.success, self.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """US dollars, as far as they are known; `unknown`: ended attempts whose cost nobody knows."""

    cost_usd: Decimal | None
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(Report):
    """A period and the one before it. Today and this month stand beside the day and the month before, as far as now.

    Yesterday is counted up to the same time of day, the month before up to the same day and time. `days` as in
    `CostReport`.
    """

    calls: Calls
    calls_before: Calls
    today: Spent
    yesterday: Spent
    month: Spent
    month_before: Spent
    days: Sequence[CostRow]

    @property
    def success_change(self) -> Interval | None:
        """By how much the rate of success has changed; without 0 in it, more than by chance."""
        now, before = self.calls, self.calls_before
        return difference(now.success, now.ended, before.success, before.ended)


async def report_overview(reports: ReportRepository, wanted: ReportFilter, now: datetime) -> Overview:
    """How things are going, by the days of the filter's zone."""

    async def spent(period: ReportFilter | None) -> Spent:
        return _spent(await reports.costs(period)) if period else Spent(cost_usd=None, unknown=0)

    periods = [
        replace(wanted, since=since, until=until) if since < until else None
        for since, until in windows(now, ZoneInfo(wanted.zone))
    ]
    today, yesterday, month, month_before = periods
    left_out = [await reports.not_counted(period) for period in (wanted, *periods) if period]
    return Overview(
        wanted=wanted,
        migrated_left_out=await reports.migrated(wanted),
        rolled_up_until=await reports.rolled_up_until(wanted),
        not_counted=(
            *(("all",) if "all" in left_out[0] else ()),
            *(("day",) if any("day" in names for names in left_out) else ()),
        ),
        calls=_calls(await reports.models(wanted)),
        calls_before=_calls(await reports.models(wanted.before)),
        today=await spent(today),
        yesterday=await spent(yesterday),
        month=await spent(month),
        month_before=await spent(month_before),
        days=await reports.costs(wanted),
    )


def windows(now: datetime, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """Today, yesterday, this month and the one before, each from its beginning to where `now` stands in it."""
    local = now.astimezone(zone)
    day = local.date()
    first = day.replace(day=1)
    first_before = (first - timedelta(days=1)).replace(day=1)

    def at(when: date, moment: time = time()) -> datetime:
        return datetime.combine(when, moment, tzinfo=zone).astimezone(UTC)

    # A month with fewer days ends before it has got as far as this one.
    as_far = min(at(first_before + (day - first), local.time()), at(first))
    return (
        (at(day), now),
        (at(day - timedelta(days=1)), at(day - timedelta(days=1), local.time())),
        (at(first), now),
        (at(first_before), as_far),
    )


def _calls(rows: Sequence[ModelRow]) -> Calls:
    names = ("attempts", "success", "failed", "timeout", "pending")
    return Calls(**{name: sum(getattr(row, name) for row in rows) for name in names})


def _spent(rows: Sequence[CostRow]) -> Spent:
    return Spent(cost_usd=total([row.cost_usd for row in rows]), unknown=sum(row.cost_unknown for row in rows))
