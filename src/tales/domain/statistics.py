"""How sure a figure is: intervals for shares, for their difference, and for sums to come.

All at 95 %. Where a share is 0 or 1, or counts are small, the interval of the textbook (p ± z·s) is wrong; Wilson's is
not (Newcombe, "Two-sided confidence intervals for the single proportion", 1998).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies inside."""
        return self.low <= value <= self.high


def share(hits: int, trials: int) -> float | None:
    """`hits` of `trials`, from 0 to 1; None where nothing was tried."""
    return hits / trials if trials else None


def wilson(hits: int, trials: int) -> Interval | None:
    """Wilson's score interval for the share that `hits` of `trials` come from; None where nothing was tried."""
    if not trials:
        return None
    observed, square = hits / trials, _Z * _Z
    centre = observed + square / (2 * trials)
    reach = _Z * math.sqrt(observed * (1 - observed) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    # Exactly 0 and 1 at the ends, where floats would miss them by a hair.
    low = 0.0 if hits == 0 else (centre - reach) / scale
    high = 1.0 if hits == trials else (centre + reach) / scale
    return Interval(low, high)


def difference(hits: int, trials: int, before_hits: int, before_trials: int) -> Interval | None:
    """By how much a share has changed (Newcombe's hybrid of two Wilson intervals); None where nothing was tried.

    Without 0 in it, the share has changed.
    """
    now, before = wilson(hits, trials), wilson(before_hits, before_trials)
    if now is None or before is None:
        return None
    p, q = hits / trials, before_hits / before_trials
    return Interval(
        p - q - math.hypot(p - now.low, before.high - q),
        p - q + math.hypot(now.high - p, q - before.low),
    )


def mean_interval(mean: float | None, deviation: float | None, count: int) -> Interval | None:
    """Where a mean of `count` values with this standard deviation lies (Student's t); None of less than 8."""
    if mean is None or deviation is None or count < 8:
        return None
    reach = student_quantile(count - 1) * deviation / math.sqrt(count)
    return Interval(mean - reach, mean + reach)


def student_quantile(degrees: int) -> float:
    """The 97.5 % quantile of Student's t with `degrees` of freedom, at least 3; right to three decimals from 6 on.

    The expansion of Cornish and Fisher (Abramowitz and Stegun, 26.7.5).
    """
    z, n = _Z, float(degrees)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / n**power for power, term in enumerate(terms, 1))
