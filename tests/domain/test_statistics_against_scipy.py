"""Our intervals beside SciPy's, and how often they hold the truth of worlds that it makes up.

What is added up over all that can happen is exact; what is drawn is from a seed. `make test-deep` draws more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
import scipy

from tales.domain.forecast import forecast
from tales.domain.statistics import difference, student_quantile, wilson
from tests.fixtures.depth import DEEP

WORLDS = 20_000 if DEEP else 2000
RATES = np.linspace(0.02, 0.98, 97)
MONTH_ENDS = date(2026, 11, 30)


def low_and_high(trials: int) -> np.ndarray:
    """Our interval for each number of hits that `trials` can have."""
    found = [wilson(hits, trials) for hits in range(trials + 1)]
    return np.array([(interval.low, interval.high) for interval in found if interval is not None])


@pytest.mark.parametrize("trials", [1, 2, 7, 40, 263, 5000])
def test_an_interval_is_scipys(trials: int) -> None:
    hits = sorted({*range(0, trials + 1, max(1, trials // 40)), trials})
    theirs = [scipy.stats.binomtest(k, trials).proportion_ci(method="wilson") for k in hits]

    assert low_and_high(trials)[hits] == pytest.approx(np.array([(one.low, one.high) for one in theirs]), abs=1e-12)


@pytest.mark.parametrize("trials", [20, 40, 100, 400, 2000])
def test_an_interval_holds_the_share_in_19_of_20_cases(trials: int) -> None:
    hits = np.arange(trials + 1)
    low, high = low_and_high(trials).T
    exact = [scipy.stats.binom.pmf(hits, trials, rate)[(low <= rate) & (rate <= high)].sum() for rate in RATES]

    assert 0.94 <= np.mean(exact) <= 0.96, (
        "over all rates; at a single one it goes up and down with the hits there can be"
    )
    assert min(exact) > 0.86

    random = np.random.default_rng(trials)
    rates = random.uniform(0.02, 0.98, 10 * WORLDS)
    drawn = random.binomial(trials, rates)
    assert 0.94 <= np.mean((low[drawn] <= rates) & (rates <= high[drawn])) <= 0.96


@pytest.mark.parametrize(("now", "before"), [(40, 40), (60, 25), (30, 120)])
def test_a_change_is_held_in_19_of_20_cases(now: int, before: int) -> None:
    found = [[difference(k, now, m, before) for m in range(before + 1)] for k in range(now + 1)]
    low = np.array([[one.low if one else np.nan for one in row] for row in found])
    high = np.array([[one.high if one else np.nan for one in row] for row in found])
    of_now = scipy.stats.binom.pmf(np.arange(now + 1)[:, None], now, RATES[::4]).T
    of_before = scipy.stats.binom.pmf(np.arange(before + 1)[:, None], before, RATES[::4]).T
    exact = [
        p @ ((low <= rate - earlier) & (rate - earlier <= high)) @ q
        for rate, p in zip(RATES[::4], of_now, strict=True)
        for earlier, q in zip(RATES[::4], of_before, strict=True)
    ]

    assert 0.94 <= np.mean(exact) <= 0.96


def test_students_quantile_is_scipys() -> None:
    degrees = np.arange(6, 400)

    assert [student_quantile(n) for n in degrees] == pytest.approx(scipy.stats.t.ppf(0.975, degrees), abs=5e-4)


Days = Callable[[np.random.Generator, int], np.ndarray]


def by_calls(random: np.random.Generator, days: int) -> np.ndarray:
    """Days on which some hundred calls are made, each of which costs what its length does."""
    calls = random.poisson(120, days)
    costs = random.lognormal(np.log(0.001), 0.6, calls.sum())
    return np.add.reduceat(costs, np.r_[0, calls.cumsum()[:-1]])


def by_chance(random: np.random.Generator, days: int) -> np.ndarray:
    """Days alike, but for a fifth more or less."""
    return np.maximum(random.normal(20, 4, days), 0)


def held(draw: Days, today: date, observed: int) -> float:
    """In which share of worlds the month ends within the interval that was given for it."""
    random = np.random.default_rng(WORLDS + observed)
    left = (MONTH_ENDS - today).days + 1
    count = 0
    for _ in range(WORLDS):
        costs = draw(random, observed + left).tolist()
        known = {today - timedelta(days=observed - number): cost for number, cost in enumerate(costs[:observed])}
        found = forecast(known, today, begun=min(known))
        of_month = sum(cost for day, cost in known.items() if day.month == today.month) + sum(costs[observed:])
        assert found.low is not None
        assert found.high is not None
        count += found.low <= of_month <= found.high
    return count / WORLDS


@pytest.mark.parametrize(
    ("draw", "day", "observed"), [(by_calls, 1, 28), (by_calls, 25, 28), (by_calls, 30, 7), (by_chance, 11, 14)]
)
def test_a_month_ends_within_its_forecast_in_19_of_20_cases(draw: Days, day: int, observed: int) -> None:
    assert 0.94 <= held(draw, date(2026, 11, day), observed) <= 0.96


def test_out_of_a_week_in_which_every_day_is_another_it_holds_less_often() -> None:
    """As its description says."""

    def far_apart(random: np.random.Generator, days: int) -> np.ndarray:
        return random.exponential(5, days)

    assert 0.88 <= held(far_apart, date(2026, 11, 11), 7) <= 0.93
