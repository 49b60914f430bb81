"""What a month will have cost by its end, and how sure that is."""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, stdev

from tales.domain.statistics import student_quantile

OBSERVED_DAYS = 28
"""Whole weeks, so that each day of the week counts the same."""

_LEAST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """US dollars: `spent` in `month` so far, `expected` by its end, which lies between `low` and `high` at 95 %.

    Of the known costs. Out of `days` whole days before today; None where there are fewer than 7 that cost anything
    could be known of. `spent` too is None where there are too many attempts to count days. The interval takes the days
    to come to be like those, and independent of each other.
    """

    month: date
    spent: float | None
    expected: float | None
    low: float | None
    high: float | None
    days: int


def first_day(today: date) -> date:
    """From when on `forecast` looks at days."""
    return min(today.replace(day=1), today - timedelta(days=OBSERVED_DAYS))


def unknown(today: date) -> Forecast:
    """The forecast for the month of `today` where nobody has counted its days."""
    return Forecast(month=today.replace(day=1), spent=None, expected=None, low=None, high=None, days=0)


def forecast(costs: Mapping[date, float], today: date, begun: date | None = None) -> Forecast:
    """The forecast for the month of `today`, which is not over. `costs` by day; a day without any cost nothing.

    `begun`: the first day there was anything at all, if that is later than `OBSERVED_DAYS` ago.
    """
    start = max(filter(None, [today - timedelta(days=OBSERVED_DAYS), begun]))
    observed = [costs.get(start + timedelta(days=n), 0.0) for n in range((today - start).days)]
    spent_before = math.fsum(cost for day, cost in costs.items() if today.replace(day=1) <= day < today)
    spent_today = costs.get(today, 0.0)
    month, spent = today.replace(day=1), spent_before + spent_today
    if len(observed) < _LEAST:
        return Forecast(month=month, spent=spent, expected=None, low=None, high=None, days=len(observed))
    left = calendar.monthrange(today.year, today.month)[1] - today.day + 1
    # Today counts as a day to come, and no less than what it has cost already.
    expected = spent_before + max(left * fmean(observed), spent_today)
    days = len(observed)
    reach = student_quantile(days - 1) * stdev(observed) * math.sqrt(left + left * left / days)
    return Forecast(
        month=month,
        spent=spent,
        expected=expected,
        low=max(spent, expected - reach),
        high=expected + reach,
        days=days,
    )
