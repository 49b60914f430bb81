"""Two versions of a prompt that generations were drawn for: which one is better, how sure that is, and what is missing.

Only what was drawn is compared, and only under one set of weights: versions of other weeks met other families.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import NormalDist

from tales.domain.statistics import CONFIDENCE, Interval, difference, share

POWER = 0.8
"""How often a difference is found that is there, where as many generations were drawn as are said to be needed."""

LEAST_DIFFERENCE = 0.02
"""Between two shares. Of a smaller one nobody has to be sure, and it would take for ever."""

MOST_TERMS = 2_000
"""Of the exact sum: where counts are larger, the normal distribution says the same to three decimals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRow:
    """The first attempts of the generations that were drawn for one version.

    `experiment` names the versions and their weights. `length_missed`: too short, too long, or cut off.
    """

    experiment: str
    prompt_version: str
    ended: int
    success: int
    refused: int
    length_missed: int
    ratings: int
    good_stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """A version beside the `baseline` (the oldest of its experiment), by the share of one `measure`.

    `success`: first attempts that gave a story; `length`: those whose length was kept, of stories and of what failed by
    its length alone; `good`: stories that were rated 8 or better, of those that were rated.
    """

    experiment: str
    measure: str
    prompt_version: str
    baseline: str
    hits: int
    trials: int
    baseline_hits: int
    baseline_trials: int

    @property
    def rate(self) -> float | None:
        """The share of this version."""
        return share(self.hits, self.trials)

    @property
    def baseline_rate(self) -> float | None:
        """The share of the baseline."""
        return share(self.baseline_hits, self.baseline_trials)

    @property
    def change(self) -> Interval | None:
        """By how much the share is larger than the baseline's; without 0 in it, more than by chance."""
        return difference(self.hits, self.trials, self.baseline_hits, self.baseline_trials)

    @property
    def probability_better(self) -> float | None:
        """That the true share is the larger one; None where one of them was never tried."""
        if not self.trials or not self.baseline_trials:
            return None
        return probability_greater(self.hits, self.trials, self.baseline_hits, self.baseline_trials)

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `open`. Looked at once, it is wrong in 5 % at most where there is no difference."""
        change = self.change
        if change is None or change.holds(0.0):
            return "open"
        return "better" if change.low > 0 else "worse"

    @property
    def more_needed(self) -> int | None:
        """Trials of each version that are missing to know; None where nothing was tried.

        0 once it is known, and where the verdict stays open after enough of them: see `is_small`.
        """
        if self.rate is None or self.baseline_rate is None:
            return None
        if self.verdict != "open":
            return 0
        return max(0, needed(self.rate, self.baseline_rate) - min(self.trials, self.baseline_trials))

    @property
    def is_small(self) -> bool:
        """Whether nothing is missing and the verdict is open: shares that differ by less than LEAST_DIFFERENCE."""
        if self.rate is None or self.baseline_rate is None or self.more_needed != 0:
            return False
        return self.verdict == "open" and abs(self.rate - self.baseline_rate) < LEAST_DIFFERENCE


def compare(rows: Sequence[DrawnRow]) -> tuple[ComparisonRow, ...]:
    """Each version beside the oldest of its experiment; an experiment of which one version alone was drawn is none."""
    found = sorted(rows, key=lambda row: (row.experiment, _age(row.prompt_version)))
    return tuple(
        comparison
        for _, group in groupby(found, key=lambda row: row.experiment)
        for comparison in _compared(tuple(group))
    )


def probability_greater(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """The probability that the first share is the greater one, after so many trials and with nothing known before.

    Exact, for two Beta posteriors with flat priors; by the normal distribution where all four counts are large.
    """
    a, b = hits + 1, trials - hits + 1
    c, d = other_hits + 1, other_trials - other_hits + 1
    least = min(a, b, c, d)
    if least > MOST_TERMS:
        spread = math.sqrt(_variance(a, b) + _variance(c, d))
        return NormalDist().cdf((a / (a + b) - c / (c + d)) / spread)
    # The same probability, said of hits or of misses, or as 1 less its contrary: the shortest sum is taken.
    if least == a:
        return _sum(a, b, c, d)
    if least == c:
        return 1 - _sum(c, d, a, b)
    if least == d:
        return _sum(d, c, b, a)
    return 1 - _sum(b, a, d, c)


def needed(rate: float, other: float) -> int:
    """How many trials of each of two versions find such a difference in four of five cases, wrong in 5 % at most."""
    gap = max(abs(rate - other), LEAST_DIFFERENCE)
    middle = min(max((rate + other) / 2, gap / 2), 1 - gap / 2)
    low, high = middle - gap / 2, middle + gap / 2
    sure, found = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2), NormalDist().inv_cdf(POWER)
    reach = sure * math.sqrt(2 * middle * (1 - middle)) + found * math.sqrt(low * (1 - low) + high * (1 - high))
    return math.ceil((reach / gap) ** 2)


def _compared(rows: tuple[DrawnRow, ...]) -> Iterator[ComparisonRow]:
    first, *others = rows
    for row in others:
        for measure, (hits, trials), (first_hits, first_trials) in zip(
            ("success", "length", "good"), _measures(row), _measures(first), strict=True
        ):
            yield ComparisonRow(
                experiment=row.experiment,
                measure=measure,
                prompt_version=row.prompt_version,
                baseline=first.prompt_version,
                hits=hits,
                trials=trials,
                baseline_hits=first_hits,
                baseline_trials=first_trials,
            )


def _measures(row: DrawnRow) -> tuple[tuple[int, int], ...]:
    """Hits and trials of success, length and good stories."""
    return (
        (row.success, row.ended),
        (row.success, row.success + row.length_missed),
        (row.good_stories, row.ratings),
    )


def _sum(a: int, b: int, c: int, d: int) -> float:
    """P(X > Y) for X ~ Beta(a, b) and Y ~ Beta(c, d), as a sum of `a` terms."""
    terms = (
        math.exp(_log_beta(c + i, b + d) - math.log(b + i) - _log_beta(1 + i, b) - _log_beta(c, d)) for i in range(a)
    )
    return min(1.0, math.fsum(terms))


def _log_beta(a: int, b: int) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _variance(a: int, b: int) -> float:
    return a * b / ((a + b) ** 2 * (a + b + 1))


def _age(version: str) -> tuple[int, str]:
    """Versions are numbered as they are made."""
    number = version.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0, version)
